"""TRK's public face: the pixel, the redirects and the recipients' pages, as an ASGI application.

GET changes nothing but what is recorded of it; targets come from the table only; whatever is no
valid link gets one and the same answer (E1-E8, E14, E15). It knows no recipient but by index, sets
no cookie, and runs no script.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

from sottovoce.contracts import EventFacts, LinkKind
from sottovoce.errors import StoreError
from sottovoce.trk.pages import Pages
from sottovoce.trk.privacy import NetHasher, network_of
from sottovoce.trk.ratelimit import Limiter
from sottovoce.trk.service import Hit, Tracker
from sottovoce.web import Answer, Header

__all__ = ["PIXEL", "PublicSite"]

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: One transparent pixel, 8-bit grey with alpha, 68 bytes.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108040000"
    "00b51c0c020000000b4944415478da6360600000000300012b094d84"
    "0000000049454e44ae426082"
)

#: Bytes of a form; the one-click body has 26.
BODY_LIMIT = 4096

#: Characters kept of a browser's own description.
USER_AGENT_LIMIT = 200

#: Seconds for which browsers are to insist on HTTPS: one year.
HSTS = b"max-age=31536000"

#: Headers by which browsers and mail programs say that nobody has asked for this yet.
_PREFETCH = frozenset({b"purpose", b"sec-purpose", b"x-purpose", b"x-moz"})

#: Redirects kept ready, as bytes.
REDIRECTS_KEPT = 5_000

_LINKS = tuple(f"/{kind.value}/" for kind in LinkKind)
_SEEN = frozenset({"GET", "HEAD", "OPTIONS"})


class _TooLarge(Exception):
    """A body over ``BODY_LIMIT``."""


class PublicSite:
    """The application.

    Args:
        tracker: resolves links and records.
        pages: what recipients see.
        limiter: how much one network may ask.
        hasher: what is kept of an address.
        https: whether to insist on it.
    """

    def __init__(
        self,
        tracker: Tracker,
        pages: Pages,
        *,
        limiter: Limiter,
        hasher: NetHasher,
        https: bool,
    ) -> None:
        self._tracker = tracker
        self._pages = pages
        self._limiter = limiter
        self._hasher = hasher
        self._https = https
        self.requests = 0
        bare = self._headers(b"default-src 'none'")
        page = self._headers(pages.policy.encode("ascii"))
        page.append((b"content-type", b"text/html; charset=utf-8"))
        text = [*bare, (b"content-type", b"text/plain; charset=utf-8")]
        self._page_headers = page
        self._bare = bare
        self._redirects: dict[str, Answer] = {}
        self._pixel = Answer(200, [*bare, (b"content-type", b"image/png")], PIXEL)
        self._missing = Answer(404, text, b"Not found.\n")
        self._too_many = Answer(429, [*text, (b"retry-after", b"10")], b"Too many requests.\n")
        self._too_large = Answer(
            413, [*text, (b"connection", b"close")], b"The form is too large.\n"
        )
        self._not_allowed = {
            allow: Answer(405, [*text, (b"allow", allow)], b"Method not allowed.\n")
            for allow in (b"GET, HEAD, OPTIONS", b"GET, HEAD, OPTIONS, POST")
        }
        self._options = {
            allow: Answer(204, [*bare, (b"allow", allow)]) for allow in self._not_allowed
        }
        self._later = Answer(503, [*page, (b"retry-after", b"60")], pages.later())

    def at_once(
        self, method: str, path: str, headers: Sequence[Header], address: str
    ) -> Answer | None:
        """Answer what is no link at all; None for links, which :meth:`__call__` serves."""
        if path.startswith(_LINKS):
            return None
        found = self._look_up(method, path, address)
        return found if isinstance(found, Answer) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        client = scope.get("client")
        found = self._look_up(scope["method"], scope["path"], client[0] if client else "")
        if isinstance(found, Answer):
            answer = found
        elif found[0].kind in (LinkKind.OPEN, LinkKind.CLICK):
            answer = await self._watched(scope["method"], scope["headers"], *found)
        else:
            answer = await self._page(scope, receive, *found)
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        )
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    def _look_up(self, method: str, path: str, address: str) -> Answer | tuple[Hit, str]:
        """Return the link that *path* is and the caller's network, or the answer that it gets."""
        self.requests += 1
        network = network_of(address)
        admitted = self._limiter.admits(network)
        # A person's POST is looked at even so: an unsubscribe is never in the way.
        if not admitted and method != "POST":
            return self._too_many
        hit = self._tracker.resolve(path)
        if hit is not None:
            return hit, network
        self._limiter.guessed(network)
        return self._missing if admitted else self._too_many

    async def _watched(
        self, method: str, headers: Sequence[Header], hit: Hit, network: str
    ) -> Answer:
        """Answer the pixel or a redirect, when it is recorded: what was answered for is kept."""
        if method not in _SEEN:
            return self._not_allowed[b"GET, HEAD, OPTIONS"]
        await self._tracker.note(hit, self._facts(method, headers, network))
        if method == "OPTIONS":
            return self._options[b"GET, HEAD, OPTIONS"]
        return self._pixel if hit.kind is LinkKind.OPEN else self._redirect(hit.target)

    def _redirect(self, target: str) -> Answer:
        answer = self._redirects.get(target)
        if answer is None:
            if len(self._redirects) >= REDIRECTS_KEPT:
                self._redirects.clear()
            answer = Answer(302, [*self._bare, (b"location", target.encode("ascii"))])
            self._redirects[target] = answer
        return answer

    async def _page(self, scope: Scope, receive: Receive, hit: Hit, network: str) -> Answer:
        """Answer a recipient's page: shown by GET, acted upon by POST only."""
        allow = b"GET, HEAD, OPTIONS, POST"
        match scope["method"]:
            case "GET" | "HEAD":
                return self._show(self._asking(hit))
            case "OPTIONS":
                return self._options[allow]
            case "POST":
                return await self._act(scope, receive, hit, network)
            case _:
                return self._not_allowed[allow]

    def _asking(self, hit: Hit) -> bytes:
        if hit.kind is LinkKind.UNSUBSCRIBE:
            return self._pages.unsubscribe(hit.job)
        return self._pages.preferences(hit.job)

    async def _act(self, scope: Scope, receive: Receive, hit: Hit, network: str) -> Answer:
        try:
            body = await _read_body(receive)
        except _TooLarge:
            return self._too_large
        try:
            if hit.kind is LinkKind.UNSUBSCRIBE:
                facts = self._facts(
                    "POST", scope["headers"], network, one_click=_is_one_click(body)
                )
                await self._tracker.unsubscribe(hit, facts)
                return self._show(self._pages.unsubscribed(hit.job))
            choice = _field(body, "tracking")
            if choice not in {"on", "off"}:
                return self._show(self._pages.preferences(hit.job, unclear=True), status=400)
            allowed = choice == "on"
            facts = self._facts("POST", scope["headers"], network)
            await self._tracker.choose(hit, facts, allow=allowed)
            return self._show(self._pages.chosen(hit.job, allowed=allowed))
        except StoreError:
            return self._later

    def _show(self, page: bytes, *, status: int = 200) -> Answer:
        return Answer(status, self._page_headers, page)

    def _facts(
        self, method: str, headers: Sequence[Header], network: str, *, one_click: bool = False
    ) -> EventFacts:
        agent, prefetch = "", False
        for name, value in headers:
            if name == b"user-agent":
                agent = _printable(value)
            elif name in _PREFETCH:
                prefetch = prefetch or b"prefetch" in value.lower() or b"preview" in value.lower()
        return EventFacts(
            method=method,
            prefetch=prefetch,
            user_agent=agent,
            net=self._hasher.hash_of(network),
            one_click=one_click,
        )

    def _headers(self, policy: bytes) -> list[Header]:
        headers = [
            (b"cache-control", b"no-store"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-robots-tag", b"noindex, nofollow"),
            (b"x-content-type-options", b"nosniff"),
            (b"content-security-policy", policy),
        ]
        if self._https:
            headers.append((b"strict-transport-security", HSTS))
        return headers


def _printable(value: bytes) -> str:
    """Return a header's value as text of bounded length, without control characters."""
    text = value[: 4 * USER_AGENT_LIMIT].decode("utf-8", "replace")[:USER_AGENT_LIMIT]
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


async def _read_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise _TooLarge
        if not message.get("more_body", False):
            return bytes(body)


def _is_one_click(body: bytes) -> bool:
    """Tell whether this is RFC 8058's body, as a form of either encoding (§3.2 allows both)."""
    if _field(body, "List-Unsubscribe") == "One-Click":
        return True
    return b'name="List-Unsubscribe"' in body and b"One-Click" in body


def _field(body: bytes, name: str) -> str:
    """Return the one value of a form's field; empty when there is none or several."""
    try:
        values = parse_qs(body.decode("ascii"), max_num_fields=20).get(name, [])
    except ValueError:
        return ""
    return values[0] if len(values) == 1 else ""
