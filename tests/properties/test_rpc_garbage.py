"""Garbage is messages or a RemoteProtocolError, and nothing else (as h11 has it)."""

import itertools
from datetime import UTC, datetime

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sottovoce.errors import RemoteProtocolError
from sottovoce.rpc import Connection, Speaks, State, encode
from sottovoce.rpc.messages import Call, Greeting, Hello, Message, Ping, Rejection, Reply

KINDS = msgspec.msgpack.Encoder()
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=20)
    | st.binary(max_size=20) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)  # fmt: skip
shaped = st.tuples(st.integers(0, 20), st.lists(values, max_size=6)).map(
    lambda pair: KINDS.encode([pair[0], *pair[1]])
)
bodies = st.binary(max_size=64) | shaped | st.builds(KINDS.encode, values)


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


streams = st.lists(bodies.map(framed) | st.binary(max_size=12), max_size=6).map(b"".join)


def connection(speaks: Speaks, state: State) -> Connection:
    made = Connection(speaks, state)
    made.in_flight.update({0, 1, 2})
    return made


@given(
    speaks=st.sampled_from(Speaks),
    state=st.sampled_from(State),
    stream=streams,
    step=st.integers(1, 40),
)
@example(Speaks.ACCEPTING, State.HELLO, framed(b"\x92\x03\xa2\xff\xfe"), 40)
@example(Speaks.ACCEPTING, State.OPEN, framed(b"\x95\x0a\x03\xa1m\x05" + b"\x91" * 3000), 5000)
@settings(max_examples=300, deadline=None)
def test_garbage_is_messages_or_a_breach(
    speaks: Speaks, state: State, stream: bytes, step: int
) -> None:
    end = connection(speaks, state)
    heard: list[Message] = []
    breach = None
    try:
        for start in range(0, len(stream), step):
            heard += end.receive_data(stream[start : start + step])
    except RemoteProtocolError as error:
        breach = error
    if breach is not None:
        assert breach.code in {"protocol-error", "frame-too-long", "too-many-calls"}
        assert breach.message.isprintable()
    for message in heard:
        assert encode(message)


@given(
    messages=st.lists(
        st.one_of(
            st.builds(Ping, st.integers(0, 2**32)),
            st.builds(Reply, st.integers(3, 9), st.just(msgspec.Raw(b"\x80"))),
            st.builds(Rejection, st.integers(3, 9), st.text(), st.text()),
        ),
        max_size=10,
        unique_by=lambda message: (type(message) is Ping, getattr(message, "id", id(message))),
    ),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
)
@settings(deadline=None)
def test_every_split_gives_the_same_messages(messages: list[Message], cuts: list[int]) -> None:
    sender, receiver = (connection(speaks, State.OPEN) for speaks in Speaks)
    for end in (sender, receiver):
        end.in_flight.update(range(3, 10))
    for message in messages:
        sender.send(message)
    stream = bytes(sender.data_to_send())
    places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    heard: list[Message] = []
    for start, stop in itertools.pairwise(places):
        heard += receiver.receive_data(stream[start:stop])
    assert heard == messages


@given(st.text(max_size=3000), st.text(max_size=60))
def test_what_a_name_holds_survives_the_wire(name: str, component: str) -> None:

    now = datetime(2026, 1, 1, tzinfo=UTC)
    sender, receiver = (
        connection(Speaks.CALLING, State.HELLO),
        connection(Speaks.ACCEPTING, State.HELLO),
    )
    hello = Hello(name, component, "1", now)
    if len(encode(hello)) > 4096:
        return
    sender.send(hello)
    assert receiver.receive_data(sender.data_to_send()) == [hello]


def test_the_messages_of_admission_and_of_calls_are_told_apart() -> None:
    assert msgspec.msgpack.decode(encode(Call(1, "m", 1, msgspec.Raw(b"\x80"))))[0] == 10
    assert Greeting.__struct_config__.tag == 1
