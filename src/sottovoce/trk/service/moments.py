"""Milliseconds since 1970, the only time that TRK's tables and events know."""

from datetime import UTC, datetime, timedelta

__all__ = ["DAY", "HOUR", "MINUTE", "SECOND", "from_millis", "millis"]

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def millis(moment: datetime) -> int:
    """Return *moment*, which knows its zone, as milliseconds since 1970 UTC, rounded down."""
    return (moment - _BEGIN) // _MILLISECOND


def from_millis(value: int) -> datetime:
    """Return the moment, in UTC, of *value* milliseconds since 1970."""
    return _BEGIN + timedelta(milliseconds=value)
