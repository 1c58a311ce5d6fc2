"""Lists: recipients imported from files, shown, and imports taken back.

One import is one transaction: after a crash all of it is there or nothing. It never brings back
somebody who left, and never turns a denied consent into a granted one.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.errors import SottovoceError, StoreError
from sottovoce.lui.schema import MAX_NAME, Consent, Membership, to_ms
from sottovoce.lui.service.addresses import address_hash
from sottovoce.lui.service.csvfile import CsvReader, ImportRow, Reject
from sottovoce.lui.service.sql import sql
from sottovoce.store import Database

__all__ = ["ImportReport", "ListSummary", "import_csv", "show_lists", "undo_import"]

#: Rows read and written at once.
BATCH = 500
#: Rejects kept in memory for the report; all are counted.
KEPT_REJECTS = 10_000


@dataclass(slots=True)
class ImportReport:
    """What an import did, or with *dry_run* would do.

    Args:
        list_name: the list.
        run: the number under which it was recorded and can be undone; 0 for a dry run.
        rows: read, header and empty lines not counted.
        added: people who are new on the list.
        updated: of those on it already, whose fields changed.
        unchanged: the others on it already.
        kept_out: who had unsubscribed or are suppressed, and stay away.
        consent_kept: whose denied consent the file would have granted, and stays denied.
        rejected: broken rows.
        rejects: what was wrong, cell by cell (at most ``KEPT_REJECTS``).
    """

    list_name: str
    dry_run: bool = False
    run: int = 0
    rows: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_out: int = 0
    consent_kept: int = 0
    rejected: int = 0
    fields: tuple[str, ...] = ()
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ListSummary:
    """A list in figures; consent is that of its subscribed members."""

    name: str
    subscribed: int
    unsubscribed: int
    granted: int
    denied: int
    unknown: int
    fields: tuple[str, ...]


class _DryRun(Exception):
    """Raised at the end of a dry run."""


async def import_csv(
    database: Database,
    list_name: str,
    source: Path | bytes,
    *,
    now: datetime,
    name: str = "",
    dry_run: bool = False,
) -> ImportReport:
    """Import recipients into a list, which is made when it is new.

    Args:
        database: LUI's.
        list_name: the list.
        source: a CSV file, or its bytes.
        now: the moment of the import, for consent and membership.
        name: the file's name for messages, where *source* is bytes.
        dry_run: do everything, then roll back.

    Raises:
        SettingsError: the header cannot be used.
        FormatError: the file cannot be read as CSV at all.
    """
    if not list_name.strip() or len(list_name) > MAX_NAME or not list_name.isprintable():
        raise SottovoceError(
            f"{list_name!r} cannot be a list's name.",
            hint=f"Use 1 to {MAX_NAME} printable characters.",
            code="list-name",
        )
    reader = await asyncio.to_thread(CsvReader, source, name=name)
    report = ImportReport(list_name, dry_run=dry_run, fields=reader.fields)
    try:
        async with database.write() as connection:
            importer = await _Importer.begin(connection, report, reader, to_ms(now))
            await importer.run()
    except _DryRun:
        report.run = 0
    finally:
        reader.close()
    return report


class _Importer:
    """One import inside its transaction."""

    def __init__(
        self, connection: AsyncConnection, report: ImportReport, reader: CsvReader, now: int
    ) -> None:
        self.connection = connection
        self.report = report
        self.reader = reader
        self.now = now
        self.list_id = 0

    @classmethod
    async def begin(
        cls, connection: AsyncConnection, report: ImportReport, reader: CsvReader, now: int
    ) -> "_Importer":
        """Make list, fields and the run's row."""
        self = cls(connection, report, reader, now)
        await self._sql(
            "INSERT INTO list (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (report.list_name, now),
        )
        found = await self._sql("SELECT id FROM list WHERE name = ?", (report.list_name,))
        self.list_id = found.scalar_one()
        for column in report.fields:
            await self._sql(
                "INSERT INTO list_field (list_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (self.list_id, column),
            )
        run = await self._sql(
            "INSERT INTO import_run (list_id, file, at, rows, added, updated, unchanged, kept_out,"
            " rejected) VALUES (?, ?, ?, 0, 0, 0, 0, 0, 0) RETURNING id",
            (self.list_id, reader.name, now),
        )
        report.run = run.scalar_one()
        return self

    async def _sql(self, statement: str, values: Any = ()) -> Any:
        return await sql(self.connection, statement, values)

    async def run(self) -> None:
        rows = iter(self.reader)
        while batch := await asyncio.to_thread(lambda: list(islice(rows, BATCH))):
            good: list[ImportRow] = []
            for row in batch:
                if isinstance(row, ImportRow):
                    good.append(row)
                else:
                    self.report.rejected += 1
                    self.report.rejects += row[: KEPT_REJECTS - len(self.report.rejects)]
            if good:
                await self._store(good)
        report = self.report
        report.rows = self.reader.rows
        await self._sql(
            "UPDATE import_run SET rows = ?, added = ?, updated = ?, unchanged = ?, kept_out = ?,"
            " rejected = ? WHERE id = ?",
            (
                report.rows,
                report.added,
                report.updated,
                report.unchanged,
                report.kept_out,
                report.rejected,
                report.run,
            ),
        )
        if report.dry_run:
            raise _DryRun

    async def _store(self, rows: list[ImportRow]) -> None:
        known = await self._known(rows)
        new = [row for row in rows if row.address.norm not in known]
        await self._insert_contacts(new)
        if new:
            known |= await self._known(new)
        gone = await self._gone(rows)
        changed: list[tuple[str, int]] = []
        members: list[tuple[Any, ...]] = []
        consents: list[tuple[int, Consent]] = []
        fresh = {row.address.norm for row in new}
        for row in rows:
            contact, fields, consent, membership = known[row.address.norm]
            merged = {**fields, **row.fields}
            is_changed = merged != fields
            if is_changed:
                changed.append((_json(merged), contact))
            if self._consent_changes(row, consent):
                consents.append((contact, row.consent))
            if row.address.norm in gone or membership == Membership.UNSUBSCRIBED:
                self.report.kept_out += 1
            elif membership is None:
                self.report.added += 1
                source = f"import:{self.report.run}"
                state = Membership.SUBSCRIBED.value
                members.append((self.list_id, contact, state, self.now, source, self.report.run))
            elif is_changed and row.address.norm not in fresh:
                self.report.updated += 1
            else:
                self.report.unchanged += 1
        await self._write(changed, members, consents)

    async def _write(
        self,
        changed: list[tuple[str, int]],
        members: list[tuple[Any, ...]],
        consents: list[tuple[int, Consent]],
    ) -> None:
        if changed:
            await self._sql("UPDATE contact SET fields = ? WHERE id = ?", changed)
        if members:
            await self._sql(
                "INSERT INTO membership (list_id, contact_id, state, since, source, run_id)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                members,
            )
        if consents:
            source = f"import:{self.report.run}"
            await self._sql(
                "INSERT INTO consent (contact_id, state, at, source) VALUES (?, ?, ?, ?)",
                [(contact, state.value, self.now, source) for contact, state in consents],
            )
            await self._sql(
                "UPDATE contact SET consent = ? WHERE id = ?",
                [(state.value, contact) for contact, state in consents],
            )

    def _consent_changes(self, row: ImportRow, current: str) -> bool:
        """Tell whether the file's word counts; who denied is asked anew only by the person."""
        if row.consent is Consent.UNKNOWN or row.consent == current:
            return False
        if current == Consent.DENIED:
            self.report.consent_kept += 1
            return False
        return True

    async def _known(
        self, rows: Iterable[ImportRow]
    ) -> dict[str, tuple[int, dict[str, str], str, str | None]]:
        norms = tuple(row.address.norm for row in rows)
        marks = ",".join("?" * len(norms))
        found = await self._sql(
            "SELECT c.email_norm, c.id, c.fields, c.consent, m.state FROM contact c"  # noqa: S608 - only question marks are put in
            " LEFT JOIN membership m ON m.contact_id = c.id AND m.list_id = ?"
            f" WHERE c.email_norm IN ({marks})",
            (self.list_id, *norms),
        )
        return {row[0]: (row[1], json.loads(row[2]), row[3], row[4]) for row in found}

    async def _insert_contacts(self, rows: list[ImportRow]) -> None:
        if rows:
            await self._sql(
                "INSERT INTO contact (email_norm, email, email_hash, fields, created_at,"
                " created_run) VALUES (?, ?, ?, '{}', ?, ?)",
                [
                    (
                        row.address.norm,
                        row.address.mailbox,
                        address_hash(row.address.norm),
                        self.now,
                        self.report.run,
                    )
                    for row in rows
                ],
            )

    async def _gone(self, rows: list[ImportRow]) -> set[str]:
        """Return who is suppressed, everywhere or for this list."""
        hashes = {address_hash(row.address.norm): row.address.norm for row in rows}
        marks = ",".join("?" * len(hashes))
        found = await self._sql(
            f"SELECT email_hash FROM suppression WHERE email_hash IN ({marks})"  # noqa: S608 - only question marks are put in
            " AND scope IN ('all', ?)",
            (*hashes, f"list:{self.list_id}"),
        )
        return {hashes[row[0]] for row in found}


def _json(fields: dict[str, str]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


async def undo_import(database: Database, run: int, *, now: datetime) -> int:
    """Take an import back: who came onto the list by it leaves it again.

    Changed field values stay; people whom a job was sent to stay known, off the list.

    Returns:
        How many left.

    Raises:
        StoreError: ``import-unknown``: there is no such run, or it was undone before.
    """
    async with database.write() as connection:
        found = await sql(
            connection,
            "UPDATE import_run SET undone_at = ? WHERE id = ? AND undone_at IS NULL",
            (to_ms(now), run),
        )
        if not found.rowcount:
            raise StoreError(
                f"There is no import {run} that could be undone.",
                hint="Give the number that 'sottovoce list import' printed; an import can be "
                "undone once.",
                code="import-unknown",
            )
        left = await sql(
            connection,
            "DELETE FROM membership WHERE run_id = ? AND state = ?",
            (run, Membership.SUBSCRIBED.value),
        )
        source = f"import:{run}"
        await sql(
            connection,
            "UPDATE contact SET consent = COALESCE((SELECT state FROM consent"
            " WHERE contact_id = contact.id AND source <> ?1 ORDER BY at DESC, id DESC LIMIT 1),"
            " 'unknown') WHERE id IN (SELECT contact_id FROM consent WHERE source = ?1)",
            (source,),
        )
        await sql(connection, "DELETE FROM consent WHERE source = ?", (source,))
        await sql(
            connection,
            "DELETE FROM contact WHERE created_run = ?"
            " AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.contact_id = contact.id)"
            " AND NOT EXISTS (SELECT 1 FROM consent k WHERE k.contact_id = contact.id)"
            " AND NOT EXISTS (SELECT 1 FROM job_recipient r WHERE r.contact_id = contact.id)",
            (run,),
        )
        return int(left.rowcount)


async def show_lists(database: Database, name: str | None = None) -> list[ListSummary]:
    """Return every list in figures, or the one called *name*.

    Raises:
        StoreError: ``list-unknown``.
    """
    async with database.read() as connection:
        found = await sql(
            connection,
            "SELECT l.id, l.name, COALESCE(SUM(m.state = 'subscribed'), 0),"
            " COALESCE(SUM(m.state = 'unsubscribed'), 0),"
            " COALESCE(SUM(m.state = 'subscribed' AND c.consent = 'granted'), 0),"
            " COALESCE(SUM(m.state = 'subscribed' AND c.consent = 'denied'), 0),"
            " COALESCE(SUM(m.state = 'subscribed' AND c.consent = 'unknown'), 0)"
            " FROM list l LEFT JOIN membership m ON m.list_id = l.id"
            " LEFT JOIN contact c ON c.id = m.contact_id"
            " WHERE ?1 IS NULL OR l.name = ?1 GROUP BY l.id ORDER BY l.name",
            (name,),
        )
        summaries = []
        for row in found.all():
            columns = await sql(
                connection, "SELECT name FROM list_field WHERE list_id = ? ORDER BY name", (row[0],)
            )
            _, title, *figures = row
            summaries.append(_summary(title, figures, tuple(columns.scalars())))
    if name is not None and not summaries:
        raise StoreError(f"There is no list {name!r}.", code="list-unknown")
    return summaries


def _summary(name: str, figures: list[int], fields: tuple[str, ...]) -> ListSummary:
    subscribed, unsubscribed, granted, denied, unknown = figures
    return ListSummary(name, subscribed, unsubscribed, granted, denied, unknown, fields)
