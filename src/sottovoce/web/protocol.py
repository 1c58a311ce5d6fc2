"""The HTTP protocol of every page of ours: uvicorn's on httptools, with the limits it has not.

It bounds what a stranger may send before a request is whole, and how long that may take. It knows
no application, but an application may offer ``at_once``: whatever needs no waiting is then answered
without a task of its own, which is four fifths of the work of a small answer.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sottovoce.web.answer import Answer, Header

__all__ = [
    "ANSWER_TIMEOUT",
    "HEAD_LIMIT",
    "HEAD_TIMEOUT",
    "IDLE_TIMEOUT",
    "REQUEST_TIMEOUT",
    "AnswersAtOnce",
    "BoundedProtocol",
]

#: Bytes of request line and headers together (nginx: 4 × 8 KiB, Apache: 100 × 8 KiB, h11: 16 KiB).
HEAD_LIMIT = 16 * 1024

#: Headers of one request (Apache: 100).
HEADER_COUNT = 100

#: Seconds within which a request's head must be whole, from the connection or its first byte on.
HEAD_TIMEOUT = 10.0

#: Seconds within which a request's body must be whole, from the end of its head on.
REQUEST_TIMEOUT = 20.0

#: Seconds within which an answer must be made and taken: an unsubscribe waits 15 s for the disk.
ANSWER_TIMEOUT = 60.0

#: Seconds that a connection may rest between two requests.
IDLE_TIMEOUT = 15.0

_logger = logging.getLogger("sottovoce.web")
_logger.setLevel(logging.ERROR)  # what strangers send is no news; an error of ours is

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class AnswersAtOnce(Protocol):
    """An application that can answer some requests from memory."""

    def at_once(
        self, method: str, path: str, headers: Sequence[Header], address: str
    ) -> Answer | None:
        """Return the answer, or None to be called as an ASGI application instead.

        Args:
            method: of HTTP.
            path: percent-decoded, without the query.
            headers: lower-case names and values.
            address: the caller's IP address.
        """
        ...


class BoundedProtocol(HttpToolsProtocol):
    """One connection: a head of at most 16 KiB in 10 s, a body in 20 s, an answer taken in 60 s.

    Whoever breaks a limit is closed, and no line is logged for it: anybody on the Internet could
    fill a disk with such lines.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = _logger
        self._head_raw = 0
        self._head_parsed = 0
        self._in_head = True
        self._due = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._address = ""
        at_once: Callable[..., Answer | None] | None = getattr(self.config.app, "at_once", None)
        self._at_once = at_once
        self._answered = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first request."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._due = self.loop.time() + HEAD_TIMEOUT
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
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
        self._answered = False
        self._head_parsed = 0
        self._due = self.loop.time() + HEAD_TIMEOUT
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
        """Answer at once, or begin to wait for the body."""
        self._in_head = False
        self._head_raw = 0
        self._due = self.loop.time() + REQUEST_TIMEOUT
        if self._at_once is None or not self._answer_at_once(self._at_once):
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; of a request that is answered already it is dropped."""
        if not self._answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop waiting: the request is whole."""
        self._head_raw = 0
        if self._answered:
            self._due = self.loop.time() + IDLE_TIMEOUT
        else:
            self._due = self.loop.time() + ANSWER_TIMEOUT
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin to wait until it is taken; uvicorn closes a resting connection earlier."""
        self._due = self.loop.time() + ANSWER_TIMEOUT
        super().on_response_complete()

    def _answer_at_once(self, at_once: Callable[..., Answer | None]) -> bool:
        """Write the application's immediate answer, if it has one and it is this request's turn."""
        waiting = self.cycle is not None and not self.cycle.response_complete
        if waiting or self.flow.write_paused or b"%" in self.url or not self.url.startswith(b"/"):
            return False
        method = self.parser.get_method().decode("ascii")
        path = self.url.partition(b"?")[0].partition(b"#")[0].decode("ascii")
        answer = at_once(method, path, self.headers, self._address)
        if answer is None:
            return False
        self._answered = True
        keep = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        pieces = [answer.start]
        pieces += [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        pieces += [answer.lines, b"\r\n" if keep else b"connection: close\r\n\r\n"]
        if method != "HEAD":
            pieces.append(answer.body)
        self.transport.write(b"".join(pieces))
        if not keep:
            self.transport.close()
        return True

    def _count(self, size: int) -> None:
        """Count what came in one piece with the head's end; the parser turns the error into 400."""
        self._head_parsed += size
        if self._head_parsed > HEAD_LIMIT:
            raise ValueError("head too large")

    def _look_again(self) -> None:
        """Close the connection when something is overdue; one timer for all that may be."""
        now = self.loop.time()
        if now >= self._due:
            self._watch = None
            # Also when it is closing: who reads nothing would keep it closing for ever.
            self.transport.abort()
            return
        least = min(HEAD_TIMEOUT, REQUEST_TIMEOUT, IDLE_TIMEOUT)
        wait = max(min(least, self._due - now), 0.01)
        self._watch = self.loop.call_later(wait, self._look_again)
