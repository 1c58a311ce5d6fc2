"""HUB's tables, as SQLAlchemy Core sees them; how they came about is told by ``migrations``."""

import sqlalchemy as sa

from sottovoce.store import UtcTime

__all__ = [
    "account",
    "account_right",
    "audit",
    "audit_sender",
    "caller_address",
    "component",
    "edge",
    "edge_change",
    "group",
    "installation",
    "invitation",
    "login_failure",
    "metadata",
    "refusal",
    "refused_caller",
    "set_up_code",
    "setting",
    "ticket",
]

metadata = sa.MetaData()

#: The one row that says which installation this is.
installation = sa.Table(
    "installation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("install_id", sa.Text, nullable=False),
    sa.Column("created", UtcTime, nullable=False),
)

#: One-time codes for the first account, hashed (SHA-256 of a code of 100 random bits).
set_up_code = sa.Table(
    "set_up_code",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("used", UtcTime),
)

#: One-time invitations of servers, hashed (SHA-256 of 128 random bits); what came of each stays.
invitation = sa.Table(
    "invitation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("names", sa.Text, nullable=False),
    sa.Column("components", sa.Text, nullable=False),
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("expires", UtcTime, nullable=False),
    sa.Column("withdrawn", UtcTime),
    sa.Column("used", UtcTime),
    sa.Column("key", sa.Text),
    sa.Column("address", sa.Text),
    sa.Column("chain", sa.Text),
)

#: Groups of accounts; the group with the empty name holds the accounts of no group.
group = sa.Table(
    "grp",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("created", UtcTime, nullable=False),
)

account = sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("grp", sa.Text, sa.ForeignKey("grp.name"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created", UtcTime, nullable=False),
    sa.Column("changed", UtcTime, nullable=False),
    sa.UniqueConstraint("grp", "name", name="account_name"),
)

account_right = sa.Table(
    "account_right",
    metadata,
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
)

#: Sessions of people; only the SHA-256 of what they show.
ticket = sa.Table(
    "ticket",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column(
        "account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("issued", UtcTime, nullable=False),
    sa.Column("expires", UtcTime, nullable=False),
)

#: Failed log-ins in a row by the name that was tried, whether or not an account has it.
login_failure = sa.Table(
    "login_failure",
    metadata,
    sa.Column("grp", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("last", UtcTime, nullable=False),
    sa.Column("locked_until", UtcTime),
)

#: The roster: LUI and TRK as they last reported.
component = sa.Table(
    "component",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("instance", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("started", UtcTime, nullable=False),
    sa.Column("listens", sa.Text, nullable=False),
    sa.Column("secured", sa.Boolean, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("connection_id", sa.Text, nullable=False),
    sa.Column("clock_offset", sa.Float, nullable=False),
    sa.Column("hello_at", UtcTime, nullable=False),
    sa.Column("last_seen", UtcTime, nullable=False),
    sa.Column("status", sa.Text),
)

#: The last hello that was refused, by component and server; gone with the next good one.
refusal = sa.Table(
    "refusal",
    metadata,
    sa.Column("component", sa.Text, primary_key=True),
    sa.Column("server", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
)

#: Each connection as it was last noted: what the next change is a change from.
edge = sa.Table(
    "edge",
    metadata,
    sa.Column("caller", sa.Text, primary_key=True),
    sa.Column("called", sa.Text, primary_key=True),
    sa.Column("posture", sa.Text, nullable=False),
)

#: The history: one row for each change of a connection's state, certificate or last refusal.
edge_change = sa.Table(
    "edge_change",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("caller", sa.Text, nullable=False),
    sa.Column("called", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Index("edge_change_at", "at"),
)

#: Who was not let in at HUB's port or TRK's, the last time for each; strangers among them.
refused_caller = sa.Table(
    "refused_caller",
    metadata,
    sa.Column("called", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("claim", sa.Text, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)

#: From where each component was last let in: a caller that cannot say its name is known by that.
caller_address = sa.Table(
    "caller_address",
    metadata,
    sa.Column("component", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
)

#: Settings of components; an empty value means "inherit the default". Rows are never deleted.
setting = sa.Table(
    "setting",
    metadata,
    sa.Column("component", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("rev", sa.Integer, nullable=False),
    sa.Column("changed", UtcTime, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)

#: Who did what; append-only (triggers see to it) and chained by hashes.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("recorded", UtcTime, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("component", sa.Text, nullable=False),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("series", sa.Integer),
    sa.Column("sender_seq", sa.Integer),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.UniqueConstraint("component", "series", "sender_seq", name="audit_sender_row"),
)

#: How far each component's own audit rows are stored; *series* rises when it counts anew.
audit_sender = sa.Table(
    "audit_sender",
    metadata,
    sa.Column("component", sa.Text, primary_key=True),
    sa.Column("series", sa.Integer, nullable=False),
    sa.Column("stored_upto", sa.Integer, nullable=False),
)
