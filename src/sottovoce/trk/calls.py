"""The calls on TRK for one caller: who may ask is checked here once more; what is done, elsewhere.

The gate has verified the caller's name and role; TRK adds its own setting of which server LUI is,
so that another server of the installation with LUI's role gets nothing (rule: closed by default).
"""

from collections.abc import Callable
from dataclasses import dataclass

from sottovoce import __version__
from sottovoce.contracts import (
    Acknowledge,
    Caller,
    EndJob,
    EventBatch,
    JobStored,
    Nothing,
    PullEvents,
    PutJob,
    Revoke,
    Revoked,
    TrkHello,
    TrkStatistics,
)
from sottovoce.errors import CallRefused
from sottovoce.policy import Component
from sottovoce.trk.service import EventStore, EventWriter, Feed, JobTable
from sottovoce.trk.service.moments import from_millis

__all__ = ["CallsForLui", "Desk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the calls work with.

    Args:
        instance: drawn at TRK's start.
        lui_host: the name of the only server that may call.
        store, writer, feed, jobs: the use cases.
        clock: milliseconds since 1970 UTC.
        public_url: prefix of tracking links, once known.
        requests: how many came over HTTP since the start.
        disk_free: bytes, as last looked at.
    """

    instance: str
    lui_host: str
    store: EventStore
    writer: EventWriter
    feed: Feed
    jobs: JobTable
    clock: Callable[[], int]
    public_url: Callable[[], str]
    requests: Callable[[], int]
    disk_free: Callable[[], int]


class CallsForLui:
    """Implements ``contracts.TrkCalls``.

    Args:
        caller: as the gate found out.
        desk: what to work with.
    """

    def __init__(self, caller: Caller, desk: Desk) -> None:
        self._caller = caller
        self._desk = desk
        self._expected = desk.lui_host

    async def hello(self, request: Nothing, /) -> TrkHello:
        """Say what the store holds."""
        self._admit()
        desk = self._desk
        epoch = desk.store.current
        return TrkHello(
            instance=desk.instance,
            version=__version__,
            epoch=epoch.name,
            oldest_seq=desk.store.oldest_seq(epoch),
            next_seq=epoch.last_seq + 1,
            public_url=desk.public_url(),
            now=from_millis(desk.clock()),
        )

    async def put_job(self, request: PutJob, /) -> JobStored:
        """Store a job; refused with ``job-conflict`` or ``job-invalid``."""
        self._admit()
        new = await self._desk.jobs.put(request, now=self._desk.clock())
        return JobStored(outcome="stored" if new else "same")

    async def pull(self, request: PullEvents, /) -> EventBatch:
        """Read events; refused with ``pull-invalid``."""
        self._admit()
        return await self._desk.feed.pull(request)

    async def acknowledge(self, request: Acknowledge, /) -> Nothing:
        """Note what is safely stored; refused with ``epoch-changed`` or ``ack-beyond``."""
        self._admit()
        await self._desk.feed.acknowledge(request.epoch, request.upto)
        return Nothing()

    async def revoke(self, request: Revoke, /) -> Revoked:
        """Withdraw tracking; refused with ``job-unknown``."""
        self._admit()
        return Revoked(applied=await self._desk.jobs.revoke(request.job_ref, request.recipients))

    async def end_job(self, request: EndJob, /) -> Nothing:
        """End a job's tracking; refused with ``job-unknown``."""
        self._admit()
        await self._desk.jobs.end(request.job_ref, request.mode)
        return Nothing()

    async def statistics(self, request: Nothing, /) -> TrkStatistics:
        """Give figures."""
        self._admit()
        desk = self._desk
        return TrkStatistics(
            requests=desk.requests(),
            events=desk.writer.accepted,
            held=desk.store.held,
            acknowledged_upto=max(desk.store.acknowledged - desk.store.current.base, 0),
            lost=desk.writer.lost,
            disk_free=desk.disk_free(),
        )

    def _admit(self) -> None:
        caller = self._caller
        if caller.component is Component.LUI and caller.is_on(self._expected):
            return
        raise CallRefused(
            "caller-unexpected",
            f"TRK takes calls of LUI on {self._expected}, "
            f"not of {caller.component.label} on {caller.server}. "
            "If LUI has moved there, change LuiHost in trk/tracker.ini on TRK's server.",
        )
