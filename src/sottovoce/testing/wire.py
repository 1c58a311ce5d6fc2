"""Wires in memory: two engines, or two conversations, joined without a socket.

A wire splits what it carries at any byte, holds it back, alters it, and cuts it off; it never
reorders (TCP does not). It decides nothing: what the two ends make of it is read from them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sottovoce.rpc import Connection, Message
from sottovoce.tls import Engine, Event, PlainEngine, Side

__all__ = ["ConversationWire", "EngineWire", "Line"]

AnyEngine = Engine | PlainEngine


@dataclass(kw_only=True)
class Line:
    """One direction of a wire.

    Args:
        step: bytes delivered at once; None for everything that is there.
        cut: deliver so many bytes in all, then end the stream; None for never.
        alter: changes each delivery; for damage.
    """

    step: int | None = None
    cut: int | None = None
    alter: Callable[[bytes], bytes] | None = None
    held: bool = False
    #: Everything that the sender put in.
    sent: bytearray = field(default_factory=bytearray)
    delivered: int = 0
    ended: bool = False

    def take(self) -> bytes:
        """Return the next delivery; empty when there is none now."""
        if self.held or self.ended:
            return b""
        end = len(self.sent) if self.cut is None else min(self.cut, len(self.sent))
        if self.step is not None:
            end = min(end, self.delivered + self.step)
        data = bytes(self.sent[self.delivered : end])
        self.delivered = end
        return self.alter(data) if self.alter is not None and data else data

    @property
    def is_cut(self) -> bool:
        """Whether the end of the stream is due."""
        return self.cut is not None and self.delivered >= self.cut and not self.ended


class EngineWire:
    """Joins two engines.

    Args:
        calling, accepting: the ends.
        from_calling, from_accepting: how each direction behaves.

    Call :meth:`run`, then read :attr:`events` of each side; say more through the engines and run
    again.
    """

    def __init__(
        self,
        calling: AnyEngine,
        accepting: AnyEngine,
        *,
        from_calling: Line | None = None,
        from_accepting: Line | None = None,
    ) -> None:
        self.ends = {Side.CALLING: calling, Side.ACCEPTING: accepting}
        self.lines = {
            Side.CALLING: from_calling or Line(),
            Side.ACCEPTING: from_accepting or Line(),
        }
        self.events: dict[Side, list[Event]] = {Side.CALLING: [], Side.ACCEPTING: []}
        self._started = False

    def run(self) -> "EngineWire":
        """Move bytes until nothing more moves."""
        if not self._started:
            self._started = True
            for engine in self.ends.values():
                engine.start()
        while any(self._move(side) for side in Side):
            pass
        return self

    def _move(self, side: Side) -> bool:
        """Carry what *side* has to send to the other; return whether anything happened."""
        line, receiver = self.lines[side], self.ends[side.other]
        line.sent += self.ends[side].data_to_send()
        self.events[side] += self.ends[side].events()
        data = line.take()
        if data:
            receiver.receive_data(data)
        elif line.is_cut:
            line.ended = True
            receiver.receive_eof()
        else:
            return False
        self.events[side.other] += receiver.events()
        return True


class ConversationWire:
    """Joins two conversations.

    Args:
        calling, accepting: the ends.
        step: bytes delivered at once; None for everything.
    """

    def __init__(
        self, calling: Connection, accepting: Connection, *, step: int | None = None
    ) -> None:
        self.ends = {Side.CALLING: calling, Side.ACCEPTING: accepting}
        self.heard: dict[Side, list[Message]] = {Side.CALLING: [], Side.ACCEPTING: []}
        self._step = step

    def say(self, side: Side, *messages: Message) -> None:
        """Have *side* say *messages*; the other hears them."""
        for message in messages:
            self.ends[side].send(message)
        self.carry(side)

    def carry(self, side: Side) -> None:
        """Carry what is due from *side*."""
        data = bytes(self.ends[side].data_to_send())
        step = self._step or max(len(data), 1)
        for start in range(0, len(data), step):
            part = data[start : start + step]
            self.heard[side.other] += self.ends[side.other].receive_data(part)
