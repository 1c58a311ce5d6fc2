"""The feed of events to LUI: pulled in order, acknowledged, complete up to a moment it names.

It owns what a reader is told about epochs, gaps and completeness (DESIGN §5). A reader that knows
an older epoch of this store first gets the rest of that one, then the next: no event twice under
two names, none left out.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from sottovoce.contracts import EventBatch, EventFacts, EventKind, PullEvents, TrackedEvent
from sottovoce.errors import CallRefused, StoreError
from sottovoce.net.log import Log
from sottovoce.trk.service.events import Epoch, EventStore
from sottovoce.trk.service.moments import from_millis
from sottovoce.trk.service.writer import EventWriter

__all__ = ["Feed"]

#: Events in one batch; with the longest facts they fit a frame of 16 MiB.
MOST_EVENTS = 10_000

#: Seconds that a pull may wait, below the deadline of a call.
LONGEST_WAIT = 25.0

#: Rows turned into events before others on the loop get a turn.
ROWS_AT_A_TIME = 1_000


class Feed:
    """Serves pulls and acknowledgements.

    Args:
        store: the events.
        writer: knows what is under way.
        clock: milliseconds since 1970 UTC.
        log: what a reader's position reveals about the store goes here.
    """

    def __init__(
        self, store: EventStore, writer: EventWriter, clock: Callable[[], int], log: Log
    ) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._log = log
        self._decode = msgspec.msgpack.Decoder(EventFacts).decode
        self._kinds = {kind.value: kind for kind in EventKind}

    async def pull(self, request: PullEvents) -> EventBatch:
        """Return the events after the reader's position, waiting for a first one if it wishes.

        Raises:
            CallRefused: ``pull-invalid``, for figures outside of their ranges.
        """
        if not 1 <= request.limit <= MOST_EVENTS or not 0 <= request.wait <= LONGEST_WAIT:
            raise CallRefused(
                "pull-invalid",
                f"A pull takes a limit of 1 to {MOST_EVENTS} and a wait of 0 to {LONGEST_WAIT:g} "
                f"seconds, not {request.limit} and {request.wait:g}.",
            )
        last = self._store.current.last
        batch = await self._read(request)
        if not batch.events and request.wait > 0:
            await self._writer.wait_beyond(last, request.wait)
            batch = await self._read(request)
        return batch

    async def acknowledge(self, epoch_name: str, upto: int) -> None:
        """Note that the reader has everything of that epoch up to number *upto*.

        Raises:
            CallRefused: ``epoch-changed`` - not an epoch of this store; ``ack-beyond`` - a number
                that was never given.
        """
        epoch = self._store.epoch_named(epoch_name)
        if epoch is None:
            raise CallRefused(
                "epoch-changed",
                f"This store is in epoch {self._store.current.name} and knows no {epoch_name!r}. "
                "Pull again, and note what was lost.",
            )
        if not 0 <= upto <= epoch.last_seq:
            raise CallRefused(
                "ack-beyond",
                f"Number {upto} was acknowledged, and the last of that epoch is {epoch.last_seq}.",
            )
        await self._store.acknowledge(epoch.base + upto, now=self._clock())

    async def _read(self, request: PullEvents) -> EventBatch:
        epoch, after = await self._position(request.epoch, request.after)
        current = epoch.n == self._store.current.n
        horizon = self._writer.horizon() if current else epoch.promised
        rows = await self._store.read(epoch, after, request.limit + 1)
        if len(rows) > request.limit:
            horizon = rows[request.limit][1] - 1
            rows = rows[: request.limit]
        elif current:
            horizon = await self._promised(horizon)
        elif rows:
            horizon = rows[-1][1] - 1
        return EventBatch(
            epoch=epoch.name,
            events=await self._events(epoch, rows),
            next_seq=epoch.last_seq + 1,
            oldest_seq=self._store.oldest_seq(epoch),
            complete_until=from_millis(horizon),
            lost=self._writer.lost if current else epoch.lost,
        )

    async def _position(self, name: str, after: int) -> tuple[Epoch, int]:
        """Return the epoch to read from, and the number after which."""
        epoch = self._store.epoch_named(name)
        if epoch is None:
            return self._oldest_held(), 0
        if after > epoch.last_seq and epoch.n == self._store.current.n:
            await self._begin_anew(epoch, after)
        later = [other for other in self._store.epochs if other.n > epoch.n]
        while after >= epoch.last_seq and later:
            epoch, after = later.pop(0), 0
        return epoch, after

    def _oldest_held(self) -> Epoch:
        held = (epoch for epoch in self._store.epochs if epoch.last >= self._store.oldest)
        return next((epoch for epoch in held if epoch.last > epoch.base), self._store.current)

    async def _begin_anew(self, epoch: Epoch, after: int) -> None:
        """Draw an epoch: the reader has events that the store has not, so it was set back."""
        await self._store.draw_epoch(now=self._clock())
        self._log.warning(
            f"LUI has events up to {after} of epoch {epoch.name}, this store only up to "
            f"{epoch.last_seq}: it was restored from an older copy. A new epoch is begun, so that "
            "no number names two events.",
            action="epoch-drawn",
            epoch=self._store.current.name,
        )

    async def _promised(self, horizon: int) -> int:
        """Return what may be promised as complete: *horizon* once that is on the disk."""
        try:
            await self._store.promise(horizon)
        except (StoreError, SQLAlchemyError, OSError):
            return min(horizon, max(self._store.current.promised, self._store.latest_at - 1))
        return horizon

    async def _events(
        self, epoch: Epoch, rows: Sequence[Sequence[Any]]
    ) -> tuple[TrackedEvent, ...]:
        events: list[TrackedEvent] = []
        base, decode, kinds = epoch.base, self._decode, self._kinds
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            if start:
                await asyncio.sleep(0)
            events += [
                TrackedEvent(
                    number - base,
                    at,
                    kinds[kind],
                    job_ref,
                    recipient,
                    link,
                    None if facts is None else decode(facts),
                )
                for number, at, kind, job_ref, recipient, link, facts in rows[
                    start : start + ROWS_AT_A_TIME
                ]
            ]
        return tuple(events)
