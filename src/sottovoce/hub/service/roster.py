"""The roster: which component runs where, since when, and how it is.

Who calls is known from the channel (:class:`Caller`), never from an argument. HUB never dials;
what it knows it was told by hellos and heartbeats.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce import __version__
from sottovoce.contracts import (
    Caller,
    Heartbeat,
    HeartbeatReply,
    HubHello,
    HubWelcome,
    Roster,
    RosterRow,
    Status,
)
from sottovoce.errors import CallRefused
from sottovoce.hub import schema
from sottovoce.hub.service import audit, history, registry
from sottovoce.hub.service.bounds import bounded_status
from sottovoce.hub.service.installation import (
    Installation,
    plain_name,
    seen,
    status_of,
    utc,
)
from sottovoce.hub.service.refused import keep_refused
from sottovoce.net.clock import Clock
from sottovoce.policy import Component
from sottovoce.store import Database

__all__ = ["CLOCK_SKEW_ALLOWED", "RosterKeeper"]

#: Certificates and tickets are judged by the clock; Kerberos (RFC 4120 §7.5.1) allows as much.
CLOCK_SKEW_ALLOWED = timedelta(minutes=5)


class RosterKeeper:
    """Keeps the roster.

    Args:
        database: HUB's.
        installation: what HUB's configuration says.
        clock: UTC.
        own: gives the status of HUB's own server, where it runs.
    """

    def __init__(
        self,
        database: Database,
        *,
        installation: Installation,
        clock: Clock,
        own: Callable[[], Status] | None = None,
    ) -> None:
        self._database = database
        self._installation = installation
        self._clock = clock
        self._own = own

    async def hello(self, caller: Caller, request: HubHello) -> HubWelcome:
        """Take a component's report; a refused one is remembered for the map of connections.

        Raises:
            CallRefused: ``component-unexpected``, ``mode-mismatch`` or ``clock-skew``.
        """
        now = self._clock()
        try:
            self._check(caller, request, now)
        except CallRefused as refused:
            async with self._database.write() as connection:
                await _remember_refusal(connection, caller, refused, now)
                await history.note(connection, self._installation, now)
            raise
        async with self._database.write() as connection:
            await self._enter(connection, caller, request, now)
            await history.note(connection, self._installation, now)
            rev = await registry.revision(connection, caller.component)
            install_id = (
                await connection.execute(sa.select(schema.installation.c.install_id))
            ).scalar_one()
        return HubWelcome(
            install_id=install_id,
            settings_rev=rev,
            heartbeat_interval=self._installation.heartbeat_interval,
            hub_time=now,
        )

    async def heartbeat(self, caller: Caller, request: Heartbeat) -> HeartbeatReply:
        """Take a sign of life.

        Raises:
            CallRefused: ``hello-first``: that instance on that server has not reported in.
        """
        table, now = schema.component, self._clock()
        status = bounded_status(request.status, caller.component, now)
        async with self._database.write() as connection:
            changed = await connection.execute(
                sa.update(table)
                .where(
                    table.c.name == caller.component.value,
                    table.c.instance == request.instance,
                    table.c.server == self._place(caller),
                )
                .values(
                    last_seen=now,
                    status=msgspec.json.encode(status).decode(),
                    connection_id=caller.connection_id,
                    fingerprint=caller.fingerprint,
                )
            )
            if changed.rowcount == 0:
                raise CallRefused(
                    "hello-first",
                    f"HUB does not know this instance of {caller.component.label} on "
                    f"{caller.server}. Say hello first.",
                )
            await keep_refused(connection, caller.component, status.refused)
            await history.note(connection, self._installation, now)
            rev = await registry.revision(connection, caller.component)
        return HeartbeatReply(settings_rev=rev)

    async def roster(self) -> Roster:
        """Return all three components: HUB, and the partners as configured and last seen."""
        now = self._clock()
        own = RosterRow(
            component=Component.HUB,
            server=self._installation.own_name,
            secured=self._installation.secured,
            version=__version__,
            last_seen=now,
            status=self._own() if self._own is not None else None,
        )
        async with self._database.read() as connection:
            known = await seen(connection)
        partners = (
            _row(component, server, known.get(component))
            for component, server in self._installation.servers.items()
        )
        return Roster(rows=(own, *partners))

    async def silent(self) -> frozenset[Component]:
        """Return the partners that have reported in and then fell silent."""
        limit = self._clock() - self._installation.silent_after
        async with self._database.read() as connection:
            known = await seen(connection)
        return frozenset(name for name, row in known.items() if row.last_seen < limit)

    def _place(self, caller: Caller) -> str:
        """Return the caller's server as HUB's configuration calls it, also while it is renamed."""
        expected = self._installation.servers.get(caller.component, "")
        return plain_name(expected if caller.is_on(expected) else caller.server)

    def _check(self, caller: Caller, request: HubHello, now: datetime) -> None:
        label, server = caller.component.label, caller.server
        expected = self._installation.servers.get(caller.component)
        if expected is None or not caller.is_on(expected):
            where = f"on {expected}" if expected else "on no other server than this"
            raise CallRefused(
                "component-unexpected",
                f"{label} reports from {server}, but HUB expects it {where}. Correct "
                f"{_host_key(caller.component)} in hub/hub.ini on {self._installation.own_name}, "
                f"or stop the {label} on {server}.",
            )
        ours = self._installation.secured
        if caller.secured != ours or request.secured != ours:
            raise CallRefused("mode-mismatch", self._mode_message(label, server))
        skew = utc(request.now) - now
        if abs(skew) > CLOCK_SKEW_ALLOWED:
            raise CallRefused(
                "clock-skew",
                f"The clock of {server} says {utc(request.now):%Y-%m-%d %H:%M:%S} UTC, that of "
                f"{self._installation.own_name} {now:%Y-%m-%d %H:%M:%S} UTC: {_minutes(skew)} "
                f"apart, at most {_minutes(CLOCK_SKEW_ALLOWED)} are allowed. Set the clock that "
                "is wrong.",
            )

    def _mode_message(self, label: str, server: str) -> str:
        own = self._installation.own_name
        if self._installation.secured:
            return (
                f"{own} (HUB) is secured and {server} ({label}) is not: all servers or none. "
                f"Give {server} its commands/ssl.ini and restart it, or switch all servers back."
            )
        return (
            f"{server} ({label}) is secured and {own} (HUB) is not: all servers or none. "
            f"Give {own} its commands/ssl.ini and restart it, or switch all servers back."
        )

    async def _enter(
        self, connection: AsyncConnection, caller: Caller, request: HubHello, now: datetime
    ) -> None:
        table, name = schema.component, caller.component.value
        before = (await connection.execute(sa.select(table).where(table.c.name == name))).first()
        values: dict[str, Any] = {
            "name": name,
            "server": self._place(caller),
            "instance": request.instance,
            "version": request.version,
            "started": utc(request.started),
            "listens": msgspec.json.encode(request.listens).decode(),
            "secured": caller.secured,
            "fingerprint": caller.fingerprint,
            "connection_id": caller.connection_id,
            "clock_offset": (utc(request.now) - now).total_seconds(),
            "hello_at": now,
            "last_seen": now,
            "status": before.status if before and before.instance == request.instance else None,
        }
        await connection.execute(sa.insert(table).prefix_with("OR REPLACE").values(values))
        refusals = schema.refusal
        await connection.execute(sa.delete(refusals).where(refusals.c.component == name))
        if before is None or before.instance != request.instance:
            await audit.record(connection, _started(caller, request, now))


async def _remember_refusal(
    connection: AsyncConnection, caller: Caller, refused: CallRefused, now: datetime
) -> None:
    """Note a refused hello; only a change of its reason goes into the audit trail."""
    table = schema.refusal
    server = plain_name(caller.server)
    place = (table.c.component == caller.component.value) & (table.c.server == server)
    before = (await connection.execute(sa.select(table).where(place))).first()
    values = {
        "component": caller.component.value,
        "server": server,
        "code": refused.code,
        "message": refused.message,
        "at": now,
        "attempts": before.attempts + 1 if before is not None else 1,
    }
    await connection.execute(sa.insert(table).prefix_with("OR REPLACE").values(values))
    if before is None or before.code != refused.code:
        act = audit.Act(
            at=now,
            actor="HUB",
            verb="component-refused",
            subject=f"{caller.component.label} on {caller.server}",
            detail=f"{refused.code}: {refused.message}",
        )
        await audit.record(connection, act)


def _started(caller: Caller, request: HubHello, now: datetime) -> audit.Act:
    return audit.Act(
        at=now,
        actor="HUB",
        verb="component-reported",
        subject=f"{caller.component.label} on {caller.server}",
        detail=f"version {request.version}, {'secured' if caller.secured else 'plain'}",
    )


def _row(component: Component, server: str, row: sa.Row[Any] | None) -> RosterRow:
    if row is None:
        return RosterRow(component=component, server=server, secured=False)
    return RosterRow(
        component=component,
        server=server,
        secured=row.secured,
        version=row.version,
        last_seen=row.last_seen,
        status=status_of(row),
    )


def _host_key(component: Component) -> str:
    return "LuiHost" if component is Component.LUI else "TrackerHost"


def _minutes(span: timedelta) -> str:
    seconds = round(abs(span).total_seconds())
    return f"{seconds // 60} min {seconds % 60} s" if seconds % 60 else f"{seconds // 60} min"
