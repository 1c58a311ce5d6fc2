"""A job's report: what became of its mails, what people did, and until when that is complete.

Figures are read from the tallies that were kept when events were applied, so a report on millions
of events reads a few rows. Opens are indicative only: mail programs load pixels for unread mail.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import EventKind
from sottovoce.lui.schema import JobState, LedgerState, TrackingType, from_ms
from sottovoce.lui.service.events import ALL_LINKS, AUTOMATIC, WITHHELD
from sottovoce.lui.service.jobs import Job, load_job
from sottovoce.lui.service.sql import sql
from sottovoce.store import Database

__all__ = ["Count", "JobStatus", "LinkCount", "Loss", "Report", "job_status", "report"]


@dataclass(frozen=True, slots=True)
class Count:
    """How often, and by how many distinct recipients (0 where nobody can tell: blind jobs)."""

    total: int = 0
    unique: int = 0


@dataclass(frozen=True, slots=True)
class LinkCount:
    """One link's clicks."""

    n: int
    url: str
    label: str
    total: int
    unique: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Events that are missing: how many (None = unknown), and when they happened.

    *cause* is ``gap``, ``epoch`` (the tracker's store was made anew or restored), ``unstored`` (the
    tracker could not write them) or ``conflict`` (one number, two contents; the first counts).
    """

    cause: str
    count: int | None
    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How far a job is: recipients by ledger state; every state is named."""

    job: str
    job_ref: str | None
    list_name: str
    state: JobState
    tracking: TrackingType
    recipients: int
    ledger: dict[LedgerState, int]
    note_code: str
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """A job's report.

    Args:
        status: the mails.
        tracked: mails that carried tracking of any kind.
        opens: indicative only.
        clicks: over all links.
        automatic: opens and clicks that no person asked for (HEAD, OPTIONS, prefetch); in none of
            the figures above.
        withheld: opens and clicks of people who had withdrawn their consent by then; neither who
            nor what is kept.
        links: each of them.
        unsubscribes: by distinct recipients.
        consents_withdrawn: choices against tracking made from this job's mails.
        lost: events known to be missing, unknown amounts counted as one; see *losses*. The feed is
            one for all jobs, so this is the installation's figure.
        duplicated: reactions counted minus events stored; 0, or the database was tampered with.
        repeated: deliveries of known events, ignored (of the installation).
        complete_until: everything that happened before is counted; None before the first fetch.
    """

    status: JobStatus
    tracked: int
    opens: Count
    clicks: Count
    automatic: int
    withheld: int
    links: tuple[LinkCount, ...]
    unsubscribes: int
    consents_withdrawn: int
    lost: int
    losses: tuple[Loss, ...]
    duplicated: int
    repeated: int
    complete_until: datetime | None


async def job_status(database: Database, name: str) -> JobStatus:
    """Return how far the job called *name* is.

    Raises:
        StoreError: ``job-unknown``.
    """
    async with database.read() as connection:
        return await _status(connection, await load_job(connection, name))


async def _status(connection: AsyncConnection, job: Job) -> JobStatus:
    # Sums in one pass, because grouping a million rows by a text would sort them.
    sums = ", ".join(f"COALESCE(SUM(state = '{state.value}'), 0)" for state in LedgerState)
    found = await sql(
        connection,
        f"SELECT {sums} FROM job_recipient WHERE job_id = ?",  # noqa: S608 - constants
        (job.id,),
    )
    return JobStatus(
        job=job.name,
        job_ref=job.job_ref,
        list_name=job.list_name,
        state=job.state,
        tracking=job.tracking,
        recipients=job.recipients,
        ledger=dict(zip(LedgerState, found.one(), strict=True)),
        note_code=job.note_code,
        note=job.note,
    )


async def report(database: Database, name: str) -> Report:
    """Return the report on the job called *name*, from one consistent snapshot.

    Raises:
        StoreError: ``job-unknown``.
    """
    async with database.read() as connection:
        job = await load_job(connection, name)
        status = await _status(connection, job)
        found = await sql(
            connection,
            "SELECT kind, link_n, total, distinct_total FROM tally WHERE job_ref = ?",
            (job.job_ref,),
        )
        tally = {(kind, link): Count(total, unique) for kind, link, total, unique in found}
        links = await sql(
            connection, "SELECT n, url, label FROM job_link WHERE job_id = ? ORDER BY n", (job.id,)
        )
        clicks = tuple(
            LinkCount(n, url, label, count.total, count.unique)
            for n, url, label in links
            for count in [tally.get((EventKind.CLICK.value, n), Count())]
        )
        tracked = await sql(
            connection,
            "SELECT COUNT(*) FROM job_recipient WHERE job_id = ? AND tier NOT IN ('', 'direct')"
            " AND state = 'accepted'",
            (job.id,),
        )
        losses, lost = await _losses(connection)
        feed = await sql(
            connection,
            "SELECT complete_until, (SELECT COALESCE(SUM(repeated), 0) FROM epoch) FROM feed",
        )
        until, repeated = feed.one()
        return Report(
            status=status,
            tracked=tracked.scalar_one(),
            opens=tally.get((EventKind.OPEN.value, ALL_LINKS), Count()),
            clicks=tally.get((EventKind.CLICK.value, ALL_LINKS), Count()),
            automatic=sum(
                tally.get((kind.value + AUTOMATIC, ALL_LINKS), Count()).total
                for kind in (EventKind.OPEN, EventKind.CLICK)
            ),
            withheld=tally.get((WITHHELD, ALL_LINKS), Count()).total,
            links=clicks,
            unsubscribes=tally.get((EventKind.UNSUBSCRIBE.value, ALL_LINKS), Count()).unique,
            consents_withdrawn=tally.get((EventKind.CONSENT_OFF.value, ALL_LINKS), Count()).unique,
            lost=lost,
            losses=losses,
            duplicated=await _duplicated(connection, job.job_ref, tally),
            repeated=repeated,
            complete_until=None if until is None else from_ms(until),
        )


async def _losses(connection: AsyncConnection) -> tuple[tuple[Loss, ...], int]:
    found = await sql(connection, "SELECT cause, count, since, until FROM loss ORDER BY id")
    losses = tuple(
        Loss(cause, count, None if since is None else from_ms(since), from_ms(until))
        for cause, count, since, until in found
    )
    return losses, sum(1 if loss.count is None else loss.count for loss in losses)


async def _duplicated(
    connection: AsyncConnection, job_ref: str | None, tally: dict[tuple[str, int], Count]
) -> int:
    stored = await sql(connection, "SELECT COUNT(*) FROM event WHERE job_ref = ?", (job_ref,))
    counted = sum(count.total for (_, link), count in tally.items() if link == ALL_LINKS)
    return counted - int(stored.scalar_one())
