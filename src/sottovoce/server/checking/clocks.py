"""The fifth check: whether this machine's clock can be right, by its own log and by its partners.

Certificates live by the clock: one that is wrong expires them early, or admits them too long
(catalogue V4).
"""

from collections.abc import Iterator
from datetime import timedelta

from sottovoce.errors import Fault
from sottovoce.policy import SKEW_REFUSED, SKEW_WARNED, skew_fault, span
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.notebook import Notebook

__all__ = ["check_clock"]

#: What a partner said of its clock counts for so long: a clock may have been set since.
_STILL_COUNTS = timedelta(hours=1)


def check_clock(notebook: Notebook, known: Examination) -> None:
    """Compare the clock with the log and with what partners said lately."""
    notebook.group = "Clock"
    heard = any(_recent(known))
    told = f", and within {SKEW_WARNED:.0f} s of what its partners said" if heard else ""
    notebook.faults(
        "clock",
        [*_behind_its_log(known), *_apart(known)],
        fine=f"{known.at:%Y-%m-%d %H:%M:%S} UTC: not before the last line of the log{told}.",
    )


def _behind_its_log(known: Examination) -> Iterator[Fault]:
    last = max((event.at for event in known.history.events), default=None)
    if last is None or (last - known.at).total_seconds() <= SKEW_WARNED:
        return
    yield Fault(
        code="clock-skew",
        why=f"This server's clock says {known.at:%Y-%m-%d %H:%M:%S} UTC, and its security.log has "
        f"a line of {last:%Y-%m-%d %H:%M:%S} UTC: it was set back by {span(last - known.at)}.",
        expected=f"{last:%Y-%m-%d %H:%M:%S} UTC or later",
        presented=f"{known.at:%Y-%m-%d %H:%M:%S} UTC",
        hint="Look which is right (timedatectl status), and let NTP keep the clock.",
        warning=(last - known.at).total_seconds() <= SKEW_REFUSED,
    )


def _recent(known: Examination) -> Iterator[tuple[str, float]]:
    """Return what partners last said of their clocks: name, seconds ahead of ours."""
    told: set[str] = set()
    for event in known.history.of():
        if event.outcome == "closed":
            continue  # it repeats what was said at the beginning
        if event.clock_difference is None or not event.announced or event.announced in told:
            continue
        told.add(event.announced)
        if timedelta(0) <= known.at - event.at <= _STILL_COUNTS:
            yield event.announced, event.clock_difference


def _apart(known: Examination) -> Iterator[Fault]:
    for name, difference in _recent(known):
        if (fault := skew_fault(known.own_name, name, difference)) is not None:
            yield fault
