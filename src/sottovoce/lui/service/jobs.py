"""Jobs: defined, authorised, handed to delivery; any edit voids the authorisation.

Authorising freezes the recipients into the ledger and takes a digest of everything that will be
sent; delivery checks that digest again. What a mail looks like is the composer's, when it goes out
the delivery worker's.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts.tokens import NEW_JOB_KEY_SIZE
from sottovoce.errors import Fault, SettingsError, SottovoceError, StoreError
from sottovoce.lui.schema import MAX_NAME, JobState, LedgerState, TrackingType, to_ms
from sottovoce.lui.service.content import Content, compile_content
from sottovoce.lui.service.headers import parse_sender
from sottovoce.lui.service.sql import sql
from sottovoce.lui.service.templates import Source
from sottovoce.store import Database

__all__ = [
    "Definition",
    "Job",
    "Template",
    "authorise",
    "compiled",
    "define",
    "deliver",
    "digest_of",
    "load_job",
]

_COLUMNS = (
    "j.id, j.name, j.list_id, l.name, j.subject, j.sender, j.tracking, j.html, j.text,"
    " j.html_file, j.text_file, j.state, j.job_ref, j.key, j.digest, j.recipients, j.note_code,"
    " j.note"
)


@dataclass(frozen=True, slots=True)
class Template:
    """A template's text and the name of its file."""

    text: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a person says a job is."""

    name: str
    list_name: str
    subject: str
    sender: str
    html: Template
    text: Template
    tracking: TrackingType = TrackingType.PERSONAL_BY_PERMISSION


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is stored; ``key`` is never shown."""

    id: int
    name: str
    list_id: int
    list_name: str
    subject: str
    sender: str
    tracking: TrackingType
    html: str
    text: str
    html_file: str
    text_file: str
    state: JobState
    job_ref: str | None
    key: bytes | None
    digest: str | None
    recipients: int
    note_code: str
    note: str

    def __repr__(self) -> str:
        return f"Job({self.name!r}, {self.state.value}, {self.job_ref})"


async def load_job(connection: AsyncConnection, name: str) -> Job:
    """Read the job called *name*.

    Raises:
        StoreError: ``job-unknown``, with the jobs that there are.
    """
    found = await sql(
        connection,
        f"SELECT {_COLUMNS} FROM job j JOIN list l ON l.id = j.list_id"  # noqa: S608 - a constant
        " WHERE j.name = ?",
        (name,),
    )
    row = found.first()
    if row is None:
        others = await sql(connection, "SELECT name FROM job ORDER BY id DESC LIMIT 10")
        known = ", ".join(repr(other) for other in others.scalars())
        raise StoreError(
            f"There is no job {name!r}.",
            hint=f"Jobs: {known}." if known else "Define one with 'sottovoce job define'.",
            code="job-unknown",
        )
    return job_of(row)


def job_of(row: Any) -> Job:
    """Return the job that a row of ``_COLUMNS`` tells of."""
    values = list(row)
    values[6] = TrackingType(values[6])
    values[11] = JobState(values[11])
    return Job(*values)


async def due_jobs(connection: AsyncConnection) -> list[Job]:
    """Return the jobs in delivery, the one longest ready first."""
    found = await sql(
        connection,
        f"SELECT {_COLUMNS} FROM job j JOIN list l ON l.id = j.list_id"  # noqa: S608 - a constant
        " WHERE j.state = ? ORDER BY j.ready_at, j.id",
        (JobState.DELIVERING.value,),
    )
    return [job_of(row) for row in found]


async def define(database: Database, definition: Definition, *, now: datetime) -> Content:
    """Define a job, or change one that is not yet in delivery; its authorisation is then void.

    Returns:
        The compiled content.

    Raises:
        SettingsError: every fault in sender and templates, with its place.
        StoreError: ``list-unknown``, or ``job-underway`` for a job in or after delivery.
    """
    async with database.write() as connection:
        list_id, fields = await _list(connection, definition.list_name)
        content = _checked(definition, fields)
        existing = await sql(
            connection, "SELECT id, state FROM job WHERE name = ?", (definition.name,)
        )
        row = existing.first()
        if row is not None and row[1] not in {JobState.DRAFT, JobState.AUTHORISED}:
            raise StoreError(
                f"The job {definition.name!r} is {row[1]} and cannot be changed.",
                hint="Define a new one under another name.",
                code="job-underway",
            )
        values = (
            list_id,
            definition.subject,
            definition.sender,
            definition.tracking.value,
            definition.html.text,
            definition.text.text,
            definition.html.file,
            definition.text.file,
            JobState.DRAFT.value,
            to_ms(now),
        )
        if row is None:
            await sql(
                connection,
                "INSERT INTO job (list_id, subject, sender, tracking, html, text, html_file,"
                " text_file, state, defined_at, name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, definition.name),
            )
        else:
            await _void(connection, row[0])
            await sql(
                connection,
                "UPDATE job SET list_id = ?, subject = ?, sender = ?, tracking = ?, html = ?,"
                " text = ?, html_file = ?, text_file = ?, state = ?, defined_at = ? WHERE id = ?",
                (*values, row[0]),
            )
    return content


async def _list(connection: AsyncConnection, name: str) -> tuple[int, list[str]]:
    found = (await sql(connection, "SELECT id FROM list WHERE name = ?", (name,))).first()
    if found is None:
        raise StoreError(
            f"There is no list {name!r}.",
            hint=f"Import one: sottovoce list import FILE --list {name!r}.",
            code="list-unknown",
        )
    return found[0], await _fields(connection, found[0])


async def _fields(connection: AsyncConnection, list_id: int) -> list[str]:
    rows = await sql(connection, "SELECT name FROM list_field WHERE list_id = ?", (list_id,))
    return ["email", *rows.scalars()]


def _checked(definition: Definition, fields: Iterable[str]) -> Content:
    """Compile a definition, with the faults of sender and templates together."""
    faults: list[Fault] = []
    name = definition.name
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise SottovoceError(
            f"{name[: MAX_NAME + 1]!r} cannot be a job's name.",
            hint=f"Use 1 to {MAX_NAME} printable characters.",
            code="job-name",
        )
    try:
        parse_sender(definition.sender)
    except SettingsError as error:
        faults += error.faults
    try:
        content = compile_content(
            Source(definition.subject, "subject"),
            Source(_lines(definition.html.text), definition.html.file),
            Source(_lines(definition.text.text), definition.text.file),
            fields=fields,
        )
    except SettingsError as error:
        faults += error.faults
    if faults:
        raise SettingsError(faults, message=f"The job {definition.name!r} cannot be used as it is:")
    return content


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


async def compiled(connection: AsyncConnection, job: Job) -> Content:
    """Compile the content of a stored job."""
    return compile_content(
        Source(job.subject, "subject"),
        Source(_lines(job.html), job.html_file),
        Source(_lines(job.text), job.text_file),
        fields=await _fields(connection, job.list_id),
    )


async def _void(connection: AsyncConnection, job_id: int) -> None:
    """Forget an authorisation: recipients, links, reference, key and digest."""
    await sql(connection, "DELETE FROM job_recipient WHERE job_id = ?", (job_id,))
    await sql(connection, "DELETE FROM job_link WHERE job_id = ?", (job_id,))
    await sql(
        connection,
        "UPDATE job SET job_ref = NULL, key = NULL, digest = NULL, authorised_at = NULL,"
        " recipients = 0 WHERE id = ?",
        (job_id,),
    )


def digest_of(job: Job, content: Content) -> str:
    """Return the SHA-256 of everything that the authorisation covers, hexadecimal."""
    covered = (
        job.name,
        job.list_name,
        job.subject,
        job.sender,
        job.tracking.value,
        job.html,
        job.text,
        [link.url for link in content.links],
    )
    return hashlib.sha256(msgspec.json.encode(covered)).hexdigest()


async def authorise(database: Database, name: str, *, now: datetime) -> Job:
    """Freeze a job's recipients, draw its reference and key, and take its digest.

    Recipients are the list's subscribed members who are not suppressed, numbered from 1.

    Raises:
        StoreError: ``job-unknown``, ``job-underway``, or ``job-empty`` when nobody would get it.
        SettingsError: the list's fields no longer fit the templates.
    """
    async with database.write() as connection:
        job = await load_job(connection, name)
        if job.state not in {JobState.DRAFT, JobState.AUTHORISED}:
            raise StoreError(f"The job {name!r} is {job.state} already.", code="job-underway")
        content = await compiled(connection, job)
        await _void(connection, job.id)
        frozen = await sql(
            connection,
            "INSERT INTO job_recipient (job_id, idx, contact_id, state)"
            " SELECT ?, ROW_NUMBER() OVER (ORDER BY m.contact_id), m.contact_id, ?"
            " FROM membership m JOIN contact c ON c.id = m.contact_id"
            " WHERE m.list_id = ? AND m.state = 'subscribed' AND NOT EXISTS"
            " (SELECT 1 FROM suppression s WHERE s.email_hash = c.email_hash"
            "  AND s.scope IN ('all', ?))",
            (job.id, LedgerState.PLANNED.value, job.list_id, f"list:{job.list_id}"),
        )
        if frozen.rowcount < 1:
            raise StoreError(
                f"Nobody would get the job {name!r}: the list {job.list_name!r} has no subscribed"
                " member who is not suppressed.",
                code="job-empty",
            )
        await sql(
            connection,
            "UPDATE job SET state = ?, job_ref = ?, key = ?, digest = ?, recipients = ?,"
            " authorised_at = ?, note = '', note_code = '' WHERE id = ?",
            (
                JobState.AUTHORISED.value,
                await _new_reference(connection),
                secrets.token_bytes(NEW_JOB_KEY_SIZE),
                digest_of(job, content),
                frozen.rowcount,
                to_ms(now),
                job.id,
            ),
        )
        if content.links:
            await sql(
                connection,
                "INSERT INTO job_link (job_id, n, url, label) VALUES (?, ?, ?, ?)",
                [(job.id, link.n, link.url, link.label) for link in content.links],
            )
        return await load_job(connection, name)


async def _new_reference(connection: AsyncConnection) -> str:
    """Draw 36 bits that no job of ours has, nor had any event of ours."""
    while True:
        drawn = secrets.token_urlsafe(5)[:6]
        taken = await sql(
            connection,
            "SELECT EXISTS (SELECT 1 FROM job WHERE job_ref = ?1)"
            " OR EXISTS (SELECT 1 FROM tally WHERE job_ref = ?1)",
            (drawn,),
        )
        if not taken.scalar_one():
            return drawn


async def deliver(database: Database, name: str, *, now: datetime) -> Job:
    """Hand a job to the delivery worker, or let a halted one go on.

    Raises:
        StoreError: ``job-unknown``, ``job-unauthorised``, or ``job-underway``.
    """
    async with database.write() as connection:
        job = await load_job(connection, name)
        if job.state is JobState.DRAFT:
            raise StoreError(
                f"The job {name!r} is not authorised (or was changed since).",
                hint=f"Look at it, then: sottovoce job authorise {name!r}.",
                code="job-unauthorised",
            )
        if job.state not in {JobState.AUTHORISED, JobState.HALTED}:
            raise StoreError(f"The job {name!r} is {job.state} already.", code="job-underway")
        await sql(
            connection,
            "UPDATE job SET state = ?, ready_at = ?, note = '', note_code = '' WHERE id = ?",
            (JobState.DELIVERING.value, to_ms(now), job.id),
        )
        return await load_job(connection, name)
