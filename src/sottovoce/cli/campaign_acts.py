"""What ``sottovoce list``, ``job`` and ``report`` do.

They act on LUI's database directly, whether or not its server runs (SQLite's WAL mode); a running
server sees a job that was handed over within half a second. Exit status: 0 fine, 1 with warnings,
faults are raised and become 2 (DESIGN §7).
"""

import argparse
import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import msgspec

from sottovoce.cli import campaign_tables as tables
from sottovoce.cli.options import home_of
from sottovoce.errors import FormatError, SottovoceError
from sottovoce.lui import open_database
from sottovoce.lui.schema import JobState, LedgerState, TrackingType
from sottovoce.lui.service.csvfile import Reject
from sottovoce.lui.service.jobs import Definition, Job, Template, authorise, define, deliver
from sottovoce.lui.service.ledger import resolve, uncertain
from sottovoce.lui.service.lists import import_csv, show_lists, undo_import
from sottovoce.lui.service.report import JobStatus, job_status, report
from sottovoce.lui.service.templates import MAX_SIZE
from sottovoce.net.clock import utc_now
from sottovoce.store import Database, write_atomically

__all__ = ["ACTS"]

#: Seconds between two looks at a job that is waited for.
LOOK = 0.2

FINE, WARNINGS = 0, 1

T = TypeVar("T")


def _work(args: argparse.Namespace, act: Callable[[Database], Awaitable[T]]) -> T:
    """Do *act* with LUI's database in the home that *args* name."""
    home = home_of(args)

    async def work() -> T:
        database = await open_database(home)
        try:
            return await act(database)
        finally:
            await database.aclose()

    return asyncio.run(work())


def _print_json(value: object) -> None:
    print(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4 * MAX_SIZE + 1)
    except OSError as error:
        raise SottovoceError(
            f"The {what} {path} cannot be read: {error.strerror}.",
            hint="Give the path of a file that you may read.",
            code="file-unreadable",
        ) from error


def _template(path: Path) -> Template:
    try:
        return Template(_read(path, "template").decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path} is not UTF-8 text (byte {error.start}).",
            source=str(path),
            position=error.start,
            hint="Save it as UTF-8.",
            code="template-encoding",
        ) from None


def _list_import(args: argparse.Namespace) -> int:
    if not args.file.is_file():
        raise SottovoceError(
            f"There is no file {args.file}.",
            hint="Give the path of a CSV file.",
            code="file-unreadable",
        )
    result = _work(
        args,
        lambda database: import_csv(
            database, args.list, args.file, now=utc_now(), dry_run=args.dry_run
        ),
    )
    if args.rejects is not None:
        write_atomically(args.rejects, _rejects_csv(result.rejects))
    if args.json:
        _print_json(result)
    else:
        tables.print_import(result, args.rejects)
    return WARNINGS if result.rejected else FINE


def _rejects_csv(rejects: list[Reject]) -> bytes:
    """Return rejects as CSV that no spreadsheet takes for formulas (tracker-and-campaign E22)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("line", "column", "value", "why"))
    for reject in rejects:
        value = f"'{reject.value}" if reject.value[:1] in tuple("=+-@\t\r") else reject.value
        writer.writerow((reject.line, reject.column, value, reject.why))
    return text.getvalue().encode("utf-8-sig")


def _list_show(args: argparse.Namespace) -> int:
    summaries = _work(args, lambda database: show_lists(database, args.name))
    if args.json:
        _print_json({"lists": summaries})
    else:
        tables.print_lists(summaries)
    return FINE


def _list_undo(args: argparse.Namespace) -> int:
    left = _work(args, lambda database: undo_import(database, args.import_run, now=utc_now()))
    if args.json:
        _print_json({"import": args.import_run, "left": left})
    else:
        print(f"Import {args.import_run} is undone: {left} people left the list.")
    return FINE


def _job_define(args: argparse.Namespace) -> int:
    definition = Definition(
        name=args.name,
        list_name=args.list,
        subject=args.subject,
        sender=args.sender,
        html=_template(args.html),
        text=_template(args.text),
        tracking=TrackingType(args.tracking),
    )
    content = _work(args, lambda database: define(database, definition, now=utc_now()))
    if args.json:
        _print_json({"job": args.name, "state": JobState.DRAFT, "links": content.links})
    else:
        print(f"The job {args.name!r} is defined; {len(content.links)} links are tracked:")
        for link in content.links:
            print(f"  {link.label}: {link.url}")
        print(f"Next: sottovoce job authorise {args.name!r}")
    return FINE


def _job_authorise(args: argparse.Namespace) -> int:
    job = _work(args, lambda database: authorise(database, args.job, now=utc_now()))
    if args.json:
        _print_json(_told(job))
    else:
        print(f"The job {job.name!r} is authorised for {job.recipients} recipients.")
        print(f"Digest: {job.digest}")
        print(f"Any change voids this. Next: sottovoce job deliver {job.name!r}")
    return FINE


def _told(job: Job) -> dict[str, object]:
    """Return what may be told of a job: everything but its key and its content."""
    return {
        "job": job.name,
        "job_ref": job.job_ref,
        "state": job.state,
        "recipients": job.recipients,
        "digest": job.digest,
        "tracking": job.tracking,
    }


def _job_deliver(args: argparse.Namespace) -> int:
    async def act(database: Database) -> JobStatus:
        await deliver(database, args.job, now=utc_now())
        told = ""
        while True:
            status = await job_status(database, args.job)
            if not args.wait or status.state is not JobState.DELIVERING:
                return status
            if status.note and status.note != told and not args.json:
                told = status.note
                print(f"It waits: {status.note}", flush=True)
            await asyncio.sleep(LOOK)

    return _tell_status(args, _work(args, act))


def _job_status(args: argparse.Namespace) -> int:
    return _tell_status(args, _work(args, lambda database: job_status(database, args.job)))


def _tell_status(args: argparse.Namespace, status: JobStatus) -> int:
    if args.json:
        _print_json(status)
    else:
        tables.print_status(status)
    waits = bool(status.note_code) or status.ledger[LedgerState.UNCERTAIN] > 0
    return WARNINGS if waits or status.ledger[LedgerState.REFUSED] else FINE


def _job_uncertain(args: argparse.Namespace) -> int:
    found = _work(args, lambda database: uncertain(database, args.job))
    if args.json:
        _print_json({"job": args.job, "uncertain": found})
    else:
        tables.print_uncertain(args.job, found)
    return WARNINGS if found else FINE


def _job_resolve(args: argparse.Namespace) -> int:
    resend = args.decision == "resend"
    _work(
        args,
        lambda database: resolve(database, args.job, args.index, resend=resend, now=utc_now()),
    )
    if args.json:
        _print_json({"job": args.job, "index": args.index, "decision": args.decision})
    else:
        done = "will be sent again" if resend else "counts as sent"
        print(f"The mail of recipient {args.index} {done}.")
    return FINE


def _report(args: argparse.Namespace) -> int:
    result = _work(args, lambda database: report(database, args.job))
    if args.json:
        _print_json(result)
    else:
        tables.print_report(result)
    return WARNINGS if result.lost or result.duplicated else FINE


#: The acts by the name that the grammar gives them.
ACTS: Mapping[str, Callable[[argparse.Namespace], int]] = MappingProxyType(
    {
        "list import": _list_import,
        "list show": _list_show,
        "list undo": _list_undo,
        "job define": _job_define,
        "job authorise": _job_authorise,
        "job deliver": _job_deliver,
        "job status": _job_status,
        "job uncertain": _job_uncertain,
        "job resolve": _job_resolve,
        "report": _report,
    }
)
