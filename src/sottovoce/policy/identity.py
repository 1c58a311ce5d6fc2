"""Certificate → peer identity: the few facts of a certificate on which decisions are made.

Owns the extraction; decides nothing and believes nothing: whether the certificate may be believed
is the work of ``pki.verify`` and the gate.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from sottovoce import pki
from sottovoce.errors import CertificateFormatError
from sottovoce.ini import shown
from sottovoce.policy.component import Component

__all__ = ["PeerIdentity"]

_ROLE_OF = {component.role_uri: component for component in Component}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerIdentity:
    """Who a certificate says its bearer is.

    Args:
        names: its DNS names, in their order and as they stand there; never the common name.
        roles: the components it may speak as, from ``urn:sottovoce:role:*`` URI names; empty for
            a certificate that does not speak of roles.
        fingerprint: SHA-256 of the certificate, upper-case hexadecimal pairs with colons.
        serial: the serial number in lower-case hexadecimal, as keytool prints it.
        not_before: the first moment of its validity, UTC.
        not_after: the last one.
        subject: the distinguished name, for display only.
        key: SHA-256 of its public key (SubjectPublicKeyInfo), as *fingerprint* is written.
    """

    names: tuple[str, ...]
    roles: frozenset[Component]
    fingerprint: str
    serial: str
    not_before: datetime
    not_after: datetime
    subject: str
    key: str = ""

    @classmethod
    def from_certificate(cls, cert: x509.Certificate) -> Self:
        """Describe a certificate; nothing about it is verified.

        Args:
            cert: the peer's own certificate, not one of its authorities.

        Raises:
            CertificateFormatError: its subject, serial number or validity cannot be read. (Names
                that cannot be read are no names.)
        """
        try:
            return cls(
                names=pki.dns_names(cert),
                roles=frozenset(_ROLE_OF[uri] for uri in pki.uri_names(cert) if uri in _ROLE_OF),
                fingerprint=pki.fingerprint(cert),
                serial=f"{cert.serial_number:x}",
                not_before=cert.not_valid_before_utc,
                not_after=cert.not_valid_after_utc,
                subject=pki.display_name(cert.subject),
                key=_key_print(cert),
            )
        except (ValueError, TypeError, OverflowError, x509.InvalidVersion) as error:
            raise CertificateFormatError(
                "The certificate cannot be described: its subject, serial number or validity is "
                "malformed.",
                source="certificate",
                expected="the structure of RFC 5280 section 4.1",
            ) from error

    def __str__(self) -> str:
        names = ", ".join(shown(name) for name in self.names) or "no name"
        return f"{names} ({self.fingerprint[:23]}…)"


def _key_print(cert: x509.Certificate) -> str:
    """Return the print of the public key; a key of a kind unknown here has none."""
    try:
        return pki.key_fingerprint(cert.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return ""
