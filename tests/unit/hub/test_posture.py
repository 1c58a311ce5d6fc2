"""The map of the three connections: what callers say, what HUB saw, and never what is stale."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sottovoce.contracts import CertificateFacts, EdgePosture, Heartbeat, HubHello, Status
from sottovoce.errors import CallRefused
from sottovoce.hub.service.posture import posture
from sottovoce.policy import CONNECTIONS, Component

if TYPE_CHECKING:
    from tests.unit.hub.conftest import CallerMaker, Hub

START = datetime(2026, 11, 1, tzinfo=UTC)
LUI, TRK, HUB = Component.LUI, Component.TRK, Component.HUB


async def _map(hub: "Hub") -> dict[tuple[Component, Component], EdgePosture]:
    async with hub.database.read() as connection:
        edges = await posture(connection, hub.installation, hub.clock())
    return {(edge.caller, edge.called): edge for edge in edges}


async def _report(
    hub: "Hub", caller: "CallerMaker", component: Component, *edges: EdgePosture
) -> None:
    now = hub.clock()
    hello = HubHello(instance="i", version="1", started=now, listens=(), secured=True, now=now)
    await hub.roster.hello(caller(component), hello)
    if edges:
        await hub.roster.heartbeat(
            caller(component), Heartbeat(instance="i", status=Status(edges=edges))
        )


def _edge(caller: Component, called: Component, *, port: int = 1099) -> EdgePosture:
    return EdgePosture(
        caller=caller,
        called=called,
        port=port,
        state="secured",
        name=f"{called.value}.test",
        since=START,
        called_certificate=CertificateFacts(
            names=(f"{called.value}.test",),
            fingerprint="AB:CD",
            begins=START,
            ends=START + timedelta(days=90),
        ),
        known="AB:CD",
    )


async def test_exactly_the_three_connections_are_shown(hub: "Hub") -> None:
    edges = await _map(hub)

    assert tuple(edges) == CONNECTIONS
    assert {(edge.state, edge.code) for edge in edges.values()} == {("down", "never-seen")}
    assert [edge.port for edge in edges.values()] == [1099, 1099, 7000]


async def test_what_a_caller_says_of_its_connections_is_shown(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    to_hub, to_tracker = _edge(LUI, HUB), _edge(LUI, TRK, port=7001)
    await _report(hub, caller, LUI, to_hub, to_tracker)

    edges = await _map(hub)

    assert edges[LUI, HUB] == to_hub
    assert edges[LUI, TRK] == to_tracker
    assert edges[TRK, HUB].code == "never-seen"


async def test_nobody_s_word_counts_for_another_s_connection(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    await _report(hub, caller, TRK, _edge(LUI, TRK), _edge(TRK, HUB))

    edges = await _map(hub)

    assert edges[TRK, HUB].state == "secured"
    assert edges[LUI, TRK].code == "never-seen"


async def test_before_the_first_heartbeat_hub_says_what_it_saw(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    await _report(hub, caller, LUI)

    edges = await _map(hub)

    assert (edges[LUI, HUB].state, edges[LUI, HUB].name) == ("secured", "hub.test")
    assert (edges[LUI, TRK].state, edges[LUI, TRK].code) == ("down", "not-reported")


async def test_a_silent_component_s_connections_are_not_shown_as_standing(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    await _report(hub, caller, LUI, _edge(LUI, HUB), _edge(LUI, TRK, port=7001))
    hub.clock.advance(seconds=31)

    edges = await _map(hub)

    for called, port in ((HUB, 1099), (TRK, 7001)):
        edge = edges[LUI, called]
        assert (edge.state, edge.code, edge.port) == ("down", "silent", port)
        assert edge.fingerprint == ""


async def _refused(hub: "Hub", caller: "CallerMaker", *, server: str = "") -> None:
    now = hub.clock()
    hello = HubHello(
        instance="i2",
        version="1",
        started=now,
        listens=(),
        secured=True,
        now=now + timedelta(hours=1),
    )
    with pytest.raises(CallRefused):
        await hub.roster.hello(caller(server=server), hello)


async def test_a_refused_component_is_shown_with_the_reason(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    await _report(hub, caller, LUI, _edge(LUI, HUB), _edge(LUI, TRK))
    hub.clock.advance(seconds=5)
    await _refused(hub, caller)

    edges = await _map(hub)

    assert (edges[LUI, HUB].state, edges[LUI, HUB].code) == ("refused", "clock-skew")
    assert edges[LUI, TRK].state == "secured", "LUI's own word about TRK still stands"


async def test_a_refusal_is_over_with_the_next_good_hello(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    await _refused(hub, caller)
    first = (await _map(hub))[LUI, HUB]
    await _report(hub, caller, LUI, _edge(LUI, HUB))

    assert (first.state, first.code) == ("refused", "clock-skew")
    assert (await _map(hub))[LUI, HUB].state == "secured"


async def test_a_stranger_s_attempt_does_not_spoil_the_partner_s_connection(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    await _report(hub, caller, LUI, _edge(LUI, HUB))
    hub.clock.advance(seconds=5)
    await _refused(hub, caller, server="trk.test")

    assert (await _map(hub))[LUI, HUB].state == "secured"


async def test_the_only_attempt_ever_is_shown_even_from_the_wrong_server(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    """The usual slip at installation: LuiHost names another server than the one LUI runs on."""
    await _refused(hub, caller, server="lui2.test")

    edge = (await _map(hub))[LUI, HUB]

    assert (edge.state, edge.code) == ("refused", "component-unexpected")
