from datetime import UTC, datetime

import msgspec
import pytest

from sottovoce.rpc import (
    Bye,
    Call,
    Cancel,
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
    WhyAnswer,
    WhyHint,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
REASON = Reason("not-in-allowed-list", presented="lui.test")


@pytest.fixture(scope="session")
def samples() -> dict[type[Message], Message]:
    """One message of each kind."""
    made: list[Message] = [
        Greeting("7f", "hub.test", NOON, (REASON,)),
        Hello("lui.test", "lui", "1.0", NOON, (REASON,)),
        Ready("1.0"),
        Refused((REASON,)),
        WhyAnswer("80", "7f", (REASON,)),
        WhyHint((REASON,)),
        JoinGreeting("81", NOON, (b"root",)),
        JoinRequest(b"s" * 16, "trk.test", ("trk",), b"request", "1.0", NOON),
        Joined((b"leaf", b"root"), (b"root",), (b"crl",), ("hub.test",), {"hub": "hub.test"}),
        Call(1, "hub.roster", 30_000, msgspec.Raw(b"\x80")),
        Reply(1, msgspec.Raw(b"\x80")),
        Rejection(1, "ticket-bad", "no"),
        Cancel(1),
        Ping(7),
        Pong(7),
        Bye("done", "that was all"),
        ListsRequest(),
        CurrentLists((b"crl", b"another")),
    ]
    return {type(message): message for message in made}
