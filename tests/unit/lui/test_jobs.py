from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from sottovoce.errors import SettingsError, SottovoceError, StoreError
from sottovoce.lui.schema import JobState, LedgerState, TrackingType
from sottovoce.lui.service.jobs import authorise, deliver, load_job
from sottovoce.lui.service.report import job_status
from sottovoce.lui.service.sql import sql
from sottovoce.store import Database

Act = Callable[..., Awaitable[object]]
PEOPLE = "email,first_name\na@example.org,Ann\nb@example.org,\nc@example.org,Cy\n"


async def test_a_defined_job_is_a_draft(database: Database, add: Act, defined: Act) -> None:
    await add(PEOPLE)
    await defined()
    status = await job_status(database, "Letter")
    assert (status.state, status.tracking, status.recipients, status.job_ref) == (
        JobState.DRAFT,
        TrackingType.PERSONAL_BY_PERMISSION,
        0,
        None,
    )


async def test_authorising_freezes_recipients_and_draws_reference_key_and_digest(
    database: Database, add: Act, defined: Act, now: datetime
) -> None:
    await add(PEOPLE)
    await defined()
    job = await authorise(database, "Letter", now=now)
    assert (job.state, job.recipients) == (JobState.AUTHORISED, 3)
    assert job.job_ref is not None
    assert len(job.job_ref) == 6
    assert job.key is not None
    assert len(job.key) == 32
    assert job.digest is not None
    assert len(job.digest) == 64
    assert "key" not in repr(job)
    await add("email\nd@example.org\n")
    assert (await job_status(database, "Letter")).ledger[LedgerState.PLANNED] == 3


async def test_who_left_or_is_suppressed_is_not_a_recipient(
    database: Database, add: Act, defined: Act, now: datetime
) -> None:
    await add(PEOPLE)
    await defined()
    async with database.write() as connection:
        await sql(connection, "UPDATE membership SET state = 'unsubscribed' WHERE contact_id = 1")
        await sql(
            connection,
            "INSERT INTO suppression SELECT email_hash, 'list:1', 'x', 0, 'x' FROM contact"
            " WHERE id = 2",
        )
    assert (await authorise(database, "Letter", now=now)).recipients == 1


async def test_any_edit_voids_the_authorisation(
    database: Database, add: Act, defined: Act, now: datetime
) -> None:
    await add(PEOPLE)
    await defined()
    first = await authorise(database, "Letter", now=now)
    await defined(subject="Hi again")
    status = await job_status(database, "Letter")
    assert (status.state, status.job_ref, sum(status.ledger.values())) == (JobState.DRAFT, None, 0)
    with pytest.raises(StoreError, match="is not authorised") as caught:
        await deliver(database, "Letter", now=now)
    assert caught.value.code == "job-unauthorised"
    second = await authorise(database, "Letter", now=now)
    assert first.digest != second.digest
    assert first.job_ref != second.job_ref


async def test_a_job_in_delivery_can_be_neither_edited_nor_authorised_nor_delivered_again(
    database: Database, ready_job: Act, defined: Act, now: datetime
) -> None:
    await ready_job()
    for act in (
        defined(),
        authorise(database, "Letter", now=now),
        deliver(database, "Letter", now=now),
    ):
        with pytest.raises(StoreError) as caught:
            await act
        assert caught.value.code == "job-underway"


async def test_faults_of_templates_and_sender_come_together(add: Act, defined: Act) -> None:
    await add(PEOPLE)
    with pytest.raises(SettingsError) as caught:
        await defined(html="\n{{fist_name}}", text="{{#if x}}", sender="nobody")
    assert [(fault.code, fault.file, fault.line) for fault in caught.value.faults] == [
        ("sender-malformed", None, None),
        ("template-unknown-field", "letter.html", 2),
        ("template-malformed", "letter.txt", 1),
    ]


async def test_an_unknown_list_or_job_is_named(
    database: Database, add: Act, defined: Act, now: datetime
) -> None:
    with pytest.raises(StoreError, match="There is no list 'News'") as caught:
        await defined()
    assert caught.value.code == "list-unknown"
    await add(PEOPLE)
    await defined()
    with pytest.raises(StoreError, match=r"no job 'Latter'. Jobs: 'Letter'") as caught:
        await authorise(database, "Latter", now=now)
    assert caught.value.code == "job-unknown"


async def test_a_job_for_nobody_is_refused(
    database: Database, add: Act, defined: Act, now: datetime
) -> None:
    await add("email\n")
    await defined(html="<p>x</p>", text="x")
    with pytest.raises(StoreError, match="Nobody would get") as caught:
        await authorise(database, "Letter", now=now)
    assert caught.value.code == "job-empty"


@pytest.mark.parametrize("name", ["\n", "  ", "x" * 101])
async def test_a_job_has_a_printable_name(add: Act, defined: Act, name: str) -> None:
    await add(PEOPLE)
    with pytest.raises(SottovoceError, match="cannot be a job's name") as caught:
        await defined(name=name)
    assert caught.value.code == "job-name"


async def test_links_are_stored_with_their_labels(database: Database, ready_job: Act) -> None:
    await ready_job()
    async with database.read() as connection:
        job = await load_job(connection, "Letter")
        rows = (await sql(connection, "SELECT job_id, n, url, label FROM job_link")).all()
    assert rows == [(job.id, 0, "https://example.org/a", "A")]
