"""One component's own database: opened, migrated, and written by one writer at a time.

The engine is SQLite in WAL mode through SQLAlchemy Core and aiosqlite; the schema's history is
Alembic's. Nothing here knows a table.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from sottovoce.errors import SchemaMismatch, StoreError

__all__ = ["Database", "migrate"]

#: Milliseconds that one process waits for another's transaction (a command beside the server).
BUSY_TIMEOUT = 10_000


def _prepare(connection: Any, _record: object) -> None:
    """Set a fresh SQLite connection up; transactions are begun by us, never by the driver."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit that was answered for is on the disk
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_TIMEOUT}",
        "trusted_schema = OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def migrate(path: Path, migrations: Path) -> None:
    """Bring the database at *path* to the newest schema in *migrations* (an Alembic script folder).

    Raises:
        SchemaMismatch: the database was written by a newer version of the program.
        StoreError: the file is no database, or cannot be opened.
    """
    if not path.exists():
        path.touch(mode=0o600)
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in scripts.walk_revisions()}
    engine = sa.create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
            if current is not None and current not in known:
                raise SchemaMismatch(
                    f"{path} has schema {current!r}, which this version does not know "
                    f"(newest known: {scripts.get_current_head()!r}).",
                    hint="Use the version that wrote it, or restore a backup of this version's.",
                )
            if current == scripts.get_current_head():
                return
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.exec_driver_sql("COMMIT")
    except sa.exc.DatabaseError as error:
        raise StoreError(
            f"{path} cannot be used as a database: {error.orig}.",
            hint="Restore it from a backup, or move it away to begin with an empty one.",
        ) from error
    finally:
        engine.dispose()


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

    @classmethod
    async def open(cls, path: Path, *, migrations: Path) -> Self:
        """Open the database at *path*, making and migrating it when needed (:func:`migrate`)."""
        await asyncio.to_thread(migrate, path, migrations)
        engine = create_async_engine(
            f"sqlite+aiosqlite:///{path}", poolclass=AsyncAdaptedQueuePool, pool_size=4
        )
        event.listen(engine.sync_engine, "connect", _prepare)
        return cls(path, engine)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for reading: one consistent snapshot."""
        async with self._engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                await connection.rollback()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a write transaction: committed at the end, rolled back on an error.

        Writers of this process queue up here; other processes wait up to ``BUSY_TIMEOUT``.
        """
        async with self._writing, self._engine.connect() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                await connection.rollback()
                raise
            await connection.commit()

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
