"""The calls that LUI and TRK make on HUB, each answered by a use case; one object per channel.

Who calls is settled before: the gate has found out the server, and the channel lets only the roles
named in the contract call at all.
"""

from sottovoce.contracts import (
    AuditReceipt,
    AuditRows,
    Caller,
    Heartbeat,
    HeartbeatReply,
    HubHello,
    HubWelcome,
    Login,
    Nothing,
    Roster,
    SettingsReply,
    SettingsSince,
    Ticket,
    TicketHolder,
)
from sottovoce.hub.service import Registry, RosterKeeper, Sessions, audit
from sottovoce.net.clock import Clock
from sottovoce.store import Database

__all__ = ["HubCallsFor"]


class HubCallsFor:
    """:class:`sottovoce.contracts.HubCalls` for one caller.

    Args:
        caller: who calls, as the gate found out.
        database: HUB's.
        roster: for hello, heartbeat and roster.
        sessions: for log-ins and tickets.
        registry: for settings.
        clock: UTC.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        database: Database,
        roster: RosterKeeper,
        sessions: Sessions,
        registry: Registry,
        clock: Clock,
    ) -> None:
        self._caller = caller
        self._database = database
        self._roster = roster
        self._sessions = sessions
        self._registry = registry
        self._clock = clock

    async def hello(self, request: HubHello, /) -> HubWelcome:
        """Take the caller's report."""
        return await self._roster.hello(self._caller, request)

    async def heartbeat(self, request: Heartbeat, /) -> HeartbeatReply:
        """Take the caller's sign of life."""
        return await self._roster.heartbeat(self._caller, request)

    async def settings(self, request: SettingsSince, /) -> SettingsReply:
        """Give the caller its own settings."""
        return await self._registry.since(self._caller.component, request.since)

    async def login(self, request: Login, /) -> Ticket:
        """Log a person in."""
        return await self._sessions.login(request)

    async def check(self, request: TicketHolder, /) -> Ticket:
        """Check a ticket."""
        return await self._sessions.check(request.ticket)

    async def logout(self, request: TicketHolder, /) -> Nothing:
        """Take a ticket back."""
        await self._sessions.logout(request.ticket)
        return Nothing()

    async def audit(self, request: AuditRows, /) -> AuditReceipt:
        """Store the caller's audit rows."""
        async with self._database.write() as connection:
            stored = await audit.receive(
                connection,
                request.rows,
                sender=self._caller.component,
                server=self._caller.server,
                now=self._clock(),
            )
        return AuditReceipt(stored_upto=stored)

    async def roster(self, request: Nothing, /) -> Roster:
        """Say who belongs to the installation."""
        return await self._roster.roster()
