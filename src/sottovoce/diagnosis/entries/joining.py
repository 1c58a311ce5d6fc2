"""Entries of the family *joining*: a new server that asks for its certificate by an invitation."""

from sottovoce.diagnosis.entry import Entry, Side

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
    Entry(
        code="join-code-unknown",
        title="HUB knows no such invitation",
        side=Side.BOTH,
        message="HUB has made no invitation with this code.",
        next_step="Make a new one on HUB's server: sottovoce invite.",
    ),
    Entry(
        code="join-code-used",
        title="The invitation was used already",
        side=Side.BOTH,
        message=(
            "The invitation was used already, by another key; needed is {expected|one that nobody "
            "has used}."
        ),
        next_step=(
            "Make a new one on HUB's server: sottovoce invite. If it was not you who used it, "
            "revoke that certificate: sottovoce ca revoke."
        ),
    ),
    Entry(
        code="join-code-expired",
        title="The invitation has ended",
        side=Side.BOTH,
        message="The invitation has ended; needed is {expected|one that has not}.",
        next_step="Make a new one on HUB's server: sottovoce invite.",
    ),
    Entry(
        code="join-code-withdrawn",
        title="The invitation was withdrawn",
        side=Side.BOTH,
        message="The invitation was withdrawn, or a newer one for the same server replaced it.",
        next_step="Use the newest one, or make one on HUB's server: sottovoce invite.",
    ),
    Entry(
        code="join-name-mismatch",
        title="The invitation is for another server",
        message=(
            "The invitation is for {expected|another server}, and this one is "
            "{presented|called otherwise}."
        ),
        next_step="Use the code that was made for this server's name.",
    ),
    Entry(
        code="join-key-mismatch",
        title="The request is for another key",
        side=Side.PEER,
        message=(
            "The certificate request is for another key than the one that the caller has proved "
            "to hold."
        ),
        next_step="Join with this program; if it was used, look who stands between the two.",
    ),
    Entry(
        code="join-wrong-authority",
        title="The server reached is not the HUB that invited",
        side=Side.BOTH,
        message=(
            "{peer} is not the HUB that made the invitation: its authority has the fingerprint "
            "{presented|of another one}, the code names {expected|another}."
        ),
        next_step=(
            "Find out which server answers under that name; if HUB has a new authority, make a "
            "new invitation: sottovoce invite."
        ),
    ),
    Entry(
        code="join-not-open",
        title="Nobody can join there now",
        side=Side.BOTH,
        message=(
            "{peer} lets nobody join now: no invitation is open there, the address has tried too "
            "often, or it is no HUB with an authority of its own."
        ),
        next_step="Make an invitation on HUB's server: sottovoce invite.",
    ),
    Entry(
        code="join-not-finished",
        title="HUB could not let the server in",
        side=Side.PEER,
        message="HUB could not let the new server in: {why|its log says why}.",
        next_step="See HUB's log, mend that, and use the same code again.",
    ),
    Entry(
        code="join-answer-lost",
        title="HUB's answer did not arrive",
        side=Side.BOTH,
        message=(
            "HUB's answer to the request did not arrive: whether it counts the invitation as used "
            "is not known. Nothing was written on the new server."
        ),
        next_step=(
            "Run the command again; if the code is used by then, make a new one: sottovoce invite."
        ),
    ),
    Entry(
        code="join-answer-unfit",
        title="What HUB gave cannot be used",
        side=Side.PEER,
        message="What HUB gave the new server cannot be used: {why|see its log}.",
        next_step="Look at HUB's log, and make a new invitation: sottovoce invite.",
    ),
    Entry(
        code="join-home-unfit",
        title="The home is not one that can join",
        message="{file|The home} cannot join: {why|it is not plain, or another server's}.",
        next_step=(
            "Give a folder that is not there yet, or the plain home of the invited server "
            "(sottovoce secure back makes a secured one plain)."
        ),
    ),
    Entry(
        code="invitation-missing",
        title="There is no such invitation",
        message="There is no open invitation for {presented|that server}.",
        next_step="See which there are: sottovoce invite --list.",
    ),
)
