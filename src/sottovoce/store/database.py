"""One component's own database: opened, migrated, and written by one writer at a time.

The engine is SQLite in WAL mode through SQLAlchemy Core and aiosqlite; the schema's history is
Alembic's. Nothing here knows a table.
"""

import asyncio
import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import aiosqlite
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from sottovoce.errors import SchemaMismatch, StoreError

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

__all__ = ["Database", "migrate"]

#: Causes that lie outside the program, by SQLite's primary result code: our code, what is wrong,
#: the next step. What is not here is a mistake in the program and stays SQLAlchemy's exception.
_CAUSES = {
    sqlite3.SQLITE_FULL: ("store-full", "the disk is full", "Free space on its disk"),
    sqlite3.SQLITE_BUSY: (
        "store-busy",
        "another process has been writing to it for too long",
        "Try again; if that fails too, look for a command that hangs",
    ),
    sqlite3.SQLITE_READONLY: (
        "store-unwritable",
        "it may not be written",
        "Give the user that runs this program write access to the file and its folder",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "store-unwritable",
        "it, or the files that SQLite keeps beside it, cannot be opened",
        "Give the user that runs this program write access to the file and its folder",
    ),
    sqlite3.SQLITE_PERM: (
        "store-unwritable",
        "the system denies access to it",
        "Give the user that runs this program write access to the file and its folder",
    ),
    sqlite3.SQLITE_IOERR: (
        "store-io",
        "the system reports an error of reading or writing",
        "Look at the system's log and at the disk",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "store-damaged",
        "its content is damaged",
        "Stop the server and restore the file from a backup",
    ),
    sqlite3.SQLITE_NOTADB: (
        "store-damaged",
        "it is no SQLite database",
        "Restore it from a backup, or move it away to begin with an empty one",
    ),
}

#: The two lines by which a migration script says where it stands.
_REVISION = re.compile(r'^(revision|down_revision)\b[^=]*= "([^"]+)"', re.MULTILINE)

#: Rows that a cursor fetches at once, aiosqlite's own default.
_CHUNK = 64

#: Milliseconds that one process waits for another's transaction (a command beside the server).
BUSY_TIMEOUT = 10_000


class _Connection(aiosqlite.Connection):
    """An SQLite connection that ends once, for certain, however often that is asked for.

    A task that is cancelled while it uses a connection makes SQLAlchemy close it, and cancelled
    again, stop it at once. aiosqlite would then forget to close the file, whose lock stays, and
    wait for ever for a thread that has ended; the stop of the server would too.
    """

    _ending: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread after what is queued; the same future whoever asks."""
        if self._ending is None:
            held = self._connection
            if held is not None:
                self._tx.put_nowait((None, held.close))
            self._ending = super().stop()
        return self._ending


def _connect(database: str, **options: Any) -> _Connection:
    """Return a connection for SQLAlchemy's dialect to await, as it makes them itself."""
    connection = _Connection(lambda: sqlite3.connect(database, **options), _CHUNK)
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does: never keeps a process
    return connection


def _prepare(connection: Any, _record: object) -> None:
    """Set a fresh SQLite connection up; transactions are begun by us, never by the driver."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT}",  # first: the next one may have to wait
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit that was answered for is on the disk
        "foreign_keys = ON",
        "trusted_schema = OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def _named_causes(path: Path) -> Iterator[None]:
    """Turn what SQLite says of the file and its surroundings into a StoreError with a next step."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        origin = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        cause = _CAUSES.get(getattr(origin, "sqlite_errorcode", 0) & 0xFF)
        if cause is None:
            raise
        code, why, hint = cause
        raise StoreError(
            f"The database {path} cannot be used: {why} ({origin}).", hint=f"{hint}.", code=code
        ) from error


def migrate(path: Path, migrations: Path) -> None:
    """Bring the database at *path* to the newest schema in *migrations* (an Alembic script folder).

    All steps are one transaction: after an interruption the database is what it was.

    Raises:
        SchemaMismatch: the database was written by a newer version of the program.
        StoreError: the file is no database, or cannot be opened.
    """
    _make(path)
    with _named_causes(path):
        newest = _newest(migrations)
        if newest is not None and _revision_of(path) == newest:
            return  # the usual case, told without the time that loading Alembic takes
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    try:
        with _named_causes(path), engine.connect() as connection:
            if _is_current(connection, scripts, path):
                return
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.exec_driver_sql("COMMIT")
    finally:
        engine.dispose()


@cache
def _newest(migrations: Path) -> str | None:
    """Return the revision that no other follows, read from the scripts' own first lines."""
    revisions, followed = set(), set()
    for script in (migrations / "versions").glob("*.py"):
        found = dict(_REVISION.findall(script.read_text("utf-8")))
        revisions.add(found.get("revision"))
        followed.add(found.get("down_revision"))
    newest = revisions - followed - {None}
    return newest.pop() if len(newest) == 1 else None


def _revision_of(path: Path) -> str | None:
    """Return the revision that the database says it has; None for an empty one."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT / 1000)) as connection:
        known = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if connection.execute(known).fetchone() is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row is not None else None


def _make(path: Path) -> None:
    """Make an empty file, readable by its owner only, where there is none."""
    try:
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be opened: {error.strerror}.",
            hint=f"See to it that {path.parent} exists and that the user that runs this program "
            "may write there.",
            code="store-unwritable",
        ) from error


def _is_current(connection: sa.Connection, scripts: "ScriptDirectory", path: Path) -> bool:
    """Say whether the newest schema is there already; refuse one that no script knows."""
    from alembic.runtime.migration import MigrationContext

    current = MigrationContext.configure(connection).get_current_revision()
    newest = scripts.get_current_head()
    known = {revision.revision for revision in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise SchemaMismatch(
            f"{path} has schema {current!r}, which this version does not know "
            f"(newest known: {newest!r}).",
            hint="Use the version that wrote it, or restore a backup of this version's.",
        )
    return current == newest


def _open(path: Path, migrations: Path) -> AsyncEngine:
    """Migrate the database and return its engine; both ask the file system, hence a thread."""
    migrate(path, migrations)
    engine = create_async_engine(
        sa.URL.create("sqlite+aiosqlite", database=str(path)),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=4,
        connect_args={"async_creator_fn": _connect},
        hide_parameters=True,  # addresses and keys of jobs, which an error's text would repeat
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    return engine


# aiosqlite repeats every statement's parameters at DEBUG, and keys of jobs are among them.
logging.getLogger("aiosqlite").setLevel(logging.WARNING)


class Database:
    """A component's database; an async context manager.

    Args:
        path: the SQLite file.
        migrations: the component's Alembic script folder.

    Use :meth:`open`, then :meth:`read` and :meth:`write`.
    """

    def __init__(self, path: Path, engine: AsyncEngine) -> None:
        self.path = path
        self._engine = engine
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[Any] | None = None

    @classmethod
    async def open(cls, path: Path, *, migrations: Path) -> Self:
        """Open the database at *path*, making and migrating it when needed.

        Args:
            path: the SQLite file; its folder must exist.
            migrations: the component's Alembic script folder.

        Raises:
            StoreError: see :func:`migrate`.
        """
        return cls(path, await asyncio.to_thread(_open, path, migrations))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for reading: one consistent snapshot.

        Raises:
            StoreError: the file or its surroundings do not allow it.
        """
        with _named_causes(self.path):
            async with self._engine.connect() as connection:
                await connection.exec_driver_sql("BEGIN")
                try:
                    yield connection
                finally:
                    await connection.rollback()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a write transaction: committed at the end, rolled back on an error.

        Writers of this process queue up here; other processes wait up to ``BUSY_TIMEOUT``. Whoever
        is cancelled while the commit is under way does not learn whether it came about.

        Raises:
            StoreError: the file or its surroundings do not allow it; nothing was written.
            RuntimeError: the same task is writing already and would wait for itself.
        """
        if self._writer is asyncio.current_task():
            raise RuntimeError("a task cannot write within its own write: it would wait for itself")
        async with self._writing:
            self._writer = asyncio.current_task()
            try:
                with _named_causes(self.path):
                    async with self._engine.connect() as connection:
                        await connection.exec_driver_sql("BEGIN IMMEDIATE")
                        try:
                            yield connection
                        except BaseException:
                            await connection.rollback()
                            raise
                        await connection.commit()
            finally:
                self._writer = None

    async def aclose(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
