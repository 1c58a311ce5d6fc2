"""What ``security.log`` tells of partners: who came, who was refused and why, whose clock differs.

Lines are data from outside: what is no line of ours is passed over. Only the end of a long log is
read. Nothing is judged here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sottovoce.ini import shown

__all__ = ["LONGEST_TAIL", "Event", "History", "read_history"]

#: Octets of the log that are read, from its end: some ten thousand lines.
LONGEST_TAIL = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of ``security.log``; see :class:`~sottovoce.net.SecurityRecord` for the fields."""

    at: datetime
    outcome: str
    side: str
    connection: str = ""
    address: str = ""
    port: int = 0
    phase: str = ""
    code: str = ""
    why: str = ""
    next_step: str = ""
    refused_by: str = ""
    names: tuple[str, ...] = ()
    fingerprint: str = ""
    key: str = ""
    announced: str = ""
    dialled: str = ""
    component: str = ""
    tls: str = ""
    secured: bool = True
    clock_difference: float | None = None

    @property
    def host(self) -> str:
        """The peer's address without the port."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every name that the peer went by: announced, and in its certificate."""
        return tuple(dict.fromkeys(name for name in (self.announced, *self.names) if name))

    def is_of(self, name: str) -> bool:
        """Tell whether the peer goes by *name*; case and a final dot do not count."""
        return _plain(name) in {_plain(each) for each in (*self.all_names, self.dialled) if each}


@dataclass(frozen=True)
class History:
    """The events of a log, oldest first."""

    events: tuple[Event, ...] = ()

    @cached_property
    def closed(self) -> frozenset[str]:
        """The ids of accepted connections that have ended."""
        ended = self.of(side="accepting", outcome="closed")
        return frozenset(event.connection for event in ended)

    def of(self, *, side: str = "", outcome: str = "") -> Iterator[Event]:
        """Return the events of one side and outcome, the newest first."""
        for event in reversed(self.events):
            if (not side or event.side == side) and (not outcome or event.outcome == outcome):
                yield event

    def last(self, *, side: str = "", outcome: str = "") -> Event | None:
        """Return the newest event of one side and outcome."""
        return next(self.of(side=side, outcome=outcome), None)

    def has_seen(self, name: str) -> bool:
        """Tell whether a peer of that name was ever accepted, on either side."""
        return any(event.is_of(name) for event in self.of(outcome="accepted"))


#: Beyond this (2⁵³) JSON numbers are not exact anywhere, and nothing here gets so far (RFC 8259 6).
_LARGEST_NUMBER = 2.0**53


@dataclass
class _Fields:
    """The fields of one line, each of the type that it should have."""

    line: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.line.get(name, "")
        return shown(value, limit=600) if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.line.get(name, [])
        found = value if isinstance(value, list) else []
        return tuple(shown(each) for each in found if isinstance(each, str))

    def number(self, name: str) -> float | None:
        value = self.line.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        # JSON of Python's has Infinity and NaN, and integers of any size.
        return value if abs(value) <= _LARGEST_NUMBER else None


def read_history(path: Path) -> History:
    """Read the end of a log.

    Args:
        path: ``logs/security.log``; a log that is not there is an empty one.

    Raises:
        OSError: it may not be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LONGEST_TAIL))
            lines = file.read(LONGEST_TAIL).split(b"\n")
    except FileNotFoundError:
        return History()
    return History(tuple(event for line in lines if (event := _event(line)) is not None))


def _event(line: bytes) -> Event | None:
    try:
        found = json.loads(line)
        fields = _Fields(found if isinstance(found, dict) else {})
        at = datetime.fromisoformat(fields.text("at"))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, RecursionError):
        return None
    difference, port = fields.number("clock_difference"), fields.number("port")
    return Event(
        at=at,
        outcome=fields.text("outcome"),
        side=fields.text("side"),
        connection=fields.text("connection"),
        address=fields.text("address"),
        port=int(port or 0),
        phase=fields.text("phase"),
        code=fields.text("code"),
        why=fields.text("why"),
        next_step=fields.text("next"),
        refused_by=fields.text("refused_by"),
        names=fields.texts("names"),
        fingerprint=fields.text("fingerprint"),
        key=fields.text("key"),
        announced=fields.text("announced"),
        dialled=fields.text("dialled"),
        component=fields.text("component"),
        tls=fields.text("tls"),
        secured=fields.line.get("secured") is not False,
        clock_difference=difference,
    )


def _plain(name: str) -> str:
    return name.rstrip(".").lower()
