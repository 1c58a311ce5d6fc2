"""The forecast over the connections of a plain installation: which would break, and why."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.contracts import PreparedSwitch
from sottovoce.hub.service import ServerStanding, foretell
from sottovoce.pki import fingerprint
from sottovoce.policy import Component
from sottovoce.testing import ThrowAwayAuthority

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HUB, LUI, TRK = Component.HUB, Component.LUI, Component.TRK
NAMES = {component: f"{component}.example" for component in Component}


@pytest.fixture(scope="module")
def authority() -> ThrowAwayAuthority:
    return ThrowAwayAuthority(at=NOW)


@pytest.fixture(scope="module")
def other() -> ThrowAwayAuthority:
    return ThrowAwayAuthority("Another root", at=NOW)


@pytest.fixture(scope="module")
def reports(authority: ThrowAwayAuthority) -> Mapping[Component, PreparedSwitch]:
    return {component: _report(component, authority) for component in Component}


def _report(component: Component, authority: ThrowAwayAuthority) -> PreparedSwitch:
    chain = authority.issue(NAMES[component], roles=[component]).chain
    return PreparedSwitch(
        rev="1",
        server=NAMES[component],
        chain=tuple(each.public_bytes(Encoding.DER) for each in (*chain, authority.root)),
        roots=(fingerprint(authority.root),),
        allowed=tuple(NAMES.values()),
        dials={"lui-hub": NAMES[HUB], "trk-hub": NAMES[HUB], "lui-trk": NAMES[TRK]},
        expects={"lui": NAMES[LUI], "trk": NAMES[TRK]},
    )


def _broken(
    reports: Mapping[Component, PreparedSwitch | None], *, silent: Component | None = None
) -> dict[str, set[str]]:
    servers = [
        ServerStanding(
            name=NAMES[component],
            components=(component,),
            heard=component is not silent,
            report=report,
        )
        for component, report in reports.items()
    ]
    plan = foretell(servers, NOW)
    assert plan.ready is not any(edge.faults for edge in plan.edges)
    assert plan.word("7").ready is plan.ready
    return {
        f"{edge.caller}-{edge.called}": {fault.code for fault in edge.faults}
        for edge in plan.edges
        if edge.faults
    }


def test_what_fits_together_would_work(reports: Mapping[Component, PreparedSwitch]) -> None:
    assert _broken(reports) == {}


@pytest.mark.parametrize(
    ("whose", "changes", "expected"),
    [
        (LUI, {"allowed": (NAMES[LUI], NAMES[HUB])}, {"lui-trk": "not-in-allowed-list"}),
        (HUB, {"allowed": (NAMES[HUB], NAMES[LUI])}, {"trk-hub": "not-in-allowed-list"}),
        (LUI, {"dials": {"lui-hub": "hub", "lui-trk": NAMES[TRK]}}, {"lui-hub": "name-mismatch"}),
        (LUI, {"dials": {"lui-hub": NAMES[HUB]}}, {"lui-trk": "switch-not-prepared"}),
        (TRK, {"expects": {"lui": "front.example"}}, {"lui-trk": "component-unexpected"}),
        (TRK, {"server": "t.example"}, {"trk-hub": "announced-name-mismatch"}),
        (TRK, {"roots": ()}, {"lui-trk": "root-untrusted"}),
        (TRK, {"chain": ()}, {"trk-hub": "no-certificate", "lui-trk": "no-certificate"}),
        (TRK, {"code": "key-usage"}, {"trk-hub": "key-usage", "lui-trk": "key-usage"}),
    ],
)
def test_one_difference_breaks_the_connections_that_it_concerns(
    reports: Mapping[Component, PreparedSwitch],
    whose: Component,
    changes: dict[str, Any],
    expected: dict[str, str],
) -> None:
    changed = msgspec.structs.replace(reports[whose], **changes)
    broken = _broken({**reports, whose: changed})
    for edge, code in expected.items():
        assert code in broken[edge]
    assert "lui-hub" not in broken or whose is not TRK


def test_a_root_that_the_others_do_not_trust(
    reports: Mapping[Component, PreparedSwitch], other: ThrowAwayAuthority
) -> None:
    broken = _broken({**reports, LUI: _report(LUI, other)})
    assert set(broken) == {"lui-hub", "lui-trk"}


def test_a_certificate_that_has_ended(
    reports: Mapping[Component, PreparedSwitch], authority: ThrowAwayAuthority
) -> None:
    old = authority.issue(NAMES[HUB], roles=[HUB], not_after=NOW - timedelta(seconds=1)).chain
    der = tuple(each.public_bytes(Encoding.DER) for each in (*old, authority.root))
    broken = _broken({**reports, HUB: msgspec.structs.replace(reports[HUB], chain=der)})
    assert broken == {"lui-hub": {"certificate-expired"}, "trk-hub": {"certificate-expired"}}


def test_who_is_not_prepared_or_not_heard(reports: Mapping[Component, PreparedSwitch]) -> None:
    missing = {"trk-hub": {"switch-not-prepared"}, "lui-trk": {"switch-not-prepared"}}
    assert _broken({**reports, TRK: None}) == missing
    assert _broken(reports, silent=TRK) == missing
    # Whoever has moved its switch and fell silent then has been restarted.
    moved = msgspec.structs.replace(reports[TRK], moved=True)
    assert _broken({**reports, TRK: moved}, silent=TRK) == {}
