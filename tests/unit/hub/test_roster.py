"""The roster: who may report in, and what HUB remembers of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from sottovoce import __version__
from sottovoce.contracts import Heartbeat, HubHello, RosterRow, Status
from sottovoce.errors import CallRefused
from sottovoce.hub import schema
from sottovoce.hub.service import CLOCK_SKEW_ALLOWED, Installation, RosterKeeper
from sottovoce.policy import Component

if TYPE_CHECKING:
    from tests.unit.hub.conftest import CallerMaker, Hub


def _hello(now: datetime, *, instance: str = "i1", secured: bool = True) -> HubHello:
    return HubHello(
        instance=instance,
        version="1.2",
        started=now - timedelta(minutes=1),
        listens=("127.0.0.3:1099",),
        secured=secured,
        now=now,
    )


async def _row(hub: "Hub", component: Component) -> RosterRow:
    rows = (await hub.roster.roster()).rows
    return next(row for row in rows if row.component is component)


async def test_a_component_that_reports_in_is_welcomed(hub: "Hub", caller: "CallerMaker") -> None:
    await hub.registry.put(Component.LUI, "LogLevel", "debug", actor="test")

    welcome = await hub.roster.hello(caller(), _hello(hub.clock()))

    assert len(welcome.install_id) == 16
    assert welcome.settings_rev == 1
    assert welcome.heartbeat_interval == 10.0
    assert welcome.hub_time == hub.clock()


async def test_the_roster_tells_version_mode_and_last_sign_of_life(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    await hub.roster.hello(caller(), _hello(hub.clock()))
    hub.clock.advance(seconds=10)
    status = Status(queue=7, lag_seconds=1.5, disk_free=10**9)
    reply = await hub.roster.heartbeat(caller(), Heartbeat(instance="i1", status=status))
    seen = hub.clock()
    hub.clock.advance(seconds=5)

    assert (reply.settings_rev, reply.commands) == (0, ())
    assert (await hub.roster.roster()).rows == (
        RosterRow(
            component=Component.HUB,
            server="hub.test",
            secured=True,
            version=__version__,
            last_seen=hub.clock(),
        ),
        RosterRow(
            component=Component.LUI,
            server="lui.test",
            secured=True,
            version="1.2",
            last_seen=seen,
            status=status,
        ),
        RosterRow(component=Component.TRK, server="trk.test", secured=False),
    )


@pytest.mark.parametrize("server", ["LUI.test", "lui.test."])
async def test_case_and_a_trailing_dot_make_no_other_server(
    hub: "Hub", caller: "CallerMaker", server: str
) -> None:
    await hub.roster.hello(caller(server=server), _hello(hub.clock()))
    await hub.roster.heartbeat(caller(), Heartbeat(instance="i1", status=Status()))

    assert (await _row(hub, Component.LUI)).last_seen == hub.clock()


async def test_a_component_on_another_server_is_refused(hub: "Hub", caller: "CallerMaker") -> None:
    """The server is known from the channel; an allowed server is not yet the right one."""
    with pytest.raises(CallRefused) as caught:
        await hub.roster.hello(caller(server="trk.test"), _hello(hub.clock()))

    assert caught.value.code == "component-unexpected"
    assert caught.value.message == (
        "LUI reports from trk.test, but HUB expects it on lui.test. Correct LuiHost in "
        "hub/hub.ini on hub.test, or stop the LUI on trk.test."
    )
    assert (await _row(hub, Component.LUI)).last_seen is None


async def test_a_second_hub_is_refused(hub: "Hub", caller: "CallerMaker") -> None:
    with pytest.raises(CallRefused) as caught:
        await hub.roster.hello(caller(Component.HUB, "hub2.test"), _hello(hub.clock()))

    assert caught.value.code == "component-unexpected"


async def test_while_a_server_is_renamed_it_is_where_hub_expects_it_by_either_name(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    """Issue 5 (7): what the certificate proves counts, so that the order of restarts does not."""
    renamed = replace(caller(server="mail.test"), names=("lui.test", "mail.test"))
    hello = _hello(hub.clock())

    await hub.roster.hello(renamed, hello)
    await hub.roster.heartbeat(renamed, Heartbeat(instance=hello.instance, status=Status()))

    row = next(row for row in (await hub.roster.roster()).rows if row.component is Component.LUI)
    assert (row.server, row.status is not None) == ("lui.test", True)
    with pytest.raises(CallRefused) as caught:
        await hub.roster.hello(replace(renamed, names=("mail.test",)), hello)
    assert caught.value.code == "component-unexpected"


@pytest.mark.parametrize(
    ("ours", "channel", "said", "not_secured"),
    [
        (True, False, False, "lui.test"),
        (True, True, False, "lui.test"),
        (True, False, True, "lui.test"),
        (False, True, True, "hub.test"),
        (False, False, True, "hub.test"),
    ],
)
async def test_a_half_secured_installation_is_named_as_such(
    hub: "Hub", caller: "CallerMaker", *, ours: bool, channel: bool, said: bool, not_secured: str
) -> None:
    """W4: all or nothing, in both directions; neither the channel nor the word alone is enough."""
    installation = Installation(
        own_name="hub.test",
        secured=ours,
        servers={Component.LUI: "lui.test"},
        heartbeat_interval=10,
    )
    keeper = RosterKeeper(hub.database, installation=installation, clock=hub.clock)

    with pytest.raises(CallRefused) as caught:
        await keeper.hello(caller(secured=channel), _hello(hub.clock(), secured=said))

    assert caught.value.code == "mode-mismatch"
    assert f"Give {not_secured} its commands/ssl.ini" in caught.value.message
    assert "all servers or none" in caught.value.message


async def test_a_plain_installation_welcomes_plain_components(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    """W3."""
    installation = Installation(
        own_name="hub.test",
        secured=False,
        servers={Component.LUI: "lui.test"},
        heartbeat_interval=10,
    )
    keeper = RosterKeeper(hub.database, installation=installation, clock=hub.clock)

    welcome = await keeper.hello(caller(secured=False), _hello(hub.clock(), secured=False))

    assert welcome.hub_time == hub.clock()


@pytest.mark.parametrize("sign", [1, -1])
async def test_a_clock_that_is_far_off_is_refused_with_both_times(
    hub: "Hub", caller: "CallerMaker", sign: int
) -> None:
    theirs = hub.clock() + sign * timedelta(hours=3, minutes=12, seconds=5)

    with pytest.raises(CallRefused) as caught:
        await hub.roster.hello(caller(), _hello(theirs))

    assert caught.value.code == "clock-skew"
    assert f"{theirs:%Y-%m-%d %H:%M:%S} UTC" in caught.value.message
    assert "2026-11-23 12:00:00 UTC" in caught.value.message
    assert "192 min 5 s apart, at most 5 min" in caught.value.message


@pytest.mark.parametrize("sign", [1, -1])
async def test_a_clock_that_is_a_little_off_is_noted(
    hub: "Hub", caller: "CallerMaker", sign: int
) -> None:
    await hub.roster.hello(caller(), _hello(hub.clock() + sign * CLOCK_SKEW_ALLOWED))
    async with hub.database.read() as connection:
        offset = (await connection.execute(sa.select(schema.component.c.clock_offset))).scalar()

    assert offset == sign * 300.0


async def test_a_time_without_a_zone_is_taken_as_utc(hub: "Hub", caller: "CallerMaker") -> None:
    naive = hub.clock().replace(tzinfo=None)

    welcome = await hub.roster.hello(caller(), _hello(naive))

    assert welcome.hub_time == hub.clock()


async def test_a_heartbeat_without_hello_asks_for_one(hub: "Hub", caller: "CallerMaker") -> None:
    with pytest.raises(CallRefused) as caught:
        await hub.roster.heartbeat(caller(), Heartbeat(instance="i1", status=Status()))

    assert caught.value.code == "hello-first"


async def test_after_a_restart_the_old_instance_is_no_longer_known(
    hub: "Hub", caller: "CallerMaker"
) -> None:
    await hub.roster.hello(caller(), _hello(hub.clock()))
    await hub.roster.heartbeat(caller(), Heartbeat(instance="i1", status=Status(queue=3)))
    await hub.roster.hello(caller(), _hello(hub.clock(), instance="i2"))

    with pytest.raises(CallRefused) as caught:
        await hub.roster.heartbeat(caller(), Heartbeat(instance="i1", status=Status()))

    assert caught.value.code == "hello-first"
    assert (await _row(hub, Component.LUI)).status is None


async def test_one_component_cannot_speak_for_another(hub: "Hub", caller: "CallerMaker") -> None:
    """Even with its instance: component and server come from the channel."""
    await hub.roster.hello(caller(), _hello(hub.clock()))

    for stranger in (caller(Component.TRK), caller(server="trk.test")):
        with pytest.raises(CallRefused) as caught:
            await hub.roster.heartbeat(stranger, Heartbeat(instance="i1", status=Status()))
        assert caught.value.code == "hello-first"


async def test_refusals_are_audited_once_for_each_reason(hub: "Hub", caller: "CallerMaker") -> None:
    for _ in range(3):
        with pytest.raises(CallRefused):
            await hub.roster.hello(caller(secured=False), _hello(hub.clock()))
    with pytest.raises(CallRefused):
        await hub.roster.hello(caller(), _hello(hub.clock() + timedelta(days=1)))
    await hub.roster.hello(caller(), _hello(hub.clock()))
    async with hub.database.read() as connection:
        table = schema.audit
        query = sa.select(table.c.verb, table.c.subject, table.c.detail).order_by(table.c.seq)
        rows = (await connection.execute(query)).all()
        left = (await connection.execute(sa.select(schema.refusal))).all()

    assert [(row.verb, row.detail.split(":")[0]) for row in rows] == [
        ("component-refused", "mode-mismatch"),
        ("component-refused", "clock-skew"),
        ("component-reported", "version 1.2, secured"),
    ]
    assert {row.subject for row in rows} == {"LUI on lui.test"}
    assert left == []


async def test_silence_is_noticed_after_three_intervals(hub: "Hub", caller: "CallerMaker") -> None:
    await hub.roster.hello(caller(), _hello(hub.clock()))
    hub.clock.advance(seconds=30)
    before = await hub.roster.silent()
    hub.clock.advance(seconds=1)
    after = await hub.roster.silent()
    await hub.roster.heartbeat(caller(), Heartbeat(instance="i1", status=Status()))

    assert (before, after) == (frozenset(), frozenset({Component.LUI}))
    assert await hub.roster.silent() == frozenset()
