"""Playbooks: what goes in (``>>``), what must come out (``<<``), and a readable difference.

    play = Playbook(ConversationActor(Connection(Speaks.ACCEPTING)))
    assert (
        play
        >> Say(greeting) << Sent(greeting)
        >> Bytes(frames(hello)) << Heard(hello)
    )

An expected class stands for any of its instances. A playbook that was never played is a failure.
"""

import difflib
from dataclasses import dataclass
from typing import Any, Protocol

from sottovoce.errors import LocalProtocolError, RemoteProtocolError
from sottovoce.rpc import Connection, Message, append_frame, decode, encode
from sottovoce.rpc.frames import CALL_FRAME, HEADER
from sottovoce.tls import Engine, PlainEngine

__all__ = [
    "Begin",
    "Bytes",
    "ConversationActor",
    "EndOfStream",
    "EngineActor",
    "Heard",
    "LocalBreach",
    "Over",
    "Playbook",
    "RemoteBreach",
    "Say",
    "Sent",
    "Speak",
    "frames",
    "messages_in",
]


@dataclass(frozen=True)
class Begin:
    """In: the engine starts."""


@dataclass(frozen=True)
class Bytes:
    """In: these bytes arrive."""

    data: bytes


@dataclass(frozen=True)
class EndOfStream:
    """In: the peer sends no more."""


@dataclass(frozen=True)
class Say:
    """In: our program says this."""

    message: Message


@dataclass(frozen=True)
class Speak:
    """In: our program sends these bytes of application data."""

    data: bytes


@dataclass(frozen=True)
class Heard:
    """Out: the peer's message, as our program gets it."""

    message: Message


@dataclass(frozen=True)
class Sent:
    """Out: a message in the bytes that are due to the peer."""

    message: Message


@dataclass(frozen=True)
class LocalBreach:
    """Out: our program may not say that now."""


@dataclass(frozen=True)
class RemoteBreach:
    """Out: the peer broke the protocol; the code with which it is told goodbye."""

    bye: str


@dataclass(frozen=True)
class Over:
    """Out: the stream has ended, at a proper place or not."""

    proper: bool


class Actor(Protocol):
    """What a playbook plays with."""

    def take(self, given: Any) -> list[Any]:
        """Take one input; return what came of it."""


def frames(*messages: Message) -> bytes:
    """Return *messages* as they stand on the wire."""
    out = bytearray()
    for message in messages:
        append_frame(out, encode(message), limit=CALL_FRAME)
    return bytes(out)


def messages_in(data: bytes) -> list[Message]:
    """Return the messages that stand in *data*, which holds whole frames."""
    found = []
    while data:
        size = HEADER + int.from_bytes(data[:HEADER], "big")
        found.append(decode(data[HEADER:size]))
        data = data[size:]
    return found


class ConversationActor:
    """Plays an ``rpc.Connection``."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def take(self, given: Any) -> list[Any]:
        """Take ``Bytes``, ``Say`` or ``EndOfStream``."""
        connection = self.connection
        try:
            match given:
                case Bytes(data=data):
                    return [Heard(message) for message in connection.receive_data(data)]
                case Say(message=message):
                    connection.send(message)
                    return [Sent(said) for said in _messages(connection.data_to_send())]
                case EndOfStream():
                    return [Over(connection.receive_eof())]
        except LocalProtocolError:
            return [LocalBreach()]
        except RemoteProtocolError as error:
            return [RemoteBreach(error.code)]
        raise TypeError(f"a conversation takes no {given!r}")


class EngineActor:
    """Plays a ``tls.Engine``; its outputs are the engine's events."""

    def __init__(self, engine: Engine | PlainEngine) -> None:
        self.engine = engine
        #: What the engine has to send; bytes differ from run to run and are not compared.
        self.sent = b""

    def take(self, given: Any) -> list[Any]:
        """Take ``Begin``, ``Bytes``, ``Speak`` or ``EndOfStream``."""
        match given:
            case Begin():
                self.engine.start()
            case Bytes(data=data):
                self.engine.receive_data(data)
            case EndOfStream():
                self.engine.receive_eof()
            case Speak(data=data):
                try:
                    self.engine.send(data)
                except LocalProtocolError:
                    return [LocalBreach()]
            case _:
                raise TypeError(f"an engine takes no {given!r}")
        self.sent += self.engine.data_to_send()
        return list(self.engine.events())


class Playbook:
    """A script; ``assert`` plays it.

    Args:
        actor: who is played with.
    """

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._script: list[tuple[str, Any]] = []
        self._played = False

    def __rshift__(self, given: object) -> "Playbook":
        """Put *given* in; a function is called at its turn for what goes in."""
        self._script.append((">>", given))
        return self

    def __lshift__(self, expected: object) -> "Playbook":
        """Expect *expected* to come out."""
        self._script.append(("<<", expected))
        return self

    def __bool__(self) -> bool:
        """Play, and compare what came out with what should.

        Raises:
            AssertionError: with the difference, line by line.
        """
        self._played = True
        wanted: list[str] = []
        met: list[str] = []
        came: list[Any] = []
        for mark, item in self._script:
            if mark == ">>":
                given = item() if callable(item) else item
                met += [_line("<<", output) for output in came]
                line = _line(">>", given)
                wanted.append(line)
                met.append(line)
                came = self._actor.take(given)
            elif came and _fits(came[0], item):
                line = _line("<<", came.pop(0))
                wanted.append(line)
                met.append(line)
            else:
                wanted.append(_line("<<", item))
        met += [_line("<<", output) for output in came]
        if wanted != met:
            diff = "\n".join(difflib.ndiff(wanted, met))
            raise AssertionError(f"not as written (-: expected, +: came):\n{diff}")
        return True

    def __del__(self) -> None:
        """Fail when nobody played."""
        if not self._played:
            raise AssertionError("a playbook was written and never played")


def _messages(data: bytes | bytearray) -> list[Message]:
    messages = []
    while data:
        length = int.from_bytes(data[:HEADER], "big")
        messages.append(decode(data[HEADER : HEADER + length]))
        data = data[HEADER + length :]
    return messages


def _fits(came: object, expected: object) -> bool:
    return isinstance(came, expected) if isinstance(expected, type) else came == expected


def _line(mark: str, item: object) -> str:
    text = f"any {item.__name__}" if isinstance(item, type) else repr(item)
    return f"{mark} {text if len(text) <= 160 else text[:159] + '…'}"
