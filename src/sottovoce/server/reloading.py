"""What comes of a reload: as a value, and as sentences of the log. Decides nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sottovoce.errors import Fault
from sottovoce.net.log import Log
from sottovoce.server.in_use import LastReload, Told
from sottovoce.tls import TrustGeneration

__all__ = ["SIGNAL", "Closed", "ReloadOutcome", "ReloadResult", "say_closed", "say_reload"]

#: How a set of files looks of which not all are there yet, or one is only half there (O1).
_HALF_WRITTEN = frozenset(
    {
        "keystore-damaged",
        "keystore-empty",
        "keystore-key-mismatch",
        "keystore-missing",
        "keystore-truncated",
        "keystore-wrong-password",
    }
)

#: The reason of a reload that was asked for by SIGHUP.
SIGNAL = "signal"


class ReloadOutcome(StrEnum):
    """How a reload ended."""

    #: A new generation is in force.
    ACCEPTED = "accepted"
    #: The files say what is in force already.
    UNCHANGED = "unchanged"
    #: The old generation stays.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Closed:
    """A live connection that what is in force does not bear."""

    name: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadResult:
    """What came of one reload.

    Args:
        outcome: see :class:`ReloadOutcome`.
        reason: why it was tried.
        at: when it ended, UTC.
        generation: the number of the generation in force now; 0 = plain.
        faults: why the new files were refused.
        warnings: what was noticed and refused nothing.
        closed: the live connections that were closed for it.
    """

    outcome: ReloadOutcome
    reason: str
    at: datetime
    generation: int
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    closed: tuple[Closed, ...] = ()

    def as_last(self) -> LastReload:
        """Return it as it is written down."""
        return LastReload(
            at=self.at,
            reason=self.reason,
            outcome=self.outcome.value,
            faults=Told.of(self.faults),
            warnings=Told.of(self.warnings),
            closed=tuple(f"{one.name} ({one.code})" for one in self.closed),
        )


def say_reload(
    result: ReloadResult, log: Log, *, current: TrustGeneration | None, left: int
) -> None:
    """Write what came of a reload into the log of the server.

    Args:
        result: what came of it.
        log: where.
        current: the generation in force now; None = plain.
        left: live connections that are still of an older one.
    """
    match result.outcome:
        case ReloadOutcome.ACCEPTED:
            _say_accepted(result, log, left)
        case ReloadOutcome.UNCHANGED:
            same = f"Nothing to reload: it is what trust generation {result.generation} says."
            log.info(same, reason=result.reason)
        case ReloadOutcome.REFUSED:
            _say_refused(result, log, current)


def _say_refused(result: ReloadResult, log: Log, current: TrustGeneration | None) -> None:
    code, head = result.faults[0].code, "Refused reload"
    if code in _HALF_WRITTEN:
        code, head = "reload-incomplete", "Refused reload, perhaps because new files are incomplete"
    kept = "nothing was reloaded."
    if current is not None:
        kept = (
            f"trust generation {current.number} stays in force, whose certificate is valid until "
            f"{current.own_identity.not_after:%Y-%m-%d %H:%M} UTC."
        )
    why = " ".join((f"{head}: {kept}", *map(str, result.faults)))
    log.error(why, code=code, codes=[fault.code for fault in result.faults], reason=result.reason)


def _say_accepted(result: ReloadResult, log: Log, left: int) -> None:
    for warning in result.warnings:
        log.warning(str(warning), code=warning.code)
    say_closed(result.closed, log)
    in_force = (
        f"Trust generation {result.generation} in force; {left} {_connections(left)} left from "
        f"generation {result.generation - 1}."
    )
    log.info(in_force, reason=result.reason)


def say_closed(closed: Iterable[Closed], log: Log) -> None:
    """Write into the log of the server who was cut off, and why."""
    for one, count in Counter(closed).items():
        ended = f"Closed {count} open {_connections(count)} of {one.name} ({one.code})."
        log.warning(ended, code=one.code)


def _connections(count: int) -> str:
    return "connection" if count == 1 else "connections"
