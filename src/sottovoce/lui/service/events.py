"""Events from the tracker → exactly once in the database (DESIGN §5, tracker-and-campaign F3).

An event is named by (epoch, sequence); that is its primary key here. One transaction inserts a
batch, counts it, applies unsubscribes and consents, and moves the cursor; only then is the batch
acknowledged. Whatever is repeated is ignored, whatever is missing is recorded as a loss with its
time span.

``duplicated`` in a report = reactions counted minus events stored: always 0, because both are
written by the same statement's success. ``repeated`` = deliveries of events that were known.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import Acknowledge, EventBatch, EventKind, PullEvents, Revoke, TrackedEvent
from sottovoce.contracts.trk import TrkCalls
from sottovoce.errors import RemoteFault
from sottovoce.lui.schema import Consent, Tier, to_ms
from sottovoce.lui.service.sql import sql
from sottovoce.net.clock import Clock
from sottovoce.store import Database

__all__ = ["ALL_LINKS", "Applied", "Feed", "apply_batch"]

#: Events asked for at once.
LIMIT = 5000
#: Stands for "any link" where a link's number is kept.
ALL_LINKS = -1


@dataclass(slots=True)
class Applied:
    """What a fetch brought.

    Args:
        stored: new events.
        repeated: deliveries of known ones, ignored.
        losses: spans that are missing, as sentences.
        orphans: events of jobs or recipients that this LUI does not know; stored all the same.
    """

    stored: int = 0
    repeated: int = 0
    orphans: int = 0
    losses: list[str] = field(default_factory=list)


class Feed:
    """Fetches events from the tracker into the database.

    Args:
        database: LUI's.
        tracker: the calls on TRK.
        clock: UTC.
    """

    def __init__(self, database: Database, tracker: TrkCalls, clock: Clock) -> None:
        self._database = database
        self._tracker = tracker
        self._clock = clock
        #: When the tracker last had nothing more.
        self.fetched_at: datetime | None = None

    async def pull(self) -> Applied:
        """Fetch until the tracker has nothing more; then push withdrawn consents.

        Raises:
            ChannelError, CallError: the tracker is away; what was fetched until then is kept.
        """
        total = Applied()
        while True:
            epoch, after = await self._position()
            batch = await self._tracker.pull(PullEvents(epoch=epoch, after=after, limit=LIMIT))
            async with self._database.write() as connection:
                now = to_ms(self._clock())
                applied, upto = await apply_batch(connection, batch, asked=epoch, now=now)
            total.stored += applied.stored
            total.repeated += applied.repeated
            total.orphans += applied.orphans
            total.losses += applied.losses
            if not batch.events:
                self.fetched_at = self._clock()
                break
            await self._tracker.acknowledge(Acknowledge(epoch=batch.epoch, upto=upto))
        await self._revoke()
        return total

    async def _position(self) -> tuple[str, int]:
        """Return epoch and last sequence number that are stored."""
        async with self._database.read() as connection:
            found = await sql(
                connection, "SELECT e.name, e.after FROM feed f JOIN epoch e ON e.id = f.epoch_id"
            )
            row = found.first()
        return ("", 0) if row is None else (row[0], row[1])

    async def _revoke(self) -> None:
        """Tell the tracker whose earlier mails it must no longer record (E11)."""
        async with self._database.read() as connection:
            found = await sql(connection, "SELECT job_ref, idx FROM revocation")
            rows = found.all()
        jobs: dict[str, list[int]] = {}
        for job_ref, idx in rows:
            jobs.setdefault(job_ref, []).append(idx)
        for job_ref, recipients in jobs.items():
            try:
                await self._tracker.revoke(Revoke(job_ref=job_ref, recipients=tuple(recipients)))
            except RemoteFault as error:
                if error.code != "job-unknown":
                    raise
            async with self._database.write() as connection:
                await sql(
                    connection,
                    "DELETE FROM revocation WHERE job_ref = ? AND idx = ?",
                    [(job_ref, idx) for idx in recipients],
                )


async def apply_batch(
    connection: AsyncConnection, batch: EventBatch, *, asked: str, now: int
) -> tuple[Applied, int]:
    """Apply a batch inside the caller's transaction.

    Args:
        connection: in a write transaction.
        batch: as the tracker gave it.
        asked: the epoch that was asked for; empty at the first fetch ever.
        now: milliseconds since 1970, UTC.

    Returns:
        What it brought, and the number up to which its epoch is now stored.
    """
    return await _Application(connection, batch, now).run(asked)


class _Application:
    """One batch in one transaction."""

    def __init__(self, connection: AsyncConnection, batch: EventBatch, now: int) -> None:
        self.connection = connection
        self.batch = batch
        self.now = now
        self.result = Applied()
        self.epoch_id = 0
        self.known_until: int | None = None

    async def _sql(self, statement: str, values: Any = ()) -> Any:
        return await sql(self.connection, statement, values)

    async def run(self, asked: str) -> tuple[Applied, int]:
        batch = self.batch
        after, unstored = await self._epoch(asked)
        events = sorted(batch.events, key=lambda event: event.seq)
        known = await self._numbers_after(after)
        new = [event for event in events if event.seq > after and event.seq not in known]
        await self._repeated(
            [event for event in events if event.seq <= after or event.seq in known]
        )
        new = await self._without_twins(new)
        await self._gaps([event for event in events if event.seq > after], after)
        if batch.lost > unstored:
            count = batch.lost - unstored
            await self._loss("unstored", count, until=self.now)
            await self._sql(
                "UPDATE epoch SET unstored = ? WHERE id = ?", (batch.lost, self.epoch_id)
            )
        if new:
            await self._store(new)
        after = max(after, batch.oldest_seq - 1, *(event.seq for event in events))
        await self._sql("UPDATE epoch SET after = ? WHERE id = ?", (after, self.epoch_id))
        await self._sql(
            "UPDATE feed SET epoch_id = ?, complete_until = MAX(COALESCE(complete_until, 0), ?)",
            (self.epoch_id, to_ms(batch.complete_until)),
        )
        return self.result, after

    async def _epoch(self, asked: str) -> tuple[int, int]:
        """Find or make the batch's epoch; a change of epoch is a loss of unknown size."""
        feed = (await self._sql("SELECT complete_until FROM feed")).scalar_one()
        self.known_until = feed
        await self._sql(
            "INSERT INTO epoch (name, first_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (self.batch.epoch, self.now),
        )
        row = await self._sql(
            "SELECT id, after, unstored FROM epoch WHERE name = ?", (self.batch.epoch,)
        )
        self.epoch_id, after, unstored = row.one()
        if asked and asked != self.batch.epoch:
            await self._loss("epoch", None, epoch=asked, until=self.now)
        return after, unstored

    async def _numbers_after(self, after: int) -> set[int]:
        """Return stored numbers beyond the cursor: none, unless somebody moved the cursor back."""
        found = await self._sql(
            "SELECT seq FROM event WHERE epoch_id = ? AND seq > ?", (self.epoch_id, after)
        )
        return set(found.scalars())

    async def _repeated(self, events: list[TrackedEvent]) -> None:
        """Count deliveries of known events; one with another content is a fault worth telling."""
        for event in events:
            found = await self._sql(
                "SELECT at, kind, job_ref, idx, link_n FROM event WHERE epoch_id = ? AND seq = ?",
                (self.epoch_id, event.seq),
            )
            row = found.first()
            same = (event.at, event.kind.value, event.job_ref, event.recipient, event.link)
            if row is not None and tuple(row) != same:
                await self._loss("conflict", 1, span=(event.seq, event.seq), until=event.at)
        if events:
            self.result.repeated += len(events)
            await self._sql(
                "UPDATE epoch SET repeated = repeated + ? WHERE id = ?",
                (len(events), self.epoch_id),
            )

    async def _without_twins(self, events: list[TrackedEvent]) -> list[TrackedEvent]:
        """Drop events that stand twice in one batch."""
        unique = {event.seq: event for event in events}
        if len(unique) < len(events):
            twins = len(events) - len(unique)
            self.result.repeated += twins
            await self._sql(
                "UPDATE epoch SET repeated = repeated + ? WHERE id = ?", (twins, self.epoch_id)
            )
        return list(unique.values())

    async def _gaps(self, events: list[TrackedEvent], after: int) -> None:
        """Record every number that is missing before, between, or for want of events."""
        since = self.known_until
        for event in events:
            if event.seq > after + 1:
                span = (after + 1, event.seq - 1)
                await self._loss(
                    "gap", span[1] - span[0] + 1, span=span, since=since, until=event.at
                )
            after, since = event.seq, event.at
        if not events and self.batch.oldest_seq > after + 1:
            span = (after + 1, self.batch.oldest_seq - 1)
            await self._loss("gap", span[1] - span[0] + 1, span=span, since=since, until=self.now)

    async def _loss(
        self,
        cause: str,
        count: int | None,
        *,
        until: int,
        span: tuple[int | None, int | None] = (None, None),
        since: int | None = None,
        epoch: str = "",
    ) -> None:
        await self._sql(
            "INSERT INTO loss (cause, epoch, first_seq, last_seq, count, since, until)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                cause,
                epoch or self.batch.epoch,
                *span,
                count,
                since if since is not None else self.known_until,
                until,
            ),
        )
        amount = "an unknown number of" if count is None else str(count)
        self.result.losses.append(f"{amount} events lost ({cause})")

    async def _store(self, events: list[TrackedEvent]) -> None:
        encode = msgspec.json.encode
        await self._sql(
            "INSERT INTO event (epoch_id, seq, at, kind, job_ref, idx, link_n, facts)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    self.epoch_id,
                    event.seq,
                    event.at,
                    event.kind.value,
                    event.job_ref,
                    event.recipient,
                    event.link,
                    None if event.facts is None else encode(event.facts).decode(),
                )
                for event in events
            ],
        )
        self.result.stored += len(events)
        await self._count(events)
        for event in events:
            if event.kind is EventKind.UNSUBSCRIBE:
                await self._unsubscribe(event)
            elif event.kind is EventKind.CONSENT_ON:
                await self._consent(event, Consent.GRANTED)
            elif event.kind is EventKind.CONSENT_OFF:
                await self._consent(event, Consent.DENIED)

    async def _count(self, events: list[TrackedEvent]) -> None:
        """Keep the report's figures: totals, and distinct recipients where they have numbers."""
        totals: Counter[tuple[str, str, int]] = Counter()
        people: dict[tuple[str, str, int], set[int]] = {}
        for event in events:
            keys = [(event.job_ref, event.kind.value, ALL_LINKS)]
            if event.link is not None and event.kind is EventKind.CLICK:
                keys.append((event.job_ref, event.kind.value, event.link))
            for key in keys:
                totals[key] += 1
                if event.recipient:
                    people.setdefault(key, set()).add(event.recipient)
        for key, total in sorted(totals.items()):
            found = await self._sql(
                "INSERT INTO tally (job_ref, kind, link_n, total) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET total = total + excluded.total RETURNING id",
                (*key, total),
            )
            tally = found.scalar_one()
            if key in people:
                done = await self._sql(
                    "INSERT OR IGNORE INTO reaction (tally_id, idx) VALUES (?, ?)",
                    [(tally, idx) for idx in sorted(people[key])],
                )
                await self._sql(
                    "UPDATE tally SET distinct_total = distinct_total + ? WHERE id = ?",
                    (max(0, done.rowcount), tally),
                )

    async def _person(self, event: TrackedEvent) -> tuple[int, int] | None:
        """Return list and contact of an event's recipient, or None for one that is not known."""
        found = await self._sql(
            "SELECT j.list_id, r.contact_id FROM job j JOIN job_recipient r ON r.job_id = j.id"
            " WHERE j.job_ref = ? AND r.idx = ?",
            (event.job_ref, event.recipient or 0),
        )
        row = found.first()
        if row is None:
            self.result.orphans += 1
            return None
        return row[0], row[1]

    async def _unsubscribe(self, event: TrackedEvent) -> None:
        """Take a person off the list, and keep the address off it (also after an erasure)."""
        person = await self._person(event)
        if person is None:
            return
        list_id, contact = person
        await self._sql(
            "UPDATE membership SET state = 'unsubscribed', since = ?, source = 'trk'"
            " WHERE list_id = ? AND contact_id = ? AND state = 'subscribed'",
            (event.at, list_id, contact),
        )
        await self._sql(
            "INSERT INTO suppression (email_hash, scope, reason, at, source)"
            " SELECT email_hash, ?, 'unsubscribed', ?, ? FROM contact WHERE id = ?"
            " ON CONFLICT DO NOTHING",
            (f"list:{list_id}", event.at, f"job {event.job_ref}", contact),
        )

    async def _consent(self, event: TrackedEvent, state: Consent) -> None:
        """Keep a person's word with its time; a withdrawal reaches the mails sent before."""
        person = await self._person(event)
        if person is None:
            return
        contact = person[1]
        await self._sql(
            "INSERT INTO consent (contact_id, state, at, source) VALUES (?, ?, ?, ?)",
            (contact, state.value, event.at, f"trk:job {event.job_ref}"),
        )
        # A person's refusal gives way to nothing but a later consent of their own; a consent gives
        # way to any later refusal.
        stronger = "state = 'granted' AND source LIKE 'trk:%'"
        if state is Consent.GRANTED:
            stronger = "state = 'denied'"
        await self._sql(
            "UPDATE contact SET consent = ?1 WHERE id = ?2 AND NOT EXISTS"  # noqa: S608 - constants
            f" (SELECT 1 FROM consent WHERE contact_id = ?2 AND at > ?3 AND {stronger})",
            (state.value, contact, event.at),
        )
        if state is Consent.DENIED:
            await self._sql(
                "INSERT INTO revocation (job_ref, idx) SELECT j.job_ref, r.idx"
                " FROM job_recipient r JOIN job j ON j.id = r.job_id"
                " WHERE r.contact_id = ? AND r.tier = ? ON CONFLICT DO NOTHING",
                (contact, Tier.PERSONAL.value),
            )
