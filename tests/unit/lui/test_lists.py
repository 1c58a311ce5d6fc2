from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from sottovoce.errors import FormatError, SettingsError, SottovoceError, StoreError
from sottovoce.lui.service.lists import ImportReport, ListSummary, show_lists, undo_import
from sottovoce.lui.service.sql import sql
from sottovoce.store import Database

Importer = Callable[..., Awaitable[ImportReport]]


def figures(report: ImportReport) -> tuple[int, int, int, int, int]:
    return (report.added, report.updated, report.unchanged, report.kept_out, report.rejected)


async def leave(database: Database, email: str, *, suppress: bool = False) -> None:
    async with database.write() as connection:
        await sql(
            connection,
            "UPDATE membership SET state = 'unsubscribed'"
            " WHERE contact_id = (SELECT id FROM contact WHERE email_norm = ?)",
            (email,),
        )
        if suppress:
            await sql(
                connection,
                "INSERT INTO suppression SELECT email_hash, 'all', 'test', 0, 'test' FROM contact"
                " WHERE email_norm = ?",
                (email,),
            )


async def test_an_import_adds_people_with_fields_and_consent(
    database: Database, add: Importer
) -> None:
    report = await add(
        "email,name,tracking\na@example.org,Ann,granted\nb@example.org,Bo,denied\nc@example.org,,\n"
    )
    assert figures(report) == (3, 0, 0, 0, 0)
    assert await show_lists(database) == [ListSummary("News", 3, 0, 1, 1, 1, ("name",))]


async def test_the_same_import_again_changes_nothing(database: Database, add: Importer) -> None:
    text = "email,name\na@example.org,Ann\nb@example.org,Bo\n"
    await add(text)
    assert figures(await add(text)) == (0, 0, 2, 0, 0)
    assert figures(await add("email,name\nA@Example.ORG,Anna\n")) == (0, 1, 0, 0, 0)
    assert (await show_lists(database))[0].subscribed == 2


async def test_who_left_stays_away(database: Database, add: Importer) -> None:
    text = "email\na@example.org\nb@example.org\n"
    await add(text)
    await leave(database, "a@example.org")
    assert figures(await add(text)) == (0, 0, 1, 1, 0)
    assert (await show_lists(database, "News"))[0].unsubscribed == 1


async def test_who_is_suppressed_stays_away_from_every_list(
    database: Database, add: Importer
) -> None:
    text = "email\na@example.org\n"
    await add(text)
    await leave(database, "a@example.org", suppress=True)
    assert figures(await add(text, list_name="Other")) == (0, 0, 0, 1, 0)


async def test_denied_consent_is_not_granted_by_a_file(database: Database, add: Importer) -> None:
    await add("email,tracking\na@example.org,denied\n")
    report = await add("email,tracking\na@example.org,granted\n")
    assert report.consent_kept == 1
    assert (await show_lists(database))[0].denied == 1


async def test_consent_is_kept_with_its_time_and_source(
    database: Database, add: Importer, now: datetime
) -> None:
    await add("email,tracking\na@example.org,granted\n")
    await add("email,tracking\na@example.org,denied\n", at=now + timedelta(days=1))
    async with database.read() as connection:
        rows = (await sql(connection, "SELECT state, at, source FROM consent ORDER BY id")).all()
    first = int(now.timestamp() * 1000)
    assert rows == [
        ("granted", first, "import:1"),
        ("denied", first + 86_400_000, "import:2"),
    ]


async def test_broken_rows_are_told_and_the_others_imported(add: Importer) -> None:
    report = await add("email,tracking\na@example.org,granted\nbad,perhaps\nb@example.org,\n")
    assert figures(report) == (2, 0, 0, 0, 1)
    assert [(reject.line, reject.column) for reject in report.rejects] == [
        (3, "email"),
        (3, "tracking"),
    ]


async def test_a_dry_run_tells_the_same_and_leaves_nothing(
    database: Database, add: Importer
) -> None:
    report = await add("email\na@example.org\nbad\n", dry_run=True)
    assert figures(report) == (1, 0, 0, 0, 1)
    assert report.run == 0
    assert await show_lists(database) == []


async def test_an_import_that_fails_half_way_leaves_nothing(
    database: Database, add: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sottovoce.lui.service.csvfile.MAX_ROWS", 600)
    rows = "".join(f"p{n}@example.org\n" for n in range(700))
    with pytest.raises(FormatError):
        await add(f"email\n{rows}")
    assert await show_lists(database) == []


async def test_many_rows_go_in_batches(database: Database, add: Importer) -> None:
    rows = "".join(f"p{n}@example.org,N{n}\n" for n in range(1201))
    assert figures(await add(f"email,name\n{rows}")) == (1201, 0, 0, 0, 0)
    assert (await show_lists(database))[0].subscribed == 1201


async def test_an_import_can_be_taken_back(
    database: Database, add: Importer, now: datetime
) -> None:
    await add("email\na@example.org\n")
    report = await add("email,tracking\na@example.org,granted\nb@example.org,granted\n")
    assert await undo_import(database, report.run, now=now) == 1
    assert await show_lists(database) == [ListSummary("News", 1, 0, 0, 0, 1, ())]
    with pytest.raises(StoreError, match="no import 2 that could be undone") as caught:
        await undo_import(database, report.run, now=now)
    assert caught.value.code == "import-unknown"


async def test_a_header_without_email_is_refused(add: Importer) -> None:
    with pytest.raises(SettingsError):
        await add("name\nAnn\n")


async def test_an_unknown_list_is_said_to_be_unknown(database: Database) -> None:
    with pytest.raises(StoreError, match="There is no list 'Nope'"):
        await show_lists(database, "Nope")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
async def test_a_list_has_a_printable_name(add: Importer, name: str) -> None:
    with pytest.raises(SottovoceError, match="cannot be a list's name") as caught:
        await add("email\n", list_name=name)
    assert caught.value.code == "list-name"
