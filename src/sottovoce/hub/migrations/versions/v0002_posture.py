"""The history of the connections, who was not let in, and where components call from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables behind the page Security."""
    op.create_table(
        "edge",
        sa.Column("caller", sa.Text, primary_key=True),
        sa.Column("called", sa.Text, primary_key=True),
        _text("posture"),
    )
    op.create_table(
        "edge_change",
        sa.Column("id", sa.Integer, primary_key=True),
        _text("at"),
        _text("caller"),
        _text("called"),
        _text("kind"),
        _text("before"),
        _text("after"),
        _text("code"),
        _text("message"),
    )
    op.create_index("edge_change_at", "edge_change", ["at"])
    op.create_table(
        "refused_caller",
        sa.Column("called", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("claim", sa.Text, primary_key=True),
        _text("at"),
        _text("record"),
    )
    op.create_table(
        "caller_address",
        sa.Column("component", sa.Text, primary_key=True),
        _text("address"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)
