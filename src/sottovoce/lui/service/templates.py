"""Templates: source text → a small tree of constants, fields and conditions; nothing else exists.

``{{field}}``, ``{{field|fallback}}``, ``{{#if field}} … {{else}} … {{/if}}``. No attribute, call,
loop or include can be written, so a template can neither reach out nor run long. Places are kept,
so that every fault names file, line and column. Escaping is not decided here but by the reader of
the surrounding text (:mod:`sottovoce.lui.service.markup`).
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from sottovoce.errors import Fault, SettingsError

__all__ = ["UNSUBSCRIBE", "Field", "If", "Node", "Source", "Text", "parse", "unknown_fields"]

#: Bounds: a newsletter has 20 to 200 KB (Gmail cuts at 102 KB) and a few dozen tags.
MAX_SIZE = 1024 * 1024
MAX_TAGS = 2000
MAX_DEPTH = 16

#: The one name that is no field of a list.
UNSUBSCRIBE = "unsubscribe_url"

_TAG = re.compile(r"\{\{([^{}]{0,300})\}\}")
_NAME = r"[^\W\d]\w{0,63}"
_FIELD = re.compile(rf"({_NAME})(?:\s*\|\s*(.*))?", re.DOTALL)
_IF = re.compile(rf"#\s*if\s+({_NAME})")


@dataclass(frozen=True, slots=True)
class Source:
    """A template's text and the name of the file that it came from."""

    text: str
    file: str
    _lines: list[int] = field(default_factory=list, compare=False, repr=False)

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of *offset*, both counted from 1."""
        if not self._lines:
            self._lines.append(0)
            self._lines.extend(match.end() for match in re.finditer("\n", self.text))
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def fault(self, code: str, offset: int, why: str, *, hint: str = "", **more: str) -> Fault:
        """Return a fault at *offset*; the column stands in its text."""
        line, column = self.place(offset)
        text = f"column {column}: {why}"
        key = more.get("key")
        presented, expected = more.get("presented", ""), more.get("expected", "")
        return Fault(
            code=code,
            why=text,
            hint=hint,
            file=self.file,
            line=line,
            key=key,
            presented=presented,
            expected=expected,
        )


@dataclass(frozen=True, slots=True)
class Text:
    """Constant text: the source from *start* to *end*."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Field:
    """A place that a recipient's value fills; *fallback* where the value is empty."""

    name: str
    fallback: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class If:
    """A choice by whether a field has a value; *marks* are the places of its three tags."""

    name: str
    then: tuple["Node", ...]
    otherwise: tuple["Node", ...]
    start: int
    marks: tuple[int, ...]


Node = Text | Field | If


@dataclass(slots=True)
class _Open:
    """A condition whose end has not been met yet."""

    name: str
    start: int
    then: list[Node] = field(default_factory=list)
    otherwise: list[Node] | None = None
    marks: list[int] = field(default_factory=list)

    @property
    def current(self) -> list[Node]:
        return self.then if self.otherwise is None else self.otherwise


def parse(source: Source) -> tuple[Node, ...]:
    """Read *source*.

    Raises:
        SettingsError: every tag that cannot be read (``template-malformed``), or a template beyond
            the bounds (``template-too-large``).
    """
    if len(source.text) > MAX_SIZE:
        why = f"the template has {len(source.text):,} characters, {MAX_SIZE:,} are allowed."
        raise SettingsError([source.fault("template-too-large", 0, why)])
    return _Parser(source).run()


class _Parser:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[Fault] = []
        self.root: list[Node] = []
        self.stack: list[_Open] = []

    @property
    def current(self) -> list[Node]:
        return self.stack[-1].current if self.stack else self.root

    def bad(self, offset: int, why: str, hint: str = "", code: str = "template-malformed") -> None:
        self.faults.append(self.source.fault(code, offset, why, hint=hint))

    def run(self) -> tuple[Node, ...]:
        done = tags = 0
        for match in _TAG.finditer(self.source.text):
            self._constant(done, match.start())
            self._tag(match)
            done = match.end()
            tags += 1
        self._constant(done, len(self.source.text))
        for left in self.stack:
            self.bad(left.start, f"{{{{#if {left.name}}}}} is never closed.", "Add {{/if}}.")
        if tags > MAX_TAGS:
            self.bad(0, f"{tags:,} tags, {MAX_TAGS:,} are allowed.", code="template-too-large")
        if self.faults:
            raise SettingsError(self.faults)
        return tuple(self.root)

    def _constant(self, start: int, end: int) -> None:
        text = self.source.text
        stray = text.find("{{", start, end)
        while stray >= 0:
            self.bad(
                stray, "{{ is not followed by a field's name and }}.", "Close it, or remove it."
            )
            stray = text.find("{{", stray + 2, end)
        if end > start:
            self.current.append(Text(start, end))

    def _tag(self, match: re.Match[str]) -> None:
        inner, start = match[1].strip(), match.start()
        if found := _IF.fullmatch(inner):
            if len(self.stack) >= MAX_DEPTH:
                self.bad(start, f"conditions are nested more than {MAX_DEPTH} deep.")
            self.stack.append(_Open(found[1], start, marks=[start]))
        elif inner == "else":
            self._else(start)
        elif inner == "/if":
            self._close(start)
        elif found := _FIELD.fullmatch(inner):
            fallback = (found[2] or "").strip()
            self.current.append(Field(found[1], fallback, start, match.end()))
        else:
            shown = match[0] if len(match[0]) <= 60 else f"{match[0][:60]}…"
            hint = "Write {{field}}, {{field|fallback}}, {{#if field}}, {{else}} or {{/if}}."
            self.bad(start, f"{shown} is no tag.", hint)

    def _else(self, start: int) -> None:
        if not self.stack:
            self.bad(start, "{{else}} stands outside a condition.", "Remove it.")
        elif self.stack[-1].otherwise is not None:
            self.bad(start, "a condition has a second {{else}}.", "Remove one of them.")
        else:
            self.stack[-1].otherwise = []
            self.stack[-1].marks.append(start)

    def _close(self, start: int) -> None:
        if not self.stack:
            self.bad(start, "{{/if}} closes nothing.", "Remove it.")
            return
        done = self.stack.pop()
        marks = (*done.marks, start)
        otherwise = tuple(done.otherwise or ())
        self.current.append(If(done.name, tuple(done.then), otherwise, done.start, marks))


def _mentions(nodes: Iterable[Node]) -> Iterator[tuple[str, int]]:
    for node in nodes:
        if isinstance(node, Field):
            yield node.name, node.start
        elif isinstance(node, If):
            yield node.name, node.start
            yield from _mentions(node.then)
            yield from _mentions(node.otherwise)


def unknown_fields(source: Source, nodes: Iterable[Node], known: Iterable[str]) -> list[Fault]:
    """Return a fault for every mention of a field that is not in *known*, with the nearest ones."""
    names = sorted(known)
    faults = []
    for name, offset in _mentions(nodes):
        if name in names:
            continue
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Import a list that has it."
        faults.append(
            source.fault(
                "template-unknown-field",
                offset,
                f"the field {name!r} is not known; the list has {', '.join(names)}.",
                hint=hint,
                key=name,
                presented=name,
                expected=", ".join(names),
            )
        )
    return faults
