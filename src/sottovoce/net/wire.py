"""Moves bytes between a socket and the sans-I/O parts; decides nothing.

While a connection is being admitted, what happens is read with ``await``
(:meth:`Wire.first_bytes`, :meth:`Wire.next`); once it is open, messages go straight to a receiver,
without a task or a queue in between. What is sent within one turn of the loop leaves in one write.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias, cast

from sottovoce.errors import LocalProtocolError, RemoteProtocolError
from sottovoce.rpc import Connection, Message
from sottovoce.tls import (
    PEEK_LIMIT,
    Arrived,
    Broken,
    ClientHello,
    Ended,
    Engine,
    FirstBytes,
    PlainEngine,
    Secured,
    Speaker,
    client_hello,
    peek,
)

__all__ = ["Happening", "Lost", "Wire"]

#: Bytes read from the socket at once; one fixed buffer a connection, below glibc's mmap threshold.
READ_SIZE = 2**16
#: Bytes that may wait to be sent before those who want to send more must wait.
_HIGH_WATER = 2**18
#: Bytes that a peer may send before it is known what they are.
_RAW_LIMIT = 2**14


class Lost:
    """The stream ended or broke; *proper* when both sides had finished.

    Args:
        proper: whether everything under way was finished before.
        error: the operating system's words, when it had any.
    """

    __slots__ = ("error", "proper")

    def __init__(self, *, proper: bool, error: str = "") -> None:
        self.proper = proper
        self.error = error


#: What may be met while waiting: TLS events, a peer that breaks the protocol, messages, the end.
Happening: TypeAlias = Secured | Broken | RemoteProtocolError | Lost | Message

Receiver: TypeAlias = Callable[[Happening], None]


class Wire(asyncio.BufferedProtocol):
    """One socket, then an engine on it, then a conversation in that."""

    def __init__(self, on_connected: Callable[["Wire"], None] | None = None) -> None:
        self._on_connected = on_connected
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray(READ_SIZE)
        self._view = memoryview(self._buffer)
        self._raw = bytearray()
        self._early = bytearray()
        self._transport: asyncio.Transport | None = None
        self._engine: Engine | PlainEngine | None = None
        self._connection: Connection | None = None
        self._happenings: deque[Happening] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._receiver: Receiver | None = None
        self._flushing = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = asyncio.Event()
        self._silent = asyncio.Event()
        self._heard_last = False
        self._swallowing = False
        #: How often bytes came: a peer in the middle of a long frame is alive.
        self.reads = 0

    # asyncio's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        if self._on_connected is not None:
            self._on_connected(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the one buffer of this connection."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes that arrived."""
        self.reads += 1
        if self._swallowing:
            return
        if self._engine is None:
            self._raw += self._view[:nbytes]
            if len(self._raw) > _RAW_LIMIT and self._transport is not None:
                self._transport.pause_reading()
            self._wake()
            return
        self._engine.receive_data(self._view[:nbytes])
        self._advance()

    def eof_received(self) -> bool:
        """Take note that the peer sends no more; we may still answer."""
        self._silent.set()
        if self._engine is not None:
            self._engine.receive_eof()
            self._advance()
        self._wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end."""
        self._gone.set()
        self._silent.set()
        self._writable.set()
        self._ended(Lost(proper=False, error=str(exc) if exc else ""))
        self._wake()

    def pause_writing(self) -> None:
        """The peer reads too slowly: who sends must wait.

        Before the channel is open nothing more is read from it either, so that a stranger cannot
        have answers pile up (TLS itself answers, too). Later that could stop both sides for good.
        """
        self._writable.clear()
        if self._receiver is None and self._transport is not None and not self._swallowing:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._writable.set()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # Before TLS.

    async def first_bytes(self, *, wanted: int = 1) -> FirstBytes:
        """Wait until it is clear who speaks, or nothing more comes."""
        while True:
            guess = peek(self._raw)
            enough = guess.speaker is not Speaker.UNCLEAR and len(self._raw) >= wanted
            if enough or self._over or len(self._raw) >= PEEK_LIMIT:
                return guess
            await self._wait()

    async def client_hello(self) -> ClientHello:
        """Wait for the whole ClientHello and return what it asks for."""
        while True:
            hello = client_hello(self._raw)
            if hello is not None or self._over or len(self._raw) >= _RAW_LIMIT:
                return hello or ClientHello()
            await self._wait()

    def skip(self, count: int) -> None:
        """Forget the first *count* raw bytes (a preamble that was recognised)."""
        del self._raw[:count]

    def write_raw(self, data: bytes) -> None:
        """Send bytes as they are, outside any engine."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    # With an engine, with a conversation.

    def attach(self, engine: Engine | PlainEngine) -> None:
        """Put an engine on the socket; it gets what has arrived already."""
        self._engine = engine
        engine.start()
        if self._raw:
            raw, self._raw = self._raw, bytearray()
            engine.receive_data(raw)
        if self._transport is not None:
            self._transport.resume_reading()
        self._advance()
        if self._silent.is_set():
            engine.receive_eof()
            self._advance()

    def converse(self, connection: Connection) -> None:
        """Begin the conversation inside the engine; call it when ``Secured`` was met."""
        self._connection = connection
        early, self._early = self._early, bytearray()
        if early:
            self._hear(early)

    async def next(self) -> Happening:
        """Return the next thing that happens."""
        while not self._happenings:
            if self._over:
                return Lost(proper=False)
            await self._wait()
        return self._happenings.popleft()

    def deliver_to(self, receiver: Receiver) -> None:
        """Give everything from now on to *receiver*, at once and in order."""
        self._receiver = receiver
        while self._happenings:
            receiver(self._happenings.popleft())

    def send(self, message: Message) -> None:
        """Say *message*; it leaves at the end of this turn of the loop.

        Raises:
            LocalProtocolError: it is not our turn for it.
        """
        if self._connection is None:
            raise LocalProtocolError("a message before the conversation has begun")
        if self._heard_last or self._swallowing:
            return  # nobody is there to hear it; who waits for an answer meets ``Lost``
        self._connection.send(message)
        if self._connection.due >= _HIGH_WATER:
            self._flush()  # at once, so that whoever wants to send next sees that it must wait
        elif not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    async def drained(self) -> None:
        """Wait while the peer reads too slowly."""
        while not self._writable.is_set():  # of many that wake, the first may fill it again
            await self._writable.wait()

    @property
    def is_writable(self) -> bool:
        """Whether the peer reads fast enough for one more message."""
        return self._writable.is_set()

    @property
    def connection(self) -> Connection:
        """The conversation."""
        assert self._connection is not None
        return self._connection

    @property
    def peer_address(self) -> str:
        """``host:port`` of the peer."""
        return _shown(self._extra("peername"))

    @property
    def peer_host(self) -> str:
        """The peer's address without the port."""
        return self._extra("peername")[0]

    @property
    def is_gone(self) -> bool:
        """Whether the socket is closed."""
        return self._gone.is_set()

    # The end.

    async def close(self, *, linger: float) -> None:
        """Flush, say we are done, swallow for at most *linger* seconds, and close (DESIGN §4)."""
        self._last_word()
        transport = self._transport
        if transport is None or self._gone.is_set():
            return
        try:
            with suppress(OSError, RuntimeError):
                transport.write_eof()
            if not transport.is_closing():
                transport.resume_reading()
            await _within(linger, self._silent)
            transport.close()
            await _within(linger, self._gone)
        finally:
            self.abort()

    def hang_up(self, *, linger: float) -> None:
        """Flush and close without waiting; what is not sent within *linger* seconds is lost."""
        self._last_word()
        transport = self._transport
        if transport is not None and not self._gone.is_set():
            transport.close()
            self._loop.call_later(linger, self.abort)

    def _last_word(self) -> None:
        """Write what is due; from here on, what comes is swallowed."""
        if self._engine is not None:
            self._flush()
            self._engine.close()
            self._write_out()
        self._swallowing = True

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        if self._transport is not None and not self._gone.is_set():
            self._transport.abort()

    # Inside.

    @property
    def _over(self) -> bool:
        return self._silent.is_set()

    def _extra(self, name: str) -> tuple[str, int]:
        found = self._transport.get_extra_info(name) if self._transport is not None else None
        return (str(found[0]), int(found[1])) if found else ("unknown", 0)

    def _advance(self) -> None:
        """Read the engine's events and send what it has to send."""
        engine = self._engine
        assert engine is not None
        for event in engine.events():
            match event:
                case Arrived(data=data):
                    self._hear(data)
                case Ended():
                    self._ended(Lost(proper=False))
                case Secured() | Broken():
                    self._happen(event)
        self._write_out()

    def _hear(self, data: bytes | bytearray) -> None:
        connection = self._connection
        if connection is None:
            self._early += data
            if len(self._early) > _RAW_LIMIT:
                self._early.clear()
                self._happen(RemoteProtocolError("the peer spoke before its turn"))
            return
        try:
            messages = connection.receive_data(data)
        except RemoteProtocolError as error:
            self._happen(error)
            return
        receiver = self._receiver
        if receiver is None:
            self._happenings.extend(messages)
            self._wake()
            return
        for message in messages:
            receiver(message)

    def _ended(self, lost: Lost) -> None:
        self._heard_last = True
        connection = self._connection
        if connection is not None and connection.receive_eof():
            lost.proper = True
        self._happen(lost)

    def _happen(self, happening: Happening) -> None:
        if self._receiver is not None:
            self._receiver(happening)
            return
        self._happenings.append(happening)
        self._wake()

    def _flush(self) -> None:
        self._flushing = False
        if self._connection is None or self._engine is None:
            return
        out = self._connection.data_to_send()
        if out:
            self._engine.send(out)
            self._write_out()

    def _write_out(self) -> None:
        engine, transport = self._engine, self._transport
        if engine is None or transport is None or transport.is_closing():
            return
        if out := engine.data_to_send():
            transport.write(out)

    async def _wait(self) -> None:
        assert self._waiter is None, "one reader at a time"
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def _within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _shown(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
