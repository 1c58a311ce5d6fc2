"""Entries of the family *running*: reloads, generations, calls, stores (O1-O7)."""

from sottovoce.diagnosis.entry import Entry, Says, Severity, Side

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="reload-incomplete",
        title="New files are not complete yet",
        rows=("O1",),
        severity=Severity.WARNING,
        message=(
            "The new files are incomplete ({why|certificate and key do not fit together}); "
            "{expected|the certificate in use} stays in force."
        ),
        next_step=(
            "Finish the renewal; write the new keystore beside the old one and rename it. It is "
            "tried again by itself."
        ),
        says=(Says("new files are incomplete", 0.95, "sottovoce"),),
    ),
    Entry(
        code="reload-refused",
        title="A reload was refused: partners would not accept it",
        rows=("O4", "O2"),
        message=(
            "The new certificate was not taken into use: it lacks {expected|what partners ask "
            "for}, and has {presented|something else}."
        ),
        next_step="Reissue it with what is missing; the old one stays in force meanwhile.",
        says=(Says("refused reload", 0.95, "sottovoce"),),
    ),
    Entry(
        code="root-not-spread",
        title="A new CA is not trusted everywhere yet",
        rows=("O2",),
        severity=Severity.WARNING,
        side=Side.PEER,
        message=(
            "{peer} does not trust the new CA {expected|} yet; a certificate under it would be "
            "refused there."
        ),
        next_step="Import the new root on {peer} first; only then install certificates under it.",
        says=(Says("does not trust the new ca yet", 0.95, "sottovoce"),),
    ),
    Entry(
        code="restart-needed",
        title="A change that takes effect at the next start",
        severity=Severity.WARNING,
        message=(
            "{file|A setting} was changed; this server goes on as it was started ({expected|as "
            "before}) until it is started again."
        ),
        next_step="Restart the server when the whole installation is ready for it, or undo it.",
    ),
    Entry(
        code="home-in-use",
        title="A server runs on this home already",
        message=(
            "A server runs on {file|this home} already; a second one would send its mails and "
            "store its events as well."
        ),
        next_step="Stop the first one (its process is named), or start another home.",
    ),
    Entry(
        code="schema-mismatch",
        title="A database of another version",
        message=(
            "The database {file|} has the version {presented|of another program}; this program "
            "knows {expected|its own}."
        ),
        next_step=(
            "Start the version of the program that wrote it, or restore the backup made before "
            "the update."
        ),
        says=(
            Says("no such revision", 0.6, "alembic"),
            Says("can't locate revision identified by", 0.9, "alembic"),
        ),
    ),
    Entry(
        code="call-timeout",
        symptom=True,
        title="No reply within the deadline",
        severity=Severity.WARNING,
        side=Side.PEER,
        message=(
            "{peer} did not reply within {expected|the deadline}; whether it carried the call "
            "out is unknown."
        ),
        next_step="It is asked again by itself; if it repeats, look at the load of {peer}.",
    ),
    Entry(
        code="no-such-method",
        title="The other side does not offer that call",
        side=Side.BOTH,
        message="{peer} does not offer {presented|that call} to {expected|this role}.",
        next_step="Update the older of the two servers, or correct which component is called.",
    ),
    Entry(
        code="unrecognised",
        title="Not recognised",
        severity=Severity.NOTICE,
        side=Side.BOTH,
        message="This text points to no known cause.",
        next_step=(
            "Collect the accepting side's security.log for the same minute, the exact text of "
            "both sides, sottovoce edges --json and date -u on both hosts; then explain those."
        ),
    ),
)
