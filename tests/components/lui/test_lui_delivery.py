"""Mails over real SMTP: once each, or said to be uncertain; never lost, never twice unnoticed."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sottovoce.contracts import PutJob
from sottovoce.errors import StoreError
from sottovoce.lui.delivery import BATCH
from sottovoce.lui.schema import JobState, TrackingType
from sottovoce.lui.service.jobs import Job
from sottovoce.lui.service.ledger import Claimed, Ledger, resolve, uncertain
from sottovoce.lui.service.sql import sql
from sottovoce.net.clock import utc_now

if TYPE_CHECKING:
    from tests.components.lui.conftest import Office, Postbox


async def test_every_recipient_gets_one_mail(office: "Office", postbox: "Postbox") -> None:
    await office.start()
    await office.make_job(60)
    await office.until(JobState.COMPLETED)
    assert sorted(postbox.recipients()) == sorted(f"p{n}@example.org" for n in range(1, 61))
    assert await office.states() == {"accepted": 60}
    ids = {mail["Message-ID"] for mail in postbox.messages()}
    assert len(ids) == 60
    first = next(mail for mail in postbox.messages() if mail["To"] == "p7@example.org")
    assert first["Subject"] == "Hi P7"


async def test_the_tracker_knows_the_job_before_the_first_mail(
    office: "Office", postbox: "Postbox"
) -> None:
    await office.start()
    office.tracker.down = True
    await office.make_job(4)
    await office.noted("tracker-unreachable")
    assert postbox.mails == []
    assert await office.states() == {"planned": 4}
    office.tracker.down = False
    await office.until(JobState.COMPLETED)
    (job,) = office.tracker.jobs.values()
    assert job.links == ("https://example.org/a", "https://example.org/b")
    assert (job.track, job.identify, job.sender, job.list_name) == (
        True,
        True,
        "Team <team@example.org>",
        "News",
    )
    assert len(postbox.mails) == 4
    assert (await office.status()).note == ""


async def test_only_who_granted_it_is_tracked(office: "Office", postbox: "Postbox") -> None:
    await office.start()
    await office.make_job(8)
    await office.until(JobState.COMPLETED)
    tracked = set()
    for mail in postbox.messages():
        html = mail.get_body(("html",))
        assert html is not None
        content = html.get_content()
        assert ("http://trk.test:8080/o/" in content) == ("http://trk.test:8080/c/" in content)
        if "http://trk.test:8080/o/" in content:
            tracked.add(mail["To"])
    assert tracked == {f"p{n}@example.org" for n in (1, 4, 5, 8)}
    assert all("http://trk.test:8080/u/" in mail["List-Unsubscribe"] for mail in postbox.messages())


@pytest.mark.parametrize(
    ("tracking", "told"),
    [
        (TrackingType.NONE, (False, True, False)),
        (TrackingType.BLIND, (True, False, False)),
        (TrackingType.UNIQUE, (True, True, False)),
        (TrackingType.PERSONAL, (True, True, True)),
        (TrackingType.PERSONAL_BY_PERMISSION, (True, True, True)),
    ],
)
async def test_the_tracker_is_told_how_much_to_record(
    office: "Office", tracking: TrackingType, told: tuple[bool, bool, bool]
) -> None:
    await office.start()
    await office.make_job(2, tracking=tracking)
    await office.until(JobState.COMPLETED)
    (job,) = office.tracker.jobs.values()
    assert (job.track, job.identify, job.keep_facts) == told


async def test_a_refused_recipient_does_not_stop_the_others(
    office: "Office", postbox: "Postbox"
) -> None:
    postbox.refuse = {"p2@example.org", "p5@example.org"}
    await office.start()
    await office.make_job(10)
    await office.until(JobState.COMPLETED)
    assert await office.states() == {"accepted": 8, "refused": 2}
    async with office.database.read() as connection:
        rows = await sql(connection, "SELECT reply FROM job_recipient WHERE state = 'refused'")
        assert rows.scalars().all() == ["550 5.1.1 no such person"] * 2


async def test_a_deferred_recipient_is_tried_again_later(
    office: "Office", postbox: "Postbox"
) -> None:
    postbox.defer = {"p1@example.org": 1}
    await office.start()
    await office.make_job(3)
    await office.until(JobState.COMPLETED)
    assert await office.states() == {"accepted": 3}
    assert sorted(postbox.recipients()) == [f"p{n}@example.org" for n in (1, 2, 3)]


async def test_no_mail_goes_out_on_an_old_knowledge_of_unsubscribes(
    office: "Office", postbox: "Postbox"
) -> None:
    postbox.defer = {"p1@example.org": 1}
    office.settings = replace(office.settings, smtp_retry_delay=1.0)
    app = await office.start()
    await office.make_job(2)

    async def deferred() -> bool:
        return await office.states() == {"accepted": 1, "deferred": 1}

    await office.eventually(deferred)
    office.tracker.down = True
    app._feed.fetched_at = utc_now() - timedelta(hours=2)
    await office.noted("tracker-unreachable")
    assert await office.states() == {"accepted": 1, "deferred": 1}
    office.tracker.down = False
    await office.until(JobState.COMPLETED)
    assert await office.states() == {"accepted": 2}


async def test_after_enough_tries_a_deferred_recipient_counts_as_refused(
    office: "Office", postbox: "Postbox", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sottovoce.lui.line.RETRIES", (1, 1))
    postbox.defer = {"p1@example.org": 99}
    await office.start()
    await office.make_job(2)
    await office.until(JobState.COMPLETED)
    assert await office.states() == {"accepted": 1, "refused": 1}
    assert postbox.defer == {"p1@example.org": 96}


async def test_a_relay_that_dies_before_its_reply_leaves_one_uncertain_mail(
    office: "Office", postbox: "Postbox"
) -> None:
    office.settings = replace(office.settings, smtp_connections=1)
    postbox.die_after = 5
    await office.start()
    await office.make_job(12)
    await office.until(JobState.COMPLETED)
    assert await office.states() == {"accepted": 11, "uncertain": 1}
    assert len(postbox.mails) == len(set(postbox.recipients())) == 12
    (lost,) = await uncertain(office.database, "Letter")
    assert lost.mailbox == postbox.recipients()[5]


@pytest.mark.parametrize("kept", [True, False])
async def test_an_uncertain_mail_goes_out_again_only_when_a_person_says_so(
    office: "Office", postbox: "Postbox", kept: bool
) -> None:
    office.settings = replace(office.settings, smtp_connections=1)
    postbox.die_after, postbox.kept = 2, kept
    await office.start()
    await office.make_job(4)
    await office.until(JobState.COMPLETED)
    (lost,) = await uncertain(office.database, "Letter")
    assert postbox.recipients().count(lost.mailbox) == int(kept)
    before = len(postbox.mails)
    await resolve(office.database, "Letter", lost.idx, resend=True, now=utc_now())
    await office.until(JobState.COMPLETED)
    assert len(postbox.mails) == before + 1
    again = postbox.messages()[-1]
    assert (again["To"], again["Message-ID"]) == (
        lost.mailbox,
        f"<{next(iter(office.tracker.jobs))}.{lost.idx}@lui.test>",
    )


async def test_a_relay_that_cannot_be_reached_makes_the_job_wait_and_say_so(
    office: "Office", postbox: "Postbox"
) -> None:
    right = office.settings
    office.settings = replace(right, smtp_port=1)
    app = await office.start()
    await office.make_job(5)
    status = await office.noted("smtp-refused")
    assert "127.0.0.1:1 cannot be reached" in status.note
    assert "SmtpHost" in status.note
    assert await office.states() == {"planned": 5}
    await app.aclose()
    office.settings = right
    await office.start()
    await office.until(JobState.COMPLETED)
    assert len(postbox.mails) == 5


async def test_a_sender_that_the_relay_refuses_halts_the_job_before_all_are_refused(
    office: "Office", postbox: "Postbox"
) -> None:
    postbox.refuse_sender = True
    await office.start()
    await office.make_job(6)
    await office.until(JobState.HALTED)
    status = await office.status()
    assert status.note_code == "smtp-sender-refused"
    assert "550 5.7.1 not from you" in status.note
    assert await office.states() == {"planned": 6}


async def test_a_tracker_that_knows_another_job_by_that_reference_halts_ours(
    office: "Office", postbox: "Postbox"
) -> None:
    await office.make_job(2)
    reference = (await office.status()).job_ref
    assert reference is not None
    office.tracker.jobs[reference] = PutJob(
        job_ref=reference, key=bytes(32), digest="other", links=(), track=True, identify=True
    )
    await office.start()
    await office.until(JobState.HALTED)
    assert (await office.status()).note_code == "job-conflict"
    assert postbox.mails == []


async def test_content_changed_behind_the_authorisation_is_not_sent(
    office: "Office", postbox: "Postbox"
) -> None:
    await office.make_job(2)
    async with office.database.write() as connection:
        await sql(connection, "UPDATE job SET text = text || ' and more'")
    await office.start()
    await office.until(JobState.HALTED)
    assert (await office.status()).note_code == "job-changed"
    assert postbox.mails == []


async def test_who_unsubscribes_before_the_batch_gets_no_mail(
    office: "Office", postbox: "Postbox"
) -> None:
    await office.make_job(3)
    async with office.database.write() as connection:
        await sql(connection, "UPDATE membership SET state = 'unsubscribed' WHERE contact_id = 2")
    await office.start()
    await office.until(JobState.COMPLETED)
    assert sorted(postbox.recipients()) == ["p1@example.org", "p3@example.org"]
    assert await office.states() == {"accepted": 2, "skipped": 1}


async def test_stopping_finishes_the_mail_in_data_and_puts_the_rest_back(
    office: "Office", postbox: "Postbox"
) -> None:
    office.settings = replace(office.settings, smtp_connections=1)
    postbox.hold = asyncio.Event()
    app = await office.start()
    await office.make_job(3 * BATCH)
    async with asyncio.timeout(20):
        await postbox.in_data.wait()
    closing = asyncio.ensure_future(app.aclose())
    await asyncio.sleep(0)
    postbox.hold.set()
    await closing
    assert await office.states() == {"accepted": 1, "planned": 3 * BATCH - 1}
    assert len(postbox.mails) == 1
    await office.start()
    await office.until(JobState.COMPLETED)
    assert len(set(postbox.recipients())) == len(postbox.mails) == 3 * BATCH


async def test_several_jobs_wait_for_each_other_and_all_go_out(office: "Office") -> None:
    await office.make_job(3, name="First")
    await office.make_job(5)
    await office.start()
    await office.until(JobState.COMPLETED)
    async with office.database.read() as connection:
        rows = await sql(connection, "SELECT state FROM job ORDER BY id")
        assert rows.scalars().all() == ["completed", "completed"]


async def test_one_at_whom_the_relay_always_breaks_off_does_not_keep_the_others_waiting(
    office: "Office", postbox: "Postbox"
) -> None:
    office.settings = replace(office.settings, smtp_connections=1)
    postbox.cut_off = {"p1@example.org"}
    await office.make_job(BATCH + 2)
    await office.start()

    async def served() -> bool:
        return len(postbox.mails) == BATCH + 1

    await office.eventually(served)
    assert "p1@example.org" not in postbox.recipients()
    status = await office.noted("smtp-broken-off")
    assert status.state is JobState.DELIVERING


async def test_a_job_that_the_tracker_refuses_is_halted_and_says_why(
    office: "Office", postbox: "Postbox"
) -> None:
    """It would be refused for ever, and TRK is not away."""
    office.tracker.refuses = "The job cannot be stored: link 0 is odd."
    await office.make_job(2)
    await office.start()
    await office.until(JobState.HALTED)
    status = await office.status()
    assert (status.note_code, "link 0 is odd" in status.note) == ("job-invalid", True)
    assert postbox.mails == []


async def test_a_database_in_trouble_halts_no_job(
    office: "Office", postbox: "Postbox", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long import beside the server, or a full disk for a minute: it goes on by itself."""
    claim = Ledger.claim
    troubles = ["full", "full"]

    async def troubled(ledger: Ledger, job: Job, limit: int) -> list[Claimed] | None:
        if troubles:
            raise StoreError("The disk is full.", code=f"store-{troubles.pop()}")
        return await claim(ledger, job, limit)

    office.settings = replace(office.settings, smtp_connections=1)
    monkeypatch.setattr("sottovoce.lui.delivery.LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(Ledger, "claim", troubled)
    await office.make_job(3)
    await office.start()

    async def ended() -> bool:
        return (await office.status()).state is not JobState.DELIVERING

    await office.eventually(ended)
    assert (await office.status()).state is JobState.COMPLETED
    assert office.log.actions().count("delivery-failed") == 2
    assert len(postbox.mails) == 3


async def test_what_a_crash_left_is_found_although_the_database_is_busy_at_first(
    office: "Office", postbox: "Postbox", monkeypatch: pytest.MonkeyPatch
) -> None:
    recover = Ledger.recover
    troubles = ["busy"]

    async def troubled(ledger: Ledger) -> int:
        if troubles:
            raise StoreError("Another process writes.", code=f"store-{troubles.pop()}")
        return await recover(ledger)

    monkeypatch.setattr("sottovoce.lui.delivery.LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(Ledger, "recover", troubled)
    await office.make_job(2)
    await office.start()
    await office.until(JobState.COMPLETED)
    assert len(postbox.mails) == 2
