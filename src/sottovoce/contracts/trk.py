"""What LUI may ask of TRK, on the tracker port (7000); TRK never learns an address or a name."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from sottovoce.contracts.calling import Record, call
from sottovoce.contracts.hub import Nothing
from sottovoce.policy import Component

__all__ = [
    "Acknowledge",
    "EndJob",
    "EndMode",
    "EventBatch",
    "EventFacts",
    "EventKind",
    "JobStored",
    "PullEvents",
    "PutJob",
    "Revoke",
    "Revoked",
    "TrackedEvent",
    "TrkCalls",
    "TrkHello",
    "TrkStatistics",
]

_LUI = (Component.LUI,)


class EventKind(StrEnum):
    """What a recipient did."""

    OPEN = "open"
    CLICK = "click"
    UNSUBSCRIBE = "unsubscribe"
    CONSENT_ON = "consent_on"
    CONSENT_OFF = "consent_off"


class EventFacts(msgspec.Struct, frozen=True, array_like=True):
    """What was seen of the request; data from the Internet, bounded and never trusted.

    Args:
        method: of HTTP.
        prefetch: whether a ``Purpose`` header said so.
        user_agent: at most 200 characters.
        net: keyed daily hash of the address's /24 or /48; empty for job types that keep none (E12).
        one_click: for an unsubscribe, whether it came by RFC 8058.
    """

    method: str = "GET"
    prefetch: bool = False
    user_agent: str = ""
    net: str = ""
    one_click: bool = False


class TrackedEvent(msgspec.Struct, frozen=True, array_like=True):
    """One event; (epoch of its batch, *seq*) names it for ever.

    Args:
        seq: rises by one within an epoch.
        at: milliseconds since 1970, UTC.
        kind: what happened.
        job_ref: the job's public reference, 6 characters of base64url.
        recipient: the recipient's index in the job, or None for blind jobs.
        link: the link's number in the job, or None.
        facts: what was seen; for blind jobs None, or only that no person asked (method, prefetch).
    """

    seq: int
    at: int
    kind: EventKind
    job_ref: str
    recipient: int | None
    link: int | None
    facts: EventFacts | None


class TrkHello(Record, frozen=True, kw_only=True):
    """TRK's store and public address.

    Args:
        epoch: drawn when the store was created or restored.
        oldest_seq, next_seq: what it holds, and the number of the next event.
        public_url: prefix of every tracking URL, without a trailing slash.
        now: TRK's clock, UTC.
    """

    instance: str
    version: str
    epoch: str
    oldest_seq: int
    next_seq: int
    public_url: str
    now: datetime


class PutJob(Record, frozen=True, kw_only=True):
    """Everything TRK needs for a job's links.

    Args:
        job_ref: 6 characters of base64url, drawn by LUI.
        key: the job's token key, 32 or 64 bytes (AES-SIV).
        digest: SHA-256 of the job's content as authorised, hexadecimal.
        links: absolute http(s) targets; their position is the link's number.
        track: whether opens and clicks are recorded at all.
        identify: whether events carry the recipient's index (False = blind).
        keep_facts: whether browser and network are kept of those who identify themselves; False
            where nobody may be traceable (unique).
        track_until: recording ends then, redirects go on (UTC); None = never.
        sender: who sends, for the unsubscribe page, as text.
        list_name: the name of the list, for the unsubscribe page, as text.
    """

    job_ref: str
    key: bytes
    digest: str
    links: tuple[str, ...]
    track: bool
    identify: bool
    keep_facts: bool = True
    track_until: datetime | None = None
    sender: str = ""
    list_name: str = ""

    def __repr__(self) -> str:
        return f"PutJob(job_ref={self.job_ref!r}, key='•••', links={len(self.links)})"


class JobStored(Record, frozen=True, kw_only=True):
    """*outcome* is ``stored``, or ``same`` when it was there already with that digest."""

    outcome: str


class PullEvents(Record, frozen=True, kw_only=True):
    """Ask for events after *after* of *epoch*.

    Args:
        epoch: the one known to the caller; empty at the first pull ever.
        after: the last sequence number that the caller has (0 = none).
        limit: the most events wanted, 1 to 10,000.
        wait: seconds to wait for a first event when there is none, 0 to 25.
    """

    epoch: str
    after: int
    limit: int = 5000
    wait: float = 0.0


class EventBatch(Record, frozen=True, kw_only=True):
    """Events in the order of their numbers, with no gap that is not said.

    Args:
        epoch: of the store.
        events: possibly none.
        next_seq: the number that the next event will get.
        oldest_seq: the oldest that TRK still holds.
        complete_until: every event up to this moment (UTC) is in this or an earlier batch.
        lost: events that TRK could not store since the epoch began; never an unsubscribe.
    """

    epoch: str
    events: tuple[TrackedEvent, ...]
    next_seq: int
    oldest_seq: int
    complete_until: datetime
    lost: int = 0


class Acknowledge(Record, frozen=True, kw_only=True):
    """Everything of *epoch* up to *upto* is safely stored by the caller."""

    epoch: str
    upto: int


class Revoke(Record, frozen=True, kw_only=True):
    """Stop recording opens and clicks of these recipients of a job (withdrawn consent)."""

    job_ref: str
    recipients: tuple[int, ...]


class Revoked(Record, frozen=True, kw_only=True):
    """How many were newly revoked."""

    applied: int


class EndMode(StrEnum):
    """What becomes of a job's links at its end."""

    #: Keep redirecting, record nothing; unsubscribing goes on.
    REDIRECT_ONLY = "redirect_only"
    #: Links are gone; unsubscribing goes on.
    GONE = "gone"


class EndJob(Record, frozen=True, kw_only=True):
    """End a job's tracking."""

    job_ref: str
    mode: EndMode


class TrkStatistics(Record, frozen=True, kw_only=True):
    """Figures of TRK since its start, and of its store."""

    requests: int
    events: int
    held: int
    acknowledged_upto: int
    lost: int
    disk_free: int


class TrkCalls(Protocol):
    """The calls on TRK."""

    @call("trk.hello", roles=_LUI)
    async def hello(self, request: Nothing, /) -> TrkHello:
        """Ask what the store holds."""
        ...

    @call("trk.put_job", roles=_LUI)
    async def put_job(self, request: PutJob, /) -> JobStored:
        """Store a job; refused with ``job-conflict`` when it is there with another digest."""
        ...

    @call("trk.pull", roles=_LUI)
    async def pull(self, request: PullEvents, /) -> EventBatch:
        """Read events; for another epoch than the store's, its own from the beginning."""
        ...

    @call("trk.acknowledge", roles=_LUI)
    async def acknowledge(self, request: Acknowledge, /) -> Nothing:
        """Say what is safely stored; refused with ``epoch-changed``."""
        ...

    @call("trk.revoke", roles=_LUI)
    async def revoke(self, request: Revoke, /) -> Revoked:
        """Withdraw tracking for recipients of a job."""
        ...

    @call("trk.end_job", roles=_LUI)
    async def end_job(self, request: EndJob, /) -> Nothing:
        """End a job's tracking; refused with ``job-unknown``."""
        ...

    @call("trk.statistics", roles=_LUI)
    async def statistics(self, request: Nothing, /) -> TrkStatistics:
        """Ask for figures."""
        ...
