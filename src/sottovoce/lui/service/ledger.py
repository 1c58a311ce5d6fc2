"""The ledger: one row per recipient of a job, and every step that it may take (DESIGN §5).

A row is ``inflight`` on disk before its mail may begin; outcomes are collected and written together
with the next claim or flush. Whatever is inflight when a process starts was left by a crash and
becomes ``uncertain``: nothing here ever resends such a mail by itself.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.errors import StoreError
from sottovoce.lui.schema import (
    Consent,
    JobState,
    LedgerState,
    Membership,
    Tier,
    TrackingType,
    from_ms,
    to_ms,
)
from sottovoce.lui.service.jobs import Job, load_job
from sottovoce.lui.service.sql import sql
from sottovoce.net.clock import Clock
from sottovoce.store import Database

__all__ = ["Claimed", "Ledger", "Outcome", "Uncertain", "resolve", "tier_of", "uncertain"]

#: Characters of a relay's reply that are kept.
REPLY_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Claimed:
    """A recipient whose mail is to be sent now: inflight on disk."""

    idx: int
    mailbox: str
    fields: dict[str, str]
    tier: Tier
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claimed mail; *due* (ms) is when a deferred one is tried again."""

    idx: int
    state: LedgerState
    attempts: int
    reply: str = ""
    due: int = 0


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A mail of which nobody knows whether the relay took it."""

    idx: int
    mailbox: str
    since: datetime | None
    reply: str


def tier_of(tracking: TrackingType, consent: str) -> Tier:
    """Return what a mail may carry; consent that was never given counts as none (E10).

    Who said no is never tracked by name, not even by a job that asks nobody (E11).
    """
    match tracking:
        case TrackingType.NONE:
            return Tier.DIRECT
        case TrackingType.BLIND:
            return Tier.BLIND
        case TrackingType.UNIQUE:
            return Tier.UNIQUE
        case TrackingType.PERSONAL:
            return Tier.DIRECT if consent == Consent.DENIED else Tier.PERSONAL
        case TrackingType.PERSONAL_BY_PERMISSION:
            return Tier.PERSONAL if consent == Consent.GRANTED else Tier.DIRECT


class Ledger:
    """Claims recipients and writes outcomes for the delivery worker of one process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._pending: list[tuple[Any, ...]] = []

    async def recover(self) -> int:
        """Turn what a crash left inflight into uncertain; return how many."""
        async with self._database.write() as connection:
            done = await sql(
                connection,
                "UPDATE job_recipient SET state = ?, reply = ?"
                " WHERE state IN ('inflight', 'uncertain') AND state = 'inflight'",
                (LedgerState.UNCERTAIN.value, "the program ended while the mail was under way"),
            )
            return int(done.rowcount)

    def note(self, job: Job, outcome: Outcome) -> None:
        """Remember an outcome; it is written with the next claim or flush."""
        self._pending.append(
            (
                outcome.state.value,
                outcome.attempts,
                outcome.due,
                outcome.reply[:REPLY_LENGTH],
                to_ms(self._clock()),
                job.id,
                outcome.idx,
            )
        )

    async def flush(self) -> None:
        """Write what is pending."""
        if self._pending:
            async with self._writing():
                pass

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a write transaction in which what is pending stands already.

        When it fails, at its commit even, everything stays pending. Should it be on the disk all
        the same, writing it again changes nothing: no row is claimed anew before what is pending
        was written, and only rows inflight are changed.
        """
        rows: list[tuple[Any, ...]] = []
        try:
            async with self._database.write() as connection:
                rows, self._pending = self._pending, []
                if rows:
                    await sql(
                        connection,
                        "UPDATE job_recipient SET state = ?, attempts = ?, due = ?, reply = ?,"
                        " t_done = ? WHERE job_id = ? AND idx = ? AND state = 'inflight'",
                        rows,
                    )
                yield connection
        except BaseException:
            self._pending = rows + self._pending
            raise

    async def claim(self, job: Job, limit: int) -> list[Claimed] | None:
        """Take the next due recipients: inflight on disk when this returns.

        Those who left or were suppressed since the authorisation are skipped, so the result may be
        empty although more are due.

        Returns:
            The claimed ones, or None when nobody is due now.
        """
        now = to_ms(self._clock())
        async with self._writing() as connection:
            found = await sql(
                connection,
                "SELECT r.idx, r.attempts, c.email, c.fields, c.consent, m.state, EXISTS"
                " (SELECT 1 FROM suppression s WHERE s.email_hash = c.email_hash"
                "  AND s.scope IN ('all', ?))"
                " FROM job_recipient r JOIN contact c ON c.id = r.contact_id"
                " LEFT JOIN membership m ON m.contact_id = r.contact_id AND m.list_id = ?"
                " WHERE r.job_id = ? AND r.state IN ('planned', 'deferred') AND r.due <= ?"
                " ORDER BY r.due, r.idx LIMIT ?",
                (f"list:{job.list_id}", job.list_id, job.id, now, limit),
            )
            rows = found.all()
            if not rows:
                return None
            claimed, taken, skipped = [], [], []
            for idx, attempts, mailbox, fields, consent, membership, suppressed in rows:
                if suppressed or membership != Membership.SUBSCRIBED:
                    why = "suppressed" if suppressed else "no longer on the list"
                    skipped.append((why, now, job.id, idx))
                    continue
                tier = tier_of(job.tracking, consent)
                taken.append((tier.value, now, job.id, idx))
                claimed.append(Claimed(idx, mailbox, json.loads(fields), tier, attempts))
            if taken:
                await sql(
                    connection,
                    "UPDATE job_recipient SET state = 'inflight', tier = ?, t_inflight = ?"
                    " WHERE job_id = ? AND idx = ?",
                    taken,
                )
            if skipped:
                await sql(
                    connection,
                    "UPDATE job_recipient SET state = 'skipped', reply = ?, t_done = ?"
                    " WHERE job_id = ? AND idx = ?",
                    skipped,
                )
            return claimed

    async def finish(self, job: Job) -> bool:
        """Complete *job* when nobody is left to be served; tell whether it is."""
        async with self._writing() as connection:
            left = await sql(
                connection,
                "SELECT EXISTS (SELECT 1 FROM job_recipient INDEXED BY job_recipient_due"
                " WHERE job_id = ?1"
                " AND state IN ('planned', 'deferred')) OR EXISTS (SELECT 1 FROM job_recipient"
                " WHERE job_id = ?1 AND state IN ('inflight', 'uncertain') AND state = 'inflight')",
                (job.id,),
            )
            if left.scalar_one():
                return False
            await sql(
                connection,
                "UPDATE job SET state = ?, completed_at = ?, note = '', note_code = ''"
                " WHERE id = ? AND state = ?",
                (
                    JobState.COMPLETED.value,
                    to_ms(self._clock()),
                    job.id,
                    JobState.DELIVERING.value,
                ),
            )
            return True

    async def set_note(self, job: Job, code: str, text: str, *, halt: bool = False) -> None:
        """Say in the job's row why it waits, or that it is halted."""
        state = JobState.HALTED if halt else JobState.DELIVERING
        async with self._database.write() as connection:
            await sql(
                connection,
                "UPDATE job SET note_code = ?, note = ?, state = ? WHERE id = ? AND state = ?",
                (code, text[:1000], state.value, job.id, JobState.DELIVERING.value),
            )


async def uncertain(database: Database, name: str) -> list[Uncertain]:
    """Return the uncertain mails of the job called *name*."""
    async with database.read() as connection:
        job = await load_job(connection, name)
        found = await sql(
            connection,
            "SELECT r.idx, c.email, r.t_inflight, r.reply FROM job_recipient r"
            " JOIN contact c ON c.id = r.contact_id WHERE r.job_id = ?"
            " AND r.state IN ('inflight', 'uncertain') AND r.state = 'uncertain' ORDER BY r.idx",
            (job.id,),
        )
        return [
            Uncertain(idx, mailbox, None if since is None else from_ms(since), reply)
            for idx, mailbox, since, reply in found
        ]


async def resolve(database: Database, name: str, idx: int, *, resend: bool, now: datetime) -> None:
    """Decide about one uncertain mail: it was sent, or it shall be sent again.

    A mail sent again has the same Message-ID, so that a second copy can be recognised.

    Raises:
        StoreError: ``not-uncertain``: that recipient's mail is not uncertain.
    """
    state = LedgerState.PLANNED if resend else LedgerState.ACCEPTED
    reply = "resolved by hand: send again" if resend else "resolved by hand: was sent"
    async with database.write() as connection:
        job = await load_job(connection, name)
        done = await sql(
            connection,
            "UPDATE job_recipient SET state = ?, reply = ?, t_done = ?, due = 0"
            " WHERE job_id = ? AND idx = ? AND state = 'uncertain'",
            (state.value, reply, to_ms(now), job.id, idx),
        )
        if not done.rowcount:
            raise StoreError(
                f"Recipient {idx} of the job {name!r} is not uncertain.",
                hint=f"See them: sottovoce job uncertain {name!r}.",
                code="not-uncertain",
            )
        if resend:
            await sql(
                connection,
                "UPDATE job SET state = ?, completed_at = NULL WHERE id = ? AND state = ?",
                (JobState.DELIVERING.value, job.id, JobState.COMPLETED.value),
            )
