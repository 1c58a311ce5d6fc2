from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from sottovoce.errors import StoreError
from sottovoce.lui.schema import JobState, LedgerState, Tier, TrackingType, to_ms
from sottovoce.lui.service.jobs import Job
from sottovoce.lui.service.ledger import (
    Claimed,
    Ledger,
    Outcome,
    resolve,
    tier_of,
    uncertain,
)
from sottovoce.lui.service.report import job_status
from sottovoce.lui.service.sql import sql
from sottovoce.store import Database

Maker = Callable[..., Awaitable[Job]]


@pytest.fixture
def ledger(database: Database, now: datetime) -> Ledger:
    return Ledger(database, lambda: now)


async def states(database: Database) -> dict[str, int]:
    status = await job_status(database, "Letter")
    return {state.value: count for state, count in status.ledger.items() if count}


async def claim(ledger: Ledger, job: Job, limit: int) -> list[Claimed]:
    claimed = await ledger.claim(job, limit)
    assert claimed is not None
    return claimed


async def test_a_claim_is_inflight_on_disk_and_comes_in_the_order_of_indices(
    database: Database, ledger: Ledger, ready_job: Maker
) -> None:
    job = await ready_job(5)
    claimed = await claim(ledger, job, 2)
    assert [(row.idx, row.mailbox, row.tier) for row in claimed] == [
        (1, "p1@example.org", Tier.PERSONAL),
        (2, "p2@example.org", Tier.PERSONAL),
    ]
    assert claimed[0].fields == {"first_name": "P1"}
    assert await states(database) == {"planned": 3, "inflight": 2}


async def test_outcomes_are_written_with_the_next_claim(
    database: Database, ledger: Ledger, ready_job: Maker
) -> None:
    job = await ready_job(3)
    await claim(ledger, job, 2)
    ledger.note(job, Outcome(1, LedgerState.ACCEPTED, 1, "250 ok"))
    ledger.note(job, Outcome(2, LedgerState.REFUSED, 1, "550 no"))
    assert await states(database) == {"planned": 1, "inflight": 2}
    await claim(ledger, job, 5)
    assert await states(database) == {"accepted": 1, "refused": 1, "inflight": 1}


async def test_a_deferred_mail_is_claimed_when_it_is_due(
    database: Database, ready_job: Maker, now: datetime
) -> None:
    moment = now
    ledger = Ledger(database, lambda: moment)
    job = await ready_job(1)
    await claim(ledger, job, 1)
    due = to_ms(now + timedelta(minutes=1))
    ledger.note(job, Outcome(1, LedgerState.DEFERRED, 1, "450 later", due))
    assert await ledger.claim(job, 1) is None
    assert not await ledger.finish(job)
    moment = now + timedelta(minutes=1)
    assert [(row.idx, row.attempts) for row in await claim(ledger, job, 1)] == [(1, 1)]


async def test_who_left_since_the_authorisation_is_skipped(
    database: Database, ledger: Ledger, ready_job: Maker
) -> None:
    job = await ready_job(3)
    async with database.write() as connection:
        await sql(connection, "UPDATE membership SET state = 'unsubscribed' WHERE contact_id = 1")
        await sql(
            connection,
            "INSERT INTO suppression SELECT email_hash, 'all', 'x', 0, 'x' FROM contact"
            " WHERE id = 2",
        )
    assert [row.idx for row in await claim(ledger, job, 3)] == [3]
    assert await states(database) == {"skipped": 2, "inflight": 1}


async def test_consent_counts_as_it_is_when_the_mail_goes_out(
    database: Database, ledger: Ledger, ready_job: Maker
) -> None:
    job = await ready_job(2)
    async with database.write() as connection:
        await sql(connection, "UPDATE contact SET consent = 'denied' WHERE id = 1")
    assert [row.tier for row in await claim(ledger, job, 2)] == [Tier.DIRECT, Tier.PERSONAL]


@pytest.mark.parametrize(
    ("tracking", "granted", "unknown"),
    [
        (TrackingType.NONE, Tier.DIRECT, Tier.DIRECT),
        (TrackingType.BLIND, Tier.BLIND, Tier.BLIND),
        (TrackingType.UNIQUE, Tier.UNIQUE, Tier.UNIQUE),
        (TrackingType.PERSONAL, Tier.PERSONAL, Tier.PERSONAL),
        (TrackingType.PERSONAL_BY_PERMISSION, Tier.PERSONAL, Tier.DIRECT),
    ],
)
def test_the_tier_follows_from_type_and_consent(
    tracking: TrackingType, granted: Tier, unknown: Tier
) -> None:
    assert tier_of(tracking, "granted") is granted
    assert tier_of(tracking, "unknown") is unknown
    refused = Tier.DIRECT if granted is Tier.PERSONAL else unknown
    assert tier_of(tracking, "denied") is refused


async def test_what_a_crash_left_inflight_is_uncertain_and_never_claimed(
    database: Database, ledger: Ledger, ready_job: Maker
) -> None:
    job = await ready_job(3)
    await claim(ledger, job, 2)
    after_crash = Ledger(database, lambda: datetime(2026, 11, 3).astimezone())
    assert await after_crash.recover() == 2
    assert [row.idx for row in await claim(after_crash, job, 5)] == [3]
    assert [(row.idx, row.mailbox) for row in await uncertain(database, "Letter")] == [
        (1, "p1@example.org"),
        (2, "p2@example.org"),
    ]


async def test_an_uncertain_mail_is_resolved_by_a_person(
    database: Database, ledger: Ledger, ready_job: Maker, now: datetime
) -> None:
    job = await ready_job(2)
    await claim(ledger, job, 2)
    await ledger.recover()
    assert await ledger.finish(job)
    assert (await job_status(database, "Letter")).state is JobState.COMPLETED
    await resolve(database, "Letter", 1, resend=False, now=now)
    await resolve(database, "Letter", 2, resend=True, now=now)
    assert await states(database) == {"accepted": 1, "planned": 1}
    assert (await job_status(database, "Letter")).state is JobState.DELIVERING
    with pytest.raises(StoreError, match=r"Recipient 1 .* is not uncertain") as caught:
        await resolve(database, "Letter", 1, resend=True, now=now)
    assert caught.value.code == "not-uncertain"


async def test_a_job_is_complete_when_nobody_is_left(
    database: Database, ledger: Ledger, ready_job: Maker
) -> None:
    job = await ready_job(1)
    assert not await ledger.finish(job)
    await claim(ledger, job, 1)
    assert not await ledger.finish(job)
    ledger.note(job, Outcome(1, LedgerState.ACCEPTED, 1, "250 ok"))
    assert await ledger.finish(job)
    assert (await job_status(database, "Letter")).state is JobState.COMPLETED


async def test_why_a_job_waits_stands_in_its_row(
    database: Database, ledger: Ledger, ready_job: Maker
) -> None:
    job = await ready_job(1)
    await ledger.set_note(job, "smtp-refused", "The relay is away.")
    status = await job_status(database, "Letter")
    assert (status.state, status.note_code, status.note) == (
        JobState.DELIVERING,
        "smtp-refused",
        "The relay is away.",
    )
    await ledger.set_note(job, "job-conflict", "No.", halt=True)
    assert (await job_status(database, "Letter")).state is JobState.HALTED


async def test_outcomes_outlive_a_commit_that_failed(
    database: Database, ledger: Ledger, ready_job: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else mails that the relay answered for would count as uncertain, and the job never end."""

    async def fails(*_: object) -> None:
        raise OSError("no space")

    job = await ready_job(3)
    await claim(ledger, job, 2)
    ledger.note(job, Outcome(1, LedgerState.ACCEPTED, 1, "250 ok"))
    ledger.note(job, Outcome(2, LedgerState.PLANNED, 0))
    monkeypatch.setattr("sqlalchemy.ext.asyncio.AsyncConnection.commit", fails)
    for write in (ledger.flush(), ledger.claim(job, 1), ledger.finish(job)):
        with pytest.raises(OSError, match="no space"):
            await write
    monkeypatch.undo()
    assert await states(database) == {"planned": 1, "inflight": 2}
    assert [row.idx for row in await claim(ledger, job, 2)] == [2, 3]
    assert await states(database) == {"accepted": 1, "inflight": 2}
    await ledger.flush()
    assert await states(database) == {"accepted": 1, "inflight": 2}
