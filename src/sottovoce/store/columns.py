"""Column types that every component's tables share; nothing here knows a table."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

__all__ = ["UtcTime"]

#: Of one width, so that text sorts as time does; ``Z`` so that a reader of the file sees UTC.
_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept as text such as ``2026-11-23T14:04:06.000000Z`` and read back aware of UTC.

    A datetime without a zone is a mistake in the program and refused with ``ValueError``.
    """

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write *value* as text in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without its time zone cannot be stored")
        return value.astimezone(UTC).strftime(_FORM)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Read text back as a moment in UTC."""
        return None if value is None else datetime.strptime(value, _FORM).replace(tzinfo=UTC)
