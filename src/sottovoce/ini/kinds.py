"""The kinds of values that a key can have: text in, typed value or every objection out.

Owns the syntax of single values; knows no file, no line and no key. An objection's ``why`` is a
phrase that continues “<key> …” and never repeats the value, since it may be a secret.
"""

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from sottovoce.ini.hostname import normalise_host_name
from sottovoce.ini.near import nearest
from sottovoce.ini.secret import Secret
from sottovoce.ini.show import shown

__all__ = [
    "PORT",
    "AbsolutePath",
    "Boolean",
    "Choice",
    "Duration",
    "HostName",
    "Integer",
    "IpAddress",
    "Kind",
    "ListOf",
    "Objection",
    "SecretText",
    "Text",
    "Unfit",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_BLANK = re.compile(r"\s")
_DRIVE = re.compile(r"[A-Za-z]:|\\\\")
_DIGITS = re.compile(r"[+-]?[0-9]{1,18}")
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|)")
_UNITS = {"ms": 0.001, "": 1, "s": 1, "m": MINUTE, "h": HOUR, "d": DAY}
_TRUTHS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """One thing that is wrong with a value.

    Args:
        why: a phrase that continues “<key> …”, without the value.
        code: the fault's code.
        presented: the value or the part of it that is wrong, fit for a message.
        hint: the next step; may repeat the value.
    """

    why: str
    code: str = "ini-bad-value"
    presented: str = ""
    hint: str = ""


class Unfit(Exception):
    """Raised by a kind: the text is no value of it; ``objections`` says all that is wrong."""

    def __init__(self, *objections: Objection) -> None:
        super().__init__(*objections)
        self.objections = objections


class Kind(Generic[T_co]):
    """What all kinds have in common; a subclass is a frozen dataclass of its limits."""

    #: Whether the value must never be shown.
    secret: bool = False
    #: Whether ``\t \n \r \f`` are slips here, as in a path with single backslashes.
    no_controls: bool = False
    #: Whether a blank at the end may be meant.
    trailing_blank_meant: bool = False
    #: Whether the kind speaks of blanks itself.
    judges_blanks: bool = False

    @property
    def label(self) -> str:
        """The kind in words, as in “a port number, 1 to 65535”; for messages and the reference."""
        raise NotImplementedError

    @property
    def empty_code(self) -> str:
        """The code of the fault when nothing stands there."""
        return "ini-empty-value"

    def read(self, text: str) -> T_co:
        """Return the typed value.

        Args:
            text: the value after unescaping, not empty.

        Raises:
            Unfit: with every objection.
        """
        raise NotImplementedError


def _unfit(why: str, text: str, *, hint: str = "") -> Unfit:
    return Unfit(Objection(why=why, presented=shown(text), hint=hint))


def _has_controls(text: str) -> bool:
    return any(char < " " or char == "\x7f" for char in text)


@dataclass(frozen=True, slots=True)
class Text(Kind[str]):
    """A line of text.

    Args:
        longest: characters allowed.
    """

    longest: int = 1000

    trailing_blank_meant = True

    @property
    def label(self) -> str:
        return f"text of at most {self.longest} characters"

    def read(self, text: str) -> str:
        if _has_controls(text):
            raise _unfit("has a control character", text)
        if len(text) > self.longest:
            raise _unfit(f"has {len(text)} characters", text)
        return text


@dataclass(frozen=True, slots=True)
class SecretText(Kind[Secret]):
    """A password; never shown, not even in part."""

    secret = True
    no_controls = True
    trailing_blank_meant = True

    @property
    def label(self) -> str:
        return "a password"

    def read(self, text: str) -> Secret:
        return Secret(text)


@dataclass(frozen=True, slots=True)
class Integer(Kind[int]):
    """A whole number within limits, both included."""

    minimum: int
    maximum: int
    noun: str = "a whole number"

    @property
    def label(self) -> str:
        return f"{self.noun}, {self.minimum} to {self.maximum}"

    def read(self, text: str) -> int:
        if not _DIGITS.fullmatch(text):
            raise _unfit("is not a whole number", text)
        number = int(text)
        if not self.minimum <= number <= self.maximum:
            raise _unfit("is out of range", text)
        return number


#: A port to listen on or to connect to; 0 is for tests and never for a settings file.
PORT = Integer(1, 65535, "a port number")


@dataclass(frozen=True, slots=True)
class AbsolutePath(Kind[Path]):
    """A path that does not depend on where the service was started (catalogue C1)."""

    no_controls = True

    @property
    def label(self) -> str:
        return "an absolute path, beginning with /"

    def read(self, text: str) -> Path:
        objections = []
        if _has_controls(text):
            objections.append(Objection(why="has a control character", presented=shown(text)))
        if not text.startswith("/"):
            objections.append(_not_absolute(text))
        if objections:
            raise Unfit(*objections)
        return Path(text)


def _not_absolute(text: str) -> Objection:
    hint = "Write the file's full path, beginning with “/”."
    if _DRIVE.match(text):
        why = "is a Windows path, which is not absolute on this system"
    elif text.startswith("~"):
        why = "begins with “~”, which is not expanded here"
    else:
        why = "is relative, so it would mean another file from each folder"
    return Objection(why=why, code="ini-relative-path", presented=shown(text), hint=hint)


@dataclass(frozen=True, slots=True)
class HostName(Kind[str]):
    """A DNS name, returned in the form in which names are compared."""

    @property
    def label(self) -> str:
        return "a host name"

    def read(self, text: str) -> str:
        try:
            return normalise_host_name(text)
        except ValueError as error:
            raise _unfit(str(error), text) from None


@dataclass(frozen=True, slots=True)
class IpAddress(Kind[str]):
    """An IPv4 or IPv6 address, returned in its canonical form."""

    @property
    def label(self) -> str:
        return "an IP address"

    def read(self, text: str) -> str:
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            raise _unfit("is not an IP address", text) from None


@dataclass(frozen=True, slots=True)
class Boolean(Kind[bool]):
    """Yes or no."""

    @property
    def label(self) -> str:
        return "yes or no"

    def read(self, text: str) -> bool:
        if text.lower() not in _TRUTHS:
            raise _unfit("is neither yes nor no", text)
        return _TRUTHS[text.lower()]


@dataclass(frozen=True, slots=True)
class Choice(Kind[str]):
    """One of several words, in exactly this spelling."""

    options: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"one of {', '.join(self.options)}"

    def read(self, text: str) -> str:
        if text in self.options:
            return text
        meant = nearest(text, self.options)
        hint = f"Did you mean {meant}?" if meant else ""
        raise _unfit("is none of the words that may stand here", text, hint=hint)


@dataclass(frozen=True, slots=True)
class Duration(Kind[float]):
    """A length of time: a number of seconds, or one with ``ms``, ``s``, ``m``, ``h`` or ``d``.

    Args:
        minimum: in seconds, included.
        maximum: in seconds, included.
    """

    minimum: float = 0
    maximum: float = 3650 * DAY

    @property
    def label(self) -> str:
        return (
            f"a length of time, {_duration_text(self.minimum)} to {_duration_text(self.maximum)} "
            "(units ms, s, m, h, d; without one: seconds)"
        )

    def read(self, text: str) -> float:
        match = _DURATION.fullmatch(text)
        if match is None:
            raise _unfit("is not a length of time", text)
        seconds = float(match[1]) * _UNITS[match[2]]
        if not self.minimum <= seconds <= self.maximum:
            raise _unfit("is out of range", text)
        return seconds


def _duration_text(seconds: float) -> str:
    for unit in ("d", "h", "m"):
        if seconds and math.fmod(seconds, _UNITS[unit]) == 0:
            return f"{seconds / _UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"


@dataclass(frozen=True, slots=True)
class ListOf(Kind[tuple[T, ...]], Generic[T]):
    """Values separated by commas, without blanks and without repetition (SPEC W17).

    Args:
        item: the kind of each value.
        noun: what one of them is called in messages.
        code_when_empty: the fault's code when the list is empty.
    """

    item: Kind[T]
    noun: str = "item"
    code_when_empty: str = "ini-empty-value"

    judges_blanks = True

    @property
    def label(self) -> str:
        return f"a list separated by commas, without blanks; each {self.noun} {self.item.label}"

    @property
    def empty_code(self) -> str:
        return self.code_when_empty

    def read(self, text: str) -> tuple[T, ...]:
        objections: list[Objection] = []
        parts = [part.strip() for part in text.split(",")]
        if _BLANK.search(text):
            tight = ",".join(_BLANK.sub("", part) for part in parts if part)
            objections.append(
                Objection(
                    why="has blanks",
                    code="ini-list-blanks",
                    presented=shown(text),
                    hint=f"Remove them: {shown(tight)}",
                )
            )
        values = self._values(parts, objections.append)
        if objections:
            raise Unfit(*objections)
        return tuple(values)

    def _values(self, parts: list[str], object_to: Callable[[Objection], None]) -> list[T]:
        first: dict[T, int] = {}
        for number, part in enumerate(parts, 1):
            name = f"{self.noun} {number}"
            if not part:
                object_to(Objection(why=f"has nothing between two commas: {name} is empty"))
                continue
            try:
                value = self.item.read(part)
            except Unfit as unfit:
                for each in unfit.objections:
                    why = f"is not right in {name}: it {each.why}"
                    object_to(
                        Objection(why=why, code=each.code, presented=each.presented, hint=each.hint)
                    )
                continue
            if first.setdefault(value, number) != number:
                why = f"is not right in {name}: it repeats {self.noun} {first[value]}"
                object_to(Objection(why=why, presented=shown(part), hint="Remove one of the two."))
        return list(first)
