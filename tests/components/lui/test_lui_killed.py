"""SIGKILL at any moment: no mail twice unnoticed, no event twice, nothing lost (DESIGN §5)."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sottovoce.lui.delivery import BATCH
from sottovoce.lui.schema import JobState
from sottovoce.lui.service.ledger import uncertain
from sottovoce.lui.service.sql import sql

if TYPE_CHECKING:
    from tests.components.lui.conftest import Office, Postbox

ROOT = Path(__file__).parents[3]
CONNECTIONS = 3


@asynccontextmanager
async def process(office: "Office", events: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a LUI in a process of its own; it is killed at the end, if it was not before."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("serve_lui.py")),
        str(office.home),
        str(office.settings.smtp_port),
        str(events),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


def kill_at(running: asyncio.subprocess.Process, count: int) -> Callable[[int], None]:
    def on_mail(mails: int) -> None:
        if mails == count and running.returncode is None:
            running.kill()

    return on_mail


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_killed_again_and_again_in_the_middle_of_mails_none_goes_out_twice(
    office: "Office", postbox: "Postbox"
) -> None:
    people = 90
    await office.make_job(people)
    for count in (20, 61):
        async with process(office) as running:
            postbox.on_mail = kill_at(running, count)
            async with asyncio.timeout(90):
                await running.wait()
    postbox.on_mail = None
    async with process(office):
        await office.until(JobState.COMPLETED)
    states = await office.states()
    received = postbox.recipients()
    assert len(received) == len(set(received)), "no mail went out twice"
    open_ones = {each.mailbox for each in await uncertain(office.database, "Letter")}
    everybody = {f"p{n}@example.org" for n in range(1, people + 1)}
    assert everybody - set(received) <= open_ones, "who got none is listed as uncertain"
    assert states["accepted"] == people - len(open_ones)
    assert 1 <= len(open_ones) <= 2 * CONNECTIONS * BATCH


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("step", ["pull 0", "acknowledge 50", "pull 200"])
async def test_killed_at_any_step_of_the_feed_every_event_counts_once(
    office: "Office", step: str
) -> None:
    total = 230
    async with process(office, total) as running:
        assert running.stdout is not None
        async with asyncio.timeout(90):
            while (line := (await running.stdout.readline()).decode().strip()) != step:
                assert line
        running.kill()
    async with process(office, total) as running:
        assert running.stdout is not None
        async with asyncio.timeout(90):
            while (await running.stdout.readline()).decode().strip() != f"pull {total}":
                pass
    async with office.database.read() as connection:
        counted = await sql(connection, "SELECT SUM(total) FROM tally WHERE link_n = -1")
        stored = await sql(connection, "SELECT COUNT(*), MIN(seq), MAX(seq) FROM event")
        losses = await sql(connection, "SELECT COUNT(*) FROM loss")
        people = await sql(connection, "SELECT distinct_total FROM tally WHERE link_n = -1")
        assert counted.scalar_one() == total
        assert stored.one() == (total, 1, total)
        assert losses.scalar_one() == 0
        assert people.scalar_one() == 7
