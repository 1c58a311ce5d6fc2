"""The registry: accounts, sessions, roster, settings, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the first version."""
    _installation()
    _accounts()
    _sessions()
    _roster()
    _settings()
    _audit()


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, primary_key=True),
        _text("install_id"),
        _text("created"),
        sa.CheckConstraint("id = 1", name="one_installation"),
    )
    op.create_table(
        "set_up_code",
        sa.Column("hash", sa.Text, primary_key=True),
        _text("created"),
        _text("used", null=True),
    )


def _accounts() -> None:
    op.create_table("grp", sa.Column("name", sa.Text, primary_key=True), _text("created"))
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("grp", sa.Text, sa.ForeignKey("grp.name"), nullable=False),
        _text("name"),
        _text("password"),
        _text("state"),
        _text("created"),
        _text("changed"),
        sa.UniqueConstraint("grp", "name", name="account_name"),
    )
    op.create_table(
        "account_right",
        sa.Column(
            "account_id",
            sa.Integer,
            sa.ForeignKey("account.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("name", sa.Text, primary_key=True),
    )


def _sessions() -> None:
    op.create_table(
        "ticket",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column(
            "account_id",
            sa.Integer,
            sa.ForeignKey("account.id", ondelete="CASCADE"),
            nullable=False,
        ),
        _text("issued"),
        _text("expires"),
    )
    op.create_index("ix_ticket_account_id", "ticket", ["account_id"])
    op.create_table(
        "login_failure",
        sa.Column("grp", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("failed", sa.Integer, nullable=False),
        _text("last"),
        _text("locked_until", null=True),
    )


def _roster() -> None:
    op.create_table(
        "component",
        sa.Column("name", sa.Text, primary_key=True),
        _text("server"),
        _text("instance"),
        _text("version"),
        _text("started"),
        _text("listens"),
        sa.Column("secured", sa.Boolean, nullable=False),
        _text("fingerprint"),
        _text("connection_id"),
        sa.Column("clock_offset", sa.Float, nullable=False),
        _text("hello_at"),
        _text("last_seen"),
        _text("status", null=True),
    )
    op.create_table(
        "refusal",
        sa.Column("component", sa.Text, primary_key=True),
        sa.Column("server", sa.Text, primary_key=True),
        _text("code"),
        _text("message"),
        _text("at"),
        sa.Column("attempts", sa.Integer, nullable=False),
    )


def _settings() -> None:
    op.create_table(
        "setting",
        sa.Column("component", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        _text("value"),
        sa.Column("rev", sa.Integer, nullable=False),
        _text("changed"),
        _text("changed_by"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True),
        _text("recorded"),
        _text("at"),
        _text("component"),
        _text("server"),
        sa.Column("series", sa.Integer),
        sa.Column("sender_seq", sa.Integer),
        _text("actor"),
        _text("verb"),
        _text("subject"),
        _text("detail"),
        _text("prev_hash"),
        _text("hash"),
        sa.UniqueConstraint("component", "series", "sender_seq", name="audit_sender_row"),
    )
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END"
        )
    op.create_table(
        "audit_sender",
        sa.Column("component", sa.Text, primary_key=True),
        sa.Column("series", sa.Integer, nullable=False),
        sa.Column("stored_upto", sa.Integer, nullable=False),
    )
