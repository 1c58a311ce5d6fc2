"""A LUI database of its own for each test, and short ways to fill it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from sottovoce.lui import create_home, database_path
from sottovoce.lui.schema import MIGRATIONS, TrackingType
from sottovoce.lui.service.jobs import Definition, Job, Template, authorise, define, deliver
from sottovoce.lui.service.lists import ImportReport, import_csv
from sottovoce.store import Database

Importer = Callable[..., Awaitable[ImportReport]]
Definer = Callable[..., Awaitable[Definition]]


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    with blockbuster_ctx("sottovoce") as blockbuster:
        # SQLAlchemy asks for it when an engine is made; it touches no disk.
        blockbuster.functions["os.path.abspath"].deactivate()
        yield blockbuster


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    asyncio.run(create_home(home, now=datetime(2026, 11, 1, tzinfo=UTC)))
    return home


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(empty_home, copy)
    return copy


@pytest.fixture
async def database(home: Path) -> AsyncIterator[Database]:
    async with await Database.open(database_path(home), migrations=MIGRATIONS) as opened:
        yield opened


@pytest.fixture
def add(database: Database, now: datetime) -> Importer:
    """Import CSV text into a list, ``News`` unless said otherwise."""

    async def importing(
        text: str, *, list_name: str = "News", dry_run: bool = False, at: datetime = now
    ) -> ImportReport:
        return await import_csv(
            database, list_name, text.encode(), now=at, name="people.csv", dry_run=dry_run
        )

    return importing


@pytest.fixture
def defined(database: Database, now: datetime) -> Definer:
    """Define the job ``Letter`` to ``News``."""

    async def defining(
        *,
        html: str = '<body>Hi {{first_name|you}} <a href="https://example.org/a">A</a></body>',
        text: str = "Hi {{first_name|you}} https://example.org/a",
        subject: str = "Hi",
        sender: str = "Team <team@example.org>",
        tracking: TrackingType = TrackingType.PERSONAL_BY_PERMISSION,
        name: str = "Letter",
    ) -> Definition:
        definition = Definition(
            name=name,
            list_name="News",
            subject=subject,
            sender=sender,
            html=Template(html, "letter.html"),
            text=Template(text, "letter.txt"),
            tracking=tracking,
        )
        await define(database, definition, now=now)
        return definition

    return defining


@pytest.fixture
async def ready_job(
    database: Database, add: Importer, defined: Definer, now: datetime
) -> Callable[..., Awaitable[Job]]:
    """Import people, define, authorise and hand over a job."""

    async def making(people: int = 3, **definition: object) -> Job:
        rows = "".join(f"p{n}@example.org,P{n},granted\n" for n in range(1, people + 1))
        await add(f"email,first_name,tracking\n{rows}")
        await defined(**definition)
        await authorise(database, "Letter", now=now)
        return await deliver(database, "Letter", now=now)

    return making
