"""The jobs whose links TRK serves: their keys, targets and revocations, in memory and on disk.

Everything is held in memory, so that no redirect ever waits for the disk (E5). It knows a recipient
as an index, and nothing of events.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import (
    JOB_KEY_SIZES,
    LONGEST_NAME,
    MAX_LINK,
    EndMode,
    PutJob,
    TokenCodec,
    is_job_ref,
    target_fault,
)
from sottovoce.errors import CallRefused
from sottovoce.store import Database
from sottovoce.trk import schema
from sottovoce.trk.service.moments import millis

__all__ = ["Job", "JobTable"]

_LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as the tracker needs it.

    Args:
        job_ref: its public reference.
        codec: opens its tokens.
        digest: of its content as authorised.
        links: targets by number.
        track, identify, keep_facts: as in ``PutJob``.
        track_until: milliseconds, or None.
        sender, list_name: text for the pages.
        ended: how, once it has.
    """

    job_ref: str
    codec: TokenCodec
    digest: str
    links: tuple[str, ...]
    track: bool
    identify: bool
    keep_facts: bool
    track_until: int | None
    sender: str
    list_name: str
    ended: EndMode | None = None

    def records_at(self, at: int) -> bool:
        """Tell whether opens and clicks are recorded at *at* (milliseconds)."""
        if not self.track or self.ended is not None:
            return False
        return self.track_until is None or at < self.track_until


class JobTable:
    """All jobs of one TRK; made by :meth:`open`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._changing = asyncio.Lock()
        self._jobs: dict[str, Job] = {}
        self._revoked: dict[str, set[int]] = {}

    @classmethod
    async def open(cls, database: Database) -> "JobTable":
        """Read every job with its links and revocations."""
        table = cls(database)
        async with database.read() as connection:
            await table._load(connection)
        return table

    def __len__(self) -> int:
        return len(self._jobs)

    def get(self, job_ref: str) -> Job | None:
        """Return the job of that reference, or None."""
        return self._jobs.get(job_ref)

    def is_revoked(self, job_ref: str, recipient: int) -> bool:
        """Tell whether this recipient's opens and clicks are no longer recorded."""
        revoked = self._revoked.get(job_ref)
        return revoked is not None and recipient in revoked

    def withdraw(self, job_ref: str, recipient: int) -> None:
        """Stop recording a recipient at once; the caller stores the event that keeps it."""
        self._revoked.setdefault(job_ref, set()).add(recipient)

    async def put(self, request: PutJob, *, now: int) -> bool:
        """Store a job; False when it was there already with the same digest.

        Raises:
            CallRefused: ``job-conflict`` - there with another digest; ``job-invalid`` - a field is
                not acceptable.
        """
        _check(request)
        async with self._changing:
            known = self._jobs.get(request.job_ref)
            if known is None:
                self._jobs[request.job_ref] = await self._store(request, now)
                return True
        if known.digest == request.digest:
            return False
        raise CallRefused(
            "job-conflict",
            f"Job {request.job_ref} is stored with digest {known.digest}, "
            f"and was presented with {request.digest}. Prepare it under another reference.",
        )

    async def _store(self, request: PutJob, now: int) -> Job:
        until = None if request.track_until is None else millis(request.track_until)
        row = {
            "job_ref": request.job_ref,
            "key": request.key,
            "digest": request.digest,
            "track": request.track,
            "identify": request.identify,
            "keep_facts": request.keep_facts,
            "track_until": until,
            "sender": request.sender,
            "list_name": request.list_name,
            "mode": _LIVE,
            "stored": now,
        }
        links = [
            {"job_ref": request.job_ref, "n": n, "url": url} for n, url in enumerate(request.links)
        ]
        async with self._db.write() as connection:
            stored = await connection.execute(sa.insert(schema.job).returning(schema.job), row)
            job = stored.one()
            if links:
                await connection.execute(sa.insert(schema.link), links)
        return _from_row(job, request.links)

    async def revoke(self, job_ref: str, recipients: Iterable[int]) -> int:
        """Stop recording *recipients* of a job; return how many were newly revoked.

        Raises:
            CallRefused: ``job-unknown``.
        """
        self._known(job_ref)
        new = sorted(set(recipients) - self._revoked.get(job_ref, set()))
        if new:
            async with self._db.write() as connection:
                await connection.exec_driver_sql(
                    "INSERT OR IGNORE INTO revoked (job_ref, recipient) VALUES (?, ?)",
                    [(job_ref, recipient) for recipient in new],
                )
            self._revoked.setdefault(job_ref, set()).update(new)
        return len(new)

    async def end(self, job_ref: str, mode: EndMode) -> None:
        """End a job's tracking; repeating is harmless.

        Raises:
            CallRefused: ``job-unknown``.
        """
        job = self._known(job_ref)
        async with self._db.write() as connection:
            await connection.execute(
                sa.update(schema.job).where(schema.job.c.job_ref == job_ref).values(mode=mode.value)
            )
        self._jobs[job_ref] = replace(job, ended=mode)

    def _known(self, job_ref: str) -> Job:
        job = self._jobs.get(job_ref)
        if job is None:
            raise CallRefused("job-unknown", f"TRK has no job {job_ref!r}. Put it first.")
        return job

    async def _load(self, connection: AsyncConnection) -> None:
        links: dict[str, list[str]] = {}
        ordered = sa.select(schema.link).order_by(schema.link.c.job_ref, schema.link.c.n)
        for job_ref, _n, url in await connection.execute(ordered):
            links.setdefault(job_ref, []).append(url)
        for row in await connection.execute(sa.select(schema.job)):
            self._jobs[row.job_ref] = _from_row(row, tuple(links.get(row.job_ref, ())))
        for job_ref, recipient in await connection.execute(sa.select(schema.revoked)):
            self._revoked.setdefault(job_ref, set()).add(recipient)


def _from_row(row: Any, links: tuple[str, ...]) -> Job:
    return Job(
        job_ref=row.job_ref,
        codec=TokenCodec(row.key, row.job_ref),
        digest=row.digest,
        links=links,
        track=row.track,
        identify=row.identify,
        keep_facts=row.keep_facts,
        track_until=row.track_until,
        sender=row.sender,
        list_name=row.list_name,
        ended=None if row.mode == _LIVE else EndMode(row.mode),
    )


def _check(request: PutJob) -> None:
    """Refuse a job with a field that could not be served safely."""
    if not is_job_ref(request.job_ref):
        raise _invalid(f"its reference {request.job_ref!r} is not 6 characters of base64url")
    if len(request.key) not in JOB_KEY_SIZES:
        raise _invalid(f"its key has {len(request.key)} bytes, and must have 32 or 64")
    if not request.digest or len(request.digest) > LONGEST_NAME:
        raise _invalid("its digest is missing or too long")
    if len(request.links) > MAX_LINK + 1:
        raise _invalid(f"it has {len(request.links)} links, and may have {MAX_LINK + 1}")
    for text in (request.sender, request.list_name):
        if len(text) > LONGEST_NAME or not text.isprintable():
            raise _invalid(f"a name has over {LONGEST_NAME} characters, or unprintable ones")
    for n, url in enumerate(request.links):
        if why := target_fault(url):
            raise _invalid(f"link {n} {why}")


def _invalid(why: str) -> CallRefused:
    return CallRefused("job-invalid", f"The job cannot be stored: {why}.")
