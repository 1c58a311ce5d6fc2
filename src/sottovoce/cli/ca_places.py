"""Which authority a ``sottovoce ca`` command means: a root's folder, or that in HUB's home.

Also what all verbs share: a length of days, and how a result is printed.
"""

import argparse
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sottovoce.cli.ca_passwords import existing_password
from sottovoce.errors import StoreError, WrongUsage
from sottovoce.hub import HubSettings
from sottovoce.hub.authority import AuthorityFolder, Issuer, OpenRoot, issuing_folder
from sottovoce.policy import Component
from sottovoce.server import Home, ServerSettings
from sottovoce.server.home import read_ini

__all__ = ["FINE", "WARNINGS", "HubHome", "emit", "folder_of", "hub_of", "life", "root_of"]

#: Exit statuses (DESIGN §7).
FINE, WARNINGS = 0, 1


@dataclass(frozen=True, slots=True)
class HubHome:
    """The home of HUB's server.

    Args:
        home: its paths.
        settings: of ``server.ini``.
        hub: of ``hub/hub.ini``.
    """

    home: Home
    settings: ServerSettings
    hub: HubSettings

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the installation's servers, as HUB's settings have them."""
        names = (self.settings.server_name, self.hub.lui_host, self.hub.tracker_host)
        return tuple(dict.fromkeys(names))

    @property
    def lifetime(self) -> timedelta:
        """Of the certificates that HUB issues."""
        return timedelta(seconds=self.hub.certificate_lifetime)

    def issuer(self) -> Issuer:
        """Open the issuing authority.

        Raises:
            StoreError: there is none, or a file of it cannot be used.
        """
        found = Issuer.open(self.home.path)
        if found is None:
            raise StoreError(
                f"{self.home.path} holds no issuing authority.",
                hint=f"Make one: sottovoce ca issuing --dir ROOT --home {self.home.path}",
                code="ca-missing",
            )
        return found

    def settle(self, issuer: Issuer, now: datetime, **changes: Any) -> bool:
        """Have the server's files agree; see :func:`sottovoce.server.own_trust.settle`."""
        from sottovoce.server.own_trust import settle

        return settle(self.home, self.settings, issuer, now=now, **changes)


def hub_of(args: argparse.Namespace) -> HubHome:
    """Return HUB's home that was named by ``--home``.

    Raises:
        WrongUsage: HUB does not run there.
        SettingsError: it is no home, or its settings cannot be read.
    """
    home = Home(args.home.absolute())
    settings = home.settings()
    if Component.HUB not in settings.components:
        raise WrongUsage(
            f"HUB does not run on {settings.server_name}, and the issuing authority is HUB's.",
            hint="Give the home of HUB's server.",
        )
    path = home.component_ini(Component.HUB)
    return HubHome(home, settings, HubSettings.read(read_ini(path), file=str(path)))


def folder_of(args: argparse.Namespace) -> AuthorityFolder:
    """Return the one authority that was named, by ``--dir`` or by ``--home``.

    Raises:
        WrongUsage: none was, or two were.
        StoreError: there is none.
    """
    if (args.dir is None) == (args.home is None):
        raise WrongUsage(
            "Name one authority: --dir ROOT for the root, or --home HUBHOME for HUB's issuing one."
        )
    if args.home is not None:
        hub_of(args).issuer()
        return AuthorityFolder(issuing_folder(args.home.absolute()))
    folder = AuthorityFolder(args.dir)
    folder.check_there()
    return folder


def root_of(args: argparse.Namespace) -> OpenRoot:
    """Open the root that was named by ``--dir``.

    Raises:
        StoreError: there is none, or its password cannot be read.
        WrongUsage: there is no password, and no terminal to ask on.
    """
    folder = AuthorityFolder(args.dir)
    folder.check_there()
    return OpenRoot(folder, existing_password(folder, args.password_file))


def life(args: argparse.Namespace, usual: timedelta) -> timedelta:
    """Return the length that ``--days`` asks for.

    Raises:
        WrongUsage: it is not at least one day.
    """
    if args.days is None:
        return usual
    if args.days < 1:
        raise WrongUsage("--days takes a whole number from 1.")
    return timedelta(days=args.days)


def emit(args: argparse.Namespace, facts: Any, lines: list[str]) -> None:
    """Print the result, as JSON or for people."""
    print(json.dumps(facts, ensure_ascii=False) if args.json else "\n".join(lines))
