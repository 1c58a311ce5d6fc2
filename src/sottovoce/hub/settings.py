"""What ``hub/hub.ini`` may say, and its values once read."""

from dataclasses import dataclass
from typing import Self

from sottovoce.errors import Fault
from sottovoce.ini import AnyKey, Document, Duration, HostName, Key, read_table
from sottovoce.ini.kinds import DAY
from sottovoce.pki import LONGEST_LEAF_LIFETIME

__all__ = ["HUB_KEYS", "HubSettings"]

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
#: The keys of ``hub/hub.ini``.
HUB_KEYS: tuple[AnyKey, ...] = (
    _LUI_HOST,
    _TRACKER_HOST,
    _HEARTBEAT_INTERVAL,
    _CERTIFICATE_LIFETIME,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """HUB's own settings.

    Args:
        lui_host: name of the server on which LUI runs.
        tracker_host: name of the server on which TRK runs.
        heartbeat_interval: seconds.
        certificate_lifetime: seconds.
        warnings: what was noticed in the file and refused nothing.
    """

    lui_host: str
    tracker_host: str
    heartbeat_interval: float = 10.0
    certificate_lifetime: float = 30 * DAY
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
        values = read_table(document, HUB_KEYS, file=file)
        return cls(
            lui_host=values.of(_LUI_HOST),
            tracker_host=values.of(_TRACKER_HOST),
            heartbeat_interval=values.of(_HEARTBEAT_INTERVAL),
            certificate_lifetime=values.of(_CERTIFICATE_LIFETIME),
            warnings=values.warnings,
        )
