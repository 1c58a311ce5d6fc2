r"""Entries → INI text that Java and we read back as the same entries.

The text is plain ASCII (``\uXXXX`` for the rest), so that it is the same file for a reader that
takes it as UTF-8 and for one that takes it as ISO-8859-1.
"""

import re
from collections.abc import Iterable

__all__ = ["dumps"]

_NAMED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def dumps(items: Iterable[tuple[str, str]], *, comments: Iterable[str] = ()) -> bytes:
    """Write entries as an INI file.

    Args:
        items: ``(key, value)`` pairs, written in this order; any text, secrets revealed by the
            caller.
        comments: texts placed above the entries, each line behind ``# ``.

    Returns:
        The file's bytes, lines ended by LF. :func:`sottovoce.ini.parse` gives the items back.
    """
    lines = [f"# {line}".rstrip(" ") for text in comments for line in _LINE_BREAK.split(text)]
    lines += [f"{_key(key)}={_value(value)}" for key, value in items]
    text = "".join(f"{line}\n" for line in lines)
    return text.encode("utf-8", "backslashreplace")


def _key(key: str) -> str:
    return "".join("\\" + char if char in " =:#!" else _escaped(char) for char in key)


def _value(value: str) -> str:
    """Escape a value; blanks at its ends are escaped so that they stay, and are seen."""
    inner = value.strip(" ")
    if not inner:
        return "\\ " * len(value)
    before = len(value) - len(value.lstrip(" "))
    after = len(value) - len(value.rstrip(" "))
    return "\\ " * before + "".join(map(_escaped, inner)) + "\\ " * after


def _escaped(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    if " " <= char <= "~":
        return char
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
