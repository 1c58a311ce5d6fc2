"""``sottovoce explain``: any error text, or one of our codes → what it means and what to do.

This module owns the words of the command and its exit status. What a text means is decided in
:mod:`sottovoce.diagnosis`.
"""

import argparse
import asyncio
import json
import shutil
import sys

from sottovoce.cli.options import add_home, home_of
from sottovoce.diagnosis import Diagnosis, explain, render_json, render_text
from sottovoce.errors import WrongUsage

__all__ = ["register", "run"]

_FOUND = 0
_COULD_NOT_TELL = 3


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``explain`` to the commands.

    Args:
        commands: what ``ArgumentParser.add_subparsers`` returned.
    """
    parser = commands.add_parser(
        "explain",
        help="explain an error text or one of our codes",
        description=(
            "Explain any error text of OpenSSL, Python, Java, Go, Erlang, curl, nginx or keytool, "
            "a piece of a log, or one of our codes. Without a text, or with -, standard input is "
            "read. With --home the causes that are there to be seen on that server go first. "
            "Exit status: 0 explained, 3 could not tell."
        ),
    )
    add_home(parser)
    parser.add_argument(
        "--partners",
        action="store_true",
        help="with --home: also try every connection that this server calls",
    )
    parser.add_argument(
        "text", nargs="*", metavar="TEXT|CODE", help="the text; - for standard input"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument(
        "--context",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="what else is known, e.g. side=caller or port=7000; may be repeated",
    )
    parser.set_defaults(run=run)


def _text(words: list[str]) -> str:
    if words and words != ["-"]:
        return " ".join(words)
    return sys.stdin.buffer.read(1 << 20).decode("utf-8", "replace")


def _context(pairs: list[str]) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _looking(text: str, context: dict[str, str], args: argparse.Namespace) -> list[Diagnosis]:
    """Explain on a server: check it without a word, and put first what is to be seen there."""
    from sottovoce.net import monotonic, utc_now
    from sottovoce.server.checking import Notebook, check_home, check_partners, explain_here

    home = home_of(args)
    if not (home / "server.ini").exists():
        raise WrongUsage(f"{home} is no server's home.", hint="Give --home DIR, or none.")
    notebook = Notebook(monotonic=monotonic)
    known = check_home(home, notebook, at=utc_now())
    if args.partners:
        asyncio.run(check_partners(known, notebook))
    return explain_here(text, known, notebook.report, context)


def run(args: argparse.Namespace) -> int:
    """Explain and print.

    Args:
        args: ``text`` (list of words), ``json``, ``context`` (list of ``FIELD=VALUE``), ``home``,
            ``partners``.

    Returns:
        0 when something was recognised, 3 when not.
    """
    text, context = _text(args.text), _context(args.context)
    diagnoses = _looking(text, context, args) if args.home else explain(text, context)
    if args.json:
        print(json.dumps([render_json(one) for one in diagnoses], indent=2, ensure_ascii=False))
    else:
        width = min(shutil.get_terminal_size().columns, 100)
        print("\n\n".join(render_text(one, width=width) for one in diagnoses))
    return _COULD_NOT_TELL if diagnoses[0].code == "unrecognised" else _FOUND
