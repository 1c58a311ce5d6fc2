"""The one place that asks the system for the time; everything else is told."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "monotonic", "utc_now"]

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the system's time, in UTC and aware of it."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds on a clock that never steps, for durations."""
    return time.monotonic()
