"""Entries of the family *campaign*: lists, templates, mail, jobs, events, accounts."""

from sottovoce.diagnosis.entry import Entry, Says, Severity, Side

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="template-unknown-field",
        title="The template asks for a field that the list does not have",
        message="The template asks for the field '{presented|}'; the list has {expected|others}.",
        next_step="Correct the field in the template, or add the column to the list.",
    ),
    Entry(
        code="smtp-refused",
        title="The mail relay refused",
        side=Side.PEER,
        message="The mail relay {peer|} refused: {why|see its answer}.",
        next_step="Follow the relay's answer; a 4xx is tried again by itself, a 5xx is not.",
        says=(
            Says("smtprecipientsrefused", 0.9, "python"),
            Says("550 5.7.1", 0.88, "smtp"),
            Says("554 5.7.1", 0.88, "smtp"),
            Says("relay access denied", 0.93, "smtp"),
            Says("relaying denied", 0.93, "smtp"),
        ),
    ),
    Entry(
        code="smtp-broken-off",
        symptom=True,
        title="The mail relay broke off",
        side=Side.PEER,
        message=(
            "The mail relay {peer|} broke off in the middle: {why|the connection ended}; "
            "{presented|the mail under way} is uncertain."
        ),
        next_step=(
            "See the uncertain mails with sottovoce job uncertain NAME; they are never sent again "
            "unasked."
        ),
        says=(
            Says("smtpserverdisconnected", 0.9, "python"),
            Says("connection unexpectedly closed", 0.6, "python"),
            Says("421 4.", 0.6, "smtp"),
        ),
    ),
    Entry(
        code="job-conflict",
        title="The job was changed meanwhile",
        message=(
            "The job is {presented|in another state} and not {expected|as it was read}: somebody "
            "else changed it."
        ),
        next_step="Read it again and repeat the step.",
    ),
    Entry(
        code="epoch-changed",
        title="The tracker's store is a new one",
        side=Side.PEER,
        severity=Severity.WARNING,
        message=(
            "The tracker's store has a new epoch (made anew or restored); events between the last "
            "pull and then may be missing."
        ),
        next_step=(
            "Compare the report with the tracker's backup; the span is marked in every report."
        ),
    ),
    Entry(
        code="events-lost",
        title="Events are missing",
        side=Side.PEER,
        message=(
            "Events are missing: expected {expected|the next number}, got {presented|a later one}."
        ),
        next_step="Look at the tracker's log for that span; the report marks it.",
    ),
    Entry(
        code="login-bad",
        title="The log-in did not succeed",
        message="The log-in did not succeed: name, password or code is not right.",
        next_step=(
            "Try again; an administrator can set a new password (sottovoce account password NAME)."
        ),
    ),
    Entry(
        code="login-locked",
        title="The account is locked for a while",
        message=(
            "The account {presented|} is locked until {expected|a later time} after too many "
            "failures."
        ),
        next_step="Wait, or have an administrator unlock it (sottovoce account enable NAME).",
    ),
    Entry(
        code="login-disabled",
        title="The account is disabled",
        message="The account {presented|} is disabled.",
        next_step="Ask an administrator to enable it (sottovoce account enable NAME).",
    ),
    Entry(
        code="ticket-bad",
        title="The session ticket is not valid",
        severity=Severity.NOTICE,
        message="The session ticket is not valid: {why|it has expired or was withdrawn}.",
        next_step="Log in again.",
    ),
)
