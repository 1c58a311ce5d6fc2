"""The keys of ``trk/tracker.ini`` and the settings made of them."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini import (
    PORT,
    AbsolutePath,
    AnyKey,
    Document,
    Duration,
    HostName,
    Integer,
    IpAddress,
    Key,
    Secret,
    SecretText,
    Settings,
    Text,
    examine_table,
)
from sottovoce.web import keystore_faults

__all__ = ["TRK_KEYS", "TrkSettings"]

HUB_HOST = Key(
    "HubHost", HostName(), required=True, help="The name by which HUB's server identifies itself."
)
HUB_PORT = Key("HubPort", PORT, default=1099, help="HUB's internal port.")
HUB_ADDRESS = Key(
    "HubAddress", IpAddress(), help="Where to connect when HubHost is not to be looked up."
)
LUI_HOST = Key(
    "LuiHost",
    HostName(),
    required=True,
    help="The name of LUI's server, the only one that may fetch events.",
)
PUBLIC_URL = Key(
    "PublicUrl",
    Text(200),
    help="The beginning of every tracking link, such as https://t.example.org. "
    "Without it: made of this server's name and PublicPort.",
)
PUBLIC_ADDRESS = Key(
    "PublicAddress",
    IpAddress(),
    default="0.0.0.0",  # noqa: S104 - TRK faces the Internet
    help="Where recipients' requests are taken.",
)
PUBLIC_PORT = Key(
    "PublicPort", PORT, help="The port of the tracking links: 80, or 443 with WebKeystorePath."
)
WEB_KEYSTORE_PATH = Key(
    "WebKeystorePath",
    AbsolutePath(),
    help="A keystore for HTTPS; may be the one of ssl.ini (W12). Without it: plain HTTP, for use "
    "behind a proxy that has the certificate.",
)
WEB_KEYSTORE_PASSWORD = Key("WebKeystorePassword", SecretText(), help="Its password.")
HEARTBEAT_INTERVAL = Key(
    "HeartbeatInterval",
    Duration(1, 3600),
    help="How often TRK gives HUB a sign of life; without it, as HUB says.",
)
REQUESTS_PER_SECOND = Key(
    "RequestsPerSecond",
    Integer(0, 1_000_000),
    default=1000,
    help="Requests that one network (/24 or /48) may make; 0 for no limit.",
)
RESERVED_SPACE = Key(
    "ReservedSpace",
    Integer(0, 1_000_000, "megabytes"),
    default=64,
    help="Disk space kept for unsubscribes: with less free, opens and clicks are counted as lost.",
)

#: Every key that the file may have.
TRK_KEYS: tuple[AnyKey, ...] = (
    HUB_HOST,
    HUB_PORT,
    HUB_ADDRESS,
    LUI_HOST,
    PUBLIC_URL,
    PUBLIC_ADDRESS,
    PUBLIC_PORT,
    WEB_KEYSTORE_PATH,
    WEB_KEYSTORE_PASSWORD,
    HEARTBEAT_INTERVAL,
    REQUESTS_PER_SECOND,
    RESERVED_SPACE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrkSettings:
    """What TRK was told.

    Args:
        hub_host: the name that is dialled and verified.
        lui_host: the name of the only server that may call.
        hub_port: HUB's internal port.
        hub_address: where to connect instead of looking *hub_host* up.
        public_url: prefix of tracking links without a trailing slash; empty = from name and port.
        public_address: IP address to bind.
        public_port: to bind; 0 takes a free one (tests).
        web_keystore_path: for HTTPS; None is plain HTTP.
        web_keystore_password: the keystore's.
        heartbeat_interval: seconds; None is as HUB says.
        requests_per_second: of one network; 0 is no limit.
        reserved_space: bytes of disk kept for unsubscribes.
        warnings: what was noticed in the file and refused nothing.
    """

    hub_host: str
    lui_host: str
    hub_port: int = 1099
    hub_address: str | None = None
    public_url: str = ""
    public_address: str = "127.0.0.1"
    public_port: int = 0
    web_keystore_path: Path | None = None
    web_keystore_password: Secret | None = None
    heartbeat_interval: float | None = None
    requests_per_second: int = 1000
    reserved_space: int = 64 * 1024 * 1024
    warnings: tuple[Fault, ...] = ()

    @property
    def public_host(self) -> str:
        """The host name in ``PublicUrl``; empty without one."""
        return urlsplit(self.public_url).hostname or ""

    @classmethod
    def read(cls, document: Document, *, file: str) -> "TrkSettings":
        """Read the settings of a parsed file.

        Args:
            document: of ``trk/tracker.ini``.
            file: its name for messages.

        Raises:
            SettingsError: with every fault of the file.
        """
        examined = examine_table(document, TRK_KEYS, file=file)
        faults = [*examined.faults, *_further_faults(examined.settings, file)]
        if faults:
            raise SettingsError(faults, message="TRK does not start because of its settings.")
        return _made_of(examined.settings)


def _made_of(values: Settings) -> TrkSettings:
    keystore = values.find(WEB_KEYSTORE_PATH)
    port = values.find(PUBLIC_PORT) or (80 if keystore is None else 443)
    return TrkSettings(
        hub_host=values.of(HUB_HOST),
        lui_host=values.of(LUI_HOST),
        hub_port=values.of(HUB_PORT),
        hub_address=values.find(HUB_ADDRESS),
        public_url=(values.find(PUBLIC_URL) or "").rstrip("/"),
        public_address=values.of(PUBLIC_ADDRESS),
        public_port=port,
        web_keystore_path=keystore,
        web_keystore_password=values.find(WEB_KEYSTORE_PASSWORD),
        heartbeat_interval=values.find(HEARTBEAT_INTERVAL),
        requests_per_second=values.of(REQUESTS_PER_SECOND),
        reserved_space=values.of(RESERVED_SPACE) * 1024 * 1024,
        warnings=values.warnings,
    )


def _further_faults(values: Settings, file: str) -> list[Fault]:
    """Return what no single key can tell."""
    faults = []
    url = values.find(PUBLIC_URL)
    if url is not None and (why := _bad_url(url)):
        faults.append(
            Fault(
                code="ini-bad-value",
                why=f"PublicUrl {why}.",
                expected="http:// or https://, a host name, perhaps a port, and nothing after it",
                presented=url,
                hint="Write it like https://news.example.org.",
                file=file,
                line=values.line_of(PUBLIC_URL.name),
                key=PUBLIC_URL.name,
            )
        )
    faults += keystore_faults(values, WEB_KEYSTORE_PATH, WEB_KEYSTORE_PASSWORD, file=file)
    return faults


def _bad_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is not an absolute http or https address"
    if "@" in parts.netloc:
        return "has credentials in it"
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        return "has something after the host and port"
    return ""
