"""The accepting side of an open channel: it carries out the calls that its caller may make.

Every call gets exactly one answer, or the channel ends. Nothing here decides whether the peer may
be here: that is over when a channel exists.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from sottovoce.contracts import Caller, CallSpec, calls_of
from sottovoce.errors import (
    CallRefused,
    CallTimeout,
    Fault,
    LocalProtocolError,
    NoSuchMethod,
    RemoteProtocolError,
    SottovoceError,
)
from sottovoce.net.clock import Clock, utc_now
from sottovoce.net.conversation import Conversation
from sottovoce.net.endpoint import Offer, PeerFacts
from sottovoce.net.limits import Limits
from sottovoce.net.stubs import decoder
from sottovoce.net.tasks import TaskOwner
from sottovoce.net.wire import Happening, Wire
from sottovoce.rpc import UNDECODABLE, Call, Cancel, Rejection, Reply, encode

__all__ = ["ServingChannel"]


@dataclass(frozen=True, slots=True)
class _Served:
    spec: CallSpec
    method: Callable[[Any], Awaitable[Any]]


class ServingChannel(Conversation):
    """The accepting side of an open channel.

    Args:
        wire, facts, limits: as admitted.
        caller: who calls.
        offers: the contracts of this port; each implementation is made now, for this caller.
        on_error: told of an error in an implementation that is not one of ours.
        clock: UTC.
    """

    def __init__(  # noqa: PLR0913 - what was admitted, and what is served; the latter by name
        self,
        wire: Wire,
        facts: PeerFacts,
        limits: Limits,
        *,
        caller: Caller,
        offers: Iterable[Offer],
        on_error: Callable[[str, BaseException], None],
        clock: Clock = utc_now,
    ) -> None:
        served: dict[str, _Served] = {}
        for offer in offers:
            implementation = offer.implement(caller)
            for name, spec in calls_of(offer.contract).items():
                if caller.component in spec.roles:
                    served[name] = _Served(spec, getattr(implementation, spec.attribute))
        self.caller = caller
        self._served = served
        self._on_error = on_error
        self._running: dict[int, asyncio.Task[Any]] = {}
        self._retired = self._caller_left = False
        self._patience: asyncio.TimerHandle | None = None
        super().__init__(wire, facts, limits, clock=clock, tasks=TaskOwner(on_error))
        wire.deliver_to(self.receive)

    async def aclose(self, *, grace: float = 0.0) -> None:
        """Take no new calls, let those under way finish for *grace* seconds, then close."""
        self.retire("going-away", "closed by this side")
        if grace:
            await asyncio.wait([self.closed], timeout=grace)
        self._leaving = True
        await self._tasks.aclose()
        await self.wire.close(linger=self._limits.linger)
        self._end(self._why)

    @property
    def _busy(self) -> bool:
        return bool(self._running)

    def _drop_calls(self) -> None:
        for task in self._running.values():
            task.cancel()

    def _take(self, happening: Happening) -> None:
        match happening:
            case Call():
                self._dispatch(happening)
            case Cancel(id=number):
                if (task := self._running.get(number)) is not None:
                    task.cancel()
            case other:
                self._breach(RemoteProtocolError(f"{type(other).__name__} has no place here"))

    def _said_bye(self, reason: str) -> None:
        """The caller makes no new calls; answer what is under way, then close."""
        self._why = self._why or f"the caller said goodbye: {reason}"
        self._caller_left = True
        self._leave_when_idle()

    def retire(self, code: str, why: str, *, refused: Iterable[Fault] = ()) -> None:
        """Say Bye; calls under way are carried out, later ones are not, then the channel closes.

        It closes when the caller has said Bye as well: until then calls may be on their way here,
        and each is to be told that it was not carried out, so that it can be made elsewhere.
        """
        if not self._retired and not self.closed.done():
            self._retired = True
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(self._limits.pong, self._wait_no_longer)
        super().retire(code, why, refused=refused)

    def _wait_no_longer(self) -> None:
        self._caller_left = True
        self._leave_when_idle()

    def _leave_when_idle(self) -> None:
        if self._caller_left:
            super()._leave_when_idle()

    def _end(self, why: str) -> None:
        super()._end(why)
        if self._patience is not None:
            self._patience.cancel()
        self._drop_calls()

    def _dispatch(self, call: Call) -> None:
        answer = self._answered_at_once(call)
        if answer is not None and self.wire.is_writable:
            self._say(answer)
            return
        work = self._say_when_read(answer) if answer is not None else self._serve(call)
        task = self._tasks.spawn(work, name=call.method[:80])
        self._running[call.id] = task
        task.add_done_callback(lambda done: self._finished(call.id, done))

    def _answered_at_once(self, call: Call) -> Rejection | None:
        """Return the answer to a call that is not carried out."""
        # Not ``is_open``: a Bye that came in the same piece after the call does not undo it.
        if self._leaving or self._retired or self.closed.done():
            return Rejection(call.id, "going-away", "This channel is closing; not carried out.")
        if call.method not in self._served:
            message = f"{call.method[:80]!r} is not offered to {self.caller.component.label} here."
            return Rejection(call.id, NoSuchMethod.code, message)
        return None

    async def _say_when_read(self, answer: Reply | Rejection) -> None:
        await self.wire.drained()
        self._answer(answer)

    async def _serve(self, call: Call) -> None:
        answer = await self._carried_out(call, self._served[call.method])
        await self._say_when_read(answer)

    async def _carried_out(self, call: Call, served: _Served) -> Reply | Rejection:
        deadline = min(served.spec.deadline, call.deadline / 1000)
        try:
            request = decoder(served.spec.request).decode(call.body)
        except UNDECODABLE as error:
            return Rejection(call.id, "malformed", f"{call.method}: {error}")
        try:
            async with asyncio.timeout(deadline):
                reply = await served.method(request)
            return Reply(call.id, msgspec.Raw(encode(reply)))
        except CallRefused as refused:
            return Rejection(call.id, refused.code, refused.message)
        except TimeoutError:
            return Rejection(call.id, CallTimeout.code, f"{call.method} took over {deadline} s.")
        except SottovoceError as error:
            return Rejection(call.id, error.code, error.message)
        except Exception as error:  # noqa: BLE001 - the caller gets an answer, the log the error
            self._on_error(call.method, error)
            return Rejection(call.id, "internal-error", "An error on this side; see its log.")

    def _answer(self, answer: Reply | Rejection) -> None:
        """Say *answer*, or why it cannot be said: it is too long."""
        try:
            self.wire.send(answer)
        except LocalProtocolError as error:
            self._say(Rejection(answer.id, error.code, error.message))

    def _finished(self, number: int, task: asyncio.Task[Any]) -> None:
        """Answer for a task that was ended before it had an answer, or had even begun."""
        self._running.pop(number, None)
        if task.cancelled():
            self._say(
                Rejection(number, "cut-short", "This channel ended before it was finished.")
                if self._leaving
                else Rejection(number, "cancelled", "The caller no longer waits.")
            )
        self._leave_when_idle()
