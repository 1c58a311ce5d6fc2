"""``sottovoce account``: its verbs and options; what they do is in ``account_acts``.

Kept apart because every start of the command line builds this grammar, and only these verbs need
the database.
"""

import argparse
import os
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["RIGHTS", "register", "run"]

#: The rights, for the help texts (a test compares them with :class:`sottovoce.hub.service.Right`).
RIGHTS = "define, deliver, report, import, lists, dropins, groupadmin, admin"

Verbs = Any  # argparse gives its sub-parsers' class no public name


def run(args: argparse.Namespace) -> int:
    """Carry out the verb that *args* name; return the exit status."""
    from sottovoce.cli import account_acts

    return account_acts.ACTS[args.verb](args)


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``account`` and its verbs to the command line's *commands*."""
    parser = commands.add_parser(
        "account",
        help="make and change the accounts of people",
        description="Make and change the accounts of people, on HUB's server.",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _set_up_parser(verbs)
    _add_parser(verbs)
    _verb(verbs, "list", "list the accounts")
    _named(_verb(verbs, "disable", "end an account's sessions and forbid its log-in"))
    _named(_verb(verbs, "enable", "allow an account to log in again, and unlock it"))
    password = _verb(verbs, "password", "give an account a new password")
    _named(password)
    _password_file(password)
    rights = _verb(verbs, "rights", "replace an account's rights")
    _named(rights)
    rights.add_argument("rights", metavar="RIGHTS", help=f"comma list, or none: {RIGHTS}")


def _verb(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False
    )
    home = os.environ.get("SOTTOVOCE_HOME")
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        default=Path(home) if home else None,
        help="the home of HUB's server (default: $SOTTOVOCE_HOME)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)
    return parser


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the account's name")
    parser.add_argument("--group", default="", metavar="GROUP", help="the group that it is in")


class _Never(argparse.Action):
    """Refuses an option by which a secret would become an argument, without repeating it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> NoReturn:
        parser.error(
            "passwords and codes are never arguments, which every user of this machine could "
            f"read; give {self.dest}-file FILE, or let the command ask"
        )


def _never(parser: argparse.ArgumentParser, option: str) -> None:
    parser.add_argument(
        option,
        dest=option,
        action=_Never,
        nargs="?",
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )


def _password_file(parser: argparse.ArgumentParser) -> None:
    _never(parser, "--password")
    parser.add_argument(
        "--password-file",
        metavar="FILE",
        help="read the password from FILE's first line ('-': standard input) instead of asking",
    )


def _set_up_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "set-up", "make the first account, with the set-up code")
    parser.add_argument("--name", metavar="NAME", help="the account's name, instead of asking")
    _never(parser, "--code")
    parser.add_argument(
        "--code-file",
        metavar="FILE",
        help="read the set-up code from FILE's first line ('-': standard input)",
    )
    _password_file(parser)


def _add_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "add", "make an account")
    _named(parser)
    parser.add_argument(
        "--rights", default="", metavar="RIGHTS", help=f"comma list, or none: {RIGHTS}"
    )
    _password_file(parser)
