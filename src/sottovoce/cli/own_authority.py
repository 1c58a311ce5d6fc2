"""``init --own-ca``: an installation that is its own certificate authority from its first minute.

Owns the options and the order: the root is opened, or made, when the home is nearly whole, and a
root that was made for a home that could not be made goes with it.
"""

import argparse
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sottovoce.cli.ca_passwords import existing_password, new_password
from sottovoce.errors import WrongUsage
from sottovoce.policy import Component

if TYPE_CHECKING:
    from sottovoce.hub.authority import OpenRoot
    from sottovoce.server.securing import Credentials

__all__ = ["OwnAuthority", "add_own_authority", "own_authority_of"]


def add_own_authority(parser: argparse.ArgumentParser) -> None:
    """Add ``--own-ca`` and what belongs to it."""
    group = parser.add_argument_group(
        "own certificate authority",
        "HUB's server only: secure it at once, under a root of the installation's own.",
    )
    group.add_argument(
        "--own-ca",
        type=Path,
        metavar="ROOTDIR",
        help="the folder of the root, outside every server home; made when it is not there",
    )
    group.add_argument(
        "--ca-name", metavar="NAME", help="what a new root is called (default: after the server)"
    )
    group.add_argument(
        "--ca-host",
        action="append",
        default=[],
        metavar="HOST",
        help="one more host name, or domain, that HUB may certify, besides those of the servers "
        "named above; may be repeated",
    )
    group.add_argument(
        "--ca-password-file",
        type=Path,
        metavar="FILE",
        help="the password of the root's key (owner-only, one line); for a new root one is "
        "generated into its folder without this",
    )


def own_authority_of(
    args: argparse.Namespace, home: Path, components: Sequence[Component], *, now: datetime
) -> "OwnAuthority | None":
    """Return what secures the home, when the options ask for it.

    Raises:
        WrongUsage: HUB does not run there, or an option is given without ``--own-ca``.
        StoreError: the root's folder lies in a server home, or its password cannot be read.
    """
    if args.own_ca is None:
        for option in ("ca_name", "ca_host", "ca_password_file"):
            if getattr(args, option):
                raise WrongUsage(f"--{option.replace('_', '-')} goes with --own-ca ROOTDIR.")
        return None
    if Component.HUB not in components:
        raise WrongUsage(
            "--own-ca is for HUB's server: the issuing authority lies in its home.",
            hint="On the other servers: sottovoce join, with a code from 'sottovoce invite'.",
        )
    return OwnAuthority(args, home, components, now=now)


class OwnAuthority:
    """Secures a home that is being built; called with its folder.

    Args:
        args: of the command line.
        home: where it will lie.
        components: that run there.
        now: UTC.

    Raises:
        StoreError: the root's folder lies in a server home, or its password cannot be read.
        IssuanceError: a host name that no certificate can have, or limits that limit nothing.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        home: Path,
        components: Sequence[Component],
        *,
        now: datetime,
    ) -> None:
        from sottovoce.hub.authority import AuthorityFolder
        from sottovoce.pki import permitting
        from sottovoce.server.securing import check_outside

        self.folder = AuthorityFolder(args.own_ca.absolute())
        check_outside(self.folder.folder, home)
        self._name = args.ca_name or f"sottovoce root of {args.name}"
        self._server = args.name
        self._components = tuple(components)
        self._allowed = _once([args.name, args.lui or args.name, args.tracker or args.name])
        self._hosts = _once([*self._allowed, *args.ca_host])
        permitting(self._hosts)
        self._now = now
        self._was_there = self.folder.folder.exists()
        self.makes_root = not self.folder.exists
        file = args.ca_password_file
        self._password = (
            new_password(file, prompt=False)
            if self.makes_root
            else existing_password(self.folder, file)
        )

    def __call__(self, folder: Path) -> "Credentials":
        """Make root, issuing authority and the server's certificate.

        Raises:
            IssuanceError: the rule that declines.
            StoreError: a file cannot be read or written.
        """
        from sottovoce.hub.authority import create_issuing
        from sottovoce.server.securing import certified_by

        issuer = create_issuing(self._root(), folder, self._hosts, now=self._now)
        return certified_by(
            issuer,
            self._server,
            self._components,
            allowed=self._allowed,
            lifetime=_lifetime(folder),
            now=self._now,
        )

    def _root(self) -> "OpenRoot":
        from sottovoce.hub.authority import OpenRoot, create_root

        if self.makes_root:
            create_root(self.folder, self._name, password=self._password, now=self._now)
        return OpenRoot(self.folder, self._password or self.folder.password())

    def undo(self) -> None:
        """Remove a root that was made for nothing; one that was there before stays."""
        if not self.makes_root:
            return
        shutil.rmtree(self.folder.folder, ignore_errors=True)
        if self._was_there:
            self.folder.folder.mkdir(mode=0o700, exist_ok=True)

    def facts(self) -> dict[str, Any]:
        """Return what was made, for ``--json``."""
        from sottovoce.pki import fingerprint

        files = self.folder.files(self.folder.index().current)
        return {
            "root": str(files.certificate),
            "root_fingerprint": fingerprint(files.certificates()[0]),
            "hosts": list(self._hosts),
        }

    def lines(self) -> list[str]:
        """Return the same for people, with what to do with the root."""
        facts = self.facts()
        made = "Made" if self.makes_root else "Used"
        return [
            f"{made} the root in {self.folder.folder}; HUB holds an issuing authority below it.",
            f"    SHA-256 {facts['root_fingerprint']}",
            f"    HUB may certify: {', '.join(self._hosts)}, and names below them",
            f"    next: take {self.folder.folder} off this machine. It is needed again when names",
            "    are added, and every few years: sottovoce ca issuing",
        ]


def _once(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.lower().removesuffix(".") for name in names))


def _lifetime(folder: Path) -> timedelta:
    from sottovoce.hub import HubSettings
    from sottovoce.server.home import INI_FILES, read_ini

    path = folder / INI_FILES[Component.HUB]
    settings = HubSettings.read(read_ini(path), file=str(path))
    return timedelta(seconds=settings.certificate_lifetime)
