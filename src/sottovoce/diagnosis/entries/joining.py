"""Entries of the family *joining*: a new server that asks for its certificate by an invitation."""

from sottovoce.diagnosis.entry import Entry

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="join-code-malformed",
        title="That is no code for joining",
        message="That is no code for joining: it was mistyped, cut or mixed up with another word.",
        next_step="Copy it once more, from the first letter to the last.",
    ),
    Entry(
        code="join-code-version",
        title="The code is another version's",
        message="The code was made by another version of this program.",
        next_step="Install the version that runs on HUB's server.",
    ),
)
