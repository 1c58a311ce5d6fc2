"""What an INI file says, as values: entries with their lines, and what was noticed on the way.

Owns the shape only; it reads no bytes and knows no key.
"""

from dataclasses import dataclass, field

from sottovoce.errors import Fault

__all__ = ["Document", "Entry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key with its value; its ``repr`` shows neither, since any value may be a secret.

    Args:
        key: the key after unescaping.
        value: the value after unescaping.
        line: the line on which the entry begins, counted from 1.
        last_line: the line on which it ends; later than ``line`` after a trailing backslash.
        raw: the value as it stands in the file, continued lines joined, escapes untouched.
        separated: whether ``=`` or ``:`` stands between key and value.
    """

    key: str = field(repr=False)
    value: str = field(repr=False)
    line: int
    last_line: int
    raw: str = field(repr=False)
    separated: bool

    @property
    def continued(self) -> bool:
        """Whether the entry takes more than one line."""
        return self.last_line > self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed INI file.

    Args:
        entries: every entry in file order, repeated keys included.
        faults: what was noticed that no reader of ``.properties`` stumbles over: repeated keys,
            a byte order mark, an encoding other than UTF-8 (that one a warning).
        file: the name under which the file appears in faults; may be empty.
    """

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...] = ()
    file: str = ""

    def items(self) -> list[tuple[str, str]]:
        """Return ``(key, value)`` pairs in file order, repeated keys included."""
        return [(entry.key, entry.value) for entry in self.entries]

    def entry(self, key: str) -> Entry | None:
        """Return the entry in force for a key (the last one, as in Java), or None."""
        return next((entry for entry in reversed(self.entries) if entry.key == key), None)

    def get(self, key: str) -> str | None:
        """Return the value in force for a key (the last one, as in Java), or None."""
        entry = self.entry(key)
        return None if entry is None else entry.value
