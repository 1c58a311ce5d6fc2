"""Whatever arrives, however often and in whatever order: counted once, or said to be lost."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
import pytest

from sottovoce.contracts import EventBatch, EventFacts, EventKind, TrackedEvent
from sottovoce.lui.schema import Tier, to_ms
from sottovoce.lui.service.events import Applied, apply_batch
from sottovoce.lui.service.jobs import Job
from sottovoce.lui.service.report import Count, Loss, report
from sottovoce.lui.service.sql import sql
from sottovoce.store import Database

Maker = Callable[..., Awaitable[Job]]


@pytest.fixture
async def job(ready_job: Maker) -> Job:
    return await ready_job(5)


@pytest.fixture
def at(now: datetime) -> int:
    return to_ms(now)


def event(
    job: Job,
    seq: int,
    kind: EventKind = EventKind.OPEN,
    idx: int | None = 1,
    link: int | None = None,
) -> TrackedEvent:
    assert job.job_ref is not None
    return TrackedEvent(seq, 1_000_000 + seq, kind, job.job_ref, idx, link, EventFacts())


def batch(
    now: datetime, *events: TrackedEvent, epoch: str = "one", oldest: int = 1, lost: int = 0
) -> EventBatch:
    last = max((each.seq for each in events), default=oldest - 1)
    return EventBatch(
        epoch=epoch,
        events=events,
        next_seq=last + 1,
        oldest_seq=oldest,
        complete_until=now,
        lost=lost,
    )


@pytest.fixture
def apply(database: Database, at: int) -> Callable[..., Awaitable[tuple[Applied, int]]]:
    async def applying(given: EventBatch, asked: str = "one") -> tuple[Applied, int]:
        async with database.write() as connection:
            return await apply_batch(connection, given, asked=asked, now=at)

    return applying


Apply = Callable[..., Awaitable[tuple[Applied, int]]]


async def test_reactions_are_counted_in_total_and_by_people(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    click, opened = EventKind.CLICK, EventKind.OPEN
    result, upto = await apply(
        batch(
            now,
            event(job, 1, opened, 1),
            event(job, 2, opened, 1),
            event(job, 3, opened, 2),
            event(job, 4, click, 1, 0),
            event(job, 5, click, 1, 0),
        ),
        "",
    )
    assert (result, upto) == (Applied(stored=5), 5)
    found = await report(database, "Letter")
    assert (found.opens, found.clicks) == (Count(3, 2), Count(2, 1))
    assert [(link.total, link.unique) for link in found.links] == [(2, 1)]
    assert (found.lost, found.duplicated, found.repeated) == (0, 0, 0)
    assert found.complete_until == now


async def test_a_batch_delivered_again_changes_nothing(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    given = batch(now, event(job, 1), event(job, 2, EventKind.UNSUBSCRIBE, 2))
    await apply(given, "")
    result, upto = await apply(given)
    assert (result, upto) == (Applied(repeated=2), 2)
    found = await report(database, "Letter")
    assert (found.opens, found.unsubscribes) == (Count(1, 1), 1)
    assert (found.lost, found.duplicated, found.repeated) == (0, 0, 2)


async def test_overlapping_reordered_and_doubled_events_count_once(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    await apply(batch(now, event(job, 2), event(job, 1)), "")
    result, upto = await apply(
        batch(now, event(job, 4), event(job, 2), event(job, 3), event(job, 3))
    )
    assert (result.stored, result.repeated, result.losses, upto) == (2, 2, [], 4)
    assert (await report(database, "Letter")).opens == Count(4, 1)
    assert (await report(database, "Letter")).duplicated == 0


async def test_a_late_old_batch_does_not_move_the_cursor_back(
    job: Job, apply: Apply, now: datetime
) -> None:
    await apply(batch(now, *(event(job, seq) for seq in range(1, 6))), "")
    assert (await apply(batch(now, event(job, 2))))[1] == 5


async def test_a_gap_is_a_loss_with_its_time_span(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    await apply(batch(now, event(job, 1), event(job, 4)), "")
    found = await report(database, "Letter")
    assert found.lost == 2
    (loss,) = found.losses
    assert (loss.cause, loss.count) == ("gap", 2)
    assert loss.since is not None
    assert (to_ms(loss.since), to_ms(loss.until)) == (1_000_001, 1_000_004)


async def test_events_that_the_tracker_no_longer_holds_are_a_loss(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    await apply(batch(now, event(job, 1)), "")
    _, upto = await apply(batch(now + timedelta(hours=1), oldest=11))
    assert upto == 10
    found = await report(database, "Letter")
    assert found.losses == (Loss("gap", 9, now, now),)
    assert found.lost == 9


async def test_a_new_epoch_is_a_loss_of_unknown_size_and_its_events_count(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    await apply(batch(now, event(job, 1), event(job, 2)), "")
    result, upto = await apply(batch(now, event(job, 1), epoch="two"), "one")
    assert (result.stored, upto) == (1, 1)
    found = await report(database, "Letter")
    assert (found.opens.total, found.lost, found.duplicated) == (3, 1, 0)
    assert found.losses == (Loss("epoch", None, now, now),)


async def test_what_the_tracker_could_not_store_is_a_loss_told_once(
    database: Database, apply: Apply, now: datetime, job: Job
) -> None:
    await apply(batch(now, event(job, 1), lost=3), "")
    await apply(batch(now, lost=3))
    await apply(batch(now, lost=5))
    assert (await report(database, "Letter")).lost == 5


async def test_one_number_with_two_contents_is_told_and_the_first_counts(
    database: Database, apply: Apply, now: datetime, job: Job
) -> None:
    await apply(batch(now, event(job, 1, EventKind.OPEN, 1)), "")
    await apply(batch(now, event(job, 1, EventKind.OPEN, 2)))
    found = await report(database, "Letter")
    assert (found.opens, [loss.cause for loss in found.losses]) == (Count(1, 1), ["conflict"])


async def test_an_unsubscribe_takes_the_person_off_the_list_and_keeps_the_address_off(
    database: Database, job: Job, apply: Apply, now: datetime, add: Callable[..., Awaitable[object]]
) -> None:
    await apply(batch(now, event(job, 1, EventKind.UNSUBSCRIBE, 2)), "")
    async with database.read() as connection:
        rows = await sql(
            connection, "SELECT contact_id FROM membership WHERE state <> 'subscribed'"
        )
        assert rows.all() == [(2,)]
        scopes = await sql(connection, "SELECT scope, reason FROM suppression")
        assert scopes.all() == [("list:1", "unsubscribed")]
    assert getattr(await add("email\np2@example.org\n"), "kept_out", None) == 1


async def test_a_withdrawn_consent_reaches_the_earlier_mails(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    async with database.write() as connection:
        await sql(connection, "UPDATE job_recipient SET tier = ?", (Tier.PERSONAL.value,))
    await apply(batch(now, event(job, 1, EventKind.CONSENT_OFF, 3)), "")
    async with database.read() as connection:
        assert (await sql(connection, "SELECT consent FROM contact WHERE id = 3")).scalar() == (
            "denied"
        )
        rows = await sql(connection, "SELECT job_ref, idx FROM revocation")
        assert rows.all() == [(job.job_ref, 3)]
    await apply(batch(now, event(job, 2, EventKind.CONSENT_ON, 3)))
    async with database.read() as connection:
        assert (await sql(connection, "SELECT consent FROM contact WHERE id = 3")).scalar() == (
            "granted"
        )


async def test_a_refusal_gives_way_only_to_a_later_consent_of_the_same_person(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    """The import's consent is newer than all these events, by the clocks."""

    async def consent() -> str:
        async with database.read() as connection:
            found = await sql(connection, "SELECT consent FROM contact WHERE id = 3")
            return str(found.scalar_one())

    on, off = EventKind.CONSENT_ON, EventKind.CONSENT_OFF
    assert await consent() == "granted"
    await apply(batch(now, event(job, 1, off, 3)), "")
    assert await consent() == "denied"
    await apply(batch(now, event(job, 2, on, 3), event(job, 3, off, 3)))
    assert await consent() == "denied"


async def test_events_of_strangers_are_kept_and_told(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    foreign = TrackedEvent(2, 5, EventKind.UNSUBSCRIBE, "zzzzzz", 1, None, None)
    result, _ = await apply(
        batch(now, event(job, 1, EventKind.UNSUBSCRIBE, 99), foreign, event(job, 3)), ""
    )
    assert (result.stored, result.orphans) == (3, 2)
    assert (await report(database, "Letter")).duplicated == 0


async def test_blind_reactions_count_in_total_only(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    await apply(
        batch(now, event(job, 1, EventKind.OPEN, None), event(job, 2, EventKind.CLICK, None, 0)), ""
    )
    found = await report(database, "Letter")
    assert (found.opens, found.clicks) == (Count(1, 0), Count(1, 0))


async def test_a_batch_that_fails_half_way_leaves_nothing(
    database: Database, job: Job, apply: Apply, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("sottovoce.lui.service.events._Application._unsubscribe", broken)
    with pytest.raises(OSError, match="disk full"):
        await apply(batch(now, event(job, 1), event(job, 2, EventKind.UNSUBSCRIBE)), "")
    monkeypatch.undo()
    found = await report(database, "Letter")
    assert (found.opens.total, found.complete_until) == (0, None)
    result, _ = await apply(batch(now, event(job, 1), event(job, 2, EventKind.UNSUBSCRIBE)), "")
    assert (result.stored, result.repeated) == (2, 0)


async def test_what_no_person_asked_for_is_counted_apart(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    """E5: HEAD, OPTIONS and prefetches are facts, never opens or clicks by people."""

    def asked(seq: int, kind: EventKind, facts: EventFacts | None) -> TrackedEvent:
        link = 0 if kind is EventKind.CLICK else None
        return msgspec.structs.replace(event(job, seq, kind, 1, link), facts=facts)

    await apply(
        batch(
            now,
            asked(1, EventKind.CLICK, EventFacts(method="HEAD")),
            asked(2, EventKind.CLICK, EventFacts(method="OPTIONS")),
            asked(3, EventKind.CLICK, EventFacts(prefetch=True)),
            asked(4, EventKind.OPEN, EventFacts(method="HEAD")),
            asked(5, EventKind.CLICK, EventFacts()),
            asked(6, EventKind.OPEN, None),
            msgspec.structs.replace(
                event(job, 7, EventKind.UNSUBSCRIBE, 2), facts=EventFacts(method="POST")
            ),
        ),
        "",
    )
    found = await report(database, "Letter")
    assert (found.opens, found.clicks, found.automatic) == (Count(1, 1), Count(1, 1), 4)
    assert [(link.total, link.unique) for link in found.links] == [(1, 1)]
    assert (found.unsubscribes, found.duplicated) == (1, 0)


async def test_after_a_withdrawal_neither_who_nor_what_is_kept(
    database: Database, job: Job, apply: Apply, now: datetime
) -> None:
    """E11: the tracker hears of it later than the person says it, so LUI drops what is between."""
    async with database.write() as connection:
        await sql(connection, "UPDATE job_recipient SET tier = ?", (Tier.PERSONAL.value,))
        await sql(connection, "UPDATE consent SET at = 0")
    given = batch(
        now,
        event(job, 1, EventKind.CLICK, 3, 0),
        event(job, 2, EventKind.CONSENT_OFF, 3),
        event(job, 3, EventKind.CLICK, 3, 0),
        event(job, 4, EventKind.OPEN, 4),
        event(job, 5, EventKind.CONSENT_ON, 3),
        event(job, 6, EventKind.OPEN, 3),
    )
    await apply(given, "")
    result, _ = await apply(given)
    assert (result.repeated, result.losses) == (6, [])
    found = await report(database, "Letter")
    assert (found.clicks, found.opens, found.withheld) == (Count(1, 1), Count(2, 2), 1)
    assert (found.duplicated, found.lost) == (0, 0)
    async with database.read() as connection:
        rows = await sql(connection, "SELECT kind, idx, link_n, facts FROM event WHERE seq = 3")
        assert rows.all() == [("withheld", None, None, None)]
