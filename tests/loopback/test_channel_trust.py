"""Trust goes on while channels stand: judged again, cut off, left in good order, never outlived."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sottovoce.errors import ChannelClosed, ChannelError, NotAdmitted, NotCarriedOut, RemoteFault
from sottovoce.net import Destination, Outcome, Peer, utc_now
from sottovoce.net.peer import ROTATE_AFTER
from sottovoce.policy import Component
from sottovoce.rpc import Hello, Refused
from sottovoce.testing import EchoCalls, Echoing, Party, Text, ThrowAwayAuthority, listening
from sottovoce.testing.playbook import messages_in
from sottovoce.tls import TrustGeneration


class SetClock:
    """A moment that passes when told."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture
def hub(world: SimpleNamespace) -> Party:
    return Party("hub.test", world.hub)


@pytest.fixture
def lui(world: SimpleNamespace) -> Party:
    return Party("lui.test", world.lui)


def peer_of(lui: Party, port: int) -> Peer:
    destination = Destination(
        name="hub.test", port=port, address="127.0.0.1", component=Component.HUB
    )
    return Peer(lui.endpoint, component=Component.LUI, destination=destination)


async def until(holds: Callable[[], object]) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
        await asyncio.sleep(0)


# Judged again.


async def test_a_channel_is_judged_again_by_what_is_known_of_it(
    hub: Party, lui: Party, world: SimpleNamespace
) -> None:
    async with listening(hub) as port, await lui.connect(port.port) as channel:
        (served,) = port.channels
        assert [served.judge_again(world.hub), channel.judge_again(world.lui)] == [(), ()]
        assert [fault.code for fault in served.judge_again(world.hub_revoking)] == ["revoked"]
        assert [fault.code for fault in served.judge_again(world.hub_lonely)] == [
            "not-in-allowed-list"
        ]
        assert [fault.code for fault in served.judge_again(world.hub_elsewhere)] == [
            "component-unexpected"
        ]
        assert [fault.code for fault in channel.judge_again(world.lui_revoking)] == ["revoked"]


async def test_on_a_plain_channel_there_is_nobody_to_judge(world: SimpleNamespace) -> None:
    async with listening(Party("hub.test")) as port:
        channel = await Party("lui.test").connect(port.port)
        (served,) = port.channels
        assert channel.judge_again(world.lui_revoking) == ()
        assert served.judge_again(world.hub_revoking) == ()
        await channel.aclose()


@pytest.mark.parametrize("explains", [True, False])
async def test_who_is_dismissed_is_told_the_code_where_refusals_are_explained(
    world: SimpleNamespace, lui: Party, explains: bool
) -> None:
    hub, echo = Party("hub.test", world.hub), Echoing()
    async with listening(hub, echo=echo) as port:
        channel = await lui.connect(port.port)
        waiting = asyncio.ensure_future(channel.stub(EchoCalls).wait(Text()))
        await echo.begun.wait()
        (served,) = port.channels
        served.dismiss(served.judge_again(world.hub_revoking), tell=explains)
        served.dismiss(served.judge_again(world.hub_lonely), tell=explains)
        with pytest.raises((RemoteFault, ChannelClosed)) as caught:
            await waiting
        assert caught.value.code in {"cut-short", "channel-closed"}
        await echo.cancelled.wait()
        ours, theirs = await hub.logged(Outcome.CLOSED), await lui.logged(Outcome.CLOSED)
        await channel.closed
    assert (ours.code, ours.detail) == ("revoked", "dismissed (revoked)")
    said = "revoked" if explains else "dismissed"
    assert theirs.detail == f"the peer said goodbye: {said}"


async def test_a_caller_dismisses_a_server(hub: Party, lui: Party, world: SimpleNamespace) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo) as port:
        channel = await lui.connect(port.port)
        waiting = asyncio.ensure_future(channel.stub(EchoCalls).wait(Text()))
        await echo.begun.wait()
        channel.dismiss(channel.judge_again(world.lui_revoking), tell=True)
        with pytest.raises(ChannelClosed, match="dismissed"):
            await waiting
        await channel.closed
        assert lui.of(Outcome.CLOSED)[0].code == "revoked"
        assert (await hub.logged(Outcome.CLOSED)).detail == "the caller said goodbye: revoked"


async def test_who_is_revoked_between_handshake_and_hello_does_not_slip_in(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        hub.trust.current = world.hub_revoking
        caller.say(Hello("lui.test", "lui", "1", hub.clock()))
        await caller.to_the_end()
        assert (await hub.logged(Outcome.REFUSED)).code == "revoked"
        assert not port.channels
    (refused,) = [each for each in messages_in(caller.data) if isinstance(each, Refused)]
    assert refused.reasons[0].code == "revoked"


async def test_a_server_that_is_revoked_while_it_is_dialled_is_not_called(
    hub: Party, lui: Party, world: SimpleNamespace
) -> None:
    def swapped() -> bool:
        """HUB has said Ready, and LUI has not read it yet."""
        lui.trust.current = world.lui_revoking
        return True

    hub._waiters.append(swapped)
    async with listening(hub) as port:
        with pytest.raises(NotAdmitted) as caught:
            await lui.connect(port.port)
        assert caught.value.faults[0].code == "revoked"
        await hub.logged(Outcome.CLOSED)


# Left in good order.


async def test_a_caller_that_retires_gets_its_answers(hub: Party, lui: Party) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo) as port:
        channel = await lui.connect(port.port)
        stub = channel.stub(EchoCalls)
        waiting = asyncio.ensure_future(stub.wait(Text(text="kept")))
        await echo.begun.wait()
        channel.retire("done", "left")
        with pytest.raises(NotCarriedOut, match="left"):
            await stub.say(Text())
        echo.go.set()
        assert await waiting == Text(text="kept")
        await channel.closed
        said = "the caller said goodbye: done (left)"
        assert (await hub.logged(Outcome.CLOSED)).detail == said


async def test_when_both_sides_retire_at_once_no_answer_is_lost(hub: Party, lui: Party) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo) as port:
        channel = await lui.connect(port.port)
        waiting = asyncio.ensure_future(channel.stub(EchoCalls).wait(Text(text="kept")))
        await echo.begun.wait()
        (served,) = port.channels
        channel.retire("done", "left")
        served.retire("done", "left")
        await asyncio.sleep(0.02)
        echo.go.set()
        assert await waiting == Text(text="kept")
        await asyncio.gather(channel.closed, served.closed)
        channel.retire("done", "again")
        served.dismiss((), tell=True)


async def test_a_call_that_crosses_the_servers_goodbye_goes_out_on_the_next_channel(
    hub: Party, lui: Party
) -> None:
    """It was not carried out, so it is made again; what was begun is not."""
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        stub = peer.stub(EchoCalls)
        await stub.say(Text())
        for number in range(20):
            (served,) = [each for each in port.channels if each.is_open]
            call = asyncio.ensure_future(stub.say(Text(text=str(number))))
            await asyncio.sleep(0)  # sent, and not yet read
            served.retire("going-away", "a test")
            assert await call == Text(text=str(number))
        assert len(hub.of(Outcome.ACCEPTED)) == 21
        await peer.aclose()


async def test_a_server_that_leaves_every_time_is_not_called_for_ever(
    hub: Party, lui: Party
) -> None:
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        opened = []
        original = peer.channel

        async def leaving() -> Any:
            channel = await original()
            opened.append(channel)
            channel.retire("done", "a test")
            return channel

        peer.channel = leaving  # type: ignore[method-assign]
        with pytest.raises(NotCarriedOut):
            await peer.stub(EchoCalls).say(Text())
        assert len(opened) == 4
        await peer.aclose()


# Make before break.


def renewed(
    authority: ThrowAwayAuthority, party: Party, *, until: datetime | None = None
) -> TrustGeneration:
    """Return the party's generation with another key and certificate."""
    old = party.trust.current
    assert old is not None
    roles = [Component.HUB if party.name.startswith("hub") else Component.LUI]
    made = authority.generation(
        authority.issue(party.name, roles=roles, not_after=until),
        own_name=party.name,
        allowed=old.allowed.names,
        hosts=old.hosts,
    )
    return replace(made, number=old.number + 1)


async def test_the_next_channel_is_opened_before_the_old_one_is_left(
    hub: Party, lui: Party, authority: ThrowAwayAuthority
) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo) as port:
        peer = peer_of(lui, port.port)
        stub = peer.stub(EchoCalls)
        waiting = asyncio.ensure_future(stub.wait(Text(text="kept")))
        await echo.begun.wait()
        old = peer.channels[0]
        peer.rotate()  # nothing to do
        await asyncio.sleep(0.01)
        assert [channel is old for channel in peer.channels] == [True]
        lui.trust.current = renewed(authority, lui)
        peer.rotate()
        while len(peer.channels) < 2:
            await stub.say(Text())
        new, left = peer.channels
        assert (left is old, old.is_open, new.is_open) == (True, False, True)
        await stub.say(Text())
        echo.go.set()
        assert await waiting == Text(text="kept")
        await old.closed
        assert peer.channels == (new,)
        assert peer.posture.state == "secured"
        shown = peer.posture.caller_certificate
        assert shown is not None
        assert shown.fingerprint == lui.trust.current.own_identity.fingerprint
        await peer.aclose()


async def test_while_the_next_channel_cannot_be_had_calls_go_out_on_the_old_one(
    hub: Party, lui: Party, authority: ThrowAwayAuthority, world: SimpleNamespace
) -> None:
    """The new certificate is refused first; it is tried again until it is not."""
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        stub = peer.stub(EchoCalls)
        await stub.say(Text())
        (old,) = peer.channels
        hub.trust.current = world.hub_lonely
        lui.trust.current = renewed(authority, lui)
        peer.rotate()
        peer.rotate()  # one at a time
        await hub.logged(Outcome.REFUSED, code="not-in-allowed-list")
        await stub.say(Text())
        assert peer.channels == (old,)
        hub.trust.current = world.hub
        while old.is_open:
            await stub.say(Text())
            await asyncio.sleep(0.01)
        await old.closed
        await peer.aclose()


async def test_a_partner_that_is_gone_is_not_rotated(hub: Party, lui: Party) -> None:
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        peer.rotate()
        await peer.stub(EchoCalls).say(Text())
        assert len(hub.of(Outcome.ACCEPTED)) == 1
        await peer.aclose()


async def test_a_rotation_under_way_ends_with_its_peer(
    hub: Party, lui: Party, authority: ThrowAwayAuthority
) -> None:
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        await peer.stub(EchoCalls).say(Text())
        lui.trust.current = renewed(authority, lui)
        peer.rotate()
        await asyncio.sleep(0)
        await peer.aclose()
        assert peer.channels == ()
        await until(lambda: not port.channels)


async def test_callers_rotate_before_a_certificate_ends(
    world: SimpleNamespace, authority: ThrowAwayAuthority
) -> None:
    """The moment is drawn between eight and nine tenths of what is left of the first to end."""
    clock, end = SetClock(), utc_now() + timedelta(days=2)
    hub, lui = (Party(f"{name}.test", getattr(world, name), clock=clock) for name in ("hub", "lui"))
    lui.trust.current = renewed(authority, lui, until=end)
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        await peer.stub(EchoCalls).say(Text())
        (old,) = peer.channels
        assert old.facts.standing is not None
        assert old.facts.standing.expires == end.replace(microsecond=0)
        assert peer._due is not None
        share = (peer._due - utc_now()) / timedelta(days=2)
        assert ROTATE_AFTER[0] - 0.01 < share < ROTATE_AFTER[1] + 0.01
        peer._look_again()
        assert peer.channels == (old,)
        clock.ahead = timedelta(days=2, minutes=-5)
        peer._look_again()
        await old.closed
        (new,) = peer.channels
        # The same two certificates: what is left is less, and so is the time to the next one.
        assert peer._due - clock() < timedelta(minutes=5)
        clock.ahead = timedelta(days=2, minutes=1)
        new._look_for_the_end()
        await new.closed
        with pytest.raises(ChannelError) as caught:
            await peer.stub(EchoCalls).say(Text())
        assert caught.value.faults[0].code == "certificate-expired"
        await peer.aclose()


async def test_a_server_takes_no_call_beyond_its_callers_certificate(
    lui: Party, world: SimpleNamespace
) -> None:
    clock, echo = SetClock(), Echoing()
    hub = Party("hub.test", world.hub, clock=clock)
    async with listening(hub, echo=echo) as port:
        channel = await lui.connect(port.port)
        stub = channel.stub(EchoCalls)
        waiting = asyncio.ensure_future(stub.wait(Text(text="kept")))
        await echo.begun.wait()
        (served,) = port.channels
        served._look_for_the_end()
        assert served.is_open
        clock.ahead = timedelta(days=31)
        served._look_for_the_end()
        await until(lambda: not channel.is_open)
        with pytest.raises(NotCarriedOut, match="certificate-expired"):
            await stub.say(Text())
        echo.go.set()
        assert await waiting == Text(text="kept")
        await channel.closed
