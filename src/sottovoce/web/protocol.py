"""The HTTP protocol of every page of ours: uvicorn's on httptools, with the limits it has not.

It bounds what a stranger may send before a request is whole, and how long that may take. It knows
no application.
"""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HEAD_LIMIT", "HEAD_TIMEOUT", "REQUEST_TIMEOUT", "BoundedProtocol"]

#: Bytes of request line and headers together (nginx: 4 × 8 KiB, Apache: 100 × 8 KiB, h11: 16 KiB).
HEAD_LIMIT = 16 * 1024

#: Headers of one request (Apache: 100).
HEADER_COUNT = 100

#: Seconds within which a request's head must be whole, from the connection or its first byte on.
HEAD_TIMEOUT = 10.0

#: Seconds within which a request's body must be whole, from the end of its head on.
REQUEST_TIMEOUT = 20.0

_logger = logging.getLogger("sottovoce.web")
_logger.setLevel(logging.ERROR)  # what strangers send is no news; an error of ours is

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection: a head of at most 16 KiB within 10 s, a body within 20 s.

    Whoever breaks a limit is closed, and no line is logged for it: anybody on the Internet could
    fill a disk with such lines.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = _logger
        self._head_raw = 0
        self._head_parsed = 0
        self._in_head = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._arm(HEAD_TIMEOUT)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the parser, and refuse a head that goes on and on."""
        self._head_raw += len(data)
        super().data_received(data)
        if self._in_head and self._head_raw > HEAD_LIMIT and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or too much of it; once."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        """Take a request's first byte."""
        self._in_head = True
        self._head_parsed = 0
        if self._deadline is None:
            self._arm(HEAD_TIMEOUT)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, up to the number and size allowed."""
        self._count(len(name) + len(value))
        if len(self.headers) >= HEADER_COUNT:
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self._in_head = False
        self._head_raw = 0
        self._arm(REQUEST_TIMEOUT)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop waiting: the request is whole."""
        self._head_raw = 0
        self._disarm()
        super().on_message_complete()

    def _count(self, size: int) -> None:
        """Count what came in one piece with the head's end; the parser turns the error into 400."""
        self._head_parsed += size
        if self._head_parsed > HEAD_LIMIT:
            raise ValueError("head too large")

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self._late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()
