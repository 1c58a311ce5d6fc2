"""The history of the connections, and who was not let in: what is noted, and what is forgotten."""

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from sottovoce.contracts import (
    CertificateFacts,
    EdgePosture,
    Heartbeat,
    HubHello,
    Refusal,
    RefusedCaller,
    Status,
)
from sottovoce.errors import CallRefused
from sottovoce.hub import schema
from sottovoce.hub.service import EdgeChange, Refused, history
from sottovoce.hub.service.bounds import bounded_status
from sottovoce.hub.service.posture import posture
from sottovoce.hub.service.refused import MOST_KEPT, all_refused, keep_address, keep_refused
from sottovoce.policy import Component

if TYPE_CHECKING:
    from tests.unit.hub.conftest import CallerMaker, Hub

LUI, TRK, HUB = Component.LUI, Component.TRK, Component.HUB


def facts(hub: "Hub", fingerprint: str) -> CertificateFacts:
    now = hub.clock()
    return CertificateFacts(
        names=(f"{fingerprint.lower()}.test",),
        fingerprint=fingerprint,
        begins=now,
        ends=now + timedelta(days=30),
    )


def secured(hub: "Hub", called: Component, fingerprint: str = "HH") -> EdgePosture:
    return EdgePosture(
        caller=LUI,
        called=called,
        port=1099,
        state="secured",
        since=hub.clock(),
        caller_certificate=facts(hub, "LL"),
        called_certificate=facts(hub, fingerprint),
    )


class Reporter:
    """LUI, reporting in and giving signs of life."""

    def __init__(self, hub: "Hub", caller: "CallerMaker") -> None:
        self.hub, self.caller = hub, caller

    async def hello(self, **ahead: float) -> None:
        now = self.hub.clock()
        await self.hub.roster.hello(
            self.caller(),
            HubHello(
                instance="i", version="1", started=now, listens=(), secured=True,
                now=now + timedelta(**ahead),
            ),
        )  # fmt: skip

    async def beat(self, *edges: EdgePosture, refused: tuple[RefusedCaller, ...] = ()) -> None:
        status = Status(edges=edges, refused=refused)
        await self.hub.roster.heartbeat(self.caller(), Heartbeat(instance="i", status=status))


@pytest.fixture
def lui(hub: "Hub", caller: "CallerMaker") -> Reporter:
    return Reporter(hub, caller)


async def told(hub: "Hub") -> list[str]:
    """Return the history in words, the oldest first."""
    async with hub.database.read() as connection:
        rows = await history.changes(connection, limit=100)
    return [_words(row) for row in reversed(rows)]


def _words(row: EdgeChange) -> str:
    words = (f"{row.caller}-{row.called}", row.kind, row.before, row.after, row.code)
    return " ".join(str(word) for word in words if word)


async def look(hub: "Hub") -> dict[tuple[Component, Component], EdgePosture]:
    async with hub.database.write() as connection:
        await history.note(connection, hub.installation, hub.clock())
        found = await posture(connection, hub.installation, hub.clock())
    return {(edge.caller, edge.called): edge for edge in found}


async def test_changes_are_noted_once_each_and_nothing_before_the_first_sight(
    hub: "Hub", lui: Reporter
) -> None:
    await look(hub)
    assert await told(hub) == [], "that nobody has come yet is no change"
    await lui.hello()
    for _ in range(3):
        hub.clock.advance(seconds=5)
        await lui.beat(secured(hub, HUB), secured(hub, TRK, "TT"))
        await look(hub)
    assert await told(hub) == [
        "lui-hub state down secured",
        "lui-trk state not known secured",
    ], "the first certificates are no change"


async def test_a_renewed_certificate_is_a_change_and_silence_another(
    hub: "Hub", lui: Reporter
) -> None:
    await lui.hello()
    await lui.beat(secured(hub, HUB))
    before = len(await told(hub))
    hub.clock.advance(seconds=5)
    await lui.beat(secured(hub, HUB, "H2"))
    hub.clock.advance(seconds=31)
    edges = await look(hub)
    assert edges[LUI, HUB].since == hub.clock() - timedelta(seconds=31), "since the last word"
    hub.clock.advance(seconds=500)
    await look(hub)
    await lui.beat(secured(hub, HUB, "H2"))
    assert (await told(hub))[before:] == [
        "lui-hub certificate HH H2 hub",
        "lui-hub state secured down silent",
        "lui-hub state down secured",
    ], "the certificate that comes back is the one that was known"


async def test_a_refused_component_that_tries_on_is_one_change_until_it_is_over(
    hub: "Hub", lui: Reporter
) -> None:
    await lui.hello()
    await lui.beat(secured(hub, HUB))
    before = len(await told(hub))
    hub.clock.advance(seconds=5)
    for _ in range(4):
        hub.clock.advance(seconds=20)
        with pytest.raises(CallRefused):
            await lui.hello(hours=1)
    last = hub.clock()
    hub.clock.advance(seconds=5)
    await lui.hello()
    await lui.beat(secured(hub, HUB))
    edges = await look(hub)
    refusal = edges[LUI, HUB].refusal
    assert refusal is not None
    assert (refusal.at, refusal.code, refusal.by) == (last, "clock-skew", "called")
    assert "set the clock" in refusal.message.lower()
    assert (await told(hub))[before:] == [
        "lui-hub state secured refused clock-skew",
        "lui-hub state refused secured",
    ]


async def test_a_refusal_that_the_caller_met_is_noted_when_it_is_told(
    hub: "Hub", lui: Reporter
) -> None:
    """LUI tells of TRK's refusal over HUB; the same again within the hour is no news."""
    await lui.hello()
    start = hub.clock()
    refusals = [(0, "revoked"), (10, "revoked"), (20, "expired"), (21, "expired"), (100, "expired")]
    await lui.beat(secured(hub, TRK, "TT"))
    before = len(await told(hub))
    for minutes, code in refusals:
        hub.clock.now = start + timedelta(minutes=minutes)
        refusal = Refusal(at=hub.clock(), code=code, by="called")
        await lui.beat(msgspec.structs.replace(secured(hub, TRK, "TT"), refusal=refusal))
    assert (await told(hub))[before:] == [
        "lui-trk refusal called revoked",
        "lui-trk refusal called expired",
        "lui-trk refusal called expired",
    ]


def stranger(hub: "Hub", code: str = "issuer-unknown", **parts: object) -> RefusedCaller:
    return RefusedCaller(
        at=hub.clock(), port=1099, address="192.0.2.7", code=code, message="No.",
        **parts,  # type: ignore[arg-type]
    )  # fmt: skip


async def refuse(hub: "Hub", *callers: RefusedCaller, called: Component = HUB) -> None:
    async with hub.database.write() as connection:
        await keep_refused(connection, called, callers)


async def test_who_claims_a_partners_name_spoils_nothing_while_that_one_is_heard(
    hub: "Hub", lui: Reporter
) -> None:
    await lui.hello()
    await lui.beat(secured(hub, HUB))
    hub.clock.advance(seconds=5)
    await refuse(hub, stranger(hub, names=("LUI.test.",)))
    edge = (await look(hub))[LUI, HUB]
    assert (edge.state, edge.refusal) == ("secured", None)
    hub.clock.advance(seconds=31)
    edge = (await look(hub))[LUI, HUB]
    assert (edge.state, edge.code) == ("refused", "issuer-unknown")
    assert edge.refusal is not None
    assert "192.0.2.7" in edge.refusal.message, "with from where"
    hub.clock.advance(minutes=5)
    edge = (await look(hub))[LUI, HUB]
    assert (edge.state, edge.code) == ("down", "silent"), "it does not try any more"


async def test_a_nameless_caller_is_the_partner_by_its_address_only(
    hub: "Hub", lui: Reporter
) -> None:
    """A server that was switched back to plain cannot say who it is (P1)."""
    await lui.hello()
    async with hub.database.write() as connection:
        await keep_address(connection, LUI, "192.0.2.7")
    hub.clock.advance(seconds=40)
    await refuse(hub, stranger(hub, "closed-early"))
    assert (await look(hub))[LUI, HUB].code == "silent", "a port scan is nobody's attempt"
    await refuse(hub, stranger(hub, "plaintext-peer"))
    edges = await look(hub)
    assert (edges[LUI, HUB].state, edges[LUI, HUB].code) == ("refused", "plaintext-peer")
    assert "192.0.2.7" in edges[LUI, HUB].message
    assert edges[TRK, HUB].code == "never-seen"


async def test_another_component_of_a_server_is_not_taken_for_its_neighbour(hub: "Hub") -> None:
    await refuse(hub, stranger(hub, names=("lui.test",), component="trk"))
    assert (await look(hub))[LUI, HUB].code == "never-seen"
    await refuse(hub, stranger(hub, "expired", names=("lui.test",), component="lui"))
    assert (await look(hub))[LUI, HUB].code == "expired"


async def test_trk_tells_who_was_refused_at_its_port(hub: "Hub", caller: "CallerMaker") -> None:
    trk = Reporter(hub, lambda: caller(TRK))
    await trk.hello()
    await trk.beat(refused=(stranger(hub, names=("lui.test",)),))
    edge = (await look(hub))[LUI, TRK]
    assert edge.code == "never-seen", "whether LUI reaches TRK, only LUI says"
    assert edge.refusal is not None
    async with hub.database.read() as connection:
        assert [each.called for each in await all_refused(connection)] == [TRK]


async def test_the_same_stranger_is_one_row_and_the_oldest_are_forgotten(hub: "Hub") -> None:
    for number in range(MOST_KEPT + 20):
        hub.clock.advance(seconds=1)
        caller = msgspec.structs.replace(stranger(hub), address=f"10.0.{number // 250}.{number}")
        await refuse(hub, caller, stranger(hub))
    async with hub.database.read() as connection:
        kept: tuple[Refused, ...] = await all_refused(connection)
    assert len(kept) == MOST_KEPT
    addresses = [each.caller.address for each in kept]
    assert addresses.count("192.0.2.7") == 1
    assert "10.0.0.0" not in addresses


async def test_old_changes_and_too_many_are_pruned(
    hub: "Hub", lui: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lui.hello()
    await lui.beat(secured(hub, HUB))
    hub.clock.advance(days=399)
    await lui.beat(secured(hub, HUB, "H2"))
    hub.clock.advance(days=2)
    async with hub.database.write() as connection:
        gone = await history.prune(connection, hub.clock())
    assert gone > 0
    left = await told(hub)
    assert "lui-hub certificate HH H2 hub" in left
    monkeypatch.setattr(history, "MOST_KEPT", 1)
    async with hub.database.write() as connection:
        await history.prune(connection, hub.clock())
        rows = (await connection.execute(sa.select(schema.edge_change))).all()
    assert len(rows) == 1


def test_what_a_component_reports_is_cut_to_size_and_to_its_own(hub: "Hub") -> None:
    now = hub.clock()
    long = "x\n" * 5000
    later = now + timedelta(days=9)
    edge = msgspec.structs.replace(
        secured(hub, HUB), name=long, message=long, code=long, since=later, known=long,
        refusal=Refusal(at=later.replace(tzinfo=None), code=long, message=long, by=long),
    )  # fmt: skip
    foreign = msgspec.structs.replace(edge, caller=TRK)
    reverse = msgspec.structs.replace(edge, caller=LUI, called=LUI)
    odd = msgspec.structs.replace(secured(hub, TRK), state="<b>fine</b>")
    strangers = tuple(stranger(hub, str(number), names=(long,) * 99) for number in range(99))
    status = Status(
        edges=(edge, foreign, reverse, odd, edge), refused=strangers, roots=(long,) * 99,
        issuer=long, renewal=long, trust_rev=long,
    )  # fmt: skip
    bounded = bounded_status(status, LUI, now)
    assert [(each.caller, each.called) for each in bounded.edges] == [(LUI, HUB)]
    kept = bounded.edges[0]
    assert kept.since == now
    assert kept.refusal is not None
    assert (kept.refusal.at, kept.refusal.by) == (now, "")
    assert len(msgspec.json.encode(bounded)) < 1_000_000
    assert "\n" not in kept.message + kept.name + kept.refusal.message
    assert kept.message.startswith("LUI says: "), "its “this server” is not HUB's"
    assert bounded.refused[-1].code == "98", "the newest are kept"
