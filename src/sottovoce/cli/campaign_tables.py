"""How lists, jobs and reports look on a terminal; every word of data is printed as data."""

from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sottovoce.lui.schema import LedgerState
from sottovoce.lui.service.ledger import Uncertain
from sottovoce.lui.service.lists import ImportReport, ListSummary
from sottovoce.lui.service.report import Count, JobStatus, Report

__all__ = ["print_import", "print_lists", "print_report", "print_status", "print_uncertain"]

#: Broken cells that the terminal shows; the rejects file has them all.
SHOWN_REJECTS = 20


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _table(title: str, *columns: str, figures: int = 0) -> Table:
    """Return an empty table; its last *figures* columns are figures."""
    table = Table(title=Text(title), title_justify="left", show_edge=False, pad_edge=False)
    for number, column in enumerate(columns):
        right = number >= len(columns) - figures
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    return table


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def print_import(report: ImportReport, rejects_file: Path | None) -> None:
    """Print what an import did."""
    console = _console()
    verb = "would have" if report.dry_run else "has"
    console.print(
        Text(
            f"The list {report.list_name!r} {verb} {report.added} new people, {report.updated} "
            f"changed, {report.unchanged} unchanged; {report.kept_out} stay away because they left."
        )
    )
    if report.consent_kept:
        console.print(
            Text(f"{report.consent_kept} people who denied tracking keep their word against it.")
        )
    if not report.dry_run:
        console.print(Text(f"This was import {report.run}; 'sottovoce list undo' takes it back."))
    if report.rejected:
        table = _table(f"{report.rejected} rows could not be taken:", "line", "column", "value")
        table.add_column("why", overflow="fold")
        for reject in report.rejects[:SHOWN_REJECTS]:
            row = (str(reject.line), reject.column, reject.value, reject.why)
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
        if len(report.rejects) > SHOWN_REJECTS:
            console.print(Text(f"… and {len(report.rejects) - SHOWN_REJECTS} more."))
        where = str(rejects_file) if rejects_file else "a file of your choice with --rejects FILE"
        console.print(Text(f"All of them are in {where}." if rejects_file else f"Get {where}."))


def print_lists(summaries: list[ListSummary]) -> None:
    """Print lists in figures."""
    console = _console()
    if not summaries:
        console.print("There is no list yet. 'sottovoce list import' makes one.")
        return
    names = ("list", "fields", "subscribed", "left", "granted", "denied", "unknown")
    table = _table("Lists (consent to tracking of the subscribed)", *names, figures=5)
    for each in summaries:
        figures = (each.subscribed, each.unsubscribed, each.granted, each.denied, each.unknown)
        fields = Text(", ".join(each.fields))
        table.add_row(Text(each.name), fields, *(f"{figure:,}" for figure in figures))
    console.print(table)


def print_status(status: JobStatus) -> None:
    """Print how far a job is."""
    console = _console()
    done = ", ".join(f"{count:,} {state}" for state, count in status.ledger.items() if count)
    console.print(
        Text(
            f"The job {status.job!r} ({status.tracking}) to {status.recipients:,} recipients of "
            f"{status.list_name!r} is {status.state}: {done or 'nobody yet'}."
        )
    )
    if status.note:
        console.print(Text(f"{status.note_code}: {status.note}"))
    if status.ledger[LedgerState.UNCERTAIN]:
        console.print(Text(f"See the uncertain ones: sottovoce job uncertain {status.job!r}"))


def print_uncertain(job: str, found: list[Uncertain]) -> None:
    """Print uncertain mails, and what can be done."""
    console = _console()
    if not found:
        console.print(Text(f"No mail of the job {job!r} is uncertain."))
        return
    title = "Nobody knows whether the relay took these mails; its log does."
    table = _table(title, "index", "address", "since", "why")
    for each in found:
        row = (str(each.idx), each.mailbox, _moment(each.since), each.reply)
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    console.print(Text(f"Decide: sottovoce job resolve {job!r} INDEX sent|resend"))


def print_report(report: Report) -> None:
    """Print a job's report."""
    console = _console()
    print_status(report.status)
    table = _table("What people did", "", "total", "people", figures=2)
    for name, count in (("opens (indicative)", report.opens), ("clicks", report.clicks)):
        table.add_row(name, *_figures(count))
    table.add_row("by programs", f"{report.automatic:,}", "")
    if report.withheld:
        table.add_row("withheld", f"{report.withheld:,}", "")
    table.add_row("unsubscribes", "", f"{report.unsubscribes:,}")
    table.add_row("tracking refused", "", f"{report.consents_withdrawn:,}")
    console.print(table)
    if report.links:
        links = _table("Clicks by link", "link", "target", "total", "people", figures=2)
        for link in report.links:
            figures = _figures(Count(link.total, link.unique))
            links.add_row(Text(link.label), Text(link.url), *figures)
        console.print(links)
    console.print(
        Text(
            f"{report.tracked:,} mails carried tracking. Events are complete until "
            f"{_moment(report.complete_until)}; lost: {report.lost}, duplicated: "
            f"{report.duplicated}."
        )
    )
    for loss in report.losses:
        amount = "an unknown number of" if loss.count is None else f"{loss.count:,}"
        span = f"between {_moment(loss.since)} and {_moment(loss.until)}"
        console.print(Text(f"Lost: {amount} events {span} ({loss.cause})."))


def _figures(count: Count) -> tuple[str, str]:
    return f"{count.total:,}", f"{count.unique:,}"
