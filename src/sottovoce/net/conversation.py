"""What both sides of an open channel do alike: keep alive, notice the end, say goodbye."""

import asyncio
from typing import Any

from sottovoce.errors import LocalProtocolError, RemoteProtocolError
from sottovoce.net.endpoint import PeerFacts
from sottovoce.net.limits import Limits
from sottovoce.net.telling import printable
from sottovoce.net.wire import Happening, Lost, Wire
from sottovoce.rpc import Bye, Ping, Pong
from sottovoce.tls import Broken

__all__ = ["Conversation"]


class Conversation:
    """One side of an open channel; see its two kinds.

    Args:
        wire: admitted.
        facts: what is known of the peer.
        limits: see :class:`Limits`.
    """

    def __init__(self, wire: Wire, facts: PeerFacts, limits: Limits) -> None:
        self.wire = wire
        self.facts = facts
        #: Set once, to the reason, when nothing more can be said.
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._limits = limits
        self._reads = wire.reads
        self._pinged = False
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

    def _breach(self, error: RemoteProtocolError) -> None:
        self._say(Bye(error.bye, error.message[:200]))
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

    async def _finish(self, code: str) -> None:
        self._why = self._why or "closed by this side"
        self._say(Bye(code))
        await self.wire.close(linger=self._limits.linger)
        self._end("closed by this side")
