"""Group commit: events gather for a moment and reach the disk together.

It owns the times of events and the order of their storing. Whoever hands an open or a click in may
wait for its group; an unsubscribe or a choice waits here until it is on the disk, or is told that
it is not. It knows neither HTTP nor what an event means.
"""

import asyncio
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from sottovoce.errors import StoreError
from sottovoce.net.log import Log
from sottovoce.trk.service.events import Draft, EventStore
from sottovoce.trk.service.moments import MINUTE

__all__ = ["EventWriter"]

#: Seconds that an event waits for company (F3: ≤ 20 ms); more gather while a group is written.
GROUP_DELAY = 0.002

#: Seconds between attempts while the store fails.
RETRY = 1.0

#: Events that end the waiting.
GROUP_ROWS = 2_000

#: Events that may wait in memory for a slow disk; beyond it opens and clicks are counted as lost.
MOST_PENDING = 50_000

#: Seconds that a person's unsubscribe waits for the disk before it is told to try again.
DURABLE_LIMIT = 15.0

#: A clock set back by less is smoothed over: times stand still until it has caught up. By more, it
#: was wrong before, and its word is taken.
SMOOTHED = 10 * MINUTE


class EventWriter:
    """Gathers events and stores them in groups for as long as :meth:`run` is awaited.

    Args:
        store: where to.
        clock: milliseconds since 1970 UTC.
        log: failures of the store and their end go here.

    ``only_vital`` may be set when the disk is nearly full: opens and clicks are then counted as
    lost at once, so that the room left serves unsubscribes.
    """

    def __init__(self, store: EventStore, clock: Callable[[], int], log: Log) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._pending: list[Draft] = []
        self._in_flight: list[Draft] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._settled: asyncio.Future[None] | None = None
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._committed = asyncio.Event()
        self._closing = False
        self._failing = False
        self._doubtful: int | None = None
        self._last_at = max(store.latest_at, store.current.promised + 1)
        self._uncounted = 0
        self.accepted = 0
        self.only_vital = False

    @property
    def lost(self) -> int:
        """Opens and clicks that could not be stored since the epoch began."""
        return self._store.current.lost + self._uncounted

    @property
    def waiting(self) -> int:
        """Events not yet on the disk."""
        return len(self._pending) + len(self._in_flight)

    def add(
        self, kind: str, job_ref: str, recipient: int | None, link: int | None, facts: bytes | None
    ) -> asyncio.Future[None] | None:
        """Take an open or a click.

        Returns:
            What is done when its group is on the disk, or is counted as lost; the same for all of
            a group, so wait with a shield. None when it is counted as lost already.
        """
        if self._closing or self.only_vital or len(self._pending) >= MOST_PENDING:
            self._uncounted += 1
            return None
        self._pending.append((self._stamp(), kind, job_ref, recipient, link, facts))
        self.accepted += 1
        self._wake.set()
        if len(self._pending) >= GROUP_ROWS:
            self._urgent.set()
        if self._settled is None:
            self._settled = asyncio.get_running_loop().create_future()
        return self._settled

    async def add_durably(
        self, kind: str, job_ref: str, recipient: int, facts: bytes | None
    ) -> None:
        """Take an unsubscribe or a choice; it is on the disk when this returns.

        Raises:
            StoreError: it is not, or that could not be made sure in time.
        """
        if self._closing or len(self._pending) >= 2 * MOST_PENDING:
            raise StoreError("TRK takes no more events at the moment.", code="event-not-stored")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((self._stamp(), kind, job_ref, recipient, None, facts))
        self._waiters.append(done)
        self._wake.set()
        self._urgent.set()
        try:
            async with asyncio.timeout(DURABLE_LIMIT):
                await done
        except TimeoutError as error:
            raise StoreError("The disk did not answer in time.", code="event-not-stored") from error
        self.accepted += 1

    def horizon(self) -> int:
        """Return the moment up to which every event is stored, and none earlier will come."""
        if self._doubtful is not None:
            return self._doubtful - 1
        for group in (self._in_flight, self._pending):
            if group:
                return group[0][0] - 1
        return self._stamp() - 1

    async def wait_beyond(self, last: int, seconds: float) -> None:
        """Wait until an event id above *last* is stored, a close, or *seconds* have passed."""
        try:
            async with asyncio.timeout(seconds):
                while self._store.current.last <= last and not self._closing:
                    await self._committed.wait()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Store group after group; returns when :meth:`close` was called and all is stored."""
        while not (self._closing and not self._pending):
            await self._wait(self._wake, RETRY if self._failing else None)
            await self._wait(self._urgent, GROUP_DELAY)
            await self._store_group()
        if self._uncounted:
            await self._store_group()  # a count kept in memory only would be a silent loss

    def close(self) -> None:
        """Take no more events and let :meth:`run` store the rest and return."""
        self._closing = True
        self._wake.set()
        self._urgent.set()
        self._tell_waiting()

    @staticmethod
    async def _wait(event: asyncio.Event, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return

    async def _store_group(self) -> None:
        group, waiters, uncounted = self._pending, self._waiters, self._uncounted
        settled, self._settled = self._settled, None
        self._in_flight, self._pending, self._waiters = group, [], []
        if not self._closing:
            self._wake.clear()
            self._urgent.clear()
        if not group and not uncounted and not self._failing:
            return
        try:
            await self._store.append(group, lost=uncounted)
        except (StoreError, SQLAlchemyError, OSError) as error:
            self._uncounted += len(group) - len(waiters)
            if group and self._doubtful is None:
                # Whether a failed commit is on the disk is only known at the next one.
                self._doubtful = group[0][0]
            self._refuse(waiters, error)
        else:
            self._uncounted -= uncounted
            self._doubtful = None
            self._settle(waiters)
        finally:
            self._in_flight = []
            if settled is not None and not settled.done():
                settled.set_result(None)
        self._tell_waiting()

    def _settle(self, waiters: list[asyncio.Future[None]]) -> None:
        for done in waiters:
            if not done.done():
                done.set_result(None)
        if self._failing:
            self._failing = False
            self._log.info(
                "Events can be stored again",
                action="events-stored-again",
                lost=self._store.current.lost,
            )

    def _refuse(self, waiters: list[asyncio.Future[None]], error: Exception) -> None:
        for done in waiters:
            if not done.done():
                refusal = StoreError("The event could not be stored.", code="event-not-stored")
                refusal.__cause__ = error
                done.set_exception(refusal)
        if not self._failing:
            self._failing = True
            self._log.error(
                f"Events cannot be stored: {getattr(error, 'orig', error)}. Opens and clicks are "
                "counted as lost until they can; unsubscribes are asked to try again. "
                "Look at the disk of TRK's home.",
                action="events-not-stored",
                lost=self.lost,
            )

    def _tell_waiting(self) -> None:
        """Wake every reader that waits for an event; the next ones wait for the next commit."""
        self._committed.set()
        self._committed = asyncio.Event()

    def _stamp(self) -> int:
        """Return now, never before an earlier stamp unless the clock was set far back."""
        now = self._clock()
        if now < self._last_at:
            if self._last_at - now <= SMOOTHED:
                return self._last_at
            self._log.warning(
                "The clock was set back; times of events follow it",
                action="clock-set-back",
                milliseconds=self._last_at - now,
            )
        self._last_at = now
        return now
