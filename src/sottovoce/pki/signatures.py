"""Signatures: whether a key made a signature, within a budget, and which ones are too weak.

Owns the one place where signatures of certificates and revocation lists are checked. The answer
depends on the bytes alone, so it is remembered.
"""

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.ocsp import OCSPResponse

from sottovoce.pki.examined import Examined
from sottovoce.pki.keys import is_costly

__all__ = ["SIGNATURE_BUDGET", "Budget", "signature_fits", "signature_weakness", "signed_by"]

#: Signatures checked for one verdict. An honest chain of eight certificates needs seven; eight
#: levels of four look-alikes with keys of their own need 112 (Go's crypto/x509 stops at 100).
SIGNATURE_BUDGET = 200
#: Answers that are remembered, over all verdicts.
REMEMBERED = 1024

_WEAK_HASHES = (hashes.MD5, hashes.SHA1)
_RSA = "1.2.840.113549.1.1."
#: ANSI X9.62 with SHA-1 and SHA-2, and NIST's with SHA-3.
_ECDSA = ("1.2.840.10045.4.", "2.16.840.1.101.3.4.3.")
_ED25519 = x509.SignatureAlgorithmOID.ED25519.dotted_string
_Signed = x509.Certificate | x509.CertificateRevocationList | OCSPResponse


class Budget:
    """How many signatures may still be checked for one verdict."""

    __slots__ = ("left", "spent")

    def __init__(self, allowed: int = SIGNATURE_BUDGET) -> None:
        self.left = allowed
        self.spent = False

    def take(self) -> bool:
        """Use one up; False when there is none left."""
        if self.left <= 0:
            self.spent = True
            return False
        self.left -= 1
        return True


def signature_fits(child: Examined, issuer: Examined, budget: Budget) -> bool:
    """Tell whether the issuer's key made the child's signature.

    Weak algorithms pass here, so that they can be named; names, dates and rights are not looked
    at. Without budget, or for a key that is made to be slow, the answer is no.
    """
    if issuer.key is None or is_costly(issuer.key) or not budget.take():
        return False
    return _certificate_fits(child.certificate, issuer.certificate)


@lru_cache(maxsize=REMEMBERED)
def _certificate_fits(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    return signed_by(child, issuer.public_key())


def signed_by(signed: _Signed, key: CertificatePublicKeyTypes) -> bool:
    """Tell whether *key* made the signature under a certificate, a list or an OCSP answer."""
    match signed:
        case x509.Certificate():
            body = signed.tbs_certificate_bytes
        case x509.CertificateRevocationList():
            body = signed.tbs_certlist_bytes
        case _:
            body = signed.tbs_response_bytes
    try:
        return _check(signed, body, key)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False


def _check(signed: _Signed, body: bytes, key: CertificatePublicKeyTypes) -> bool:
    scheme = signed.signature_algorithm_oid.dotted_string
    algorithm = signed.signature_hash_algorithm
    match key:
        case rsa.RSAPublicKey() if algorithm is not None and scheme.startswith(_RSA):
            # The library does not show those of an OCSP answer: with PSS it is refused.
            given = getattr(signed, "signature_algorithm_parameters", None)
            scheme_padding = given if isinstance(given, padding.PSS) else padding.PKCS1v15()
            key.verify(signed.signature, body, scheme_padding, algorithm)
        case ec.EllipticCurvePublicKey() if algorithm is not None and scheme.startswith(_ECDSA):
            key.verify(signed.signature, body, ec.ECDSA(algorithm))
        case ed25519.Ed25519PublicKey() if scheme == _ED25519:
            key.verify(signed.signature, body)
        case _:
            return False
    return True


def signature_weakness(signed: _Signed) -> str:
    """Say why a signature's algorithm is not good enough, or return the empty text.

    Refused: MD5 and SHA-1 (RFC 6151, RFC 9155; NIST SP 800-131A), and whatever is not known here.
    """
    scheme = signed.signature_algorithm_oid.dotted_string
    try:
        algorithm = signed.signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return f"an unknown algorithm ({scheme})"
    if algorithm is None:
        return "" if scheme == _ED25519 else f"the algorithm {scheme}"
    if isinstance(algorithm, _WEAK_HASHES):
        return {"md5": "MD5", "sha1": "SHA-1"}[algorithm.name]
    return ""
