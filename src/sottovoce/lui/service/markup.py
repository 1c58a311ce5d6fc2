"""Reads HTML and plain text just well enough to know where things stand, and changes nothing.

It finds the links and says, for any place in the source, what surrounds it: text, an attribute's
value, or a place where nobody can escape a value safely. Template tags are skipped as atoms. The
source is never parsed into a tree and written back, so what the author wrote is what is sent.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum
from html import unescape

__all__ = ["Context", "LinkSpan", "Place", "Scan", "scan_html", "scan_text"]


class Context(Enum):
    """What surrounds a place in the source, as far as escaping is concerned."""

    #: Plain text: nothing is escaped.
    PLAIN = "plain"
    #: Text of an HTML element, or the value of an ordinary attribute in quotes.
    HTML = "html"
    #: Inside a URL in quotes, after its beginning.
    URL = "url"
    #: At the very beginning of a URL: a value here could choose the scheme.
    URL_START = "url-start"
    #: Comments, scripts, styles, tag and attribute names, values without quotes, handlers.
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class Place:
    """A template tag's place: its offset, what surrounds it, and where precisely (for equality)."""

    offset: int
    context: Context
    where: str


@dataclass(frozen=True, slots=True)
class LinkSpan:
    """A link's URL in the source, from *start* to *end*; *url* is the target, *label* its text."""

    start: int
    end: int
    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found: *links* in their order, *places* by offset of each template tag."""

    links: tuple[LinkSpan, ...]
    places: dict[int, Place]
    body_end: int


_URL_ATTRIBUTES = frozenset({"href", "src", "action", "background", "cite", "poster", "formaction"})
#: Elements whose content is no HTML, with what ends them.
_RAW = {
    name: re.compile(rf"(?=</{name}\b)", re.IGNORECASE | re.ASCII)
    for name in ("script", "style", "xmp", "iframe", "noscript")
}
_COMMENT_END = re.compile("-->")
_DECLARATION_END = re.compile(">")
_TAG_START = re.compile(r"\{\{[^{}]*\}\}|<!--|<(/?)([A-Za-z][A-Za-z0-9:-]*)|<[!?]")
_IN_TAG = re.compile(
    r"\{\{[^{}]*\}\}|>|([^\s\"'<>/={]+)(?:\s*=\s*(?:(\"|')|([^\s\"'<>]*)))?|[\"'/<={]"
)
_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_TEXT_LINK = re.compile(r"\{\{[^{}]*\}\}|https?://(?:[^\s<>\"{}]|\{\{[^{}]*\}\})+", re.IGNORECASE)
_TRAILING = ".,;:!?'*_"
#: Characters looked at for a link's label; beyond it, time would grow with their square.
LONGEST_LABEL = 4_000


class _HtmlScanner:
    def __init__(self, source: str) -> None:
        self.source = source
        self.links: list[LinkSpan] = []
        self.places: dict[int, Place] = {}
        self.body_end = len(source)
        self.anchor: tuple[int, int] | None = None  # number of the link, where its text begins

    def run(self) -> Scan:
        position = 0
        while match := _TAG_START.search(self.source, position):
            if match[0].startswith("{{"):
                self._note(match.start(), Context.HTML, "text")
                position = match.end()
            elif match[0] == "<!--":
                position = self._skip(match.end(), _COMMENT_END, "a comment")
            elif match[2] is None:
                position = self._skip(match.end(), _DECLARATION_END, "a declaration")
            else:
                position = self._tag(match)
        return Scan(tuple(self.links), self.places, self.body_end)

    def _note(self, offset: int, context: Context, where: str) -> None:
        self.places[offset] = Place(offset, context, where)

    def _skip(self, start: int, end_mark: re.Pattern[str], where: str) -> int:
        """Skip to behind *end_mark*; tags on the way stand in an unsafe place."""
        found = end_mark.search(self.source, start)
        end = found.end() if found else len(self.source)
        for match in _PLACEHOLDER.finditer(self.source, start, end):
            self._note(match.start(), Context.UNSAFE, f"{where} {start}")
        return end

    def _tag(self, match: re.Match[str]) -> int:
        name, closing = match[2].lower(), bool(match[1])
        if closing and name == "a":
            self._label(match.start())
        if closing and name == "body":
            self.body_end = match.start()
        position = match.end()
        while found := _IN_TAG.search(self.source, position):
            position = found.end()
            if found[0] == ">":
                break
            if found[0].startswith("{{"):
                self._note(found.start(), Context.UNSAFE, f"the tag <{name}> {match.start()}")
            elif found[1] is not None:
                position = self._attribute(name, found)
        else:
            return len(self.source)
        if not closing and name == "a" and self.anchor is not None and self.anchor[1] < 0:
            self.anchor = (self.anchor[0], position)
        if not closing and name in _RAW:
            return self._skip(position, _RAW[name], f"<{name}>")
        return position

    def _attribute(self, tag: str, found: re.Match[str]) -> int:
        """Read one attribute's value; return where it ends."""
        name = found[1].lower()
        if found[2] is None:
            return self._unquoted(tag, name, found)
        start = found.end()
        end = self.source.find(found[2], start)
        end = len(self.source) if end < 0 else end
        where = f"{tag} {name} {found.start()}"
        for match in _PLACEHOLDER.finditer(self.source, start, end):
            context = self._context(name, self.source[start : match.start()])
            self._note(match.start(), context, where)
        if name == "href" and tag in {"a", "area"}:
            self._link(start, end)
        return end + 1

    def _unquoted(self, tag: str, name: str, found: re.Match[str]) -> int:
        if found[3] is None:
            return found.end()
        for match in _PLACEHOLDER.finditer(self.source, found.start(3), found.end(3)):
            self._note(match.start(), Context.UNSAFE, f"<{tag}> {found.start()}")
        if name == "href" and tag in {"a", "area"}:
            self._link(found.start(3), found.end(3))
        return found.end()

    @staticmethod
    def _context(name: str, before: str) -> Context:
        if name.startswith("on") or name in {"style", "srcset", "srcdoc"}:
            return Context.UNSAFE
        if name not in _URL_ATTRIBUTES:
            return Context.HTML
        return Context.URL if ":" in before or before.startswith(("/", "#")) else Context.URL_START

    def _link(self, start: int, end: int) -> None:
        raw = self.source[start:end]
        if "{{" in raw or not _WEB.match(raw.strip()):
            return
        start += len(raw) - len(raw.lstrip())
        end -= len(raw) - len(raw.rstrip())
        self.anchor = (len(self.links), -1)
        self.links.append(LinkSpan(start, end, unescape(self.source[start:end]), ""))

    def _label(self, end: int) -> None:
        """Give the link that ends here its text as a label."""
        if self.anchor is None or self.anchor[1] < 0:
            return
        number, start = self.anchor
        self.anchor = None
        inner = self.source[start : min(end, start + LONGEST_LABEL)]
        text = " ".join(unescape(re.sub(r"<[^>]*>", " ", inner)).split())
        if not text:
            alternative = re.search(r"\balt\s*=\s*[\"']([^\"']*)", inner)
            text = unescape(alternative[1]).strip() if alternative else ""
        self.links[number] = replace(self.links[number], label=text[:100])


def scan_html(source: str) -> Scan:
    """Find links (``href`` of ``a`` and ``area``, http and https) and places in HTML."""
    return _HtmlScanner(source).run()


def scan_text(source: str) -> Scan:
    """Find links and places in plain text; punctuation after a link is not part of it."""
    links: list[LinkSpan] = []
    for match in _TEXT_LINK.finditer(source):
        if "{{" in match[0]:
            continue  # a personalised target cannot stand in the tracker's table
        end = match.end()
        while source[end - 1] in _TRAILING or _unbalanced(source[match.start() : end]):
            end -= 1
        url = source[match.start() : end]
        links.append(LinkSpan(match.start(), end, url, ""))
    places = {
        match.start(): Place(match.start(), Context.PLAIN, "text")
        for match in _PLACEHOLDER.finditer(source)
    }
    return Scan(tuple(links), places, len(source))


def _unbalanced(url: str) -> bool:
    """Tell whether *url* ends in a bracket that was opened before it."""
    return any(
        url.endswith(closing) and url.count(closing) > url.count(opening)
        for opening, closing in ("()", "[]")
    )
