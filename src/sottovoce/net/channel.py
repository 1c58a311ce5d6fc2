"""An open channel: the calling side makes typed calls on it, the accepting side serves them.

Both sides answer pings and notice a dead peer; both end by saying Bye, letting what is under way
finish, and lingering. Nothing here decides whether a peer may be here: that is over when a channel
exists.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from sottovoce.contracts import Caller, CallSpec, calls_of
from sottovoce.errors import (
    CallRefused,
    CallTimeout,
    ChannelClosed,
    LocalProtocolError,
    NoSuchMethod,
    RemoteFault,
    RemoteProtocolError,
    SottovoceError,
)
from sottovoce.net.endpoint import Offer, PeerFacts
from sottovoce.net.limits import Limits
from sottovoce.net.tasks import TaskOwner
from sottovoce.net.wire import Happening, Lost, Wire
from sottovoce.rpc import (
    MAX_IN_FLIGHT,
    Bye,
    Call,
    Cancel,
    Ping,
    Pong,
    Rejection,
    Reply,
    encode,
)

__all__ = ["Channel", "ServingChannel"]

Contract = TypeVar("Contract")


@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


class _Conversation:
    """What both sides of an open channel do alike: keep alive, notice the end, close."""

    def __init__(self, wire: Wire, facts: PeerFacts, limits: Limits) -> None:
        self.wire = wire
        self.facts = facts
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._limits = limits
        self._heard = True
        self._token = 0
        self._timer = self._arm(limits.idle)
        self._why = ""

    @property
    def is_open(self) -> bool:
        """Whether calls can still be made."""
        return not self.closed.done() and self.wire.connection.is_open

    def _arm(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        """Send a Ping after silence; after silence on that, give the peer up."""
        if self.closed.done():
            return
        if self._heard:
            self._heard = False
            self._say(Ping(self._token))
            self._token += 1
            self._timer = self._arm(self._limits.pong)
        elif self._timer.cancelled() is False and not self._heard:
            self._end("the peer does not answer")
            self.wire.abort()

    def receive(self, happening: Happening) -> None:
        """Take what the wire delivers."""
        if not self._heard:
            self._heard = True
            self._timer.cancel()
            self._timer = self._arm(self._limits.idle)
        match happening:
            case Ping(token=token):
                self._say(Pong(token))
            case Pong():
                pass
            case Bye(code=code, message=message):
                self._said_bye(code, message)
            case Lost(error=error):
                self._end(self._why or error or "the peer closed the connection")
            case RemoteProtocolError() as broken:
                self._say(Bye(broken.bye, broken.message[:200]))
                self._end(f"the peer broke the protocol: {broken.message}")
                self.wire.abort()
            case _:
                self._take(happening)

    def _take(self, happening: Happening) -> None:
        raise NotImplementedError

    def _said_bye(self, code: str, message: str) -> None:
        raise NotImplementedError

    def _say(self, message: Any) -> bool:
        """Send unless it is too late for it; return whether it went out."""
        try:
            self.wire.send(message)
        except LocalProtocolError:
            return False
        return True

    def _end(self, why: str) -> None:
        if not self.closed.done():
            self.closed.set_result(why)
        self._timer.cancel()

    async def _finish(self, code: str) -> None:
        self._say(Bye(code))
        await self.wire.close(linger=self._limits.linger)
        self._end("closed by this side")


class Channel(_Conversation):
    """The calling side of an open channel; an async context manager.

    Use :meth:`stub` for typed calls. :attr:`facts` tells who is at the other end.
    """

    def __init__(self, wire: Wire, facts: PeerFacts, limits: Limits) -> None:
        super().__init__(wire, facts, limits)
        self._pending: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._next_id = 0
        self._leaving = False
        self._tasks = TaskOwner(_unexpected)
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
            ChannelClosed: the channel ended; whether the call was carried out is unknown.
        """
        while len(self.wire.connection.in_flight) >= MAX_IN_FLIGHT:
            self._room.clear()
            await self._room.wait()
        await self.wire.drained()
        if not self.is_open:
            raise self._closed_error()
        self._next_id += 1
        number = self._next_id
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[msgspec.Raw] = loop.create_future()
        body = msgspec.Raw(encode(request))
        self.wire.send(Call(number, spec.name, int(spec.deadline * 1000), body))
        self._pending[number] = answer
        timer = loop.call_later(spec.deadline, self._expire, number, spec)
        try:
            raw = await answer
        except asyncio.CancelledError:
            self._say(Cancel(number))
            raise
        finally:
            timer.cancel()
            self._pending.pop(number, None)
            self._leave_when_answered()
        return _decoder(spec.reply).decode(raw)

    async def aclose(self) -> None:
        """Say Bye, flush, linger, close; calls under way end with :class:`ChannelClosed`."""
        await self._finish("done")
        self._fail_pending()

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
                if (answer := self._pending.get(number)) is not None and not answer.done():
                    answer.set_exception(_fault(code, message))
                self._room.set()
            case _:
                self._end("the peer said something that has no place here")
                self.wire.abort()

    def _said_bye(self, code: str, message: str) -> None:
        """The other side takes no new calls; when all under way are answered, close."""
        self._why = f"the peer said goodbye: {code}{f' ({message})' if message else ''}"
        self._leave_when_answered()

    def _leave_when_answered(self) -> None:
        if self._why and not self._pending and not self._leaving:
            self._leaving = True
            self._tasks.spawn(self._finish("done"), name="channel-farewell")

    def _expire(self, number: int, spec: CallSpec) -> None:
        answer = self._pending.get(number)
        if answer is not None and not answer.done():
            self._say(Cancel(number))
            answer.set_exception(
                CallTimeout(
                    f"{spec.name} was not answered by {self.facts.name} within "
                    f"{spec.deadline:g} s; whether it was carried out is unknown."
                )
            )

    def _end(self, why: str) -> None:
        super()._end(why)
        self._fail_pending()

    def _fail_pending(self) -> None:
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(self._closed_error())
        self._room.set()

    def _closed_error(self) -> ChannelClosed:
        why = self._why or (self.closed.result() if self.closed.done() else "it is closing")
        return ChannelClosed(
            f"The channel to {self.facts.name} is closed: {why}.",
            peer=self.facts.name,
            phase="calls",
            connection_id=self.facts.connection_id,
        )


@dataclass(frozen=True, slots=True)
class _Served:
    spec: CallSpec
    method: Callable[[Any], Awaitable[Any]]


class ServingChannel(_Conversation):
    """The accepting side of an open channel.

    Args:
        wire, facts, limits: as admitted.
        caller: who calls.
        offers: the contracts of this port; each implementation is made now, for this caller.
        on_error: told of an error in an implementation that is not one of ours.
    """

    def __init__(
        self,
        wire: Wire,
        facts: PeerFacts,
        limits: Limits,
        *,
        caller: Caller,
        offers: Iterable[Offer],
        on_error: Callable[[str, BaseException], None],
    ) -> None:
        super().__init__(wire, facts, limits)
        self.caller = caller
        self._on_error = on_error
        self._tasks = TaskOwner(on_error)
        self._running: dict[int, asyncio.Task[Any]] = {}
        self._served: dict[str, _Served] = {}
        for offer in offers:
            implementation = offer.implement(caller)
            for name, spec in calls_of(offer.contract).items():
                if caller.component in spec.roles:
                    self._served[name] = _Served(spec, getattr(implementation, spec.attribute))
        wire.deliver_to(self.receive)

    async def aclose(self, *, grace: float = 0.0) -> None:
        """Take no new calls, let those under way finish for *grace* seconds, then close."""
        self._say(Bye("going-away"))
        if self._running and grace:
            await asyncio.wait(list(self._running.values()), timeout=grace)
        await self._tasks.aclose()
        await self.wire.close(linger=self._limits.linger)
        self._end("closed by this side")

    def _take(self, happening: Happening) -> None:
        match happening:
            case Call():
                self._dispatch(happening)
            case Cancel(id=number):
                if (task := self._running.get(number)) is not None:
                    task.cancel()
            case _:
                self._end("the peer said something that has no place here")
                self.wire.abort()

    def _said_bye(self, code: str, message: str) -> None:
        """The caller makes no new calls; answer what is under way, then close."""
        self._why = f"the caller said goodbye: {code}{f' ({message})' if message else ''}"
        if not self._running:
            self._tasks.spawn(self._finish("done"), name="channel-farewell")

    def _end(self, why: str) -> None:
        super()._end(why)
        for task in self._running.values():
            task.cancel()

    def _dispatch(self, call: Call) -> None:
        if not self.is_open:
            self._say(Rejection(call.id, "going-away", "This server is stopping; not carried out."))
            return
        served = self._served.get(call.method)
        if served is None:
            message = f"{call.method!r} is not offered to {self.caller.component.label} here."
            self._say(Rejection(call.id, NoSuchMethod.code, message[:300]))
            return
        try:
            request = _decoder(served.spec.request).decode(call.body)
        except msgspec.DecodeError as error:
            self._say(Rejection(call.id, "malformed", f"{call.method}: {error}"))
            return
        task = self._tasks.spawn(self._serve(call, served, request), name=call.method)
        self._running[call.id] = task

    async def _serve(self, call: Call, served: _Served, request: Any) -> None:
        deadline = min(served.spec.deadline, call.deadline / 1000)
        try:
            async with asyncio.timeout(deadline):
                reply = await served.method(request)
            answer: Reply | Rejection = Reply(call.id, msgspec.Raw(encode(reply)))
        except CallRefused as refused:
            answer = Rejection(call.id, refused.code, refused.message)
        except TimeoutError:
            answer = Rejection(call.id, CallTimeout.code, f"{call.method} took over {deadline} s.")
        except asyncio.CancelledError:
            self._say(Rejection(call.id, "cancelled", "The caller no longer waits."))
            raise
        except SottovoceError as error:
            answer = Rejection(call.id, error.code, error.message)
        except Exception as error:  # noqa: BLE001 - the caller gets an answer, the log the error
            self._on_error(call.method, error)
            answer = Rejection(call.id, "internal-error", "An error on this side; see its log.")
        finally:
            self._running.pop(call.id, None)
        await self.wire.drained()
        self._say(answer)


def _unexpected(name: str, error: BaseException) -> None:
    """Let the loop's own handler speak of an error that has no better place."""
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": f"{name} failed", "exception": error})


def _fault(code: str, message: str) -> SottovoceError:
    match code:
        case NoSuchMethod.code:
            return NoSuchMethod(message)
        case CallTimeout.code:
            return CallTimeout(message)
    return RemoteFault(code, message)


def make_stub(
    contract: type[Contract], call: Callable[[CallSpec, object], Awaitable[Any]]
) -> Contract:
    """Return an object with the methods of *contract*, each passing its argument to *call*."""
    methods = {spec.attribute: _bound(call, spec) for spec in calls_of(contract).values()}
    stub = type(f"{contract.__name__}Stub", (), {})()
    vars(stub).update(methods)
    return cast(Contract, stub)


def _bound(
    call: Callable[[CallSpec, object], Awaitable[Any]], spec: CallSpec
) -> Callable[[object], Awaitable[Any]]:
    def method(request: object, /) -> Awaitable[Any]:
        return call(spec, request)

    return method
