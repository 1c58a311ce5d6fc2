"""Typed key tables: which keys a file may have, and every fault of a file at once.

Owns the comparison of a :class:`Document` with a table; refuses to know any particular key. Where
a table has a secret, no message repeats a value that might hold it: not the secret's own, not one
that a trailing backslash has glued to the next line, not a line without a key.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Generic, TypeVar, cast

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini.backslashes import single_backslash_fault
from sottovoce.ini.document import Document, Entry
from sottovoce.ini.kinds import Kind, Objection, Unfit
from sottovoce.ini.near import nearest
from sottovoce.ini.parser import MOST_FAULTS
from sottovoce.ini.show import shown

__all__ = ["AnyKey", "Examined", "Key", "Settings", "examine_table", "read_table"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: So many unknown keys get a suggestion; more of them are no slips but another kind of file.
_SUGGESTIONS = 50
_BLANKS = " \t\f"
_KEY_LIKE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_SHOWN = "(not shown: it may hold a password)"


@dataclass(frozen=True, slots=True)
class Key(Generic[T_co]):
    """One key that a file may have.

    Args:
        name: its exact spelling.
        kind: what its value is.
        required: whether its absence is a fault.
        default: the value when it is absent and not required.
        help: one or two sentences for the reference and for the message when it is missing.
    """

    name: str
    kind: Kind[T_co]
    _: KW_ONLY
    required: bool = False
    default: T_co | None = None
    help: str = ""

    @property
    def default_text(self) -> str:
        """The default as it would be written in the file; empty where there is none."""
        match self.default:
            case None:
                return ""
            case bool() as truth:
                return "yes" if truth else "no"
            case tuple() as items:
                return ",".join(str(item) for item in items)
            case float() as number:
                return f"{number:g}"
            case other:
                return str(other)


#: A key of whatever type; tables are sequences of these.
AnyKey = Key[Any]


class Settings(Mapping[str, object]):
    """The values of a file by key name: every key of the table, absent ones as default or None.

    Args:
        values: typed values by key name.
        lines: the lines of the keys that stand in the file.
        file: the file's name.
        warnings: what was noticed and refused nothing.
    """

    __slots__ = ("_lines", "_values", "file", "warnings")

    def __init__(
        self,
        values: Mapping[str, object],
        *,
        lines: Mapping[str, int],
        file: str,
        warnings: Iterable[Fault] = (),
    ) -> None:
        self._values = dict(values)
        self._lines = dict(lines)
        self.file = file
        self.warnings = tuple(warnings)

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Settings({self.file!r}, keys={', '.join(self._lines)})"

    def of(self, key: Key[T]) -> T:
        """Return the value of a key that is required or has a default.

        Raises:
            LookupError: it is absent and has no default.
        """
        value = self.find(key)
        if value is None:
            raise LookupError(f"{key.name} is absent and has no default")
        return value

    def find(self, key: Key[T]) -> T | None:
        """Return the value of a key, or None where it is absent and has no default."""
        return cast("T | None", self._values.get(key.name, key.default))

    def line_of(self, name: str) -> int | None:
        """Return the line on which a key stands, or None where it is absent."""
        return self._lines.get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A file compared with its table: what could be read, and everything that is wrong.

    Args:
        settings: the values that are right; a key with a fault has its default or None.
        faults: all faults, by line, missing keys last; warnings are in ``settings.warnings``.
    """

    settings: Settings
    faults: tuple[Fault, ...]


def read_table(
    document: Document, keys: Iterable[AnyKey], *, file: str = "", message: str = ""
) -> Settings:
    """Return the typed values of a file.

    Args:
        document: the parsed file.
        keys: the keys that it may have.
        file: its name for messages; by default the document's.
        message: a sentence above the faults, saying what does not happen because of them.

    Raises:
        SettingsError: with every fault: unknown, repeated and missing keys, values that are not
            what the key takes, and the document's own faults that are no warnings.
    """
    examined = examine_table(document, keys, file=file)
    if examined.faults:
        raise SettingsError(examined.faults, message=message)
    return examined.settings


def examine_table(document: Document, keys: Iterable[AnyKey], *, file: str = "") -> Examined:
    """Compare a file with its table without raising; for callers with further rules of their own.

    Args:
        document: the parsed file.
        keys: the keys that it may have.
        file: its name for messages; by default the document's.
    """
    reading = _Reading(document, tuple(keys), file or document.file)
    return reading.run()


class _Reading:
    """One comparison under way."""

    def __init__(self, document: Document, keys: tuple[AnyKey, ...], file: str) -> None:
        self.document = document
        self.keys = keys
        self.file = file
        self.secret_names = [key.name.casefold() for key in keys if key.kind.secret]
        known = {key.name for key in keys}
        # A repeated unknown key is named as unknown, each time: once is enough.
        self.faults = [
            fault
            for fault in document.faults
            if fault.code != "ini-repeated-key" or fault.key in known
        ]
        self.values: dict[str, object] = {}
        self.secret_astray = False

    def run(self) -> Examined:
        in_force = {entry.key: entry for entry in self.document.entries}
        known = {key.name for key in self.keys}
        # Then the password may stand anywhere.
        self.secret_astray = any(
            key.kind.secret
            and (entry.value == "" if (entry := in_force.get(key.name)) else key.required)
            for key in self.keys
        )
        self._unknown([entry for entry in self.document.entries if entry.key not in known])
        for key in self.keys:
            entry = in_force.get(key.name)
            self.values[key.name] = key.default
            if entry is not None:
                self._read(key, entry)
            elif key.required:
                self._missing(key)
        placed = [fault.at(file=self.file or None) for fault in self.faults]
        placed.sort(key=lambda fault: (fault.line is None, fault.line or 0))
        settings = Settings(
            self.values,
            lines={name: entry.line for name, entry in in_force.items() if name in known},
            file=self.file,
            warnings=(fault for fault in placed if fault.warning),
        )
        return Examined(
            settings=settings, faults=tuple(fault for fault in placed if not fault.warning)
        )

    def _unknown(self, entries: list[Entry]) -> None:
        names = [key.name for key in self.keys]
        for number, entry in enumerate(entries[:MOST_FAULTS]):
            meant = nearest(entry.key, names) if number < _SUGGESTIONS else None
            show = self._may_show_key(entry, meant)
            name = f"“{shown(entry.key)}”" if show else "This line's first word (not shown)"
            self.faults.append(
                Fault(
                    code="ini-unknown-key",
                    why=f"{name} is no key of this file.",
                    expected=", ".join(names),
                    presented=shown(entry.key) if show else "",
                    hint=f"Did you mean {meant}?" if meant else "Remove the line.",
                    line=entry.line,
                    key=shown(entry.key) if show else None,
                )
            )

    def _may_show_key(self, entry: Entry, meant: str | None) -> bool:
        """A password on a line of its own is read as a key: show only what was meant as one."""
        if not self.secret_names:
            return True
        if any(name in entry.key.casefold() for name in self.secret_names):
            return False
        if meant is not None:
            return entry.separated or len(entry.key) <= len(meant)
        plain = _KEY_LIKE.fullmatch(entry.key) is not None
        assigned = entry.separated and bool(entry.value) and not entry.value.startswith("=")
        return plain and assigned and not self.secret_astray

    def _missing(self, key: AnyKey) -> None:
        hint = f"Add the line {key.name}=… ({key.kind.label})."
        for entry in self.document.entries:
            if key.name in entry.raw:
                hint = (
                    f"It seems to stand inside the value of line {entry.line}, which a backslash "
                    "at its end joins with the next: remove that backslash."
                    if entry.continued
                    else f"It seems to stand inside the value of line {entry.line}: each key "
                    "begins a line of its own."
                )
                break
        self.faults.append(
            Fault(
                code="ini-missing-key",
                why=f"{key.name} is missing.",
                expected=key.kind.label,
                presented="no such line",
                hint=hint,
                key=key.name,
            )
        )

    def _read(self, key: AnyKey, entry: Entry) -> None:
        kind = key.kind
        hidden = kind.secret or self._may_hold_a_secret(entry)
        if not entry.value:
            self._object(key, entry, Objection(why="has no value", code=kind.empty_code), hidden)
            return
        before = len(self.faults)
        slip = single_backslash_fault(key.name, entry.raw, controls=kind.no_controls, secret=hidden)
        if slip:
            self.faults.append(replace(slip, line=entry.line))
        text = self._without_trailing_blank(key, entry)
        objections = self._objections(key, text)
        for objection in objections:
            # What a single backslash has garbled is bad for that reason, which was said.
            if not (slip and objection.code == "ini-bad-value"):
                self._object(key, entry, objection, hidden)
        if not any(not fault.warning for fault in self.faults[before:]):
            self.values[key.name] = kind.read(text)

    def _objections(self, key: AnyKey, text: str) -> tuple[Objection, ...]:
        if _SURROGATE.search(text):
            return (Objection(why="has half of a surrogate pair, which is no character"),)
        try:
            key.kind.read(text)
        except Unfit as unfit:
            return unfit.objections
        return ()

    def _may_hold_a_secret(self, entry: Entry) -> bool:
        folded = entry.raw.casefold()
        return bool(self.secret_names) and (
            entry.continued or "=" in folded or any(name in folded for name in self.secret_names)
        )

    def _without_trailing_blank(self, key: AnyKey, entry: Entry) -> str:
        """Return the value to read; a blank at its end that nobody sees is a fault of its own."""
        kind = key.kind
        visible = entry.value.rstrip(_BLANKS)
        explicit = _is_written_out(entry.raw)
        if visible == entry.value or kind.judges_blanks or (kind.trailing_blank_meant and explicit):
            return entry.value
        meant = kind.trailing_blank_meant
        self.faults.append(
            Fault(
                code="ini-trailing-blank",
                why=f"The value of {key.name} ends in a blank, which belongs to it here and is cut "
                "off by other readers.",
                presented="a blank at the end",
                expected="no blank at the end" + (r", or one written as “\ ”" if meant else ""),
                hint=r"Remove it; if it is meant, write it as “\ ”."
                if meant
                else "Remove the blank at the end of the line.",
                line=entry.line,
                key=key.name,
                warning=meant,
            )
        )
        return entry.value if meant else visible

    def _object(self, key: AnyKey, entry: Entry, objection: Objection, hidden: bool) -> None:
        presented = _NOT_SHOWN if hidden and objection.presented else objection.presented
        self.faults.append(
            Fault(
                code=objection.code,
                why=f"{key.name} {objection.why}.",
                expected=key.kind.label,
                presented=presented or "nothing",
                hint=_next_step(key, objection, hidden=hidden),
                line=entry.line,
                key=key.name,
            )
        )


def _is_written_out(raw: str) -> bool:
    """Return whether a blank at the end of a value was written as an escape."""
    if raw[-1] not in _BLANKS:
        return True
    before = raw[:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _next_step(key: AnyKey, objection: Objection, *, hidden: bool) -> str:
    """Return the objection's own next step, or the plain one: no fault is without."""
    if objection.hint and not hidden:
        return objection.hint
    without = "" if key.required else ", or remove the line"
    if objection.code == "ini-empty-value":
        return f"Write a value after {key.name}={without}."
    if objection.code == key.kind.empty_code:
        meant = key.help.partition(". ")[0].rstrip(".")
        return f"Write after {key.name}=: {meant[:1].lower()}{meant[1:]}."
    return f"Correct the value of {key.name}{without}."
