"""``sottovoce list``, ``job`` and ``report``: their grammar; what they do is in ``campaign_acts``.

Kept apart because every start of the command line builds this grammar, and only these verbs need
the database.
"""

import argparse
from pathlib import Path

from sottovoce.cli.options import add_home

__all__ = ["TRACKING", "register", "run"]

#: The tracking types, for the help text (a test compares them with LUI's own).
TRACKING = ("none", "blind", "unique", "personal", "personal-by-permission")


def run(args: argparse.Namespace) -> int:
    """Carry out the act that *args* name; return the exit status."""
    from sottovoce.cli import campaign_acts

    return campaign_acts.ACTS[args.act](args)


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``list``, ``job`` and ``report`` to the command line's *commands*."""
    _register_list(commands)
    _register_job(commands)
    parser = commands.add_parser(
        "report",
        help="show what became of a job's mails and what people did",
        description="Show what became of a job's mails, what people did, and until when that is "
        "complete.",
    )
    _finish(parser, "report")
    parser.add_argument("job", metavar="JOB", help="the job's name")


def _finish(parser: argparse.ArgumentParser, act: str) -> argparse.ArgumentParser:
    """Give a verb what all have."""
    add_home(parser, of="LUI's server")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run, act=act)
    return parser


def _register_list(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    lists = commands.add_parser(
        "list",
        help="import recipients, and show lists",
        description="Import recipients, and show lists.",
    )
    verbs = lists.add_subparsers(dest="verb", metavar="VERB", required=True)
    importing = _finish(
        verbs.add_parser(
            "import",
            help="import recipients from a CSV file",
            description="Import recipients from a CSV file: UTF-8, a header line with a column "
            "'email'; a column 'tracking' (granted, denied, or empty) is consent, every other one "
            "a field. Whoever has left stays away. Broken rows are told, the others imported.",
        ),
        "list import",
    )
    importing.add_argument("file", type=Path, metavar="FILE", help="the CSV file")
    importing.add_argument("--list", required=True, metavar="NAME", help="made when it is new")
    importing.add_argument("--dry-run", action="store_true", help="only say what would be done")
    importing.add_argument(
        "--rejects", type=Path, metavar="FILE", help="write the broken rows there, as CSV"
    )
    showing = _finish(
        verbs.add_parser(
            "show", help="show lists in figures", description="Show lists in figures."
        ),
        "list show",
    )
    showing.add_argument("name", nargs="?", metavar="NAME", help="only this one")
    undoing = _finish(
        verbs.add_parser(
            "undo",
            help="take an import back",
            description="Take an import back: who came onto the list by it leaves it again. "
            "Changed field values stay.",
        ),
        "list undo",
    )
    undoing.add_argument("import_run", type=int, metavar="IMPORT", help="the import's number")


def _register_job(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    jobs = commands.add_parser(
        "job",
        help="define, authorise and deliver jobs",
        description="Define, authorise and deliver jobs.",
    )
    verbs = jobs.add_subparsers(dest="verb", metavar="VERB", required=True)
    _define_parser(_finish(_verb(verbs, "define", "define a job, or change it"), "job define"))
    _named(verbs, "authorise", "freeze a job's content and recipients, so that it may go out")
    delivering = _named(verbs, "deliver", "hand an authorised job to the server for delivery")
    delivering.add_argument("--wait", action="store_true", help="until it is completed or halted")
    _named(verbs, "status", "show how far a job is")
    _named(verbs, "uncertain", "show mails of which nobody knows whether the relay took them")
    resolving = _named(verbs, "resolve", "decide about one uncertain mail")
    resolving.add_argument("index", type=int, metavar="INDEX", help="the recipient's number")
    resolving.add_argument(
        "decision", choices=("sent", "resend"), help="it was sent, or send it again"
    )


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    return verbs.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")


def _named(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    parser = _finish(_verb(verbs, name, text), f"job {name}")
    parser.add_argument("job", metavar="JOB", help="the job's name")
    return parser


def _define_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="what the job is called")
    parser.add_argument("--list", required=True, metavar="NAME", help="who gets it")
    parser.add_argument("--subject", required=True, help="may contain {{field}}")
    parser.add_argument(
        "--from", required=True, dest="sender", metavar="SENDER", help="'Name <name@domain>'"
    )
    parser.add_argument("--html", required=True, type=Path, metavar="FILE", help="HTML template")
    parser.add_argument("--text", required=True, type=Path, metavar="FILE", help="text template")
    parser.add_argument(
        "--tracking",
        choices=TRACKING,
        default="personal-by-permission",
        help="how much is learnt of people's reactions (default: personal-by-permission)",
    )
