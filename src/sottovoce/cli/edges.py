"""``sottovoce edges``: who may talk to whom, who does, until when, what was refused.

It is the page *Security* for a terminal: the same facts from HUB's registry, in the same words.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from sottovoce.cli.options import add_home, home_of
from sottovoce.errors import WrongUsage
from sottovoce.policy import Component

if TYPE_CHECKING:
    from sottovoce.contracts import CertificateFacts
    from sottovoce.hub.service import SecurityReport
    from sottovoce.server import Home

__all__ = ["register", "run"]

#: Rows of the history that are printed when no number is given, and at most.
CHANGES, MOST_CHANGES = 40, 10_000


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``edges`` to the commands."""
    parser = commands.add_parser(
        "edges",
        help="show the installation's connections: who may talk to whom, who does, until when",
        description="Show the three connections of the installation as HUB knows them: state "
        "(secured, plain, down, refused), the identity expected and seen, both certificates and "
        "how long they last, what TLS agreed on, the last refusal; and who else was not let in. "
        "Exit status: 0 all secured; 1 a certificate should be renewed, or nothing is encrypted; "
        "2 anything else.",
    )
    add_home(parser, of="HUB's server")
    parser.add_argument(
        "--history",
        nargs="?",
        type=_number,
        const=CHANGES,
        metavar="N",
        help=f"show the last N changes instead (default: {CHANGES}); with --json: as well",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument(
        "--metrics",
        action="store_true",
        help="print it in Prometheus' text format, for a textfile collector",
    )
    parser.set_defaults(run=run)


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_CHANGES:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {MOST_CHANGES}")
    return number


def run(args: argparse.Namespace) -> int:
    """Print the map or its history; return the exit status."""
    from sottovoce.cli import edges_printing as printing
    from sottovoce.server.checking.ports import running_process

    home = home_of(args)
    report = asyncio.run(_report(home, args.history or 0))
    running = running_process(home) != 0
    if args.metrics:
        from sottovoce.cli.edges_metrics import metrics

        print(metrics(report, running=running), end="")
    elif args.json:
        print(json.dumps(printing.fields(report, running=running, history=args.history)))
    elif args.history:
        print(printing.history(report))
    else:
        print(printing.overview(report, running=running))
    return int(report.headline.level)


async def _report(path: Path, most: int) -> "SecurityReport":
    from sottovoce.hub import HubSettings, open_report
    from sottovoce.net import utc_now
    from sottovoce.server import Home, is_secured
    from sottovoce.server.home import read_ini

    home = Home(path)
    settings = home.settings()
    if Component.HUB not in settings.components:
        raise WrongUsage(
            f"HUB does not run on {settings.server_name}, and only HUB knows all connections.",
            hint="Run this on HUB's server.",
        )
    ini = home.component_ini(Component.HUB)
    hub = HubSettings.read(read_ini(ini), file=str(ini))
    return await open_report(
        path,
        hub,
        own_name=settings.server_name,
        secured=is_secured(home),
        clock=utc_now,
        most=most,
        own=_own_certificates(home),
    )


def _own_certificates(home: "Home") -> "tuple[CertificateFacts, ...]":
    """Return what HUB's running server shows; nothing when it does not run."""
    from sottovoce.contracts import CertificateFacts
    from sottovoce.server.checking.ports import running_process
    from sottovoce.server.in_use import read_in_use

    found = read_in_use(home)
    if found is None or found.process != running_process(home.path):
        return ()
    return tuple(
        CertificateFacts(
            names=each.names, fingerprint=each.fingerprint, begins=each.begins, ends=each.ends
        )
        for each in found.certificates
    )
