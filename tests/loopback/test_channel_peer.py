"""A lasting partner: opened when needed, opened again, attempts spaced."""

import asyncio
from types import SimpleNamespace

import pytest

from sottovoce.errors import ChannelClosed, ChannelError, ConnectFailed
from sottovoce.net import Destination, Outcome, Peer
from sottovoce.net.peer import LONGEST_PAUSE
from sottovoce.policy import Component
from sottovoce.testing import EchoCalls, Echoing, Party, Text, listening


class SetTime:
    """Seconds that pass when told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SetTime:
    clock = SetTime()
    monkeypatch.setattr("sottovoce.net.peer.monotonic", clock)
    return clock


def peer_of(lui: Party, port: int) -> Peer:
    destination = Destination(
        name="hub.test", port=port, address="127.0.0.1", component=Component.HUB
    )
    return Peer(lui.endpoint, component=Component.LUI, destination=destination)


async def test_a_partner_is_opened_once_and_used_again(world: SimpleNamespace) -> None:
    hub, lui = Party("hub.test", world.hub), Party("lui.test", world.lui)
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        assert peer.posture.state == "down"
        stub = peer.stub(EchoCalls)
        answers = await asyncio.gather(*(stub.say(Text(text=str(n))) for n in range(5)))
        assert [answer.text for answer in answers] == list("01234")
        assert len(hub.of(Outcome.ACCEPTED)) == 1
        posture = peer.posture
        await peer.aclose()
        with pytest.raises(ChannelClosed, match="stopping"):
            await stub.say(Text())
    assert (posture.state, posture.name, posture.port) == ("secured", "hub.test", port.port)
    assert posture.expires == min(
        world.hub.own_identity.not_after, world.lui.own_identity.not_after
    )
    assert (posture.tls, posture.group, posture.code) == ("TLSv1.3", "X25519MLKEM768", "")
    (caller, own), (called, theirs) = posture.certificates
    assert (caller, called) == (Component.LUI, Component.HUB)
    assert (own.names, theirs.names) == (("lui.test",), ("hub.test",))
    assert own.fingerprint == world.lui.own_identity.fingerprint
    assert theirs.begins == world.hub.own_identity.not_before
    assert posture.known == theirs.fingerprint == world.hub.own_identity.fingerprint


async def test_a_partner_that_comes_back_is_reached_again(
    world: SimpleNamespace, time: SetTime
) -> None:
    hub, lui = Party("hub.test", world.hub), Party("lui.test", world.lui)
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        stub = peer.stub(EchoCalls)
        await stub.say(Text())
        first = await peer.channel()
        first.wire.abort()
        await first.closed
        assert (peer.posture.state, peer.posture.code) == ("down", "channel-closed")
        await hub.logged(Outcome.CLOSED)
        assert await stub.say(Text(text="again")) == Text(text="again")
        assert len(hub.of(Outcome.ACCEPTED)) == 2
        await peer.aclose()


async def test_attempts_are_spaced_and_the_reason_is_given_in_between(
    world: SimpleNamespace, time: SetTime
) -> None:
    hub, lui = Party("hub.test", world.hub_lonely), Party("lui.test", world.lui)
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        pauses = []
        for attempt in range(1, 9):
            for _ in range(3):
                with pytest.raises(ChannelError) as caught:
                    await peer.stub(EchoCalls).say(Text())
                assert caught.value.faults[0].code == "not-in-allowed-list"
            assert len(lui.of(Outcome.REFUSED)) == attempt
            pauses.append(peer._not_before - time.now)
            time.now = peer._not_before
        posture = peer.posture
        assert (posture.state, posture.code) == ("refused", "not-in-allowed-list")
        assert posture.refusal is not None
        assert (posture.refusal.code, posture.refusal.by) == (posture.code, "called")
        assert posture.certificates == ()
        await peer.aclose()
    assert all(0 < pause <= LONGEST_PAUSE for pause in pauses)
    assert pauses[-1] >= LONGEST_PAUSE / 2
    assert pauses[0] <= 0.25


async def test_the_same_reason_does_not_grow_with_every_call(
    world: SimpleNamespace, time: SetTime
) -> None:
    """The error that is raised again used to collect the frames of every raise."""
    lui = Party("lui.test", world.lui)
    async with listening(Party("hub.test", world.hub)) as port:
        pass
    peer = peer_of(lui, port.port)
    lengths = []
    for _ in range(4):
        with pytest.raises(ConnectFailed) as caught:
            await peer.stub(EchoCalls).say(Text())
        lengths.append(len(caught.traceback))
    assert lengths[1] == lengths[2] == lengths[3]
    assert peer.posture.state == "down"


async def test_a_plain_partner_is_shown_as_plain() -> None:
    hub, lui = Party("hub.test"), Party("lui.test")
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        await peer.stub(EchoCalls).say(Text())
        assert peer.posture.state == "plain"
        assert peer.posture.expires is None
        await peer.aclose()


async def test_calls_under_way_survive_the_opening_of_the_next_channel(
    world: SimpleNamespace,
) -> None:
    """A partner that stops finishes what is under way; a new call must not cut that off."""
    hub, lui, echo = Party("hub.test", world.hub), Party("lui.test", world.lui), Echoing()
    async with listening(hub, echo=echo) as port:
        peer = peer_of(lui, port.port)
        stub = peer.stub(EchoCalls)
        waiting = asyncio.ensure_future(stub.wait(Text(text="kept")))
        await echo.begun.wait()
        first = await peer.channel()
        stopping = asyncio.ensure_future(port.aclose(grace=20))
        while first.is_open:  # noqa: ASYNC110 - there is no event for the peer's goodbye
            await asyncio.sleep(0)
        with pytest.raises(ConnectFailed):
            await stub.say(Text())
        echo.go.set()
        assert await waiting == Text(text="kept")
        await stopping
        await peer.aclose()
        await first.closed


async def test_a_channel_that_opens_while_we_stop_is_closed_again(world: SimpleNamespace) -> None:
    hub, lui = Party("hub.test", world.hub), Party("lui.test", world.lui)
    async with listening(hub) as port:
        peer = peer_of(lui, port.port)
        opening = asyncio.ensure_future(peer.channel())
        await asyncio.sleep(0)
        await peer.aclose()
        with pytest.raises(ChannelClosed, match="stopping"):
            await opening
        await hub.logged(Outcome.CLOSED)
