"""The first schema: lists, consent, jobs, the ledger, events.

Moments are milliseconds since 1970, UTC. The ledger and the events are kept in the order of their
primary keys (WITHOUT ROWID), which is the order in which they are written and read.
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE list (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL
    )""",
    """
    CREATE TABLE list_field (
        list_id INTEGER NOT NULL REFERENCES list (id),
        name TEXT NOT NULL,
        PRIMARY KEY (list_id, name)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE contact (
        id INTEGER PRIMARY KEY,
        email_norm TEXT NOT NULL UNIQUE,
        email TEXT NOT NULL,
        email_hash BLOB NOT NULL,
        fields TEXT NOT NULL,
        consent TEXT NOT NULL DEFAULT 'unknown',
        created_at INTEGER NOT NULL,
        created_run INTEGER
    )""",
    """
    CREATE TABLE membership (
        list_id INTEGER NOT NULL REFERENCES list (id),
        contact_id INTEGER NOT NULL REFERENCES contact (id),
        state TEXT NOT NULL,
        since INTEGER NOT NULL,
        source TEXT NOT NULL,
        run_id INTEGER,
        PRIMARY KEY (list_id, contact_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX membership_contact ON membership (contact_id)",
    """
    CREATE TABLE suppression (
        email_hash BLOB NOT NULL,
        scope TEXT NOT NULL,
        reason TEXT NOT NULL,
        at INTEGER NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (email_hash, scope)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE consent (
        id INTEGER PRIMARY KEY,
        contact_id INTEGER NOT NULL REFERENCES contact (id),
        state TEXT NOT NULL,
        at INTEGER NOT NULL,
        source TEXT NOT NULL
    )""",
    "CREATE INDEX consent_contact ON consent (contact_id, at)",
    """
    CREATE TABLE import_run (
        id INTEGER PRIMARY KEY,
        list_id INTEGER NOT NULL REFERENCES list (id),
        file TEXT NOT NULL,
        at INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        added INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        unchanged INTEGER NOT NULL,
        kept_out INTEGER NOT NULL,
        rejected INTEGER NOT NULL,
        undone_at INTEGER
    )""",
    """
    CREATE TABLE job (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        list_id INTEGER NOT NULL REFERENCES list (id),
        subject TEXT NOT NULL,
        sender TEXT NOT NULL,
        tracking TEXT NOT NULL,
        html TEXT NOT NULL,
        text TEXT NOT NULL,
        html_file TEXT NOT NULL,
        text_file TEXT NOT NULL,
        state TEXT NOT NULL,
        defined_at INTEGER NOT NULL,
        job_ref TEXT UNIQUE,
        key BLOB,
        digest TEXT,
        recipients INTEGER NOT NULL DEFAULT 0,
        authorised_at INTEGER,
        ready_at INTEGER,
        completed_at INTEGER,
        note_code TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT ''
    )""",
    """
    CREATE TABLE job_link (
        job_id INTEGER NOT NULL REFERENCES job (id),
        n INTEGER NOT NULL,
        url TEXT NOT NULL,
        label TEXT NOT NULL,
        PRIMARY KEY (job_id, n)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE job_recipient (
        job_id INTEGER NOT NULL REFERENCES job (id),
        idx INTEGER NOT NULL,
        contact_id INTEGER NOT NULL REFERENCES contact (id),
        state TEXT NOT NULL,
        tier TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0,
        due INTEGER NOT NULL DEFAULT 0,
        reply TEXT NOT NULL DEFAULT '',
        t_inflight INTEGER,
        t_done INTEGER,
        PRIMARY KEY (job_id, idx)
    ) WITHOUT ROWID""",
    """
    CREATE INDEX job_recipient_due ON job_recipient (job_id, due, idx)
        WHERE state IN ('planned', 'deferred')""",
    """
    CREATE INDEX job_recipient_open ON job_recipient (job_id, state)
        WHERE state IN ('inflight', 'uncertain')""",
    "CREATE INDEX job_recipient_contact ON job_recipient (contact_id)",
    """
    CREATE TABLE epoch (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        after INTEGER NOT NULL DEFAULT 0,
        unstored INTEGER NOT NULL DEFAULT 0,
        repeated INTEGER NOT NULL DEFAULT 0,
        first_at INTEGER NOT NULL
    )""",
    """
    CREATE TABLE feed (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        epoch_id INTEGER REFERENCES epoch (id),
        complete_until INTEGER,
        public_url TEXT NOT NULL DEFAULT ''
    )""",
    "INSERT INTO feed (id) VALUES (1)",
    """
    CREATE TABLE event (
        epoch_id INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        job_ref TEXT NOT NULL,
        idx INTEGER,
        link_n INTEGER,
        facts TEXT,
        PRIMARY KEY (epoch_id, seq)
    ) WITHOUT ROWID""",
    "CREATE INDEX event_job ON event (job_ref)",
    """
    CREATE TABLE tally (
        id INTEGER PRIMARY KEY,
        job_ref TEXT NOT NULL,
        kind TEXT NOT NULL,
        link_n INTEGER NOT NULL,
        total INTEGER NOT NULL,
        distinct_total INTEGER NOT NULL DEFAULT 0,
        UNIQUE (job_ref, kind, link_n)
    )""",
    """
    CREATE TABLE reaction (
        tally_id INTEGER NOT NULL,
        idx INTEGER NOT NULL,
        PRIMARY KEY (tally_id, idx)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE loss (
        id INTEGER PRIMARY KEY,
        cause TEXT NOT NULL,
        epoch TEXT NOT NULL,
        first_seq INTEGER,
        last_seq INTEGER,
        count INTEGER,
        since INTEGER,
        until INTEGER NOT NULL
    )""",
    """
    CREATE TABLE revocation (
        job_ref TEXT NOT NULL,
        idx INTEGER NOT NULL,
        PRIMARY KEY (job_ref, idx)
    ) WITHOUT ROWID""",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: an older version of the program is served by its own backup."""
    raise NotImplementedError
