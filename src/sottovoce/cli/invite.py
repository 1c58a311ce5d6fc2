"""``sottovoce invite``: a one-time code by which a new server joins; on HUB's server."""

import argparse
import asyncio
import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sottovoce.cli.options import add_home, components_of, home_of
from sottovoce.errors import WrongUsage

if TYPE_CHECKING:
    from sottovoce.hub.service import InvitationFacts

__all__ = ["register", "run"]

#: Seconds that an invitation is good for: long enough to walk to the other machine, and a day's
#: start for one that is set up elsewhere; never so long that a code lies about.
USUAL, SHORTEST, LONGEST = "1h", 60.0, 7 * 86400.0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``invite`` to the commands."""
    parser = commands.add_parser(
        "invite",
        help="print a one-time code by which a new server joins",
        description="On HUB's server: print a one-time code by which a new server gets its "
        "certificate and everything else that makes it one of the installation. The code is bound "
        "to the server's name and components, is good once and for a short time, and only a hash "
        "of it is kept.",
        allow_abbrev=False,
    )
    add_home(parser, of="HUB's server")
    parser.add_argument(
        "--components", metavar="LIST", help="which are to run there: lui, trk, or both with comma"
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        dest="names",
        help="the new server's name (default: where hub.ini expects the components); repeat it "
        "for further names of the same server",
    )
    parser.add_argument(
        "--valid", default=USUAL, metavar="TIME", help="how long, such as 30m (default: 1h)"
    )
    parser.add_argument(
        "--address", default="", metavar="IP", help="where the new server is to reach HUB"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list the invitations made so far")
    what.add_argument("--withdraw", metavar="HOST", help="take back the open one for that server")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Invite, list or withdraw; return the exit status."""
    home_of(args)
    if args.list:
        return _list(args)
    if args.withdraw is not None:
        return _withdraw(args)
    return _invite(args)


def _invite(args: argparse.Namespace) -> int:
    from datetime import timedelta

    from sottovoce.ini import Duration, IpAddress, Unfit
    from sottovoce.net import utc_now
    from sottovoce.server import Guest, invite

    try:
        valid = Duration(minimum=SHORTEST, maximum=LONGEST).read(args.valid)
    except Unfit as error:
        raise WrongUsage(
            f"--valid {args.valid!r} is no such time.", hint="Give a time from 1m to 7d, as in 30m."
        ) from error
    try:
        address = IpAddress().read(args.address) if args.address else ""
    except Unfit as error:
        raise WrongUsage(f"--address {args.address!r} is no IP address.") from error
    guest = Guest(
        names=tuple(map(_normal, args.names)),
        components=components_of(args.components),
        valid=timedelta(seconds=valid),
        address=address,
    )
    invitation, made = asyncio.run(invite(home_of(args), guest, actor=_actor(), clock=utc_now))
    code, facts = invitation.code().reveal(), made.facts
    if args.json:
        told = {"code": code, "replaced": made.replaced, **_described(facts, utc_now())}
        print(json.dumps(told))
        return 0
    labels = ", ".join(component.label for component in facts.components)
    print(f"An invitation for {', '.join(facts.names)} as {labels}, good once and until")
    print(f"{facts.expires:%Y-%m-%d %H:%M:%S} UTC. The code is shown only now:\n\n{code}\n")
    if made.replaced:
        print("It takes the place of the one made before.")
    print("    next: on the new server, while HUB runs: sottovoce join CODE --home DIR")
    return 0


def _normal(name: str) -> str:
    from sottovoce.ini import normalise_host_name

    try:
        return normalise_host_name(name)
    except ValueError as error:
        raise WrongUsage(
            f"--name {name!r} {error}.", hint="Give the name by which the server is called."
        ) from error


def _list(args: argparse.Namespace) -> int:
    from sottovoce.hub import open_invitations
    from sottovoce.net import utc_now

    async def work() -> "tuple[InvitationFacts, ...]":
        async with open_invitations(home_of(args), clock=utc_now) as invitations:
            return await invitations.list_all()

    found, now = asyncio.run(work()), utc_now()
    if args.json:
        print(json.dumps({"invitations": [_described(facts, now) for facts in found]}))
    elif found:
        _print_table(found, now)
    else:
        print("There is no invitation. 'sottovoce invite --components trk' makes one.")
    return 0


def _withdraw(args: argparse.Namespace) -> int:
    from sottovoce.hub import open_invitations
    from sottovoce.net import utc_now

    name = _normal(args.withdraw)

    async def work() -> None:
        async with open_invitations(home_of(args), clock=utc_now) as invitations:
            await invitations.withdraw(name, actor=_actor())

    asyncio.run(work())
    told = json.dumps({"withdrawn": name})
    print(told if args.json else f"The invitation of {name} is withdrawn.")
    return 0


def _actor() -> str:
    return f"command line (uid {os.getuid()})"


def _described(facts: "InvitationFacts", now: datetime) -> dict[str, Any]:
    return {
        "name": facts.name,
        "names": list(facts.names),
        "components": [component.value for component in facts.components],
        "state": facts.state(now).value,
        "created": facts.created.isoformat(),
        "created_by": facts.created_by,
        "expires": facts.expires.isoformat(),
        "used": facts.used.isoformat() if facts.used else None,
        "address": facts.address,
        "key": facts.key,
    }


def _print_table(found: "tuple[InvitationFacts, ...]", now: datetime) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Server", "For", "State", "Until (UTC)", box=None, pad_edge=False)
    for facts in found:
        state = facts.state(now).value
        if facts.used is not None:
            state = f"used {facts.used:%m-%d %H:%M} from {facts.address.rpartition(':')[0]}"
        cells = (
            facts.name,
            ", ".join(component.label for component in facts.components),
            state,
            f"{facts.expires:%Y-%m-%d %H:%M}",
        )
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)
