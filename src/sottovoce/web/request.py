"""One request of a browser as a value: what was asked, by whom, with which cookies and form.

It bounds what is read and refuses what cannot be meant; it knows no page and no session.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["BadRequest", "Receive", "Request", "Scope", "Send", "read_request"]

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Bytes of a form: a name, a password of at most 1,024 bytes, percent-encoded, and a token.
BODY_LIMIT = 8 * 1024
#: Fields of a form or of an address.
MOST_FIELDS = 20

_FORM = "application/x-www-form-urlencoded"


class BadRequest(Exception):
    """A request that is not read further.

    Args:
        status: of HTTP.
        why: for the person, as a sentence.
    """

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a browser asked.

    Args:
        method: of HTTP.
        path: percent-decoded, without the query.
        address: the browser's IP address, as far as the connection tells.
        headers: by lower-case name; of a repeated one the last.
        cookies: by name; of a repeated one the first, which the browser has the most exact.
        query: fields of the address.
        form: fields of the body of a POST.
    """

    method: str
    path: str
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether the browser says that another site's page made it send this.

        Browsers say so by ``Sec-Fetch-Site`` or, where that is missing, by ``Origin``; whoever says
        nothing is no browser, and cannot be made to send anything by another site.
        """
        site = self.headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        origin = self.headers.get("origin")
        if origin is None:
            return False
        try:
            return urlsplit(origin).netloc.lower() != self.headers.get("host", "").lower()
        except ValueError:
            return True


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Read a request, and the form when it is a POST.

    Raises:
        BadRequest: the body is too large, or no form in UTF-8.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    method, form = scope["method"], dict[str, str]()
    if method == "POST":
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _FORM:
            raise BadRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A form is expected here.")
        form = _fields(await _body(receive))
    client = scope.get("client")
    return Request(
        method=method,
        path=scope["path"],
        address=client[0] if client else "",
        headers=headers,
        cookies=_cookies(headers.get("cookie", "")),
        query=_fields(scope.get("query_string", b"")),
        form=form,
    )


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(HTTPStatus.BAD_REQUEST, "The form did not arrive whole.")
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too large.")
        if not message.get("more_body", False):
            return bytes(body)


def _fields(data: bytes) -> dict[str, str]:
    """Return the fields of a form or query; a field that comes twice is none at all."""
    try:
        pairs = parse_qsl(
            data.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadRequest(HTTPStatus.BAD_REQUEST, "The form cannot be read.") from error
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def _cookies(header: str) -> dict[str, str]:
    """Read a Cookie header (RFC 6265 §4.2.1); what is no pair is passed over."""
    found: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            found.setdefault(name, value)
    return found
