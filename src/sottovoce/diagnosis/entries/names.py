"""Entries of the family *names*: the certificate is good, and it is for another name (N1-N9)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Severity, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="name-mismatch",
        title="The certificate is for another name",
        rows=("N1", "N3"),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: asked for {expected|the name that was dialled}, the "
            "certificate is for {presented|other names}."
        ),
        next_step=(
            "Reissue {peer}'s certificate for {expected|the name that its partners use}, or dial "
            "{peer} by a name that the certificate has."
        ),
        says=(
            Says(
                "dnsmismatch(mismatched id=dns id(hostname=b{expected})", 0.95, "service-identity"
            ),
            Says("simpleverificationerror", 0.85, "twisted"),
            Says("certificate name mismatch", 0.88, "any"),
            Says("certificate does not match the host", 0.88, "any"),
            Says("hostname does not match", 0.8, "any"),
            Says("verify x509name error", 0.9, "openvpn"),
            Says("sec e wrong principal", 0.93, "schannel"),
            Says("the target principal name is incorrect", 0.93, "schannel"),
            Says("cert e cn no match", 0.93, "schannel"),
            Says("certificate's cn name does not match the passed value", 0.93, "schannel"),
            Says("hostname mismatch, certificate is not valid for '{expected}'", 0.95, "python"),
            Says("no subject alternative dns name matching {expected} found", 0.95, "java"),
            Says("no name matching {expected} found", 0.93, "java"),
            Says("x509: certificate is valid for {presented}, not {expected}", 0.93, "go"),
            Says("certificate is valid for {presented}, not {expected}", 0.9),
            Says(
                "x509: certificate is not valid for any names, but wanted to match {expected}",
                0.9,
                "go",
            ),
            Says("hostname mismatch", 0.85, "openssl"),
            Says("hostname '{expected}' doesn't match either of {presented}", 0.95, "python"),
            Says("hostname '{expected}' doesn't match '{presented}'", 0.95, "python"),
            Says("hostname '{expected}' doesn't match", 0.9, "python"),
            Says("hostname/ip does not match certificate's altnames", 0.93, "node"),
            Says("hostname/ip doesn't match certificate's altnames", 0.93, "node"),
            Says("err tls cert altname invalid", 0.9, "node"),
            Says(
                "no alternative certificate subject name matches target host name '{expected}'",
                0.95,
                "curl",
            ),
            Says(
                "no alternative certificate subject name matches target hostname '{expected}'",
                0.95,
                "curl",
            ),
            Says("no alternative certificate subject name matches", 0.93, "curl"),
            Says(
                "subject name '{presented}' does not match target host name '{expected}'",
                0.95,
                "curl",
            ),
            Says("does not match target host name", 0.9, "curl"),
            Says("certificate subject name does not match target host name", 0.93, "curl"),
            Says("invalid peer certificate: notvalidforname", 0.95, "rustls"),
            Says("certnotvalidforname", 0.9, "rustls"),
            Says("certificate not valid for name {expected}", 0.95, "rustls"),
            Says("upstream ssl certificate does not match '{expected}'", 0.95, "nginx"),
            Says(
                "server certificate for '{presented}' does not match host name '{expected}'",
                0.95,
                "libpq",
            ),
            Says("does not match host name '{expected}'", 0.9, "libpq"),
            Says("certificate's owner does not match hostname '{expected}'", 0.93, "gnutls"),
            Says("the name in the certificate does not match the expected", 0.9, "gnutls"),
            Says(
                "certificate for <{expected}> doesn't match any of the subject alternative names",
                0.95,
                "java",
            ),
            Says(
                "certificate for <{expected}> doesn't match common name of the certificate subject",
                0.95,
                "java",
            ),
            Says("hostname {expected} not verified", 0.9, "java"),
            Says("hostname check failed", 0.85, "erlang"),
            Says("ssl error bad cert domain", 0.9, "nss"),
            Says("the certificate common name does not match", 0.85),
            Says("remotecertificatenamemismatch", 0.93, "dotnet"),
            Says("does not match target", 0.4),
        ),
        alerts=(
            Alert("openssl", "bad_certificate", 0.5),
            Alert("java", "certificate_unknown", 0.35),
            Alert("go", "bad_certificate", 0.3),
            Alert("openssl", "unrecognized_name", 0.8),
            Alert("java", "unrecognized_name", 0.8),
            Alert("go", "unrecognized_name", 0.8),
        ),
        verify_codes=(62,),
        when=(When("asked-name", "none", 0.3),),
        apart=(
            "The certificate and the clock are good; only the name differs. The refusing side's "
            "log has both names."
        ),
    ),
    Entry(
        code="announced-name-mismatch",
        title="A server announces a name that its certificate does not have",
        rows=("N1",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: it announces itself as {presented|one name}, its "
            "certificate is for {expected|another}."
        ),
        next_step=(
            "Set ServerName in {peer}'s server.ini to a name that its certificate has, or reissue "
            "the certificate for {presented|the announced name}."
        ),
        says=(
            Says(
                "announces itself as {presented}, its certificate is for {expected}",
                0.95,
                "sottovoce",
            ),
        ),
    ),
    Entry(
        code="server-renamed",
        title="The server was renamed after its certificate was issued",
        rows=("N2",),
        side=Side.OWN,
        message=(
            "This server now calls itself {expected|a new name}; its certificate and its "
            "partners' allowed lists still say {presented|the old one}."
        ),
        next_step=(
            "Add the new name to every partner's SSLAllowedClients, then reissue the certificate "
            "for both names, then remove the old name."
        ),
    ),
    Entry(
        code="address-mismatch",
        title="Dialled by address, the certificate has only names",
        rows=("N4",),
        side=Side.BOTH,
        message=(
            "{own} dials {peer} by {expected|an IP address}; the certificate lists only "
            "{presented|names}."
        ),
        next_step=(
            "Dial {peer} by a name of its certificate, or reissue it with the address as well."
        ),
        says=(
            Says("x509: certificate is valid for {presented}, not {expected:address}", 0.95, "go"),
            Says(
                "hostname '{expected:address}' doesn't match either of {presented}", 0.96, "python"
            ),
            Says("hostname '{expected:address}' doesn't match '{presented}'", 0.96, "python"),
            Says("hostname '{expected:address}' doesn't match", 0.93, "python"),
            Says("matches target host name '{expected:address}'", 0.96, "curl"),
            Says("matches target hostname '{expected:address}'", 0.96, "curl"),
            Says(
                (
                    "certificate for <{expected:address}> doesn't match any of the subject "
                    "alternative names"
                ),
                0.96,
                "java",
            ),
            Says("hostname {expected:address} not verified", 0.93, "java"),
            Says("altnames: host: {expected:address}. is not in", 0.95, "node"),
            Says("ip address mismatch, certificate is not valid for '{expected}'", 0.95, "python"),
            Says("ip address mismatch", 0.88, "openssl"),
            Says("no subject alternative names matching ip address {expected} found", 0.95, "java"),
            Says(
                (
                    "x509: cannot validate certificate for {expected} because it doesn't contain "
                    "any ip sans"
                ),
                0.95,
                "go",
            ),
            Says("because it doesn't contain any ip sans", 0.93, "go"),
            Says("no subject alternative names present", 0.6, "java"),
            Says("subjectaltname does not match {expected}", 0.5, "curl"),
            Says(
                "no alternative certificate subject name matches target ipv4 address '{expected}'",
                0.95,
                "curl",
            ),
            Says(
                "no alternative certificate subject name matches target ipv6 address '{expected}'",
                0.95,
                "curl",
            ),
            Says(
                "hostname/ip does not match certificate's altnames: ip: {expected} is not in the "
                "cert's list",
                0.96,
                "node",
            ),
            Says("ip: {expected} is not in the cert's list: {presented}", 0.95, "node"),
        ),
        alerts=(
            Alert("openssl", "bad_certificate", 0.2),
            Alert("java", "certificate_unknown", 0.1),
            Alert("go", "bad_certificate", 0.1),
        ),
        verify_codes=(64,),
        when=(When("asked-name", "none", 4.0),),
        apart="The dialled host is an address, not a name.",
    ),
    Entry(
        code="address-as-dns-name",
        title="The certificate has an address written as a DNS name",
        rows=("N5",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its certificate has the address as a DNS name "
            "({presented|DNS:…}); addresses must be IP entries ({expected|IP:…})."
        ),
        next_step=(
            "Reissue {peer}'s certificate with the address as an IP entry (SAN=IP:…, not DNS:…)."
        ),
        says=(
            Says("dns:{presented} is an ip address", 0.9),
            Says("the certificate has {presented} as a dns name", 0.93, "sottovoce"),
        ),
    ),
    Entry(
        code="no-subject-alternative-name",
        title="The certificate has a common name and no alternative names",
        rows=("N6",),
        side=Side.PEER,
        message=(
            "{peer}'s certificate has {presented|a common name only} and no alternative names; "
            "the common name is not looked at."
        ),
        next_step=(
            "Reissue {peer}'s certificate with {expected|its name} as subject alternative name "
            "(keytool: -ext SAN=DNS:…)."
        ),
        says=(
            Says("certificate relies on legacy common name field, use sans", 0.97, "go"),
            Says("certificate relies on legacy common name field", 0.97, "go"),
            Says(
                "certificate is not valid for any names, but wanted to match {expected}", 0.6, "go"
            ),
            Says("temporarily enable common name matching with godebug=x509ignorecn=0", 0.95, "go"),
            Says("no appropriate subjectaltname fields were found", 0.9, "python"),
            Says("no appropriate commonname or subjectaltname fields were found", 0.92, "python"),
            Says("subjectaltnamewarning", 0.8, "python"),
            Says("certificate has no subjectaltname", 0.9, "python"),
            Says("no subject alternative names present", 0.7, "java"),
            Says("missing subject alternative name", 0.9),
        ),
        alerts=(
            Alert("openssl", "bad_certificate", 0.05),
            Alert("java", "certificate_unknown", 0.04),
            Alert("go", "bad_certificate", 0.05),
        ),
    ),
    Entry(
        code="wildcard-mismatch",
        title="A wildcard name does not cover this name",
        rows=("N7",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: {presented|the certificate's wildcard name} covers "
            "exactly one label and does not match {expected|the name that was asked for}."
        ),
        next_step="Reissue {peer}'s certificate with {expected|the full name} itself in it.",
        says=(
            Says("hostname check failed", 0.45, "erlang"),
            Says("doesn't match '*.{presented}'", 0.6, "python"),
            Says("wildcard certificate does not match", 0.93),
            Says("covers one label", 0.9, "sottovoce"),
            Says("hostname mismatch", 0.15, "openssl"),
            Says(
                "no alternative certificate subject name matches target host name '{expected}'",
                0.15,
                "curl",
            ),
            Says("no subject alternative dns name matching {expected} found", 0.15, "java"),
        ),
        alerts=(
            Alert("openssl", "bad_certificate", 0.05),
            Alert("java", "certificate_unknown", 0.04),
            Alert("go", "bad_certificate", 0.05),
        ),
        when=(When("wildcard", "yes", 4.0),),
        apart="One of the certificate's names starts with '*.'.",
    ),
    Entry(
        code="same-key",
        title="Two servers use the same key",
        rows=("N8",),
        severity=Severity.WARNING,
        side=Side.BOTH,
        message=(
            "{peer} presents a key that another server has as well ({presented|see both "
            "keystores}): whoever steals one is both, and no allowed list can tell them apart."
        ),
        next_step="Make a key of its own on each server and have each certified.",
        says=(Says("present the same key", 0.9, "sottovoce"),),
    ),
    Entry(
        code="identity-by-address",
        title="A program decides by address instead of by certificate",
        rows=("N9", "A7"),
        side=Side.PEER,
        message=(
            "{own} compared {peer}'s certificate with the address or the reverse DNS name of the "
            "caller ({expected|the caller's address}), which the certificate does not name."
        ),
        next_step=(
            "Turn that comparison off in the program that reports it: a caller is who its "
            "verified certificate names, whatever its address."
        ),
        says=(
            Says("tls: {expected} does not match any of dnsnames [{presented}]", 0.96, "go"),
            Says("does not match any of dnsnames", 0.95, "go"),
        ),
    ),
)
