"""The audit trail: chained, complete, and honest about gaps."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sottovoce.contracts import AuditRow
from sottovoce.errors import CallRefused
from sottovoce.hub import schema
from sottovoce.hub.service import AuditHead, AuditVerdict, audit
from sottovoce.policy import Component

if TYPE_CHECKING:
    from tests.unit.hub.conftest import Hub


def _row(seq: int, at: datetime, **changed: str) -> AuditRow:
    fields = {"actor": "account ann", "verb": "job-authorised", "subject": f"job {seq}"}
    return AuditRow(seq=seq, at=at, **{**fields, **changed})


async def _receive(hub: "Hub", *rows: AuditRow, sender: Component = Component.LUI) -> int:
    async with hub.database.write() as connection:
        return await audit.receive(
            connection, rows, sender=sender, server=f"{sender.value}.test", now=hub.clock()
        )


async def _record(hub: "Hub", *verbs: str) -> None:
    async with hub.database.write() as connection:
        for verb in verbs:
            act = audit.Act(at=hub.clock(), actor="test", verb=verb, subject="thing")
            await audit.record(connection, act)


async def _verbs(hub: "Hub") -> list[tuple[str, str, str]]:
    table = schema.audit
    async with hub.database.read() as connection:
        query = sa.select(table.c.component, table.c.verb, table.c.subject).order_by(table.c.seq)
        return [tuple(row) for row in (await connection.execute(query)).all()]


async def _verdict(hub: "Hub", expected: AuditHead | None = None) -> AuditVerdict:
    async with hub.database.read() as connection:
        return await audit.verify(connection, expected_head=expected)


async def _head(hub: "Hub") -> AuditHead:
    async with hub.database.read() as connection:
        return await audit.head(connection)


def _tamper(path: Path, statement: str) -> None:
    """Change rows behind the program's back, as somebody with the file could."""
    connection = sqlite3.connect(path)
    connection.executescript(
        f"DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; {statement}"
    )
    connection.commit()
    connection.close()


async def test_an_untouched_trail_is_intact(hub: "Hub") -> None:
    assert await _verdict(hub) == AuditVerdict(intact=True, rows=0)
    await _record(hub, "one", "two", "three")
    assert await _verdict(hub) == AuditVerdict(intact=True, rows=3)


@pytest.mark.parametrize(
    ("statement", "broken_at", "why"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE seq = 2", 2, "Row 2 was changed"),
        ("UPDATE audit SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 1", 1, "Row 1 was"),
        ("UPDATE audit SET hash = 'x' WHERE seq = 1", 1, "Row 1 was changed"),
        ("DELETE FROM audit WHERE seq = 2", 3, "Row 2 is missing"),
        ("DELETE FROM audit WHERE seq = 1", 2, "Row 1 is missing"),
        (
            "DELETE FROM audit WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3",
            2,
            "Row 2 was not written after",
        ),
    ],
)
async def test_tampering_is_found_where_it_is(
    hub: "Hub", statement: str, broken_at: int, why: str
) -> None:
    await _record(hub, "one", "two", "three")
    _tamper(hub.database.path, statement)

    verdict = await _verdict(hub)

    assert not verdict.intact
    assert verdict.broken_at == broken_at
    assert why in verdict.why


async def test_a_cut_off_end_is_found_by_a_head_kept_elsewhere(hub: "Hub") -> None:
    await _record(hub, "one", "two", "three")
    kept = await _head(hub)
    _tamper(hub.database.path, "DELETE FROM audit WHERE seq = 3")

    assert (await _verdict(hub)).intact, "the chain alone cannot know"
    verdict = await _verdict(hub, kept)
    assert (verdict.intact, verdict.broken_at) == (False, 3)


async def test_an_older_head_is_still_part_of_a_longer_trail(hub: "Hub") -> None:
    await _record(hub, "one", "two")
    kept = await _head(hub)
    await _record(hub, "three")

    assert (await _verdict(hub, kept)).intact
    assert (await _verdict(hub, AuditHead(0, "0" * 64))).intact


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
async def test_whatever_a_row_says_it_is_stored_as_said(hub: "Hub", text: str) -> None:
    async with hub.database.write() as connection:
        act = audit.Act(at=hub.clock(), actor=text, verb="v", subject=text, detail=text)
        await audit.record(connection, act)
    async with hub.database.read() as connection:
        query = sa.select(schema.audit.c.detail).order_by(schema.audit.c.seq.desc()).limit(1)
        stored = (await connection.execute(query)).scalar_one()

    assert stored == text
    assert (await _verdict(hub)).intact


async def test_rows_of_components_are_stored_in_their_order(hub: "Hub") -> None:
    now = hub.clock()

    assert await _receive(hub, _row(1, now), _row(2, now)) == 2
    assert await _receive(hub, _row(1, now), sender=Component.TRK) == 1
    assert await _receive(hub, _row(3, now)) == 3
    assert await _verbs(hub) == [
        ("lui", "job-authorised", "job 1"),
        ("lui", "job-authorised", "job 2"),
        ("trk", "job-authorised", "job 1"),
        ("lui", "job-authorised", "job 3"),
    ]
    assert (await _verdict(hub)).intact


async def test_repeating_is_harmless(hub: "Hub") -> None:
    rows = [_row(number, hub.clock()) for number in (1, 2, 3)]
    await _receive(hub, *rows[:2])

    assert await _receive(hub, *rows) == 3
    assert await _receive(hub, *rows) == 3
    assert await _receive(hub, rows[0]) == 3
    assert len(await _verbs(hub)) == 3


async def test_an_empty_batch_says_what_is_stored(hub: "Hub") -> None:
    assert await _receive(hub) == 0
    await _receive(hub, _row(1, hub.clock()))
    assert await _receive(hub) == 1


async def test_a_gap_is_recorded_and_never_passed_over(hub: "Hub") -> None:
    await _receive(hub, _row(1, hub.clock()), _row(5, hub.clock()))
    async with hub.database.read() as connection:
        query = sa.select(schema.audit.c.detail).where(schema.audit.c.verb == "audit-gap")
        details = (await connection.execute(query)).scalars().all()

    assert details == ["rows 2 to 4 are missing so far"]
    assert [verb for _, verb, _ in await _verbs(hub)] == [
        "job-authorised",
        "audit-gap",
        "job-authorised",
    ]


async def test_rows_that_come_late_fill_the_gap(hub: "Hub") -> None:
    now = hub.clock()
    await _receive(hub, _row(1, now), _row(5, now))

    assert await _receive(hub, _row(2, now), _row(3, now)) == 5
    assert await _receive(hub, _row(2, now), _row(3, now), _row(5, now), _row(6, now)) == 6
    subjects = [subject for _, _, subject in await _verbs(hub)]
    assert subjects == ["job 1", "LUI", "job 5", "job 2", "job 3", "job 6"]


async def test_a_component_with_a_new_database_loses_no_row(hub: "Hub") -> None:
    """Its numbers begin again at 1: other rows under numbers that are taken."""
    now = hub.clock()
    await _receive(hub, *(_row(number, now) for number in (1, 2, 3)))
    later = now + timedelta(days=1)
    anew = [_row(number, later, subject=f"new {number}") for number in (1, 2, 3, 4)]

    assert await _receive(hub, *anew[:2]) == 2
    assert await _receive(hub, *anew) == 4
    assert [subject for _, _, subject in await _verbs(hub)] == [
        "job 1",
        "job 2",
        "job 3",
        "LUI",
        "new 1",
        "new 2",
        "new 3",
        "new 4",
    ]


async def test_a_component_restored_from_a_backup_loses_no_row(hub: "Hub") -> None:
    """Rows up to the backup are repeats; from there on numbers are used a second time."""
    now = hub.clock()
    rows = [_row(number, now) for number in (1, 2, 3, 4)]
    await _receive(hub, *rows)
    second = [_row(number, now, subject=f"second {number}") for number in (3, 4, 5)]

    assert await _receive(hub, *rows[:2], *second) == 5
    assert await _receive(hub, *rows[:2], *second) == 5
    subjects = [subject for _, _, subject in await _verbs(hub)]
    assert subjects == [
        "job 1",
        "job 2",
        "job 3",
        "job 4",
        "LUI",
        "second 3",
        "second 4",
        "second 5",
    ]


@pytest.mark.parametrize("numbers", [(0,), (-1,), (2, 1), (1, 1)])
async def test_rows_out_of_order_are_refused_as_a_whole(
    hub: "Hub", numbers: tuple[int, ...]
) -> None:
    with pytest.raises(CallRefused) as caught:
        await _receive(hub, *(_row(number, hub.clock()) for number in numbers))

    assert caught.value.code == "audit-disorder"
    assert await _verbs(hub) == []


async def test_a_moment_without_a_zone_is_utc(hub: "Hub") -> None:
    naive = _row(1, hub.clock().replace(tzinfo=None))

    await _receive(hub, naive)
    assert await _receive(hub, naive, _row(2, hub.clock())) == 2
    assert len(await _verbs(hub)) == 2
