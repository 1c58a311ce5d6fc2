"""The calling side of an open channel: typed calls, each with a deadline and one outcome.

Nothing here decides whether the peer may be called: that is over when a channel exists.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from sottovoce.contracts import CallSpec
from sottovoce.errors import (
    CallTimeout,
    ChannelClosed,
    Fault,
    NoSuchMethod,
    NotCarriedOut,
    RemoteFault,
    RemoteProtocolError,
    SottovoceError,
)
from sottovoce.net.clock import Clock, utc_now
from sottovoce.net.conversation import Conversation
from sottovoce.net.endpoint import PeerFacts
from sottovoce.net.limits import Limits
from sottovoce.net.stubs import decoder, make_stub
from sottovoce.net.tasks import TaskOwner, unexpected
from sottovoce.net.wire import Happening, Wire
from sottovoce.rpc import MAX_IN_FLIGHT, UNDECODABLE, Call, Cancel, Rejection, Reply, encode

__all__ = ["Channel"]

Contract = TypeVar("Contract")


class Channel(Conversation):
    """The calling side of an open channel; an async context manager.

    Use :meth:`stub` for typed calls. :attr:`facts` tells who is at the other end.
    """

    def __init__(
        self, wire: Wire, facts: PeerFacts, limits: Limits, *, clock: Clock = utc_now
    ) -> None:
        self._pending: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._next_id = 0
        super().__init__(wire, facts, limits, clock=clock, tasks=TaskOwner(unexpected))
        self._room = asyncio.Event()
        self._room.set()
        wire.deliver_to(self.receive)

    def stub(self, contract: type[Contract]) -> Contract:
        """Return an object with the methods of *contract*, each a call over this channel."""
        return make_stub(contract, self.call)

    async def call(self, spec: CallSpec, request: object) -> Any:
        """Make one call.

        Args:
            spec: which.
            request: its argument record.

        Returns:
            The reply record.

        Raises:
            RemoteFault: the other side answered with a fault.
            NoSuchMethod: it does not offer the call to this component.
            CallTimeout: no answer within the deadline.
            NotCarriedOut: the channel ended before the call began; another may carry it.
            ChannelClosed: the channel ended; whether the call was carried out is unknown.
            LocalProtocolError: the argument is longer than a frame.
        """
        loop = asyncio.get_running_loop()
        due = loop.time() + spec.deadline
        if not self._has_room:
            await self._wait_for_room(due, spec)
        if not self.is_open:
            raise self._ended_as(NotCarriedOut)
        self._next_id += 1
        number = self._next_id
        answer: asyncio.Future[msgspec.Raw] = loop.create_future()
        body = msgspec.Raw(encode(request))
        self.wire.send(Call(number, spec.name, int(spec.deadline * 1000), body))
        self._pending[number] = answer
        timer = loop.call_at(due, self._expire, number, spec)
        try:
            raw = await answer
        except asyncio.CancelledError:
            self._say(Cancel(number))
            raise
        finally:
            timer.cancel()
            self._pending.pop(number, None)
            self._leave_when_idle()
        return self._decoded(raw, spec)

    @property
    def _has_room(self) -> bool:
        return len(self.wire.connection.in_flight) < MAX_IN_FLIGHT and self.wire.is_writable

    async def _wait_for_room(self, due: float, spec: CallSpec) -> None:
        """Wait until one more call may be under way and the peer reads."""
        try:
            async with asyncio.timeout_at(due):
                while self.is_open and not self._has_room:
                    self._room.clear()
                    await (self._room.wait() if self.wire.is_writable else self.wire.drained())
        except TimeoutError:
            raise CallTimeout(
                f"{spec.name} could not be sent to {self.facts.name} within {spec.deadline:g} s; "
                "it was not carried out."
            ) from None

    def _decoded(self, raw: msgspec.Raw, spec: CallSpec) -> Any:
        try:
            return decoder(spec.reply).decode(raw)
        except UNDECODABLE as error:
            raise RemoteFault(
                "protocol-error",
                f"{self.facts.name} answered {spec.name} with something else: {error}",
            ) from error

    @property
    def _busy(self) -> bool:
        return bool(self._pending)

    def _drop_calls(self) -> None:
        self._fail_pending()

    async def aclose(self) -> None:
        """Say Bye, flush, linger, close; calls under way end with :class:`ChannelClosed`."""
        self._leaving = True
        await self._finish("done")
        self._fail_pending()
        await self._tasks.aclose()

    async def __aenter__(self) -> "Channel":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _take(self, happening: Happening) -> None:
        match happening:
            case Reply(id=number, body=body):
                if (answer := self._pending.get(number)) is not None and not answer.done():
                    answer.set_result(body)
                self._room.set()
            case Rejection(id=number, code=code, message=message):
                if (answer := self._pending.get(number)) is not None:
                    _fail(answer, self._fault(code, message))
                self._room.set()
            case other:
                self._breach(RemoteProtocolError(f"{type(other).__name__} has no place here"))

    def _said_bye(self, reason: str) -> None:
        """The other side takes no new calls; when all under way are answered, close."""
        self._why = self._why or f"the peer said goodbye: {reason}"
        self._room.set()
        self._leave_when_idle()

    def retire(self, code: str, why: str, *, refused: Iterable[Fault] = ()) -> None:
        """Say Bye; calls under way are answered, then the channel closes."""
        super().retire(code, why, refused=refused)
        self._room.set()

    def _expire(self, number: int, spec: CallSpec) -> None:
        answer = self._pending.get(number)
        if answer is not None and not answer.done():
            self._say(Cancel(number))
            _fail(
                answer,
                CallTimeout(
                    f"{spec.name} was not answered by {self.facts.name} within "
                    f"{spec.deadline:g} s; whether it was carried out is unknown."
                ),
            )

    def _end(self, why: str) -> None:
        super()._end(why)
        self._fail_pending()

    def _fail_pending(self) -> None:
        for answer in self._pending.values():
            _fail(answer, self._ended_as(ChannelClosed))
        self._room.set()

    def _ended_as(self, kind: type[ChannelClosed]) -> ChannelClosed:
        why = self._why or (self.closed.result() if self.closed.done() else "it is closing")
        return kind(
            f"The channel to {self.facts.name} is closed: {why}.",
            peer=self.facts.name,
            phase="calls",
            connection_id=self.facts.connection_id,
        )

    def _fault(self, code: str, message: str) -> SottovoceError:
        match code:
            case "going-away":
                return self._ended_as(NotCarriedOut)
            case NoSuchMethod.code:
                return NoSuchMethod(message)
            case CallTimeout.code:
                return CallTimeout(message)
        return RemoteFault(code, message)


def _fail(answer: "asyncio.Future[msgspec.Raw]", error: SottovoceError) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # whoever waited may be cancelled in this very turn
