"""The keys of ``lui/lui.ini`` and the settings that they become.

The mail relay's encryption has keys of its own here; ``ssl.ini`` never changes it (SPEC W7).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from sottovoce.errors import Fault
from sottovoce.ini import (
    PORT,
    AbsolutePath,
    AnyKey,
    Choice,
    Document,
    Duration,
    HostName,
    Integer,
    IpAddress,
    Key,
    Secret,
    SecretText,
    Text,
    read_table,
)

__all__ = ["LUI_KEYS", "LuiSettings", "SmtpSecurity"]


class SmtpSecurity(StrEnum):
    """How the relay is reached."""

    NONE = "none"
    #: Plain at first, then encrypted; refused when the relay does not offer it.
    STARTTLS = "starttls"
    #: Encrypted from the first byte.
    TLS = "tls"


_HUB_HOST = Key(
    "HubHost", HostName(), required=True, help="The name of HUB's server; dialled and verified."
)
_HUB_PORT = Key("HubPort", PORT, default=1099, help="HUB's internal port.")
_HUB_ADDRESS = Key(
    "HubAddress", IpAddress(), help="Where to connect when HubHost shall not be resolved."
)
_TRACKER_HOST = Key(
    "TrackerHost", HostName(), required=True, help="The name of TRK's server; dialled and verified."
)
_TRACKER_PORT = Key("TrackerPort", PORT, default=7000, help="TRK's communications port.")
_TRACKER_ADDRESS = Key(
    "TrackerAddress", IpAddress(), help="Where to connect when TrackerHost shall not be resolved."
)
_SMTP_HOST = Key(
    "SmtpHost", Text(253), required=True, help="The mail relay: a host name or an IP address."
)
_SMTP_PORT = Key("SmtpPort", PORT, default=25, help="The mail relay's port.")
_SMTP_SECURITY = Key(
    "SmtpSecurity",
    Choice(tuple(SmtpSecurity)),
    default="none",
    help="How the relay is reached; ssl.ini plays no part in it.",
)
_SMTP_ROOTS = Key(
    "SmtpTrustedRoots",
    AbsolutePath(),
    help="PEM file of the authorities trusted for the relay; without it, the system's.",
)
_SMTP_USER = Key("SmtpUser", Text(200), default="", help="The log-in name at the relay.")
_SMTP_PASSWORD = Key("SmtpPassword", SecretText(), help="The password at the relay.")
_SMTP_CONNECTIONS = Key(
    "SmtpConnections", Integer(1, 100), default=4, help="Connections to the relay at once."
)
_SMTP_TIMEOUT = Key(
    "SmtpTimeout",
    Duration(minimum=1, maximum=600),
    default=60.0,
    help="How long the relay may take for one answer.",
)
_SMTP_RETRY_DELAY = Key(
    "SmtpRetryDelay",
    Duration(minimum=0.1, maximum=86400),
    default=60.0,
    help="When a deferred mail is tried again; further tries wait 5, 15, 60 and 240 times that.",
)
_MAIL_DOMAIN = Key(
    "MailDomain", HostName(), help="The domain in Message-ID and List-Id; by default ServerName."
)
_EVENT_TRANSFER_INTERVAL = Key(
    "EventTransferInterval",
    Duration(minimum=0.2, maximum=86400),
    default=60.0,
    help="How often events are fetched from TRK.",
)
_HEARTBEAT_INTERVAL = Key(
    "HeartbeatInterval",
    Duration(minimum=0.2, maximum=3600),
    help="How often LUI reports to HUB; by default as HUB says.",
)
#: The keys of ``lui/lui.ini``.
LUI_KEYS: tuple[AnyKey, ...] = (
    _HUB_HOST,
    _HUB_PORT,
    _HUB_ADDRESS,
    _TRACKER_HOST,
    _TRACKER_PORT,
    _TRACKER_ADDRESS,
    _SMTP_HOST,
    _SMTP_PORT,
    _SMTP_SECURITY,
    _SMTP_ROOTS,
    _SMTP_USER,
    _SMTP_PASSWORD,
    _SMTP_CONNECTIONS,
    _SMTP_TIMEOUT,
    _SMTP_RETRY_DELAY,
    _MAIL_DOMAIN,
    _EVENT_TRANSFER_INTERVAL,
    _HEARTBEAT_INTERVAL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LuiSettings:
    """LUI's settings.

    Args:
        hub_host, tracker_host: the names that are dialled and verified.
        hub_port, tracker_port: their ports.
        hub_address, tracker_address: where to connect when the name shall not be resolved.
        smtp_host, smtp_port: the relay.
        smtp_security: how it is reached.
        smtp_trusted_roots: PEM file of the authorities to trust for it; None = the system's.
        smtp_user, smtp_password: log-in at the relay; an empty user logs in nowhere.
        smtp_connections: at once, 1 to 100.
        smtp_timeout: seconds that the relay may take for one answer.
        smtp_retry_delay: seconds until a deferred mail is tried again; further tries wait longer.
        mail_domain: right of the @ in Message-ID, and the end of List-Id; empty = own name.
        event_transfer_interval: seconds between two fetches of events from the tracker.
        heartbeat_interval: seconds between signs of life to HUB; None = as HUB says.
        warnings: what was noticed in the file and refused nothing.
    """

    hub_host: str
    tracker_host: str
    smtp_host: str
    hub_port: int = 1099
    hub_address: str | None = None
    tracker_port: int = 7000
    tracker_address: str | None = None
    smtp_port: int = 25
    smtp_security: SmtpSecurity = SmtpSecurity.NONE
    smtp_trusted_roots: Path | None = None
    smtp_user: str = ""
    smtp_password: Secret = field(default_factory=lambda: Secret(""))
    smtp_connections: int = 4
    smtp_timeout: float = 60.0
    smtp_retry_delay: float = 60.0
    mail_domain: str = ""
    event_transfer_interval: float = 60.0
    heartbeat_interval: float | None = None
    warnings: tuple[Fault, ...] = ()

    @classmethod
    def read(cls, document: Document, *, file: str) -> Self:
        """Read the settings of a parsed file.

        Args:
            document: of ``lui/lui.ini``.
            file: its name for messages.

        Raises:
            SettingsError: with every fault of the file.
        """
        values = read_table(document, LUI_KEYS, file=file)
        return cls(
            hub_host=values.of(_HUB_HOST),
            hub_port=values.of(_HUB_PORT),
            hub_address=values.find(_HUB_ADDRESS),
            tracker_host=values.of(_TRACKER_HOST),
            tracker_port=values.of(_TRACKER_PORT),
            tracker_address=values.find(_TRACKER_ADDRESS),
            smtp_host=values.of(_SMTP_HOST),
            smtp_port=values.of(_SMTP_PORT),
            smtp_security=SmtpSecurity(values.of(_SMTP_SECURITY)),
            smtp_trusted_roots=values.find(_SMTP_ROOTS),
            smtp_user=values.of(_SMTP_USER),
            smtp_password=values.find(_SMTP_PASSWORD) or Secret(""),
            smtp_connections=values.of(_SMTP_CONNECTIONS),
            smtp_timeout=values.of(_SMTP_TIMEOUT),
            smtp_retry_delay=values.of(_SMTP_RETRY_DELAY),
            mail_domain=values.find(_MAIL_DOMAIN) or "",
            event_transfer_interval=values.of(_EVENT_TRANSFER_INTERVAL),
            heartbeat_interval=values.find(_HEARTBEAT_INTERVAL),
            warnings=values.warnings,
        )
