"""Group commit: what was answered is on the disk, what is lost is counted, times hold (E5, F3)."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sottovoce.errors import StoreError
from sottovoce.trk.service import writer as writer_module

#: Makes every insert fail as a full disk does, until it is dropped.
BREAK = (
    "CREATE TRIGGER broken BEFORE INSERT ON event "
    "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
)


def execute(path: Path, statement: str) -> list[Any]:
    """Run a statement over a connection of its own, as a stranger to the writer."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def test_an_unsubscribe_is_on_the_disk_when_it_is_answered(bench: Any) -> None:
    """E5: seen by another connection at once."""
    await bench.writer.add_durably("unsubscribe", "job--1", 7, None)
    rows = await asyncio.to_thread(execute, bench.path, "SELECT id, kind, recipient FROM event")
    assert rows == [(1, "unsubscribe", 7)]


async def test_opens_and_clicks_join_the_group_of_an_unsubscribe(bench: Any) -> None:
    for recipient in range(50):
        assert bench.writer.add("open", "job--1", recipient, None, None)
    await bench.writer.add_durably("unsubscribe", "job--1", 99, None)
    assert bench.writer.waiting == 0
    events = (await bench.pulled()).events
    assert [event.recipient for event in events] == [*range(50), 99]
    assert [event.seq for event in events] == list(range(1, 52))


async def test_many_unsubscribes_at_once_are_all_answered(bench: Any) -> None:
    async with asyncio.TaskGroup() as group:
        for recipient in range(200):
            group.create_task(bench.writer.add_durably("unsubscribe", "job--1", recipient, None))
    events = (await bench.pulled()).events
    assert sorted(event.recipient for event in events) == list(range(200))


async def test_a_disk_that_fails_refuses_unsubscribes_and_counts_opens_as_lost(
    bench: Any,
) -> None:
    """F3 no. 1: never a lie, never a silent loss; and it goes on when the disk does."""
    await asyncio.to_thread(execute, bench.path, BREAK)
    bench.writer.add("open", "job--1", 1, None, None)
    bench.writer.add("click", "job--1", 1, 0, None)
    with pytest.raises(StoreError) as caught:
        await bench.writer.add_durably("unsubscribe", "job--1", 1, None)
    assert caught.value.code == "event-not-stored"
    assert bench.writer.lost == 2
    await asyncio.to_thread(execute, bench.path, "DROP TRIGGER broken")
    await bench.writer.add_durably("unsubscribe", "job--1", 2, None)
    batch = await bench.pulled()
    assert [(event.seq, event.recipient) for event in batch.events] == [(1, 2)]
    assert batch.lost == 2
    assert bench.log.actions == ["events-not-stored", "events-stored-again"]


async def test_what_was_lost_is_kept_across_a_restart(open_bench: Any, database_path: Path) -> None:
    async with open_bench(database_path) as bench:
        await asyncio.to_thread(execute, bench.path, BREAK)
        bench.writer.add("open", "job--1", 1, None, None)
        await bench.flush()
        assert bench.writer.lost == 1
    # Counting needs no insert, so the closing writer could note it.
    async with open_bench(database_path) as bench:
        assert bench.writer.lost == 1


async def test_a_nearly_full_disk_is_kept_for_unsubscribes(bench: Any) -> None:
    bench.writer.only_vital = True
    assert not bench.writer.add("open", "job--1", 1, None, None)
    await bench.writer.add_durably("unsubscribe", "job--1", 1, None)
    batch = await bench.pulled()
    assert [event.kind for event in batch.events] == ["unsubscribe"]
    assert batch.lost == 1


async def test_memory_for_a_slow_disk_is_bounded(
    open_bench: Any, database_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "MOST_PENDING", 10)
    async with open_bench(database_path, writing=False) as bench:
        taken = [bench.writer.add("open", "job--1", n, None, None) for n in range(12)]
        assert [stored is not None for stored in taken] == [True] * 10 + [False] * 2
        assert (bench.writer.waiting, bench.writer.lost) == (10, 2)


async def test_closing_stores_what_is_pending(open_bench: Any, database_path: Path) -> None:
    async with open_bench(database_path) as bench:
        for n in range(10):
            bench.writer.add("open", "job--1", n, None, None)
    rows = await asyncio.to_thread(execute, database_path, "SELECT count(*) FROM event")
    assert rows == [(10,)]


async def test_a_closed_writer_takes_nothing_and_says_so(bench: Any) -> None:
    bench.writer.close()
    assert not bench.writer.add("open", "job--1", 1, None, None)
    with pytest.raises(StoreError) as caught:
        await bench.writer.add_durably("unsubscribe", "job--1", 1, None)
    assert caught.value.code == "event-not-stored"


async def test_an_event_under_way_holds_back_what_may_be_called_complete(
    open_bench: Any, database_path: Path
) -> None:
    async with open_bench(database_path, writing=False) as bench:
        assert bench.writer.horizon() == bench.clock() - 1
        bench.writer.add("open", "job--1", 1, None, None)
        first = bench.clock()
        bench.clock.now += 5000
        bench.writer.add("open", "job--1", 2, None, None)
        assert bench.writer.horizon() == first - 1


async def test_after_a_failed_commit_nothing_is_called_complete_until_the_next(bench: Any) -> None:
    """A commit that failed at its very end may be on the disk after all."""
    await asyncio.to_thread(execute, bench.path, BREAK)
    at = bench.clock()
    bench.writer.add("open", "job--1", 1, None, None)
    await bench.flush()
    bench.clock.now += 60_000
    assert bench.writer.horizon() == at - 1
    await asyncio.to_thread(execute, bench.path, "DROP TRIGGER broken")
    await bench.writer.add_durably("unsubscribe", "job--1", 1, None)
    assert bench.writer.horizon() == bench.clock() - 1


async def test_a_clock_set_back_a_little_lets_times_stand_still(bench: Any) -> None:
    bench.writer.add("open", "job--1", 1, None, None)
    noon = bench.clock.now
    bench.clock.now -= 60_000
    bench.writer.add("open", "job--1", 2, None, None)
    assert [event.at for event in (await bench.pulled()).events] == [noon, noon]
    assert bench.log.actions == []


async def test_a_clock_set_far_back_was_wrong_before_and_is_followed(bench: Any) -> None:
    bench.writer.add("open", "job--1", 1, None, None)
    noon = bench.clock.now
    bench.clock.now -= 24 * 3600 * 1000
    bench.writer.add("open", "job--1", 2, None, None)
    bench.writer.add("open", "job--1", 3, None, None)
    times = [event.at for event in (await bench.pulled()).events]
    assert times == [noon, bench.clock.now, bench.clock.now]
    assert bench.log.actions == ["clock-set-back"]


async def fill_up(bench: Any) -> None:
    """Make the database's own file the full disk: it may have no page more than it has now."""
    async with bench.database.write() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 1")


async def test_a_really_full_disk_does_not_end_the_writer(bench: Any) -> None:
    """SQLite's own "full", as the store names it, and not only a statement that fails."""
    await fill_up(bench)
    bench.writer.add("open", "job--1", 1, None, bytes(50_000))
    with pytest.raises(StoreError) as caught:
        await bench.writer.add_durably("unsubscribe", "job--1", 1, bytes(50_000))
    assert caught.value.code == "event-not-stored"
    assert isinstance(caught.value.__cause__, StoreError)
    assert caught.value.__cause__.code == "store-full"
    assert bench.writer.lost == 1
    async with bench.database.write() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    await bench.writer.add_durably("unsubscribe", "job--1", 2, None)
    assert [event.recipient for event in (await bench.pulled()).events] == [2]
    assert bench.log.actions == ["events-not-stored", "events-stored-again"]


async def test_what_was_lost_for_want_of_room_is_kept_when_nothing_else_is_stored(
    open_bench: Any, database_path: Path
) -> None:
    async with open_bench(database_path) as bench:
        bench.writer.only_vital = True
        bench.writer.add("open", "job--1", 1, None, None)
    async with open_bench(database_path) as bench:
        assert bench.writer.lost == 1
