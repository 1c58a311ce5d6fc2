"""Entries of the family *protocol*: versions, ciphers, presenting one at all (X1-X3, T4)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Severity, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="no-certificate",
        title="The caller presented no certificate",
        rows=("T4", "T3"),
        side=Side.PEER,
        message=(
            "{own} refused {peer}: it presented {presented|no certificate}; every server must show "
            "{expected|one}."
        ),
        next_step=(
            "Name a keystore with a private key in {peer}'s commands/ssl.ini (sottovoce keytool "
            "-list must show a PrivateKeyEntry)."
        ),
        says=(
            Says("no ssl certificate provided by peer", 0.93, "mongodb"),
            Says("peer did not return a certificate", 0.9, "openssl"),
            Says("peerdid not return a certificate", 0.9, "openssl"),
            Says("empty client certificate chain", 0.88, "java"),
            Says("tls: client didn't provide a certificate", 0.93, "go"),
            Says("client didn't provide a certificate", 0.93, "go"),
            Says("peer not authenticated", 0.6, "java"),
            Says("sslpeerunverifiedexception: peer not authenticated", 0.7, "java"),
            Says("no required ssl certificate was sent", 0.95, "nginx"),
            Says("client sent no required ssl certificate", 0.95, "nginx"),
            Says("peer sent no certificates", 0.93, "rustls"),
            Says("peer did not send a certificate", 0.93, "gio"),
            Says("nocertificatespresented", 0.93, "rustls"),
            Says("null cert chain", 0.85, "java"),
            Says("peer did not send any certificate", 0.93),
            Says("ssl error no certificate", 0.7, "nss"),
            Says("connection requires a valid client certificate", 0.95, "postgresql"),
            Says("no certificate was found", 0.8, "gnutls"),
        ),
        alerts=(
            Alert("openssl", "certificate_required", 0.85),
            Alert("java", "certificate_required", 0.85),
            Alert("go", "certificate_required", 0.85),
            Alert("rustls", "certificate_required", 0.85),
            Alert("openssl", "handshake_failure", 0.3),
            Alert("java", "bad_certificate", 0.6),
            Alert("go", "bad_certificate", 0.2),
        ),
        when=(When("key-count", "0", 2.0), When("issuer-trusted", "no", 0.6)),
        apart=(
            "The caller has no key entry, or none from a CA that was asked for: a Java caller "
            "then sends nothing although it has a certificate."
        ),
    ),
    Entry(
        code="own-ca-not-asked-for",
        title="The caller has a certificate, from a CA that was not asked for",
        rows=("T3",),
        side=Side.OWN,
        message=(
            "{own} refused {peer}: its CA {presented|} is not among {own}'s roots; it has a "
            "certificate and did not offer it, because it was asked for one of other CAs "
            "({expected|those that are trusted there})."
        ),
        next_step="Import the root of {peer}'s CA into {own}'s trusted roots.",
        says=(
            Says("empty client certificate chain", 0.5, "java"),
            Says("peer did not return a certificate", 0.35, "openssl"),
            Says("client didn't provide a certificate", 0.3, "go"),
            Says("client sent no required ssl certificate", 0.25, "nginx"),
            Says(
                (
                    "no x.509 certificate for client authentication, use empty certificate "
                    "message instead"
                ),
                0.93,
                "java",
            ),
            Says("because ca distinguished names", 0.7),
        ),
        alerts=(
            Alert("openssl", "certificate_required", 0.3),
            Alert("java", "bad_certificate", 0.25),
        ),
        when=(When("issuer-trusted", "no", 4.0), When("key-count", "0", 0.1)),
        apart=(
            "The caller's keystore does have a key entry; its CA is missing on the accepting side."
        ),
    ),
    Entry(
        code="protocol-version",
        title="No common TLS version",
        rows=("X1",),
        side=Side.BOTH,
        message=(
            "{own} and {peer} have no TLS version in common: offered was {presented|another}, "
            "needed is {expected|TLS 1.3}."
        ),
        next_step=(
            "Update whichever of the two speaks older versions only; this program speaks TLS 1.3 "
            "and nothing else."
        ),
        says=(
            Says("unsupported protocol", 0.88, "openssl"),
            Says("unsupported protocol version", 0.85, "openssl"),
            Says(
                (
                    "the client supported protocol versions [{presented}] are not accepted by "
                    "server preferences [{expected}]"
                ),
                0.97,
                "java",
            ),
            Says(
                (
                    "server selected protocol version {presented} is not accepted by client "
                    "preferences [{expected}]"
                ),
                0.97,
                "java",
            ),
            Says(
                "no appropriate protocol (protocol is disabled or cipher suites are inappropriate)",
                0.8,
                "java",
            ),
            Says("protocol is disabled or cipher suites are inappropriate", 0.75, "java"),
            Says("tls: client offered only unsupported versions: [{presented}]", 0.96, "go"),
            Says("client offered only unsupported versions", 0.95, "go"),
            Says("tls: server selected unsupported protocol version {presented}", 0.96, "go"),
            Says("tls: no supported versions satisfy minversion and maxversion", 0.93, "go"),
            Says("err ssl version or cipher mismatch", 0.6, "chrome"),
            Says("ssl error unsupported version", 0.95, "nss"),
            Says("peerincompatible", 0.5, "rustls"),
            Says("tls12notoffered", 0.9, "rustls"),
            Says("serverdoesnotsupporttls12or13", 0.93, "rustls"),
            Says("a packet with illegal or unsupported version was received", 0.85, "gnutls"),
            Says("no protocols available", 0.9, "openssl"),
            Says("inappropriate fallback", 0.8, "openssl"),
            Says("version too low", 0.85, "openssl"),
            Says(
                (
                    "the client and server cannot communicate, because they do not possess a "
                    "common algorithm"
                ),
                0.6,
                "schannel",
            ),
            Says("wrong ssl version", 0.85, "openssl"),
        ),
        alerts=(
            Alert("openssl", "protocol_version", 0.95),
            Alert("java", "protocol_version", 0.95),
            Alert("go", "protocol_version", 0.95),
            Alert("java", "handshake_failure", 0.15),
            Alert("openssl", "inappropriate_fallback", 0.8),
        ),
        when=(When("key-count", "0", 0.2),),
    ),
    Entry(
        code="no-common-cipher",
        title="No common cipher suite or signature",
        rows=("X2",),
        side=Side.BOTH,
        message=(
            "{own} and {peer} have no cipher suite in common ({presented|nothing that was offered "
            "fits}); needed is {expected|one that fits the key}."
        ),
        next_step="Remove restrictions of cipher suites on both sides; TLS 1.3 needs none.",
        says=(
            Says("sec e algorithm mismatch", 0.85, "schannel"),
            Says("no shared cipher", 0.7, "openssl"),
            Says("no ciphers available", 0.85, "openssl"),
            Says("no cipher match", 0.85, "openssl"),
            Says("no cipher suites in common", 0.88, "java"),
            Says("no negotiable cipher suite", 0.88, "java"),
            Says("tls: no cipher suite supported by both client and server", 0.93, "go"),
            Says("no cipher suite supported by both client and server", 0.93, "go"),
            Says("peer doesn't support any known", 0.7, "rustls"),
            Says("nociphersuitesincommon", 0.93, "rustls"),
            Says("no supported cipher suites have been found", 0.9, "gnutls"),
            Says("ssl error no cypher overlap", 0.93, "nss"),
            Says("no suitable signature algorithm", 0.85, "openssl"),
            Says("no shared signature algorithms", 0.88, "openssl"),
            Says("no common signature algorithm", 0.85),
            Says("no shared group", 0.85, "openssl"),
            Says("no suitable groups", 0.85, "openssl"),
            Says("no suitable key share", 0.85, "openssl"),
            Says("peer doesn't support any of the certificate's signature algorithms", 0.9, "go"),
            Says("wrong signature type", 0.8, "openssl"),
            Says("dh key too small", 0.8, "openssl"),
            Says("insufficient security", 0.5),
            Says("a couple of other ciphers", 0.1),
        ),
        alerts=(
            Alert("openssl", "handshake_failure", 0.4),
            Alert("java", "handshake_failure", 0.45),
            Alert("go", "handshake_failure", 0.8),
            Alert("openssl", "insufficient_security", 0.8),
            Alert("java", "insufficient_security", 0.8),
            Alert("go", "insufficient_security", 0.8),
        ),
        when=(When("key-count", "0", 0.2),),
        apart="The accepting side has a key (sottovoce keytool -list shows a PrivateKeyEntry).",
    ),
    Entry(
        code="handshake-failed",
        symptom=True,
        title="TLS did not come about",
        rows=("O5", "O6"),
        side=Side.BOTH,
        message="{own} and {peer} did not agree on TLS: {why|neither side gave a closer reason}.",
        next_step=(
            "Look for the connection id in the accepting side's security.log, or run sottovoce "
            "edges."
        ),
        says=(
            Says("sec e illegal message", 0.4, "schannel"),
            Says("certificate verify failed", 0.12, "openssl"),
            Says("tls handshake failed", 0.1),
            Says("ssl handshake failed", 0.1),
            Says("handshake failed", 0.1),
            Says("handshake failure", 0.1),
            Says("sslhandshakeexception", 0.06, "java"),
            Says("authenticationexception: authentication failed", 0.25, "dotnet"),
            Says("the ssl connection could not be established", 0.3, "dotnet"),
            Says("ssl connect error", 0.3, "curl"),
            Says("x509: invalid signature: parent certificate cannot", 0.05),
            Says("curl: (35)", 0.3, "curl"),
            Says("curl: (60)", 0.15, "curl"),
            Says("tls: failed to verify certificate", 0.15, "go"),
        ),
        alerts=(
            Alert("openssl", "handshake_failure", 0.12),
            Alert("java", "handshake_failure", 0.12),
            Alert("openssl", "internal_error", 0.3),
            Alert("java", "internal_error", 0.3),
            Alert("go", "internal_error", 0.3),
            Alert("openssl", "illegal_parameter", 0.4),
            Alert("openssl", "missing_extension", 0.4),
            Alert("openssl", "decode_error", 0.4),
            Alert("openssl", "unrecognized_name", 0.3),
            Alert("openssl", "unexpected_message", 0.3),
            Alert("java", "unexpected_message", 0.3),
            Alert("go", "unexpected_message", 0.3),
            Alert("openssl", "bad_record_mac", 0.4),
            Alert("openssl", "decrypt_error", 0.1),
            Alert("openssl", "certificate_unknown", 0.15),
        ),
    ),
    Entry(
        code="refused-by-peer",
        symptom=True,
        title="The other side refused this server",
        rows=("A1", "O6"),
        side=Side.BOTH,
        message="The other side refused this server: {presented|it gave no closer reason}.",
        next_step=(
            "Ask it why (sottovoce edges), or look into its security.log for the same connection "
            "id."
        ),
        says=(
            Says("refused by the peer", 0.5, "sottovoce"),
            Says("access denied", 0.2),
        ),
        alerts=(
            Alert("openssl", "access_denied", 0.3),
            Alert("openssl", "bad_certificate", 0.08),
            Alert("openssl", "certificate_unknown", 0.1),
            Alert("openssl", "user_canceled", 0.6),
            Alert("java", "user_canceled", 0.6),
        ),
    ),
    Entry(
        code="version-unsupported",
        title="The two programs speak different versions",
        side=Side.BOTH,
        message="{own} speaks {expected|one version}, {peer} speaks {presented|another}.",
        next_step="Update the older of the two servers.",
        says=(
            Says("no application protocol", 0.3, "openssl"),
            Says("no matching application layer protocol values", 0.4, "java"),
        ),
        alerts=(
            Alert("openssl", "no_application_protocol", 0.3),
            Alert("java", "no_application_protocol", 0.3),
            Alert("go", "no_application_protocol", 0.3),
        ),
    ),
    Entry(
        code="protocol-error",
        title="The other side broke the protocol",
        side=Side.PEER,
        message="{peer} broke the protocol: {why|it sent what may not come at that point}.",
        next_step=(
            "Update the older of the two servers; if both are current, keep both logs and report "
            "it."
        ),
        says=(
            Says("bad record mac", 0.5),
            Says("decryption failed or bad record mac", 0.6, "openssl"),
            Says("unexpected message", 0.4),
        ),
        alerts=(
            Alert("openssl", "bad_record_mac", 0.5),
            Alert("java", "bad_record_mac", 0.5),
            Alert("openssl", "unexpected_message", 0.4),
            Alert("openssl", "record_overflow", 0.6),
            Alert("openssl", "decode_error", 0.35),
        ),
    ),
    Entry(
        code="hello-first",
        title="HUB does not know this instance yet",
        severity=Severity.NOTICE,
        side=Side.PEER,
        message=(
            "{own} does not know this instance of {peer}: it has not reported in since it was "
            "started, or since {own}'s database was made or restored."
        ),
        next_step="Nothing to do: it reports in by itself within a minute.",
    ),
    Entry(
        code="internal-error",
        title="The check itself failed",
        side=Side.OWN,
        message=(
            "{own} refused {peer}: the check itself failed ({why|the log has the details}), and "
            "what cannot be checked is refused."
        ),
        next_step="Keep {own}'s log and the presented certificate, and report it.",
        alerts=(
            Alert("openssl", "internal_error", 0.5),
            Alert("java", "internal_error", 0.5),
            Alert("go", "internal_error", 0.5),
        ),
    ),
    Entry(
        code="channel-closed",
        symptom=True,
        title="The connection ended while something was under way",
        side=Side.BOTH,
        severity=Severity.WARNING,
        message=(
            "The connection to {peer} ended while something was under way: {why|it was closed or "
            "lost}."
        ),
        next_step="It is taken up again by itself; if it repeats, look at {peer}'s log.",
    ),
)
