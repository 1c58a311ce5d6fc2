"""What HUB knows, read from its database by a command, whether or not HUB runs."""

from pathlib import Path

from sottovoce.contracts import CertificateFacts, PreparedSwitch, Roster
from sottovoce.hub.home import open_database
from sottovoce.hub.service import (
    Installation,
    RosterKeeper,
    SecurityReport,
    SwitchPlan,
    read_report,
    read_switch_plan,
)
from sottovoce.hub.settings import HubSettings
from sottovoce.net.clock import Clock
from sottovoce.policy import Component

__all__ = [
    "CHANGES_SHOWN",
    "installation_of",
    "open_report",
    "open_roster",
    "open_switch_plan",
]

#: Rows of the history that are read when nobody asks for more.
CHANGES_SHOWN = 20


async def open_report(  # noqa: PLR0913 - all by name
    home: Path,
    settings: HubSettings,
    *,
    own_name: str,
    secured: bool,
    clock: Clock,
    most: int = CHANGES_SHOWN,
    own: tuple[CertificateFacts, ...] = (),
) -> SecurityReport:
    """Return how the installation's connections stand, whether or not its HUB runs.

    Args:
        home: the home of HUB's server.
        settings: from ``hub/hub.ini``.
        own_name: the server's name.
        secured: whether the server is secured.
        clock: UTC.
        most: changes of the history.
        own: the certificates that HUB's server shows now, where that is known.

    Raises:
        StoreError: there is no database, or it cannot be used.
    """
    installation = installation_of(settings, own_name=own_name, secured=secured)
    async with await open_database(home) as database, database.read() as connection:
        return await read_report(connection, installation, clock(), most=most, own=own, alive=False)


async def open_roster(
    home: Path, settings: HubSettings, *, own_name: str, secured: bool, clock: Clock
) -> Roster:
    """Return the three components as HUB knows them, whether or not it runs.

    Args:
        home: the home of HUB's server.
        settings: from ``hub/hub.ini``.
        own_name: the server's name.
        secured: whether the server is secured.
        clock: UTC.

    Raises:
        StoreError: there is no database, or it cannot be used.
    """
    installation = installation_of(settings, own_name=own_name, secured=secured)
    async with await open_database(home) as database:
        return await RosterKeeper(database, installation=installation, clock=clock).roster()


async def open_switch_plan(
    home: Path,
    settings: HubSettings,
    own: PreparedSwitch | None,
    *,
    own_name: str,
    secured: bool,
    clock: Clock,
) -> SwitchPlan:
    """Return how the plain installation would be when secured, whether or not its HUB runs.

    Args:
        home: the home of HUB's server.
        settings: from ``hub/hub.ini``.
        own: what that server has ready.
        own_name: the server's name.
        secured: whether the server is secured.
        clock: UTC.

    Raises:
        StoreError: there is no database, or it cannot be used.
    """
    installation = installation_of(settings, own_name=own_name, secured=secured)
    async with await open_database(home) as database, database.read() as connection:
        return await read_switch_plan(connection, installation, own, clock())


def installation_of(settings: HubSettings, *, own_name: str, secured: bool) -> Installation:
    """Return what HUB's configuration says of the installation."""
    return Installation(
        own_name=own_name,
        secured=secured,
        servers={Component.LUI: settings.lui_host, Component.TRK: settings.tracker_host},
        heartbeat_interval=settings.heartbeat_interval,
    )
