"""A server's plan: every file of its home, read and judged together, before anything is opened.

No fault hides another: what can be read of a file, or without a file, is read and judged all the
same, so that one attempt at a start tells everything that is to be mended.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from sottovoce.contracts import Naming, dial_key
from sottovoce.errors import Fault
from sottovoce.hub import HUB_KEYS, HubSettings
from sottovoce.ini import AnyKey, Document, Secret, SecretText
from sottovoce.lui import LUI_KEYS, LuiSettings
from sottovoce.net import Destination
from sottovoce.policy import Component, examine_ssl
from sottovoce.server.home import Faults, Home, check_private, read_ini
from sottovoce.server.passwords import elsewhere_perhaps
from sottovoce.server.reading import Reading, reading_once
from sottovoce.server.settings import ServerSettings
from sottovoce.server.trust import StoreUse, is_secured, load_generation, read_identity
from sottovoce.tls import Trust, TrustGeneration
from sottovoce.trk import TRK_KEYS, TrkSettings

__all__ = [
    "Plan",
    "destinations_of",
    "expected_hosts",
    "read_hub",
    "read_lui",
    "read_plan",
    "read_plan_of",
    "read_trk",
]

Value = TypeVar("Value")

_KEYS: Mapping[Component, tuple[AnyKey, ...]] = {
    Component.HUB: HUB_KEYS,
    Component.LUI: LUI_KEYS,
    Component.TRK: TRK_KEYS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A server's files, read and found right; nothing is opened yet.

    Args:
        home: where they are.
        settings: of ``server.ini``.
        hub, lui, trk: of the components that run here, else None.
        hosts: on which server each component is expected.
        trust: points to whom to trust; to None = not secured.
        reading: in which state the files were that trust was read from.
        warnings: what was noticed and refuses nothing.
    """

    home: Home
    settings: ServerSettings
    hub: HubSettings | None
    lui: LuiSettings | None
    trk: TrkSettings | None
    hosts: Mapping[Component, str]
    trust: Trust
    reading: Reading
    warnings: tuple[Fault, ...] = ()

    @property
    def generation(self) -> TrustGeneration | None:
        """Whom to trust: what was read here, or what has come into force since."""
        return self.trust.current

    @property
    def secured(self) -> bool:
        """Whether the switch is on."""
        return self.generation is not None

    @property
    def dials(self) -> dict[str, str]:
        """Connection (``lui-hub``) → the name that is dialled for it."""
        return {dial_key(*edge): place.name for edge, place in self.destinations.items()}

    @property
    def destinations(self) -> dict[tuple[Component, Component], Destination]:
        """The connections that this server calls: (caller, called) → where to."""
        return destinations_of(self.lui, self.trk)

    @property
    def naming(self) -> Naming:
        """What this server calls itself and its partners."""
        return Naming(
            server=self.settings.server_name,
            allowed=self.generation.allowed.names if self.generation is not None else (),
            dials=self.dials,
            expects={component.value: host for component, host in self.hosts.items()},
        )


def destinations_of(
    lui: LuiSettings | None, trk: TrkSettings | None
) -> dict[tuple[Component, Component], Destination]:
    """Return the connections that a server with these components calls: who, whom → where to."""
    found: dict[tuple[Component, Component], Destination] = {}
    for caller, settings in ((Component.LUI, lui), (Component.TRK, trk)):
        if settings is not None:
            found[caller, Component.HUB] = Destination(
                name=settings.hub_host,
                port=settings.hub_port,
                address=settings.hub_address or "",
                component=Component.HUB,
            )
    if lui is not None:
        found[Component.LUI, Component.TRK] = Destination(
            name=lui.tracker_host,
            port=lui.tracker_port,
            address=lui.tracker_address or "",
            component=Component.TRK,
        )
    return found


def read_plan(path: Path, *, at: datetime, starting: bool = False) -> Plan:
    """Read and check every file of the home at *path*.

    Args:
        path: the home folder.
        at: UTC, for the dates of certificates.
        starting: whether the server is about to run: where HUB gives out the lists and is
            elsewhere, overdue ones are then a warning, since only a running server gets new ones.

    Raises:
        SettingsError: with every fault of every file.
    """
    return read_plan_of(Home(path.absolute()), at=at, starting=starting)


def read_plan_of(home: Home, *, at: datetime, starting: bool = False) -> Plan:
    """Read and check every file of *home*, which may see the switch elsewhere than it is.

    Args:
        home: the home.
        at: UTC, for the dates of certificates.
        starting: as for :func:`read_plan`.

    Raises:
        SettingsError: with every fault of every file.
    """
    faults = Faults()
    settings = faults.attempt(home.settings)
    if settings is None:
        _examine_the_rest(home, faults)
        raise faults.error(_DOES_NOT_START)
    faults.warnings += settings.warnings
    hub, lui, trk = _components(home, settings.components, faults, settings.server_name)
    hosts = expected_hosts(hub, trk, faults, home)
    generation = None
    with reading_once() as reading:
        reading.note(home.server_ini)
        reading.note(home.ssl_ini)
        if is_secured(home):
            heals = starting and settings.trust_from_hub and hub is None
            loaded = faults.attempt(
                lambda: load_generation(home, settings, hosts=hosts, at=at, may_heal=heals)
            )
            if loaded is not None:
                generation = loaded[0]
                faults.warnings += loaded[1]
    faults.check(_DOES_NOT_START)
    return Plan(
        home=home,
        settings=settings,
        hub=hub,
        lui=lui,
        trk=trk,
        hosts=MappingProxyType(hosts),
        trust=Trust(generation),
        reading=reading,
        warnings=tuple(faults.warnings),
    )


_DOES_NOT_START = "The server does not start."


def _components(
    home: Home, here: tuple[Component, ...], faults: Faults, own_name: str = ""
) -> tuple[HubSettings | None, LuiSettings | None, TrkSettings | None]:
    """Read the settings of the components that run here."""
    hub = read_hub(home, faults, own_name=own_name) if Component.HUB in here else None
    lui = read_lui(home, faults) if Component.LUI in here else None
    trk = read_trk(home, faults, own_name=own_name) if Component.TRK in here else None
    return hub, lui, trk


def read_hub(home: Home, faults: Faults, *, own_name: str = "") -> HubSettings | None:
    """Read ``hub/hub.ini``, or return None after taking note of every fault.

    Args:
        home: the server's.
        faults: where they are noted.
        own_name: the server's name; chooses among several keys of the keystore for HTTPS.
    """
    hub = _read(home, Component.HUB, HubSettings.read, faults)
    if hub is not None:
        faults.warnings += hub.warnings
        if hub.web is not None:
            keystore = (hub.web.keystore_path, hub.web.keystore_password)
            _web_keystore(home, Component.HUB, keystore, faults, own_name)
    return hub


def read_lui(home: Home, faults: Faults) -> LuiSettings | None:
    """Read ``lui/lui.ini``, or return None after taking note of every fault."""
    lui = _read(home, Component.LUI, LuiSettings.read, faults)
    faults.warnings += lui.warnings if lui is not None else ()
    return lui


def read_trk(home: Home, faults: Faults, *, own_name: str = "") -> TrkSettings | None:
    """Read ``trk/tracker.ini`` and open its keystore for HTTPS, as :func:`read_hub` does.

    Args:
        home: the server's.
        faults: where they are noted.
        own_name: the server's name; chooses among several keys where ``PublicUrl`` is not set.
    """
    trk = _read(home, Component.TRK, TrkSettings.read, faults)
    if trk is not None:
        faults.warnings += trk.warnings
        keystore = (trk.web_keystore_path, trk.web_keystore_password)
        _web_keystore(home, Component.TRK, keystore, faults, trk.public_host or own_name)
    return trk


def _read(
    home: Home, component: Component, read: Callable[..., Value], faults: Faults
) -> Value | None:
    path = home.component_ini(component)
    hint = f"Restore it from a backup, or remove {component} from Components in server.ini."
    document = faults.attempt(lambda: read_ini(path, hint=hint))
    if document is None:
        return None
    _check_secrets(document, component, path, faults)
    return faults.attempt(lambda: read(document, file=str(path)))


def _check_secrets(document: Document, component: Component, path: Path, faults: Faults) -> None:
    """A file in which a password stands is its owner's only (SPEC W20)."""
    secrets = [key.name for key in _KEYS[component] if isinstance(key.kind, SecretText)]
    if any(document.entry(name) is not None for name in secrets):
        faults.attempt(lambda: check_private(path))


def _web_keystore(
    home: Home,
    component: Component,
    keystore: tuple[Path | None, Secret | None],
    faults: Faults,
    name: str,
) -> None:
    """Open the keystore for HTTPS once, so that it is refused now and not when a port is open."""
    path, password = keystore
    if path is not None and password is not None:
        ini = home.component_ini(component)
        what = StoreUse("The keystore for HTTPS", f"WebKeystorePassword in {ini}")
        read_identity(path, password, what, faults, name=name)


def expected_hosts(
    hub: HubSettings | None, trk: TrkSettings | None, faults: Faults, home: Home
) -> dict[Component, str]:
    """Return where LUI and TRK are expected; HUB and TRK on one server must agree on LUI."""
    hosts: dict[Component, str] = {}
    if hub is not None:
        hosts = {Component.LUI: hub.lui_host, Component.TRK: hub.tracker_host}
    if trk is not None:
        known = hosts.setdefault(Component.LUI, trk.lui_host)
        if known.lower() != trk.lui_host.lower():
            faults.found.append(
                Fault(
                    code="component-unexpected",
                    why="HUB and TRK on this server expect LUI on different servers.",
                    expected=f"LuiHost={known} as in {home.component_ini(Component.HUB)}",
                    presented=f"LuiHost={trk.lui_host}",
                    file=str(home.component_ini(Component.TRK)),
                    key="LuiHost",
                    hint="Correct one of the two files.",
                )
            )
    return hosts


def _examine_the_rest(home: Home, faults: Faults) -> None:
    """Look for what is wrong beside a faulty ``server.ini``; what depends on it is left out."""
    if not home.server_ini.exists():
        return
    present = [component for component in Component if home.component_ini(component).exists()]
    _components(home, tuple(present), faults)
    if is_secured(home):
        faults.attempt(lambda: check_private(home.ssl_ini))
        document = faults.attempt(lambda: read_ini(home.ssl_ini))
        if document is not None:
            other = elsewhere_perhaps(home)
            examined = examine_ssl(document, file=str(home.ssl_ini), elsewhere=other)
            faults.found += examined.faults
