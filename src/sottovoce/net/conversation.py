"""What both sides of an open channel do alike: keep alive, notice the end, say goodbye.

A channel ends in one of three ways: somebody closes it; it *retires* (nothing new begins, what is
under way is finished); or it is *dismissed* (at once, because its peer may not be here any more).
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sottovoce.diagnosis import Severity, entry_of
from sottovoce.errors import Fault, LocalProtocolError, RemoteProtocolError
from sottovoce.net.clock import Clock
from sottovoce.net.endpoint import PeerFacts
from sottovoce.net.limits import Limits
from sottovoce.net.tasks import TaskOwner
from sottovoce.net.telling import faults_told, printable
from sottovoce.net.wire import Happening, Lost, Wire
from sottovoce.rpc import Bye, Ping, Pong, Reason
from sottovoce.tls import Broken, TrustGeneration, judge

__all__ = ["LONGEST_NAP", "Conversation"]

#: Seconds after which a distant moment is looked at again, in case the clock was set meanwhile.
LONGEST_NAP = 3600.0


class Conversation:
    """One side of an open channel; see its two kinds.

    Args:
        wire: admitted.
        facts: what is known of the peer.
        limits: see :class:`Limits`.
        clock: UTC; tells when a certificate ends.
        tasks: owns what goes on in the background.
    """

    def __init__(
        self, wire: Wire, facts: PeerFacts, limits: Limits, *, clock: Clock, tasks: TaskOwner
    ) -> None:
        self.wire = wire
        self.facts = facts
        #: The newest trust generation under which the peer was found right.
        self.generation = facts.generation
        #: Why the peer was refused after all; for the log.
        self.refused: tuple[Fault, ...] = ()
        self.dismissed = False
        #: Why the peer dismissed us, where it said so.
        self.sent_away: tuple[Fault, ...] = ()
        #: Set once, to the reason, when nothing more can be said.
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._limits = limits
        self._clock = clock
        self._tasks = tasks
        self._leaving = False
        self._reads = wire.reads
        self._pinged = False
        self._token = 0
        self._timer = self._arm(limits.idle)
        self._end_timer = self._arm_the_end()
        self._why = ""

    @property
    def is_open(self) -> bool:
        """Whether calls can still be made."""
        return not self.closed.done() and self.wire.connection.is_open

    # Trust goes on.

    def judge_again(self, generation: TrustGeneration) -> tuple[Fault, ...]:
        """Ask the gate again, under *generation*; return every reason against the peer.

        What stood in its certificate and what it said of itself is known from its admission; the
        moment is now. On a plain channel there is nobody to judge.
        """
        standing = self.facts.standing
        if standing is None:
            return ()
        evidence = replace(standing.evidence, at=self._clock(), peer_time=None)
        return judge(evidence, generation).faults

    def _arm_the_end(self) -> asyncio.TimerHandle | None:
        """Wait for the end of the first certificate on which the channel stands."""
        if self.facts.standing is None:
            return None
        nap = min(max(0.0, self._left(self.facts.standing.expires)), LONGEST_NAP)
        return asyncio.get_running_loop().call_later(nap, self._look_for_the_end)

    def _look_for_the_end(self) -> None:
        assert self.facts.standing is not None
        if self._left(self.facts.standing.expires) > 0:
            self._end_timer = self._arm_the_end()
        else:
            self.retire("certificate-expired", "a certificate of this connection has ended")

    def _left(self, moment: datetime) -> float:
        return (moment - self._clock()).total_seconds()

    def retire(self, code: str, why: str, *, refused: Iterable[Fault] = ()) -> None:
        """Say Bye; what is under way is finished, nothing new begins, then the channel closes.

        Args:
            code, why: for the peer.
            refused: why the peer would be refused, where that is why.
        """
        if self.closed.done():
            return
        self.refused = self.refused or tuple(refused)
        self._why = self._why or why
        self._say(Bye(code, why))
        self._leave_when_idle()

    def dismiss(self, faults: Iterable[Fault], *, tell: bool) -> None:
        """Say Bye and close at once; calls under way end.

        Args:
            faults: why.
            tell: whether the peer gets to know the code.
        """
        if self.closed.done() or self.dismissed:
            return
        self.dismissed = True
        self.refused = tuple(faults)
        code = self.refused[0].code
        self._why = f"dismissed ({code})"
        self._leaving = True
        self._say(Bye(code if tell else "dismissed"))
        self._drop_calls()
        self._tasks.spawn(self._finish("dismissed"), name="channel-dismissal")

    def _leave_when_idle(self) -> None:
        """Close when this side or the other has said Bye, and nothing is under way."""
        if self._why and not self._busy and not self._leaving and not self.closed.done():
            self._leaving = True
            self._tasks.spawn(self._finish("done"), name="channel-farewell")

    @property
    def _busy(self) -> bool:
        """Whether a call is under way."""
        raise NotImplementedError

    def _drop_calls(self) -> None:
        raise NotImplementedError

    # Signs of life.

    def _arm(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        """Send a Ping after silence; after silence on that, give the peer up.

        Any byte counts as a sign of life: a long frame on a slow line is not silence.
        """
        if self.closed.done():
            return
        heard, self._reads = self.wire.reads != self._reads, self.wire.reads
        if self._pinged and not heard:
            self._end("the peer does not answer")
            self.wire.abort()
            return
        self._pinged = not heard
        if self._pinged:
            self._say(Ping(self._token))
            self._token += 1
        self._timer = self._arm(self._limits.pong if self._pinged else self._limits.idle)

    def receive(self, happening: Happening) -> None:
        """Take what the wire delivers."""
        match happening:
            case Ping(token=token):
                # A peer that does not read gets no answers piled up for it.
                if self.wire.is_writable:
                    self._say(Pong(token))
            case Pong():
                pass
            case Bye(code=code, message=message):
                words = f" ({printable(message)})" if message else ""
                self.sent_away = self._reason_of(code)
                self._said_bye(f"{printable(code, limit=64)}{words}")
            case Lost(error=error):
                self._end(self._why or error or "the peer closed the connection")
                self.wire.hang_up(linger=self._limits.linger)
            case Broken() as broken:
                words = broken.alert_received or ", ".join(broken.reasons) or "no reason given"
                self._end(f"TLS broke ({words})")
                self.wire.hang_up(linger=self._limits.linger)
            case RemoteProtocolError() as error:
                self._breach(error)
            case _:
                self._take(happening)

    def _reason_of(self, code: str) -> tuple[Fault, ...]:
        """Return what a goodbye says is wrong with us; most say nothing of the kind."""
        entry = entry_of(code)
        if entry is None or entry.severity is Severity.NOTICE:
            return ()
        return faults_told((Reason(code),), teller=printable(self.facts.name))

    def _breach(self, error: RemoteProtocolError) -> None:
        self._say(Bye(error.code, error.message[:200]))
        self._end(f"the peer broke the protocol: {error.message}")
        self.wire.hang_up(linger=self._limits.linger)

    def _take(self, happening: Happening) -> None:
        raise NotImplementedError

    def _said_bye(self, reason: str) -> None:
        raise NotImplementedError

    def _say(self, message: Any) -> bool:
        """Send unless it is too late for it, or too long; return whether it went out."""
        try:
            self.wire.send(message)
        except LocalProtocolError:
            return False
        return True

    def _end(self, why: str) -> None:
        if not self.closed.done():
            self.closed.set_result(why)
        self._timer.cancel()
        if self._end_timer is not None:
            self._end_timer.cancel()

    async def _finish(self, code: str) -> None:
        self._why = self._why or "closed by this side"
        self._say(Bye(code))
        await self.wire.close(linger=self._limits.linger)
        self._end(self._why)
