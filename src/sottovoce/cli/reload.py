"""``sottovoce reload``: have the running server read its files of trust anew, and hear what came.

The server is asked by SIGHUP; what it answers it writes into its home. Nothing is decided here.
"""

import argparse
import os
import signal
import time
from typing import TYPE_CHECKING

from sottovoce.cli.options import add_home, home_of

if TYPE_CHECKING:
    from sottovoce.server import Home, InUse

__all__ = ["PATIENCE", "register", "run"]

#: Seconds until an answer is given up: a partner that does not answer may take half of that.
PATIENCE = 60.0
_PAUSE = 0.02


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``reload`` to the commands."""
    parser = commands.add_parser(
        "reload",
        help="have the running server take its changed keystore, roots, lists or ssl.ini into use",
        description="Have the running server read keystore, trusted roots, revocation lists and "
        "ssl.ini anew (it notices changes by itself, too), and say what came of it. The new files "
        "are tried with the partners first; whatever is wrong, what was in force stays. Exit "
        "status: 0 in force (or nothing was new), 1 in force with warnings, 2 refused, 3 no "
        "answer, 64 wrong usage.",
    )
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the server, wait for its answer, print that; return the exit status."""
    from sottovoce.cli import FAULTS, FINE, UNTOLD, WARNINGS
    from sottovoce.server import Home

    home = Home(home_of(args))
    home.settings()
    answer = _ask(home)
    if answer is None:
        print(f"The server did not answer within {PATIENCE:g} s; see {home.logs / 'server.log'}.")
        return UNTOLD
    _tell(answer, as_json=args.json)
    assert answer.last is not None
    if answer.last.outcome == "refused":
        return FAULTS
    return WARNINGS if answer.last.warnings else FINE


def _ask(home: "Home") -> "InUse | None":
    """Send the signal and return what the server wrote then; None when it did not in time."""
    from sottovoce.server import read_in_use
    from sottovoce.server.checking import running_process

    process, until = running_process(home.path), time.monotonic() + PATIENCE
    before = read_in_use(home)
    if not process or before is None or before.process != process:
        raise _nobody(home, process)
    # Whoever could read that file, its owner's only, may signal the server as well.
    os.kill(process, signal.SIGHUP)
    while time.monotonic() < until:
        answer = read_in_use(home)
        if answer is not None and answer.signals > before.signals:
            return answer
        if running_process(home.path) != process:
            raise _nobody(home, 0)
        time.sleep(_PAUSE)
    return None


def _nobody(home: "Home", process: int) -> Exception:
    from sottovoce.errors import Fault, SettingsError

    fault = Fault(
        code="server-not-running",
        why=f"No server runs on {home.path}: its files are read when it starts.",
        expected="a running server",
        presented="none",
        hint=f"Start it: sottovoce start --home {home.path}",
    )
    if process:
        fault = Fault(
            code="restart-needed",
            why=f"The server on {home.path} (process {process}) has not said what it serves: it is "
            "still starting, or an older version.",
            expected=str(home.serving),
            presented="nothing of that process",
            hint="Ask again in a moment; if it stays so, restart the server.",
        )
    return SettingsError([fault])


def _tell(answer: "InUse", *, as_json: bool) -> None:
    import msgspec

    from sottovoce.cli.printing import print_fault

    last = answer.last
    assert last is not None
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())
        return
    since = f"since {answer.since:%Y-%m-%d %H:%M:%S} UTC"
    what = f"Trust generation {answer.generation}"
    if not answer.generation:
        print(f"This server is not secured ({since}): there is no trust to reload.")
    elif last.outcome == "accepted":
        certificate = answer.certificates[0]
        print(
            f"{what} is in force: certificate {certificate.serial}, valid until "
            f"{certificate.ends:%Y-%m-%d %H:%M} UTC."
        )
        for closed in last.closed:
            print(f"Closed an open connection of {closed}.")
    elif last.outcome == "unchanged":
        print(f"Nothing was new: {what[0].lower()}{what[1:]} is in force {since}.")
    else:
        print(f"Refused: {what[0].lower()}{what[1:]} stays in force {since}.")
    for told in last.faults:
        print_fault(told.as_fault())
    for told in last.warnings:
        print_fault(told.as_fault(warning=True))
