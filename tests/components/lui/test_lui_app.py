"""LUI among its partners: it reports in, fetches in bursts, and outlives their absence."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sottovoce.contracts import EventKind
from sottovoce.errors import SottovoceError
from sottovoce.lui import create_home, open_database
from sottovoce.lui.schema import JobState
from sottovoce.lui.service.report import Count, report
from sottovoce.net.clock import utc_now

if TYPE_CHECKING:
    from tests.components.lui.conftest import Office


async def test_it_reports_in_to_hub(office: "Office") -> None:
    await office.start()

    async def known() -> bool:
        return bool(office.hub.heartbeats)

    await office.eventually(known)
    (hello,) = office.hub.hellos
    assert hello.secured
    assert hello.version == "0.1.0"
    assert office.hub.heartbeats[0].instance == hello.instance


async def test_events_arrive_by_themselves_and_are_acknowledged(office: "Office") -> None:
    await office.start()
    await office.make_job(5)
    await office.until(JobState.COMPLETED)
    for kind, idx, link in (
        (EventKind.OPEN, 1, None),
        (EventKind.OPEN, 1, None),
        (EventKind.CLICK, 4, 0),
        (EventKind.UNSUBSCRIBE, 5, None),
    ):
        office.tracker.happen(kind, idx, link)

    async def fetched() -> bool:
        return office.tracker.acknowledged == 4

    await office.eventually(fetched)
    found = await report(office.database, "Letter")
    assert (found.opens, found.clicks, found.unsubscribes) == (Count(2, 1), Count(1, 1), 1)
    assert (found.lost, found.duplicated) == (0, 0)
    assert found.tracked == 3


async def test_a_tracker_that_is_away_is_said_once_and_its_events_come_later(
    office: "Office",
) -> None:
    app = await office.start()
    await office.make_job(2)
    await office.until(JobState.COMPLETED)
    office.tracker.happen(EventKind.OPEN, 1)
    office.tracker.down = True

    async def tried() -> bool:
        return office.tracker.called[-3:] == ["pull"] * 3

    office.tracker.called.clear()
    await office.eventually(tried)
    assert office.log.actions().count("tracker-away") == 1
    office.tracker.down = False
    await app.pull()
    assert (await report(office.database, "Letter")).opens == Count(1, 1)


async def test_hub_may_be_away_while_mails_go_out(office: "Office") -> None:
    office.hub.down = True
    await office.start()
    await office.make_job(3)
    await office.until(JobState.COMPLETED)
    assert office.hub.hellos == []


async def test_a_batch_whose_acknowledgement_is_lost_is_not_counted_twice(
    office: "Office",
) -> None:
    app = await office.start()
    await office.make_job(2)
    await office.until(JobState.COMPLETED)
    office.tracker.happen(EventKind.OPEN, 1)
    await app.pull()
    # The tracker never saw the acknowledgement, and LUI's cursor is set back as by a restore.
    office.tracker.acknowledged = 0
    async with office.database.write() as connection:
        await connection.exec_driver_sql("UPDATE epoch SET after = 0")
    await app.pull()
    found = await report(office.database, "Letter")
    assert found.opens == Count(1, 1)
    assert (found.lost, found.duplicated) == (0, 0)


async def test_a_tracker_made_anew_is_a_loss_that_is_logged(office: "Office") -> None:
    app = await office.start()
    await office.make_job(2)
    await office.until(JobState.COMPLETED)
    office.tracker.happen(EventKind.OPEN, 1)
    await app.pull()
    office.tracker.epoch, office.tracker.events = "second", []
    await app.pull()
    assert (await report(office.database, "Letter")).lost == 1
    assert "events-lost" in office.log.actions()
    assert app.status().lost_events == 1


async def test_a_withdrawn_consent_is_pushed_to_the_tracker(office: "Office") -> None:
    app = await office.start()
    await office.make_job(5)
    await office.until(JobState.COMPLETED)
    office.tracker.happen(EventKind.CONSENT_OFF, 4)
    await app.pull()
    assert office.tracker.revoked == {(next(iter(office.tracker.jobs)), 4)}


async def test_a_second_start_of_a_home_finds_its_data(office: "Office", tmp_path: Path) -> None:
    await office.make_job(2)
    await create_home(office.home, now=utc_now())
    assert (await office.status()).recipients == 2


async def test_a_home_without_lui_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(SottovoceError, match="no server home with a LUI") as caught:
        await open_database(tmp_path)
    assert caught.value.code == "no-lui"


async def test_a_slow_transfer_interval_does_not_delay_a_stop(office: "Office") -> None:
    office.settings = replace(office.settings, event_transfer_interval=3600.0)
    app = await office.start()
    await app.aclose()
    assert "task-failed" not in office.log.actions()
