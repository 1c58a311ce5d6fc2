"""Every string of the failure catalogue leads to its entry.

One line for each text that the catalogue quotes: the row, the text as a program prints it, what
else is known, and the codes. The first code must rank first. Further codes make the text an
ambiguous one: they must all be there, right behind, each with how to tell it apart.
"""

from typing import NamedTuple

import pytest

from sottovoce.diagnosis import explain


class Case(NamedTuple):
    """A quoted text and what it must lead to."""

    row: str
    text: str
    codes: tuple[str, ...]
    context: dict[str, str] = {}  # noqa: RUF012 - read only


CASES = (
    # B.1 Names
    Case(
        "N1",
        "certificate verify failed: Hostname mismatch, certificate is not valid for 'trk.test'.",
        ("name-mismatch",),
    ),
    Case("N1", "No subject alternative DNS name matching trk.test found.", ("name-mismatch",)),
    Case("N1", "x509: certificate is valid for A, not B", ("name-mismatch",)),
    Case("N1", "sslv3 alert bad certificate", ("name-mismatch", "not-yet-valid")),
    Case("N1", "Received fatal alert: certificate_unknown", ("issuer-unknown", "name-mismatch")),
    Case(
        "N4",
        "IP address mismatch, certificate is not valid for '10.0.0.5'.",
        ("address-mismatch",),
    ),
    Case(
        "N4",
        "No subject alternative names matching IP address 10.0.0.5 found",
        ("address-mismatch",),
    ),
    Case(
        "N4",
        "x509: cannot validate certificate for 10.0.0.5 because it doesn't contain any IP SANs",
        ("address-mismatch",),
    ),
    Case(
        "N6",
        "x509: certificate relies on legacy Common Name field, use SANs instead",
        ("no-subject-alternative-name",),
    ),
    Case("N7", "{bad_cert,{hostname_check_failed,…}}", ("name-mismatch", "wildcard-mismatch")),
    Case(
        "N7",
        "{bad_cert,{hostname_check_failed,…}}",
        ("wildcard-mismatch",),
        {"wildcard": "yes"},
    ),
    Case(
        "N9",
        'tls: 10.138.0.2 does not match any of DNSNames ["b.com"]',
        ("identity-by-address",),
    ),
    # B.2 Trust and chain
    Case(
        "T1",
        "keytool error: java.lang.Exception: Failed to establish chain from reply",
        ("root-missing-for-reply",),
    ),
    Case(
        "T2",
        "unable to get local issuer certificate",
        ("issuer-unknown", "intermediate-missing"),
    ),
    Case(
        "T2",
        "PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: "
        "unable to find valid certification path to requested target",
        ("issuer-unknown", "intermediate-missing"),
    ),
    Case("T2", "tlsv1 alert unknown ca", ("issuer-unknown", "root-untrusted")),
    Case(
        "T3",
        "Empty client certificate chain",
        ("no-certificate", "own-ca-not-asked-for"),
    ),
    Case(
        "T3",
        "PEER_DID_NOT_RETURN_A_CERTIFICATE",
        ("no-certificate", "own-ca-not-asked-for"),
    ),
    Case(
        "T3",
        "Empty client certificate chain",
        ("own-ca-not-asked-for",),
        {"issuer-trusted": "no"},
    ),
    Case("T4", "tlsv13 alert certificate required", ("no-certificate",)),
    Case("T4", "peer did not return a certificate", ("no-certificate", "own-ca-not-asked-for")),
    Case("T4", "sslv3 alert handshake failure", ("no-common-cipher",), {"key-count": "1"}),
    Case(
        "T4",
        "sslv3 alert handshake failure",
        ("keystore-no-key", "no-certificate"),
        {"key-count": "0"},
    ),
    Case(
        "T5",
        "unable to get local issuer certificate",
        ("intermediate-missing",),
        {"chain-length": "1"},
    ),
    Case("T6", "self-signed certificate", ("self-signed",)),
    Case("T6", "PKIX path building failed", ("issuer-unknown", "self-signed")),
    Case("T7", "self-signed certificate in certificate chain", ("root-untrusted",)),
    Case("T8", "certificate signature failure", ("signature-mismatch",)),
    Case(
        "T8",
        "Path does not chain with any of the trust anchors",
        ("signature-mismatch", "issuer-unknown"),
    ),
    Case(
        "T8",
        "the ssl truststore contains 1 trusted certificate with a matching subject name, but the "
        "signatures do not match",
        ("signature-mismatch",),
    ),
    Case("T9", "invalid CA certificate", ("not-a-ca",)),
    Case("T9", "path length constraint exceeded", ("path-too-long",)),
    Case("T9", "permitted subtree violation", ("name-constraint",)),
    Case("T10", "Missing Authority Key Identifier", ("strict-profile",)),
    Case("T10", "Basic Constraints of CA cert not marked critical", ("strict-profile",)),
    Case("T10", "CA cert does not include key usage extension", ("strict-profile",)),
    Case("T11", "unable to get issuer certificate", ("partial-chain",)),
    # B.3 Allowed list
    Case("A1", "CommonName authentication failed", ("not-in-allowed-list",)),
    Case(
        "A1",
        "remote error: tls: bad certificate",
        ("issuer-unknown", "name-mismatch", "not-in-allowed-list"),
    ),
    # B.4 Validity, time, revocation
    Case("V1", "certificate has expired", ("certificate-expired", "issuer-expired", "clock-skew")),
    Case(
        "V1",
        "validity check failed\nCaused by: java.security.cert.CertificateExpiredException: "
        "NotAfter: Sun Nov 22 08:44:00 UTC 2026",
        ("certificate-expired", "issuer-expired"),
    ),
    Case("V3", "certificate is not yet valid", ("not-yet-valid", "clock-skew")),
    Case("V4", "certificate is not yet valid", ("clock-skew",), {"clocks-differ": "yes"}),
    Case("V4", "certificate has expired", ("clock-skew",), {"clocks-differ": "yes"}),
    Case("R1", "certificate revoked", ("revoked",)),
    Case("R1", "sslv3 alert certificate revoked", ("revoked",)),
    Case("R3", "unable to get certificate CRL", ("revocation-unknown",)),
    Case("R4", "CRL has expired", ("revocation-list-expired",)),
    # B.5 Plaintext, wrong peer, network
    Case("P1", "wrong version number", ("plaintext-peer",), {"side": "accepting"}),
    Case("P1", "http request", ("http-peer",)),
    Case(
        "P1",
        "Unsupported or unrecognized SSL message",
        ("plaintext-peer",),
        {"side": "accepting"},
    ),
    Case("P1", "not an SSL/TLS record: 4553…", ("plaintext-peer",)),
    Case(
        "P1",
        "tls: first record does not look like a TLS handshake",
        ("plaintext-peer",),
        {"side": "accepting"},
    ),
    Case("P1", "Connection reset by peer", ("closed-early",)),
    Case("P1", "15 03 03 00 02 02 0a", ("mode-mismatch",)),
    Case("P1", "Connection reset by peer", ("mode-mismatch",), {"own-mode": "plain"}),
    Case("P2", "wrong version number", ("peer-not-secured", "foreign-service"), {"side": "caller"}),
    Case(
        "P2",
        "EOF occurred in violation of protocol",
        ("peer-not-secured",),
        {"side": "caller", "peer-mode": "plain"},
    ),
    Case(
        "P2",
        "Unsupported or unrecognized SSL message",
        ("peer-not-secured", "foreign-service"),
        {"side": "caller"},
    ),
    Case("P2", "Remote host terminated the handshake", ("closed-early", "peer-not-secured")),
    Case("P2", "invalid internal transport message format, got (16,3,1,2)", ("peer-not-secured",)),
    Case(
        "P2",
        "invalid internal transport message format, got (16,3,1,2)",
        ("secured-caller",),
        {"own-mode": "plain", "side": "accepting"},
    ),
    Case("P3", "SSH-2.0-OpenSSH_9.2p1", ("foreign-service",)),
    Case("P4", "[Errno 111] Connection refused", ("connection-refused",)),
    Case("P4", "java.net.ConnectException: Connection refused", ("connection-refused",)),
    Case("P5", "timed out", ("no-answer",)),
    Case("P5", "connect timed out", ("no-answer",)),
    Case("P6", "The handshake operation timed out", ("tls-not-started",)),
    Case("P6", "Read timed out", ("tls-not-started",)),
    Case("P7", "UNEXPECTED_EOF_WHILE_READING", ("closed-early",)),
    Case("P8", "[Errno -2] Name or service not known", ("name-not-resolved",)),
    Case("P8", "java.net.UnknownHostException: trk.test", ("name-not-resolved",)),
    # B.6 Protocol and cryptography
    Case("X1", "tlsv1 alert protocol version", ("protocol-version",)),
    Case("X1", "unsupported protocol", ("protocol-version",)),
    Case(
        "X1",
        "The client supported protocol versions [TLSv1.2] are not accepted by server preferences "
        "[TLSv1.3]",
        ("protocol-version",),
    ),
    Case("X2", "no shared cipher", ("no-common-cipher", "keystore-no-key")),
    Case("X3", "no shared cipher", ("keystore-no-key",), {"key-count": "0"}),
    Case("X4", "ee key too small", ("weak-key",)),
    Case("X4", "EE certificate key too weak", ("weak-key",)),
    Case("X5", "ca md too weak", ("weak-signature",)),
    Case("X5", "CA signature digest algorithm too weak", ("weak-signature",)),
    Case(
        "X6",
        "unsuitable certificate purpose",
        ("purpose-server-missing",),
        {"side": "caller"},
    ),
    Case(
        "X6",
        "Extended key usage does not permit use for TLS server authentication",
        ("purpose-server-missing",),
    ),
    Case(
        "X7",
        "unsuitable certificate purpose",
        ("purpose-client-missing", "purpose-server-missing"),
    ),
    Case("X7", "sslv3 alert unsupported certificate", ("purpose-client-missing",)),
    Case(
        "X7",
        "Extended key usage does not permit use for TLS client authentication",
        ("purpose-client-missing",),
    ),
    Case(
        "X7",
        "x509: certificate specifies an incompatible key usage",
        ("purpose-client-missing", "purpose-server-missing"),
    ),
    Case("X8", "KeyUsage does not allow digital signatures", ("key-usage",)),
    # B.7 Keystore, key, keytool
    Case("K1", "keystore password was incorrect", ("keystore-wrong-password",)),
    Case("K1", "Invalid password or PKCS12 data", ("keystore-wrong-password",)),
    Case("K1", "Mac verify error: invalid password?", ("keystore-wrong-password",)),
    Case("K1", "[SSL] PEM lib", ("certificate-malformed", "keystore-wrong-password")),
    Case("K2", "UnrecoverableKeyException: Cannot recover key", ("keystore-entry-locked",)),
    Case("K3", "[Errno 2] No such file or directory", ("file-missing",)),
    Case("K3", "Keystore file does not exist: /x/keystore.p12", ("keystore-missing",)),
    Case("K4", "Permission denied", ("file-unreadable",)),
    Case(
        "K4",
        "The process cannot access the file because it is being used by another process",
        ("file-unreadable",),
    ),
    Case(
        "K5",
        "Integrity check failed: java.security.UnrecoverableKeyException: Failed PKCS12 integrity "
        "checking",
        ("keystore-damaged",),
    ),
    Case("K5", "keytool error: java.io.EOFException", ("keystore-truncated",)),
    Case("K5", "Keystore file exists, but is empty: keystore.p12", ("keystore-empty",)),
    Case("K5", "Could not deserialize PKCS12 data", ("keystore-format", "keystore-damaged")),
    Case(
        "K6",
        "Unrecognized keystore format. Please load it with a specified type",
        ("keystore-format",),
    ),
    Case(
        "K6",
        "error:0308010C:digital envelope routines:inner_evp_generic_fetch:unsupported:"
        "../crypto/evp/evp_fetch.c:349:Global default library context, "
        "Algorithm (RC2-40-CBC : 0), Properties ()",
        ("keystore-format",),
    ),
    Case("K8", "No available authentication scheme", ("keystore-no-key",)),
    Case("K9", "key values mismatch", ("keystore-key-mismatch",)),
    Case("K9", "no certificate assigned", ("keystore-key-mismatch", "keystore-no-key")),
    Case(
        "K10",
        "keytool error: java.lang.Exception: Public keys in reply and keystore don't match",
        ("reply-wrong-key",),
    ),
    Case("K11", "Certificate was added to keystore", ("reply-wrong-alias",)),
    Case("K13", "[SSL] PEM lib", ("certificate-malformed", "keystore-wrong-password")),
    Case(
        "K14",
        "Certificate reply and certificate in keystore are identical",
        ("reply-identical",),
    ),
    Case("K14", "alias <srv> already exists", ("alias-taken",)),
    Case("K14", "Input not an X.509 certificate", ("certificate-malformed",)),
    Case("K14", "Keystore password must be at least 6 characters", ("password-too-short",)),
    Case("K14", "The -keyalg option must be specified.", ("keytool-usage",)),
    Case("K14", "Alias <x> does not exist", ("alias-missing",)),
    # B.8 ssl.ini
    Case("C2", "IllegalArgumentException: Malformed \\uxxxx encoding.", ("ini-malformed-escape",)),
    Case(
        "C4",
        "InterpolationSyntaxError: '%' must be followed by '%' or '(', found: '%x'",
        ("ini-malformed",),
    ),
    Case(
        "C5",
        "MissingSectionHeaderError: File contains no section headers.",
        ("ini-malformed",),
    ),
    # B.9 Rotation and running
    Case("O1", "key values mismatch", ("keystore-key-mismatch",)),
    Case(
        "O6",
        "EOF occurred in violation of protocol",
        ("closed-early", "peer-not-secured"),
    ),
    Case("O6", "[Errno 32] Broken pipe", ("closed-early",)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.row} {case.text[:40]}")
def test_the_string_leads_to_its_entry(case: Case) -> None:
    """Issue text → right entry first; an ambiguity is listed, not hidden."""
    found = explain(case.text, case.context)
    codes = [one.code for one in found]
    assert codes[0] == case.codes[0]
    assert set(case.codes) <= set(codes[: len(case.codes) + 2])
    if len(case.codes) > 1:
        by_code = {one.code: one for one in found}
        told = [code for code in case.codes if by_code[code].apart]
        assert len(told) >= len(case.codes) - 1, "all but one must say how to tell it apart"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.row} {case.text[:40]}")
def test_the_entry_knows_its_row(case: Case) -> None:
    """The row whose text it is stands in one of the entries that the text leads to."""
    rows = {row for one in explain(case.text, case.context) for row in one.rows}
    assert case.row in rows


def test_every_text_is_read_the_same_in_any_dress() -> None:
    """Case, underscores, quotation marks and terminal colours do not count."""
    for case in CASES:
        plain = [one.code for one in explain(case.text, case.context)]
        dressed = "\x1b[31m" + case.text.upper().replace(" ", "   ") + "\x1b[0m\r\n"
        loud = [one.code for one in explain(dressed, case.context)]
        assert loud[0] == plain[0], case.text
