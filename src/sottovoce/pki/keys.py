"""Keys: the algorithms that this project makes and accepts, and how a key is described.

Owns the table of algorithms and the words for a key. Knows nothing of files, passwords or
certificates.
"""

from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificatePublicKeyTypes,
    PrivateKeyTypes,
)

__all__ = [
    "MINIMUM_RSA_BITS",
    "PUBLIC_EXPONENT",
    "KeyAlgorithm",
    "PrivateKey",
    "PublicKey",
    "describe_key",
    "generate_key",
    "is_costly",
    "key_weakness",
]

#: The private keys that identify a server or an authority here (DESIGN §4).
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
#: Their public halves.
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

#: NIST SP 800-131A rev. 2: RSA below 2048 bits is disallowed for signatures.
MINIMUM_RSA_BITS = 2048
#: Beyond this, checking a signature costs more than a stranger may ask for; no CA has larger keys.
MAXIMUM_RSA_BITS = 8192
#: F4, the exponent that FIPS 186-5 appendix A.1.1 and every current tool use.
PUBLIC_EXPONENT = 65537
#: FIPS 186-5: a public exponent is odd and lies between 2^16 and 2^256; OpenSSL stops at 2^64 for
#: large keys (OPENSSL_RSA_MAX_PUBEXP_BITS), and so do we for all.
EXPONENT_BOUNDS = (2**16, 2**64)

_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


class KeyAlgorithm(StrEnum):
    """The kinds of key that this project makes; the value is what stands in commands."""

    #: NIST P-256, the default: small, fast, accepted everywhere.
    EC_P256 = "ec-p256"
    #: NIST P-384.
    EC_P384 = "ec-p384"
    #: RSA, the smallest that is still accepted.
    RSA_2048 = "rsa-2048"
    #: RSA of 128 bits of strength (NIST SP 800-57 part 1, table 2).
    RSA_3072 = "rsa-3072"
    #: RSA for authorities that live long.
    RSA_4096 = "rsa-4096"
    #: Edwards curve 25519 (RFC 8410).
    ED25519 = "ed25519"


def generate_key(algorithm: KeyAlgorithm) -> PrivateKey:
    """Make a new private key.

    Args:
        algorithm: which kind.

    Returns:
        A key of the operating system's randomness.

    Raises:
        TypeError: *algorithm* is no :class:`KeyAlgorithm`.
    """
    match algorithm:
        case KeyAlgorithm.EC_P256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyAlgorithm.EC_P384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyAlgorithm.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case KeyAlgorithm.RSA_2048 | KeyAlgorithm.RSA_3072 | KeyAlgorithm.RSA_4096:
            bits = int(algorithm.value.removeprefix("rsa-"))
            return rsa.generate_private_key(public_exponent=PUBLIC_EXPONENT, key_size=bits)
    raise TypeError(f"generate_key takes a KeyAlgorithm, not {type(algorithm).__name__}")


def describe_key(key: PrivateKeyTypes | CertificatePublicKeyTypes) -> str:
    """Say in a few words what kind of key this is, e.g. ``EC P-256`` or ``RSA 2048 bits``."""
    match key:
        case ec.EllipticCurvePublicKey() | ec.EllipticCurvePrivateKey():
            return f"EC {_CURVES.get(key.curve.name, key.curve.name)}"
        case rsa.RSAPublicKey() | rsa.RSAPrivateKey():
            return f"RSA {key.key_size} bits"
        case ed25519.Ed25519PublicKey() | ed25519.Ed25519PrivateKey():
            return "Ed25519"
        case ed448.Ed448PublicKey() | ed448.Ed448PrivateKey():
            return "Ed448"
        case dsa.DSAPublicKey() | dsa.DSAPrivateKey():
            return f"DSA {key.key_size} bits"
    return type(key).__name__.removesuffix("PublicKey").removesuffix("PrivateKey").strip("_")


def key_weakness(key: CertificatePublicKeyTypes) -> str:
    """Say why a public key is not good enough, or return the empty text when it is.

    Accepted: RSA of 2048 to 8192 bits with an odd exponent of at least 2^16 + 1, EC on P-256,
    P-384 or P-521, Ed25519 (DESIGN §4; FIPS 186-5).
    """
    match key:
        case rsa.RSAPublicKey():
            return _rsa_weakness(key)
        case ec.EllipticCurvePublicKey():
            return "" if key.curve.name in _CURVES else f"the curve {key.curve.name}"
        case ed25519.Ed25519PublicKey():
            return ""
    return f"a key of type {describe_key(key)}"


def is_costly(key: CertificatePublicKeyTypes) -> bool:
    """Tell whether checking one signature of this key takes more than a stranger may ask for."""
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    return key.key_size > MAXIMUM_RSA_BITS or key.public_numbers().e >= EXPONENT_BOUNDS[1]


def _rsa_weakness(key: rsa.RSAPublicKey) -> str:
    if key.key_size < MINIMUM_RSA_BITS:
        return f"only {key.key_size} bits"
    if key.key_size > MAXIMUM_RSA_BITS:
        return f"{key.key_size} bits, more than anybody can be asked to check"
    exponent = key.public_numbers().e
    low, high = EXPONENT_BOUNDS
    if exponent % 2 == 0 or not low < exponent < high:
        shown = str(exponent) if exponent < high else f"of {exponent.bit_length()} bits"
        return f"the public exponent {shown}"
    return ""
