"""Entries of the family *authority*: the installation's own CA, and any other that declines."""

from sottovoce.diagnosis.entry import Entry, Side

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="issuance-declined",
        title="The CA declined to sign",
        side=Side.BOTH,
        message=(
            "The certificate authority declined to sign for {peer}: {why|its profile forbids "
            "what was asked for}."
        ),
        next_step="Make a request that keeps to the profile named, and send that.",
    ),
    Entry(
        code="ca-exists",
        title="There is a CA already",
        message="There is a certificate authority in {file|that folder} already.",
        next_step="Go on with it: sottovoce ca list; or choose another folder.",
    ),
    Entry(
        code="ca-missing",
        title="There is no CA",
        message="There is no certificate authority in {file|that folder}.",
        next_step="Name its folder with --dir, or make one with sottovoce ca create.",
    ),
    Entry(
        code="ca-damaged",
        title="A file of the CA is missing or damaged",
        message="{file|A file of the certificate authority} is missing or damaged.",
        next_step=(
            "Restore it from a backup of the same day; a list of the root is written again by "
            "sottovoce ca issuing."
        ),
    ),
    Entry(
        code="ca-busy",
        title="The CA is in use by another command",
        message=(
            "{file|The certificate authority} has been in use by another process for ten seconds."
        ),
        next_step="Wait for it to end, or end it; then repeat the command.",
    ),
    Entry(
        code="ca-other-root",
        title="The issuing authority is under another root",
        message=(
            "HUB's issuing authority is under the root {expected|named in its certificate}, and "
            "the folder given holds {presented|another root}."
        ),
        next_step="Give the folder of that root with --dir.",
    ),
    Entry(
        code="name-not-permitted",
        title="A name that the CA may not certify",
        side=Side.BOTH,
        message=(
            "The installation's issuing authority may not certify {presented|this name}: its name "
            "constraints permit {expected|the names of the installation's servers} only."
        ),
        next_step=(
            "Correct the name, or extend the names under the root: sottovoce ca issuing --dir ROOT "
            "--home HUBHOME --add-host NAME."
        ),
    ),
    Entry(
        code="key-compromised",
        title="The key was given up as compromised",
        side=Side.PEER,
        message=(
            "A certificate of this key was revoked because the key was compromised; the CA does "
            "not certify it again."
        ),
        next_step="Make a new key on {peer}, and a request from it.",
    ),
    Entry(
        code="ca-rollover-order",
        title="Not the turn of this step of a rollover",
        message=(
            "This step of the root's replacement is not next, or its servers are not there yet: "
            "{why|taken now, it would cut a server off}."
        ),
        next_step=(
            "Let the servers named follow, then take the next step: sottovoce ca rollover --dir "
            "ROOT --home HUBHOME."
        ),
    ),
    Entry(
        code="rename-order",
        title="Not the turn of this step of a renaming",
        message=(
            "This step of a server's renaming is not next, or there is nothing to rename: "
            "{why|taken now, it would break a connection}."
        ),
        next_step="Look how far it is, and take the step that is next: sottovoce rename OLD NEW.",
    ),
    Entry(
        code="ca-inside-home",
        title="A root's folder within a server home",
        message=(
            "The root's folder {file|that was given} is within the server home {presented|beside "
            "it}: whoever steals that home has the root as well."
        ),
        next_step="Choose a folder outside every server home.",
    ),
)
