"""The store of events: epochs, numbers that rise by one, reading, acknowledging, pruning.

It owns the promise that (epoch, number) names one event for ever. An epoch is drawn when the store
is created or restored; numbers within it come from the epoch's own row, written in the transaction
that stores the events, so that neither a crash nor a deletion gives a number twice. It knows no job
and no time of its own.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import EventKind
from sottovoce.store import Database
from sottovoce.trk import schema
from sottovoce.trk.service.moments import DAY, HOUR

__all__ = ["KEPT", "Draft", "Epoch", "EventStore", "draw_new_epoch"]

#: How long an acknowledged event is kept, so that a restored LUI can pull it again (DESIGN §5).
KEPT = 35 * DAY

#: Events deleted in one transaction, so that pruning never holds the writer up for long.
PRUNED_AT_ONCE = 10_000

#: An event before it has a number: at, kind, job_ref, recipient, link, facts.
Draft = tuple[int, str, str, int | None, int | None, bytes | None]

# Straight to the driver: rows by the thousand, and Core's work on each costs more than SQLite's.
_INSERT = "INSERT INTO event (id, at, kind, job_ref, recipient, link, facts) VALUES (?,?,?,?,?,?,?)"
_COUNT_UP = "UPDATE epoch SET last = ?, lost = lost + ? WHERE n = ?"
_REVOKE = "INSERT OR IGNORE INTO revoked (job_ref, recipient) VALUES (?, ?)"
_READ = (
    "SELECT id, at, kind, job_ref, recipient, link, facts FROM event "
    "WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Epoch:
    """A span of numbering.

    Args:
        n: its rank; the highest is in force.
        name: as it crosses to LUI.
        base: the event id before its first, so that number = id - base.
        last: the highest event id ever given in it (``base`` when none was).
        lost: events that could not be stored.
        promised: the latest time said to be complete, milliseconds.
    """

    n: int
    name: str
    base: int
    last: int
    lost: int
    promised: int

    @property
    def last_seq(self) -> int:
        """The highest number ever given; 0 when none was."""
        return self.last - self.base


class EventStore:
    """The events of one TRK; made by :meth:`open`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._epochs: list[Epoch] = []
        self._stale = False
        self.oldest = 1
        self.acknowledged = 0
        self.latest_at = 0

    @classmethod
    async def open(cls, database: Database, *, now: int) -> "EventStore":
        """Read what is there, drawing the first epoch when there is none.

        Args:
            database: migrated.
            now: milliseconds since 1970 UTC.
        """
        store = cls(database)
        async with database.write() as connection:
            if await connection.scalar(sa.select(sa.func.max(schema.epoch.c.n))) is None:
                await _draw(connection, now)
            store._epochs = await _epochs_in(connection)
            acknowledged = await connection.scalar(
                sa.select(sa.func.max(schema.acknowledged.c.upto))
            )
            store.acknowledged = acknowledged or 0
            oldest = await connection.scalar(sa.select(sa.func.min(schema.event.c.id)))
            store.oldest = oldest if oldest is not None else store.current.last + 1
            latest = sa.select(schema.event.c.at).where(schema.event.c.id == store.current.last)
            store.latest_at = await connection.scalar(latest) or 0
        return store

    @property
    def current(self) -> Epoch:
        """The epoch in force."""
        return self._epochs[-1]

    @property
    def epochs(self) -> Sequence[Epoch]:
        """All epochs, the oldest first."""
        return self._epochs

    @property
    def held(self) -> int:
        """How many events are in the store."""
        return self.current.last - self.oldest + 1

    def epoch_named(self, name: str) -> Epoch | None:
        """Return the epoch of that name, or None."""
        return next((epoch for epoch in self._epochs if epoch.name == name), None)

    def oldest_seq(self, epoch: Epoch) -> int:
        """Return the number of the oldest event of *epoch* still held; past its last if none."""
        return min(max(self.oldest - epoch.base, 1), epoch.last_seq + 1)

    async def append(self, drafts: Sequence[Draft], *, lost: int = 0) -> None:
        """Number and store *drafts* in one transaction; it is on the disk when this returns.

        Args:
            drafts: in the order of their times.
            lost: events that could not be stored before, to be counted now.

        Raises:
            StoreError, sqlalchemy.exc.DBAPIError: nothing of *drafts* is stored - or, when the
                very last step failed, all of it; the next call finds out before it gives a number.
        """
        try:
            async with self._db.write() as connection:
                if self._stale:
                    self._epochs = await _epochs_in(connection)
                    self._stale = False
                epoch = self.current
                numbered = [(epoch.last + n, *draft) for n, draft in enumerate(drafts, 1)]
                if numbered:
                    await connection.exec_driver_sql(_INSERT, numbered)
                withdrawn = [
                    (draft[2], draft[3]) for draft in drafts if draft[1] == EventKind.CONSENT_OFF
                ]
                if withdrawn:
                    await connection.exec_driver_sql(_REVOKE, withdrawn)
                last = epoch.last + len(numbered)
                await connection.exec_driver_sql(_COUNT_UP, (last, lost, epoch.n))
        except BaseException:
            self._stale = True
            raise
        self._epochs[-1] = replace(epoch, last=last, lost=epoch.lost + lost)
        if drafts:
            self.latest_at = drafts[-1][0]

    async def read(self, epoch: Epoch, after: int, limit: int) -> Sequence[Sequence[Any]]:
        """Read at most *limit* rows of *epoch* whose number is above *after*, in their order."""
        async with self._db.read() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            rows = await raw.execute_fetchall(
                _READ, (epoch.base + max(after, 0), epoch.last, limit)
            )
            return list(rows)

    async def promise(self, complete_until: int) -> None:
        """Keep that a reader was told *complete_until*, so that a restart holds to it."""
        epoch = self.current
        if complete_until <= epoch.promised:
            return
        async with self._db.write() as connection:
            await connection.execute(
                sa.update(schema.epoch)
                .where(schema.epoch.c.n == epoch.n)
                .values(promised=complete_until)
            )
        if self.current.n == epoch.n:
            self._epochs[-1] = replace(self.current, promised=complete_until)

    async def acknowledge(self, upto: int, *, now: int) -> None:
        """Note that the reader has every event up to id *upto*."""
        if upto <= self.acknowledged:
            return
        hour = now // HOUR
        async with self._db.write() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO acknowledged (hour, upto) VALUES (?, ?) "
                "ON CONFLICT (hour) DO UPDATE SET upto = max(upto, excluded.upto)",
                (hour, upto),
            )
        self.acknowledged = max(self.acknowledged, upto)

    async def prune(self, *, now: int) -> int:
        """Delete events acknowledged longer than ``KEPT`` ago; return how many."""
        over = now // HOUR - KEPT // HOUR - 1
        upto = sa.select(sa.func.max(schema.acknowledged.c.upto)).where(
            schema.acknowledged.c.hour <= over
        )
        async with self._db.read() as connection:
            limit = await connection.scalar(upto)
        deleted = 0
        while limit is not None and self.oldest <= limit:
            end = min(limit, self.oldest + PRUNED_AT_ONCE - 1)
            async with self._db.write() as connection:
                result = await connection.execute(
                    sa.delete(schema.event).where(schema.event.c.id <= end)
                )
            deleted += result.rowcount
            self.oldest = end + 1
        if limit is not None:
            await self._forget_acknowledgements(over)
        return deleted

    async def _forget_acknowledgements(self, over: int) -> None:
        """Drop rows of hours up to *over*, but never the newest of all."""
        newest = sa.select(sa.func.max(schema.acknowledged.c.hour)).scalar_subquery()
        async with self._db.write() as connection:
            await connection.execute(
                sa.delete(schema.acknowledged).where(
                    schema.acknowledged.c.hour <= over, schema.acknowledged.c.hour < newest
                )
            )

    async def draw_epoch(self, *, now: int) -> None:
        """Begin a new epoch; the events held keep the names that they had."""
        async with self._db.write() as connection:
            await _draw(connection, now)
            drawn = await _epochs_in(connection)
        # Not before the commit: an epoch that is not on the disk must never be named to anybody.
        self._epochs = drawn


async def _epochs_in(connection: AsyncConnection) -> list[Epoch]:
    """Return every epoch, the oldest first."""
    rows = await connection.execute(
        sa.select(
            schema.epoch.c.n,
            schema.epoch.c.name,
            schema.epoch.c.base,
            schema.epoch.c.last,
            schema.epoch.c.lost,
            schema.epoch.c.promised,
        ).order_by(schema.epoch.c.n)
    )
    return [Epoch(*row) for row in rows]


async def _draw(connection: AsyncConnection, now: int) -> None:
    """Insert the next epoch, whose numbers begin after the last id ever given."""
    table = schema.epoch
    last = await connection.scalar(sa.select(sa.func.max(table.c.last))) or 0
    rank = await connection.scalar(sa.select(sa.func.max(table.c.n))) or 0
    await connection.execute(
        sa.insert(table).values(
            n=rank + 1,
            name=secrets.token_hex(8),
            created=now,
            base=last,
            last=last,
            lost=0,
            promised=0,
        )
    )


async def draw_new_epoch(database: Database, *, now: int) -> None:
    """Begin a new epoch in *database*; to be done once after every restore, before TRK starts.

    Without it the numbers given after the backup would be given again.
    """
    async with database.write() as connection:
        await _draw(connection, now)
