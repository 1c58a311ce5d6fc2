"""Numbers that stand for an error: those of Windows and of NSS, under the names that they have.

A message in the reader's own language, or cut off before its name, still has the number. This
module owns the numbers; what a name means is in the entries of the catalogue, which know the names.
"""

import re
from collections.abc import Iterator, Mapping

from sottovoce.diagnosis.matching import Found, Prepared

__all__ = ["NUMBERS", "names_in"]

#: HRESULT of Schannel (``SEC_E_…``), CryptoAPI (``CRYPT_E_…``) and certificate chains
#: (``CERT_E_…``), as in ``winerror.h``; NSS's negative numbers as in ``secerr.h`` and ``sslerr.h``.
NUMBERS: Mapping[int, str] = {
    0x80090308: "SEC_E_INVALID_TOKEN",
    0x80090322: "SEC_E_WRONG_PRINCIPAL",
    0x80090325: "SEC_E_UNTRUSTED_ROOT",
    0x80090326: "SEC_E_ILLEGAL_MESSAGE",
    0x80090328: "SEC_E_CERT_EXPIRED",
    0x80090331: "SEC_E_ALGORITHM_MISMATCH",
    0x80090349: "SEC_E_CERT_WRONG_USAGE",
    0x80092010: "CRYPT_E_REVOKED",
    0x80092012: "CRYPT_E_NO_REVOCATION_CHECK",
    0x80092013: "CRYPT_E_REVOCATION_OFFLINE",
    0x800B0101: "CERT_E_EXPIRED",
    0x800B0109: "CERT_E_UNTRUSTEDROOT",
    0x800B010A: "CERT_E_CHAINING",
    0x800B010C: "CERT_E_REVOKED",
    0x800B010F: "CERT_E_CN_NO_MATCH",
    0x800B0110: "CERT_E_WRONG_USAGE",
    0x80070056: "ERROR_INVALID_PASSWORD",
    -8182: "SEC_ERROR_BAD_SIGNATURE",
    -8181: "SEC_ERROR_EXPIRED_CERTIFICATE",
    -8180: "SEC_ERROR_REVOKED_CERTIFICATE",
    -8179: "SEC_ERROR_UNKNOWN_ISSUER",
    -8172: "SEC_ERROR_UNTRUSTED_ISSUER",
    -8162: "SEC_ERROR_EXPIRED_ISSUER_CERTIFICATE",
    -8156: "SEC_ERROR_CA_CERT_INVALID",
    -8102: "SEC_ERROR_INADEQUATE_KEY_USAGE",
    -8101: "SEC_ERROR_INADEQUATE_CERT_TYPE",
    -12263: "SSL_ERROR_RX_RECORD_TOO_LONG",
    -12276: "SSL_ERROR_BAD_CERT_DOMAIN",
    -12286: "SSL_ERROR_NO_CYPHER_OVERLAP",
    -12271: "SSL_ERROR_BAD_CERT_ALERT",
    -12195: "SSL_ERROR_UNKNOWN_CA_ALERT",
    -12190: "SSL_ERROR_PROTOCOL_VERSION_ALERT",
}

_HEX = re.compile(r"\b0x(80[0-9a-f]{6})\b")
_DECIMAL = re.compile(r"(?<![\w.-])-(?:8\d{3}|12\d{3}|214[67]\d{6})\b")


def names_in(text: Prepared) -> Iterator[tuple[str, Found]]:
    """Find the numbers that a text has.

    Args:
        text: the prepared text.

    Yields:
        the name that a number stands for, and where the number is.
    """
    for pattern, base in ((_HEX, 16), (_DECIMAL, 10)):
        for match in pattern.finditer(text.flat):
            number = int(match.group(0), base)
            name = NUMBERS.get(number) or NUMBERS.get(number % (1 << 32))
            if name is not None:
                seen = f"{text.kept[match.start() : match.end()]} ({name})"
                yield name, Found(match.start(), match.end(), {}, seen)
