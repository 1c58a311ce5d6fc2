"""Private keys and certificates from DER: bounded, checked, with every foreign exception converted.

Owns the step from octets to ``cryptography``'s objects. Validating an RSA key there tests its
primes, which takes 0.3 s for 4,096 bits and minutes for a hostile one; instead the arithmetic
relations are checked here, which take microseconds. It knows no keystore format.
"""

import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

from sottovoce.errors import KeystoreFormatError
from sottovoce.keystore.der import INTEGER, OID, Cursor
from sottovoce.keystore.limits import MAX_KEY, Budget

__all__ = ["KeyUnreadable", "fits", "load_certificate", "load_private_key", "private_octets"]

_RSA = frozenset({"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"})
_EC, _DSA = "1.2.840.10045.2.1", "1.2.840.10040.4.1"
_KNOWN = _RSA | {_EC, _DSA, "1.3.101.112", "1.3.101.113"}

#: Curves on which OpenSSL is quick: P-256, P-384, P-521.
_QUICK = frozenset({"1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"})
#: What a key costs in units of the budget (0.3 µs), by measurement, where the public half has to be
#: computed: 0.6 ms on a quick curve, 6 ms on others, 0.7 ms for DSA of 3,072 bits, else 0.2 ms.
_QUICK_CURVE, _OTHER_CURVE, _DSA_COST, _USUAL = 2_000, 20_000, 3_000, 700
#: FIPS 186-4 ends at these; computing with a modulus of 40,000 bits takes seconds.
_DSA_MODULUS, _DSA_SECRET = 3072 // 8 + 1, 256 // 8 + 1

#: What ``cryptography`` raises for octets that it does not take.
_FOREIGN = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    OverflowError,
    Warning,
    x509.InvalidVersion,
)


class KeyUnreadable(Exception):
    """The octets of a private key are no key that can be used; private to the package."""


def load_private_key(data: bytes, budget: Budget) -> CertificateIssuerPrivateKeyTypes:
    """Return the private key in a PKCS#8 PrivateKeyInfo.

    Args:
        data: the DER octets, at most 16 KiB.
        budget: what the file may still cost.

    Raises:
        KeyUnreadable: the octets are damaged, or the kind of key is not known.
        KeystoreFormatError: code ``keystore-too-costly``, after many keys.
    """
    if len(data) > MAX_KEY:
        raise KeyUnreadable(f"it takes {len(data):,} octets, at most {MAX_KEY:,} are read")
    try:
        cost = _check(Cursor(data, budget, where="the private key"))
    except KeystoreFormatError as error:
        raise KeyUnreadable(str(error)) from None
    budget.spend_key(cost)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            key = serialization.load_der_private_key(
                data, None, unsafe_skip_rsa_key_validation=True
            )
            key.public_key()
    except _FOREIGN as error:
        raise KeyUnreadable(f"it cannot be used: {_short(error)}") from error
    kinds = (
        rsa.RSAPrivateKey,
        ec.EllipticCurvePrivateKey,
        ed25519.Ed25519PrivateKey,
        ed448.Ed448PrivateKey,
        dsa.DSAPrivateKey,
    )
    if not isinstance(key, kinds):
        raise KeyUnreadable("no certificate can belong to a key of this kind")
    return key


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def _check(cursor: Cursor) -> int:
    """Look at the key's structure; return what it will cost to use it."""
    info = cursor.sequence("the private key")
    info.integer("the version")
    algorithm = info.sequence("the key's algorithm")
    oid = algorithm.oid("the key's algorithm")
    if oid not in _KNOWN:
        raise KeyUnreadable(f"its algorithm {oid} is not known here")
    inner = info.octets("the key")
    if oid in _RSA:
        _check_rsa(Cursor(inner, cursor.budget, where="the RSA key"))
        return _USUAL + len(inner) // 3
    if oid == _EC:
        quick = algorithm.peek() == OID and algorithm.oid("the curve") in _QUICK
        return _QUICK_CURVE if quick else _OTHER_CURVE
    if oid == _DSA:
        modulus = algorithm.sequence("the DSA parameters").raw("the modulus", INTEGER)
        if len(modulus) > _DSA_MODULUS + 4 or len(inner) > _DSA_SECRET + 2:
            raise KeyUnreadable("its numbers are larger than those of any DSA key in use")
        return _DSA_COST
    return _USUAL


def _check_rsa(cursor: Cursor) -> None:
    values = cursor.sequence("the RSA key")
    values.next(INTEGER, "the version")
    n, e, d, p, q = (
        int.from_bytes(values.content(values.next(INTEGER, name)), "big", signed=True)
        for name in ("n", "e", "d", "p", "q")
    )
    sound = min(n, e, d, p - 1, q - 1) > 0 and n == p * q
    if not sound or d * e % (p - 1) != 1 or d * e % (q - 1) != 1:
        raise KeyUnreadable("its numbers do not belong together")


def load_certificate(data: bytes, *, where: str, position: int) -> x509.Certificate:
    """Return the X.509 certificate in *data*.

    Raises:
        KeystoreFormatError: it is none, with its place in the keystore.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(data)
            _ = certificate.subject, certificate.issuer, certificate.not_valid_after_utc
    except _FOREIGN as error:
        raise KeystoreFormatError(
            f"The keystore is damaged: at octet {position} of {where} there should be a "
            f"certificate, and it cannot be read ({_short(error)}).",
            source=where,
            position=position,
            expected="an X.509 certificate",
            presented=_short(error),
            hint="Restore the file from a copy.",
        ) from error
    return certificate


def private_octets(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    """Return *key* as a PKCS#8 PrivateKeyInfo in DER."""
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def fits(key: CertificateIssuerPrivateKeyTypes, certificate: x509.Certificate) -> bool:
    """Tell whether *certificate* certifies the public half of *key*."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    try:
        certified = certificate.public_key().public_bytes(*form)
    except _FOREIGN:
        return False
    return key.public_key().public_bytes(*form) == certified
