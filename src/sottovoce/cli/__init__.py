"""The commands: what is typed, what is printed, with which exit status; nothing else.

Only the module of the command that was asked for is imported, so that each starts fast.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sottovoce import __version__
from sottovoce.cli.printing import print_error
from sottovoce.errors import SottovoceError, WrongUsage

__all__ = ["COMMANDS", "FAULTS", "FINE", "UNTOLD", "WARNINGS", "WRONG_USAGE", "main"]

#: Exit statuses (DESIGN §7).
FINE, WARNINGS, FAULTS, UNTOLD, WRONG_USAGE = 0, 1, 2, 3, 64

#: Command → the module that registers it.
COMMANDS = {
    "demo": "sottovoce.cli.demo",
    "init": "sottovoce.cli.init",
    "invite": "sottovoce.cli.invite",
    "join": "sottovoce.cli.join",
    "secure": "sottovoce.cli.secure",
    "start": "sottovoce.cli.start",
    "reload": "sottovoce.cli.reload",
    "rename": "sottovoce.cli.rename",
    "check": "sottovoce.cli.check",
    "edges": "sottovoce.cli.edges",
    "explain": "sottovoce.cli.explain",
    "keytool": "sottovoce.cli.keytool",
    "ca": "sottovoce.cli.ca",
    "acme": "sottovoce.cli.acme",
    "account": "sottovoce.cli.account",
    "list": "sottovoce.cli.campaign",
    "job": "sottovoce.cli.campaign",
    "report": "sottovoce.cli.campaign",
}


class _Parser(argparse.ArgumentParser):
    """argparse, with our exit status for wrong usage."""

    def error(self, message: str) -> NoReturn:
        """Say what was wrong with the words typed, and end with status 64."""
        self.print_usage(sys.stderr)
        hint = f"See '{self.prog} --help'."
        self.exit(WRONG_USAGE, f"{self.prog}: {message}. {hint}\n")


def build_parser(modules: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser with the commands of *modules*."""
    parser = _Parser(
        prog="sottovoce",
        description="A self-hosted e-mail-campaign installation whose parts speak only over "
        "mutual TLS, and explain every failure of trust.",
        epilog="Exit status: 0 fine, 1 warnings, 2 faults, 3 could not tell, 64 wrong usage.",
    )
    parser.add_argument("--version", action="version", version=f"sottovoce {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in dict.fromkeys(modules):
        importlib.import_module(module).register(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after the program's name; those of the process by default.

    Returns:
        The exit status.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    known = COMMANDS.get(words[0]) if words else None
    args = build_parser([known] if known else list(COMMANDS.values())).parse_args(words)
    try:
        status: int = args.run(args)
    except WrongUsage as error:
        print_error(error)
        return WRONG_USAGE
    except SottovoceError as error:
        print_error(error)
        return FAULTS
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Who read our output has seen enough; Python must not complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except Exception as error:
        if os.environ.get("SOTTOVOCE_DEBUG"):
            raise
        print(
            f"sottovoce met an error that it did not expect ({type(error).__name__}: {error}). "
            "Please report it with what SOTTOVOCE_DEBUG=1 prints.",
            file=sys.stderr,
        )
        return UNTOLD
    return status
