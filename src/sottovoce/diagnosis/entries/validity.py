"""Entries of the family *validity*: dates and clocks (V1-V6)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Severity, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="certificate-expired",
        title="The certificate has expired",
        rows=("V1",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its certificate has expired ({presented|its last day has "
            "passed}); needed is {expected|one that is valid now}."
        ),
        next_step=(
            "Renew {peer}'s certificate: under HUB's authority put its switch aside (sottovoce "
            "secure back) and let it join again (sottovoce invite, sottovoce join); else have a "
            "new request signed (sottovoce keytool -certreq)."
        ),
        says=(
            Says("cert e expired", 0.9, "schannel"),
            Says("certificate is expired", 0.85, "any"),
            Says("certificate has expired", 0.85, "openssl"),
            Says("cert has expired", 0.85, "node"),
            Says("certificateexpiredexception: notafter: {presented}", 0.9, "java"),
            Says("certificateexpiredexception", 0.88, "java"),
            Says("validity check failed", 0.6, "java"),
            Says(
                "certificate has expired or is not yet valid: current time {} is after {presented}",
                0.93,
                "go",
            ),
            Says("certificate has expired or is not yet valid", 0.7, "go"),
            Says("invalid peer certificate: expired", 0.9, "rustls"),
            Says("invalid peer certificate: certexpired", 0.9, "rustls"),
            Says("invalid certificate: expired", 0.9, "rustls"),
            Says("certexpired", 0.85, "rustls"),
            Says("bad cert,cert expired", 0.9, "erlang"),
            Says("the certificate is expired", 0.88, "gnutls"),
            Says("certificate chain uses expired certificate", 0.85, "gnutls"),
            Says("sec error expired certificate", 0.9, "nss"),
            Says("sec e cert expired", 0.9, "schannel"),
            Says("the received certificate has expired", 0.9, "schannel"),
            Says("errors in the certificate chain: nottimevalid", 0.85, "dotnet"),
            Says("nottimevalid", 0.8, "dotnet"),
            Says("the certificate has expired", 0.88),
            Says("client ssl certificate verify error: (10", 0.9, "nginx"),
        ),
        alerts=(
            Alert("openssl", "certificate_expired", 0.7),
            Alert("java", "certificate_expired", 0.9),
            Alert("java", "certificate_unknown", 0.15),
            Alert("go", "certificate_expired", 0.7),
            Alert("go", "bad_certificate", 0.1),
        ),
        verify_codes=(10,),
        when=(When("clocks-differ", "yes", 0.5), When("depth", "ca", 0.4)),
        apart="The leaf's own end date has passed, by the clocks of both servers.",
    ),
    Entry(
        code="issuer-expired",
        title="A CA certificate in the chain has expired",
        rows=("V2",),
        side=Side.BOTH,
        message=(
            "{own} did not accept {peer}: a CA certificate in its chain has expired "
            "({presented|its last day has passed}; needed is {expected|one that is valid now}); "
            "every server certificate under it is unusable."
        ),
        next_step=(
            "Renew that CA certificate, spread it to all servers, then renew what it had signed "
            "if its key changed."
        ),
        says=(
            Says("certificate has expired", 0.3, "openssl"),
            Says("certificate has expired or is not yet valid", 0.25, "go"),
            Says(
                "certificate has expired or is not yet valid: current time {} is after {presented}",
                0.3,
                "go",
            ),
            Says("validity check failed", 0.25, "java"),
            Says("sec error expired issuer certificate", 0.95, "nss"),
            Says("ca certificate has expired", 0.9),
            Says("bad cert,cert expired", 0.25, "erlang"),
        ),
        alerts=(
            Alert("openssl", "certificate_expired", 0.2),
            Alert("java", "certificate_unknown", 0.05),
            Alert("go", "certificate_expired", 0.2),
            Alert("go", "bad_certificate", 0.04),
        ),
        verify_codes=(10,),
        when=(When("depth", "ca", 4.0), When("depth", "0", 0.3)),
        apart=(
            "All certificates of one CA fail on the same day: look at the dates of the whole chain."
        ),
    ),
    Entry(
        code="not-yet-valid",
        title="The certificate is not valid yet",
        rows=("V3",),
        side=Side.BOTH,
        message=(
            "{own} did not accept {peer}: its certificate is not valid yet ({presented|its first "
            "day lies ahead}); needed is {expected|one that is valid now}."
        ),
        next_step=(
            "Compare the clocks of both servers; if they agree, wait or reissue the certificate."
        ),
        says=(
            Says("certificate is not yet valid", 0.88, "openssl"),
            Says("cert not yet valid", 0.88, "node"),
            Says("certificatenotyetvalidexception: notbefore: {presented}", 0.93, "java"),
            Says("certificatenotyetvalidexception", 0.9, "java"),
            Says(
                "certificate has expired or is not yet valid: current time {} is before "
                "{presented}",
                0.95,
                "go",
            ),
            Says("certificate has expired or is not yet valid", 0.3, "go"),
            Says("notvalidyet", 0.9, "rustls"),
            Says("certnotvalidyet", 0.9, "rustls"),
            Says("the certificate is not yet activated", 0.9, "gnutls"),
            Says("certificate chain uses not yet valid certificate", 0.9, "gnutls"),
            Says("mozilla pkix error not yet valid certificate", 0.9, "nss"),
            Says("client ssl certificate verify error: (9", 0.9, "nginx"),
        ),
        alerts=(
            Alert("openssl", "bad_certificate", 0.25),
            Alert("java", "bad_certificate", 0.3),
            Alert("java", "certificate_unknown", 0.1),
            Alert("go", "bad_certificate", 0.05),
        ),
        verify_codes=(9,),
        when=(When("clocks-differ", "yes", 0.5), When("depth", "ca", 0.2)),
        apart="The start date lies ahead by the clocks of both servers.",
    ),
    Entry(
        code="issuer-not-yet-valid",
        title="A CA certificate in the chain is not valid yet",
        rows=("V3",),
        side=Side.BOTH,
        message=(
            "{own} did not accept {peer}: a CA certificate in its chain is not valid yet "
            "({presented|its first day lies ahead}); needed is {expected|one that is valid now}."
        ),
        next_step=(
            "Compare the clock here with the CA's; if they agree, wait or reissue the CA "
            "certificate."
        ),
        says=(
            Says("certificate is not yet valid", 0.2, "openssl"),
            Says("certificatenotyetvalidexception: notbefore: {expected}", 0.2, "java"),
            Says("mozilla pkix error not yet valid issuer certificate", 0.95, "nss"),
        ),
        alerts=(
            Alert("openssl", "bad_certificate", 0.05),
            Alert("java", "certificate_unknown", 0.04),
            Alert("go", "bad_certificate", 0.04),
        ),
        verify_codes=(9,),
        when=(When("depth", "ca", 6.0), When("depth", "0", 0.3)),
        apart="The refused certificate in the chain is a CA's, not the server's.",
    ),
    Entry(
        code="clock-skew",
        title="The clocks of two servers differ",
        rows=("V4",),
        side=Side.BOTH,
        message=(
            "{own}'s clock and {peer}'s differ by {presented|more than certificates forgive} "
            "(allowed is {expected|less than a minute}); the certificate is fine."
        ),
        next_step=(
            "Set the clock of the server that is wrong, and let NTP keep it (timedatectl status)."
        ),
        says=(
            Says("certificate is not yet valid", 0.45, "openssl"),
            Says("certificate has expired", 0.2, "openssl"),
            Says(
                "certificate has expired or is not yet valid: current time {} is before {}",
                0.5,
                "go",
            ),
            Says(
                "certificate has expired or is not yet valid: current time {} is after {}",
                0.2,
                "go",
            ),
            Says("certificatenotyetvalidexception", 0.4, "java"),
            Says("cert not yet valid", 0.4, "node"),
            Says("notvalidyet", 0.4, "rustls"),
            Says("clock skew", 0.85),
            Says("the clock on the client and server machines are skewed", 0.95, "schannel"),
            Says("time difference between", 0.5),
        ),
        alerts=(
            Alert("openssl", "certificate_expired", 0.1),
            Alert("openssl", "bad_certificate", 0.1),
            Alert("java", "certificate_expired", 0.1),
        ),
        verify_codes=(9, 10),
        when=(When("clocks-differ", "yes", 6.0), When("clocks-differ", "no", 0.2)),
        apart="One host alone refuses, and date -u differs between the two hosts.",
    ),
    Entry(
        code="certificate-expiring",
        title="The certificate will expire soon",
        rows=("V5",),
        severity=Severity.WARNING,
        side=Side.BOTH,
        message=(
            "{peer}'s certificate expires soon: {presented|little} of its lifetime is left, and "
            "{expected|a third of it} should be."
        ),
        next_step="Renew {peer}'s certificate before it expires.",
        says=(
            Says("certificate will expire", 0.9),
            Says("certificate expires in", 0.9),
            Says("certificate is about to expire", 0.9),
            Says("certificate is expiring", 0.9),
            Says("certificate expiring in", 0.9),
        ),
    ),
    Entry(
        code="renewal-too-late",
        title="Too late to renew: the old certificate has expired",
        rows=("V6",),
        side=Side.OWN,
        message=(
            "This server's certificate has expired ({presented|its last day has passed}), so it "
            "cannot prove any more who asks for its renewal."
        ),
        next_step=(
            "Put the switch aside (sottovoce secure back) and join again by a new invitation "
            "(sottovoce invite on HUB's server, sottovoce join here); without an own CA: make a "
            "new request (sottovoce keytool -certreq) and have it signed by hand."
        ),
        says=(
            Says("error renewing certificate: {} certificate has expired", 0.9, "step"),
            Says("the certificate has expired and cannot be renewed", 0.95),
            Says("certificate expired, cannot renew", 0.93),
            Says("renew: certificate has expired", 0.9),
        ),
        when=(When("own-expired", "yes", 2.0),),
    ),
)
