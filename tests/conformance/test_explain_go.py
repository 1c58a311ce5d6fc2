"""What Go prints, recorded from Go 1.19.8's crypto/tls at our port and as our dialler's server.

A one-off, for which no Go is needed here: a program of 60 lines called and listened with the
certificates of the matrix of foreign peers (``tests/loopback/foreign``).
"""

import pytest

from sottovoce.diagnosis import explain

CALLER, ACCEPTING = {"side": "caller"}, {"side": "accepting"}

#: Alerts that we sent, as the calling Go names them; for a look at the caller's own certificate
#: see the last column.
TOLD = [
    ("certificate required", "no-certificate", ""),
    ("unknown certificate authority", "issuer-unknown", ""),
    ("unknown certificate authority", "self-signed", "self-signed"),
    ("unknown certificate authority", "intermediate-missing", "intermediate-missing"),
    ("unknown certificate authority", "signature-mismatch", "signature-mismatch"),
    ("expired certificate", "certificate-expired", ""),
    ("expired certificate", "issuer-expired", "issuer-expired"),
    ("bad certificate", "not-yet-valid", "not-yet-valid"),
    ("bad certificate", "weak-key", "weak-key"),
    ("unsupported certificate", "purpose-client-missing", ""),
    ("unsupported certificate", "key-usage", "key-usage"),
    ("unknown certificate", "name-constraint", "name-constraint"),
    ("unknown certificate", "unknown-critical-extension", "unknown-critical-extension"),
    ("revoked certificate", "revoked", ""),
    ("protocol version not supported", "protocol-version", ""),
]


@pytest.mark.parametrize(("alert", "code", "own"), TOLD)
def test_an_alert_that_a_go_caller_received(alert: str, code: str, own: str) -> None:
    context = {**CALLER, **({"own-faults": own} if own else {})}
    assert explain(f"remote error: tls: {alert}", context)[0].code == code


_FAILED = "tls: failed to verify client certificate: x509: "
#: What Go found wrong with our certificate, as the calling and as the called side.
FOUND = [
    ("x509: certificate signed by unknown authority", CALLER, "issuer-unknown"),
    (f"{_FAILED}certificate signed by unknown authority", ACCEPTING, "issuer-unknown"),
    (
        ('x509: certificate signed by unknown authority (possibly because of "x509: ECDSA '
        'verification failure" while trying to verify candidate authority certificate "Root One")'),
        CALLER,
        "signature-mismatch",
    ),
    (
        (f'{_FAILED}certificate signed by unknown authority (possibly because of "x509: invalid '
        'signature: parent certificate cannot sign this kind of certificate" while trying to '
        'verify candidate authority certificate "ca.test")'),
        ACCEPTING,
        "not-a-ca",
    ),
    (
        ('x509: certificate signed by unknown authority (possibly because of "x509: cannot verify '
        "signature: insecure algorithm ECDSA-SHA1 (temporarily override with GODEBUG=x509sha1=1)"
        '" while trying to verify candidate authority certificate "Root One")'),
        CALLER,
        "weak-signature",
    ),
    (
        ("x509: certificate has expired or is not yet valid: current time 2026-11-28T13:03:21Z is "
        "after 2026-11-27T13:03:17Z"),
        CALLER,
        "certificate-expired",
    ),
    (
        (f"{_FAILED}certificate has expired or is not yet valid: current time 2026-11-28T13:03:30Z "
        "is before 2026-11-29T13:03:17Z"),
        ACCEPTING,
        "not-yet-valid",
    ),
    (f"{_FAILED}certificate specifies an incompatible key usage", ACCEPTING,
     "purpose-client-missing"),
    ("x509: certificate specifies an incompatible key usage", CALLER, "purpose-server-missing"),
    ("x509: certificate is valid for hub.test, not evil.test", CALLER, "name-mismatch"),
    (
        "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
        CALLER,
        "address-mismatch",
    ),
    (
        "x509: certificate relies on legacy Common Name field, use SANs instead",
        CALLER,
        "no-subject-alternative-name",
    ),
    ("x509: too many intermediates for path length constraint", CALLER, "path-too-long"),
    (
        ("x509: a root or intermediate certificate is not authorized to sign for this name: DNS "
        'name "hub.test" is not permitted by any constraint'),
        CALLER,
        "name-constraint",
    ),
    ("x509: unhandled critical extension", CALLER, "unknown-critical-extension"),
    ("tls: first record does not look like a TLS handshake", CALLER, "peer-not-secured"),
    ("tls: client offered only unsupported versions: [304]", ACCEPTING, "protocol-version"),
    (
        "tls: client requested unsupported application protocols ([sottovoce/1])",
        ACCEPTING,
        "foreign-service",
    ),
    ("tls: no certificates configured", ACCEPTING, "keystore-no-key"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "context", "code"), FOUND)
def test_what_go_found_itself(text: str, context: dict[str, str], code: str) -> None:
    assert explain(text, context)[0].code == code


@pytest.mark.parametrize("code", ["certificate-expired", "self-signed", "name-mismatch"])
def test_a_go_server_cannot_read_why_an_openssl_caller_refused_it(code: str) -> None:
    """The caller's alert comes before it encrypts; a look at the server's certificate tells."""
    text = "local error: tls: bad record MAC"
    assert explain(text, {**ACCEPTING, "own-faults": code})[0].code == code
