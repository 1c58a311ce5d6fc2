"""Entries of the family *joining*: a plain installation that is secured step by step."""

from sottovoce.diagnosis.entry import Entry, Side

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="switch-not-prepared",
        title="A server has no prepared switch",
        side=Side.BOTH,
        message="{peer} has not told HUB of a prepared switch, so its connections would break.",
        next_step="On that server: sottovoce secure --home DIR says its next step.",
    ),
    Entry(
        code="switch-not-cleared",
        title="HUB has not cleared the switch",
        message=(
            "HUB has not said of what is prepared on {own} that every connection would work: "
            "{why|it was not heard, or names a connection that would break}."
        ),
        next_step="On HUB's server: sottovoce secure check names what is missing.",
    ),
    Entry(
        code="switch-refused",
        title="The switch is not where the step needs it",
        message="The switch of {own} is not where this step needs it: {why|it was moved before}.",
        next_step="See where this server stands: sottovoce secure --home DIR.",
    ),
    Entry(
        code="reply-refused",
        title="The reply is not the one for this server",
        message=(
            "The reply was not taken over: {why|it is damaged, or another server's, or another "
            "key's}. Nothing was changed."
        ),
        next_step=(
            "Copy it again and compare its SHA-256 with what 'sottovoce secure sign' printed on "
            "HUB's server; or have the newest request signed."
        ),
    ),
)
