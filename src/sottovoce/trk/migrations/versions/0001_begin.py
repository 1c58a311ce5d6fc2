"""Begin: epochs, events, acknowledgements, jobs with their links, revocations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "epoch",
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("created", sa.Integer, nullable=False),
        sa.Column("base", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("lost", sa.Integer, nullable=False),
        sa.Column("promised", sa.Integer, nullable=False),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("job_ref", sa.Text, nullable=False),
        sa.Column("recipient", sa.Integer),
        sa.Column("link", sa.Integer),
        sa.Column("facts", sa.LargeBinary),
    )
    op.create_table(
        "acknowledged",
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column("upto", sa.Integer, nullable=False),
    )
    op.create_table(
        "job",
        sa.Column("job_ref", sa.Text, primary_key=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("track", sa.Boolean, nullable=False),
        sa.Column("identify", sa.Boolean, nullable=False),
        sa.Column("track_until", sa.Integer),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("list_name", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("stored", sa.Integer, nullable=False),
    )
    op.create_table(
        "link",
        sa.Column("job_ref", sa.Text, sa.ForeignKey("job.job_ref"), primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
    )
    op.create_table(
        "revoked",
        sa.Column("job_ref", sa.Text, sa.ForeignKey("job.job_ref"), primary_key=True),
        sa.Column("recipient", sa.Integer, primary_key=True),
    )


def downgrade() -> None:
    """Refuse: going back is done by restoring a backup."""
    raise NotImplementedError("TRK's schema is never taken back; restore a backup instead")
