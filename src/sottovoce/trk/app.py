"""TRK as a whole: opened on a home, started, and closed in the reverse order.

It joins the service, the public pages and the calls, keeps house (pruning, disk space) and reports
to HUB. It never dials LUI, and goes on collecting while HUB and LUI are down.
"""

import asyncio
import contextlib
import secrets
import shutil
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from sottovoce import __version__
from sottovoce.contracts import Caller, HubCalls, HubHello, Status, TrkCalls
from sottovoce.errors import StoreError
from sottovoce.net.clock import Clock, monotonic
from sottovoce.net.heartbeat import HeartbeatLoop, Reporting
from sottovoce.net.log import Log
from sottovoce.net.tasks import TaskOwner
from sottovoce.store import Database
from sottovoce.trk.calls import CallsForLui, Desk
from sottovoce.trk.pages import Pages
from sottovoce.trk.privacy import NetHasher
from sottovoce.trk.ratelimit import Limiter
from sottovoce.trk.service import EventStore, EventWriter, Feed, JobTable, Tracker
from sottovoce.trk.service.moments import HOUR, millis
from sottovoce.trk.settings import TrkSettings
from sottovoce.trk.web import PublicSite
from sottovoce.web import PagesCertificate, WebServer, serve

__all__ = ["MIGRATIONS", "TrkApp", "create_home", "database_path"]

#: TRK's Alembic script folder.
MIGRATIONS = Path(__file__).parent / "migrations"

#: Seconds between two looks at the disk's free space.
HOUSEKEEPING = 10.0


def database_path(home: Path) -> Path:
    """Return where TRK keeps its events and jobs."""
    return home / "trk" / "trk.db"


async def create_home(home: Path, *, now: datetime) -> None:
    """Make TRK's folder and database in *home*, drawing the first epoch; harmless when there.

    Args:
        home: the server's home.
        now: UTC.
    """
    path = database_path(home)
    await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
    async with await Database.open(path, migrations=MIGRATIONS) as database:
        await EventStore.open(database, now=millis(now))


class TrkApp:
    """The tracker; made by :meth:`open`, then :meth:`start` and in the end :meth:`aclose`."""

    def __init__(
        self,
        home: Path,
        settings: TrkSettings,
        database: Database,
        *,
        clock: Clock,
        log: Log,
    ) -> None:
        self._home = home
        self._settings = settings
        self._database = database
        self._clock = clock
        self._log = log
        self._started = clock()
        self._instance = secrets.token_hex(8)
        self._disk_free = 0
        self._pruned_at = 0
        self._tasks = TaskOwner(self._task_failed)
        self._writing: asyncio.Task[None] | None = None
        self._web: WebServer | None = None
        self._closed = False
        self._reporting = Reporting()

    @classmethod
    async def open(  # noqa: PLR0913 - one component has exactly these partners, all by name
        cls,
        home: Path,
        settings: TrkSettings,
        *,
        hub: HubCalls,
        own_name: str,
        secured: bool,
        clock: Clock,
        log: Log,
        reporting: Reporting = Reporting(),  # noqa: B008 - frozen
    ) -> "TrkApp":
        """Open the database in *home* and everything that needs no port.

        Args:
            home: the server's home; ``home/trk`` is TRK's.
            settings: as read from ``tracker.ini``.
            hub: the calls on HUB; they may fail at any time.
            own_name: the server's name.
            secured: whether the server's internal traffic is (W4); HUB is told.
            clock: UTC.
            log: TRK's own log, as structlog's.
            reporting: the server's part in the reports to HUB.

        Raises:
            StoreError: the database cannot be used.
        """
        await asyncio.to_thread(
            database_path(home).parent.mkdir, mode=0o700, parents=True, exist_ok=True
        )
        database = await Database.open(database_path(home), migrations=MIGRATIONS)
        app = cls(home, settings, database, clock=clock, log=log)
        app._reporting = reporting
        try:
            await app._furnish(hub, own_name, secured=secured)
        except BaseException:
            await database.aclose()
            raise
        return app

    async def _furnish(self, hub: HubCalls, own_name: str, *, secured: bool) -> None:
        settings, log = self._settings, self._log
        self._own_name = own_name
        self._secured = secured
        self._certificate = PagesCertificate(
            settings.web_keystore_path,
            settings.web_keystore_password,
            host=settings.public_host or own_name,
            ini="trk/tracker.ini",
            log=log,
        )
        store = await EventStore.open(self._database, now=self._now())
        jobs = await JobTable.open(self._database)
        self._store = store
        self._writer = EventWriter(store, self._now, log)
        self._site = PublicSite(
            Tracker(jobs, self._writer, self._now),
            await asyncio.to_thread(Pages),
            limiter=Limiter(settings.requests_per_second, monotonic),
            hasher=NetHasher(self._now),
            https=settings.web_keystore_path is not None
            or settings.public_url.startswith("https://"),
        )
        self._desk = Desk(
            instance=self._instance,
            lui_host=settings.lui_host,
            store=store,
            writer=self._writer,
            feed=Feed(store, self._writer, self._now, log),
            jobs=jobs,
            clock=self._now,
            public_url=lambda: self.public_url,
            requests=lambda: self._site.requests,
            disk_free=lambda: self._disk_free,
        )
        self._heartbeat = HeartbeatLoop(
            hub,
            self._hello,
            self.status,
            interval=settings.heartbeat_interval,
            reporting=self._reporting,
            log=log,
            clock=self._clock,
        )
        await self._look_at_disk()

    @property
    def public_port(self) -> int:
        """The port of the public pages, as bound; the one set before the start."""
        return self._web.port if self._web is not None else self._settings.public_port

    @property
    def public_url(self) -> str:
        """The prefix of tracking links, without a trailing slash."""
        if self._settings.public_url:
            return self._settings.public_url.rstrip("/")
        https = self._settings.web_keystore_path is not None
        scheme, usual = ("https", 443) if https else ("http", 80)
        port = "" if self.public_port == usual else f":{self.public_port}"
        return f"{scheme}://{self._own_name}{port}"

    @property
    def hub_connected(self) -> bool:
        """Whether HUB answered last time."""
        return self._heartbeat.connected

    def calls(self, caller: Caller) -> TrkCalls:
        """Return the calls as *caller* may make them."""
        return CallsForLui(caller, self._desk)

    def status(self) -> Status:
        """Return the figures for HUB's roster."""
        return Status(
            queue=max(self._store.current.last - self._store.acknowledged, 0),
            disk_free=self._disk_free,
            lost_events=self._writer.lost,
        )

    async def start(self) -> None:
        """Open the public port, begin to write, and report to HUB for ever.

        Raises:
            SettingsError: the port or the HTTPS certificate cannot be used.
            KeystoreError: the keystore for HTTPS does not open.
        """
        entry = await asyncio.to_thread(self._certificate.read)
        self._web = await serve(
            self._site,
            address=self._settings.public_address,
            port=self._settings.public_port,
            keystore_entry=entry,
        )
        self._writing = self._tasks.spawn(self._writer.run(), name="trk writer")
        self._tasks.spawn(self._heartbeat.run(), name="trk heartbeat")
        self._tasks.spawn(self._keep_house(), name="trk housekeeping")
        self._log.info(
            f"TRK takes opens, clicks and unsubscribes at {self.public_url} "
            f"(listening on {self._web.address}:{self._web.port})",
            action="trk-started",
            epoch=self._store.current.name,
            jobs=len(self._desk.jobs),
        )

    async def aclose(self) -> None:
        """Stop answering, store what is pending, close the database; twice is harmless."""
        if self._closed:
            return
        self._closed = True
        if self._web is not None:
            await self._web.aclose()
        self._writer.close()
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._tasks.aclose()
        await self._database.aclose()

    def _now(self) -> int:
        return millis(self._clock())

    def _hello(self) -> HubHello:
        listens = () if self._web is None else (f"{self._web.address}:{self._web.port}",)
        return HubHello(
            instance=self._instance,
            version=__version__,
            started=self._started,
            listens=listens,
            secured=self._secured,
            now=self._clock(),
        )

    async def _keep_house(self) -> None:
        """Watch disk and certificate, prune once an hour; a failure is tried again next time."""
        while True:
            with contextlib.suppress(OSError):  # what the disk had free last stands
                await self._look_at_disk()
            if self._now() - self._pruned_at >= HOUR:
                await self._prune()
            if self._web is not None:
                await self._certificate.look(self._web)
            await asyncio.sleep(HOUSEKEEPING)

    async def _prune(self) -> None:
        try:
            deleted = await self._store.prune(now=self._now())
        except (StoreError, SQLAlchemyError, OSError) as error:
            self._log.warning(
                f"Old events could not be deleted: {error}", action="events-not-pruned"
            )
            return
        self._pruned_at = self._now()
        if deleted:
            self._log.info(
                "Events acknowledged over 35 days ago were deleted",
                action="events-pruned",
                events=deleted,
            )

    async def _look_at_disk(self) -> None:
        usage = await asyncio.to_thread(shutil.disk_usage, self._home)
        self._disk_free = usage.free
        scarce = usage.free < self._settings.reserved_space
        if scarce != self._writer.only_vital:
            self._writer.only_vital = scarce
            if scarce:
                self._log.error(
                    f"The disk of TRK's home has {usage.free} bytes free, below the "
                    f"{self._settings.reserved_space} reserved: only unsubscribes and choices are "
                    "stored, opens and clicks are counted as lost. Make room.",
                    action="disk-nearly-full",
                )
            else:
                self._log.info("The disk has room again", action="disk-has-room")

    def _task_failed(self, name: str, error: BaseException) -> None:
        self._log.error(
            f"A part of TRK ended with an error: {name}: {type(error).__name__}: {error}",
            action="task-failed",
            task=name,
        )
