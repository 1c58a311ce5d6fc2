"""``sottovoce init``: make a server home; the code for the first account is printed once."""

import argparse
import asyncio
import contextlib
import ipaddress
import json
from datetime import datetime
from typing import TYPE_CHECKING

from sottovoce.cli.home_options import OWN_NAME, add_settings, by_option, given
from sottovoce.cli.options import add_home, components_of, home_of
from sottovoce.cli.own_authority import add_own_authority, own_authority_of
from sottovoce.cli.printing import print_removed
from sottovoce.errors import SettingsError

if TYPE_CHECKING:
    from sottovoce.cli.own_authority import OwnAuthority
    from sottovoce.server import Created, HomePlan, PublicRoots

__all__ = ["register", "run"]

#: The port of HUB's pages when nothing else is said, and the word for no pages.
WEB_PORT, NO_PAGES = "8090", "none"


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
    parser.add_argument("--hub-port", metavar="PORT", help="HUB's internal port (default: 1099)")
    parser.add_argument(
        "--public-roots",
        action="store_true",
        help="trust the public CAs that the operating system trusts; without it conf/cacerts is "
        "empty until the root of your own CA is imported",
    )
    parser.add_argument(
        "--web-port",
        metavar="PORT",
        help=f"the port of HUB's pages for administrators (default: {WEB_PORT}; {NO_PAGES}: no "
        "pages)",
    )
    parser.add_argument(
        "--web-address",
        metavar="IP",
        help="where they are served (default: 127.0.0.1, or --bind when that is a loopback "
        "address); any other than a loopback address needs a keystore for HTTPS in hub/hub.ini",
    )
    add_settings(parser)
    add_own_authority(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the home; return the exit status."""
    from sottovoce.net import utc_now
    from sottovoce.server import HomePlan, read_public_roots

    now = utc_now()
    _place_pages(args)
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
        made = {
            "home": str(created.path),
            "set_up_code": code,
            "public_roots": roots,
            "removed": [str(path) for path in created.removed],
        }
        print(json.dumps(made | ({"own_ca": own.facts()} if own is not None else {})))
        return 0
    print_removed(created.removed)
    print(f"Made {created.path} with {', '.join(created.files)}.")
    if public is not None:
        _say_roots(public)
    if own is not None:
        print("\n".join(own.lines()))
    if code is not None:
        print(f"Set-up code for the first account (shown only now): {code}")
        print(f"    next: sottovoce account set-up --home {created.path}")
        if (url := _set_up_page(plan)) is not None:
            print(f"    or, once it runs: {url}")
    print(f"    next: read the .ini files, then sottovoce start --home {created.path}")
    return 0


def _place_pages(args: argparse.Namespace) -> None:
    """Put HUB's pages on this machine only, unless something else is said."""
    if args.web_port == NO_PAGES:
        args.web_port = args.web_address = None
        return
    args.web_port = args.web_port or WEB_PORT
    if args.web_address is None and args.bind is not None:
        with contextlib.suppress(ValueError):
            args.web_address = args.bind if ipaddress.ip_address(args.bind).is_loopback else None


def _set_up_page(plan: "HomePlan") -> str | None:
    """Return the address of the page that makes the first account; None without pages."""
    place = plan.values.get("hub/hub.ini", {})
    if "WebPort" not in place:
        return None
    address = place.get("WebAddress", "127.0.0.1")
    host = f"[{address}]" if ":" in address else address
    scheme = "https" if "WebKeystorePath" in place else "http"
    return f"{scheme}://{host}:{place['WebPort']}/set-up"


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
            faults = by_option(error, own_name=_unnamed(args))
            raise SettingsError(faults, message=error.message) from error
        raise


def _say_roots(public: "PublicRoots") -> None:
    print(f"conf/cacerts trusts the {len(public.entries)} public roots of {public.source}.")
    for line in public.left_out:
        print(f"    left out: {line}")


def _values(args: argparse.Namespace) -> dict[str, dict[str, str]]:
    values = given(args, components_of(args.components), otherwise=args.name)
    own = {"ServerName": args.name, "Components": args.components.lower()}
    return {**values, "server.ini": own | values.get("server.ini", {})}


def _unnamed(args: argparse.Namespace) -> list[str]:
    """Return the partners that were not named: they are this server itself."""
    return [option for option in OWN_NAME if getattr(args, option) is None]
