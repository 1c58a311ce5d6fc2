"""The tables that the program uses are those that its migrations make."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from sottovoce.trk.schema import metadata


def test_the_migrations_make_the_tables_that_are_used(empty_database: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{empty_database}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_no_column_can_hold_an_address_or_a_name_of_a_recipient() -> None:
    """E4: every column there is, by name; a new one must be thought about."""
    columns = {
        f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.c
    }
    assert columns == {
        "epoch.n", "epoch.name", "epoch.created", "epoch.base", "epoch.last", "epoch.lost",
        "epoch.promised",
        "event.id", "event.at", "event.kind", "event.job_ref", "event.recipient", "event.link",
        "event.facts",
        "acknowledged.hour", "acknowledged.upto",
        "job.job_ref", "job.key", "job.digest", "job.track", "job.identify", "job.keep_facts",
        "job.track_until", "job.sender", "job.list_name", "job.mode", "job.stored",
        "link.job_ref", "link.n", "link.url",
        "revoked.job_ref", "revoked.recipient",
    }  # fmt: skip
