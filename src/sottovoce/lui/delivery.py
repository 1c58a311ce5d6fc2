"""The delivery worker: takes ready jobs from the database and hands their mails to the relay.

Owns the order of steps that makes a mail go out at most once unnoticed: tracker knows the job →
recipients inflight on disk → SMTP → outcome on disk. After a crash at most ``connections * BATCH``
mails per running job are uncertain. Knows no template and no schema.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sottovoce.contracts import PutJob, TrkCalls
from sottovoce.contracts.hub import Nothing
from sottovoce.errors import (
    CallError,
    ChannelError,
    RemoteFault,
    SettingsError,
    SottovoceError,
    StoreError,
)
from sottovoce.lui.line import BATCH, Line
from sottovoce.lui.relay import Relay, RelayDown
from sottovoce.lui.schema import TrackingType, to_ms
from sottovoce.lui.service.composer import ComposedJob, Composer
from sottovoce.lui.service.jobs import Job, compiled, digest_of, due_jobs
from sottovoce.lui.service.ledger import Ledger
from sottovoce.lui.settings import LuiSettings
from sottovoce.net.clock import Clock
from sottovoce.net.log import Log
from sottovoce.net.tasks import TaskOwner
from sottovoce.store import Database

__all__ = ["BATCH", "Delivery"]

#: Seconds between two looks for jobs that are ready; commands run in processes of their own.
POLL = 0.3
#: Seconds after which an outcome is on disk even when its connection claims nothing more.
FLUSH = 0.2
#: Types of which browser and network are kept; elsewhere they could tell who somebody is (E12).
_TRACEABLE = frozenset({TrackingType.PERSONAL, TrackingType.PERSONAL_BY_PERMISSION})
#: No mail goes out on a knowledge of unsubscribes older than this (tracker-and-campaign E17).
OLDEST_FEED = timedelta(hours=1)
#: Seconds before a relay or tracker that is away is tried again: first, and at most.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0


class Delivery:
    """Delivers jobs until it is stopped.

    Args:
        database: LUI's.
        relay: where mails go.
        tracker: the calls on TRK.
        settings: LUI's.
        mail_domain: right of the @ in Message-IDs.
        clock: UTC.
        log: changes go here.
        fresh: awaited before a job's delivery: fetches unsubscribes that the tracker holds.
        fetched: gives the moment at which that was last done completely.
    """

    def __init__(  # noqa: PLR0913 - the worker stands between exactly these
        self,
        database: Database,
        relay: Relay,
        tracker: TrkCalls,
        settings: LuiSettings,
        *,
        mail_domain: str,
        clock: Clock,
        log: Log,
        fresh: Callable[[], Awaitable[object]],
        fetched: Callable[[], datetime | None],
    ) -> None:
        self._database = database
        self.relay = relay
        self._tracker = tracker
        self.settings = settings
        self._mail_domain = mail_domain
        self.clock = clock
        self._log = log
        self._fresh = fresh
        self._fetched = fetched
        self.ledger = Ledger(database, clock)
        self._composers: dict[tuple[str, str], Composer] = {}
        self._noted: dict[int, str] = {}
        self._pauses = 0
        self.stopping = asyncio.Event()
        self.queue = 0

    def stop(self) -> None:
        """Take no new recipient; mails in DATA are finished."""
        self.stopping.set()

    async def run(self) -> None:
        """Deliver until :meth:`stop`; outcomes are on disk when this returns."""
        await self._recover()
        owner = TaskOwner(lambda _, error: self._failed(error))
        owner.spawn(self._flush_regularly(), name="ledger flush")
        try:
            while not self.stopping.is_set():
                await self._wait(await self._guarded_pass())
        finally:
            await owner.aclose()
            await self.ledger.flush()

    async def _recover(self) -> None:
        """Find out what a crash left under way; nothing is sent before that is known."""
        recovered: int | None = None
        while recovered is None and not self.stopping.is_set():
            try:
                recovered = await self.ledger.recover()
            except StoreError as error:
                self._failed(error)
                await self._wait(LONGEST_PAUSE)
        if recovered:
            self._log.warning(
                f"{recovered} mails were under way when the program last ended: uncertain, not "
                "sent again. See them with 'sottovoce job uncertain'.",
                action="ledger-uncertain",
                count=recovered,
            )

    async def _guarded_pass(self) -> float:
        """Make a pass; a failure (a full disk, a mistake of ours) is told and tried again later."""
        try:
            return await self._pass()
        except Exception as error:  # noqa: BLE001 - mails are kept back, never lost, by going on
            self._failed(error)
            return LONGEST_PAUSE

    def _failed(self, error: BaseException) -> None:
        self._log.error(
            f"Delivery was interrupted and will be tried again: {type(error).__name__}: {error}",
            action="delivery-failed",
        )

    def is_stale(self) -> bool:
        """Tell whether too little is known of who has unsubscribed lately."""
        fetched = self._fetched()
        return fetched is None or self.clock() - fetched > OLDEST_FEED

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()

    async def _flush_regularly(self) -> None:
        while True:
            await asyncio.sleep(FLUSH)
            try:
                await self.ledger.flush()
            except Exception as error:  # noqa: BLE001 - what is pending stays pending
                self._failed(error)

    async def _pass(self) -> float:
        """Serve every job that is due once; return seconds until the next pass."""
        async with self._database.read() as connection:
            jobs = await due_jobs(connection)
        self.queue = len(jobs)
        waiting = False
        for job in jobs:
            if self.stopping.is_set():
                break
            waiting |= not await self._serve_job(job)
        self._pauses = self._pauses + 1 if waiting else 0
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._pauses, 10)) if waiting else POLL

    async def _serve_job(self, job: Job) -> bool:
        """Deliver what is due of one job; False when a partner is away and it has to wait."""
        try:
            composer = await self._prepared(job)
            if self.is_stale():
                await self._fresh()
            await self._hand_over(job, composer)
            if not self.stopping.is_set() and await self.ledger.finish(job):
                self._noted.pop(job.id, None)
                self._composers.pop((job.job_ref or "", job.digest or ""), None)
                self._log.info(f"Job {job.name!r} is completed.", action="job-completed")
        except RelayDown as error:
            await self._note(job, error.code, str(error))
            return False
        except (ChannelError, CallError) as error:
            return await self._tracker_trouble(job, error)
        except StoreError:
            raise  # the disk's trouble, or a command that writes for long: no fault of the job
        except SettingsError as error:
            await self._note(job, "job-changed", str(error), halt=True)
        except SottovoceError as error:
            await self._note(job, error.code, str(error), halt=True)
        return True

    async def _tracker_trouble(self, job: Job, error: ChannelError | CallError) -> bool:
        if isinstance(error, RemoteFault) and error.code == "job-conflict":
            why = f"TRK holds another job under the reference {job.job_ref}: {error.message}"
            await self._note(job, error.code, f"{why} Define the job anew.", halt=True)
            return True
        if isinstance(error, RemoteFault) and error.code == "job-invalid":
            await self._note(job, error.code, f"TRK refuses it: {error.message}", halt=True)
            return True
        why = (
            f"TRK does not answer, so no mail goes out: {error.message} The job goes on by itself."
        )
        await self._note(job, "tracker-unreachable", why)
        return False

    async def _note(self, job: Job, code: str, text: str, *, halt: bool = False) -> None:
        """Say why a job waits, in its row and once in the log."""
        if self._noted.get(job.id) == code and not halt:
            return
        self._noted[job.id] = code
        await self.ledger.set_note(job, code, text, halt=halt)
        if code:
            verb = "is halted" if halt else "waits"
            self._log.warning(f"Job {job.name!r} {verb}: {text}", action="job-waits", code=code)

    async def _prepared(self, job: Job) -> Composer:
        """Make sure that TRK knows the job, and return what composes its mails."""
        assert job.job_ref is not None
        assert job.key is not None
        assert job.digest is not None
        known = self._composers.get((job.job_ref, job.digest))
        if known is not None:
            return known
        async with self._database.read() as connection:
            content = await compiled(connection, job)
        if digest_of(job, content) != job.digest:
            raise SettingsError([], message=f"The job {job.name!r} is not what was authorised.")
        hello = await self._tracker.hello(Nothing())
        await self._tracker.put_job(
            PutJob(
                job_ref=job.job_ref,
                key=job.key,
                digest=job.digest,
                links=tuple(link.url for link in content.links),
                track=job.tracking is not TrackingType.NONE,
                identify=job.tracking is not TrackingType.BLIND,
                keep_facts=job.tracking in _TRACEABLE,
                sender=job.sender,
                list_name=job.list_name,
            )
        )
        await self._fresh()
        composer = Composer(
            ComposedJob(
                job_ref=job.job_ref,
                key=job.key,
                public_url=hello.public_url,
                sender=job.sender,
                list_name=job.list_name,
                mail_domain=self._mail_domain,
                content=content,
            )
        )
        self._composers[job.job_ref, job.digest] = composer
        self._log.info(
            f"Job {job.name!r} goes out to {job.recipients} recipients.",
            action="job-started",
            job_ref=job.job_ref,
        )
        return composer

    async def _hand_over(self, job: Job, composer: Composer) -> None:
        """Hand over what is due, by several connections at once.

        Raises:
            RelayDown: the relay went away or never was there; what was not sent is planned again.
        """
        if not await self._anyone_due(job):
            return
        failures: list[BaseException] = []
        owner = TaskOwner(lambda _, error: failures.append(error))
        first = await self.relay.connect()
        await self._note(job, "", "")
        lines = [Line(self, job, composer, first)]
        lines += [Line(self, job, composer) for _ in range(self.settings.smtp_connections - 1)]
        tasks = [
            owner.spawn(line.run(), name=f"smtp {number}") for number, line in enumerate(lines, 1)
        ]
        try:
            await asyncio.wait(tasks)
        finally:
            await owner.aclose()
            await self.ledger.flush()
        for failure in failures:
            if not isinstance(failure, RelayDown):
                raise failure
        if failures and not self.stopping.is_set() and await self._anyone_due(job):
            raise failures[0]

    async def _anyone_due(self, job: Job) -> bool:
        async with self._database.read() as connection:
            found = await connection.exec_driver_sql(
                "SELECT EXISTS (SELECT 1 FROM job_recipient INDEXED BY job_recipient_due"
                " WHERE job_id = ?"
                " AND state IN ('planned', 'deferred') AND due <= ?)",
                (job.id, to_ms(self.clock())),
            )
            return bool(found.scalar_one())
