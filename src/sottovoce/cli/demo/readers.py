"""The recipients: they read the mails from the maildir and do what people do, over HTTP.

Every address that they visit was found in a mail. Who does what follows from the recipient's
address alone, so that a run can be repeated and its report be compared with what was played.
"""

import hashlib
import http.client
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from html.parser import HTMLParser
from urllib.parse import urlsplit

__all__ = ["Played", "Reaction", "play", "reactions", "request"]

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


@dataclass(frozen=True, slots=True)
class Reaction:
    """One request that a recipient makes because of a mail.

    Args:
        kind: ``open``, ``click`` or ``unsubscribe``.
        url: found in the mail.
        who: the recipient's address.
    """

    kind: str
    url: str
    who: str

    @property
    def post(self) -> bool:
        """Whether it changes something, so that it is a POST (RFC 8058)."""
        return self.kind == "unsubscribe"

    @property
    def wanted(self) -> int:
        """The status with which it is to be answered."""
        return 302 if self.kind == "click" else 200


def reactions(mail: EmailMessage, *, tracker: str) -> Iterator[Reaction]:
    """Yield what the recipient of *mail* will do with it.

    Args:
        mail: as read from the maildir.
        tracker: the prefix by which a tracked link is known from a direct one.
    """
    who = str(mail["Delivered-To"])
    body = mail.get_body(("html",))
    found = _Links()
    found.feed(body.get_content() if body is not None else "")
    pixels = [url for url in found.images if url.startswith(f"{tracker}/o/")]
    clicks = [url for url in found.links if url.startswith(f"{tracker}/c/")]
    if pixels and _mood(who, "open") < _OPEN:
        yield Reaction("open", pixels[0], who)
    if clicks and _mood(who, "click") < _CLICK:
        for url in clicks[: 1 + _mood(who, "how many") % 2]:
            yield Reaction("click", url, who)
    if _mood(who, "leave") < _UNSUBSCRIBE:
        header = re.search(r"<(https?://[^>]+)>", str(mail["List-Unsubscribe"] or ""))
        yield Reaction("unsubscribe", header[1] if header else "", who)


def request(reaction: Reaction, *, connected: Callable[[], None] = lambda: None) -> int:
    """Make the request and return the status of the answer.

    Args:
        reaction: what to ask for.
        connected: called when the connection stands, before anything is sent.

    Raises:
        OSError, http.client.HTTPException: no answer came.
    """
    parts = urlsplit(reaction.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT)
    headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) demonstration"}
    body = None
    if reaction.post:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = "List-Unsubscribe=One-Click"
    try:
        connection.connect()
        connected()
        connection.request("POST" if body else "GET", parts.path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _react(mail: EmailMessage, tracker: str) -> Played:
    played = Played()
    for reaction in reactions(mail, tracker=tracker):
        failure = _failure(reaction)
        if failure:
            played.failed.append(failure)
        else:
            setattr(played, reaction.kind, getattr(played, reaction.kind) + 1)
    return played


def _failure(reaction: Reaction) -> str:
    """Make the request; return what went wrong, or nothing."""
    if not reaction.url:
        return f"No List-Unsubscribe address in the mail to {reaction.who}."
    try:
        status = request(reaction)
    except (OSError, http.client.HTTPException) as error:
        return f"The request of {reaction.kind} failed: {error!r}."
    if status != reaction.wanted:
        return f"The request of {reaction.kind} was answered with {status}."
    return ""
