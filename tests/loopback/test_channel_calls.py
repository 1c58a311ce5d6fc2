"""Calls over an open channel: every call has one outcome, whatever happens to either side."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from sottovoce.contracts import Caller, CallSpec, calls_of
from sottovoce.errors import (
    CallTimeout,
    ChannelClosed,
    HandshakeFailed,
    LocalProtocolError,
    NoSuchMethod,
    NotCarriedOut,
    RemoteFault,
    StoreError,
)
from sottovoce.net import LIMITS, Channel, Offer, Outcome
from sottovoce.policy import Component
from sottovoce.rpc import (
    MAX_IN_FLIGHT,
    Bye,
    Call,
    Cancel,
    Hello,
    Ping,
    Ready,
    Rejection,
    Reply,
)
from sottovoce.testing import EchoCalls, Echoing, Party, Text, listening
from sottovoce.testing.playbook import frames, messages_in

SPECS = calls_of(EchoCalls)


@pytest.fixture
def hub(world: SimpleNamespace) -> Party:
    return Party("hub.test", world.hub)


@pytest.fixture
def lui(world: SimpleNamespace) -> Party:
    return Party("lui.test", world.lui)


async def test_a_typed_call_goes_there_and_back(hub: Party, lui: Party) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo) as port, await lui.connect(port.port) as channel:
        assert await channel.stub(EchoCalls).say(Text(text="grüße")) == Text(text="grüße")
    assert echo.caller is not None
    assert (echo.caller.component, echo.caller.server) == (Component.LUI, "lui.test")
    assert echo.caller.secured
    assert echo.caller.fingerprint


async def test_a_refused_call_is_a_fault_with_its_code(hub: Party, lui: Party) -> None:
    async with listening(hub) as port, await lui.connect(port.port) as channel:
        with pytest.raises(RemoteFault, match="declined") as caught:
            await channel.stub(EchoCalls).refuse(Text(text="ticket-bad"))
        assert caught.value.code == "ticket-bad"


async def test_an_error_of_the_implementation_stays_on_its_side(hub: Party, lui: Party) -> None:
    """STYLE: the operator gets evidence, the peer gets the code."""
    errors: list[tuple[str, BaseException]] = []
    async with listening(hub, errors=errors) as port, await lui.connect(port.port) as channel:
        with pytest.raises(RemoteFault) as caught:
            await channel.stub(EchoCalls).break_down(Text(text="s3cret"))
        assert await channel.stub(EchoCalls).say(Text(text="on")) == Text(text="on")
    assert caught.value.code == "internal-error"
    assert "s3cret" not in str(caught.value)
    ((name, error),) = errors
    assert (name, type(error)) == ("echo.break", ZeroDivisionError)


async def test_a_call_that_the_role_may_not_make_does_not_exist(hub: Party, lui: Party) -> None:
    async with listening(hub) as port, await lui.connect(port.port) as channel:
        with pytest.raises(NoSuchMethod, match="not offered to LUI") as caught:
            await channel.stub(EchoCalls).tracker(Text())
        assert caught.value.code == "no-such-method"


@pytest.mark.parametrize("body", [b"\xc0", b"\xa2\xff\xfe", b"\x81\xa4text\x05"])
async def test_a_malformed_argument_is_a_fault_and_the_channel_goes_on(
    body: bytes, hub: Party, lui: Party
) -> None:
    async with listening(hub) as port, await lui.connect(port.port) as channel:
        with pytest.raises(RemoteFault) as caught:
            await channel.call(SPECS["echo.say"], msgspec.Raw(body))
        assert caught.value.code == "malformed"
        assert await channel.stub(EchoCalls).say(Text(text="on")) == Text(text="on")


async def test_an_answer_of_another_shape_is_a_fault(hub: Party, lui: Party) -> None:
    odd = replace(SPECS["echo.say"], reply=int)
    async with listening(hub) as port, await lui.connect(port.port) as channel:
        with pytest.raises(RemoteFault, match=r"answered echo\.say with") as caught:
            await channel.call(odd, Text(text="x"))
        assert caught.value.code == "protocol-error"


async def test_an_answer_longer_than_a_frame_is_said_to_be_so(hub: Party, lui: Party) -> None:
    """It used to be swallowed, and the caller waited for its deadline."""
    async with listening(hub) as port, await lui.connect(port.port) as channel:
        with pytest.raises(RemoteFault) as caught:
            await channel.stub(EchoCalls).fill(Text(text=str(2**24 + 1)))
        assert caught.value.code == "frame-too-long"
        big = await channel.stub(EchoCalls).fill(Text(text=str(2**20)))
        assert len(big.text) == 2**20


async def test_an_argument_longer_than_a_frame_is_our_own_mistake(hub: Party, lui: Party) -> None:
    async with listening(hub) as port, await lui.connect(port.port) as channel:
        with pytest.raises(LocalProtocolError, match="the limit is 16777216"):
            await channel.stub(EchoCalls).say(Text(text="x" * (2**24 + 1)))
        assert await channel.stub(EchoCalls).say(Text(text="on")) == Text(text="on")


async def test_the_server_ends_what_takes_too_long(hub: Party, lui: Party) -> None:
    """The shorter of the two deadlines counts; the caller's is longer here."""
    echo = Echoing()
    patient = replace(SPECS["echo.late"], deadline=30.0)
    async with listening(hub, echo=echo) as port, await lui.connect(port.port) as channel:
        with pytest.raises(CallTimeout, match=r"took over 0\.05 s") as caught:
            await channel.call(patient, Text())
        assert caught.value.code == "call-timeout"
        assert echo.cancelled.is_set()


async def test_the_caller_stops_waiting_and_says_so(hub: Party, lui: Party) -> None:
    echo = Echoing()
    hasty = replace(SPECS["echo.wait"], deadline=0.05)
    async with listening(hub, echo=echo) as port, await lui.connect(port.port) as channel:
        with pytest.raises(CallTimeout):
            await channel.call(hasty, Text())
        await echo.cancelled.wait()
        assert await channel.stub(EchoCalls).say(Text()) == Text()
        assert not channel.wire.connection.in_flight


async def test_a_cancelled_call_is_cancelled_there_too(hub: Party, lui: Party) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo) as port, await lui.connect(port.port) as channel:
        waiting = asyncio.ensure_future(channel.stub(EchoCalls).wait(Text()))
        await echo.begun.wait()
        waiting.cancel()
        await echo.cancelled.wait()
        assert await channel.stub(EchoCalls).say(Text()) == Text()
        assert not channel.wire.connection.in_flight


async def test_a_call_cancelled_before_it_began_is_answered_all_the_same(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    """Call and Cancel in one piece: the task is ended before its first step."""
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        caller.say(Hello("lui.test", "lui", "1", hub.clock()))
        await hub.logged(Outcome.ACCEPTED)
        caller.say(Call(1, "echo.wait", 1000, msgspec.Raw(b"\x80")), Cancel(1), Bye())
        await caller.to_the_end()
    said = messages_in(caller.data)
    assert Rejection(1, "cancelled", "The caller no longer waits.") in said


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until something holds; the test's own time limit bounds it."""
    while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
        await asyncio.sleep(0)


async def test_more_calls_than_may_be_under_way_all_succeed(hub: Party, lui: Party) -> None:
    echo = Echoing()
    number = MAX_IN_FLIGHT * 2 + 10
    async with listening(hub, echo=echo) as port, await lui.connect(port.port) as channel:
        stub = channel.stub(EchoCalls)
        calls = [asyncio.ensure_future(stub.wait(Text(text=str(n)))) for n in range(number)]
        await echo.begun.wait()
        echo.go.set()
        answers = await asyncio.gather(*calls)
    assert [answer.text for answer in answers] == [str(n) for n in range(number)]
    assert echo.most_waiting <= MAX_IN_FLIGHT


async def test_who_waits_for_a_free_place_is_told_when_the_channel_ends(
    hub: Party, lui: Party
) -> None:
    """They used to wait for ever."""
    echo = Echoing()
    async with listening(hub, echo=echo) as port:
        channel = await lui.connect(port.port)
        stub = channel.stub(EchoCalls)
        calls = [asyncio.ensure_future(stub.wait(Text())) for _ in range(MAX_IN_FLIGHT + 5)]
        await echo.begun.wait()
        channel.wire.abort()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await hub.logged(Outcome.CLOSED)
    sent, waiting = outcomes[:MAX_IN_FLIGHT], outcomes[MAX_IN_FLIGHT:]
    assert {type(outcome) for outcome in sent} == {ChannelClosed}
    assert {type(outcome) for outcome in waiting} == {NotCarriedOut}
    codes = [one.code for one in (sent[0], waiting[0]) if isinstance(one, ChannelClosed)]
    assert codes == ["channel-closed", "going-away"]


async def test_a_place_that_never_frees_ends_in_the_calls_own_deadline(
    hub: Party, lui: Party
) -> None:
    echo = Echoing()
    hasty = replace(SPECS["echo.say"], deadline=0.05)
    async with listening(hub, echo=echo) as port, await lui.connect(port.port) as channel:
        stub = channel.stub(EchoCalls)
        calls = [asyncio.ensure_future(stub.wait(Text())) for _ in range(MAX_IN_FLIGHT)]
        await echo.begun.wait()
        with pytest.raises(CallTimeout, match="it was not carried out"):
            await channel.call(hasty, Text())
        echo.go.set()
        await asyncio.gather(*calls)


async def test_answers_wait_for_a_caller_that_does_not_read(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    """Back-pressure: what is not read is not piled up, and arrives once it is."""
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        caller.say(Hello("lui.test", "lui", "1", hub.clock()))
        await hub.logged(Outcome.ACCEPTED)
        (channel,) = port.channels
        size = 2**19
        body = msgspec.Raw(msgspec.msgpack.encode(Text(text=str(size))))
        caller.writer.transport.pause_reading()
        for number in range(40):
            caller.say(Call(number, "echo.fill", 30_000, body))
        await until(lambda: not channel.wire.is_writable)
        # Unknown calls and pings wait like all others.
        for number in range(40, 50):
            caller.say(Call(number, "no.such", 30_000, body), Ping(number))
        transport = channel.wire._transport
        assert transport is not None
        await until(lambda: set(range(40, 50)) <= channel.wire.connection.in_flight)
        assert transport.get_write_buffer_size() < 8 * size
        caller.writer.transport.resume_reading()
        await caller.heard(40 * size)
        caller.say(Bye())
        await caller.to_the_end()
    answers = [m for m in messages_in(caller.data) if isinstance(m, Rejection)]
    assert [answer.code for answer in answers] == ["no-such-method"] * 10


async def test_stopping_lets_calls_under_way_finish(hub: Party, lui: Party) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo, grace=20) as port:
        channel = await lui.connect(port.port)
        waiting = asyncio.ensure_future(channel.stub(EchoCalls).wait(Text(text="kept")))
        await echo.begun.wait()
        stopping = asyncio.ensure_future(port.aclose(grace=20))
        await until(lambda: not channel.is_open)
        with pytest.raises(ChannelClosed, match="the peer said goodbye: going-away"):
            await channel.stub(EchoCalls).say(Text())
        echo.go.set()
        assert await waiting == Text(text="kept")
        await stopping
        await channel.closed
    assert hub.of(Outcome.CLOSED)[0].detail == "closed by this side"


async def test_what_does_not_finish_in_time_is_told_so(hub: Party, lui: Party) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo) as port:
        channel = await lui.connect(port.port)
        waiting = asyncio.ensure_future(channel.stub(EchoCalls).wait(Text()))
        await echo.begun.wait()
        await port.aclose(grace=0.01)
        with pytest.raises((RemoteFault, ChannelClosed)) as caught:
            await waiting
        assert caught.value.code == "cut-short"
        await channel.closed


async def test_a_killed_server_is_a_closed_channel_for_its_callers(hub: Party, lui: Party) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo) as port:
        channel = await lui.connect(port.port)
        waiting = asyncio.ensure_future(channel.stub(EchoCalls).wait(Text()))
        await echo.begun.wait()
        for serving in list(port.channels):
            serving.wire.abort()
        with pytest.raises(ChannelClosed) as caught:
            await waiting
        assert caught.value.connection_id == channel.facts.connection_id
        with pytest.raises(ChannelClosed):
            await channel.stub(EchoCalls).say(Text())
        await channel.closed
    assert lui.of(Outcome.CLOSED)


async def test_a_killed_caller_ends_its_calls(hub: Party, lui: Party) -> None:
    echo = Echoing()
    async with listening(hub, echo=echo) as port:
        channel = await lui.connect(port.port)
        waiting = asyncio.ensure_future(channel.stub(EchoCalls).wait(Text()))
        await echo.begun.wait()
        channel.wire.abort()
        await echo.cancelled.wait()
        with pytest.raises(ChannelClosed):
            await waiting
        await hub.logged(Outcome.CLOSED)


async def test_a_caller_that_says_goodbye_still_gets_its_answers(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    """And then the accepting side closes: it used to wait for the next ping."""
    echo = Echoing()
    async with listening(hub, echo=echo) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        caller.say(Hello("lui.test", "lui", "1", hub.clock()))
        await hub.logged(Outcome.ACCEPTED)
        caller.say(Call(1, "echo.wait", 9000, msgspec.Raw(b"\x80")), Bye())
        await echo.begun.wait()
        echo.go.set()
        await caller.to_the_end()
    kinds = [type(message).__name__ for message in messages_in(caller.data)]
    assert kinds == ["Greeting", "Ready", "Reply", "Bye"]


async def test_a_silent_partner_is_given_up_after_a_ping(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    hub.limits = replace(LIMITS, idle=0.02, pong=0.02, linger=0.05)
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        caller.say(Hello("lui.test", "lui", "1", hub.clock()))
        closed = await hub.logged(Outcome.CLOSED)
        await caller.to_the_end()
    assert closed.detail == "the peer does not answer"
    assert Ping(0) in messages_in(caller.data)


async def test_two_quiet_partners_keep_each_other_alive(hub: Party, lui: Party) -> None:
    hub.limits = lui.limits = replace(LIMITS, idle=0.01, pong=0.2)
    async with listening(hub) as port, await lui.connect(port.port) as channel:
        (serving,) = port.channels
        await until(lambda: channel._token >= 2 and serving._token >= 1)
        assert channel.is_open
        assert serving.is_open


async def test_a_partner_that_breaks_the_protocol_is_told_the_code(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        caller.say(Hello("lui.test", "lui", "1", hub.clock()))
        await hub.logged(Outcome.ACCEPTED)
        caller.say_bytes((2**24 + 1).to_bytes(4, "big"))
        await caller.to_the_end()
        closed = await hub.logged(Outcome.CLOSED)
    last = messages_in(caller.data)[-1]
    assert isinstance(last, Bye)
    assert last.code == "frame-too-long"
    assert "broke the protocol" in closed.detail


async def test_a_partner_whose_tls_breaks_is_closed_with_the_reason(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        caller.say(Hello("lui.test", "lui", "1", hub.clock()))
        await hub.logged(Outcome.ACCEPTED)
        caller.writer.write(b"\x17\x03\x03\x00\x20" + bytes(32))
        await caller.to_the_end()
        closed = await hub.logged(Outcome.CLOSED)
    assert closed.detail.startswith("TLS broke (")
    assert caller.alert == "bad_record_mac"


class Unmakeable:
    """An implementation that cannot be made."""

    @staticmethod
    def for_caller(caller: Caller) -> object:
        raise ZeroDivisionError("no implementation today")


async def test_an_implementation_that_cannot_be_made_closes_the_connection(
    hub: Party, lui: Party
) -> None:
    """The socket used to stay open with nobody behind it."""
    errors: list[tuple[str, BaseException]] = []
    offers = [Offer(EchoCalls, Unmakeable.for_caller)]
    async with listening(hub, offers=offers, errors=errors) as port:
        with pytest.raises(HandshakeFailed) as caught:
            await lui.connect(port.port)
        assert caught.value.code == "closed-early"
        assert not port.channels
    assert [type(error) for _, error in errors] == [ZeroDivisionError]


async def test_closing_twice_or_together_is_harmless(hub: Party, lui: Party) -> None:
    async with listening(hub) as port:
        channel = await lui.connect(port.port)
        await asyncio.gather(channel.aclose(), channel.aclose())
        await channel.aclose()
        assert not channel.is_open


async def test_a_call_on_a_closed_channel_says_so(hub: Party, lui: Party) -> None:
    async with listening(hub) as port:
        channel: Channel = await lui.connect(port.port)
        await channel.aclose()
        with pytest.raises(ChannelClosed, match="closed by this side"):
            await channel.stub(EchoCalls).say(Text())


def test_every_call_of_the_contract_is_known() -> None:
    assert all(isinstance(spec, CallSpec) for spec in SPECS.values())
    assert len(SPECS) == 7


def listening_hub(world: SimpleNamespace) -> tuple[Party, Party]:
    return Party("hub.test", world.hub), Party("lui.test", world.lui)


async def test_an_answer_that_comes_too_late_changes_nothing(world: SimpleNamespace) -> None:
    """The caller stopped waiting; its number is free again once the answer has come."""
    hub, lui = listening_hub(world)
    echo = Echoing()
    async with listening(hub, echo=echo) as port, await lui.connect(port.port) as channel:
        stub = channel.stub(EchoCalls)
        waiting = [asyncio.ensure_future(stub.wait(Text())) for _ in range(3)]
        await echo.begun.wait()
        for call in waiting:
            call.cancel()
        echo.go.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        await until(lambda: not channel.wire.connection.in_flight)
        assert await stub.say(Text(text="on")) == Text(text="on")


@pytest.mark.parametrize("late", [Reply(7, msgspec.Raw(b"\x80")), Ready("2")])
async def test_a_server_that_answers_what_nobody_asked_is_hung_up_on(
    late: Any, world: SimpleNamespace
) -> None:
    hub, lui = listening_hub(world)
    async with listening(hub) as port:
        channel = await lui.connect(port.port)
        (serving,) = port.channels
        serving.wire.connection._out += frames(late)
        serving.wire._flush()
        why = await channel.closed
        await hub.logged(Outcome.CLOSED)
    assert why.startswith("the peer broke the protocol: ")


async def test_the_fault_of_another_layer_keeps_its_code(world: SimpleNamespace) -> None:
    """An error of ours that an implementation lets through is an answer, not an internal error."""
    hub, lui = listening_hub(world)

    class Closed(Echoing):
        async def say(self, request: Text) -> Text:
            raise StoreError("The database is closed.", code="store-busy")

    async with listening(hub, echo=Closed()) as port, await lui.connect(port.port) as channel:
        with pytest.raises(RemoteFault, match="The database is closed") as caught:
            await channel.stub(EchoCalls).say(Text())
        assert caught.value.code == "store-busy"
