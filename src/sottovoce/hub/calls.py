"""The calls that LUI and TRK make on HUB, each answered by a use case; one object per channel.

Who calls is settled before: the gate has found out the server, and the channel lets only the roles
named in the contract call at all.
"""

import msgspec

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
    RenewalRequest,
    Renewed,
    Roster,
    SettingsReply,
    SettingsSince,
    Ticket,
    TicketHolder,
    TrustBundle,
    TrustSince,
)
from sottovoce.errors import CallRefused
from sottovoce.hub.service import Registry, RosterKeeper, Sessions, audit
from sottovoce.hub.switch_desk import SwitchDesk
from sottovoce.hub.trust_desk import TrustDesk
from sottovoce.net.clock import Clock
from sottovoce.net.log import Log
from sottovoce.store import Database

__all__ = ["HelloLog", "HubCallsFor"]


class HelloLog:
    """Logs who reports in and who is refused: changes only, since a refused component tries on.

    Args:
        log: HUB's own.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._last: dict[tuple[str, str], str] = {}

    def welcomed(self, caller: Caller, request: HubHello) -> None:
        """Note a good hello."""
        if self._is_news(caller, request.instance):
            self._log.info(
                f"{caller.component.label} on {caller.server} reported in",
                action="component-reported",
                component=caller.component.value,
                server=caller.server,
                version=request.version,
                secured=caller.secured,
                connection_id=caller.connection_id,
            )

    def refused(self, caller: Caller, refusal: CallRefused) -> None:
        """Note a refused hello, with the reason that the component was given."""
        if self._is_news(caller, refusal.code):
            self._log.warning(
                f"{caller.component.label} on {caller.server} is refused: {refusal.message}",
                action="component-refused",
                component=caller.component.value,
                server=caller.server,
                code=refusal.code,
                connection_id=caller.connection_id,
            )

    def _is_news(self, caller: Caller, what: str) -> bool:
        who = (caller.component.value, caller.server)
        news = self._last.get(who) != what
        self._last[who] = what
        return news


class HubCallsFor:
    """:class:`sottovoce.contracts.HubCalls` for one caller.

    Args:
        caller: who calls, as the gate found out.
        database: HUB's.
        roster: for hello, heartbeat and roster.
        sessions: for log-ins and tickets.
        registry: for settings.
        desk: for whom to trust, and renewals.
        switch: for the word whether to secure the installation.
        hellos: logs who reports in.
        clock: UTC.
    """

    def __init__(  # noqa: PLR0913 - one collaborator for each kind of call, all by name
        self,
        caller: Caller,
        *,
        database: Database,
        roster: RosterKeeper,
        sessions: Sessions,
        registry: Registry,
        desk: TrustDesk,
        switch: SwitchDesk,
        hellos: HelloLog,
        clock: Clock,
    ) -> None:
        self._caller = caller
        self._database = database
        self._roster = roster
        self._sessions = sessions
        self._registry = registry
        self._desk = desk
        self._switch = switch
        self._hellos = hellos
        self._clock = clock

    async def hello(self, request: HubHello, /) -> HubWelcome:
        """Take the caller's report."""
        try:
            welcome = await self._roster.hello(self._caller, request)
        except CallRefused as refusal:
            self._hellos.refused(self._caller, refusal)
            raise
        self._hellos.welcomed(self._caller, request)
        return welcome

    async def heartbeat(self, request: Heartbeat, /) -> HeartbeatReply:
        """Take the caller's sign of life."""
        reply = await self._roster.heartbeat(self._caller, request)
        commands = await self._desk.commands(self._caller, request.status)
        word = await self._switch.word(request.status)
        return msgspec.structs.replace(
            reply, trust_rev=self._desk.rev, commands=commands, switch=word
        )

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

    async def trust(self, request: TrustSince, /) -> TrustBundle:
        """Say whom to trust."""
        bundle = self._desk.bundle()
        return bundle if bundle.rev != request.rev else TrustBundle(rev=bundle.rev)

    async def renew(self, request: RenewalRequest, /) -> Renewed:
        """Certify a new key of the caller, and write it into the audit trail."""
        renewed = await self._desk.renew(self._caller, request)
        now = self._clock()
        act = audit.Act(
            at=now,
            actor="HUB",
            verb="certificate-renewed",
            subject=self._caller.server,
            detail=f"asked for by {self._caller.component.label} under {self._caller.fingerprint}",
        )
        async with self._database.write() as connection:
            await audit.record(connection, act)
        return renewed
