"""Jobs may keep nothing of the browser and the network; those that were there go on as before."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "job", sa.Column("keep_facts", sa.Boolean, nullable=False, server_default=sa.true())
    )


def downgrade() -> None:
    """Refuse: going back is done by restoring a backup."""
    raise NotImplementedError("TRK's schema is never taken back; restore a backup instead")
