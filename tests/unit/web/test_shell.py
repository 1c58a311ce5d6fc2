"""The shell around pages, and requests as values; no socket."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sottovoce.contracts import Login, Ticket
from sottovoce.errors import CallRefused, StoreError
from sottovoce.web import SHARED_TEMPLATES, Answer, BadRequest, Page, Request, Shell, Templates
from sottovoce.web.request import read_request
from sottovoce.web.shell import MOST_ENTERING, Visit

END = datetime(2030, 1, 1, tzinfo=UTC)


class Door:
    """Knows one account; opens when told, or fails as a database does."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.tickets: set[str] = set()

    async def login(self, request: Login) -> Ticket:
        await self.open.wait()
        if self.broken:
            raise StoreError("The disk is full.")
        if request.password != "right":
            raise CallRefused("login-bad", "Wrong.")
        self.tickets.add("t1")
        return Ticket(ticket="t1", account="ann", rights=("see",), expires=END)

    async def check(self, ticket: str) -> Ticket:
        if ticket not in self.tickets:
            raise CallRefused("ticket-bad", "Unknown.")
        return Ticket(ticket=ticket, account="ann", rights=("see",), expires=END)

    async def logout(self, ticket: str) -> None:
        self.tickets.discard(ticket)


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(SHARED_TEMPLATES, style=SHARED_TEMPLATES / "style.css")


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def shell(templates: Templates, door: Door) -> Shell:
    made = Shell(templates, door, name="HUB", home="/see", https=False)

    async def show(visit: Visit) -> Answer:
        return made.page("message.html", visit, title="Seen", why="Here it is.", back="/")

    made.add([Page(path="/see", show=show, right="see"), Page(path="/no", show=show, right="no")])
    return made


def scope(method: str, path: str, **headers: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "client": ("192.0.2.1", 5),
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
    }


async def ask(
    shell: Shell, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and text of an answer."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    if method == "POST":
        headers["content_type"] = "application/x-www-form-urlencoded"
    await shell(scope(method, path, **headers), receive, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"].decode()


async def form(shell: Shell) -> tuple[str, str]:
    """Return the cookie and the token of a stranger's form."""
    _, headers, text = await ask(shell, "GET", "/login")
    token = text.partition('name="token" value="')[2].partition('"')[0]
    return headers["set-cookie"].partition(";")[0], token


async def test_only_so_many_log_ins_are_under_way_at_once(shell: Shell, door: Door) -> None:
    """Each costs memory and time by intention; whoever comes when all are taken is told so."""
    cookie, token = await form(shell)
    body = f"token={token}&account=ann&password=right".encode()
    door.open.clear()
    many = [
        asyncio.ensure_future(ask(shell, "POST", "/login", body, cookie=cookie))
        for _ in range(MOST_ENTERING)
    ]
    await asyncio.sleep(0)
    while shell._entering < MOST_ENTERING:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0)
    status, _, text = await ask(shell, "POST", "/login", body, cookie=cookie)
    assert (status, "Too many people" in text) == (503, True)
    door.open.set()
    assert {status for status, _, _ in await asyncio.gather(*many)} == {303}
    assert (await ask(shell, "POST", "/login", body, cookie=cookie))[0] == 303


async def test_a_store_that_fails_is_said_in_one_sentence(shell: Shell, door: Door) -> None:
    cookie, token = await form(shell)
    door.broken = True
    body = f"token={token}&account=ann&password=right".encode()
    status, _, text = await ask(shell, "POST", "/login", body, cookie=cookie)
    assert (status, "Try again in a minute" in text, "disk" in text) == (503, True, False)


async def test_a_log_in_gives_a_new_cookie_and_opens_what_the_account_may_see(
    shell: Shell, door: Door
) -> None:
    cookie, token = await form(shell)
    body = f"token={token}&account=ann&password=right".encode()
    _, headers, _ = await ask(shell, "POST", "/login", body, cookie=cookie)
    assert headers["location"] == "/see"
    session = "sottovoce-hub=t1"
    assert "Here it is." in (await ask(shell, "GET", "/see", cookie=session))[2]
    assert (await ask(shell, "HEAD", "/see", cookie=session))[2] == ""
    status, _, text = await ask(shell, "GET", "/no", cookie=session)
    assert (status, "“no”" in text) == (403, True)
    assert (await ask(shell, "GET", "/", cookie=session))[1]["location"] == "/see"
    assert (await ask(shell, "GET", "/see", cookie="sottovoce-hub=other"))[1]["location"] == (
        "/login"
    )
    door.tickets.clear()
    assert (await ask(shell, "GET", "/see", cookie=session))[0] == 303


async def test_two_processes_do_not_share_tokens(templates: Templates, door: Door) -> None:
    one, other = (Shell(templates, door, name="HUB", home="/", https=False) for _ in range(2))
    cookie, token = await form(one)
    body = f"token={token}&account=ann&password=right".encode()
    assert (await ask(other, "POST", "/login", body, cookie=cookie))[0] == 403


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none", "origin": "https://evil.example"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "http://HUB.test:8090", "host": "hub.test:8090"}, False),
        ({"origin": "http://hub.test:8091", "host": "hub.test:8090"}, True),
        ({"origin": "null", "host": "hub.test:8090"}, True),
        ({"origin": "http://[", "host": "hub.test:8090"}, True),
    ],
)
def test_a_browser_says_from_where_a_form_comes(headers: dict[str, str], elsewhere: bool) -> None:
    assert Request(method="POST", path="/", headers=headers).is_from_elsewhere is elsewhere


async def test_a_form_that_breaks_off_is_not_used() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    wanted = scope("POST", "/", content_type="application/x-www-form-urlencoded; charset=utf-8")
    with pytest.raises(BadRequest) as caught:
        await read_request(wanted, receive)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"a=1&b=2&a=3", {"b": "2"}),
        (b"a=%C3%A4+b&c=", {"a": "ä b", "c": ""}),
        (b"a=%FF", None),
        (b"\xff=1", None),
        (b"&".join(b"f%d=" % number for number in range(21)), None),
    ],
)
async def test_fields_are_read_once_each(body: bytes, form: dict[str, str] | None) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    wanted = scope("POST", "/", content_type="application/x-www-form-urlencoded")
    if form is None:
        with pytest.raises(BadRequest):
            await read_request(wanted, receive)
    else:
        assert (await read_request(wanted, receive)).form == form


async def test_the_first_of_two_cookies_counts() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("a GET has no body")

    request = await read_request(scope("GET", "/", cookie="a=1; odd; b=x=y; a=2"), receive)
    assert request.cookies == {"a": "1", "b": "x=y"}
    assert request.address == "192.0.2.1"
    assert "secret" not in repr(Request(method="POST", path="/", form={"p": "secret"}))


def test_a_page_escapes_all_and_a_fingerprint_folds_at_its_colons(tmp_path: Path) -> None:
    (tmp_path / "s.css").write_text("p { color: red }")
    (tmp_path / "p.html").write_text("{{ a }} {{ b | foldable }}")
    made = Templates(tmp_path, style=tmp_path / "s.css")
    assert made.render("p.html", a="<b>", b="AA:<i>:CC") == (b"&lt;b&gt; AA:<wbr>&lt;i&gt;:<wbr>CC")
    assert "sha256-" in made.policy
