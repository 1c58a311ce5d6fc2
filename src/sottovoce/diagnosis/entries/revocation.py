"""Entries of the family *validity*: revocation, its lists and answers (R1-R5)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Severity, Side

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="revoked",
        title="The certificate was revoked",
        rows=("R1", "R5", "O7"),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its certificate was revoked ({presented|its CA's list "
            "names it}); needed is {expected|one that no list names}."
        ),
        next_step="If {peer} is still in use, issue it a new certificate with a new key.",
        says=(
            Says("open connection of {} (revoked)", 0.95, "sottovoce"),
            Says("open connections of {} (revoked)", 0.95, "sottovoce"),
            Says("peer cert untrusted or revoked", 0.4, "gnutls"),
            Says("cert e revoked", 0.95, "schannel"),
            Says("certificate revoked", 0.93, "openssl"),
            Says("certificate has been revoked", 0.93, "java"),
            Says("certificaterevokedexception", 0.95, "java"),
            Says("cert revoked", 0.9, "node"),
            Says("invalid peer certificate: revoked", 0.95, "rustls"),
            Says("invalid certificate: revoked", 0.95, "rustls"),
            Says("bad cert,{revoked", 0.93, "erlang"),
            Says("bad cert,revoked", 0.93, "erlang"),
            Says("sec error revoked certificate", 0.95, "nss"),
            Says("the certificate was revoked", 0.93, "schannel"),
            Says("certificate was revoked", 0.93),
            Says("crypt e revoked", 0.95, "schannel"),
            Says("certificate serial number {presented} has been revoked", 0.95),
            Says("client ssl certificate verify error: (23", 0.95, "nginx"),
        ),
        alerts=(
            Alert("openssl", "certificate_revoked", 0.95),
            Alert("java", "certificate_revoked", 0.95),
            Alert("java", "certificate_unknown", 0.05),
            Alert("go", "certificate_revoked", 0.95),
            Alert("go", "bad_certificate", 0.05),
        ),
        verify_codes=(23,),
    ),
    Entry(
        code="revocation-unknown",
        title="No revocation list of the issuer is at hand",
        rows=("R3",),
        side=Side.OWN,
        message=(
            "{own} checks revocation and lacks {expected|a revocation list of the CA of this "
            "chain}; that is not {peer}'s fault."
        ),
        next_step=(
            "Fetch that CA's revocation list to {own} (sottovoce ca crl makes one), or stop asking "
            "for one."
        ),
        says=(
            Says("unable to get certificate crl", 0.95, "openssl"),
            Says("unable to get crl", 0.9, "node"),
            Says("crl signature failure", 0.85, "openssl"),
            Says("unable to decrypt crl's signature", 0.85, "openssl"),
            Says("key usage does not include crl signing", 0.85, "openssl"),
            Says("unhandled critical crl extension", 0.85, "openssl"),
            Says("different crl scope", 0.85, "openssl"),
            Says("crl path validation error", 0.85, "openssl"),
            Says("could not determine revocation status", 0.93, "java"),
            Says("unable to determine revocation status", 0.93, "java"),
            Says("undetermined revocation status", 0.9, "java"),
            Says("unknownrevocationstatus", 0.93, "rustls"),
            Says("revocation status unknown", 0.9),
            Says("revocationstatusunknown", 0.93, "dotnet"),
            Says("crypt e no revocation check", 0.95, "schannel"),
            Says("the revocation function was unable to check revocation", 0.95, "schannel"),
            Says("crypt e revocation offline", 0.95, "schannel"),
            Says("bad cert,revocation status undetermined", 0.95, "erlang"),
            Says("unable to get crl issuer certificate", 0.8, "openssl"),
            Says("client ssl certificate verify error: (3", 0.95, "nginx"),
        ),
        alerts=(
            Alert("openssl", "unknown_ca", 0.08),
            Alert("java", "certificate_unknown", 0.05),
        ),
        verify_codes=(3, 33),
    ),
    Entry(
        code="revocation-list-expired",
        title="The revocation list is out of date",
        rows=("R4",),
        side=Side.OWN,
        message=(
            "{own}'s revocation list is out of date ({presented|its last day has passed}); needed "
            "is {expected|a current one}, and {peer}'s certificate is not the reason."
        ),
        next_step="Fetch a fresh revocation list to {own} (sottovoce ca crl makes one).",
        says=(
            Says("crl has expired", 0.95, "openssl"),
            Says("crl is not yet valid", 0.8, "openssl"),
            Says("expiredrevocationlist", 0.95, "rustls"),
            Says("crlexpired", 0.93, "rustls"),
            Says("client ssl certificate verify error: (12", 0.95, "nginx"),
            Says("sec error expired crl", 0.9, "nss"),
            Says("sec error crl expired", 0.9, "nss"),
        ),
        alerts=(
            Alert("openssl", "certificate_expired", 0.12),
            Alert("java", "certificate_unknown", 0.04),
        ),
        verify_codes=(11, 12),
    ),
    Entry(
        code="revocation-list-expiring",
        title="The revocation list will soon be out of date",
        rows=("R4",),
        severity=Severity.WARNING,
        side=Side.OWN,
        message=(
            "{own}'s revocation list of a trusted CA is current for a short time yet: "
            "{presented|little} of its lifetime is left, and {expected|a third of it} should be."
        ),
        next_step="Fetch the current list before it ends (sottovoce ca crl makes one).",
    ),
    Entry(
        code="fetch-failed",
        title="A revocation list or answer could not be fetched",
        rows=("R3", "R4"),
        severity=Severity.WARNING,
        side=Side.OWN,
        message=(
            "{own} could not fetch what its settings or a certificate name as an address: {why|it "
            "did not come, or not whole}. What was fetched before counts until it ends."
        ),
        next_step="Try the address with curl from {own}; a firewall may need to let it through.",
        says=(
            Says("could not be fetched:", 0.9, "sottovoce"),
            Says("error querying ocsp responder", 0.9, "openssl"),
            Says("error connecting bio", 0.5, "openssl"),
            Says("unable to determine revocation status due to network error", 0.95, "java"),
        ),
    ),
    Entry(
        code="fetched-not-kept",
        title="A fetched revocation list or answer is not good",
        rows=("R3",),
        severity=Severity.WARNING,
        side=Side.OWN,
        message=(
            "What {own} has fetched is not kept: {presented|it is not signed by the authority, not "
            "current, or older than the one before}. The one before stays."
        ),
        next_step="Compare the address with what the authority publishes.",
        says=(
            Says("is not kept:", 0.8, "sottovoce"),
            Says("response verify failure", 0.7, "openssl"),
            Says("status times invalid", 0.85, "openssl"),
            Says("nonce verify error", 0.9, "openssl"),
        ),
    ),
    Entry(
        code="revocation-soft",
        title="Revocation fails softly",
        rows=("R3", "R4"),
        severity=Severity.WARNING,
        side=Side.OWN,
        message=(
            "{own} accepts certificates about which it has no current revocation list or answer "
            "({presented|RevocationFailure=soft}): whoever keeps lists from it can use a stolen "
            "key."
        ),
        next_step="Set {expected|RevocationFailure=hard} in server.ini once lists arrive reliably.",
    ),
    Entry(
        code="resumed-session",
        title="A resumed session would escape revocation",
        rows=("R2",),
        side=Side.BOTH,
        message=(
            "{peer} asked {own} to resume an earlier TLS session; a resumed session is not "
            "verified again, so a revoked certificate would pass. It was not resumed."
        ),
        next_step="Nothing to do here; turn session tickets off in the program that calls.",
        severity=Severity.NOTICE,
        says=(Says("session id context uninitialized", 0.8, "openssl"),),
    ),
)
