"""LUI as a running component: its delivery worker, its event feed, its heartbeat.

Owns when things run and in which order they end; what they do is theirs. The partners arrive as
typed calls, so this module knows no channel.
"""

import asyncio
import contextlib
import secrets
from datetime import datetime
from pathlib import Path
from typing import Self

import sottovoce
from sottovoce.contracts import HubCalls, HubHello, Status, TrkCalls
from sottovoce.errors import CallError, ChannelError, Fault, SottovoceError
from sottovoce.lui.delivery import Delivery
from sottovoce.lui.relay import Relay
from sottovoce.lui.schema import MIGRATIONS
from sottovoce.lui.service.feed import Feed
from sottovoce.lui.settings import LuiSettings
from sottovoce.net.clock import Clock
from sottovoce.net.heartbeat import HeartbeatLoop, Reporting
from sottovoce.net.log import Log
from sottovoce.net.tasks import TaskOwner
from sottovoce.store import Database

__all__ = ["LuiApp", "create_home", "database_path", "open_database"]

#: Seconds after which a tracker that is away is called again, though events are fetched less often;
#: the peer makes the pauses between attempts longer.
_RETRY = 2.0

#: Seconds that a stop waits for mails in DATA before their connections are cut (and the mails
#: become uncertain); a relay answers within a few seconds.
GRACE = 15.0


def database_path(home: Path) -> Path:
    """Return where LUI's database lies in the server home *home*."""
    return home / "lui" / "lui.db"


async def open_database(home: Path) -> Database:
    """Open LUI's database in the server home *home*; commands do so beside a running server.

    Raises:
        SottovoceError: ``no-lui``: this home has no LUI.
    """
    path = database_path(home)
    if not await asyncio.to_thread(path.parent.is_dir):
        raise SottovoceError(
            f"{home} is no server home with a LUI: there is no folder {path.parent}.",
            hint="Give the right --home, or make one with 'sottovoce init'.",
            code="no-lui",
        )
    return await Database.open(path, migrations=MIGRATIONS)


async def create_home(home: Path, *, now: datetime) -> None:
    """Make LUI's folder and its empty database in the server home *home*; repeating is harmless.

    Args:
        home: the server home, which must exist.
        now: unused by this version's schema; every component's has it.
    """
    await asyncio.to_thread((home / "lui").mkdir, mode=0o700, exist_ok=True)
    database = await open_database(home)
    await database.aclose()


class LuiApp:
    """A running LUI; use :meth:`open`, then :meth:`start`, then :meth:`aclose`."""

    def __init__(
        self, database: Database, delivery: Delivery, feed: Feed, settings: LuiSettings, log: Log
    ) -> None:
        self.database = database
        self._delivery = delivery
        self._feed = feed
        self._settings = settings
        self._log = log
        self._owner = TaskOwner(self._task_failed)
        self._worker: asyncio.Task[None] | None = None
        self._heartbeat: HeartbeatLoop | None = None
        self._pulling = asyncio.Lock()
        self._away = ""
        self._lost = 0

    @classmethod
    async def open(  # noqa: PLR0913 - the component's surroundings, all by name
        cls,
        home: Path,
        settings: LuiSettings,
        *,
        hub: HubCalls,
        tracker: TrkCalls,
        own_name: str,
        secured: bool,
        clock: Clock,
        log: Log,
        reporting: Reporting = Reporting(),  # noqa: B008 - frozen
    ) -> Self:
        """Open the database and make the parts ready; nothing runs before :meth:`start`.

        Args:
            home: the server home.
            settings: from ``lui/lui.ini``.
            hub, tracker: the calls on the partners; they raise ``ChannelError`` while one is away.
            own_name: the name by which this server identifies itself.
            secured: whether it is secured, as told to HUB.
            clock: UTC.
            log: LUI's.
            reporting: the server's part in the reports to HUB.
        """
        database = await open_database(home)
        feed = Feed(database, tracker, clock)
        relay = Relay(settings, own_name=own_name)
        app: Self

        async def fresh() -> None:
            await app.pull()

        delivery = Delivery(
            database,
            relay,
            tracker,
            settings,
            mail_domain=settings.mail_domain or own_name,
            clock=clock,
            log=log,
            fresh=fresh,
            fetched=lambda: feed.fetched_at,
        )
        app = cls(database, delivery, feed, settings, log)
        instance = secrets.token_hex(8)
        started = clock()
        app._heartbeat = HeartbeatLoop(
            hub,
            lambda: HubHello(
                instance=instance,
                version=sottovoce.__version__,
                started=started,
                listens=(),
                secured=secured,
                now=clock(),
            ),
            app.status,
            interval=settings.heartbeat_interval,
            reporting=reporting,
            log=log,
            clock=clock,
        )
        return app

    def _task_failed(self, name: str, error: BaseException) -> None:
        self._log.error(
            f"The task {name!r} ended by {type(error).__name__}: {error}", action="task-failed"
        )

    async def start(self) -> None:
        """Begin to deliver, to fetch events and to report to HUB."""
        assert self._heartbeat is not None
        self._worker = self._owner.spawn(self._delivery.run(), name="delivery")
        self._owner.spawn(self._pull_regularly(), name="event feed")
        self._owner.spawn(self._heartbeat.run(), name="heartbeat")

    async def _pull_regularly(self) -> None:
        while True:
            try:
                await self.pull()
                if self._away:
                    self._log.info("TRK answers again.", action="tracker-back")
                self._away = ""
            except (ChannelError, CallError) as error:
                self._tracker_away(error)
            except Exception as error:  # noqa: BLE001 - the feed goes on; nothing was acknowledged
                self._task_failed("event feed", error)
            interval = self._settings.event_transfer_interval
            await asyncio.sleep(min(interval, _RETRY) if self._away else interval)

    def _tracker_away(self, error: SottovoceError) -> None:
        if self._away != error.code:
            self._away = error.code
            self._log.warning(
                f"No events from TRK: {error.message} It keeps them until it is reached.",
                action="tracker-away",
                code=error.code,
            )

    async def pull(self) -> None:
        """Fetch everything that the tracker has, now.

        Raises:
            ChannelError, CallError: the tracker is away.
        """
        async with self._pulling:
            applied = await self._feed.pull()
        self._lost += len(applied.losses)
        for loss in applied.losses:
            fault = Fault(code="events-lost", why=f"The event feed is not complete: {loss}.")
            self._log.warning(fault.why, action=fault.code, code=fault.code)
        if applied.orphans:
            self._log.warning(
                f"{applied.orphans} events are of recipients that this LUI does not know.",
                action="events-orphaned",
                count=applied.orphans,
            )
        if applied.stored:
            self._log.info(
                f"{applied.stored} events fetched from TRK.",
                action="events-fetched",
                stored=applied.stored,
                repeated=applied.repeated,
            )

    def status(self) -> Status:
        """Return figures for HUB's roster."""
        return Status(queue=self._delivery.queue, lost_events=self._lost)

    async def aclose(self) -> None:
        """Take no new recipient, finish mails in DATA, write the ledger, end everything."""
        self._delivery.stop()
        if self._worker is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await asyncio.wait([self._worker])
        await self._owner.aclose()
        await self.database.aclose()
