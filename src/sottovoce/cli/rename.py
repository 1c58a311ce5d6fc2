"""``sottovoce rename OLD NEW``: a server gets another name while everything runs.

Owns the words of the command; how far a renaming is, is computed in
:mod:`sottovoce.server.rename_state`, and what a step does stands in ``rename_acts``.
"""

import argparse
from pathlib import Path

from sottovoce.cli.options import add_home

__all__ = ["STEPS", "register", "run"]

#: The words of ``--step`` (a test compares them with those of the plan).
STEPS = ("permitted", "allowed", "certified", "named", "forgotten", "reissued")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``rename`` to the commands."""
    parser = commands.add_parser(
        "rename",
        help="give a server another name, in ordered steps, while everything runs",
        description="Show the ordered plan by which a server gets another name, and how far it is: "
        "the new name is allowed and certified beside the old one first, then used, and only then "
        "the old one goes. With --apply the step whose turn it is is carried out, as far as this "
        "server can: begin on HUB's server; the step 'named' is taken on each server by itself. A "
        "step out of its turn is refused, with what it would break. To go back at any time: "
        "'sottovoce rename NEW OLD'. Exit status: 0 renamed; 1 a step is left; 2 refused; 64 wrong "
        "usage.",
        allow_abbrev=False,
    )
    parser.add_argument("old", metavar="OLD", help="the name that the server has")
    parser.add_argument("new", metavar="NEW", help="the name that it is to have")
    add_home(parser)
    parser.add_argument("--apply", action="store_true", help="carry out the next step")
    parser.add_argument(
        "--step", choices=STEPS, metavar="STEP", help=f"only if it is this one: {', '.join(STEPS)}"
    )
    parser.add_argument(
        "--dir",
        type=Path,
        metavar="ROOT",
        help="the folder of the root, for the step 'permitted' on HUB's server",
    )
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="the password of the root's key"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the plan, or carry out a step of it; return the exit status."""
    from sottovoce.cli.rename_acts import run as act

    return act(args)
