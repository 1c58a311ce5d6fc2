"""The shell around the pages that people log in to: sessions, forms that cannot be forged, rights.

A page says which right it needs and what to show; the shell sees to it that nobody else gets there.
A session is a ticket of HUB's in a cookie that no script can read and no other site's page makes
the browser send. Each form carries a token bound to that cookie. Nothing is in the address.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from sottovoce.contracts import Login, Ticket
from sottovoce.errors import CallError, CallRefused, ChannelError, StoreError
from sottovoce.web.answer import Answer, Header
from sottovoce.web.request import BadRequest, Receive, Request, Scope, Send, read_request
from sottovoce.web.templates import Templates

__all__ = ["Doorkeeper", "Page", "Shell", "Visit"]

#: Log-ins that may be under way at once: each costs memory and time by intention (Argon2id).
MOST_ENTERING = 16

_RANDOM_BYTES = 32
_READING = frozenset({"GET", "HEAD"})


class Doorkeeper(Protocol):
    """Who knows accounts and tickets: HUB's own sessions, or HUB by its calls."""

    async def login(self, request: Login) -> Ticket:
        """Give a ticket; refused with ``login-bad``, ``login-locked`` or ``login-disabled``."""
        ...

    async def check(self, ticket: str) -> Ticket:
        """Say whose a ticket is; refused with ``ticket-bad``."""
        ...

    async def logout(self, ticket: str) -> None:
        """Take a ticket back."""
        ...


@dataclass(slots=True, kw_only=True)
class Visit:
    """One request, who makes it, and the token that its answer's forms carry.

    Args:
        request: what was asked.
        ticket: of the session; None for who is not logged in.
        token: for the field ``token`` of each form.
        cookies: to be set or taken back by the answer, as whole headers.
    """

    request: Request
    ticket: Ticket | None
    token: str
    cookies: list[Header] = field(default_factory=list)


Handler = Callable[[Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One address.

    Args:
        path: exactly.
        show: answers GET; None where there is nothing to see.
        act: answers POST, after the form's token was found right; None where nothing is changed.
        right: that the account must have; empty for a page that everybody sees.
    """

    path: str
    show: Handler | None = None
    act: Handler | None = None
    right: str = ""


class Shell:
    """The application: log-in, log-out, and the pages given; anything else is not found.

    Args:
        templates: with ``login.html`` and ``message.html``.
        door: who knows accounts.
        name: of the component, for the cookies' names and the pages' titles.
        home: the path to which a log-in leads.
        https: whether it is served so: then the cookies never travel otherwise.
    """

    def __init__(
        self, templates: Templates, door: Doorkeeper, *, name: str, home: str, https: bool
    ) -> None:
        self._templates = templates
        self._door = door
        self._name = name
        self._home = home
        self._key = secrets.token_bytes(_RANDOM_BYTES)
        self._entering = 0
        prefix = "__Host-" if https else ""
        self._session = f"{prefix}sottovoce-{name.lower()}"
        self._form = f"{self._session}-form"
        self._cookie_tail = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if https else "")
        self._headers: list[Header] = [
            (b"cache-control", b"no-store"),
            # Not no-referrer: with that, browsers send a form with "Origin: null".
            (b"referrer-policy", b"same-origin"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-robots-tag", b"noindex, nofollow"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"content-security-policy", templates.policy.encode("ascii")),
            (b"content-type", b"text/html; charset=utf-8"),
        ]
        self._pages: dict[str, Page] = {}
        self.add(
            [
                Page(path="/login", show=self._show_login, act=self._log_in),
                Page(path="/logout", act=self._log_out),
                Page(path="/", show=self._go_home),
            ]
        )

    def add(self, pages: Iterable[Page]) -> None:
        """Add pages."""
        self._pages |= {page.path: page for page in pages}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        answer = await self._answer(scope, receive)
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        page = self._pages.get(scope["path"])
        if page is None:
            return self._message(HTTPStatus.NOT_FOUND, "There is no such page.")
        handler = page.show if scope["method"] in _READING else page.act
        if handler is None or scope["method"] not in {*_READING, "POST"}:
            return self._not_allowed(page)
        try:
            visit = await self._visit(await read_request(scope, receive))
            return await self._admitted(page, handler, visit)
        except BadRequest as error:
            # What is left of the body is not waited for.
            close = [(b"connection", b"close")]
            return self._message(error.status, error.why, headers=close)
        except (StoreError, ChannelError, CallError):
            why = "This cannot be answered just now. Try again in a minute."
            return self._message(HTTPStatus.SERVICE_UNAVAILABLE, why)

    async def _visit(self, request: Request) -> Visit:
        """Find out who this is: by the session's cookie, or a stranger's for forms."""
        shown = request.cookies.get(self._session, "")
        if shown:
            try:
                ticket = await self._door.check(shown)
            except CallRefused:
                pass
            else:
                return Visit(request=request, ticket=ticket, token=self._token(shown))
        anchor, cookies = request.cookies.get(self._form, ""), list[Header]()
        if not anchor:
            anchor = secrets.token_urlsafe(_RANDOM_BYTES)
            cookies.append(self._cookie(self._form, anchor))
        return Visit(request=request, ticket=None, token=self._token(anchor), cookies=cookies)

    async def _admitted(self, page: Page, handler: Handler, visit: Visit) -> Answer:
        """Let in who may come in, with a form that is ours."""
        if page.right and visit.ticket is None:
            return self.go("/login", visit)
        if visit.request.method == "POST" and not self._is_ours(visit):
            return self._forged(page, visit)
        if page.right and visit.ticket is not None and page.right not in visit.ticket.rights:
            why = (
                f"Your account {visit.ticket.account} does not have the right “{page.right}”, "
                "which this page needs."
            )
            return self._message(HTTPStatus.FORBIDDEN, why, visit=visit)
        return await handler(visit)

    def _is_ours(self, visit: Visit) -> bool:
        token = visit.request.form.get("token", "").encode("utf-8", "surrogatepass")
        return not visit.request.is_from_elsewhere and hmac.compare_digest(
            token, visit.token.encode()
        )

    def _forged(self, page: Page, visit: Visit) -> Answer:
        """Answer a form that is not ours, or no longer: nothing was done."""
        why = "The form was out of date, and nothing was done. Please fill it in again."
        if visit.ticket is None and page.path == "/login":
            return self._login_page(visit, HTTPStatus.FORBIDDEN, why=why)
        return self._message(HTTPStatus.FORBIDDEN, why, visit=visit, back=page.path)

    # Logging in and out.

    async def _go_home(self, visit: Visit) -> Answer:
        return self.go(self._home if visit.ticket is not None else "/login", visit)

    async def _show_login(self, visit: Visit) -> Answer:
        if visit.ticket is not None:
            return self.go(self._home, visit)
        return self._login_page(visit)

    async def _log_in(self, visit: Visit) -> Answer:
        if visit.ticket is not None:
            return self.go(self._home, visit)
        form = visit.request.form
        request = Login(
            account=form.get("account", ""),
            group=form.get("group", ""),
            password=form.get("password", ""),
            origin=visit.request.address,
        )
        if self._entering >= MOST_ENTERING:
            why = "Too many people log in at this moment. Try again in a minute."
            return self._login_page(visit, HTTPStatus.SERVICE_UNAVAILABLE, why=why)
        self._entering += 1
        try:
            ticket = await self._door.login(request)
        except CallRefused as refused:
            locked = refused.code == "login-locked"
            status = HTTPStatus.TOO_MANY_REQUESTS if locked else HTTPStatus.FORBIDDEN
            return self._login_page(visit, status, why=refused.message)
        finally:
            self._entering -= 1
        return self.enter(visit, ticket)

    def enter(self, visit: Visit, ticket: Ticket) -> Answer:
        """Begin a session: a new cookie, whatever the browser had before."""
        visit.cookies = [self._cookie(self._session, ticket.ticket), self._taken_back(self._form)]
        return self.go(self._home, visit)

    async def _log_out(self, visit: Visit) -> Answer:
        if visit.ticket is not None:
            await self._door.logout(visit.ticket.ticket)
        visit.cookies.append(self._taken_back(self._session))
        return self.go("/login", visit)

    # Answers.

    def go(self, path: str, visit: Visit) -> Answer:
        """Send the browser to another page of ours, by GET."""
        headers = [*self._headers, *visit.cookies, (b"location", path.encode("ascii"))]
        return Answer(HTTPStatus.SEE_OTHER, headers)

    def page(
        self, template: str, visit: Visit, status: int = HTTPStatus.OK, **values: object
    ) -> Answer:
        """Answer with a page.

        Args:
            template: its name.
            visit: whose account and token the page gets, as ``account`` and ``token``.
            status: of HTTP.
            values: of the template.
        """
        account = visit.ticket.account if visit.ticket is not None else ""
        given = {"name": self._name, "account": account, "token": visit.token} | values
        body = self._templates.render(template, **given)
        return Answer(status, [*self._headers, *visit.cookies], body)

    def _login_page(self, visit: Visit, status: int = HTTPStatus.OK, *, why: str = "") -> Answer:
        typed = {key: visit.request.form.get(key, "")[:64] for key in ("account", "group")}
        return self.page("login.html", visit, status, why=why, typed=typed)

    def _message(
        self,
        status: HTTPStatus,
        why: str,
        *,
        visit: Visit | None = None,
        back: str = "/",
        headers: Iterable[Header] = (),
    ) -> Answer:
        """Answer with one sentence, and a way on."""
        body = self._templates.render(
            "message.html",
            name=self._name,
            account=visit.ticket.account if visit is not None and visit.ticket else "",
            token=visit.token if visit is not None else "",
            title=status.phrase,
            why=why,
            back=back,
        )
        cookies = visit.cookies if visit is not None else []
        return Answer(status, [*self._headers, *cookies, *headers], body)

    def _not_allowed(self, page: Page) -> Answer:
        allowed = ["GET, HEAD"] if page.show is not None else []
        allowed += ["POST"] if page.act is not None else []
        allow = (b"allow", ", ".join(allowed).encode("ascii"))
        why = "This address is not used that way."
        return self._message(HTTPStatus.METHOD_NOT_ALLOWED, why, headers=[allow])

    # Cookies and tokens.

    def _token(self, anchor: str) -> str:
        """Return the token of the forms that a browser with that cookie gets."""
        digest = hmac.digest(self._key, anchor.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def _cookie(self, name: str, value: str) -> Header:
        return b"set-cookie", f"{name}={value}{self._cookie_tail}".encode("ascii")

    def _taken_back(self, name: str) -> Header:
        return b"set-cookie", f"{name}=; Max-Age=0{self._cookie_tail}".encode("ascii")
