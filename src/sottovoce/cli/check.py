"""``sottovoce check``: is this server right, and do its connections work; one line a check.

This module owns the words of the command and its exit status. What is looked at, and what it means,
is decided in :mod:`sottovoce.server.checking`.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from sottovoce.cli.options import add_home, home_of

if TYPE_CHECKING:
    from sottovoce.diagnosis import Report
    from sottovoce.server.checking import Examination, Notebook

__all__ = ["register", "run"]


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``check`` to the commands."""
    parser = commands.add_parser(
        "check",
        help="check a server: its files, certificates, lists, clock and ports; then its partners",
        description="Check one server before or while it runs: files, security switch, keystore, "
        "trusted roots, revocation lists, certificate, allowed list, clock, ports; with "
        "--partners also each of its connections, by trying them. Nothing is changed. Each line "
        "ends with a name that 'sottovoce explain' and the documentation know. Exit status: 0 "
        "fine, 1 warnings, 2 faults, 3 something could not be looked at, 64 wrong usage.",
    )
    add_home(parser)
    parser.add_argument(
        "--partners",
        action="store_true",
        help="try every connection that this server calls, phase by phase, and look who called it",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check and print; return the exit status."""
    from sottovoce.cli import FAULTS, FINE, UNTOLD, WARNINGS
    from sottovoce.cli.check_printing import Printer
    from sottovoce.diagnosis import Status
    from sottovoce.net import monotonic
    from sottovoce.server.checking import Notebook

    home = home_of(args)
    printer = Printer()
    notebook = Notebook(monotonic=monotonic)
    if not args.json:
        notebook.on_finding = printer.show
    _examine(home, notebook, partners=args.partners)
    report = notebook.report
    if args.json:
        print(json.dumps(as_object(report, home), ensure_ascii=False, indent=2))
    else:
        printer.sum_up(report)
    statuses = {Status.FAULT: FAULTS, Status.UNTOLD: UNTOLD, Status.WARNING: WARNINGS}
    return statuses.get(report.worst, FINE)


def _examine(home: Path, notebook: "Notebook", *, partners: bool) -> None:
    from sottovoce.net import utc_now
    from sottovoce.server.checking import check_home, check_partners

    known: Examination = check_home(home, notebook, at=utc_now())
    if partners:
        asyncio.run(check_partners(known, notebook))


def as_object(report: "Report", home: Path) -> dict[str, object]:
    """Return a report as one JSON-ready object.

    Args:
        report: what was found.
        home: of the server.
    """
    first = report.first
    return {
        "home": str(home),
        "checks": [finding.as_fields() for finding in report.findings],
        "summary": {
            "status": report.worst.value,
            "first": first.anchor if first is not None else "",
            **{status.value: count for status, count in report.counts.items()},
        },
    }
