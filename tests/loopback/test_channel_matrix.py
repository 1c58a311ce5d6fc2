"""Cause × side → what each side logs, what it is told, and what the caller's program gets.

Both ends of every failure are asserted: W4, W8, W9, catalogue B.0 to B.5, A, N, T.
"""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from sottovoce.errors import ChannelError, HandshakeFailed, NotAdmitted
from sottovoce.net import Outcome
from sottovoce.policy import Component
from sottovoce.testing import Party, listening


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cause.

    Args:
        cause: its name.
        hub, lui: which generation of the world each side has.
        logged: the code in HUB's log; by: who refused, as HUB sees it; told: what LUI was told.
        error: class and code of LUI's error; first: its first fault; phase: where it happened.
        hint: the code that reaches HUB as an unverified hint.
        ids: whether both logs have the same connection id.
    """

    cause: str
    logged: str
    error: tuple[type[ChannelError], str]
    first: str
    phase: str
    hub: str = "hub"
    lui: str = "lui"
    hub_name: str = "hub.test"
    lui_name: str = "lui.test"
    by: str = "us"
    told: tuple[str, ...] = ()
    hint: str = ""
    ids: bool = True
    options: dict[str, Any] = field(default_factory=dict)


def by_hub_in_tls(cause: str, code: str, alert: str, **parts: Any) -> Case:
    return Case(
        cause=cause,
        logged=code,
        told=(f"alert {alert}",),
        error=(HandshakeFailed, "refused-by-peer"),
        first=code,
        phase="greeting",
        **parts,
    )


def by_hub_in_the_gate(cause: str, code: str, *more: str, **parts: Any) -> Case:
    return Case(
        cause=cause,
        logged=code,
        told=(code, *more),
        error=(NotAdmitted, "refused-by-peer"),
        first=code,
        phase="greeting",
        **parts,
    )


def by_lui_in_tls(cause: str, code: str, **parts: Any) -> Case:
    return Case(
        cause=cause,
        # HUB sees an alert alone, and what is wrong with its own certificate.
        logged=code,
        by="peer",
        hint=code,
        error=(HandshakeFailed, code),
        first=code,
        phase="tls",
        **parts,
    )


def by_lui_in_the_gate(cause: str, code: str, **parts: Any) -> Case:
    return Case(
        cause=cause,
        logged=code,
        by="peer",
        error=(NotAdmitted, code),
        first=code,
        phase="greeting",
        **parts,
    )


TOLD_IN_PLAIN = (
    "sottovoce: this port speaks only to its partners, and only over mutual TLS. "
    "Secure that server too: security is all or nothing."
)

CASES = [
    by_hub_in_tls(
        "T3 the caller's CA is a stranger", "root-untrusted", "unknown_ca", lui="lui_foreign"
    ),
    by_hub_in_tls(
        "V1 the caller's certificate expired",
        "certificate-expired",
        "certificate_expired",
        lui="lui_expired",
    ),
    by_hub_in_tls(
        "V3 the caller's is not yet valid", "not-yet-valid", "bad_certificate", lui="lui_early"
    ),
    by_hub_in_tls(
        "X7 the caller's is for servers only",
        "purpose-client-missing",
        "unsupported_certificate",
        lui="lui_server_only",
    ),
    by_hub_in_tls(
        "T4 the caller has no certificate", "no-certificate", "certificate_required", lui="lui_bare"
    ),
    by_hub_in_tls(
        "R1 the caller's was revoked", "revoked", "certificate_revoked", hub="hub_revoking"
    ),
    by_hub_in_the_gate("R3 no list of its issuer", "revocation-unknown", hub="hub_no_list"),
    by_hub_in_the_gate("R4 the list is too old", "revocation-list-expired", hub="hub_old_list"),
    by_hub_in_the_gate("A1 the caller is not in the list", "not-in-allowed-list", hub="hub_lonely"),
    by_hub_in_the_gate(
        "A1 nobody knows the caller", "not-in-allowed-list", lui="evil", lui_name="evil.test"
    ),
    by_hub_in_the_gate(
        "N1 the caller announces another name", "announced-name-mismatch", lui_name="trk.test"
    ),
    by_hub_in_the_gate(
        "the caller's role is not granted",
        "role-not-granted",
        "component-unexpected",
        options={"component": Component.TRK},
    ),
    by_hub_in_the_gate(
        "the component is expected elsewhere", "component-unexpected", hub="hub_elsewhere"
    ),
    by_lui_in_tls("T2 the server's CA is a stranger", "root-untrusted", lui="lui_distrusting"),
    by_lui_in_tls("T2 the server has another CA", "root-untrusted", hub="hub_foreign"),
    by_lui_in_tls("V1 the server's certificate expired", "certificate-expired", hub="hub_expired"),
    by_lui_in_tls("V3 the server's is not yet valid", "not-yet-valid", hub="hub_early"),
    by_lui_in_tls(
        "X6 the server's is for clients only", "purpose-server-missing", hub="hub_client_only"
    ),
    by_lui_in_tls("R1 the server's was revoked", "revoked", lui="lui_revoking"),
    by_lui_in_the_gate(
        "R4 the caller's list is too old", "revocation-list-expired", lui="lui_old_list"
    ),
    by_lui_in_the_gate("A1 the server is not in the list", "not-in-allowed-list", lui="lui_lonely"),
    by_lui_in_the_gate(
        "N1 another name was dialled", "name-mismatch", options={"dial": "trk.test"}
    ),
    by_lui_in_the_gate(
        "N1 the server announces another name", "announced-name-mismatch", hub_name="trk.test"
    ),
    Case(
        cause="P1 a plain caller, a secured server",
        lui="plain",
        logged="plaintext-peer",
        told=(TOLD_IN_PLAIN,),
        error=(HandshakeFailed, "mode-mismatch"),
        first="mode-mismatch",
        phase="preamble",
        ids=False,
    ),
    Case(
        cause="P2 a secured caller, a plain server",
        hub="plain",
        logged="mode-mismatch",
        told=("sottovoce/1 plain",),
        error=(HandshakeFailed, "peer-not-secured"),
        first="peer-not-secured",
        phase="tls",
        ids=False,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.cause)
async def test_both_sides_know_why(case: Case, world: SimpleNamespace) -> None:
    hub = Party(case.hub_name, getattr(world, case.hub))
    lui = Party(case.lui_name, getattr(world, case.lui))
    async with listening(hub) as listener:
        with pytest.raises(ChannelError) as caught:
            await lui.connect(listener.port, **case.options)
        refusal = await hub.logged(Outcome.REFUSED)
        if case.hint:
            hint = await hub.logged(Outcome.HINT)
            assert hint.code == case.hint
            assert "nobody vouches for" in hint.faults[0].why
            assert hint.faults[0].hint == "The details are in the other side's security.log."
            explained = await hub.logged(Outcome.EXPLAINED)
            assert explained.refers_to == refusal.connection_id
    error = caught.value
    assert (type(error), error.code) == case.error
    assert error.faults[0].code == case.first
    assert error.phase == case.phase
    assert (refusal.code, refusal.refused_by, refusal.told) == (case.logged, case.by, case.told)
    assert len(hub.of(Outcome.REFUSED)) == len(lui.of(Outcome.REFUSED)) == 1
    (own,) = lui.records
    assert own.code == case.first
    assert own.phase == case.phase
    assert own.refused_by == ("peer" if error.code == "refused-by-peer" else "us")
    if case.ids:
        assert error.connection_id == own.connection_id == refusal.connection_id
    assert not hub.of(Outcome.ACCEPTED)
    for record in (*hub.records, *lui.records):
        assert all(fault.why.isprintable() for fault in record.faults)


async def test_two_partners_are_connected_and_both_logs_say_so(world: SimpleNamespace) -> None:
    """W8: names, fingerprints, tunnel and the same connection id on both sides."""
    hub, lui = Party("hub.test", world.hub), Party("lui.test", world.lui)
    async with listening(hub) as listener:
        channel = await lui.connect(listener.port)
        accepted = await hub.logged(Outcome.ACCEPTED)
        await channel.aclose()
        closed = await hub.logged(Outcome.CLOSED)
    mine = lui.of(Outcome.ACCEPTED)[0]
    assert mine.connection_id == accepted.connection_id == closed.connection_id
    assert accepted.names == ("lui.test",)
    assert mine.names == ("hub.test",)
    assert accepted.tunnel is not None
    assert accepted.tunnel.version == "TLSv1.3"
    assert closed.detail == "the caller said goodbye: done"
    assert lui.of(Outcome.CLOSED)[0].detail == "closed by this side"


async def test_two_plain_servers_are_connected(world: SimpleNamespace) -> None:
    """W3: plain is possible, and said to be plain."""
    hub, lui = Party("hub.test"), Party("lui.test")
    async with listening(hub) as listener, await lui.connect(listener.port) as channel:
        assert channel.facts.identity is None
        accepted = await hub.logged(Outcome.ACCEPTED)
        assert not accepted.secured
        assert accepted.fingerprint == ""


async def test_when_both_refuse_each_has_its_own_reason_first(world: SimpleNamespace) -> None:
    hub = Party("hub.test", world.hub_lonely)
    lui = Party("lui.test", world.lui_lonely)
    async with listening(hub) as listener:
        with pytest.raises(NotAdmitted) as caught:
            await lui.connect(listener.port)
        await hub.logged(Outcome.REFUSED)
    whys = [fault.why for fault in caught.value.faults]
    assert [fault.code for fault in caught.value.faults] == ["not-in-allowed-list"] * 2
    assert "refused this server" in whys[0]
    assert "is not in SSLAllowedClients" in whys[1]
    assert "lui.test is not in" not in "".join(whys), "the other side's list stays private"


async def test_a_refusal_names_no_other_server_to_the_refused(world: SimpleNamespace) -> None:
    """DESIGN §4: told codes about its own certificate, never anything about other peers."""
    hub, lui = Party("hub.test", world.hub_lonely), Party("lui.test", world.lui)
    async with listening(hub) as listener:
        with pytest.raises(NotAdmitted) as caught:
            await lui.connect(listener.port)
    text = "".join(f"{f.why}{f.expected}{f.presented}{f.hint}" for f in caught.value.faults)
    assert "trk.test" not in text
    assert "trk.test" in hub.of(Outcome.REFUSED)[0].faults[0].why


async def test_with_explanations_turned_off_there_is_the_alert_alone(
    world: SimpleNamespace,
) -> None:
    """``ExplainRefusals=no``."""
    hub = Party("hub.test", world.hub, explain_refusals=False)
    lui = Party("lui.test", world.lui_foreign)
    async with listening(hub) as listener:
        with pytest.raises(HandshakeFailed) as caught:
            await lui.connect(listener.port)
    assert caught.value.code == "refused-by-peer"
    # A look at its own certificate is all that LUI has besides.
    (fault,) = caught.value.faults
    assert fault.code == "root-untrusted"
    assert "the alert unknown_ca. This server's own certificate is the reason" in fault.why
    assert [record.outcome for record in hub.records] == [Outcome.REFUSED]
