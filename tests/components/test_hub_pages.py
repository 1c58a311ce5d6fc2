"""HUB's pages over a real port: who gets in, what is shown, and that no form can be forged."""

import asyncio
import http.client
import logging
import re
import secrets
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlencode

import msgspec
import pytest
import structlog
from blockbuster import blockbuster_ctx
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.contracts import (
    Caller,
    CertificateFacts,
    EdgePosture,
    Heartbeat,
    HubHello,
    Refusal,
    RefusedCaller,
    Status,
)
from sottovoce.errors import SettingsError
from sottovoce.hub import create_home, new_set_up_code
from sottovoce.hub.home import open_database
from sottovoce.hub.service import (
    CHEAPEST,
    Accounts,
    AccountState,
    Installation,
    PasswordHasher,
    Right,
    RosterKeeper,
    SecurityReport,
    Sessions,
    parse_name,
    read_report,
)
from sottovoce.hub.settings import WebPlace
from sottovoce.hub.web import serve_pages
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, StoreFormat, dumps
from sottovoce.policy import Component
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.web import PagesCertificate, WebServer

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PASSWORD = "three evenings by lantern light"
PAGES = ("/", "/security", "/history")
SILENT = structlog.wrap_logger(
    None, wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
)
NOTHING: Mapping[str, str] = MappingProxyType({})


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def place(self) -> str:
        return self.headers.get("location", "")


@dataclass
class Visitor:
    """A browser without a window: keeps cookies, and fills in the token of the form it saw."""

    address: str
    port: int
    context: ssl.SSLContext | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    async def get(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] = NOTHING
    ) -> Reply:
        return await asyncio.to_thread(self._ask, method, path, None, dict(headers))

    async def post(
        self, path: str, headers: Mapping[str, str] = NOTHING, /, **fields: str
    ) -> Reply:
        """Send a form with the token of the last page, unless another ``token`` is given."""
        body = urlencode({"token": self.token} | fields)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await asyncio.to_thread(self._ask, "POST", path, body, kind | dict(headers))

    async def log_in(self, account: str = "ann", password: str = PASSWORD) -> Reply:
        await self.get("/login")
        return await self.post("/login", account=account, password=password)

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Reply:
        if self.context is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self.address, self.port, context=self.context, timeout=20
            )
        else:
            connection = http.client.HTTPConnection(self.address, self.port, timeout=20)
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8")
        finally:
            connection.close()
        for line in answer.headers.get_all("set-cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        found = re.search(r'name="token" value="([^"]+)"', text)
        self.token = found[1] if found else self.token
        return Reply(answer.status, answer.headers, text)


@dataclass
class Pages:
    """HUB's pages, open, on a HUB of which there are only the use cases."""

    accounts: Accounts
    roster: RosterKeeper
    web: WebServer
    code: Secret
    clock: Clock

    def visitor(self, context: ssl.SSLContext | None = None) -> Visitor:
        return Visitor(self.web.address, self.web.port, context)

    async def account(self, name: str, *rights: Right) -> None:
        await self.accounts.add(parse_name(name), Secret(PASSWORD), rights, actor="test")

    async def admin(self) -> Visitor:
        await self.account("ann", Right.ADMIN)
        visitor = self.visitor()
        assert (await visitor.log_in()).place == "/security"
        return visitor


@pytest.fixture(autouse=True)
def _no_blocking_call() -> Iterator[None]:
    """A call that blocks within a coroutine of ours is an error."""
    with blockbuster_ctx("sottovoce"):
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Secret]:
    code, home = new_set_up_code(secrets.token_bytes), tmp_path_factory.mktemp("hub")
    asyncio.run(create_home(home, set_up_code=code, now=START))
    return home, code


@asynccontextmanager
async def opened(home: Path, made: tuple[Path, Secret], place: WebPlace) -> AsyncIterator[Pages]:
    """Open the pages on a copy of the home just made; hashing costs nothing."""
    shutil.copytree(made[0], home, dirs_exist_ok=True)
    clock = Clock()
    installation = Installation(
        own_name="hub.test",
        secured=True,
        servers={Component.LUI: "lui.test", Component.TRK: "trk.test"},
        heartbeat_interval=10.0,
    )
    hasher = PasswordHasher(CHEAPEST, random=secrets.token_bytes)
    async with await open_database(home) as database:
        sessions = Sessions(database, hasher=hasher, clock=clock, random=secrets.token_bytes)
        accounts = Accounts(database, hasher=hasher, clock=clock)

        async def report(most: int) -> SecurityReport:
            async with database.read() as connection:
                return await read_report(connection, installation, clock(), most=most)

        certificate = PagesCertificate(
            place.keystore_path, place.keystore_password, host="hub.test", ini="hub.ini", log=SILENT
        )
        web = await serve_pages(
            place, certificate, sessions=sessions, accounts=accounts, report=report
        )
        roster = RosterKeeper(database, installation=installation, clock=clock)
        try:
            yield Pages(accounts, roster, web, made[1], clock)
        finally:
            await web.aclose()


@pytest.fixture
async def pages(tmp_path: Path, made: tuple[Path, Secret]) -> AsyncIterator[Pages]:
    async with opened(tmp_path, made, WebPlace(port=0)) as found:
        yield found


async def test_who_is_not_logged_in_sees_the_log_in_and_nothing_else(pages: Pages) -> None:
    """E24: no page before a log-in, no script, no cache, no other site's frame."""
    await pages.account("ann", Right.ADMIN)
    for path in PAGES:
        reply = await pages.visitor().get(path)
        assert (reply.status, reply.place, reply.text) == (303, "/login", "")
    visitor = pages.visitor()
    reply = await visitor.get("/login")
    assert reply.status == 200
    assert "hub.test" not in reply.text
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for words in ("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert words in policy
    assert "unsafe" not in policy
    assert "<script" not in reply.text
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    (cookie,) = reply.headers.get_all("set-cookie", [])
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert (await visitor.get("/security", method="HEAD")).status == 303
    assert (await visitor.get("/nothing")).status == 404
    assert (await visitor.get("/security", method="PUT")).status == 405
    assert (await visitor.get("/logout")).headers["allow"] == "POST"


async def test_the_first_account_is_made_with_the_code_once(pages: Pages) -> None:
    """A4: no default password; the code works once and then leads to the log-in."""
    visitor = pages.visitor()
    words = {"account": "ann", "password": PASSWORD, "again": PASSWORD}
    assert "no default password" in (await visitor.get("/set-up")).text
    bad = await visitor.post("/set-up", code="AAAA-BBBB-CCCC-DDDD-EEEE", **words)
    assert (bad.status, "not the set-up code" in bad.text) == (403, True)
    differ = await visitor.post("/set-up", code=pages.code.reveal(), **(words | {"again": "x"}))
    assert (differ.status, "passwords differ" in differ.text) == (400, True)
    short = {"account": "ann", "password": "short", "again": "short"}
    assert "at least" in (await visitor.post("/set-up", code=pages.code.reveal(), **short)).text
    assert await pages.accounts.list_all() == ()
    good = await visitor.post("/set-up", code=pages.code.reveal().lower(), **words)
    assert (good.status, good.place) == (303, "/login")
    for text in (bad.text, differ.text):
        assert PASSWORD not in text
        assert pages.code.reveal() not in text
    assert (await pages.visitor().get("/set-up")).place == "/login"
    late = pages.visitor()
    await late.get("/login")
    again = await late.post("/set-up", code=pages.code.reveal(), **(words | {"account": "eve"}))
    assert (again.status, "set up already" in again.text) == (403, True)
    assert (await visitor.log_in()).place == "/security"
    assert "Secured: none of the 3 connections." in (await visitor.get("/security")).text


async def test_a_wrong_password_is_refused_and_a_guesser_is_locked_out(pages: Pages) -> None:
    """E24: lock-out with back-off, by name, whether or not an account has it."""
    await pages.account("ann", Right.ADMIN)
    visitor = pages.visitor()
    for _ in range(5):
        reply = await visitor.log_in(password="wrong")
        assert (reply.status, "is wrong" in reply.text) == (403, True)
    for password in ("wrong", PASSWORD):
        locked = await visitor.log_in(password=password)
        assert (locked.status, "Too many failed log-ins" in locked.text) == (429, True)
    assert "sottovoce-hub" not in visitor.cookies
    assert PASSWORD not in locked.text
    pages.clock.now += timedelta(minutes=1)
    assert (await visitor.log_in()).place == "/security"
    assert (await visitor.get("/login")).place == "/security", "who is in need not log in"


async def test_no_form_can_be_forged(pages: Pages) -> None:
    """E24: a token on every POST, bound to the browser's cookie; other sites are heard."""
    await pages.account("ann", Right.ADMIN)
    mallory, visitor = pages.visitor(), pages.visitor()
    await mallory.get("/login")
    await visitor.get("/login")
    right = {"account": "ann", "password": PASSWORD}
    host = f"{visitor.address}:{visitor.port}"
    forgeries: list[tuple[str, dict[str, str]]] = [
        ("", {}),
        ("x", {}),
        (mallory.token, {}),
        (visitor.token, {"sec-fetch-site": "cross-site"}),
        (visitor.token, {"sec-fetch-site": "same-site"}),
        (visitor.token, {"origin": "https://evil.example"}),
        (visitor.token, {"origin": "null"}),
    ]
    for token, headers in forgeries:
        reply = await visitor.post("/login", headers, **(right | {"token": token}))
        assert (reply.status, "out of date" in reply.text) == (403, True), (token, headers)
    bare = Visitor(visitor.address, visitor.port, token=visitor.token)
    assert (await bare.post("/login", **right)).status == 403, "no cookie, no form"
    good = await visitor.post("/login", {"origin": f"http://{host}"}, **right)
    assert good.place == "/security"
    before = dict(visitor.cookies)
    assert (await visitor.post("/logout", token=mallory.token)).status == 403
    assert (await visitor.get("/security")).status == 200, "still logged in"
    assert (await visitor.post("/logout")).place == "/login"
    visitor.cookies = before
    assert (await visitor.get("/security")).place == "/login", "the ticket was given back"


async def test_only_administrators_see_it_and_only_as_long_as_they_are(pages: Pages) -> None:
    others = [right for right in Right if right is not Right.ADMIN]
    await pages.account("bob", *others)
    visitor = pages.visitor()
    await visitor.log_in("bob")
    for path in ("/security", "/history"):
        reply = await visitor.get(path)
        assert (reply.status, "does not have the right “admin”" in reply.text) == (403, True)
        assert "lui.test" not in reply.text
    admin = await pages.admin()
    assert (await admin.get("/security")).status == 200
    await pages.account("eve", Right.ADMIN)
    await pages.accounts.set_state(parse_name("ann"), AccountState.DISABLED, actor="test")
    assert (await admin.get("/security")).place == "/login"
    late = pages.visitor()
    await late.log_in("eve")
    pages.clock.now += timedelta(hours=8)
    assert (await late.get("/security")).place == "/login", "sessions end"


async def report(
    pages: Pages, *edges: EdgePosture, refused: tuple[RefusedCaller, ...] = ()
) -> None:
    """Let LUI and TRK report in; TRK tells who was refused."""
    for component, own in ((Component.LUI, edges), (Component.TRK, ())):
        caller = Caller(component=component, server=f"{component}.test", secured=True)
        now = pages.clock()
        hello = HubHello(
            instance="i", version="<i>1</i>", started=now, listens=(), secured=True, now=now
        )
        await pages.roster.hello(caller, hello)
        status = Status(edges=own, refused=refused if component is Component.TRK else ())
        await pages.roster.heartbeat(caller, Heartbeat(instance="i", status=status))


EVIL = "\"'><script>alert(1)</script>&lt;"


async def test_whatever_a_server_is_called_it_is_shown_as_text(pages: Pages) -> None:
    """E7: names and reasons from certificates, partners and strangers are data."""
    facts = CertificateFacts(
        names=(EVIL,), fingerprint=EVIL, begins=START, ends=START + timedelta(days=9)
    )
    refusal = Refusal(at=START, code=EVIL, message=EVIL, next_step=EVIL, by="called")
    edge = EdgePosture(
        caller=Component.LUI, called=Component.TRK, port=7000, state="refused", name=EVIL,
        called_certificate=facts, known=EVIL, tls=EVIL, group=EVIL, code=EVIL, message=EVIL,
        refusal=refusal,
    )  # fmt: skip
    stranger = RefusedCaller(
        at=START, port=7000, address=EVIL, code=EVIL, message=EVIL, names=(EVIL,), component=EVIL,
        fingerprint=EVIL,
    )  # fmt: skip
    visitor = await pages.admin()
    await report(pages, edge, refused=(stranger,))
    secured = replace_state(edge, facts)
    await report(pages, secured)
    await report(pages, replace_state(edge, replace_print(facts)))
    for path in ("/security", "/history"):
        text = (await visitor.get(path)).text
        assert text.count("&lt;script&gt;alert(1)") >= 2
        assert "<script" not in text
        assert "<i>1</i>" not in text
    await visitor.get("/login")
    await visitor.post("/logout")
    await visitor.get("/login")
    again = await visitor.post("/login", account=EVIL, group=EVIL, password="x")
    assert "<script" not in again.text
    assert "&lt;script&gt;" in again.text


def replace_state(edge: EdgePosture, facts: CertificateFacts) -> EdgePosture:
    return msgspec.structs.replace(
        edge, state="secured", code="", message="", caller_certificate=facts,
        called_certificate=facts,
    )  # fmt: skip


def replace_print(facts: CertificateFacts) -> CertificateFacts:
    return msgspec.structs.replace(facts, fingerprint=f"{EVIL}:2")


async def test_the_page_stays_small_whatever_comes(pages: Pages) -> None:
    def stranger(number: int) -> RefusedCaller:
        long = f"{number}<" * 4000
        return RefusedCaller(
            at=START, port=7000, address=f"192.0.2.{number}", code="http-peer", message=long,
            names=(long,) * 50, fingerprint=long,
        )  # fmt: skip

    visitor = await pages.admin()
    await report(pages, refused=tuple(stranger(number) for number in range(200)))
    reply = await visitor.get("/security")
    assert "more: <code>sottovoce edges --json</code> has them" in reply.text
    assert len(reply.text) < 400_000


async def test_it_refreshes_only_for_who_asks(pages: Pages) -> None:
    visitor = await pages.admin()
    still = (await visitor.get("/security")).text
    moving = (await visitor.get("/security?refresh=on")).text
    tag = '<meta http-equiv="refresh" content="15">'
    assert (tag in still, tag in moving) == (False, True)
    assert "Stop that" in moving


async def test_what_is_no_form_of_ours_is_not_read(pages: Pages) -> None:
    visitor = pages.visitor()
    await visitor.get("/login")
    assert (await visitor.post("/login", account="a" * 9000)).status == 413
    odd = await visitor.post("/login", {"content-type": "application/json"})
    assert odd.status == 415
    many = {f"f{number}": "" for number in range(30)}
    assert (await visitor.post("/login", **many)).status == 400
    kind = {"content-type": "application/x-www-form-urlencoded"}
    body = f"token={visitor.token}&token={visitor.token}"
    twice = await asyncio.to_thread(visitor._ask, "POST", "/login", body, kind)
    assert twice.status == 403


async def test_over_https_the_cookies_never_travel_otherwise(
    tmp_path: Path, made: tuple[Path, Secret], authority: ThrowAwayAuthority
) -> None:
    """W6, W12: the keystore of the internal traffic serves the pages too."""
    entry = authority.issue("hub.test")
    store = dumps(Keystore(entries={"server": entry}), "canary-web", format=StoreFormat.PKCS12)
    path = tmp_path / "server.p12"
    path.write_bytes(store)
    place = WebPlace(port=0, keystore_path=path, keystore_password=Secret("canary-web"))
    context = ssl.create_default_context(cadata=authority.root.public_bytes(Encoding.PEM).decode())
    context.check_hostname = False  # an address is dialled; names are curl's matter elsewhere
    async with opened(tmp_path, made, place) as pages:
        await pages.account("ann", Right.ADMIN)
        visitor = pages.visitor(context)
        reply = await visitor.log_in()
        assert reply.place == "/security"
        cookies = reply.headers.get_all("set-cookie", [])
        assert [cookie.partition("=")[0] for cookie in cookies] == [
            "__Host-sottovoce-hub",
            "__Host-sottovoce-hub-form",
        ]
        assert all("; Secure" in cookie and "HttpOnly" in cookie for cookie in cookies)
        assert (await visitor.get("/security")).status == 200


async def test_a_port_that_is_taken_is_said(
    pages: Pages, tmp_path: Path, made: tuple[Path, Secret]
) -> None:
    with pytest.raises(SettingsError) as caught:
        async with opened(tmp_path / "second", made, WebPlace(port=pages.web.port)):
            pass
    assert caught.value.faults[0].code == "port-in-use"
