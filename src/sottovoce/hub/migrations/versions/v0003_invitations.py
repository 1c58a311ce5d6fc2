"""Invitations by which new servers join."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("names", sa.Text, nullable=False),
        sa.Column("components", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
        sa.Column("withdrawn", sa.Text),
        sa.Column("used", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("chain", sa.Text),
        sa.UniqueConstraint("hash"),
    )
