"""The feed: in order, without gaps that are not said, complete as far as it claims (DESIGN §5)."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sottovoce.contracts import PullEvents
from sottovoce.errors import CallRefused
from sottovoce.trk.service import draw_new_epoch
from sottovoce.trk.service.events import KEPT
from sottovoce.trk.service.moments import HOUR, millis


def add(bench: Any, recipient: int) -> None:
    bench.writer.add("open", "job--1", recipient, None, None)


async def drain(bench: Any, epoch: str, after: int, *, limit: int = 100) -> list[Any]:
    """Pull as LUI does until nothing new comes; return (epoch, seq, recipient) of every event."""
    await bench.flush()
    seen: list[Any] = []
    while True:
        batch = await bench.feed.pull(PullEvents(epoch=epoch, after=after, limit=limit))
        if batch.epoch != epoch:
            epoch, after = batch.epoch, 0
        elif not batch.events:
            return seen
        seen += [(batch.epoch, event.seq, event.recipient) for event in batch.events]
        if batch.events:
            after = batch.events[-1].seq


async def test_every_event_is_given_once_and_in_order_whatever_the_batch(bench: Any) -> None:
    for recipient in range(25):
        add(bench, recipient)
    seen = await drain(bench, "", 0, limit=4)
    name = bench.store.current.name
    assert seen == [(name, n + 1, n) for n in range(25)]


async def test_a_cut_batch_is_complete_up_to_its_next_event_only(bench: Any) -> None:
    for recipient in range(3):
        add(bench, recipient)
        bench.clock.now += 1000
    await bench.flush()
    batch = await bench.pulled(limit=2)
    left = (await bench.pulled(after=2)).events[0]
    assert len(batch.events) == 2
    assert millis(batch.complete_until) == left.at - 1
    assert (batch.next_seq, batch.oldest_seq) == (4, 1)


async def test_an_event_not_yet_stored_is_not_called_complete(
    open_bench: Any, database_path: Path
) -> None:
    async with open_bench(database_path, writing=False) as bench:
        add(bench, 1)
        at = bench.clock.now
        bench.clock.now += 10_000
        batch = await bench.feed.pull(PullEvents(epoch="", after=0))
        assert batch.events == ()
        assert millis(batch.complete_until) == at - 1


async def test_a_waiting_pull_gets_the_first_event_that_comes(bench: Any) -> None:
    pull = PullEvents(epoch=bench.store.current.name, after=0, wait=20.0)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bench.feed.pull(pull))
        await asyncio.sleep(0)
        add(bench, 5)
    assert [event.recipient for event in waiting.result().events] == [5]


async def test_a_waiting_pull_ends_empty_when_its_time_is_over(bench: Any) -> None:
    batch = await bench.pulled(wait=0.01)
    assert batch.events == ()
    assert batch.next_seq == 1


async def test_a_waiting_pull_ends_when_trk_closes(bench: Any) -> None:
    pull = PullEvents(epoch=bench.store.current.name, after=0, wait=20.0)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bench.feed.pull(pull))
        await asyncio.sleep(0)
        bench.writer.close()
    assert waiting.result().events == ()


@pytest.mark.parametrize("changes", [{"limit": 0}, {"limit": 10_001}, {"wait": -1}, {"wait": 26}])
async def test_figures_out_of_range_are_refused(bench: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(CallRefused) as caught:
        await bench.pulled(**changes)
    assert caught.value.code == "pull-invalid"


async def test_a_stranger_to_the_epoch_gets_the_stores_own_from_the_beginning(bench: Any) -> None:
    add(bench, 1)
    batch = await bench.pulled(epoch="0123456789abcdef", after=500)
    assert batch.epoch == bench.store.current.name
    assert [event.seq for event in batch.events] == [1]


async def test_after_a_restore_no_event_comes_twice_and_none_is_left_out(
    open_bench: Any, database_path: Path, tmp_path: Path
) -> None:
    """F3: TRK restored from yesterday's copy, with LUI behind the copy, and ahead of it."""
    async with open_bench(database_path) as bench:
        for recipient in range(10):
            add(bench, recipient)
        await bench.flush()
        before = bench.store.current.name
    copy = Path(await asyncio.to_thread(shutil.copy, database_path, tmp_path / "copy.db"))
    async with open_bench(copy) as bench:
        await draw_new_epoch(bench.database, now=bench.clock())
    async with open_bench(copy) as bench:
        after_restore = bench.store.current.name
        add(bench, 77)
        behind = await drain(bench, before, 6)
        ahead = await drain(bench, before, 15)
        first_ever = await drain(bench, "", 0)
    new = (after_restore, 1, 77)
    assert behind == [*((before, n + 1, n) for n in range(6, 10)), new]
    assert ahead == [new]
    assert first_ever == [*((before, n + 1, n) for n in range(10)), new]


async def test_a_copy_put_back_without_a_word_is_noticed_by_the_reader_being_ahead(
    bench: Any,
) -> None:
    add(bench, 1)
    await bench.flush()
    before = bench.store.current.name
    batch = await bench.pulled(after=9)
    assert batch.epoch == bench.store.current.name != before
    assert (batch.events, batch.next_seq) == ((), 1)
    assert bench.log.actions == ["epoch-drawn"]
    add(bench, 2)
    assert await drain(bench, before, 9) == [(bench.store.current.name, 1, 2)]


async def test_a_gap_is_visible_in_the_oldest_number(bench: Any) -> None:
    for recipient in range(4):
        add(bench, recipient)
    await bench.flush()
    await bench.feed.acknowledge(bench.store.current.name, 3)
    await bench.store.prune(now=bench.clock() + KEPT + 2 * HOUR)
    batch = await bench.pulled()
    assert (batch.oldest_seq, [event.seq for event in batch.events]) == (4, [4])


async def test_an_acknowledgement_of_another_store_is_refused(bench: Any) -> None:
    with pytest.raises(CallRefused) as caught:
        await bench.feed.acknowledge("another", 1)
    assert caught.value.code == "epoch-changed"


@pytest.mark.parametrize("upto", [-1, 1])
async def test_a_number_that_was_never_given_is_not_acknowledged(bench: Any, upto: int) -> None:
    with pytest.raises(CallRefused) as caught:
        await bench.feed.acknowledge(bench.store.current.name, upto)
    assert caught.value.code == "ack-beyond"


steps = st.lists(
    st.one_of(
        st.tuples(st.just("tick"), st.integers(-3000, 5000)),
        st.tuples(st.sampled_from(["add", "pull", "store", "reopen"]), st.just(0)),
    ),
    max_size=25,
)


@given(steps=steps)
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_event_comes_later_with_a_time_that_was_called_complete(
    open_bench: Any, empty_database: Path, tmp_path_factory: Any, steps: list[tuple[str, int]]
) -> None:
    """Whatever the order of events, commits, pulls, restarts and small steps of the clock."""
    path = Path(shutil.copy(empty_database, tmp_path_factory.mktemp("steps") / "trk.db"))

    async def play() -> None:
        clock: Any = None
        promised, last_seq, epoch = 0, 0, ""
        remaining = list(steps)
        while remaining:
            async with open_bench(path, clock=clock, writing=False) as bench:
                clock = bench.clock
                while remaining:
                    verb, amount = remaining.pop(0)
                    if verb == "reopen":
                        break
                    clock.now += amount
                    if verb == "add":
                        add(bench, 1)
                    elif verb == "store":
                        await bench.writer._store_group()
                    elif verb == "pull":
                        pull = PullEvents(epoch=epoch, after=last_seq, limit=2)
                        batch = await bench.feed.pull(pull)
                        epoch = batch.epoch
                        assert all(event.at > promised for event in batch.events)
                        assert [event.seq for event in batch.events] == list(
                            range(last_seq + 1, last_seq + 1 + len(batch.events))
                        )
                        last_seq += len(batch.events)
                        promised = max(promised, millis(batch.complete_until))

    asyncio.run(play())


async def test_an_epoch_whose_commit_failed_is_never_named(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name would be forgotten at the next start, and its numbers be given again."""
    before = bench.store.current.name

    async def fails(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr("sqlalchemy.ext.asyncio.AsyncConnection.commit", fails)
    with pytest.raises(OSError, match="no space"):
        await bench.store.draw_epoch(now=bench.clock())
    monkeypatch.undo()
    assert bench.store.current.name == before
