"""Verdict: what is said about a chain, as values.

Owns the purposes, the codes, their order, and :class:`ChainVerdict`. Judges nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from sottovoce.errors import Fault

__all__ = ["FAULT_CODES", "WARNING_CODES", "ChainVerdict", "Purpose", "in_order"]


class Purpose(Enum):
    """What the bearer of the leaf does on this connection."""

    #: It accepts: the certificate answers for the name that was dialled.
    SERVER = "server"
    #: It calls: the certificate answers for the name that it announces.
    CLIENT = "client"

    @property
    def oid(self) -> ObjectIdentifier:
        """The extended key usage that stands for it."""
        if self is Purpose.SERVER:
            return ExtendedKeyUsageOID.SERVER_AUTH
        return ExtendedKeyUsageOID.CLIENT_AUTH

    @property
    def usage(self) -> str:
        """The extended key usage's name in RFC 5280: ``serverAuth`` or ``clientAuth``."""
        return f"{self.value}Auth"

    @property
    def missing_code(self) -> str:
        """The fault of a certificate that may not be used for it."""
        return f"purpose-{self.value}-missing"


#: Every code that refuses, the most telling first; faults are reported in this order.
FAULT_CODES: tuple[str, ...] = (
    "internal-error",
    "chain-empty",
    "self-signed",
    "signature-mismatch",
    "root-untrusted",
    "intermediate-missing",
    "issuer-unknown",
    "chain-too-long",
    "not-a-ca",
    "path-too-long",
    "revoked",
    "certificate-expired",
    "issuer-expired",
    "not-yet-valid",
    "issuer-not-yet-valid",
    "purpose-server-missing",
    "purpose-client-missing",
    "leaf-is-ca",
    "name-constraint",
    "no-subject-alternative-name",
    "address-as-dns-name",
    "address-mismatch",
    "wildcard-mismatch",
    "name-mismatch",
    "key-usage",
    "weak-key",
    "weak-signature",
    "unknown-critical-extension",
    "malformed-certificate",
    "revocation-list-expired",
    "revocation-unknown",
)
#: Codes that only warn: T10's strict checks, and an anchor that is no root (T11).
WARNING_CODES: tuple[str, ...] = ("strict-profile", "partial-chain")

_RANK = {code: rank for rank, code in enumerate((*FAULT_CODES, *WARNING_CODES))}


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Sort faults, the most telling first and nearer the leaf before farther; drop repetitions."""
    once = dict.fromkeys(faults)
    return tuple(sorted(once, key=lambda fault: (_RANK[fault.code], fault.depth or 0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainVerdict:
    """What :func:`sottovoce.pki.verify` found.

    Args:
        faults: everything for which the chain is refused, most telling first; empty = valid.
        warnings: what is forgiven here and may not be elsewhere.
        path: the certificates as built, leaf first, the trusted anchor last; for a refused chain
            as far as it could be built.
    """

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    path: tuple[x509.Certificate, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing at all speaks against the chain."""
        return not self.faults

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the faults, most telling first, each once."""
        return tuple(dict.fromkeys(fault.code for fault in self.faults))

    def __str__(self) -> str:
        return "valid" if self.valid else "; ".join(fault.why for fault in self.faults)
