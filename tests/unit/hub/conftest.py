"""A HUB on a fresh database, a clock that is set by hand, and hashing that costs nothing."""

import asyncio
import itertools
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from sottovoce.contracts import Caller
from sottovoce.hub import create_home, new_set_up_code
from sottovoce.hub.home import open_database
from sottovoce.hub.service import (
    CHEAPEST,
    Accounts,
    Installation,
    PasswordHasher,
    Registry,
    RosterKeeper,
    Sessions,
)
from sottovoce.ini import Secret
from sottovoce.policy import Component
from sottovoce.store import Database

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_blocking_call() -> Iterator[None]:
    """A call that blocks within a coroutine of ours is an error."""
    with blockbuster_ctx("sottovoce"):
        yield


@dataclass
class HandClock:
    """A clock that moves only when told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Hub:
    """The use cases on one database."""

    database: Database
    code: Secret
    clock: HandClock
    hasher: PasswordHasher
    accounts: Accounts
    sessions: Sessions
    registry: Registry
    installation: Installation
    roster: RosterKeeper


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Secret]:
    """A home just made, and its set-up code; made once, since migrating takes longest."""
    home = tmp_path_factory.mktemp("hub")
    code = new_set_up_code(secrets.token_bytes)
    asyncio.run(create_home(home, set_up_code=code, now=START))
    return home, code


@pytest.fixture
async def hub(
    tmp_path: Path, made_home: tuple[Path, Secret], clock: HandClock
) -> AsyncIterator[Hub]:
    template, code = made_home
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    hasher = PasswordHasher(CHEAPEST, random=secrets.token_bytes)
    installation = Installation(
        own_name="hub.test",
        secured=True,
        servers={Component.LUI: "lui.test", Component.TRK: "trk.test"},
        heartbeat_interval=10.0,
    )
    async with await open_database(tmp_path) as database:
        yield Hub(
            database=database,
            code=code,
            clock=clock,
            hasher=hasher,
            accounts=Accounts(database, hasher=hasher, clock=clock),
            sessions=Sessions(database, hasher=hasher, clock=clock, random=secrets.token_bytes),
            registry=Registry(database, clock=clock),
            installation=installation,
            roster=RosterKeeper(database, installation=installation, clock=clock),
        )


CallerMaker = Callable[..., Caller]


@pytest.fixture
def caller() -> CallerMaker:
    """Make callers: LUI on lui.test, secured, unless said otherwise."""
    ids = itertools.count(1)

    def make(
        component: Component = Component.LUI, server: str = "", *, secured: bool = True
    ) -> Caller:
        return Caller(
            component=component,
            server=server or f"{component.value}.test",
            secured=secured,
            fingerprint="AA:BB" if secured else "",
            connection_id=f"c{next(ids)}",
        )

    return make
