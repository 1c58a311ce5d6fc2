"""Entries of the family *protocol*: a certificate's purposes and strength (X4-X8)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="purpose-server-missing",
        title="The certificate may not act as a server",
        rows=("X6",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its certificate is for {presented|other purposes}, not "
            "for {expected|TLS servers}."
        ),
        next_step="Have {peer}'s certificate reissued with serverAuth and clientAuth.",
        says=(
            Says("verify eku error", 0.6, "openvpn"),
            Says("cert e wrong usage", 0.6, "schannel"),
            Says("sec e cert wrong usage", 0.6, "schannel"),
            Says(
                "extended key usage does not permit use for tls server authentication", 0.97, "java"
            ),
            Says("unsuitable certificate purpose", 0.6, "openssl"),
            Says("unsupported certificate purpose", 0.6, "openssl"),
            Says("invalid purpose", 0.55, "node"),
            Says("certificate specifies an incompatible key usage", 0.5, "go"),
            Says("invalidpurpose", 0.5, "rustls"),
            Says("requiredekunotfound", 0.5, "rustls"),
            Says("sec error inadequate cert type", 0.6, "nss"),
            Says("bad cert,invalid ext key usage", 0.55, "erlang"),
            Says("certificate not valid for usage as ssl server", 0.9),
            Says("certificate is not suitable for the requested usage", 0.5),
        ),
        alerts=(
            Alert("openssl", "unsupported_certificate", 0.45),
            Alert("java", "certificate_unknown", 0.04),
            Alert("java", "unsupported_certificate", 0.4),
            Alert("go", "bad_certificate", 0.08),
        ),
        verify_codes=(26,),
        when=(When("side", "caller", 2.0), When("side", "accepting", 0.3)),
        apart="It was the calling side that refused: the called server lacks serverAuth.",
    ),
    Entry(
        code="purpose-client-missing",
        title="The certificate may not act as a client",
        rows=("X7",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its certificate is for {presented|servers only}, not for "
            "{expected|clients}; every server here must do both."
        ),
        next_step=(
            "Ask the CA for serverAuth and clientAuth, or use the installation's own CA "
            "(sottovoce ca sign)."
        ),
        says=(
            Says("verify eku error", 0.6, "openvpn"),
            Says("cert e wrong usage", 0.55, "schannel"),
            Says("sec e cert wrong usage", 0.55, "schannel"),
            Says(
                "extended key usage does not permit use for tls client authentication", 0.97, "java"
            ),
            Says("unsuitable certificate purpose", 0.65, "openssl"),
            Says("unsupported certificate purpose", 0.65, "openssl"),
            Says("certificate specifies an incompatible key usage", 0.75, "go"),
            Says("invalid purpose", 0.6, "node"),
            Says("invalidpurpose", 0.55, "rustls"),
            Says("requiredekunotfound", 0.55, "rustls"),
            Says("bad cert,invalid ext key usage", 0.6, "erlang"),
            Says("client ssl certificate verify error: (26", 0.95, "nginx"),
            Says("certificate doesn't have clientauth", 0.9),
            Says("extended key usage extension is missing from the client certificate", 0.93),
            Says("missing clientauth", 0.9),
        ),
        alerts=(
            Alert("openssl", "unsupported_certificate", 0.6),
            Alert("java", "certificate_unknown", 0.06),
            Alert("java", "unsupported_certificate", 0.5),
            Alert("go", "bad_certificate", 0.08),
            Alert("go", "unsupported_certificate", 0.5),
        ),
        verify_codes=(26,),
        when=(When("side", "accepting", 2.0), When("side", "caller", 0.3)),
        apart="It was the accepting side that refused: the caller lacks clientAuth.",
    ),
    Entry(
        code="key-usage",
        title="The certificate's key usage forbids it",
        rows=("X8",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its key usage has {presented|other bits} and lacks "
            "{expected|digital signature}."
        ),
        next_step="Have {peer}'s certificate reissued with key usage 'digital signature'.",
        says=(
            Says("verify ku error", 0.93, "openvpn"),
            Says("keyusage does not allow digital signatures", 0.97, "java"),
            Says("key usage does not allow digital signatures", 0.95, "java"),
            Says("wrong certificate type", 0.5, "openssl"),
            Says("unsuitable certificate purpose", 0.2, "openssl"),
            Says("keyusage does not allow key encipherment", 0.93, "java"),
            Says("key usage does not include digital signature", 0.95, "openssl"),
            Says("key usage violation", 0.85, "gnutls"),
            Says("sec error inadequate key usage", 0.93, "nss"),
            Says("the certificate is not valid for digital signature", 0.9),
            Says("err ssl key usage incompatible", 0.95, "chrome"),
            Says("bad cert,invalid key usage", 0.93, "erlang"),
        ),
        alerts=(
            Alert("openssl", "handshake_failure", 0.08),
            Alert("java", "certificate_unknown", 0.04),
            Alert("openssl", "unsupported_certificate", 0.1),
        ),
        apart="The extended key usage is right; the plain key usage lacks 'digital signature'.",
    ),
    Entry(
        code="weak-key",
        title="The key is too weak",
        rows=("X4",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: a key in its chain is too weak ({presented|too few "
            "bits}); needed is {expected|RSA 2048 or EC P-256 at least}."
        ),
        next_step="Make a new key (EC P-256) on {peer} and have it certified.",
        says=(
            Says("ee key too small", 0.96, "openssl"),
            Says("ca key too small", 0.93, "openssl"),
            Says("ee certificate key too weak", 0.96, "openssl"),
            Says("ca certificate key too weak", 0.93, "openssl"),
            Says("tls: server sent certificate containing rsa key smaller than", 0.93, "go"),
            Says("rsa key size {presented} is below", 0.9),
            Says("algorithm constraints check failed on keysize limits", 0.95, "java"),
            Says("certificates do not conform to algorithm constraints", 0.6, "java"),
            Says("mozilla pkix error inadequate key size", 0.95, "nss"),
            Says("crypto/rsa: {presented}-bit keys are insecure", 0.95, "go"),
            Says("key size is too small", 0.85),
            Says("certificate public key has explicit ecc parameters", 0.9, "openssl"),
        ),
        alerts=(
            Alert("openssl", "bad_certificate", 0.1),
            Alert("openssl", "insufficient_security", 0.2),
            Alert("java", "certificate_unknown", 0.04),
            Alert("go", "bad_certificate", 0.04),
        ),
        verify_codes=(66, 67),
    ),
    Entry(
        code="weak-signature",
        title="The certificate is signed with a weak hash",
        rows=("X5",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: a certificate in its chain is signed with "
            "{presented|SHA-1 or MD5}; needed is {expected|SHA-256 or better}."
        ),
        next_step="Have that certificate signed again with SHA-256 or better.",
        says=(
            Says("ca md too weak", 0.96, "openssl"),
            Says("ca signature digest algorithm too weak", 0.97, "openssl"),
            Says("cannot verify signature: insecure algorithm {presented}", 0.96, "go"),
            Says("cannot verify signature: insecure algorithm", 0.96, "go"),
            Says(
                "algorithm constraints check failed on signature algorithm: {presented}",
                0.95,
                "java",
            ),
            Says("algorithm constraints check failed", 0.6, "java"),
            Says("algorithm constraints check failed on disabled algorithm", 0.9, "java"),
            Says("certificates do not conform to algorithm constraints", 0.7, "java"),
            Says("sec error cert signature algorithm disabled", 0.95, "nss"),
            Says("certificate chain uses insecure algorithm", 0.9, "gnutls"),
            Says("err cert weak signature algorithm", 0.95, "chrome"),
            Says("unsupportedsignaturealgorithm", 0.7, "rustls"),
        ),
        alerts=(
            Alert("openssl", "bad_certificate", 0.08),
            Alert("java", "certificate_unknown", 0.04),
            Alert("go", "bad_certificate", 0.04),
        ),
        verify_codes=(68,),
    ),
    Entry(
        code="malformed-certificate",
        title="A certificate in the chain is malformed",
        rows=("K13",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: a certificate in its chain is malformed ({presented|it "
            "breaks RFC 5280})."
        ),
        next_step="Have {peer}'s certificate reissued by a CA that follows RFC 5280.",
        says=(
            Says("format error in certificate's {} field", 0.93, "openssl"),
            Says("unable to decode issuer public key", 0.9, "openssl"),
            Says("invalid or inconsistent certificate extension", 0.93, "openssl"),
            Says("unsupported or invalid name syntax", 0.9, "openssl"),
            Says("unsupported or invalid name constraint syntax", 0.9, "openssl"),
            Says("signature and signature algorithm mismatch", 0.85, "openssl"),
            Says("x509: malformed {}", 0.85, "go"),
            Says("x509: negative serial number", 0.93, "go"),
            Says("x509: invalid", 0.4, "go"),
            Says("tls: failed to parse certificate from server", 0.9, "go"),
            Says("tls: failed to parse client certificate", 0.9, "go"),
            Says("invalid peer certificate: badencoding", 0.9, "rustls"),
            Says("badder", 0.6, "rustls"),
            Says("sec error bad der", 0.9, "nss"),
            Says("unable to parse certificate", 0.7),
        ),
        alerts=(Alert("openssl", "decode_error", 0.3), Alert("openssl", "bad_certificate", 0.04)),
    ),
)
