"""What the checks of one server have read so far; each fills in its part for the next.

A value that is None was not read, because it is not there or is faulty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509

from sottovoce.hub import HubSettings
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, PrivateKeyEntry
from sottovoce.lui import LuiSettings
from sottovoce.net import Destination
from sottovoce.pki import ChainVerdict, RevocationEvidence
from sottovoce.policy import AllowedClients, Component
from sottovoce.server.checking.history import History
from sottovoce.server.home import Home
from sottovoce.server.plan import destinations_of
from sottovoce.server.settings import ServerSettings
from sottovoce.trk import TrkSettings

__all__ = ["Examination"]


@dataclass(kw_only=True)
class Examination:
    """One server, as far as it is known.

    Args:
        home: its files.
        at: the moment of the check, UTC.
        secured: whether the switch is there.
        process: the id of the server that runs on this home; 0 = none does.
    """

    home: Home
    at: datetime
    secured: bool = False
    settings: ServerSettings | None = None
    hub: HubSettings | None = None
    lui: LuiSettings | None = None
    trk: TrkSettings | None = None
    hosts: Mapping[Component, str] = field(default_factory=dict)
    allowed: AllowedClients | None = None
    keystore_path: Path | None = None
    keystore_password: Secret | None = None
    keystore: Keystore | None = None
    identity: PrivateKeyEntry | None = None
    roots: tuple[x509.Certificate, ...] | None = None
    revocations: RevocationEvidence | None = None
    verdict: ChainVerdict | None = None
    history: History = field(default_factory=History)
    process: int = 0

    @property
    def own_name(self) -> str:
        """The server's name; a phrase when it is not known."""
        return self.settings.server_name if self.settings is not None else "this server"

    @property
    def components(self) -> tuple[Component, ...]:
        """Which run here."""
        return self.settings.components if self.settings is not None else ()

    @property
    def sayings(self) -> tuple[tuple[Component, str, str], ...]:
        """What the settings call each component's server: component, name, where that stands."""
        found = []
        if self.hub is not None:
            found += [
                (Component.LUI, self.hub.lui_host, "LuiHost in hub/hub.ini"),
                (Component.TRK, self.hub.tracker_host, "TrackerHost in hub/hub.ini"),
            ]
        if self.lui is not None:
            found += [
                (Component.HUB, self.lui.hub_host, "HubHost in lui/lui.ini"),
                (Component.TRK, self.lui.tracker_host, "TrackerHost in lui/lui.ini"),
            ]
        if self.trk is not None:
            found += [
                (Component.HUB, self.trk.hub_host, "HubHost in trk/tracker.ini"),
                (Component.LUI, self.trk.lui_host, "LuiHost in trk/tracker.ini"),
            ]
        return tuple(found)

    @property
    def partners(self) -> Mapping[Component, str]:
        """On which server each component of the installation runs, as far as the settings say."""
        known: dict[Component, str] = dict.fromkeys(self.components, self.own_name)
        for destination in self.destinations.values():
            if destination.component is not None:
                known.setdefault(destination.component, destination.name)
        for component, name in self.hosts.items():
            known.setdefault(component, name)
        return known

    @property
    def destinations(self) -> Mapping[tuple[Component, Component], Destination]:
        """The connections that this server calls: (caller, called) → where to."""
        return destinations_of(self.lui, self.trk)
