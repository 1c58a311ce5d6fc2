"""TRK's tables, as SQLAlchemy Core sees them; how they came about is told by ``migrations``.

Times are integers, milliseconds since 1970 UTC: they are compared and counted in bulk. No column
can hold an address or a name of a recipient; a recipient is an index within a job.
"""

import sqlalchemy as sa

__all__ = ["acknowledged", "epoch", "event", "job", "link", "metadata", "revoked"]

metadata = sa.MetaData()

#: One row for each time that the store was created or restored; the highest ``n`` is in force. An
#: event's number within its epoch is ``event.id - epoch.base``, so that numbers begin at 1 in each.
epoch = sa.Table(
    "epoch",
    metadata,
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("created", sa.Integer, nullable=False),
    #: The event id before its first.
    sa.Column("base", sa.Integer, nullable=False),
    #: The highest event id ever given in it; never falls, whatever is pruned.
    sa.Column("last", sa.Integer, nullable=False),
    #: Events that could not be stored.
    sa.Column("lost", sa.Integer, nullable=False),
    #: The latest time that a reader was told to be complete.
    sa.Column("promised", sa.Integer, nullable=False),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("job_ref", sa.Text, nullable=False),
    sa.Column("recipient", sa.Integer),
    sa.Column("link", sa.Integer),
    #: The ``EventFacts``, MessagePack; none for jobs that keep none.
    sa.Column("facts", sa.LargeBinary),
)

#: What the reader has safely stored, one row for each hour in which it said so.
acknowledged = sa.Table(
    "acknowledged",
    metadata,
    sa.Column("hour", sa.Integer, primary_key=True),
    sa.Column("upto", sa.Integer, nullable=False),
)

job = sa.Table(
    "job",
    metadata,
    sa.Column("job_ref", sa.Text, primary_key=True),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("track", sa.Boolean, nullable=False),
    sa.Column("identify", sa.Boolean, nullable=False),
    sa.Column("keep_facts", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("track_until", sa.Integer),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("list_name", sa.Text, nullable=False),
    #: ``live``, or an ``EndMode``.
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("stored", sa.Integer, nullable=False),
)

link = sa.Table(
    "link",
    metadata,
    sa.Column("job_ref", sa.Text, sa.ForeignKey("job.job_ref"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
)

#: Recipients whose opens and clicks are no longer recorded.
revoked = sa.Table(
    "revoked",
    metadata,
    sa.Column("job_ref", sa.Text, sa.ForeignKey("job.job_ref"), primary_key=True),
    sa.Column("recipient", sa.Integer, primary_key=True),
)
