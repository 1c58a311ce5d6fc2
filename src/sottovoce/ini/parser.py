r"""INI text → entries, exactly as ``java.util.Properties.load(Reader)`` takes them apart.

Owns the grammar (SPEC, INI-file rules) down to its oddities, each of which the JDK confirms in a
test. Refuses to know which keys exist and what their values mean.

The oddities worth knowing: form feed is white space; a comment is never continued; a line that
holds a single backslash only joins nothing, so a following ``#`` still begins a comment; a
backslash as the last thing in a file is dropped, and alone it makes an entry with empty key and
empty value; ``\u`` takes exactly four hexadecimal digits; before any other character than
``t n r f u`` a backslash simply vanishes.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from typing import NamedTuple

from sottovoce.errors import Fault, FormatError, IniSyntaxError
from sottovoce.ini.document import Document, Entry
from sottovoce.ini.show import shown

__all__ = ["LARGEST_FILE", "MOST_FAULTS", "parse", "survey"]

#: Settings are a few hundred bytes; Java has no limit, an editor's accident or an attack needs one.
LARGEST_FILE = 1024 * 1024

#: So many faults of one sort are reported; a file with more is no settings file at all.
MOST_FAULTS = 1000

_MALFORMED = "ini-malformed-escape"
_BOM = "\ufeff"
_BLANKS = " \t\f"
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_KEY = r"((?:[^\\=: \t\f]+|\\.)*)"
_KEY_LIKE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_KEY_AND_SEPARATOR = re.compile(_KEY + r"[ \t\f]*([=:]?)[ \t\f]*", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def parse(data: bytes, *, file: str = "") -> Document:
    r"""Read an INI file (SPEC, INI-file rules; DESIGN §9).

    The bytes are UTF-8. What is not valid UTF-8 is read as ISO-8859-1, with the warning
    ``ini-encoding``. A byte order mark at the start is removed, so that the first key is what it
    looks like, and reported as the fault ``ini-byte-order-mark`` (Java would make it part of the
    first key). Everything after that equals ``java.util.Properties.load(Reader)``.

    Args:
        data: the file's bytes, at most 1 MiB.
        file: its name for messages.

    Returns:
        Every entry in file order, with the faults that leave the text readable.

    Raises:
        IniSyntaxError: ``\u`` without four hexadecimal digits somewhere, which is exactly when
            Java throws IllegalArgumentException; carries every such place, up to 1000.
        FormatError: ``ini-too-large``.
    """
    document = survey(data, file=file)
    malformed = [fault for fault in document.faults if fault.code == _MALFORMED]
    if malformed:
        raise IniSyntaxError(
            f"{file or 'The INI file'} cannot be read: malformed \\u escape on "
            f"{_lines(fault.line or 1 for fault in malformed)}.",
            faults=(fault for fault in document.faults if not fault.warning),
            source=file,
        )
    return document


def survey(data: bytes, *, file: str = "") -> Document:
    r"""Read an INI file as far as it goes: malformed escapes become faults, nothing is raised.

    For a caller that reports every fault of a file at once. In a value with a malformed escape
    the backslash vanishes, as before any other letter; such a document is never to be used.

    Args:
        data: the file's bytes, at most 1 MiB.
        file: its name for messages.

    Raises:
        FormatError: ``ini-too-large``.
    """
    if len(data) > LARGEST_FILE:
        raise FormatError(
            f"{file or 'The INI file'} has {len(data)} bytes, and settings take at most "
            f"{LARGEST_FILE}.",
            source=file,
            position=LARGEST_FILE,
            expected=f"at most {LARGEST_FILE} bytes",
            hint="Check that this is the file you meant.",
            code="ini-too-large",
        )
    text, faults = _decoded(data, file)
    entries = [_entry(line) for line in _logical_lines(text)]
    faults.extend(islice(_all_malformed(text, file), MOST_FAULTS))
    faults.extend(islice(_repetitions(entries, file), MOST_FAULTS))
    return Document(entries=tuple(entries), faults=tuple(faults), file=file)


def _decoded(data: bytes, file: str) -> tuple[str, list[Fault]]:
    faults: list[Fault] = []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("iso-8859-1")
        faults.append(_encoding_fault(data, error, file))
    if text.startswith(_BOM):
        text = text[1:]
        faults.append(
            Fault(
                code="ini-byte-order-mark",
                why="The file begins with a byte order mark (EF BB BF), which other readers of "
                "this format take for a part of the first key.",
                expected="UTF-8 without a byte order mark",
                presented="UTF-8 with a byte order mark",
                hint="Save it as “UTF-8”, not as “UTF-8 with BOM”.",
                file=file or None,
                line=1,
            )
        )
    return text, faults


def _encoding_fault(data: bytes, error: UnicodeDecodeError, file: str) -> Fault:
    utf16 = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    line = len(_LINE_BREAK.findall(data[: error.start].decode("iso-8859-1"))) + 1
    return Fault(
        code="ini-encoding",
        why="The file is UTF-16, which is no encoding of this format; it was read as ISO-8859-1."
        if utf16
        else f"The file is not valid UTF-8 (byte {data[error.start]:02X} at offset "
        f"{error.start}); it was read as ISO-8859-1.",
        expected="UTF-8",
        presented="UTF-16" if utf16 else "ISO-8859-1",
        hint="Save it as UTF-8.",
        file=file or None,
        line=line,
        warning=True,
    )


class _LogicalLine(NamedTuple):
    """Natural lines joined by trailing backslashes, and where each of them begins."""

    text: str
    starts: tuple[int, ...]
    lines: tuple[int, ...]

    def line_at(self, offset: int) -> int:
        return self.lines[bisect_right(self.starts, offset) - 1]


def _joined(parts: list[tuple[str, int]]) -> _LogicalLine:
    starts = (0, *accumulate(len(part) for part, _ in parts[:-1]))
    text = "".join(part for part, _ in parts)
    return _LogicalLine(text, starts, tuple(line for _, line in parts))


def _natural_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each line without its end, and whether anything follows the end's first character.

    Java looks no further than that when it decides whether a trailing backslash joins two lines
    or ends the text; so a single backslash before LF at the end is an entry, before CRLF is none.
    """
    start = 0
    for match in _LINE_BREAK.finditer(text):
        yield text[start : match.start()], match.start() + 1 < len(text)
        start = match.end()
    if start < len(text):
        yield text[start:], False


def _logical_lines(text: str) -> Iterator[_LogicalLine]:
    parts: list[tuple[str, int]] = []
    for number, (natural, more) in enumerate(_natural_lines(text), 1):
        body = natural.lstrip(_BLANKS)
        if not parts and (not body or body[0] in "#!"):
            continue
        joined = _ends_in_odd_backslashes(body)
        if joined:
            body = body[:-1]
        if joined and more:
            # A backslash alone contributes nothing: a comment may still begin on the next line.
            if body:
                parts.append((body, number))
        elif parts:
            yield _joined([*parts, (body, number)])
            parts.clear()
        else:
            yield _LogicalLine(body, (0,), (number,))
    if parts:
        yield _joined(parts)


def _ends_in_odd_backslashes(text: str) -> bool:
    return text.endswith("\\") and (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _cut(text: str) -> re.Match[str]:
    """Return a match with the key in group 1, the separator in group 2; the value follows it."""
    match = _KEY_AND_SEPARATOR.match(text)
    assert match is not None
    return match


def _entry(logical: _LogicalLine) -> Entry:
    text = logical.text
    cut = _cut(text)
    raw = text[cut.end() :]
    return Entry(
        key=_unescaped(cut[1]),
        value=_unescaped(raw),
        line=logical.lines[0],
        last_line=logical.lines[-1],
        raw=raw,
        separated=bool(cut[2]),
    )


def _all_malformed(text: str, file: str) -> Iterator[Fault]:
    if "\\u" not in text:
        return
    for logical in _logical_lines(text):
        if "\\u" not in logical.text:
            continue
        cut = _cut(logical.text)
        key = _unescaped(cut[1])
        # The line may be a password and no key at all: name only what was meant as a key.
        named = key if cut[2] and _KEY_LIKE.fullmatch(key) else None
        for match in _ESCAPE.finditer(logical.text):
            if match[1] == "u":
                at = match.start()
                yield _escape_fault(file, logical.line_at(at), named if at >= cut.end() else None)


def _escape_fault(file: str, line: int, key: str | None) -> Fault:
    place = f" in the value of {shown(key)}" if key else ""
    return Fault(
        code=_MALFORMED,
        why=f"A backslash followed by “u”{place} needs four hexadecimal digits after it.",
        expected=r"\u and four hexadecimal digits, as in \u00e9",
        presented=r"\u and something else",
        hint=r"Where a backslash is meant, as in a Windows path, write two (\\users) or a slash "
        "(/users).",
        file=file or None,
        line=line,
        key=key or None,
    )


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_replacement, text)
    if _SURROGATE.search(plain):
        # Two escapes make one character beyond the BMP, as they do in Java's UTF-16.
        pairs = plain.encode("utf-16-le", "surrogatepass")
        plain = pairs.decode("utf-16-le", "surrogatepass")
    return plain


def _replacement(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _CONTROLS.get(escape, escape)


def _repetitions(entries: list[Entry], file: str) -> Iterator[Fault]:
    places: dict[str, list[int]] = {}
    for entry in entries:
        places.setdefault(entry.key, []).append(entry.line)
    for key, lines in places.items():
        if len(lines) > 1:
            yield Fault(
                code="ini-repeated-key",
                why=f"{shown(key) or 'The empty key'} stands on {_lines(lines)}.",
                expected="each key once",
                presented=_lines(lines),
                hint="Keep one of the lines and remove the others.",
                file=file or None,
                line=lines[1],
                key=shown(key),
            )


def _lines(numbers: Iterable[int]) -> str:
    """Name lines in words, the first ten of many."""
    rising = sorted(set(numbers))
    *most, last = [str(number) for number in rising[:10]]
    if len(rising) > 10:
        return f"lines {', '.join([*most, last])} and {len(rising) - 10} more"
    return f"lines {', '.join(most)} and {last}" if most else f"line {last}"
