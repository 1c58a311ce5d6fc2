"""The names of TLS alerts (RFC 8446 §6) and of OpenSSL's verdicts on a chain, as our own words."""

from types import MappingProxyType

__all__ = [
    "ALERT_NAMES",
    "CLOSURE_ALERTS",
    "CODE_OF_VERIFY_ERROR",
    "LEFT_TO_THE_GATE",
    "alert_name",
]

#: RFC 8446 §6, with the older ones that TLS 1.2 peers still send (RFC 5246 §7.2).
ALERT_NAMES = MappingProxyType(
    {
        0: "close_notify",
        10: "unexpected_message",
        20: "bad_record_mac",
        22: "record_overflow",
        40: "handshake_failure",
        42: "bad_certificate",
        43: "unsupported_certificate",
        44: "certificate_revoked",
        45: "certificate_expired",
        46: "certificate_unknown",
        47: "illegal_parameter",
        48: "unknown_ca",
        49: "access_denied",
        50: "decode_error",
        51: "decrypt_error",
        70: "protocol_version",
        71: "insufficient_security",
        80: "internal_error",
        86: "inappropriate_fallback",
        90: "user_canceled",
        109: "missing_extension",
        110: "unsupported_extension",
        112: "unrecognized_name",
        113: "bad_certificate_status_response",
        115: "unknown_psk_identity",
        116: "certificate_required",
        120: "no_application_protocol",
    }
)

#: RFC 8446 §6.1: these end a connection and refuse nothing (Java says 90 and then 0 on closing).
CLOSURE_ALERTS = frozenset({0, 90})

#: OpenSSL's X509_V_ERR numbers (x509_vfy.h) → our code, where the certificates themselves could
#: not be looked at more closely.
CODE_OF_VERIFY_ERROR = MappingProxyType(
    {
        2: "issuer-unknown",
        3: "revocation-unknown",
        7: "signature-mismatch",
        9: "not-yet-valid",
        10: "certificate-expired",
        12: "revocation-list-expired",
        18: "self-signed",
        19: "root-untrusted",
        20: "issuer-unknown",
        21: "issuer-unknown",
        22: "chain-too-long",
        23: "revoked",
        25: "path-too-long",
        26: "purpose",
        32: "key-usage",
        34: "unknown-critical-extension",
        47: "name-constraint",
        48: "name-constraint",
        49: "name-constraint",
        51: "name-constraint",
        53: "name-constraint",
        62: "name-mismatch",
        64: "address-mismatch",
        66: "weak-key",
        67: "weak-key",
        68: "weak-signature",
        79: "not-a-ca",
    }
)

#: What OpenSSL may let pass because the gate judges it with a truer answer than the alert would be:
#: no revocation list of that issuer (3; the alert would say ``unknown_ca``) and a list that is too
#: old (12; it would say ``certificate_expired``). See failure-catalogue R3, R4.
LEFT_TO_THE_GATE = frozenset({3, 11, 12})


def alert_name(number: int) -> str:
    """Return the alert's name in RFC 8446's spelling, or ``alert-N`` for one without."""
    return ALERT_NAMES.get(number & 0xFF, f"alert-{number & 0xFF}")
