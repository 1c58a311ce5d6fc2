"""What LUI and TRK may ask of HUB, on the internal port (1099)."""

from datetime import datetime
from typing import Protocol

import msgspec

from sottovoce.contracts.calling import Record, call
from sottovoce.contracts.posture import CertificateFacts, EdgePosture, RefusedCaller
from sottovoce.contracts.switching import PreparedSwitch, SwitchWord
from sottovoce.policy import Component

__all__ = [
    "RENEW",
    "AuditReceipt",
    "AuditRow",
    "AuditRows",
    "Command",
    "Heartbeat",
    "HeartbeatReply",
    "HubCalls",
    "HubHello",
    "HubWelcome",
    "Login",
    "Naming",
    "Nothing",
    "RenewalRequest",
    "Renewed",
    "Roster",
    "RosterRow",
    "SettingsReply",
    "SettingsSince",
    "Status",
    "Ticket",
    "TicketHolder",
    "TrustBundle",
    "TrustSince",
]

_PARTNERS = (Component.LUI, Component.TRK)

#: The verb of the command by which HUB has a server renew its certificate now.
RENEW = "renew"


class Nothing(Record, frozen=True, kw_only=True):
    """The empty record: a call that needs no argument, or gives no result."""


class HubHello(Record, frozen=True, kw_only=True):
    """A component reports in.

    Args:
        instance: drawn at the component's start, so that HUB can tell a restart.
        version: of the program.
        started: UTC.
        listens: ``address:port`` of each port that the component's server has open.
        secured: whether its server is secured (W4: HUB's own must agree).
        now: the component's clock, UTC.
    """

    instance: str
    version: str
    started: datetime
    listens: tuple[str, ...]
    secured: bool
    now: datetime


class HubWelcome(Record, frozen=True, kw_only=True):
    """HUB's answer: which installation this is, the settings' revision, and HUB's clock."""

    install_id: str
    settings_rev: int
    heartbeat_interval: float
    hub_time: datetime


class Naming(Record, frozen=True, kw_only=True):
    """What a server calls itself and its partners, as it has it in force.

    Args:
        server: its own name.
        allowed: the names that it allows; empty when it is plain.
        dials: connection (``lui-hub``) → the name that it dials.
        expects: component → the server from which it takes that component's calls.
    """

    server: str
    allowed: tuple[str, ...] = ()
    dials: dict[str, str] = msgspec.field(default_factory=dict)
    expects: dict[str, str] = msgspec.field(default_factory=dict)


class Status(Record, frozen=True, kw_only=True):
    """How a component is: figures for the roster.

    Args:
        queue, lag_seconds, disk_free, lost_events: figures of the component.
        certificates: that its server shows now, its own first; empty when plain.
        edges: the connections that it dials.
        refused: who was not let in at its port, the newest last.
        trust_rev: of HUB's trust bundle that is in force on its server; empty when that server
            does not take its trust from HUB.
        roots: SHA-256 of each root that its server trusts.
        issuer: SHA-256 of the certificate that signed its server's.
        renewal: the code of the fault that keeps its server's certificate from being renewed.
        lists: the code of what is wrong with its server's revocation lists: that one nears its end,
            or has ended.
        prepared: what its plain server has ready for being secured.
        naming: its server's names.
    """

    queue: int = 0
    lag_seconds: float = 0.0
    disk_free: int = 0
    certificates: tuple[CertificateFacts, ...] = ()
    lost_events: int = 0
    edges: tuple[EdgePosture, ...] = ()
    refused: tuple[RefusedCaller, ...] = ()
    trust_rev: str = ""
    roots: tuple[str, ...] = ()
    issuer: str = ""
    renewal: str = ""
    lists: str = ""
    prepared: PreparedSwitch | None = None
    naming: Naming | None = None


class Heartbeat(Record, frozen=True, kw_only=True):
    """A sign of life."""

    instance: str
    status: Status


class Command(Record, frozen=True, kw_only=True):
    """Something HUB wants done; it rides on a heartbeat's reply because HUB never dials.

    What HUB wants follows from what it was told, so a command comes again until it is carried out.

    Args:
        verb: ``renew``: renew the server's certificate now. One that is unknown is passed over.
        arguments: by name; ``why`` is for the log.
    """

    verb: str
    arguments: dict[str, str] = msgspec.field(default_factory=dict)


class HeartbeatReply(Record, frozen=True, kw_only=True):
    """The settings' revision, commands for this component, and the revision of HUB's trust.

    Args:
        settings_rev: rises with each change of the component's settings.
        commands: to be carried out in their order.
        trust_rev: of the :class:`TrustBundle` to have; empty when HUB gives out none.
        switch: whether the plain installation may be secured; None to a server that is not
            prepared.
    """

    settings_rev: int
    commands: tuple[Command, ...] = ()
    trust_rev: str = ""
    switch: SwitchWord | None = None


class SettingsSince(Record, frozen=True, kw_only=True):
    """Ask for the settings changed after revision *since* (0 = all)."""

    since: int = 0


class SettingsReply(Record, frozen=True, kw_only=True):
    """The caller's own settings that changed, at revision *rev*."""

    rev: int
    changed: dict[str, str]


class TrustSince(Record, frozen=True, kw_only=True):
    """Ask for the trust that HUB gives out, when it is not *rev*."""

    rev: str = ""


class TrustBundle(Record, frozen=True, kw_only=True):
    """Whom every server of the installation trusts, as HUB has it in force (issue 5).

    Args:
        rev: a digest of the rest; equal bundles have equal ones.
        roots: trusted roots, DER.
        crls: revocation lists, DER.
        allowed: the names of all servers.
    """

    rev: str
    roots: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    allowed: tuple[str, ...] = ()


class RenewalRequest(Record, frozen=True, kw_only=True):
    """Ask for a certificate for a new key; whose it is, the channel says.

    Args:
        request: PKCS#10, DER. Only its key and the proof that the caller has it count: names and
            roles are those of the certificate in use, and of a renaming that HUB has recorded.
    """

    request: bytes


class Renewed(Record, frozen=True, kw_only=True):
    """The new certificate with those above it: DER, leaf first, root last."""

    chain: tuple[bytes, ...]


class Login(Record, frozen=True, kw_only=True):
    """A person's log-in, passed on by LUI; the password exists in memory only."""

    account: str
    password: str
    group: str = ""
    origin: str = ""

    def __repr__(self) -> str:
        return f"Login(account={self.account!r}, password='•••')"


class Ticket(Record, frozen=True, kw_only=True):
    """A session: the ticket to show, whose it is, what it allows, until when (UTC)."""

    ticket: str
    account: str
    rights: tuple[str, ...]
    expires: datetime

    def __repr__(self) -> str:
        return f"Ticket(ticket='•••', account={self.account!r})"


class TicketHolder(Record, frozen=True, kw_only=True):
    """Show a ticket, to check it or to give it back."""

    ticket: str

    def __repr__(self) -> str:
        return "TicketHolder(ticket='•••')"


class AuditRow(Record, frozen=True, kw_only=True):
    """Who did what, when; *seq* is the sender's own count, rising by one."""

    seq: int
    at: datetime
    actor: str
    verb: str
    subject: str
    detail: str = ""


class AuditRows(Record, frozen=True, kw_only=True):
    """A batch of audit rows in the order of their numbers."""

    rows: tuple[AuditRow, ...]


class AuditReceipt(Record, frozen=True, kw_only=True):
    """The highest number that is stored."""

    stored_upto: int


class RosterRow(Record, frozen=True, kw_only=True):
    """One component of the installation, as HUB knows it."""

    component: Component
    server: str
    secured: bool
    version: str = ""
    last_seen: datetime | None = None
    status: Status | None = None


class Roster(Record, frozen=True, kw_only=True):
    """All components, HUB included."""

    rows: tuple[RosterRow, ...]


class HubCalls(Protocol):
    """The calls on HUB."""

    @call("hub.hello", roles=_PARTNERS)
    async def hello(self, request: HubHello, /) -> HubWelcome:
        """Report in; refused with ``mode-mismatch``, ``component-unexpected`` or ``clock-skew``."""
        ...

    @call("hub.heartbeat", roles=_PARTNERS)
    async def heartbeat(self, request: Heartbeat, /) -> HeartbeatReply:
        """Give a sign of life; refused with ``hello-first`` when HUB does not know the instance."""
        ...

    @call("hub.settings", roles=_PARTNERS)
    async def settings(self, request: SettingsSince, /) -> SettingsReply:
        """Read the caller's own settings."""
        ...

    @call("hub.login", roles=[Component.LUI])
    async def login(self, request: Login, /) -> Ticket:
        """Log a person in; refused with ``login-bad``, ``login-locked`` or ``login-disabled``."""
        ...

    @call("hub.check", roles=[Component.LUI])
    async def check(self, request: TicketHolder, /) -> Ticket:
        """Check a ticket; refused with ``ticket-bad``."""
        ...

    @call("hub.logout", roles=[Component.LUI])
    async def logout(self, request: TicketHolder, /) -> Nothing:
        """Give a ticket back."""
        ...

    @call("hub.audit", roles=_PARTNERS)
    async def audit(self, request: AuditRows, /) -> AuditReceipt:
        """Hand over audit rows; repeating is harmless."""
        ...

    @call("hub.roster", roles=_PARTNERS)
    async def roster(self, request: Nothing, /) -> Roster:
        """Ask who belongs to the installation."""
        ...

    @call("hub.trust", roles=_PARTNERS)
    async def trust(self, request: TrustSince, /) -> TrustBundle:
        """Fetch whom to trust; refused with ``trust-not-given`` when HUB gives out none."""
        ...

    @call("hub.renew", roles=_PARTNERS)
    async def renew(self, request: RenewalRequest, /) -> Renewed:
        """Renew the caller's certificate; refused with ``renewal-refused``."""
        ...
