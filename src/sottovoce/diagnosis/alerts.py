"""TLS alerts: their names, their numbers and every spelling of them that programs print.

This module owns the recognition of an alert in a text. What an alert may mean is in the entries of
the catalogue (failure catalogue, B.0).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sottovoce.diagnosis.matching import Found, Prepared, search

__all__ = ["ALERTS", "SeenAlert", "alert_name", "alerts_in"]

#: RFC 8446 §6 (and RFC 5246 §7.2 for the retired ones): name → number.
ALERTS: Mapping[str, int] = {
    "close_notify": 0,
    "unexpected_message": 10,
    "bad_record_mac": 20,
    "record_overflow": 22,
    "handshake_failure": 40,
    "no_certificate": 41,
    "bad_certificate": 42,
    "unsupported_certificate": 43,
    "certificate_revoked": 44,
    "certificate_expired": 45,
    "certificate_unknown": 46,
    "illegal_parameter": 47,
    "unknown_ca": 48,
    "access_denied": 49,
    "decode_error": 50,
    "decrypt_error": 51,
    "protocol_version": 70,
    "insufficient_security": 71,
    "internal_error": 80,
    "inappropriate_fallback": 86,
    "user_canceled": 90,
    "no_renegotiation": 100,
    "missing_extension": 109,
    "unsupported_extension": 110,
    "unrecognized_name": 112,
    "bad_certificate_status_response": 113,
    "unknown_psk_identity": 115,
    "certificate_required": 116,
    "no_application_protocol": 120,
}

_BY_NUMBER = {number: name for name, number in ALERTS.items()}

# Go's texts differ from the RFC's names (crypto/tls/alert.go).
_GO = {
    "unsupported_certificate": "unsupported certificate",
    "certificate_revoked": "revoked certificate",
    "certificate_expired": "expired certificate",
    "certificate_unknown": "unknown certificate",
    "unknown_ca": "unknown certificate authority",
    "decode_error": "error decoding message",
    "decrypt_error": "error decrypting message",
    "protocol_version": "protocol version not supported",
    "insufficient_security": "insufficient security level",
}

# Network Security Services (Firefox, certutil) and GnuTLS have names of their own.
_OTHERS: Mapping[str, tuple[str, ...]] = {
    "bad_certificate": (
        "ssl error bad cert alert",
        "fatal alert has been received: certificate is bad",
    ),
    "certificate_revoked": ("ssl error revoked cert alert",),
    "certificate_expired": ("ssl error expired cert alert",),
    # An OpenSSL caller refuses the server's certificate before it encrypts (measured): Java takes
    # the alert's two octets for a record that was cut off, Go for one that was altered, and neither
    # learns which alert it was.
    "certificate_unknown": (
        "ssl error certificate unknown alert",
        "insufficient buffer remaining for aead cipher fragment",
        "local error: tls: bad record mac",
    ),
    "unsupported_certificate": ("ssl error unsupported cert alert",),
    "unknown_ca": ("ssl error unknown ca alert", "fatal alert has been received: ca is unknown"),
    "handshake_failure": (
        "ssl error handshake failure alert",
        "fatal alert has been received: handshake failed",
        "received alert: handshake failed",
    ),
    "protocol_version": (
        "ssl error protocol version alert",
        "fatal alert has been received: error in protocol version",
    ),
    "certificate_required": (
        "ssl error rx certificate required alert",
        "fatal alert has been received: certificate is required",
    ),
    "no_application_protocol": (
        "fatal alert has been received: no supported application protocol",
    ),
}


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """An alert named in a text.

    Args:
        name: RFC name with underscores.
        found: where.
        read_by: the library that received and printed it, when the text betrays it; else empty.
    """

    name: str
    found: Found
    read_by: str = ""


_NUMBER = re.compile(r"(?:alert number|fatal alert|tlsv1 alert|alert[:(])[:( ]{0,3}(\d{1,3})(?!\d)")
_CAMEL = re.compile(
    r"(?:AlertReceived\(|received fatal alert: ?|\bdescription: ?)([A-Z][A-Za-z]{4,40})"
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def alert_name(text: str) -> str:
    """Return an alert's RFC name.

    Args:
        text: a name in any spelling (``bad certificate``, ``BadCertificate``, ``42``).

    Returns:
        the name with underscores; the given text, folded, when no such alert is known.
    """
    folded = _HUMP.sub("_", text.strip()).lower().replace(" ", "_").replace("-", "_")
    if folded.isdecimal():
        return _BY_NUMBER.get(int(folded), folded)
    if folded == "unknown_c_a":
        return "unknown_ca"
    by_go = {words.replace(" ", "_"): name for name, words in _GO.items()}
    return by_go.get(folded, folded)


#: Words that stand before the name of an alert, and what may stand between.
_LEAD = (
    r"(?:\balert|\bfatal|\bfatal error|\bssl/tls alert|\bdescription|\btls|\bsslv3"
    r"|\btlsfatalalertreceived)"
)
_BETWEEN = r"(?: description)?[ :=,(\-{'\[]{1,4}"


@lru_cache(maxsize=1)
def _named() -> re.Pattern[str]:
    """Return what finds an alert by its name; the names are those of the RFC and of Go."""
    words = {name.replace("_", " "): name for name in ALERTS if name != "close_notify"}
    every = sorted({*words, *_GO.values()}, key=len, reverse=True)
    return re.compile(f"{_LEAD}{_BETWEEN}({'|'.join(map(re.escape, every))})(?![a-z0-9])")


@lru_cache(maxsize=1)
def _spellings() -> tuple[tuple[str, str], ...]:
    """Return (text to look for, alert name) for each spelling that has no lead of its own."""
    table = [(other, name) for name, others in _OTHERS.items() for other in others]
    for name in ALERTS:
        joined = name.replace("_", "")
        table += [(f"alert{joined}", name), (f"alertlevel fatal,{joined}", name)]
    return tuple(table)


def alerts_in(text: Prepared) -> Iterator[SeenAlert]:
    """Find the alerts that a text names.

    Args:
        text: the prepared text.

    Yields:
        each alert once for each spelling found.
    """
    for words, name in _spellings():
        found = search(text, words)
        if found is not None:
            yield SeenAlert(name, found)
    for named in _named().finditer(text.flat):
        yield SeenAlert(alert_name(named.group(1)), _found(text, named), _reader(named.group(0)))
    for number in _NUMBER.finditer(text.flat):
        known = _BY_NUMBER.get(int(number.group(1)))
        if known is not None and known != "close_notify":
            yield SeenAlert(known, _found(text, number))
    for camel in _CAMEL.finditer(text.kept):
        known = alert_name(camel.group(1))
        if known in ALERTS:
            yield SeenAlert(known, _found(text, camel))


def _found(text: Prepared, match: re.Match[str]) -> Found:
    return Found(match.start(), match.end(), {}, text.kept[match.start() : match.end()])


def _reader(words: str) -> str:
    """Return the library that printed *words*, where they betray it."""
    return "go" if words.startswith("tls: ") else ""
