"""``sottovoce join``: a new server becomes one of the installation, by a code from ``invite``."""

import argparse
import asyncio
import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sottovoce import __version__
from sottovoce.cli.asking import secret_from
from sottovoce.cli.home_options import add_settings, by_option, given
from sottovoce.cli.options import add_home, home_of
from sottovoce.cli.printing import print_fault, print_removed
from sottovoce.errors import ChannelError, Fault, SettingsError, WrongUsage
from sottovoce.ini import Secret

if TYPE_CHECKING:
    from sottovoce.contracts import Invitation
    from sottovoce.server import JoinedHome, Joining

__all__ = ["register", "run"]

#: What HUB decides of a server that joins, and no option.
_DECIDED = frozenset(
    {
        "server.ini:ServerName",
        "server.ini:Components",
        "server.ini:TrustFromHub",
        "server.ini:RevocationLists",
        "server.ini:KeystorePasswordFile",
        "server.ini:KeystorePasswordCredential",
        "lui/lui.ini:HubHost",
        "lui/lui.ini:TrackerHost",
        "trk/tracker.ini:HubHost",
        "trk/tracker.ini:LuiHost",
    }
)


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``join`` to the commands."""
    parser = commands.add_parser(
        "join",
        help="make this server one of the installation, by a code from 'invite'",
        description="On a new server: by a code from 'sottovoce invite', make a key, have it "
        "certified by HUB, and write a whole secured home; or secure the plain home that is there. "
        "Everything is written or nothing. HUB must be running.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "code",
        metavar="CODE",
        nargs="?",
        help="the code; '-' reads it from the standard input, and without it the command asks: "
        "whoever may see this machine's processes could read a word of the command line",
    )
    add_home(parser, of="the new server")
    parser.add_argument("--code-file", metavar="FILE", help="read the code from FILE's first line")
    parser.add_argument(
        "--name", metavar="HOST", help="this server's name, to be sure that the code is for it"
    )
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Join; return the exit status."""
    home = home_of(args)
    invitation = _invitation(args)
    joined = asyncio.run(_join(args, home, invitation))
    welcome = joined.welcome
    leaf = welcome.identity.chain[0]
    for warning in joined.warnings:
        print_fault(warning)
    status = 1 if joined.warnings else 0
    if args.json:
        print(json.dumps(_described(joined, invitation)))
        return status
    labels = ", ".join(component.label for component in invitation.components)
    print(f"{invitation.name} has joined the installation of {invitation.hub} as {labels}.")
    print_removed(joined.removed)
    verb = "Made" if joined.new else "Secured"
    print(f"{verb} {joined.path} with {', '.join(joined.files)}.")
    print(f"    servers: {', '.join(welcome.allowed.names)}")
    print(f"    certificate until {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; HUB renews it")
    act = "read the .ini files, then start it" if joined.new else "restart it: it is secured then"
    print(f"    next: {act}: sottovoce start --home {joined.path}")
    return status


def _invitation(args: argparse.Namespace) -> "Invitation":
    """Read the code, and compare it with what else was typed; nobody is asked for that."""
    from sottovoce.contracts import Invitation
    from sottovoce.ini import normalise_host_name

    if args.code is not None and args.code_file is not None:
        raise WrongUsage("The code was given twice.", hint="Leave CODE or --code-file away.")
    if args.code is not None and args.code != "-":
        code = Secret(args.code)
    else:
        code = secret_from(args.code or args.code_file, "Code: ")
    invitation = Invitation.read(code)
    if args.hub_address is not None:
        invitation = replace(invitation, address=_address(args.hub_address))
    if args.name is not None:
        try:
            name = normalise_host_name(args.name)
        except ValueError as error:
            raise WrongUsage(f"--name {args.name!r} {error}.") from error
        if name != invitation.name:
            raise SettingsError([_other_name(invitation.name, name)], message=_UNCHANGED)
    return invitation


_UNCHANGED = "The server has not joined; nothing was changed."


def _address(text: str) -> str:
    from sottovoce.ini import IpAddress, Unfit

    try:
        return IpAddress().read(text)
    except Unfit as error:
        raise WrongUsage(f"--hub-address {text!r} is no IP address.") from error


def _other_name(invited: str, name: str) -> Fault:
    return Fault(
        code="join-name-mismatch",
        why=f"The invitation is for {invited}, not for {name}.",
        expected=invited,
        presented=name,
        hint="Use the code that was made for this server.",
    )


async def _join(args: argparse.Namespace, home: Path, invitation: "Invitation") -> "JoinedHome":
    from sottovoce.net import Endpoint, Newcomer, Welcome, join, utc_now
    from sottovoce.pki import KeyAlgorithm, generate_key
    from sottovoce.server import Joining, join_home
    from sottovoce.tls import Trust

    now = utc_now()
    newcomer = Newcomer.make(
        invitation,
        generate_key(KeyAlgorithm.EC_P256),
        serial=secrets.randbits(120) + 1,
        at=now,
    )
    endpoint = Endpoint(
        own_name=invitation.name,
        version=__version__,
        trust=Trust(None),
        log=lambda record: None,
        clock=utc_now,
        new_id=lambda: secrets.token_hex(8),
    )

    async def ask() -> Welcome:
        return await join(endpoint, newcomer)

    joining = Joining(path=home, invitation=invitation, values=_values(args, invitation))
    return await _carried_out(joining, join_home(joining, ask, now=now))


async def _carried_out(joining: "Joining", work: Any) -> "JoinedHome":
    """Wait for the work, and say with every failure that nothing was changed."""
    try:
        joined: JoinedHome = await work
    except SettingsError as error:
        faults = by_option(error) if _never_made(error) else error.faults
        raise SettingsError(faults, message=_UNCHANGED) from error
    except ChannelError as error:
        bare = Fault(code=error.code, why=error.message, hint=error.hint)
        raise SettingsError(error.faults or [bare], message=_UNCHANGED) from error
    return joined


def _never_made(error: SettingsError) -> bool:
    """Whether the faults are of files that stand in memory only: their names are relative."""
    return all(fault.file and not Path(fault.file).is_absolute() for fault in error.faults)


def _values(args: argparse.Namespace, invitation: "Invitation") -> dict[str, dict[str, str]]:
    values = given(args, invitation.components)
    for file, settings in values.items():
        for key in settings:
            if f"{file}:{key}" in _DECIDED:
                raise WrongUsage(
                    f"{key} of {file} is decided by HUB and by the code.",
                    hint="Leave it away; what HUB says can be changed on HUB.",
                )
    return values


def _described(joined: "JoinedHome", invitation: "Invitation") -> dict[str, Any]:
    from sottovoce.pki import fingerprint

    leaf = joined.welcome.identity.chain[0]
    return {
        "home": str(joined.path),
        "new": joined.new,
        "name": invitation.name,
        "components": [component.value for component in invitation.components],
        "hub": invitation.hub,
        "files": list(joined.files),
        "removed": [str(path) for path in joined.removed],
        "allowed": list(joined.welcome.allowed.names),
        "fingerprint": fingerprint(leaf),
        "not_after": leaf.not_valid_after_utc.isoformat(),
    }
