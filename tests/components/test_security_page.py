"""The page *Security* of a running installation, in the four states that it is there for.

Two servers as real processes: HUB with LUI, and TRK. Each state is brought about, not written into
a database. What stands on the page is read over HTTP; where Chromium is installed, the page is
looked at in it at both widths. ``SOTTOVOCE_PICTURES=docs/images`` keeps the pictures.
"""

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

from sottovoce.cli import main
from sottovoce.cli.demo.installation import RunningServer
from sottovoce.hub import open_accounts
from sottovoce.hub.service import Right, parse_name
from sottovoce.ini import Secret
from sottovoce.net import utc_now
from sottovoce.policy import Component
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.browser import Chromium, find_chromium
from sottovoce.testing.homes import Premises

if TYPE_CHECKING:
    from tests.components.conftest import Estate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HUB, LUI, TRK = Component.HUB, Component.LUI, Component.TRK
PASSWORD = "three evenings by lantern light"
WIDTHS = (1280, 390)

Eventually = Callable[[Callable[[], Any]], Any]


class Reader:
    """Who reads the page without a browser."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def log_in(self) -> None:
        token = re.search(r'name="token" value="([^"]+)"', self._fetch("/login"))
        assert token is not None
        fields = {"token": token[1], "account": "ann", "password": PASSWORD}
        assert "<h1>Security</h1>" in self._fetch("/login", urlencode(fields).encode())

    def sentence(self) -> str:
        """Return the sentence on top; nothing while HUB does not answer."""
        try:
            page = self._fetch("/security")
        except OSError:
            return ""
        found = re.search(r'<p class="banner \w+">(.*?)</p>', page)
        return unescape(found[1]) if found else ""

    def page(self, path: str = "/security") -> str:
        return unescape(re.sub(r"<[^>]+>", " ", self._fetch(path)))

    def _fetch(self, path: str, body: bytes | None = None) -> str:
        with self._opener.open(self._url + path, body, timeout=20) as answer:
            text: str = answer.read().decode("utf-8")
        return text


class Looker:
    """Who looks at the page in Chromium, at both widths, and keeps pictures when told to."""

    def __init__(self, browser: Chromium, url: str, folder: Path) -> None:
        self._browser = browser
        self._url = url
        self._folder = folder

    def log_in(self) -> None:
        self._browser.size(1280)
        self._browser.go(f"{self._url}/login")
        self._browser.submit(account="ann", password=PASSWORD)

    def look(self, name: str, words: str) -> None:
        for width in WIDTHS:
            self._browser.size(width)
            assert words in self._read_until(words)
            wide = self._browser.ask("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} at {width} pixels: {wide} pixels wide"
            assert self._browser.ask(_CUT_OFF) == [], f"{name} at {width} pixels"
            path = self._folder / f"security-{name}-{width}.png"
            self._browser.picture(path)
            assert path.read_bytes().startswith(b"\x89PNG")

    def _read_until(self, words: str) -> str:
        """Read the page, and anew while it says something else: a heartbeat may be late."""
        until = time.monotonic() + 30.0
        while True:
            self._browser.go(f"{self._url}/security")
            text = " ".join(self._browser.text().split())
            if words in text or time.monotonic() > until:
                return text
            time.sleep(0.3)


#: Elements whose text does not fit into them, or that reach out of the window.
_CUT_OFF = """[...document.querySelectorAll('main *')].filter(each =>
  each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display != 'inline'
  && each.clientWidth > 0 || each.getBoundingClientRect().right > innerWidth + 1
).map(each => each.outerHTML.slice(0, 80))"""


@pytest.fixture
def browser() -> Iterator[Chromium | None]:
    program = find_chromium()
    if program is None:
        yield None
        return
    with Chromium(program) as found:
        yield found


def certify(home: Premises, authority: ThrowAwayAuthority, *, days: float) -> None:
    """Give a server a certificate that lives 90 days, of which so many are left."""
    ends = utc_now() + timedelta(days=days)
    entry = authority.issue(
        home.name, roles=home.components, not_before=ends - timedelta(days=90), not_after=ends
    )
    home.write_identity(entry)


async def _account(home: Path) -> None:
    async with open_accounts(home, clock=utc_now) as accounts:
        await accounts.add(parse_name("ann"), Secret(PASSWORD), [Right.ADMIN], actor="test")


SECURED = "Secured: all 3 connections. First certificate to expire: TRK's, in 61 days."
EXPIRING = "Secured: all 3 connections. TRK's certificate expires in 6 days: renew it."
DOWN = (
    "Secured: 2 of the 3 connections. LUI → TRK is down (connection-refused). First certificate "
    "to expire: TRK's, in 50 days."
)
PLAIN = (
    "NOT secured: LUI → HUB is plain. TRK → HUB is refused (secured-caller); LUI → TRK is refused "
    "(mode-mismatch). All servers must be secured."
)


@dataclass
class Scene:
    """The installation, and who reads and looks at its page."""

    estate: "Estate"
    eventually: Eventually
    reader: Reader
    looker: Looker | None

    def start(self) -> None:
        """Start both servers, at the same time."""
        for label, home in self.estate.homes.items():
            self.estate.running[label] = RunningServer(home.path)
        for server in self.estate.running.values():
            server.wait_ready()

    def restart(self, label: str) -> None:
        self.estate.stop(label)
        self.estate.start(label)

    def shows(self, name: str, sentence: str) -> None:
        """Wait until the page says so, and look at it."""
        seen = ""

        def there() -> bool:
            nonlocal seen
            seen = self.reader.sentence() or seen
            return seen == sentence

        try:
            self.eventually(there)
        except AssertionError:
            raise AssertionError(f"{name}: {seen!r}, not {sentence!r}") from None
        if self.looker is not None:
            self.looker.look(name, sentence)


@pytest.fixture
def scene(
    estate: "Estate", eventually: Eventually, browser: Chromium | None, tmp_path: Path
) -> Scene:
    port = estate.ports.take("127.0.0.2")
    web = {"WebPort": str(port), "WebAddress": "127.0.0.2"}
    estate.build(("inner", [HUB, LUI]), ("outer", [TRK]), values={"hub/hub.ini": web})
    asyncio.run(_account(estate.homes["inner"].path))
    pictures = Path(os.environ.get("SOTTOVOCE_PICTURES", tmp_path)).absolute()
    url = f"http://127.0.0.2:{port}"
    looker = Looker(browser, url, pictures) if browser is not None else None
    return Scene(estate, eventually, Reader(url), looker)


def test_the_page_tells_the_truth_in_each_state(
    scene: Scene, authority: ThrowAwayAuthority, capfd: pytest.CaptureFixture[str]
) -> None:
    """W4: all secured, one certificate about to expire, one connection down, one plain."""
    estate, reader = scene.estate, scene.reader
    inner, outer = estate.homes["inner"].secure(), estate.homes["outer"].secure()
    certify(inner, authority, days=75.5)
    certify(outer, authority, days=6.5)
    scene.start()
    reader.log_in()
    if scene.looker is not None:
        scene.looker.log_in()
    scene.shows("expiring", EXPIRING)

    certify(outer, authority, days=61.5)
    scene.restart("outer")
    scene.shows("secured", SECURED)
    assert reader.page().count("TLSv1.3, X25519MLKEM768") == 3

    certify(outer, authority, days=50.5)
    renewed = SECURED.replace("61", "50")
    scene.eventually(lambda: reader.sentence() == renewed)
    words = "expires in 61 days; a new one is in force"
    assert reader.page().count(words) == 1, "LUI's connection to TRK is still the one made before"

    closed = estate.ports.take("127.0.0.3")
    inner.set("lui/lui.ini", "TrackerPort", str(closed))
    scene.restart("inner")
    scene.shows("down", DOWN)

    inner.set("lui/lui.ini", "TrackerPort", str(estate.tracker))
    inner.ssl_ini.unlink()
    scene.restart("inner")
    scene.shows("plain", PLAIN)

    check_history(reader)
    capfd.readouterr()
    assert main(["edges", "--home", str(inner.path), "--json"]) == 2
    found = json.loads(capfd.readouterr().out)
    assert (found["sentence"], found["hub_runs"]) == (PLAIN, True)
    assert "secured-caller" in {each["code"] for each in found["refused"]}
    for words in (reader.page(), reader.page("/history"), inner.log("hub.log")):
        assert PASSWORD not in words
    assert estate.stop_all() == [0, 0]
    if scene.looker is None:
        pytest.skip("chromium is not installed: the page was read, not looked at")


def check_history(reader: Reader) -> None:
    """Every state that was brought about is there, in whatever order the servers told of it."""
    history = " ".join(reader.page("/history").split())
    for words in (
        "LUI → TRK: another certificate of TRK",
        "TRK → HUB: another certificate of TRK",
        "LUI → TRK: not known → down connection-refused",
        "→ plain",
        "→ refused secured-caller",
    ):
        assert words in history, words
