"""A job's subject, HTML and text templates → pieces that the composer fills, and its link table.

Owns what may stand where (a value in a script is refused, a value in a URL is percent-encoded),
which links are tracked, and that there is always a way to unsubscribe. Knows no recipient and no
tracking address; the source is cut, never written anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from sottovoce.contracts import MAX_LINK, target_fault
from sottovoce.errors import Fault, SettingsError
from sottovoce.lui.service.markup import Context, LinkSpan, Scan, scan_html, scan_text
from sottovoce.lui.service.templates import (
    UNSUBSCRIBE,
    Field,
    If,
    Node,
    Source,
    Text,
    parse,
    unknown_fields,
)

__all__ = [
    "Branch",
    "Content",
    "Escape",
    "JobLink",
    "LinkPiece",
    "Piece",
    "PixelPiece",
    "Slot",
    "UnsubscribePiece",
    "compile_content",
]


class Escape(Enum):
    """How a value is made harmless where it is put."""

    PLAIN = "plain"
    HTML = "html"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Slot:
    """A field's value goes here."""

    name: str
    fallback: str
    escape: Escape


@dataclass(frozen=True, slots=True)
class LinkPiece:
    """Link *n* goes here: tracked, or *original* as the author wrote it."""

    n: int
    original: str


@dataclass(frozen=True, slots=True)
class UnsubscribePiece:
    """The recipient's unsubscribe address goes here."""


@dataclass(frozen=True, slots=True)
class PixelPiece:
    """The pixel that tells of an opening goes here, when openings are tracked."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The first pieces where the field has a value, else the second."""

    name: str
    then: tuple["Piece", ...]
    otherwise: tuple["Piece", ...]


Piece = str | Slot | LinkPiece | UnsubscribePiece | PixelPiece | Branch


@dataclass(frozen=True, slots=True)
class JobLink:
    """One target; its number is its place in the tracker's table."""

    n: int
    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Content:
    """A job's content, compiled once: ready for any number of recipients."""

    subject: tuple[Piece, ...]
    html: tuple[Piece, ...]
    text: tuple[Piece, ...]
    links: tuple[JobLink, ...]


_HTML_FOOTER = (
    '\n<p style="font-size: 12px; color: #666666">You no longer want these mails? <a href="',
    UnsubscribePiece(),
    '">Unsubscribe</a>.</p>\n',
)
_TEXT_FOOTER = ("\n\n-- \nYou no longer want these mails? Unsubscribe:\n", UnsubscribePiece(), "\n")


def compile_content(
    subject: Source, html: Source, text: Source, *, fields: Iterable[str]
) -> Content:
    """Compile the three templates of a job.

    Args:
        subject, html, text: the sources; line ends are ``\\n``.
        fields: the names that a recipient of the job's list has.

    Raises:
        SettingsError: every fault in all three, each with file, line and column.
    """
    known = {*fields, UNSUBSCRIBE}
    faults: list[Fault] = []
    trees: list[tuple[Node, ...]] = []
    for source in (subject, html, text):
        try:
            nodes = parse(source)
        except SettingsError as error:
            faults += error.faults
            nodes = ()
        trees.append(nodes)
        faults += unknown_fields(source, nodes, known)
    table = _Links()
    scans = (scan_text(subject.text), scan_html(html.text), scan_text(text.text))
    head = _Builder(subject, replace(scans[0], links=()), table)
    rich = _Builder(html, scans[1], table, footer=(*_footer(trees[1], _HTML_FOOTER), PixelPiece()))
    plain = _Builder(text, scans[2], table, footer=_footer(trees[2], _TEXT_FOOTER))
    content = Content(
        head.build(trees[0]), rich.build(trees[1]), plain.build(trees[2]), table.rows()
    )
    faults += head.faults + rich.faults + plain.faults
    faults += _in_subject(subject, trees[0])
    if faults:
        raise SettingsError(faults, message="The templates cannot be used as they are:")
    return content


def _in_subject(source: Source, nodes: Iterable[Node]) -> Iterator[Fault]:
    for node in nodes:
        if isinstance(node, Field) and node.name == UNSUBSCRIBE:
            why = "the unsubscribe address cannot stand in a subject."
            yield source.fault("template-unsafe-place", node.start, why, hint="Remove it.")


def _footer(nodes: Iterable[Node], footer: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Return *footer*, or nothing when the template names the unsubscribe address by itself."""
    named = any(isinstance(node, Field) and node.name == UNSUBSCRIBE for node in nodes)
    return () if named else footer


class _Links:
    """The table of targets: the same target has one number, wherever it stands."""

    def __init__(self) -> None:
        self.found: dict[str, JobLink] = {}

    def number(self, span: LinkSpan) -> int:
        known = self.found.get(span.url)
        if known is None:
            known = JobLink(len(self.found), span.url, span.label or span.url)
            self.found[span.url] = known
        return known.n

    def rows(self) -> tuple[JobLink, ...]:
        return tuple(self.found.values())


class _Builder:
    """Cuts one source into pieces."""

    def __init__(
        self, source: Source, scan: Scan, table: _Links, footer: tuple[Piece, ...] = ()
    ) -> None:
        self.source = source
        self.scan = scan
        self.table = table
        self.footer = footer
        self.faults: list[Fault] = []

    def bad(self, code: str, offset: int, why: str, hint: str) -> None:
        self.faults.append(self.source.fault(code, offset, why, hint=hint))

    def build(self, nodes: tuple[Node, ...]) -> tuple[Piece, ...]:
        """Return the pieces, with the footer before the end of the body."""
        pieces: list[Piece] = []
        placed = False
        for node in nodes:
            inside = isinstance(node, Text) and node.start <= self.scan.body_end < node.end
            if inside and isinstance(node, Text) and self.footer:
                pieces += self._constant(Text(node.start, self.scan.body_end))
                pieces += self.footer
                pieces += self._constant(Text(self.scan.body_end, node.end))
                placed = True
            else:
                pieces += self._pieces(node)
        return tuple(pieces) if placed else (*pieces, *self.footer)

    def _pieces(self, node: Node) -> list[Piece]:
        if isinstance(node, Text):
            return self._constant(node)
        if isinstance(node, Field):
            return [self._field(node)]
        return [self._branch(node)]

    def _branch(self, node: If) -> Branch:
        where = {self.scan.places[mark].where for mark in node.marks}
        if len(where) > 1:
            why = f"the condition on {node.name!r} begins and ends in different places of the HTML."
            self.bad("template-unsafe-place", node.start, why, "Put it around whole elements.")
        then = [piece for child in node.then for piece in self._pieces(child)]
        otherwise = [piece for child in node.otherwise for piece in self._pieces(child)]
        return Branch(node.name, tuple(then), tuple(otherwise))

    def _field(self, node: Field) -> Piece:
        context = self.scan.places[node.start].context
        if node.name == UNSUBSCRIBE and context is not Context.UNSAFE:
            return UnsubscribePiece()
        if context is Context.URL_START:
            why = f"{node.name!r} would choose where a link leads."
            hint = "Begin the address with https:// and a host; put values behind it."
            self.bad("template-unsafe-place", node.start, why, hint)
        elif context is Context.UNSAFE:
            where = self.scan.places[node.start].where.rsplit(" ", 1)[0]
            why = f"{node.name!r} stands where no value can be made safe ({where})."
            hint = "Move it into text or into a value in quotes."
            self.bad("template-unsafe-place", node.start, why, hint)
        escape = {Context.HTML: Escape.HTML, Context.URL: Escape.URL}.get(context, Escape.PLAIN)
        return Slot(node.name, node.fallback, escape)

    def _constant(self, node: Text) -> list[Piece]:
        pieces: list[Piece] = []
        done = node.start
        for span in self.scan.links:
            if not node.start <= span.start < node.end or not self._usable(span):
                continue
            if span.start > done:
                pieces.append(self.source.text[done : span.start])
            original = self.source.text[span.start : span.end]
            pieces.append(LinkPiece(self.table.number(span), original))
            done = span.end
        if done < node.end:
            pieces.append(self.source.text[done : node.end])
        return pieces

    def _usable(self, span: LinkSpan) -> bool:
        """Tell whether the tracker would take the target; a fault says why it would not."""
        why = target_fault(span.url)
        if not why and len(self.table.found) > MAX_LINK:
            why = f"has more than {MAX_LINK:,} links"
        if why:
            text = f"the link {span.url[:80]!r} {why}."
            self.bad("link-unusable", span.start, text, "Correct the address.")
        return not why
