"""INI text with one value changed: every other byte stays, comments included.

Owns the change in memory; writing the file, and whether the value is a good one, is the caller's.
"""

import re

from sottovoce.ini.parser import survey
from sottovoce.ini.writer import dumps

__all__ = ["with_value"]

_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LINE_END = re.compile(rb"(?:\r\n|\r|\n)\Z")


def with_value(data: bytes, key: str, value: str) -> bytes:
    """Return the file with *value* for *key*.

    Args:
        data: the file's bytes.
        key: which; its entry in force (the last one) is written anew on the line where it begins,
            or added at the end when there is none.
        value: any text.

    Raises:
        FormatError: ``ini-too-large``.
    """
    written = dumps([(key, value)])
    lines = _LINES.findall(data)
    entry = survey(data).entry(key)
    end = next((found[0] for line in lines if (found := _LINE_END.search(line))), b"\n")
    written = written[:-1] + end
    if entry is None:
        last = b"" if not data or _LINE_END.search(data) else end
        return data + last + written
    return b"".join((*lines[: entry.line - 1], written, *lines[entry.last_line :]))
