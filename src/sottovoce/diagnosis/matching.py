"""Finding texts in a text, in linear time.

This module owns the comparison of an arbitrary text with the texts of the catalogue: what counts as
the same words, how far a gap reaches, which of two overlapping finds wins. It knows no entry. There
is no backtracking: a text is a chain of literal words, and each is looked for with ``str.find``.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sottovoce.diagnosis.entry import clean

__all__ = ["GAP", "TEXT_LIMIT", "Found", "Prepared", "prepare", "search", "surest_around"]

#: The most text that is looked at, in characters. Of more, each kind of line is kept once; of what
#: is still more, the beginning and the end.
TEXT_LIMIT = 64 * 1024

#: The most characters that ``{}`` stands for.
GAP = 240

_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?(?:\r\n|\r|\n)\s*")
#: A console or a mail programme broke the line inside a word such as ``SEC_E_UNTRUSTED_ROOT``.
_BROKEN = re.compile(r"(?<=[A-Za-z]_) ?(?:\r\n|\r|\n)\s*(?=[A-Za-z])")
#: What differs between repetitions of one line of a log: time, process, port, address, pointer.
_VARYING = re.compile(r"0x[0-9A-Fa-f]+|[0-9]+")
_ESCAPES = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")
_HOLE = re.compile(r"\{([a-z_]*(?::address)?)\}")
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


def _each_once(text: str) -> str:
    """Return *text* without the lines that repeat an earlier one but for their figures."""
    seen: set[str] = set()
    kept = []
    for line in text.splitlines():
        shape = _VARYING.sub("0", line)
        if shape not in seen:
            seen.add(shape)
            kept.append(line)
    return "\n".join(kept)


def _bounded(text: str) -> str:
    if len(text) > TEXT_LIMIT:
        text = _each_once(text)
    if len(text) <= TEXT_LIMIT:
        return text
    half = TEXT_LIMIT // 2
    return f"{text[:half]}\n{text[-half:]}"


def prepare(text: str) -> Prepared:
    """Bound and fold a text.

    Args:
        text: any text; of more than :data:`TEXT_LIMIT` characters each kind of line once, and then
            the two ends.

    Returns:
        the text ready for :func:`search`.
    """
    bounded = _ESCAPES.sub("", _bounded(text)).replace("\x00", " ")
    kept = _LINES.sub("\n", _BROKEN.sub("", _BLANKS.sub(" ", bounded))).strip()
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
    for hole, word in zip(names, words, strict=True):
        if not word:
            place = after = _tail(text, end)
        else:
            line = text.kept.find("\n", end, end + GAP)
            limit = (end + GAP if line < 0 else line) + len(word)
            place = text.flat.find(word, end, limit)
            after = place + len(word)
        if place < 0:
            return None
        name, _, kind = hole.partition(":")
        value = clean(text.kept[end:place]).strip(" .'\"`")
        if kind and not _is_address(value):
            return None
        if name and name not in fields:
            fields[name] = value
        end = after
    return end, fields


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        return False
    return True


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


def surest_around(spans: Mapping[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Tell for each find how sure the surest find is that it is a part of.

    Args:
        spans: (start, end) of the finds in one text → how sure the find is.

    Returns:
        the same spans → the weight of the surest span strictly around it, 0 where there is none: of
        "self-signed certificate" inside "self-signed certificate in certificate chain" only the
        longer text counts, while a sure text inside a doubtful one stays.
    """
    around: dict[tuple[int, int], float] = {}
    outer: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda span: (span[0], -span[1])):
        outer = [one for one in outer if one[1] > span[0]]
        around[span] = max((spans[one] for one in outer if one[1] >= span[1]), default=0.0)
        outer.append(span)
    return around
