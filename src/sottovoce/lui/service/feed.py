"""The event feed: fetched from the tracker in bursts, applied, and only then acknowledged.

What a batch does to the database is ``events``' matter; here is the order of the steps, and that
withdrawn consents reach the tracker (DESIGN §5).
"""

from datetime import datetime

from sottovoce.contracts import Acknowledge, PullEvents, Revoke
from sottovoce.contracts.trk import TrkCalls
from sottovoce.errors import RemoteFault
from sottovoce.lui.schema import to_ms
from sottovoce.lui.service.events import Applied, apply_batch
from sottovoce.lui.service.sql import sql
from sottovoce.net.clock import Clock
from sottovoce.store import Database

__all__ = ["Feed"]

#: Events asked for at once.
LIMIT = 5000


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
