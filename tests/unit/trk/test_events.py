"""The store: numbers that rise by one for ever, epochs, acknowledging, pruning (F3)."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sottovoce.contracts import PullEvents
from sottovoce.trk.service import EventStore, draw_new_epoch
from sottovoce.trk.service.events import KEPT
from sottovoce.trk.service.moments import HOUR

OPEN = ("open", "job--1", 7, None, None)


def drafts(count: int, at: int = 1000) -> list[Any]:
    return [(at + n, *OPEN) for n in range(count)]


async def seqs(store: EventStore) -> list[int]:
    rows = await store.read(store.current, 0, 1000)
    return [row[0] - store.current.base for row in rows]


async def test_numbers_begin_at_one_and_rise_by_one(bench: Any) -> None:
    await bench.store.append(drafts(3))
    await bench.store.append([])
    await bench.store.append(drafts(2))
    assert await seqs(bench.store) == [1, 2, 3, 4, 5]
    assert bench.store.current.last_seq == 5
    assert bench.store.held == 5


async def test_no_number_is_given_twice_though_every_event_is_deleted(
    open_bench: Any, database_path: Path, set_clock: Any
) -> None:
    async with open_bench(database_path, clock=set_clock) as bench:
        await bench.store.append(drafts(4))
        await bench.store.acknowledge(4, now=set_clock())
        set_clock.now += KEPT + 2 * HOUR
        assert await bench.store.prune(now=set_clock()) == 4
        name = bench.store.current.name
    async with open_bench(database_path, clock=set_clock) as bench:
        assert (bench.store.held, bench.store.oldest) == (0, 5)
        await bench.store.append(drafts(1))
        assert await seqs(bench.store) == [5]
        assert bench.store.current.name == name


async def test_acknowledged_events_are_kept_for_35_days_and_no_longer(bench: Any) -> None:
    """F3 no. 5: a LUI restored from a backup pulls them again."""
    await bench.store.append(drafts(5))
    acknowledged_at = bench.clock()
    await bench.store.acknowledge(2, now=acknowledged_at)
    assert await bench.store.prune(now=acknowledged_at + KEPT) == 0
    await bench.store.acknowledge(3, now=acknowledged_at + KEPT)
    assert await bench.store.prune(now=acknowledged_at + KEPT + 2 * HOUR) == 2
    assert await seqs(bench.store) == [3, 4, 5]
    assert bench.store.oldest_seq(bench.store.current) == 3
    assert bench.store.acknowledged == 3


async def test_events_never_acknowledged_are_never_deleted(bench: Any) -> None:
    await bench.store.append(drafts(2))
    assert await bench.store.prune(now=bench.clock() + 20 * KEPT) == 0
    assert await seqs(bench.store) == [1, 2]


async def test_an_older_acknowledgement_takes_nothing_back(bench: Any) -> None:
    await bench.store.append(drafts(5))
    await bench.store.acknowledge(4, now=bench.clock())
    await bench.store.acknowledge(2, now=bench.clock())
    assert bench.store.acknowledged == 4


async def test_a_new_epoch_after_a_restore_begins_its_numbers_at_one(
    open_bench: Any, database_path: Path
) -> None:
    """F3 no. 2: a number never names two events, also not after a restore."""
    async with open_bench(database_path) as bench:
        await bench.store.append(drafts(3))
        before = bench.store.current
        await draw_new_epoch(bench.database, now=bench.clock())
    async with open_bench(database_path) as bench:
        assert bench.store.current.name != before.name
        assert (bench.store.current.base, bench.store.current.last_seq) == (3, 0)
        await bench.store.append(drafts(2))
        assert await seqs(bench.store) == [1, 2]
        old = bench.store.epoch_named(before.name)
        assert [row[0] for row in await bench.store.read(old, 0, 10)] == [1, 2, 3]


async def test_a_failed_append_gives_its_numbers_to_the_next(
    bench: Any, open_bench: Any, database_path: Path
) -> None:
    """The writer's idea of the last number is checked again after any failure."""
    async with open_bench(database_path) as other:
        await bench.store.append(drafts(1))
        with pytest.raises(sa.exc.IntegrityError):
            await other.store.append(drafts(2))  # it does not know of number 1
        await other.store.append(drafts(2), lost=2)
        assert await seqs(other.store) == [1, 2, 3]
        assert other.store.current.lost == 2


async def test_what_was_promised_outlives_a_restart(open_bench: Any, database_path: Path) -> None:
    async with open_bench(database_path) as bench:
        batch = await bench.feed.pull(PullEvents(epoch="", after=0))
        promised = int(batch.complete_until.timestamp() * 1000)
        bench.clock.now -= 5 * 60 * 1000
        earlier = bench.clock.now
    async with open_bench(database_path, clock=bench.clock) as bench:
        assert bench.clock() == earlier
        bench.writer.add("open", "job--1", 7, None, None)
        [event] = (await bench.pulled()).events
        assert event.at > promised
