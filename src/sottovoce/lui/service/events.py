"""Events from the tracker → exactly once in the database (DESIGN §5, tracker-and-campaign F3).

An event is named by (epoch, sequence); that is its primary key here. One transaction inserts a
batch, counts it, applies unsubscribes and consents, and moves the cursor. Whatever is repeated is
ignored, whatever is missing is recorded as a loss with its time span.

What no person asked for (HEAD, OPTIONS, a prefetch) is counted apart (E5). What a person did after
withdrawing consent is stored as a bare number, without who and what (E11).

``duplicated`` in a report = reactions counted minus events stored: always 0, because both are
written by the same statement's success. ``repeated`` = deliveries of events that were known.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import EventBatch, EventKind, TrackedEvent
from sottovoce.lui.schema import Consent, Tier, to_ms
from sottovoce.lui.service.sql import sql

__all__ = ["ALL_LINKS", "AUTOMATIC", "WITHHELD", "Applied", "apply_batch"]

#: Stands for "any link" where a link's number is kept.
ALL_LINKS = -1
#: Ends the kind under which opens and clicks are counted that no person asked for.
AUTOMATIC = "-automatic"
#: The kind under which an event is kept of which nothing else may be.
WITHHELD = "withheld"

_WATCHED = frozenset({EventKind.OPEN, EventKind.CLICK})


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
        #: Numbers of events dated after their person's withdrawal.
        self.withheld: set[int] = set()

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
            if row is not None and row[1] != WITHHELD and tuple(row) != same:
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
        for event in events:
            if event.kind is EventKind.UNSUBSCRIBE:
                await self._unsubscribe(event)
            elif event.kind is EventKind.CONSENT_ON:
                await self._consent(event, Consent.GRANTED)
            elif event.kind is EventKind.CONSENT_OFF:
                await self._consent(event, Consent.DENIED)
        self.withheld = await self._after_withdrawal(events)
        await self._sql(
            "INSERT INTO event (epoch_id, seq, at, kind, job_ref, idx, link_n, facts)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(self.epoch_id, event.seq, event.at, *self._kept(event)) for event in events],
        )
        self.result.stored += len(events)
        await self._count(events)

    def _kept(self, event: TrackedEvent) -> tuple[Any, ...]:
        """Return kind, job, recipient, link and facts as they may be kept."""
        if event.seq in self.withheld:
            return WITHHELD, event.job_ref, None, None, None
        facts = None if event.facts is None else msgspec.json.encode(event.facts).decode()
        return event.kind.value, event.job_ref, event.recipient, event.link, facts

    async def _after_withdrawal(self, events: list[TrackedEvent]) -> set[int]:
        """Return the numbers of opens and clicks by people who had said no by then (E11)."""
        watched = [
            (event.seq, event.job_ref, event.recipient, event.at)
            for event in events
            if event.kind in _WATCHED and event.recipient
        ]
        found = await self._sql(
            "WITH seen AS (SELECT json_extract(value, '$[0]') AS seq,"
            "  json_extract(value, '$[1]') AS job_ref, json_extract(value, '$[2]') AS idx,"
            "  json_extract(value, '$[3]') AS at FROM json_each(?))"
            " SELECT s.seq FROM seen s JOIN job j ON j.job_ref = s.job_ref"
            " JOIN job_recipient r ON r.job_id = j.id AND r.idx = s.idx"
            " WHERE r.tier = ? AND (SELECT c.state FROM consent c WHERE c.contact_id = r.contact_id"
            "  AND c.at <= s.at ORDER BY c.at DESC, c.id DESC LIMIT 1) = ?",
            (
                msgspec.json.encode(watched).decode(),
                Tier.PERSONAL.value,
                Consent.DENIED.value,
            ),
        )
        return set(found.scalars())

    def _keys(self, event: TrackedEvent) -> list[tuple[str, str, int]]:
        """Return the tallies that an event is counted in: one for all links, one for its own."""
        job, kind = event.job_ref, event.kind.value
        if event.seq in self.withheld:
            return [(job, WITHHELD, ALL_LINKS)]
        facts = event.facts
        if event.kind in _WATCHED and facts and (facts.prefetch or facts.method != "GET"):
            return [(job, kind + AUTOMATIC, ALL_LINKS)]
        if event.link is None or event.kind is not EventKind.CLICK:
            return [(job, kind, ALL_LINKS)]
        return [(job, kind, ALL_LINKS), (job, kind, event.link)]

    async def _count(self, events: list[TrackedEvent]) -> None:
        """Keep the report's figures: totals, and distinct recipients where they have numbers."""
        totals: Counter[tuple[str, str, int]] = Counter()
        people: dict[tuple[str, str, int], set[int]] = {}
        for event in events:
            for key in self._keys(event):
                totals[key] += 1
                if event.recipient and event.seq not in self.withheld:
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
