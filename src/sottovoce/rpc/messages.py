"""The messages of the channel: admission first, then calls. Values only.

Every message is a MessagePack array whose first item is its number; unknown trailing items are
ignored by an older reader, so that a message may grow. The order of the numbers is the order in
which a conversation meets them.
"""

from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

__all__ = [
    "UNDECODABLE",
    "Bye",
    "Call",
    "Cancel",
    "CurrentLists",
    "Greeting",
    "Hello",
    "JoinGreeting",
    "JoinRequest",
    "Joined",
    "ListsRequest",
    "Message",
    "Ping",
    "Pong",
    "Ready",
    "Reason",
    "Refused",
    "Rejection",
    "Reply",
    "WhyAnswer",
    "WhyHint",
    "decode",
    "encode",
]

#: A moment that carries its time zone; one without could not be compared with our clock.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Reason(msgspec.Struct, frozen=True, array_like=True):
    """One reason as the peer may read it: about its own certificate, name or role, nothing else.

    Args:
        code: of the catalogue.
        expected, presented: the two values, as text.
        hint: the next step, for the peer's administrator.
    """

    code: str
    expected: str = ""
    presented: str = ""
    hint: str = ""


class Greeting(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The accepting side speaks first: a TLS 1.3 caller that writes first loses the reason.

    Args:
        connection_id: under which the accepting side logs this connection.
        server_name: the name by which it introduces itself.
        now: its clock, UTC.
        verdict: why the caller's certificate is refused; empty when it is good so far.
    """

    connection_id: str
    server_name: str
    now: Moment
    verdict: tuple[Reason, ...] = ()


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The caller introduces itself, and says what it thinks of the accepting side."""

    server_name: str
    component: str
    version: str
    now: Moment
    verdict: tuple[Reason, ...] = ()


class Ready(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Both sides said yes: only now are they connected."""

    version: str


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The accepting side says no, after the caller's Hello."""

    reasons: tuple[Reason, ...]


class WhyAnswer(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """On the *why* path: what is wrong with the certificate just presented.

    Args:
        connection_id: of this connection.
        refusal_id: of the refused one before, when it is still known; else empty.
        reasons: empty when the certificate would be accepted.
        now: its clock, UTC: a date that is wrong may be a clock that is.
    """

    connection_id: str
    refusal_id: str
    reasons: tuple[Reason, ...]
    now: Moment | None = None


class WhyHint(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """On the *why* and the *join* path: the caller's verdict on the server, an unverified hint."""

    reasons: tuple[Reason, ...]


class JoinGreeting(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """On the *join* path, accepting side first: by what the caller can authenticate it.

    Args:
        connection_id: under which the accepting side logs this connection.
        now: its clock, UTC.
        roots: certificates (DER) of its authority's roots; the caller pins one by its fingerprint.
    """

    connection_id: str
    now: Moment
    roots: tuple[bytes, ...]


class JoinRequest(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """On the *join* path: the new server shows its invitation and asks for a certificate.

    Args:
        secret: of the invitation; said to nobody but the server that was authenticated before.
        name: by which the new server will identify itself.
        components: that will run there.
        request: PKCS#10 (DER), for the key of the certificate shown in TLS.
        version: of the program.
        now: the new server's clock, UTC.
    """

    secret: bytes
    name: str
    components: tuple[str, ...]
    request: bytes
    version: str
    now: Moment

    def __repr__(self) -> str:
        return f"JoinRequest(secret='•••', name={self.name!r}, components={self.components!r})"


class Joined(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """On the *join* path: everything that the new server needs to be one of the installation.

    Args:
        chain: its certificate and those above (DER), leaf first.
        roots: to trust (DER).
        crls: revocation lists (DER).
        allowed: the names of all servers that may speak to each other.
        hosts: on which server each component runs.
    """

    chain: tuple[bytes, ...]
    roots: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    allowed: tuple[str, ...]
    hosts: dict[str, str]


class Call(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """Ask for something.

    Args:
        id: chosen by the caller, not in use.
        method: the call's name, ``component.verb``.
        deadline: milliseconds that the caller will wait.
        body: the argument record, MessagePack.
    """

    id: int
    method: str
    deadline: int
    body: msgspec.Raw


class Reply(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """The result of a call."""

    id: int
    body: msgspec.Raw


class Rejection(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """A call that gave no result: the fault's code and a message."""

    id: int
    code: str
    message: str


class Cancel(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """The caller no longer waits."""

    id: int


class Ping(msgspec.Struct, frozen=True, array_like=True, tag=14):
    """Are you there?"""

    token: int


class Pong(msgspec.Struct, frozen=True, array_like=True, tag=15):
    """I am, with the token asked with."""

    token: int


class Bye(msgspec.Struct, frozen=True, array_like=True, tag=16):
    """The last message of a side: nothing new will come from it."""

    code: str = "done"
    message: str = ""


class ListsRequest(msgspec.Struct, frozen=True, array_like=True, tag=17):
    """On the *lists* path: the caller asks for the revocation lists in force, and names nobody."""


class CurrentLists(msgspec.Struct, frozen=True, array_like=True, tag=18):
    """On the *lists* path: what HUB's authority has signed; each list proves itself.

    Args:
        crls: revocation lists (DER).
    """

    crls: tuple[bytes, ...]


Message: TypeAlias = (
    Greeting
    | Hello
    | Ready
    | Refused
    | WhyAnswer
    | WhyHint
    | JoinGreeting
    | JoinRequest
    | Joined
    | Call
    | Reply
    | Rejection
    | Cancel
    | Ping
    | Pong
    | Bye
    | ListsRequest
    | CurrentLists
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)

encode = _encoder.encode

#: What msgspec raises for bytes that are not what they should be: text that is not UTF-8 and a few
#: kilobytes nested deeper than the interpreter's stack are not among its own errors.
UNDECODABLE = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)


def decode(data: bytes | bytearray | memoryview) -> Message:
    """Return the message in *data*.

    Raises:
        msgspec.DecodeError: it is none (``msgspec.ValidationError`` when the shape is wrong).
    """
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError:
        raise
    except UNDECODABLE as error:
        raise msgspec.DecodeError(f"{type(error).__name__}") from error
