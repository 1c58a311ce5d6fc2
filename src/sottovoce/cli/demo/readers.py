"""The recipients: they read the mails from the maildir and do what people do, over HTTP.

Every address that they visit was found in a mail. Who does what follows from the recipient's
address alone, so that a run can be repeated and its report be compared with what was played.
"""

import hashlib
import http.client
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from html.parser import HTMLParser
from urllib.parse import urlsplit

__all__ = ["Played", "play"]

#: How many of a hundred open the mail, click a link in it, and unsubscribe by one click.
_OPEN, _CLICK, _UNSUBSCRIBE = 60, 35, 6
_PLAYERS = 8
_TIMEOUT = 20.0


@dataclass
class Played:
    """What the recipients did, as they saw it themselves.

    Args:
        open, click, unsubscribe: how many requests were answered as they should be.
        failed: requests that were not, each as a sentence.
    """

    open: int = 0
    click: int = 0
    unsubscribe: int = 0
    failed: list[str] = field(default_factory=list)

    def __add__(self, other: "Played") -> "Played":
        return Played(
            self.open + other.open,
            self.click + other.click,
            self.unsubscribe + other.unsubscribe,
            self.failed + other.failed,
        )


class _Links(HTMLParser):
    """Collects the targets of links and images of a mail's HTML part."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of ``a`` and ``img``."""
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if tag == "img" and values.get("src"):
            self.images.append(str(values["src"]))


def play(mails: Iterable[EmailMessage], *, tracker: str) -> Played:
    """Let the recipients of *mails* open, click and unsubscribe; return what they did.

    Args:
        mails: as read from the maildir.
        tracker: the prefix by which a tracked link is known from a direct one.
    """
    with ThreadPoolExecutor(max_workers=_PLAYERS) as pool:
        return sum(pool.map(lambda mail: _react(mail, tracker), mails), Played())


def _mood(address: str, what: str) -> int:
    """Return a number from 0 to 99 that depends on who it is and what it is about."""
    return hashlib.sha256(f"{what} {address}".encode()).digest()[0] * 100 // 256


def _react(mail: EmailMessage, tracker: str) -> Played:
    address = str(mail["Delivered-To"])
    body = mail.get_body(("html",))
    found = _Links()
    found.feed(body.get_content() if body is not None else "")
    played = Played()
    pixels = [url for url in found.images if url.startswith(f"{tracker}/o/")]
    clicks = [url for url in found.links if url.startswith(f"{tracker}/c/")]
    if pixels and _mood(address, "open") < _OPEN:
        played.open += _visit(played, "GET", pixels[0], {200})
    if clicks and _mood(address, "click") < _CLICK:
        for url in clicks[: 1 + _mood(address, "how many") % 2]:
            played.click += _visit(played, "GET", url, {302})
    if _mood(address, "leave") < _UNSUBSCRIBE:
        header = re.search(r"<(https?://[^>]+)>", str(mail["List-Unsubscribe"] or ""))
        if header is None:
            played.failed.append(f"No List-Unsubscribe address in the mail to {address}.")
        else:
            played.unsubscribe += _visit(played, "POST", header[1], {200})
    return played


def _visit(played: Played, method: str, url: str, wanted: set[int]) -> int:
    """Make one request; return 1 when it was answered with one of *wanted*."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT)
    post = method == "POST"
    body = "List-Unsubscribe=One-Click" if post else None
    headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) demonstration"}
    if post:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, parts.path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
    except OSError as error:
        played.failed.append(f"{method} {parts.path[:3]}… failed: {error}.")
        return 0
    finally:
        connection.close()
    if answer.status not in wanted:
        played.failed.append(f"{method} {parts.path[:3]}… was answered with {answer.status}.")
        return 0
    return 1
