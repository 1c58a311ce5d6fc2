"""A whole answer of a page, ready to be sent, over ASGI or straight to the wire.

It owns how status, headers and body become bytes; it knows neither a request nor a connection.
"""

from collections.abc import Iterable
from http import HTTPStatus

__all__ = ["Answer", "Header"]

Header = tuple[bytes, bytes]


class Answer:
    """A status, headers and a body; made once, sent often.

    Args:
        status: of HTTP.
        headers: lower-case names and values; ``content-length`` is added unless the status has no
            content.
        body: all of it.

    Raises:
        ValueError: a header with a line break, which would be a second header.
    """

    __slots__ = ("body", "headers", "lines", "start", "status")

    def __init__(self, status: int, headers: Iterable[Header], body: bytes = b"") -> None:
        self.status = status
        self.headers = list(headers)
        if status != HTTPStatus.NO_CONTENT:
            self.headers.append((b"content-length", b"%d" % len(body)))
        self.body = body
        self.start = b"HTTP/1.1 %d %s\r\n" % (status, HTTPStatus(status).phrase.encode("ascii"))
        self.lines = b"".join(b"%s: %s\r\n" % header for header in self.headers)
        if self.lines.count(b"\n") != len(self.headers) or self.lines.count(b"\r") != len(
            self.headers
        ):
            raise ValueError("a header must not hold a line break")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Answer):
            return NotImplemented
        return (self.start, self.lines, self.body) == (other.start, other.lines, other.body)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"
