"""HUB's part of a server home: where its database lies, and how a new one is made."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from sottovoce.errors import StoreError
from sottovoce.hub import schema
from sottovoce.hub.service import RFC_9106_LOW_MEMORY, Accounts, Invitations, PasswordHasher
from sottovoce.hub.service.setup_code import canonical_code, code_hash
from sottovoce.ini import Secret
from sottovoce.net.clock import Clock
from sottovoce.store import Database

__all__ = [
    "MIGRATIONS",
    "create_home",
    "database_path",
    "open_accounts",
    "open_database",
    "open_invitations",
]

#: HUB's Alembic scripts; they ship in the wheel.
MIGRATIONS = Path(__file__).parent / "migrations"


def database_path(home: Path) -> Path:
    """Return where HUB's database lies in a server's home."""
    return home / "hub" / "hub.db"


async def create_home(home: Path, *, set_up_code: Secret, now: datetime) -> None:
    """Make HUB's folder and database in the server home *home*, with the hashed set-up code.

    What an interrupted earlier attempt left behind is completed.

    Args:
        home: the server's home folder; must exist.
        set_up_code: from :func:`sottovoce.hub.new_set_up_code`; shown to the administrator once.
        now: UTC.

    Raises:
        StoreError: ``hub-exists``: there is an installation already; or the database cannot be
            made.
    """
    canonical = canonical_code(set_up_code)
    if canonical is None:
        raise ValueError("a set-up code comes from new_set_up_code")
    path = database_path(home)
    try:
        await asyncio.to_thread(path.parent.mkdir, mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path.parent} cannot be made: {error.strerror}.",
            hint=f"Make {home} first, writable for the user that runs the server.",
            code="file-unwritable",
        ) from error
    async with (
        await Database.open(path, migrations=MIGRATIONS) as database,
        database.write() as connection,
    ):
        if (await connection.execute(sa.select(schema.installation))).first() is not None:
            raise StoreError(
                f"{path} holds an installation already.",
                hint="Choose another home, or go on with this one: 'sottovoce start'.",
                code="hub-exists",
            )
        await connection.execute(
            sa.insert(schema.installation).values(
                id=1, install_id=secrets.token_hex(8), created=now
            )
        )
        await connection.execute(
            sa.insert(schema.set_up_code).values(hash=code_hash(canonical), created=now)
        )


async def open_database(home: Path) -> Database:
    """Open HUB's database, migrating it when it is older than this program.

    Raises:
        StoreError: ``hub-missing``: there is none, or it was never finished; or it cannot be used.
    """
    path = database_path(home)
    if not await asyncio.to_thread(path.is_file):
        raise StoreError(
            f"HUB has no database here: {path} does not exist.",
            hint="Name the home of the server on which HUB runs, make one with 'sottovoce init', "
            "or restore the file from a backup.",
            code="hub-missing",
        )
    database = await Database.open(path, migrations=MIGRATIONS)
    try:
        await _check_finished(database)
    except BaseException:
        await database.aclose()
        raise
    return database


async def _check_finished(database: Database) -> None:
    async with database.read() as connection:
        found = (await connection.execute(sa.select(schema.installation))).first()
    if found is None:
        raise StoreError(
            f"{database.path} holds no installation: its making was interrupted.",
            hint="Run 'sottovoce init' for this home again.",
            code="hub-missing",
        )


@asynccontextmanager
async def open_accounts(home: Path, *, clock: Clock) -> AsyncIterator[Accounts]:
    """Give the accounts of the HUB in *home*, whether or not its server runs (SQLite's WAL mode).

    Raises:
        StoreError: see :func:`open_database`.
    """
    async with await open_database(home) as database:
        hasher = PasswordHasher(RFC_9106_LOW_MEMORY, random=secrets.token_bytes)
        yield Accounts(database, hasher=hasher, clock=clock)


@asynccontextmanager
async def open_invitations(home: Path, *, clock: Clock) -> AsyncIterator[Invitations]:
    """Give the invitations of the HUB in *home*, whether or not its server runs.

    Raises:
        StoreError: see :func:`open_database`.
    """
    async with await open_database(home) as database:
        yield Invitations(database, clock=clock, random=secrets.token_bytes)
