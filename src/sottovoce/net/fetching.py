"""Fetching one file over plain HTTP: bounded in bytes, in time and in how often it is sent on.

Owns the request and the reading of the answer. Believes nothing: what is fetched here is signed,
and whoever asked for it checks that. ``https`` is not spoken (see :mod:`sottovoce.ini.addresses`),
and no proxy is asked.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urljoin

import httptools

from sottovoce import __version__
from sottovoce.errors import FetchFailed
from sottovoce.ini import HttpAddress, shown

__all__ = ["Question", "fetch"]

#: Bytes of an answer's status line and headers together, as for requests that we take.
HEAD_LIMIT = 16 * 1024
#: How often an answer may send the asker on to another address.
MOST_REDIRECTS = 3
#: Seconds that all of it may take, redirects included (curl's own default for connecting is 300).
PATIENCE = 20.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for, and what may come.

    Args:
        url: where.
        longest: bytes that are taken at most.
        body: is sent with POST; None = GET.
        content_type: of *body*.
        patience: seconds for all of it.
    """

    url: str
    longest: int
    body: bytes | None = None
    content_type: str = ""
    patience: float = PATIENCE


async def fetch(question: Question) -> bytes:
    """Return what is found at an address.

    Raises:
        FetchFailed: it cannot be reached, answers with something else than 200, is too long, takes
            too long, or breaks off.
    """
    url = question.url
    try:
        async with asyncio.timeout(question.patience):
            for _ in range(MOST_REDIRECTS + 1):
                answer = await _ask(question, url)
                if answer.sent_on is None:
                    return bytes(answer.body)
                url = answer.sent_on
    except TimeoutError:
        raise _failed(url, f"no whole answer within {question.patience:g} s") from None
    raise _failed(url, f"it sends on more than {MOST_REDIRECTS} times")


def _failed(url: str, why: str) -> FetchFailed:
    return FetchFailed(
        f"{shown(url)} could not be fetched: {why}.",
        hint="Try it with curl from this server; a firewall may need to let it through.",
    )


async def _ask(question: Question, url: str) -> "_Answer":
    try:
        address = HttpAddress.parse(url)
    except ValueError as error:
        raise _failed(url, f"the address {error}") from None
    loop = asyncio.get_running_loop()
    answer = _Answer(question.longest, loop.create_future())
    try:
        transport, _ = await loop.create_connection(lambda: answer, address.host, address.port)
    except (OSError, UnicodeError) as error:
        raise _failed(url, str(error) or type(error).__name__) from error
    try:
        transport.write(_request(question, address))
        await answer.done
    except _Refused as refused:
        raise _failed(url, str(refused)) from None
    finally:
        transport.abort()
    if answer.status in _REDIRECTS:
        answer.sent_on = urljoin(url, answer.headers.get("location", ""))
        return answer
    if answer.status != 200:
        raise _failed(url, f"the answer is HTTP {answer.status}")
    return answer


def _request(question: Question, address: HttpAddress) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    headers = {
        "Host": host if address.port == 80 else f"{host}:{address.port}",
        "User-Agent": f"sottovoce/{__version__}",
        "Accept": "*/*",
        "Cache-Control": "no-cache",
        "Connection": "close",
    }
    if question.body is not None:
        headers |= {
            "Content-Type": question.content_type,
            "Content-Length": str(len(question.body)),
        }
    method = "GET" if question.body is None else "POST"
    lines = [f"{method} {address.target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join((*lines, "", "")).encode("ascii") + (question.body or b"")


class _Refused(Exception):
    """Why an answer is not taken."""


class _Answer(asyncio.Protocol):
    """An answer as it comes in.

    Args:
        longest: bytes of body that are taken.
        done: is set when it is whole.
    """

    def __init__(self, longest: int, done: "asyncio.Future[None]") -> None:
        self.body = bytearray()
        self.done = done
        self.sent_on: str | None = None
        self._longest = longest
        self._headers: dict[str, str] = {}
        self._head = 0
        self._head_is_whole = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def status(self) -> int:
        """HTTP's."""
        return self._parser.get_status_code()

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case; of several the last."""
        return MappingProxyType(self._headers)

    # Of asyncio.

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if not self._head_is_whole:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(_Refused(f"the answer is not HTTP ({error})"))
        if not self._head_is_whole and self._head > HEAD_LIMIT:
            self._end(_Refused("the answer's headers are too long"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection for that of the answer, where nothing else says it."""
        framed = {"content-length", "transfer-encoding"} & self._headers.keys()
        if exc is None and self._head_is_whole and not framed:
            self._end(None)
        else:
            self._end(_Refused(f"the connection broke off ({exc or 'closed'})"))

    def _end(self, refused: _Refused | None) -> None:
        if self.done.done():
            return
        if refused is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(refused)

    # Of httptools.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """Refuse what announces that it is too long."""
        self._head_is_whole = True
        length = self._headers.get("content-length", "0")
        if length.isdecimal() and int(length[:15]) > self._longest:
            self._end(_Refused(f"it has {length} bytes, at most {self._longest} are taken"))

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body, up to the limit."""
        if self.done.done():
            return
        self.body += body
        if len(self.body) > self._longest:
            self._end(_Refused(f"it has more than {self._longest} bytes"))

    def on_message_complete(self) -> None:
        """It is whole."""
        self._end(None)
