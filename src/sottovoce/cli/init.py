"""``sottovoce init``: make a server home; the code for the first account is printed once."""

import argparse
import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sottovoce.cli.options import add_home, components_of, home_of
from sottovoce.cli.own_authority import add_own_authority, own_authority_of
from sottovoce.errors import Fault, SettingsError, WrongUsage

if TYPE_CHECKING:
    from sottovoce.cli.own_authority import OwnAuthority
    from sottovoce.server import Created, HomePlan, PublicRoots

__all__ = ["register", "run"]

#: Option → the files and keys that it sets, where the file belongs to this server.
_OPTIONS = {
    "bind": ("server.ini:BindAddress",),
    "internal_port": ("server.ini:InternalPort",),
    "tracker_port": (
        "server.ini:TrackerPort",
        "lui/lui.ini:TrackerPort",
    ),
    "hub": ("lui/lui.ini:HubHost", "trk/tracker.ini:HubHost"),
    "hub_port": ("lui/lui.ini:HubPort", "trk/tracker.ini:HubPort"),
    "hub_address": ("lui/lui.ini:HubAddress", "trk/tracker.ini:HubAddress"),
    "lui": ("hub/hub.ini:LuiHost", "trk/tracker.ini:LuiHost"),
    "tracker": ("hub/hub.ini:TrackerHost", "lui/lui.ini:TrackerHost"),
    "tracker_address": ("lui/lui.ini:TrackerAddress",),
    "public_url": ("trk/tracker.ini:PublicUrl",),
    "public_port": ("trk/tracker.ini:PublicPort",),
    "public_address": ("trk/tracker.ini:PublicAddress",),
    "smtp_host": ("lui/lui.ini:SmtpHost",),
    "smtp_port": ("lui/lui.ini:SmtpPort",),
}

#: Names that are this server's own when nothing else is said.
_OWN_NAME = ("hub", "lui", "tracker")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``init`` to the commands."""
    parser = commands.add_parser(
        "init",
        help="make a server home",
        description="Make a server home: settings with every key explained, databases, a keystore "
        "of trusted roots with a password of its own. On HUB's server the one-time code for the "
        "first account is printed.",
    )
    add_home(parser, of="the new server")
    parser.add_argument("--name", required=True, metavar="HOST", help="this server's name")
    parser.add_argument(
        "--components",
        default="hub,lui,trk",
        metavar="LIST",
        help="which run here: hub, lui, trk, separated by commas (default: all)",
    )
    parser.add_argument("--hub", metavar="HOST", help="HUB's server (default: this one)")
    parser.add_argument("--lui", metavar="HOST", help="LUI's server (default: this one)")
    parser.add_argument("--tracker", metavar="HOST", help="TRK's server (default: this one)")
    parser.add_argument("--hub-address", metavar="IP", help="connect there instead of by name")
    parser.add_argument("--tracker-address", metavar="IP", help="connect there instead of by name")
    parser.add_argument("--hub-port", metavar="PORT", help="HUB's internal port (default: 1099)")
    parser.add_argument("--bind", metavar="IP", help="where the two ports listen")
    parser.add_argument("--internal-port", metavar="PORT", help="default: 1099")
    parser.add_argument("--tracker-port", metavar="PORT", help="default: 7000")
    parser.add_argument("--public-url", metavar="URL", help="prefix of tracking links")
    parser.add_argument("--public-port", metavar="PORT", help="TRK's web port")
    parser.add_argument("--public-address", metavar="IP", help="where TRK's web port listens")
    parser.add_argument("--smtp-host", metavar="HOST", help="the mail relay")
    parser.add_argument("--smtp-port", metavar="PORT", help="its port (default: 25)")
    parser.add_argument(
        "--public-roots",
        action="store_true",
        help="trust the public CAs that the operating system trusts; without it conf/cacerts is "
        "empty until the root of your own CA is imported",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FILE:KEY=VALUE",
        help="any other setting, such as lui/lui.ini:EventTransferInterval=30; may be repeated",
    )
    add_own_authority(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the home; return the exit status."""
    from sottovoce.net import utc_now
    from sottovoce.server import HomePlan, read_public_roots

    now = utc_now()
    public = read_public_roots(at=now) if args.public_roots else None
    components = components_of(args.components)
    own = own_authority_of(args, home_of(args), components, now=now)
    plan = HomePlan(
        path=home_of(args),
        components=components,
        values=_values(args),
        roots=public.entries if public is not None else {},
        secure=own,
    )
    created = _made(plan, args, own, now)
    code = created.set_up_code.reveal() if created.set_up_code is not None else None
    if args.json:
        roots = len(plan.roots)
        made = {"home": str(created.path), "set_up_code": code, "public_roots": roots}
        print(json.dumps(made | ({"own_ca": own.facts()} if own is not None else {})))
        return 0
    print(f"Made {created.path} with {', '.join(created.files)}.")
    if public is not None:
        _say_roots(public)
    if own is not None:
        print("\n".join(own.lines()))
    if code is not None:
        print(f"Set-up code for the first account (shown only now): {code}")
        print(f"    next: sottovoce account set-up --home {created.path}")
    print(f"    next: read the .ini files, then sottovoce start --home {created.path}")
    return 0


def _made(
    plan: "HomePlan", args: argparse.Namespace, own: "OwnAuthority | None", now: datetime
) -> "Created":
    """Make the home; nothing is left of a root either when that fails."""
    from sottovoce.server import create

    try:
        return asyncio.run(create(plan, now=now))
    except BaseException as error:
        if own is not None:
            own.undo()
        if isinstance(error, SettingsError):
            raise SettingsError(_by_option(error, args), message=error.message) from error
        raise


def _say_roots(public: "PublicRoots") -> None:
    print(f"conf/cacerts trusts the {len(public.entries)} public roots of {public.source}.")
    for line in public.left_out:
        print(f"    left out: {line}")


def _by_option(error: SettingsError, args: argparse.Namespace) -> list[Fault]:
    """Name the option that mends each fault, once: the file in which it lies was never made."""
    found: dict[str, Fault] = {}
    for fault in error.faults:
        option = _option_of(fault, args)
        if option:
            words = f"--{option.replace('_', '-')}"
            hint = f"Give {words} another value." if fault.presented else f"Give {words}."
            found.setdefault(words, replace(fault, file=None, line=None, hint=hint))
        else:
            found[f"{fault.file}:{fault.key}"] = replace(fault, line=None)
    return list(found.values())


def _option_of(fault: Fault, args: argparse.Namespace) -> str:
    place = f"{fault.file}:{fault.key}"
    for option, targets in _OPTIONS.items():
        if place in targets:
            # Partners that were not named are this server itself.
            own = option in _OWN_NAME and getattr(args, option) is None
            return "name" if own else option
    return "name" if place == "server.ini:ServerName" else ""


def _values(args: argparse.Namespace) -> dict[str, dict[str, str]]:
    from sottovoce.server import INI_FILES

    present = {
        "server.ini",
        *(INI_FILES[component] for component in components_of(args.components)),
    }
    values: dict[str, dict[str, str]] = {
        "server.ini": {"ServerName": args.name, "Components": args.components.lower()}
    }
    for file, key, value in _settings(args):
        if file in present:
            values.setdefault(file, {})[key] = value
    for setting in args.set:
        file, key, value = _parsed(setting)
        values.setdefault(file, {})[key] = value
    return values


def _settings(args: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    for option, targets in _OPTIONS.items():
        value = getattr(args, option)
        if value is None and option in _OWN_NAME:
            value = args.name
        if value is None:
            continue
        for target in targets:
            file, key = target.split(":")
            yield file, key, str(value)


def _parsed(setting: str) -> tuple[str, str, str]:
    place, equals, value = setting.partition("=")
    file, colon, key = place.partition(":")
    if not (equals and colon and file and key):
        raise WrongUsage(
            f"--set {setting!r} is not FILE:KEY=VALUE.",
            hint="Write it as in --set lui/lui.ini:SmtpConnections=2.",
        )
    return file, key, value
