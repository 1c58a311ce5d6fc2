"""What a link means, and when it is recorded (A8, E3, E11, E13)."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sottovoce.contracts import EndMode, EventFacts, LinkKind, TokenCodec, link_path
from sottovoce.trk.service import tracking
from sottovoce.trk.service.moments import from_millis
from sottovoce.trk.service.tracking import STORING_LIMIT

SEEN = EventFacts(user_agent="Mail/1.0", net="abc")


async def recorded(bench: Any, kind: LinkKind = LinkKind.CLICK, **link: Any) -> list[Any]:
    """Follow a link; return what was recorded."""
    hit = bench.tracker.resolve(bench.path_of(kind, **link))
    assert hit is not None
    await bench.tracker.note(hit, SEEN)
    return list((await bench.pulled()).events)


async def test_a_click_leads_to_the_stored_target_and_is_recorded_with_its_facts(
    bench: Any,
) -> None:
    await bench.put()
    hit = bench.tracker.resolve(bench.path_of(LinkKind.CLICK, recipient=12, link=1))
    assert (hit.target, hit.recipient, hit.link) == ("http://example.org/second", 12, 1)
    await bench.tracker.note(hit, SEEN)
    [event] = (await bench.pulled()).events
    assert (event.kind, event.job_ref, event.recipient, event.link, event.facts) == (
        "click",
        "job--1",
        12,
        1,
        SEEN,
    )
    assert event.at == bench.clock()


async def test_a_blind_job_records_neither_person_nor_facts(bench: Any) -> None:
    """A8: only counts."""
    await bench.put(identify=False)
    [event] = await recorded(bench)
    assert (event.recipient, event.facts, event.link) == (None, None, 0)


async def test_a_blind_job_keeps_that_no_person_asked_and_nothing_else(bench: Any) -> None:
    """E5: otherwise every look of a mail scanner would count as a person's."""
    await bench.put(identify=False)
    hit = bench.tracker.resolve(bench.path_of(LinkKind.CLICK))
    await bench.tracker.note(hit, EventFacts(method="HEAD", user_agent="X", net="y"))
    await bench.tracker.note(hit, EventFacts(prefetch=True, user_agent="X", net="y"))
    events = (await bench.pulled()).events
    assert [event.recipient for event in events] == [None, None]
    assert [event.facts for event in events] == [
        EventFacts(method="HEAD"),
        EventFacts(prefetch=True),
    ]


async def test_where_nobody_may_be_traceable_neither_browser_nor_network_is_kept(
    open_bench: Any, database_path: Path
) -> None:
    """E12: the network of an unsubscribe would tell whose the opens from there are."""
    seen = EventFacts(user_agent="X", net="y")
    async with open_bench(database_path) as bench:
        await bench.put(keep_facts=False)
    async with open_bench(database_path) as bench:  # it holds after a restart
        await bench.tracker.note(bench.tracker.resolve(bench.path_of(LinkKind.OPEN)), seen)
        hit = bench.tracker.resolve(bench.path_of(LinkKind.UNSUBSCRIBE))
        await bench.tracker.unsubscribe(hit, EventFacts(method="POST", user_agent="X", net="y"))
        opened, left = (await bench.pulled()).events
    assert (opened.recipient, opened.facts) == (7, None)
    assert (left.recipient, left.facts) == (7, EventFacts(method="POST"))


async def test_unsubscribing_from_a_blind_job_keeps_who_and_nothing_else(bench: Any) -> None:
    await bench.put(identify=False)
    hit = bench.tracker.resolve(bench.path_of(LinkKind.UNSUBSCRIBE))
    await bench.tracker.unsubscribe(
        hit, EventFacts(method="POST", user_agent="X", net="y", one_click=True)
    )
    [event] = (await bench.pulled()).events
    assert event.recipient == 7
    assert event.facts == EventFacts(method="POST", one_click=True)


async def test_an_untracked_job_redirects_and_records_nothing(bench: Any) -> None:
    await bench.put(track=False)
    assert await recorded(bench) == []


async def test_recording_ends_at_the_moment_set_and_redirects_go_on(bench: Any) -> None:
    """E13."""
    await bench.put(track_until=from_millis(bench.clock() + 1000))
    assert len(await recorded(bench)) == 1
    bench.clock.now += 1000
    assert len(await recorded(bench)) == 1


@pytest.mark.parametrize("mode", list(EndMode))
async def test_an_ended_job_records_nothing_and_unsubscribing_goes_on(
    bench: Any, mode: EndMode
) -> None:
    await bench.put()
    await bench.jobs.end("job--1", mode)
    click = bench.tracker.resolve(bench.path_of(LinkKind.CLICK))
    assert (click is None) == (mode is EndMode.GONE)
    assert await recorded(bench, LinkKind.OPEN) == []
    assert bench.tracker.resolve(bench.path_of(LinkKind.UNSUBSCRIBE)) is not None


async def test_a_revoked_recipient_is_recorded_no_more_and_others_are(bench: Any) -> None:
    await bench.put()
    await bench.jobs.revoke("job--1", [7])
    assert await recorded(bench) == []
    assert len(await recorded(bench, recipient=8)) == 1


async def test_a_refusal_on_the_page_holds_at_once(bench: Any) -> None:
    """E11: as easy to withdraw as to give, at once for that message."""
    await bench.put()
    choice = bench.tracker.resolve(bench.path_of(LinkKind.PREFERENCES))
    await bench.tracker.choose(choice, SEEN, allow=False)
    kinds = [event.kind for event in await recorded(bench)]
    assert kinds == ["consent_off"]


async def test_a_token_of_another_kind_job_or_key_is_no_link(bench: Any) -> None:
    codec = await bench.put()
    await bench.put("job--2", key=bytes(range(1, 33)))
    token = codec.seal(LinkKind.CLICK, 7, 0, b"salt")
    assert bench.tracker.resolve(link_path(LinkKind.CLICK, "job--1", token)) is not None
    assert bench.tracker.resolve(link_path(LinkKind.UNSUBSCRIBE, "job--1", token)) is None
    assert bench.tracker.resolve(link_path(LinkKind.OPEN, "job--1", token)) is None
    assert bench.tracker.resolve(link_path(LinkKind.CLICK, "job--2", token)) is None
    assert bench.tracker.resolve(link_path(LinkKind.CLICK, "nobody", token)) is None


async def test_a_link_number_that_the_job_has_not_is_no_link(bench: Any) -> None:
    await bench.put()
    assert bench.tracker.resolve(bench.path_of(LinkKind.CLICK, link=2)) is None


async def test_the_decoy_that_equals_the_work_opens_nothing(bench: Any) -> None:
    """E3: an unknown job's token is opened too, in vain."""
    codec = TokenCodec(bytes(32), "AAAAAA")
    path = link_path(LinkKind.CLICK, "AAAAAA", codec.seal(LinkKind.CLICK, 0, 0, bytes(4)))
    assert bench.tracker.resolve(path) is None


async def test_times_are_those_of_the_clock(bench: Any) -> None:
    await bench.put()
    bench.clock.now = 1_800_000_000_123
    [event] = await recorded(bench, LinkKind.OPEN)
    assert from_millis(event.at) == datetime(2027, 1, 15, 8, 0, 0, 123_000, tzinfo=UTC)


async def test_what_was_answered_for_is_on_the_disk(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another connection to the file sees the open and the click when the answer may go out."""
    monkeypatch.setattr(tracking, "STORING_LIMIT", 30.0)  # the disk of a test may be a slow one
    await bench.put()
    for kind in (LinkKind.OPEN, LinkKind.CLICK):
        await bench.tracker.note(bench.tracker.resolve(bench.path_of(kind)), SEEN)
        assert bench.writer.waiting == 0
    with closing(sqlite3.connect(bench.path)) as other:
        assert other.execute("SELECT COUNT(*) FROM event").fetchone() == (2,)


async def test_a_disk_that_does_not_answer_holds_no_redirect_up(
    open_bench: Any, database_path: Path
) -> None:
    """E5: the answer goes out after the limit; the event still waits for the disk."""
    async with open_bench(database_path, writing=False) as bench:
        await bench.put()
        async with asyncio.timeout(20 * STORING_LIMIT):
            await bench.tracker.note(bench.tracker.resolve(bench.path_of(LinkKind.OPEN)), SEEN)
        assert bench.writer.waiting == 1
