"""Finding texts in a text, in linear time.

This module owns the comparison of an arbitrary text with the texts of the catalogue: what counts as
the same words, how far a gap reaches, which of two overlapping finds wins. It knows no entry. There
is no backtracking: a text is a chain of literal words, and each is looked for with ``str.find``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sottovoce.diagnosis.entry import clean

__all__ = ["GAP", "TEXT_LIMIT", "Found", "Prepared", "longest", "prepare", "search"]

#: The most text that is looked at, in characters; of more, the beginning and the end are.
TEXT_LIMIT = 64 * 1024

#: The most characters that ``{}`` stands for.
GAP = 240

_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?(?:\r\n|\r|\n)\s*")
_ESCAPES = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")
_HOLE = re.compile(r"\{([a-z_]*)\}")
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Every character maps to exactly one, so that places in the folded text are places in the text.
_FOLD = str.maketrans(
    _UPPER + '_\n`´\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u00ab\u00bb"',
    _UPPER.lower() + "  " + "'" * 12,
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text made ready for :func:`search`.

    Args:
        kept: the bounded text, blanks run together, lines kept.
        flat: the same length, folded to lower case, underscores and line ends as blanks.
    """

    kept: str
    flat: str


@dataclass(frozen=True, slots=True)
class Found:
    """One text of the catalogue, found.

    Args:
        start: its first character's place in :attr:`Prepared.kept`.
        end: the place after its last.
        fields: what stood in its named gaps.
        seen: the words as they stood there, bounded and printable.
    """

    start: int
    end: int
    fields: Mapping[str, str]
    seen: str


def _bounded(text: str) -> str:
    if len(text) <= TEXT_LIMIT:
        return text
    half = TEXT_LIMIT // 2
    return f"{text[:half]}\n{text[-half:]}"


def prepare(text: str) -> Prepared:
    """Bound and fold a text.

    Args:
        text: any text; of more than :data:`TEXT_LIMIT` characters the two ends are taken.

    Returns:
        the text ready for :func:`search`.
    """
    bounded = _ESCAPES.sub("", _bounded(text)).replace("\x00", " ")
    kept = _LINES.sub("\n", _BLANKS.sub(" ", bounded)).strip()
    return Prepared(kept=kept, flat=kept.translate(_FOLD))


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a catalogue text into its literal words and the names of the gaps after each."""
    pieces = _HOLE.split(text)
    words = tuple(piece.translate(_FOLD) for piece in pieces[::2])
    return words, tuple(pieces[1::2])


def _bordered(flat: str, start: int, word: str, *, open_end: bool) -> bool:
    """Tell whether a find is not merely a piece of longer words."""
    end = start + len(word)
    opens = not word[0].isalnum() or start == 0 or not flat[start - 1].isalnum()
    closes = open_end or not word[-1].isalnum() or end == len(flat) or not flat[end].isalnum()
    return opens and closes


def _places(flat: str, word: str, *, open_end: bool) -> Iterator[int]:
    place = flat.find(word)
    while place >= 0:
        if _bordered(flat, place, word, open_end=open_end):
            yield place
        place = flat.find(word, place + 1)


def _tail(text: Prepared, start: int) -> int:
    """Return where a value that ends a text ends: at a blank, a quotation mark or a bracket."""
    end = start
    while end < len(text.kept) and end - start < GAP and text.kept[end] not in " \n\t\"'`)]}>;,":
        end += 1
    return end


def _rest(
    text: Prepared, start: int, words: tuple[str, ...], names: tuple[str, ...]
) -> tuple[int, dict[str, str]] | None:
    """Follow the further words of a text from ``start``, the place after its first."""
    fields: dict[str, str] = {}
    end = start
    for name, word in zip(names, words, strict=True):
        if not word:
            place = after = _tail(text, end)
        else:
            line = text.kept.find("\n", end, end + GAP)
            limit = (end + GAP if line < 0 else line) + len(word)
            place = text.flat.find(word, end, limit)
            after = place + len(word)
        if place < 0:
            return None
        if name and name not in fields:
            fields[name] = clean(text.kept[end:place]).strip(" .'\"`")
        end = after
    return end, fields


def search(text: Prepared, wanted: str) -> Found | None:
    """Find a catalogue text.

    Args:
        text: where.
        wanted: literal words with gaps, as in :class:`~sottovoce.diagnosis.entry.Says`.

    Returns:
        its first appearance, or None.
    """
    words, names = _parts(wanted)
    for place in _places(text.flat, words[0], open_end=len(words) > 1):
        rest = _rest(text, place + len(words[0]), words[1:], names)
        if rest is not None:
            end, fields = rest
            return Found(place, end, fields, clean(text.kept[place:end], limit=200))
    return None


def longest(spans: Iterable[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    """Return the spans that do not lie strictly inside another.

    Args:
        spans: (start, end) of finds in one text.

    Returns:
        the maximal ones: of "self-signed certificate" inside "self-signed certificate in
        certificate chain" only the longer text counts.
    """
    kept: set[tuple[int, int]] = set()
    reach = -1
    for start, end in sorted(set(spans), key=lambda span: (span[0], -span[1])):
        if end > reach:
            kept.add((start, end))
            reach = end
    return frozenset(kept)
