"""What ``hub/hub.ini`` may say, and its values once read."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini import (
    PORT,
    AbsolutePath,
    AnyKey,
    Document,
    Duration,
    HostName,
    IpAddress,
    Key,
    Secret,
    SecretText,
    Settings,
    examine_table,
)
from sottovoce.ini.kinds import DAY
from sottovoce.pki import LONGEST_LEAF_LIFETIME
from sottovoce.web import keystore_faults

__all__ = ["HUB_KEYS", "HubSettings", "WebPlace"]

_LUI_HOST = Key(
    "LuiHost",
    HostName(),
    required=True,
    help="The name of the server on which LUI runs. An LUI on any other server is refused.",
)
_TRACKER_HOST = Key(
    "TrackerHost",
    HostName(),
    required=True,
    help="The name of the server on which TRK runs. A TRK on any other server is refused.",
)
_HEARTBEAT_INTERVAL = Key(
    "HeartbeatInterval",
    Duration(minimum=1, maximum=3600),
    default=10.0,
    help="How often LUI and TRK report to HUB.",
)
_CERTIFICATE_LIFETIME = Key(
    "CertificateLifetime",
    Duration(minimum=10, maximum=LONGEST_LEAF_LIFETIME.total_seconds()),
    default=30 * DAY,
    help="How long the certificates are good that the installation's own authority issues; each "
    "server renews its own at two thirds of it.",
)
WEB_PORT = Key(
    "WebPort",
    PORT,
    help="The port of HUB's pages for administrators; without it there are none.",
)
WEB_ADDRESS = Key(
    "WebAddress",
    IpAddress(),
    default="127.0.0.1",
    help="Where those pages are served. Without WebKeystorePath only a loopback address is taken, "
    "since passwords travel there.",
)
WEB_KEYSTORE_PATH = Key(
    "WebKeystorePath",
    AbsolutePath(),
    help="A keystore for HTTPS; may be the one of ssl.ini (W12). Without it: plain HTTP.",
)
WEB_KEYSTORE_PASSWORD = Key("WebKeystorePassword", SecretText(), help="Its password.")

#: The keys of ``hub/hub.ini``.
HUB_KEYS: tuple[AnyKey, ...] = (
    _LUI_HOST,
    _TRACKER_HOST,
    _HEARTBEAT_INTERVAL,
    _CERTIFICATE_LIFETIME,
    WEB_PORT,
    WEB_ADDRESS,
    WEB_KEYSTORE_PATH,
    WEB_KEYSTORE_PASSWORD,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPlace:
    """Where HUB's pages are served.

    Args:
        port: to bind; 0 takes a free one (tests).
        address: to bind; a loopback one unless it is HTTPS.
        keystore_path: for HTTPS; None is plain HTTP.
        keystore_password: the keystore's.
    """

    port: int
    address: str = "127.0.0.1"
    keystore_path: Path | None = None
    keystore_password: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """HUB's own settings.

    Args:
        lui_host: name of the server on which LUI runs.
        tracker_host: name of the server on which TRK runs.
        heartbeat_interval: seconds.
        certificate_lifetime: seconds.
        web: where the pages for administrators are; None for nowhere.
        warnings: what was noticed in the file and refused nothing.
    """

    lui_host: str
    tracker_host: str
    heartbeat_interval: float = 10.0
    certificate_lifetime: float = 30 * DAY
    web: WebPlace | None = None
    warnings: tuple[Fault, ...] = ()

    @classmethod
    def read(cls, document: Document, *, file: str) -> Self:
        """Read the settings of a parsed file.

        Args:
            document: of ``hub/hub.ini``.
            file: its name for messages.

        Raises:
            SettingsError: with every fault of the file.
        """
        examined = examine_table(document, HUB_KEYS, file=file)
        values = examined.settings
        faults = [*examined.faults, *_web_faults(values, file)]
        if faults:
            raise SettingsError(faults, message="HUB does not start because of its settings.")
        return cls(
            lui_host=values.of(_LUI_HOST),
            tracker_host=values.of(_TRACKER_HOST),
            heartbeat_interval=values.of(_HEARTBEAT_INTERVAL),
            certificate_lifetime=values.of(_CERTIFICATE_LIFETIME),
            web=_web_place(values),
            warnings=values.warnings,
        )


def _web_place(values: Settings) -> WebPlace | None:
    port = values.find(WEB_PORT)
    if port is None:
        return None
    return WebPlace(
        port=port,
        address=values.of(WEB_ADDRESS),
        keystore_path=values.find(WEB_KEYSTORE_PATH),
        keystore_password=values.find(WEB_KEYSTORE_PASSWORD),
    )


def _web_faults(values: Settings, file: str) -> list[Fault]:
    """Return what no single key can tell."""
    faults = keystore_faults(values, WEB_KEYSTORE_PATH, WEB_KEYSTORE_PASSWORD, file=file)
    for key in (WEB_ADDRESS, WEB_KEYSTORE_PATH):
        if values.line_of(key.name) is not None and values.line_of(WEB_PORT.name) is None:
            faults.append(
                Fault(
                    code="ini-missing-key",
                    why=f"WebPort is missing: with {key.name} alone there are no pages.",
                    hint=f"Add the line WebPort=8090, or remove {key.name}.",
                    file=file,
                    key=WEB_PORT.name,
                )
            )
            break
    address = values.find(WEB_ADDRESS)
    plain = values.line_of(WEB_KEYSTORE_PATH.name) is None
    if plain and address is not None and not ipaddress.ip_address(address).is_loopback:
        faults.append(
            Fault(
                code="ini-bad-value",
                why="WebAddress is no loopback address, and without WebKeystorePath the passwords "
                "that people type would travel unencrypted.",
                expected="a loopback address such as 127.0.0.1, or WebKeystorePath as well",
                presented=address,
                hint="Name a keystore for HTTPS; the one of commands/ssl.ini will do.",
                file=file,
                line=values.line_of(WEB_ADDRESS.name),
                key=WEB_ADDRESS.name,
            )
        )
    return faults
