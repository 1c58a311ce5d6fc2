"""A tiny component of its own: one table, two migrations."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

ENV = """
from alembic import context
context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
"""

FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "0001", None, None, None
def upgrade():
    op.create_table("word", sa.Column("text", sa.Text, primary_key=True))
"""

SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None
def upgrade():
    op.add_column("word", sa.Column("seen", sa.Integer, nullable=False, server_default="0"))
"""

BROKEN = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None
def upgrade():
    op.create_table("half", sa.Column("text", sa.Text, primary_key=True))
    raise RuntimeError("the second step fails")
"""


@pytest.fixture(autouse=True)
def _no_blocking_call() -> Iterator[None]:
    """A call that blocks within a coroutine of ours is an error."""
    with blockbuster_ctx("sottovoce"):
        yield


def _scripts(folder: Path, **versions: str) -> Path:
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    for name, text in versions.items():
        (folder / "versions" / f"{name}.py").write_text(text)
    return folder


@pytest.fixture
def old_scripts(tmp_path: Path) -> Path:
    """Migrations up to 0001."""
    return _scripts(tmp_path / "old", v0001=FIRST)


@pytest.fixture
def new_scripts(tmp_path: Path) -> Path:
    """Migrations up to 0002."""
    return _scripts(tmp_path / "new", v0001=FIRST, v0002=SECOND)


@pytest.fixture
def broken_scripts(tmp_path: Path) -> Path:
    """Migrations of which the second fails half-way."""
    return _scripts(tmp_path / "broken", v0001=FIRST, v0002=BROKEN)
