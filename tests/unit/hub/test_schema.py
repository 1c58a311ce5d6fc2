"""HUB's tables: what the migrations make is what the code believes."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from sottovoce.hub.home import MIGRATIONS
from sottovoce.hub.schema import metadata
from sottovoce.store import migrate


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    migrate(path, MIGRATIONS)
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_audit_rows_cannot_be_changed_by_a_slip(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "hub.db"
    migrate(path, MIGRATIONS)
    connection = sqlite3.connect(path)
    blanks = ", ".join(["''"] * 11)
    connection.execute(f"INSERT INTO audit VALUES (1, {blanks}, '')")

    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        connection.execute(statement)
    connection.close()
