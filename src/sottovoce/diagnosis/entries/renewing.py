"""Entries of the family *certificates that look after themselves*: trust from HUB, renewals."""

from sottovoce.diagnosis.entry import Entry, Severity, Side

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="trust-not-given",
        title="HUB gives out no trust",
        side=Side.BOTH,
        message=(
            "{own} is to take its roots, revocation lists and allowed names from HUB, and {peer} "
            "gives out none: the installation's issuing authority is not there."
        ),
        next_step=(
            "Set TrustFromHub=no in {own}'s server.ini and import roots by 'sottovoce keytool', "
            "or give HUB the authority: sottovoce ca issuing --dir ROOT --home HUBHOME."
        ),
    ),
    Entry(
        code="trust-not-applied",
        title="HUB's trust was not taken over",
        severity=Severity.WARNING,
        side=Side.BOTH,
        message=(
            "{own} did not take over what HUB gives out ({why|this server could not work with "
            "it}); what was in force before stays."
        ),
        next_step=(
            "Correct what is named, on HUB or here; it is tried again with HUB's next change, and "
            "at a restart."
        ),
    ),
    Entry(
        code="renewal-refused",
        title="HUB's authority declined a renewal",
        side=Side.PEER,
        message=(
            "HUB did not renew the certificate of {own}: {why|its authority did not issue the "
            "certificate in use, or has revoked it}."
        ),
        next_step=(
            "Put the switch aside (sottovoce secure back) and join again by a new invitation of "
            "HUB, or renew by 'sottovoce keytool' where another CA issued the certificate."
        ),
    ),
)
