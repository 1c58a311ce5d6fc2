"""Two real conversations on a wire in memory: each send is checked as a receive."""

from datetime import UTC, datetime

import msgspec
import pytest

from sottovoce.rpc import (
    Bye,
    Call,
    Cancel,
    Connection,
    CurrentLists,
    Greeting,
    Hello,
    Joined,
    JoinGreeting,
    JoinRequest,
    ListsRequest,
    Message,
    Ping,
    Pong,
    Ready,
    Reason,
    Refused,
    Rejection,
    Reply,
    Speaks,
    State,
    WhyAnswer,
    WhyHint,
)
from sottovoce.testing import ConversationWire
from sottovoce.tls import Side

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
C, A = Side.CALLING, Side.ACCEPTING
BODY = msgspec.Raw(b"\x80")

WHOLE: list[tuple[Side, Message]] = [
    (A, Greeting("7f", "hub.test", NOON)),
    (C, Hello("lui.test", "lui", "1", NOON)),
    (A, Ready("1")),
    (C, Call(1, "hub.roster", 1000, BODY)),
    (C, Call(2, "hub.audit", 1000, msgspec.Raw(msgspec.msgpack.encode(b"x" * 9000)))),
    (A, Ping(1)),
    (C, Pong(1)),
    (C, Cancel(2)),
    (A, Rejection(2, "cancelled", "")),
    (A, Bye("going-away")),
    (C, Call(3, "hub.roster", 1000, BODY)),
    (A, Reply(1, BODY)),
    (A, Rejection(3, "going-away", "")),
    (C, Bye()),
]
REFUSED: list[tuple[Side, Message]] = [
    (A, Greeting("7f", "hub.test", NOON, (Reason("not-in-allowed-list"),))),
    (C, Hello("lui.test", "lui", "1", NOON)),
    (A, Refused((Reason("not-in-allowed-list"),))),
]
WHY: list[tuple[Side, Message]] = [
    (A, WhyAnswer("80", "7f", (Reason("certificate-expired"),))),
    (C, WhyHint((Reason("issuer-unknown"),))),
]
JOIN: list[tuple[Side, Message]] = [
    (A, JoinGreeting("81", NOON, (b"r" * 3000, b"s" * 3000))),
    (C, JoinRequest(b"s" * 16, "trk.test", ("trk",), b"q" * 3000, "1", NOON)),
    (A, Joined((b"c" * 9000,) * 3, (b"r" * 3000,), (b"l" * 90_000,), ("hub.test",), {})),
]
JOIN_REFUSED: list[tuple[Side, Message]] = [
    *JOIN[:2],
    (A, Refused((Reason("join-code-used"),))),
]
JOIN_DECLINED: list[tuple[Side, Message]] = [
    *JOIN[:1],
    (C, WhyHint((Reason("join-wrong-authority"),))),
]
LISTS: list[tuple[Side, Message]] = [
    (C, ListsRequest()),
    (A, CurrentLists((b"l" * 90_000, b"l" * 900))),
]


def pair(*, step: int | None = None, begins: State = State.GREETING) -> ConversationWire:
    return ConversationWire(
        Connection(Speaks.CALLING, begins), Connection(Speaks.ACCEPTING, begins), step=step
    )


@pytest.mark.parametrize("step", [None, 1, 3, 8, 4096])
@pytest.mark.parametrize(
    ("script", "begins"),
    [
        (WHOLE, State.GREETING),
        (REFUSED, State.GREETING),
        (WHY, State.WHY),
        (JOIN, State.JOIN),
        (JOIN_REFUSED, State.JOIN),
        (JOIN_DECLINED, State.JOIN),
        (LISTS, State.LISTS),
    ],
)
def test_every_split_of_a_conversation_gives_the_same_messages(
    step: int | None, script: list[tuple[Side, Message]], begins: State
) -> None:
    wire = pair(step=step, begins=begins)
    for side, message in script:
        wire.say(side, message)
    for side in Side:
        assert wire.heard[side] == [message for speaker, message in script if speaker is not side]
        both_said_bye = script is WHOLE
        assert wire.ends[side].state is (State.ANSWERING if both_said_bye else State.CLOSED)
        assert wire.ends[side].receive_eof()
        assert wire.ends[side].state is State.CLOSED


def test_what_is_said_in_one_turn_leaves_in_one_piece() -> None:
    wire = pair()
    wire.say(A, WHOLE[0][1])
    wire.say(C, WHOLE[1][1])
    wire.say(A, WHOLE[2][1])
    wire.say(C, Call(1, "m", 1, BODY), Call(2, "m", 1, BODY), Cancel(1))
    assert [type(message) for message in wire.heard[A]] == [Hello, Call, Call, Cancel]
