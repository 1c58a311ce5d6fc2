"""The words that stand in LUI's tables, and where its migrations lie; the tables are Alembic's."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

__all__ = [
    "MAX_NAME",
    "MIGRATIONS",
    "Consent",
    "JobState",
    "LedgerState",
    "Membership",
    "Tier",
    "TrackingType",
    "from_ms",
    "to_ms",
]

#: The Alembic script folder of LUI's database.
MIGRATIONS = Path(__file__).parent / "migrations"

#: The longest name of a list or a job, in characters: it stands in tables and in headings.
MAX_NAME = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Consent(StrEnum):
    """Whether a person allows tracking; never asked counts as no."""

    UNKNOWN = "unknown"
    GRANTED = "granted"
    DENIED = "denied"


class Membership(StrEnum):
    """Whether a contact of a list gets its mail."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"


class TrackingType(StrEnum):
    """How much a job learns of its recipients' reactions (tracker-and-campaign A8)."""

    #: Nothing: no pixel, direct links.
    NONE = "none"
    #: Counts only: every recipient has the same links.
    BLIND = "blind"
    #: Distinct recipients are counted, none can be traced: random numbers that nobody keeps.
    UNIQUE = "unique"
    #: Traceable to the person, whoever it is.
    PERSONAL = "personal"
    #: Traceable for those who granted it, nothing for the others.
    PERSONAL_BY_PERMISSION = "personal-by-permission"


class Tier(StrEnum):
    """What one recipient's mail carried."""

    #: Direct links, no pixel.
    DIRECT = "direct"
    BLIND = "blind"
    UNIQUE = "unique"
    PERSONAL = "personal"


class JobState(StrEnum):
    """Where a job is in its life."""

    #: Being defined; anything may change.
    DRAFT = "draft"
    #: Recipients frozen, digest taken; any edit makes it a draft again.
    AUTHORISED = "authorised"
    #: Handed to the delivery worker.
    DELIVERING = "delivering"
    #: Stopped by a fault that would meet every recipient; ``job deliver`` goes on.
    HALTED = "halted"
    #: No recipient is left to be served.
    COMPLETED = "completed"


class LedgerState(StrEnum):
    """Where one recipient's mail is (DESIGN §5)."""

    PLANNED = "planned"
    #: Committed before DATA; after a crash such a row becomes uncertain.
    INFLIGHT = "inflight"
    #: The relay has answered for it.
    ACCEPTED = "accepted"
    #: The relay refused it for good.
    REFUSED = "refused"
    #: The relay asked for another try later.
    DEFERRED = "deferred"
    #: Nobody knows whether the relay took it; never resent silently.
    UNCERTAIN = "uncertain"
    #: Unsubscribed or suppressed since the authorisation.
    SKIPPED = "skipped"


def to_ms(moment: datetime) -> int:
    """Return *moment* (aware) as milliseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(value: int) -> datetime:
    """Return the moment that is *value* milliseconds after 1970, UTC."""
    return _EPOCH + value * _MILLISECOND
