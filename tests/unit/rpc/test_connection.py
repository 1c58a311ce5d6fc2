import itertools
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from sottovoce.errors import LocalProtocolError, RemoteProtocolError
from sottovoce.rpc import (
    ADMISSION_FRAME,
    CALL_FRAME,
    JOIN_FRAME,
    LISTS_FRAME,
    MAX_IN_FLIGHT,
    TRANSITIONS,
    Bye,
    Call,
    Cancel,
    Connection,
    Joined,
    JoinGreeting,
    JoinRequest,
    Message,
    Ping,
    Pong,
    Ready,
    Rejection,
    Reply,
    Speaks,
    State,
)
from sottovoce.testing.playbook import (
    Bytes,
    ConversationActor,
    EndOfStream,
    Heard,
    LocalBreach,
    Over,
    Playbook,
    RemoteBreach,
    Say,
    Sent,
    frames,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EMPTY = msgspec.Raw(b"\x80")
A, C = Speaks.ACCEPTING, Speaks.CALLING


def other(speaks: Speaks) -> Speaks:
    return C if speaks is A else A


def brought_to(state: State, speaks: Speaks) -> Connection:
    connection = Connection(speaks, state)
    connection.in_flight.add(1)
    return connection


def opened(speaks: Speaks) -> Connection:
    connection = brought_to(State.OPEN, speaks)
    connection.in_flight.clear()
    return connection


def call(number: int) -> Call:
    return Call(number, "echo.say", 1000, EMPTY)


def sample(samples: dict[type[Message], Message], kind: Any) -> Message:
    return call(2) if kind is Call else samples[kind]


def test_whatever_is_in_the_table_may_be_said_and_heard(
    samples: dict[type[Message], Message],
) -> None:
    for (state, speaker, kind), after in TRANSITIONS.items():
        message = sample(samples, kind)
        speaking, hearing = brought_to(state, speaker), brought_to(state, other(speaker))
        speaking.send(message)
        assert hearing.receive_data(speaking.data_to_send()) == [message]
        assert speaking.state is hearing.state is after, (state, speaker, kind)


def test_whatever_is_not_in_the_table_is_a_breach_on_both_sides(
    samples: dict[type[Message], Message],
) -> None:
    tried = 0
    for state, speaker, kind in itertools.product(State, Speaks, samples):
        if (state, speaker, kind) in TRANSITIONS:
            continue
        tried += 1
        message = sample(samples, kind)
        speaking, hearing = brought_to(state, speaker), brought_to(state, other(speaker))
        with pytest.raises(LocalProtocolError):
            speaking.send(message)
        assert not speaking.data_to_send()
        with pytest.raises(RemoteProtocolError) as caught:
            hearing.receive_data(frames(message))
        assert caught.value.code == "protocol-error"
        assert hearing.state is state
    assert tried == len(State) * 2 * len(samples) - len(TRANSITIONS)


def test_only_the_accepting_side_may_say_yes(samples: dict[type[Message], Message]) -> None:
    """W8: no traffic before both sides are authorised; Ready is the only way to OPEN."""
    ways = [key for key, after in TRANSITIONS.items() if after is State.OPEN]
    into = [key for key in ways if key[0] is not State.OPEN]
    assert into == [(State.VERDICT, A, Ready)]


@pytest.mark.parametrize(
    ("begin", "on"), [(State.WHY, State.HINT), (State.LISTS, State.GIVE)], ids=str
)
def test_nothing_of_the_errands_leads_to_calls(begin: State, on: State) -> None:
    reached = {begin}
    while True:
        more = {after for (state, _, _), after in TRANSITIONS.items() if state in reached}
        if more <= reached:
            break
        reached |= more
    assert reached == {begin, on, State.CLOSED}


def test_a_whole_conversation_as_a_playbook(samples: dict[type[Message], Message]) -> None:
    from sottovoce.rpc import Greeting, Hello

    greeting, hello, ready = samples[Greeting], samples[Hello], samples[Ready]
    answer = Reply(1, EMPTY)
    actor = ConversationActor(Connection(A))
    assert (
        Playbook(actor)
        >> Say(greeting) << Sent(greeting)
        >> Bytes(frames(hello)[:9])
        >> Bytes(frames(hello)[9:]) << Heard(hello)
        >> Say(answer) << LocalBreach()
        >> Say(ready) << Sent(ready)
        >> Bytes(frames(call(1), call(2))) << Heard(call(1)) << Heard(call(2))
        >> Say(answer) << Sent(answer)
        >> Bytes(frames(Bye())) << Heard(Bye())
        >> Bytes(frames(call(3))) << RemoteBreach("protocol-error")
    )  # fmt: skip
    assert actor.connection.in_flight == {2}
    assert not actor.connection.is_open


@pytest.mark.parametrize("speaks", Speaks)
def test_before_ready_a_frame_has_4_kib_and_16_mib_after(speaks: Speaks) -> None:
    early = Connection(other(speaks))
    with pytest.raises(RemoteProtocolError) as caught:
        early.receive_data((ADMISSION_FRAME + 1).to_bytes(4, "big"))
    assert caught.value.code == "frame-too-long"
    late = opened(other(speaks))
    assert late.receive_data(CALL_FRAME.to_bytes(4, "big")) == []
    with pytest.raises(RemoteProtocolError):
        opened(other(speaks)).receive_data((CALL_FRAME + 1).to_bytes(4, "big"))


def test_we_send_no_frame_that_the_other_side_would_refuse() -> None:
    early = brought_to(State.VERDICT, A)
    with pytest.raises(LocalProtocolError, match="the limit is 4096") as caught:
        early.send(Ready("v" * ADMISSION_FRAME))
    assert caught.value.code == "frame-too-long"
    assert early.state is State.VERDICT
    caller = opened(C)
    with pytest.raises(LocalProtocolError, match="the limit is 16777216"):
        caller.send(Call(1, "m", 1, msgspec.Raw(bytes(CALL_FRAME + 1))))
    assert not caller.in_flight
    assert not caller.data_to_send()


def test_two_last_words_may_cross() -> None:
    calling, accepting = opened(C), opened(A)
    calling.send(Bye("done"))
    accepting.send(Bye("going-away"))
    assert accepting.receive_data(calling.data_to_send()) == [Bye("done")]
    assert calling.receive_data(accepting.data_to_send()) == [Bye("going-away")]
    assert calling.state is accepting.state is State.ANSWERING
    for end in (calling, accepting):
        assert end.receive_eof()
        assert (end.state, end.is_open) == (State.CLOSED, False)


def test_what_was_asked_before_two_crossing_last_words_is_still_answered() -> None:
    """Both sides leave at once: the caller rotates while the server stops. No answer is lost."""
    calling, accepting = opened(C), opened(A)
    calling.send(call(1))
    assert accepting.receive_data(calling.data_to_send()) == [call(1)]
    calling.send(Bye("done"))
    accepting.send(Bye("going-away"))
    assert accepting.receive_data(calling.data_to_send()) == [Bye("done")]
    answer = Reply(1, msgspec.Raw(msgspec.msgpack.encode("a" * (CALL_FRAME - 100))))
    accepting.send(answer)  # as long as any other answer
    assert calling.receive_data(accepting.data_to_send()) == [Bye("going-away"), answer]
    assert not calling.in_flight
    with pytest.raises(LocalProtocolError) as caught:
        accepting.send(answer)
    assert caught.value.code == "protocol-local"


def test_a_call_that_crosses_our_last_word_is_heard_and_may_be_answered() -> None:
    calling, accepting = opened(C), opened(A)
    accepting.send(Bye("going-away"))
    calling.send(call(1))
    assert accepting.receive_data(calling.data_to_send()) == [call(1)]
    answer = Rejection(1, "going-away", "")
    accepting.send(answer)
    assert calling.receive_data(accepting.data_to_send()) == [Bye("going-away"), answer]


@pytest.mark.parametrize("late", [call(5), Cancel(1), Ping(1), Bye()])
def test_after_its_last_word_a_side_starts_nothing_new(late: Any) -> None:
    calling, accepting = opened(C), opened(A)
    calling.send(Bye())
    with pytest.raises(LocalProtocolError):
        calling.send(late)
    accepting.receive_data(frames(Bye()))
    with pytest.raises(RemoteProtocolError):
        accepting.receive_data(frames(late))


def test_after_its_last_word_a_side_still_answers_pings() -> None:
    calling = opened(C)
    calling.send(Bye())
    calling.send(Pong(3))
    assert calling.state is State.CLOSING


def test_a_call_number_in_use_is_a_breach_and_leaves_no_bytes() -> None:
    calling, accepting = opened(C), opened(A)
    calling.send(call(1))
    accepting.receive_data(calling.data_to_send())
    with pytest.raises(LocalProtocolError, match="call 1 is under way already"):
        calling.send(call(1))
    assert not calling.data_to_send()
    with pytest.raises(RemoteProtocolError, match="call 1 is under way already"):
        accepting.receive_data(frames(call(1)))


@pytest.mark.parametrize("answer", [Reply(9, EMPTY), Rejection(9, "x", "")])
def test_an_answer_that_nobody_asked_for_is_a_breach_on_both_sides(answer: Any) -> None:
    with pytest.raises(LocalProtocolError, match="call 9, which nobody made"):
        opened(A).send(answer)
    with pytest.raises(RemoteProtocolError, match="call 9, which nobody made"):
        opened(C).receive_data(frames(answer))


def test_a_number_is_free_again_once_it_is_answered() -> None:
    calling, accepting = opened(C), opened(A)
    for answer in (Reply(1, EMPTY), Rejection(1, "x", "")):
        calling.send(call(1))
        accepting.receive_data(calling.data_to_send())
        accepting.send(answer)
        assert calling.receive_data(accepting.data_to_send()) == [answer]
    assert not calling.in_flight
    assert not accepting.in_flight


def test_more_calls_than_may_be_under_way_are_refused_on_both_sides() -> None:
    calling, accepting = opened(C), opened(A)
    for number in range(MAX_IN_FLIGHT):
        calling.send(call(number))
    accepting.receive_data(calling.data_to_send())
    with pytest.raises(LocalProtocolError, match="more than 256"):
        calling.send(call(MAX_IN_FLIGHT))
    with pytest.raises(RemoteProtocolError, match="more than 256") as caught:
        accepting.receive_data(frames(call(MAX_IN_FLIGHT)))
    assert caught.value.code == "too-many-calls"


def test_cancelling_frees_no_number_until_it_is_answered() -> None:
    calling = opened(C)
    calling.send(call(1))
    calling.send(Cancel(1))
    assert calling.in_flight == {1}


@pytest.mark.parametrize(
    ("script", "proper"),
    [([], False), ([Bytes(frames(Bye()))], True), ([Bytes(frames(Bye()) + b"\x00")], False)],
)
def test_an_end_is_proper_only_after_the_peers_last_word(script: list[Bytes], proper: bool) -> None:
    play = Playbook(ConversationActor(opened(A)))
    for given in script:
        play = play >> given << Heard(Bye())
    assert play >> EndOfStream() << Over(proper)


def test_a_frame_that_is_no_message_is_a_breach() -> None:
    with pytest.raises(RemoteProtocolError, match="no message of ours"):
        Connection(C).receive_data(b"\x00\x00\x00\x01\xc0")


def test_on_the_join_path_a_stranger_sends_little_and_the_other_side_much() -> None:
    """The request stays within an admission's frame; certificates and lists may be long."""
    calling, accepting = Connection(C, State.JOIN), Connection(A, State.JOIN)
    with pytest.raises(LocalProtocolError, match="the limit is 12288"):
        accepting.send(JoinGreeting("1", NOON, (b"r" * JOIN_FRAME,)))
    with pytest.raises(RemoteProtocolError, match="the limit is 12288"):
        Connection(C, State.JOIN).receive_data((JOIN_FRAME + 1).to_bytes(4, "big"))
    accepting.send(greeting := JoinGreeting("1", NOON, (b"r" * 9000,)))
    assert calling.receive_data(accepting.data_to_send()) == [greeting]
    with pytest.raises(LocalProtocolError, match="the limit is 4096"):
        calling.send(JoinRequest(b"", "", (), b"q" * ADMISSION_FRAME, "", NOON))
    assert (calling.state, accepting.state) == (State.REQUEST, State.REQUEST)
    with pytest.raises(RemoteProtocolError, match="the limit is 4096"):
        accepting.receive_data((ADMISSION_FRAME + 1).to_bytes(4, "big"))
    accepting = Connection(A, State.REQUEST)
    calling.send(request := JoinRequest(b"", "", (), b"q" * 3000, "", NOON))
    assert accepting.receive_data(calling.data_to_send()) == [request]
    accepting.send(joined := Joined((b"c" * 100_000,), (), (), (), {}))
    assert calling.receive_data(accepting.data_to_send()) == [joined]
    assert calling.state is accepting.state is State.CLOSED


def test_lists_from_a_stranger_have_a_bound() -> None:
    with pytest.raises(RemoteProtocolError):
        Connection(C, State.GIVE).receive_data((LISTS_FRAME + 1).to_bytes(4, "big"))
    with pytest.raises(RemoteProtocolError):
        Connection(A, State.LISTS).receive_data((ADMISSION_FRAME + 1).to_bytes(4, "big"))
