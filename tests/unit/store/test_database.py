"""The database: durable, one writer at a time, and every cause outside the program is named."""

import asyncio
import resource
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from sottovoce.errors import SchemaMismatch, StoreError
from sottovoce.store import Database, database, migrate


async def _words(store: Database) -> list[str]:
    async with store.read() as connection:
        result = await connection.exec_driver_sql("SELECT text FROM word ORDER BY text")
        return [row.text for row in result]


async def _pragma(store: Database, name: str) -> object:
    async with store.read() as connection:
        return (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.glob("a.db*")}


async def _add(store: Database, *statements: str, then: Exception | None = None) -> None:
    async with store.write() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
        if then is not None:
            raise then


async def test_a_new_database_is_made_for_its_owner_only(tmp_path: Path, new_scripts: Path) -> None:
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:
        async with store.write() as connection:
            await connection.exec_driver_sql("INSERT INTO word (text) VALUES ('one')")
        modes = _modes(tmp_path)

    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("trusted_schema", 0)],
)
async def test_every_connection_is_durable_and_strict(
    tmp_path: Path, new_scripts: Path, pragma: str, value: object
) -> None:
    """synchronous 2 is FULL: what was committed is on the disk (DESIGN §1, nothing lost)."""
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:
        found = await _pragma(store, pragma)

    assert found == value


async def test_a_write_is_there_after_opening_again(tmp_path: Path, new_scripts: Path) -> None:
    path = tmp_path / "a.db"
    async with (
        await Database.open(path, migrations=new_scripts) as store,
        store.write() as connection,
    ):
        await connection.exec_driver_sql("INSERT INTO word (text) VALUES ('kept')")

    async with await Database.open(path, migrations=new_scripts) as store:
        words = await _words(store)

    assert words == ["kept"]


async def test_an_error_takes_the_whole_transaction_back(tmp_path: Path, new_scripts: Path) -> None:
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:
        with pytest.raises(LookupError):
            await _add(store, "INSERT INTO word (text) VALUES ('lost')", then=LookupError("else"))
        words = await _words(store)

    assert words == []


async def test_a_cancelled_writer_leaves_nothing_and_frees_the_next(
    tmp_path: Path, new_scripts: Path
) -> None:
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:
        inside = asyncio.Event()

        async def write_for_ever() -> None:
            async with store.write() as connection:
                await connection.exec_driver_sql("INSERT INTO word (text) VALUES ('lost')")
                inside.set()
                await asyncio.Event().wait()

        for _ in range(8):  # more often than the pool has connections
            inside.clear()
            task = asyncio.ensure_future(write_for_ever())
            await inside.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with store.write() as connection:
            await connection.exec_driver_sql("INSERT INTO word (text) VALUES ('next')")
        words = await _words(store)

    assert words == ["next"]


async def test_a_reader_sees_one_snapshot_while_another_writes(
    tmp_path: Path, new_scripts: Path
) -> None:
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:
        count = "SELECT count(*) FROM word"
        async with store.read() as reader:
            before = (await reader.exec_driver_sql(count)).scalar_one()
            async with store.write() as writer:
                await writer.exec_driver_sql("INSERT INTO word (text) VALUES ('new')")
            during = (await reader.exec_driver_sql(count)).scalar_one()
        async with store.read() as reader:
            after = (await reader.exec_driver_sql(count)).scalar_one()

    assert (before, during, after) == (0, 0, 1)


async def test_writers_of_one_process_queue_up(tmp_path: Path, new_scripts: Path) -> None:
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:

        async def add_one() -> None:
            async with store.write() as connection:
                query = "SELECT count(*) FROM word"
                number = (await connection.exec_driver_sql(query)).scalar_one()
                await asyncio.sleep(0)
                await connection.exec_driver_sql(f"INSERT INTO word (text) VALUES ('{number:02}')")

        await asyncio.gather(*(add_one() for _ in range(20)))
        words = await _words(store)

    assert words == [f"{number:02}" for number in range(20)]


async def test_a_write_within_a_write_is_a_mistake_and_no_deadlock(
    tmp_path: Path, new_scripts: Path
) -> None:
    async with (
        await Database.open(tmp_path / "a.db", migrations=new_scripts) as store,
        store.write(),
    ):
        with pytest.raises(RuntimeError, match="wait for itself"):
            async with store.write():
                pass


async def test_waiting_too_long_for_another_process_is_named(
    tmp_path: Path, new_scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 20)
    path = tmp_path / "a.db"
    async with await Database.open(path, migrations=new_scripts) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            async with store.write():
                pass
        other.execute("ROLLBACK")
        other.close()
        async with store.write() as connection:
            await connection.exec_driver_sql("INSERT INTO word (text) VALUES ('next')")
        words = await _words(store)

    assert caught.value.code == "store-busy"
    assert "Try again" in caught.value.hint
    assert words == ["next"]


async def test_a_full_disk_is_named_and_what_was_stored_stays(
    tmp_path: Path, new_scripts: Path
) -> None:
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:
        await _add(store, "INSERT INTO word (text) VALUES ('kept')")
        big = "INSERT INTO word (text) VALUES (hex(randomblob(100000)))"
        with pytest.raises(StoreError) as caught:
            await _add(store, "PRAGMA max_page_count = 8", big)
        room = "PRAGMA max_page_count = 1000000"
        await _add(store, room, "INSERT INTO word (text) VALUES ('next')")
        words = await _words(store)

    assert caught.value.code == "store-full"
    assert str(tmp_path / "a.db") in str(caught.value)
    assert "Free space" in caught.value.hint
    assert words == ["kept", "next"]


async def test_a_disk_that_reports_an_error_is_named(tmp_path: Path, new_scripts: Path) -> None:
    """A write that the system breaks off: no file of this process may grow beyond a limit."""
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            with pytest.raises(StoreError) as caught:
                await _add(store, "INSERT INTO word (text) VALUES (hex(randomblob(200000)))")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await _add(store, "INSERT INTO word (text) VALUES ('next')")
        assert await _words(store) == ["next"]

    assert caught.value.code == "store-io"
    assert str(tmp_path / "a.db") in str(caught.value)


async def test_a_mistake_in_the_program_is_not_dressed_up(
    tmp_path: Path, new_scripts: Path
) -> None:
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:
        with pytest.raises(sa.exc.OperationalError, match="no such table"):
            async with store.read() as connection:
                await connection.exec_driver_sql("SELECT * FROM nowhere")
        async with store.write() as connection:
            await connection.exec_driver_sql("INSERT INTO word (text) VALUES ('one')")
        with pytest.raises(sa.exc.IntegrityError):
            async with store.write() as connection:
                await connection.exec_driver_sql("INSERT INTO word (text) VALUES ('one')")


def test_an_old_database_is_brought_up_with_its_rows(
    tmp_path: Path, old_scripts: Path, new_scripts: Path
) -> None:
    path = tmp_path / "a.db"
    migrate(path, old_scripts)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO word (text) VALUES ('old')")
    connection.close()

    migrate(path, new_scripts)

    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT text, seen FROM word").fetchall()
    connection.close()
    assert rows == [("old", 0)]


def test_a_database_of_a_newer_version_is_refused_untouched(
    tmp_path: Path, old_scripts: Path, new_scripts: Path
) -> None:
    path = tmp_path / "a.db"
    migrate(path, new_scripts)
    before = path.read_bytes()

    with pytest.raises(SchemaMismatch) as caught:
        migrate(path, old_scripts)

    assert caught.value.code == "schema-mismatch"
    assert "'0002'" in caught.value.message
    assert "'0001'" in caught.value.message
    assert "backup" in caught.value.hint
    assert path.read_bytes() == before


def test_a_migration_that_fails_leaves_the_old_schema(
    tmp_path: Path, old_scripts: Path, broken_scripts: Path
) -> None:
    path = tmp_path / "a.db"
    migrate(path, old_scripts)

    with pytest.raises(RuntimeError, match="second step"):
        migrate(path, broken_scripts)

    connection = sqlite3.connect(path)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    revision = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
    assert "half" not in tables
    assert revision == [("0001",)]


@pytest.mark.parametrize(
    "content", [b"this is not a database" * 200, b"SQLite format 3\0" + b"\xff" * 4096]
)
async def test_a_file_that_is_no_database_is_named_and_left_alone(
    tmp_path: Path, new_scripts: Path, content: bytes
) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)

    with pytest.raises(StoreError) as caught:
        await Database.open(path, migrations=new_scripts)

    assert caught.value.code == "store-damaged"
    assert str(path) in caught.value.message
    assert "backup" in caught.value.hint
    assert path.read_bytes() == content


async def test_damage_met_while_reading_is_named(tmp_path: Path, new_scripts: Path) -> None:
    path = tmp_path / "a.db"
    row = "INSERT INTO word (text) VALUES (hex(randomblob(200)))"
    async with await Database.open(path, migrations=new_scripts) as store:
        await _add(store, *[row] * 400)
    damaged = bytearray(path.read_bytes())
    damaged[12288:] = b"\x5a" * (len(damaged) - 12288)
    path.write_bytes(bytes(damaged))

    async with await Database.open(path, migrations=new_scripts) as store:
        with pytest.raises(StoreError) as caught:
            await _words(store)

    assert caught.value.code == "store-damaged"


async def test_a_missing_folder_is_named(tmp_path: Path, new_scripts: Path) -> None:
    with pytest.raises(StoreError) as caught:
        await Database.open(tmp_path / "nowhere" / "a.db", migrations=new_scripts)

    assert caught.value.code == "store-unwritable"
    assert str(tmp_path / "nowhere") in caught.value.hint


async def test_a_folder_in_the_file_s_place_is_named(tmp_path: Path, new_scripts: Path) -> None:
    with pytest.raises(StoreError) as caught:
        await Database.open(tmp_path, migrations=new_scripts)

    assert caught.value.code == "store-unwritable"


async def test_a_path_with_odd_characters_is_taken_as_it_is(
    tmp_path: Path, new_scripts: Path
) -> None:
    folder = tmp_path / "100% sure? #1 & é"
    folder.mkdir()
    async with await Database.open(folder / "a.db", migrations=new_scripts) as store:
        words = await _words(store)

    assert words == []
    assert (folder / "a.db").is_file()


async def test_no_error_repeats_the_values_of_a_statement(
    tmp_path: Path, new_scripts: Path
) -> None:
    """W20: they are addresses and keys, and the error's text goes to a log."""
    statement = "INSERT INTO word (text) VALUES (?)"
    async with await Database.open(tmp_path / "a.db", migrations=new_scripts) as store:
        async with store.write() as connection:
            await connection.exec_driver_sql(statement, ("ann@example.org",))
        with pytest.raises(sa.exc.IntegrityError) as caught:
            async with store.write() as connection:
                await connection.exec_driver_sql(statement, ("ann@example.org",))

    assert "ann@example.org" not in str(caught.value)
