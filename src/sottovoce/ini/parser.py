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
from collections.abc import Iterator
from dataclasses import dataclass, field

from sottovoce.errors import Fault, FormatError, IniSyntaxError
from sottovoce.ini.document import Document, Entry
from sottovoce.ini.show import shown

__all__ = ["LARGEST_FILE", "parse", "survey"]

#: Settings are a few hundred bytes; Java has no limit, an editor's accident or an attack needs one.
LARGEST_FILE = 1024 * 1024

_MALFORMED = "ini-malformed-escape"
_BOM = "\ufeff"
_BLANKS = " \t\f"
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_KEY = re.compile(r"(?:\\.|[^\\=: \t\f])*", re.DOTALL)
_KEY_LIKE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_SEPARATOR = re.compile(r"[ \t\f]*([=:]?)[ \t\f]*")
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
            Java throws IllegalArgumentException; carries every such place.
        FormatError: ``ini-too-large``.
    """
    document = survey(data, file=file)
    malformed = [fault for fault in document.faults if fault.code == _MALFORMED]
    if malformed:
        raise IniSyntaxError(
            f"{file or 'The INI file'} cannot be read: {_places(malformed)}.",
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
    entries = [_entry(line, file, faults) for line in _logical_lines(text)]
    faults.extend(_repetitions(entries, file))
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


@dataclass(slots=True)
class _LogicalLine:
    """Natural lines joined by trailing backslashes, and where each character came from."""

    parts: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, line: int) -> None:
        self.parts.append(text)
        self.starts.append(self.length)
        self.lines.append(line)
        self.length += len(text)

    def text(self) -> str:
        return "".join(self.parts)

    def line_at(self, offset: int) -> int:
        return self.lines[bisect_right(self.starts, offset) - 1]


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
    logical = _LogicalLine()
    for number, (natural, more) in enumerate(_natural_lines(text), 1):
        body = natural.lstrip(_BLANKS)
        if logical.length == 0:
            logical = _LogicalLine()
            if not body or body[0] in "#!":
                continue
        joined = _ends_in_odd_backslashes(body)
        logical.add(body[:-1] if joined else body, number)
        if not (joined and more):
            yield logical
            logical = _LogicalLine()
    if logical.length:
        yield logical


def _ends_in_odd_backslashes(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _entry(logical: _LogicalLine, file: str, faults: list[Fault]) -> Entry:
    text = logical.text()
    key_match = _KEY.match(text)
    assert key_match is not None
    key_end = key_match.end()
    separator = _SEPARATOR.match(text, key_end)
    assert separator is not None
    raw = text[separator.end() :]
    key = _unescaped(text[:key_end])
    # The line may be a password and no key at all: name only what was meant as a key.
    name = key if separator[1] and _KEY_LIKE.fullmatch(key) else None
    faults.extend(
        _escape_fault(file, logical.line_at(at), name if at >= separator.end() else None)
        for at in _malformed_escapes(text)
    )
    return Entry(
        key=key,
        value=_unescaped(raw),
        line=logical.lines[0],
        last_line=logical.lines[-1],
        raw=raw,
        separated=bool(separator[1]),
    )


def _malformed_escapes(text: str) -> Iterator[int]:
    return (match.start() for match in _ESCAPE.finditer(text) if match[1] == "u")


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
    first: dict[str, int] = {}
    for entry in entries:
        line = first.setdefault(entry.key, entry.line)
        if line != entry.line:
            name = shown(entry.key) or "The empty key"
            yield Fault(
                code="ini-repeated-key",
                why=f"{name} stands on line {line} and again on line {entry.line}.",
                expected="each key once",
                presented=f"lines {line} and {entry.line}",
                hint="Remove one of the two lines.",
                file=file or None,
                line=entry.line,
                key=shown(entry.key),
            )


def _places(faults: list[Fault]) -> str:
    lines = sorted({fault.line for fault in faults if fault.line is not None})
    named = ", ".join(str(line) for line in lines[:10])
    more = f" and {len(lines) - 10} more" if len(lines) > 10 else ""
    word = "line" if len(lines) == 1 else "lines"
    return f"malformed \\u escape on {word} {named}{more}"
