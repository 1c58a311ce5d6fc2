"""``sottovoce secure``: an installation from plain to secured and back, by named states.

Owns the words of the command and its order; where a server stands is computed in
:mod:`sottovoce.server.switch_state`, and what a step writes is decided in
:mod:`sottovoce.server.preparing`.
"""

import argparse
from pathlib import Path
from typing import Any

from sottovoce.cli.options import add_home

__all__ = ["register", "run"]

Verbs = Any  # argparse gives its sub-parsers' class no public name


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``secure`` and its verbs to the commands."""
    parser = commands.add_parser(
        "secure",
        help="lead the installation from plain to secured, step by step, and back",
        description="Lead the installation from plain to secured: prepared on every server, "
        "checked (every connection computed to work), switched, proved. Without a verb it says "
        "where this server stands, on HUB's server the whole installation, and the next command. "
        "A step that would break a connection is refused, and the connection named. Exit status: "
        "0 done, or every step is; 1 a step is left; 2 refused; 64 wrong usage.",
        allow_abbrev=False,
    )
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run, verb="")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=False)
    _prepare_parser(verbs)
    _sign_parser(verbs)
    _verb(
        verbs,
        "check",
        "compute whether every connection would work; elsewhere than on HUB's server: whether "
        "this server would start secured, and what HUB has said",
    )
    _verb(verbs, "switch", "put the prepared switch in its place; it is on at the next start")
    _verb(verbs, "prove", "on HUB's server: tell whether every connection is secured")
    _verb(verbs, "back", "put the switch aside, so that the next start is plain")


def _verb(verbs: Verbs, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False
    )
    # What was given before the verb stays, unless it is given after it as well.
    unsaid = argparse.SUPPRESS
    parser.add_argument("--home", type=Path, metavar="DIR", default=unsaid, help="the server's")
    parser.add_argument("--json", action="store_true", default=unsaid, help="print as JSON")
    return parser


def _prepare_parser(verbs: Verbs) -> None:
    parser = _verb(
        verbs,
        "prepare",
        "write everything that secures this server, except the switch itself; without an option "
        "look whether a commands/ssl.ini.prepared written by hand would start",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--own-ca",
        type=Path,
        metavar="ROOTDIR",
        help="HUB's server: under the installation's own authority, whose root lies there or is "
        "made there, outside every server home",
    )
    what.add_argument(
        "--request",
        type=Path,
        metavar="FILE",
        help="another server: make a key, and write the request for HUB's server to FILE",
    )
    what.add_argument(
        "--reply", type=Path, metavar="FILE", help="another server: take what HUB's server gave"
    )
    parser.add_argument(
        "--fingerprint", metavar="SHA256", help="of the reply, as 'secure sign' has shown it"
    )
    parser.add_argument("--ca-name", metavar="NAME", help="what a new root is called")
    parser.add_argument(
        "--ca-host",
        action="append",
        default=[],
        metavar="HOST",
        help="one more host name, or domain, that HUB may certify; may be repeated",
    )
    parser.add_argument(
        "--ca-password-file", type=Path, metavar="FILE", help="the password of the root's key"
    )


def _sign_parser(verbs: Verbs) -> None:
    parser = _verb(verbs, "sign", "on HUB's server: certify another server that is being prepared")
    parser.add_argument("request", type=Path, metavar="REQUEST", help="the file from that server")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="for the reply")


def run(args: argparse.Namespace) -> int:
    """Carry out the verb; return the exit status."""
    from sottovoce.cli.secure_acts import ACTS

    return ACTS[args.verb or ""](args)
