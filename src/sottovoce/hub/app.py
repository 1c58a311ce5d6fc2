"""HUB as its server runs it: opened, asked for the calls of each channel, closed."""

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from sottovoce.contracts import Caller, HubCalls, Roster, Status
from sottovoce.errors import StoreError
from sottovoce.hub.authority import Issuer
from sottovoce.hub.calls import HelloLog, HubCallsFor
from sottovoce.hub.home import open_database
from sottovoce.hub.join_desk import Admit, JoinDesk
from sottovoce.hub.service import (
    RFC_9106_LOW_MEMORY,
    Accounts,
    Argon2Preset,
    Installation,
    Invitations,
    PasswordHasher,
    Registry,
    RosterKeeper,
    SecurityReport,
    Sessions,
    audit,
    history,
    read_report,
)
from sottovoce.hub.service.refused import keep_address, keep_refused
from sottovoce.hub.settings import HubSettings, WebPlace
from sottovoce.hub.snapshots import CHANGES_SHOWN, installation_of
from sottovoce.hub.switch_desk import SwitchDesk
from sottovoce.hub.trust_desk import TrustDesk
from sottovoce.hub.web import serve_pages
from sottovoce.net.clock import Clock
from sottovoce.net.log import Log
from sottovoce.net.posture import certificates_of
from sottovoce.net.refused import RefusedCallers, host_of
from sottovoce.net.security import Outcome, SecurityRecord
from sottovoce.net.tasks import TaskOwner
from sottovoce.policy import Component
from sottovoce.store import Database
from sottovoce.tls import Trust
from sottovoce.web import PagesCertificate, WebServer

__all__ = ["HubApp"]

#: Seconds between two sweeps of expired tickets and forgotten failures.
PURGE_INTERVAL = 3600.0

#: Seconds that pass at least between two looks at the connections: strangers may cause a look.
LOOK_PAUSE = 1.0


class HubApp:
    """One running HUB.

    Use :meth:`open`, then :meth:`start`; :meth:`aclose` at the end. ``accounts`` and ``registry``
    are the use cases for people who administer the installation; ``issuer`` is its issuing
    authority, None where certificates come from outside; ``switch`` knows whether a plain
    installation may be secured.
    """

    switch: SwitchDesk

    def __init__(
        self,
        database: Database,
        *,
        installation: Installation,
        desk: TrustDesk,
        clock: Clock,
        log: Log,
        preset: Argon2Preset = RFC_9106_LOW_MEMORY,
    ) -> None:
        hasher = PasswordHasher(preset, random=secrets.token_bytes)
        self._database = database
        self._installation = installation
        self._desk = desk
        self._clock = clock
        self._log = log
        self._hellos = HelloLog(log)
        self._tasks = TaskOwner(self._task_failed)
        self._roster = RosterKeeper(
            database, installation=installation, clock=clock, own=self._own_status
        )
        self._sessions = Sessions(database, hasher=hasher, clock=clock, random=secrets.token_bytes)
        self._silent: frozenset[Component] = frozenset()
        self._refused = RefusedCallers()
        self._addresses: dict[Component, str] = {}
        self._news = asyncio.Event()
        self._place: WebPlace | None = None
        self._trust: Trust | None = None
        self._certificate: PagesCertificate | None = None
        self.web: WebServer | None = None
        self.issuer: Issuer | None = None
        self.accounts = Accounts(database, hasher=hasher, clock=clock)
        self.registry = Registry(database, clock=clock)

    @classmethod
    async def open(
        cls,
        home: Path,
        settings: HubSettings,
        *,
        own_name: str,
        trust: Trust,
        clock: Clock,
        log: Log,
    ) -> Self:
        """Open the HUB whose server's home is *home*.

        Args:
            home: the server's home folder.
            settings: from ``hub/hub.ini``.
            own_name: the server's name.
            trust: what its server trusts; plain when it points to no generation (SPEC W4).
            clock: UTC.
            log: HUB's own.

        Raises:
            StoreError: there is no database, or it cannot be used; or the issuing authority's
                files cannot be.
            CertificateFormatError, IssuanceError: they are damaged, or do not fit together.
        """
        secured = trust.current is not None
        installation = installation_of(settings, own_name=own_name, secured=secured)
        issuer = await asyncio.to_thread(Issuer.open, home)
        lifetime = timedelta(seconds=settings.certificate_lifetime)
        desk = TrustDesk(trust, issuer, lifetime=lifetime, clock=clock, log=log)
        database = await open_database(home)
        app = cls(database, installation=installation, desk=desk, clock=clock, log=log)
        app._place = settings.web
        app._trust = trust
        app.issuer = issuer
        app.switch = SwitchDesk(home, database, installation, clock=clock)
        return app

    def calls(self, caller: Caller) -> HubCalls:
        """Return the calls for one channel, made by *caller*."""
        return HubCallsFor(
            caller,
            database=self._database,
            roster=self._roster,
            sessions=self._sessions,
            registry=self.registry,
            desk=self._desk,
            switch=self.switch,
            hellos=self._hellos,
            clock=self._clock,
        )

    def reception(self, admit: Admit, *, lifetime: timedelta) -> JoinDesk | None:
        """Return where new servers may join; None without an issuing authority.

        Args:
            admit: puts a new server into HUB's own list and into force.
            lifetime: of the certificates.
        """
        if self.issuer is None:
            return None
        return JoinDesk(
            Invitations(self._database, clock=self._clock, random=secrets.token_bytes),
            self.issuer,
            self._desk,
            admit=admit,
            hosts={Component.HUB: self._installation.own_name, **self._installation.servers},
            lifetime=lifetime,
            clock=self._clock,
            log=self._log,
        )

    async def report(self, *, most: int = CHANGES_SHOWN) -> SecurityReport:
        """Return how the installation's connections stand, with the newest *most* changes."""
        async with self._database.read() as connection:
            own = certificates_of(self._trust.current) if self._trust is not None else ()
            return await read_report(
                connection, self._installation, self._clock(), most=most, own=own
            )

    def noticed(self, record: SecurityRecord) -> None:
        """Take what the security log is told of HUB's port: who was let in, and who was not."""
        if record.outcome is Outcome.ACCEPTED and record.component in self._installation.servers:
            self._addresses[Component(record.component)] = host_of(record.address)
        elif self._refused.note(record):
            self._news.set()

    def _own_status(self) -> Status:
        generation = self._trust.current if self._trust is not None else None
        allowed = generation.allowed.names if generation is not None else ()
        return Status(
            certificates=certificates_of(generation),
            naming=self._installation.naming(allowed),
            trust_rev=self._desk.rev,
        )

    async def roster(self) -> Roster:
        """Return the three components, as HUB knows them."""
        return await self._roster.roster()

    async def start(self) -> None:
        """Open the pages and begin the background work.

        The log gets the audit trail's head, as a witness.

        Raises:
            SettingsError: the pages' port or certificate cannot be used.
            KeystoreError, FormatError: the keystore for HTTPS does not open.
        """
        if (place := self._place) is not None:
            self._certificate = PagesCertificate(
                place.keystore_path,
                place.keystore_password,
                host=self._installation.own_name,
                ini="hub/hub.ini",
                log=self._log,
            )
            self.web = await serve_pages(
                place,
                self._certificate,
                sessions=self._sessions,
                accounts=self.accounts,
                report=lambda most: self.report(most=most),
            )
        async with self._database.read() as connection:
            head = await audit.head(connection)
        self._log.info(
            "HUB's registry is open",
            action="hub-open",
            audit_seq=head.seq,
            audit_hash=head.hash,
            lui=self._installation.servers[Component.LUI],
            trk=self._installation.servers[Component.TRK],
        )
        self._tasks.spawn(self._sweep(), name="hub-sweep")
        self._tasks.spawn(self._watch(), name="hub-watch")

    async def aclose(self) -> None:
        """End the pages and the background work, and close the database."""
        if self.web is not None:
            await self.web.aclose()
        await self._tasks.aclose()
        await self._database.aclose()

    async def sweep(self) -> int:
        """Delete what has expired or is too old; return how many rows went."""
        expired = await self._sessions.purge()
        async with self._database.write() as connection:
            return expired + await history.prune(connection, self._clock())

    async def watch(self) -> None:
        """Write the history on; log, once each time, that a component is silent or back.

        A changed keystore for HTTPS is noticed as well.
        """
        await self._note()
        if self.web is not None and self._certificate is not None:
            await self._certificate.look(self.web)
        silent = await self._roster.silent()
        limit = self._installation.silent_after.total_seconds()
        for component in sorted(silent - self._silent):
            self._log.warning(
                f"{component.label} has given no sign of life for {limit:.0f} s. "
                f"Look at its log on {self._installation.servers[component]}.",
                action="component-silent",
                component=component.value,
            )
        for component in sorted(self._silent - silent):
            self._log.info(
                f"{component.label} is back", action="component-back", component=component.value
            )
        self._silent = silent

    async def _note(self) -> None:
        refused = self._refused.latest if self._news.is_set() else ()
        addresses, self._addresses = self._addresses, {}
        self._news.clear()
        async with self._database.write() as connection:
            for component, address in addresses.items():
                await keep_address(connection, component, address)
            await keep_refused(connection, Component.HUB, refused)
            await history.note(connection, self._installation, self._clock())

    async def _sweep(self) -> None:
        while True:
            await self._survive(self.sweep(), "hub-sweep-failed")
            await asyncio.sleep(PURGE_INTERVAL)

    async def _watch(self) -> None:
        while True:
            await self._survive(self.watch(), "hub-watch-failed")
            await asyncio.sleep(LOOK_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._installation.heartbeat_interval - LOOK_PAUSE):
                    await self._news.wait()

    async def _survive(self, work: Coroutine[Any, Any, object], action: str) -> None:
        """Do one round of background work; a full disk must not end it for good."""
        try:
            await work
        except StoreError as error:
            self._log.error(str(error), action=action, code=error.code)

    def _task_failed(self, name: str, error: BaseException) -> None:
        self._log.error(
            f"HUB's background task {name} ended: {error!r}. Restart the server.",
            action="task-failed",
            task=name,
            exc_info=error,
        )
