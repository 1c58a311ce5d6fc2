"""A whole TRK service on a database of its own: real SQLite, a clock that is set, a kept log."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sottovoce.contracts import LinkKind, PullEvents, PutJob, TokenCodec, link_path
from sottovoce.store import Database, migrate
from sottovoce.trk.app import MIGRATIONS
from sottovoce.trk.pages import Pages
from sottovoce.trk.privacy import NetHasher
from sottovoce.trk.ratelimit import Limiter
from sottovoce.trk.service import EventStore, EventWriter, Feed, JobTable, Tracker
from sottovoce.trk.web import PublicSite

#: 2026-11-23 12:00:00 UTC.
NOON = 1_795_435_200_000


@dataclass
class SetClock:
    """Milliseconds that stand still until told otherwise."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


@dataclass
class KeptLog:
    """What was logged, as (action, fields)."""

    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, _event: str, /, **fields: Any) -> None:
        self.lines.append((fields.pop("action"), fields))

    warning = error = info

    @property
    def actions(self) -> list[str]:
        return [action for action, _fields in self.lines]


@dataclass
class Bench:
    """Everything of one TRK but its port."""

    path: Path
    clock: SetClock
    log: KeptLog
    database: Database
    store: EventStore
    writer: EventWriter
    jobs: JobTable
    tracker: Tracker
    feed: Feed
    site: PublicSite
    key: bytes = bytes(range(32))

    async def put(self, job_ref: str = "job--1", **changes: Any) -> TokenCodec:
        """Store a job with two links; return what seals its tokens."""
        fields: dict[str, Any] = {
            "job_ref": job_ref,
            "key": self.key,
            "digest": "d" * 64,
            "links": ("https://example.org/first?a=1&b=2", "http://example.org/second"),
            "track": True,
            "identify": True,
            "sender": "Example Ltd",
            "list_name": "Monthly News",
        }
        fields.update(changes)
        await self.jobs.put(PutJob(**fields), now=self.clock())
        return TokenCodec(fields["key"], job_ref)

    def path_of(
        self, kind: LinkKind, *, recipient: int = 7, link: int = 0, job_ref: str = "job--1"
    ) -> str:
        """Return the path of a link under the key that `put` uses."""
        token = TokenCodec(self.key, job_ref).seal(kind, recipient, link, b"salt")
        return link_path(kind, job_ref, token)

    async def pulled(self, **changes: Any) -> Any:
        """Flush, and return one batch from the beginning, or as said."""
        await self.flush()
        fields: dict[str, Any] = {"epoch": self.store.current.name, "after": 0, **changes}
        return await self.feed.pull(PullEvents(**fields))

    async def flush(self) -> None:
        """Wait until nothing is pending; needs the writer's task."""
        while self.writer.waiting:  # noqa: ASYNC110 - nobody but tests asks for this moment
            await asyncio.sleep(0.001)


@asynccontextmanager
async def bench_on(
    path: Path, *, clock: SetClock | None = None, writing: bool = True, rate: float = 0
) -> AsyncIterator[Bench]:
    """Open a TRK service on the database at *path*; the writer runs unless told not to."""
    clock, log = clock or SetClock(), KeptLog()
    database = await Database.open(path, migrations=MIGRATIONS)
    store = await EventStore.open(database, now=clock())
    jobs = await JobTable.open(database)
    writer = EventWriter(store, clock, log)
    tracker = Tracker(jobs, writer, clock)
    site = PublicSite(
        tracker,
        await asyncio.to_thread(Pages),
        limiter=Limiter(rate, lambda: clock() / 1000),
        hasher=NetHasher(clock),
        https=False,
    )
    feed = Feed(store, writer, clock, log)
    bench = Bench(path, clock, log, database, store, writer, jobs, tracker, feed, site)
    task = asyncio.get_running_loop().create_task(writer.run()) if writing else None
    try:
        yield bench
    finally:
        writer.close()
        if task is not None:
            await task
        await database.aclose()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a migrated database once, to be copied."""
    path = tmp_path_factory.mktemp("trk") / "trk.db"
    migrate(path, MIGRATIONS)
    return path


@pytest.fixture
def database_path(empty_database: Path, tmp_path: Path) -> Path:
    """Give a migrated database without an epoch."""
    return Path(shutil.copy(empty_database, tmp_path / "trk.db"))


@pytest.fixture
def open_bench() -> Any:
    """Give the function that opens a service on a path; for tests that close and open again."""
    return bench_on


@pytest.fixture
def set_clock() -> SetClock:
    """Give a clock that stands still."""
    return SetClock()


@pytest.fixture
async def bench(database_path: Path) -> AsyncIterator[Bench]:
    """Give a running service."""
    async with bench_on(database_path) as bench:
        yield bench


@dataclass(frozen=True)
class Answer:
    """What came back over ASGI."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@pytest.fixture
def ask() -> Any:
    """Give a function that makes one request of an ASGI application, without a socket."""

    async def ask(site: PublicSite, method: str, path: str, **options: Any) -> Answer:
        body: bytes = options.get("body", b"")
        pieces = [body[n : n + 1000] for n in range(0, len(body), 1000)] or [b""]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = options.get("headers", {})
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": options.get("query", b""),
            "headers": [(name.lower().encode(), value) for name, value in headers.items()],
            "client": (options.get("address", "203.0.113.9"), 5000),
        }
        await site(scope, receive, send)
        start, *rest = sent
        assert start["type"] == "http.response.start"
        names = [name.decode() for name, _value in start["headers"]]
        assert len(names) == len(set(names))
        return Answer(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(message["body"] for message in rest),
        )

    return ask
