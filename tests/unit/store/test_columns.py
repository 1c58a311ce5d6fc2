"""Moments in UTC, as stored."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from sottovoce.store import UtcTime

TABLE = sa.Table("moment", sa.MetaData(), sa.Column("at", UtcTime))


def test_a_moment_of_any_zone_comes_back_in_utc_and_reads_so_in_the_file(tmp_path: Path) -> None:
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(tmp_path / "a.db")))
    moment = datetime(2026, 11, 23, 15, 4, 6, 7, tzinfo=timezone(timedelta(hours=1)))
    with engine.begin() as connection:
        TABLE.metadata.create_all(connection)
        connection.execute(sa.insert(TABLE), [{"at": moment}, {"at": None}])
        found = connection.execute(sa.select(TABLE.c.at)).scalars().all()
    engine.dispose()
    connection_of_ours = sqlite3.connect(tmp_path / "a.db")
    text = connection_of_ours.execute("SELECT at FROM moment").fetchone()
    connection_of_ours.close()

    assert found == [moment, None]
    assert found[0] is not None
    assert found[0].tzinfo is UTC
    assert text == ("2026-11-23T14:04:06.000007Z",)


def test_a_moment_without_a_zone_is_a_mistake() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        TABLE.metadata.create_all(connection)
        with pytest.raises(sa.exc.StatementError, match="time zone"):
            connection.execute(sa.insert(TABLE).values(at=datetime(2026, 11, 23)))  # noqa: DTZ001
    engine.dispose()
