"""The conversation as a state machine, without I/O.

Two rules. Everything that decides which message may come when lives in the table below. The table
does not know which side we are: it speaks of the *accepting* and the *calling* one, and a
``Connection`` is told once which of them it is. So whatever we send is checked by the same table as
whatever we receive: one mistake is a ``LocalProtocolError``, the other a ``RemoteProtocolError``.
"""

from enum import StrEnum
from types import MappingProxyType

import msgspec

from sottovoce.errors import LocalProtocolError, RemoteProtocolError
from sottovoce.rpc.frames import (
    ADMISSION_FRAME,
    CALL_FRAME,
    JOIN_FRAME,
    LISTS_FRAME,
    FrameReader,
    append_frame,
)
from sottovoce.rpc.messages import (
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
    Refused,
    Rejection,
    Reply,
    WhyAnswer,
    WhyHint,
    decode,
    encode,
)

__all__ = ["MAX_IN_FLIGHT", "TRANSITIONS", "Connection", "Speaks", "State"]

#: Calls that may be under way at once on one connection; HTTP/2 servers commonly allow 100 to 250
#: streams, and a caller waits for a free place before it sends one more.
MAX_IN_FLIGHT = 256


class Speaks(StrEnum):
    """Whose message it is."""

    ACCEPTING = "accepting"
    CALLING = "calling"


class State(StrEnum):
    """How far the conversation has come."""

    #: The accepting side owes its Greeting.
    GREETING = "greeting"
    #: The caller owes its Hello.
    HELLO = "hello"
    #: The accepting side owes Ready or Refused.
    VERDICT = "verdict"
    #: Connected.
    OPEN = "open"
    #: One side has said its last word; answers under way may still arrive.
    CLOSING = "closing"
    #: Both sides have said their last word; answers under way may still arrive.
    ANSWERING = "answering"
    #: Nothing more may be said.
    CLOSED = "closed"
    #: The *why* path: the accepting side owes its answer.
    WHY = "why"
    #: The *why* path: the caller may leave its hint.
    HINT = "hint"
    #: The *join* path: the accepting side owes its greeting.
    JOIN = "join"
    #: The *join* path: the caller owes its request, or says why it makes none.
    REQUEST = "request"
    #: The *join* path: the accepting side owes the certificate, or its refusal.
    ISSUE = "issue"
    #: The *lists* path: the caller owes its request.
    LISTS = "lists"
    #: The *lists* path: the accepting side owes the lists.
    GIVE = "give"


_A, _C = Speaks.ACCEPTING, Speaks.CALLING

#: (state, whose message, which message) → state. What is not here is a breach of the protocol.
TRANSITIONS = MappingProxyType(
    {
        (State.GREETING, _A, Greeting): State.HELLO,
        (State.HELLO, _C, Hello): State.VERDICT,
        (State.HELLO, _C, Bye): State.CLOSED,
        (State.VERDICT, _A, Ready): State.OPEN,
        (State.VERDICT, _A, Refused): State.CLOSED,
        (State.OPEN, _C, Call): State.OPEN,
        (State.OPEN, _A, Reply): State.OPEN,
        (State.OPEN, _A, Rejection): State.OPEN,
        (State.OPEN, _C, Cancel): State.OPEN,
        (State.OPEN, _A, Ping): State.OPEN,
        (State.OPEN, _C, Ping): State.OPEN,
        (State.OPEN, _A, Pong): State.OPEN,
        (State.OPEN, _C, Pong): State.OPEN,
        (State.OPEN, _A, Bye): State.CLOSING,
        (State.OPEN, _C, Bye): State.CLOSING,
        # The two last words may cross, and answers to what was asked before still come: also when
        # both sides leave at the same time, for then neither is to lose what the other has done.
        (State.CLOSING, _A, Reply): State.CLOSING,
        (State.CLOSING, _A, Rejection): State.CLOSING,
        (State.CLOSING, _C, Call): State.CLOSING,
        (State.CLOSING, _C, Cancel): State.CLOSING,
        (State.CLOSING, _A, Ping): State.CLOSING,
        (State.CLOSING, _C, Ping): State.CLOSING,
        (State.CLOSING, _A, Pong): State.CLOSING,
        (State.CLOSING, _C, Pong): State.CLOSING,
        (State.CLOSING, _A, Bye): State.ANSWERING,
        (State.CLOSING, _C, Bye): State.ANSWERING,
        (State.ANSWERING, _A, Reply): State.ANSWERING,
        (State.ANSWERING, _A, Rejection): State.ANSWERING,
        (State.ANSWERING, _A, Pong): State.ANSWERING,
        (State.ANSWERING, _C, Pong): State.ANSWERING,
        (State.WHY, _A, WhyAnswer): State.HINT,
        (State.HINT, _C, WhyHint): State.CLOSED,
        (State.HINT, _C, Bye): State.CLOSED,
        (State.JOIN, _A, JoinGreeting): State.REQUEST,
        (State.REQUEST, _C, JoinRequest): State.ISSUE,
        (State.REQUEST, _C, WhyHint): State.CLOSED,
        (State.REQUEST, _C, Bye): State.CLOSED,
        (State.ISSUE, _A, Joined): State.CLOSED,
        (State.ISSUE, _A, Refused): State.CLOSED,
        (State.LISTS, _C, ListsRequest): State.GIVE,
        (State.GIVE, _A, CurrentLists): State.CLOSED,
    }
)

#: The states in which both sides have said yes: answers may be long to the last.
_CALLS = (State.OPEN, State.CLOSING, State.ANSWERING)

#: (state, whose message) → the longest frame, where it is not that of an admission. What a stranger
#: may send stays small on the *join* path too; what the authenticated other side sends may be long.
_FRAMES = MappingProxyType(
    {
        (State.JOIN, _A): JOIN_FRAME,
        (State.ISSUE, _A): CALL_FRAME,
        (State.GIVE, _A): LISTS_FRAME,
        **{(state, side): CALL_FRAME for state in _CALLS for side in Speaks},
    }
)

_TIED_TO_A_CALL = (Reply, Rejection)

#: What a side may still say after its last word: answers to what it was asked before.
_AFTER_BYE = (Reply, Rejection, Pong)


class Connection:
    """One side of one conversation.

    Args:
        speaks: which side we are.
        begins: where the conversation begins: ``GREETING``; ``WHY``, ``JOIN`` and ``LISTS`` on
            those paths.

    Move bytes with :meth:`receive_data`, :meth:`receive_eof` and :meth:`data_to_send`; speak with
    :meth:`send`; what arrived is what :meth:`receive_data` returns. :attr:`state` says where it is.
    """

    def __init__(self, speaks: Speaks, begins: State = State.GREETING) -> None:
        self.speaks = speaks
        self.hears = _C if speaks is _A else _A
        self.state = begins
        self.in_flight: set[int] = set()
        self._reader = FrameReader()
        self._out = bytearray()
        self._last_words: set[Speaks] = set()
        self._set_limits()

    def receive_data(self, data: bytes | bytearray | memoryview) -> list[Message]:
        """Take bytes from the peer and return the messages that they complete.

        Raises:
            RemoteProtocolError: the peer broke the protocol; say ``Bye`` with its code and close.
        """
        reader = self._reader
        reader.feed(data)
        messages: list[Message] = []
        while (frame := reader.next_frame()) is not None:
            try:
                message = decode(frame)
            except msgspec.DecodeError as error:
                raise RemoteProtocolError(f"a frame that is no message of ours: {error}") from error
            self._hear(message)
            messages.append(message)
        return messages

    def receive_eof(self) -> bool:
        """Take note of the end of the stream; return whether it came at a proper place.

        An end without a last word loses what was under way: the caller is told so.
        """
        proper = self.state is State.CLOSED or self.hears in self._last_words
        self.state = State.CLOSED
        return proper and not self._reader.waiting

    def send(self, message: Message) -> None:
        """Say *message*; fetch the bytes with :meth:`data_to_send`.

        Raises:
            LocalProtocolError: it is not our turn for it, or it is too long.
        """
        state = TRANSITIONS.get((self.state, self.speaks, type(message)))
        if state is None or self._has_finished(self.speaks, message):
            raise LocalProtocolError(
                f"{type(message).__name__} by the {self.speaks} side in state {self.state}"
            )
        fault = self._miscounted(message)
        if fault:
            raise LocalProtocolError(fault)
        append_frame(self._out, encode(message), limit=self._limit)
        self._track(message)
        self._enter(state, message, self.speaks)

    def data_to_send(self) -> bytearray:
        """Return the bytes that are due to the peer (the caller owns them)."""
        out, self._out = self._out, bytearray()
        return out

    @property
    def due(self) -> int:
        """Bytes that wait for :meth:`data_to_send`."""
        return len(self._out)

    @property
    def is_open(self) -> bool:
        """Whether both sides have said yes and neither its last word."""
        return self.state is State.OPEN

    def _hear(self, message: Message) -> None:
        state = TRANSITIONS.get((self.state, self.hears, type(message)))
        if state is None or self._has_finished(self.hears, message):
            raise RemoteProtocolError(
                f"{type(message).__name__} by the {self.hears} side in state {self.state}"
            )
        fault = self._miscounted(message)
        if fault:
            full = isinstance(message, Call) and len(self.in_flight) >= MAX_IN_FLIGHT
            raise RemoteProtocolError(fault, code="too-many-calls" if full else "protocol-error")
        self._track(message)
        self._enter(state, message, self.hears)

    def _has_finished(self, speaker: Speaks, message: Message) -> bool:
        return speaker in self._last_words and not isinstance(message, _AFTER_BYE)

    def _enter(self, state: State, message: Message, speaker: Speaks) -> None:
        if state is self.state:
            return
        self.state = state
        self._set_limits()
        if isinstance(message, Bye):
            self._last_words.add(speaker)

    def _set_limits(self) -> None:
        self._limit = _FRAMES.get((self.state, self.speaks), ADMISSION_FRAME)
        self._reader.limit = _FRAMES.get((self.state, self.hears), ADMISSION_FRAME)

    def _miscounted(self, message: Message) -> str:
        """Return why *message* does not fit to the calls under way, whoever says it."""
        if isinstance(message, Call):
            if message.id in self.in_flight:
                return f"call {message.id} is under way already"
            if len(self.in_flight) >= MAX_IN_FLIGHT:
                return f"more than {MAX_IN_FLIGHT} calls at once"
        elif isinstance(message, _TIED_TO_A_CALL) and message.id not in self.in_flight:
            return f"an answer to call {message.id}, which nobody made"
        return ""

    def _track(self, message: Message) -> None:
        """Keep count of the calls under way."""
        if isinstance(message, Call):
            self.in_flight.add(message.id)
        elif isinstance(message, _TIED_TO_A_CALL):
            self.in_flight.discard(message.id)
