from datetime import UTC, datetime

import msgspec
import pytest

from sottovoce.rpc import Greeting, JoinRequest, Message, Ready, decode, encode

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_every_message_survives_the_wire(samples: dict[type[Message], Message]) -> None:
    for message in samples.values():
        assert decode(encode(message)) == message


def test_each_message_has_a_number_of_its_own(samples: dict[type[Message], Message]) -> None:
    numbers = [msgspec.msgpack.decode(encode(message))[0] for message in samples.values()]
    assert len(set(numbers)) == len(numbers) == 18


def test_a_newer_peer_may_add_items_at_the_end() -> None:
    body = msgspec.msgpack.encode([3, "2.0", "something new"])
    assert decode(body) == Ready("2.0")


def test_a_time_without_its_zone_is_no_message() -> None:
    """Our clock could not be compared with it: the gate would meet a TypeError."""
    body = msgspec.msgpack.encode([1, "7f", "hub.test", "2026-11-23T12:00:00"])
    with pytest.raises(msgspec.DecodeError):
        decode(body)
    fine = msgspec.msgpack.encode([1, "7f", "hub.test", "2026-11-23T12:00:00+00:00"])
    assert decode(fine) == Greeting("7f", "hub.test", NOON)


@pytest.mark.parametrize("depth", [2_000, 4_000, 200_000])
def test_nesting_deeper_than_the_stack_is_no_message(depth: int) -> None:
    """Four kilobytes of a stranger's brackets must not raise RecursionError in the event loop."""
    body = b"\x95\x0a\x01\xa1m\x05" + b"\x91" * depth + b"\xc0"
    with pytest.raises(msgspec.DecodeError, match="RecursionError"):
        decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc0",
        b"\x90",
        b"\x91\x63",
        msgspec.msgpack.encode({"id": 1}),
        msgspec.msgpack.encode([10, "one", "m", 5, {}]),
        msgspec.msgpack.encode([3]),
        b"\x92\x03\xa2\xff\xfe",  # text that is not UTF-8: not among msgspec's own errors
        encode(Ready("1")) + b"x",
    ],
)
def test_what_is_no_message_is_a_decode_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(body)


def test_the_secret_of_an_invitation_shows_itself_nowhere(
    samples: dict[type[Message], Message],
) -> None:
    """W20."""
    request = samples[JoinRequest]
    assert isinstance(request, JoinRequest)
    for shown in (str(request), repr(request), f"{request}", repr([request])):
        assert request.secret.decode() not in shown
        assert "trk.test" in shown
