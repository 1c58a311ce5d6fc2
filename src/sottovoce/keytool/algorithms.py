"""The names that keytool uses for keys and signatures ↔ ``cryptography``'s objects.

Owns those names and keytool's defaults for them (JDK 17). It makes keys and chooses hashes; it
signs nothing itself.
"""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)

from sottovoce.errors import WrongUsage

__all__ = ["Signing", "describe_public", "make_key", "signature_name", "signing_for"]

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "secp256r1": ec.SECP256R1,
    "secp384r1": ec.SECP384R1,
    "secp521r1": ec.SECP521R1,
}
_CURVE_NAMES = {
    "p-256": "secp256r1",
    "nistp256": "secp256r1",
    "prime256v1": "secp256r1",
    "p-384": "secp384r1",
    "nistp384": "secp384r1",
    "p-521": "secp521r1",
    "nistp521": "secp521r1",
}
_CURVE_BY_SIZE = {256: "secp256r1", 384: "secp384r1", 521: "secp521r1"}

#: What may be made here (DESIGN §4); smaller ones are refused by every partner.
_RSA_SIZES = range(2048, 8193)

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}

Signing = tuple[hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None, str]


def make_key(
    algorithm: str, *, size: int | None, group: str | None
) -> CertificateIssuerPrivateKeyTypes:
    """Make a private key as ``-keyalg``, ``-keysize`` and ``-groupname`` ask.

    Args:
        algorithm: ``EC``, ``RSA``, ``Ed25519`` or ``EdDSA``, in any case.
        size: bits; 2048 for RSA and 256 for EC when None.
        group: the curve's name, for EC only.

    Raises:
        WrongUsage: an unknown algorithm, or a size or curve that it does not have.
    """
    name = algorithm.upper()
    if group is not None and (size is not None or name != "EC"):
        raise WrongUsage(
            "Cannot specify both -groupname and -keysize"
            if name == "EC"
            else f"The -groupname option is for EC keys, not for {algorithm}."
        )
    if name == "EC":
        return ec.generate_private_key(_curve(size, group))
    if name == "RSA":
        bits = size or 2048
        if bits not in _RSA_SIZES:
            raise WrongUsage(
                f"An RSA key of {bits} bits is not made here.",
                hint="Use -keysize 2048, 3072 or 4096; at most 8192.",
            )
        return rsa.generate_private_key(65537, bits)
    if name in ("ED25519", "EDDSA") and size in (None, 255):
        return ed25519.Ed25519PrivateKey.generate()
    raise WrongUsage(
        f"{algorithm}{f' with {size} bits' if size else ''} KeyPairGenerator not available",
        hint="Use -keyalg EC, RSA or Ed25519.",
    )


def _curve(size: int | None, group: str | None) -> ec.EllipticCurve:
    if group is not None:
        name = _CURVE_NAMES.get(group.lower(), group.lower())
    else:
        name = _CURVE_BY_SIZE.get(size or 256, "")
    if name not in _CURVES:
        raise WrongUsage(
            f"Not a supported curve: {group or size}",
            hint="Use -groupname secp256r1, secp384r1 or secp521r1.",
        )
    return _CURVES[name]()


def describe_public(key: CertificatePublicKeyTypes) -> str:
    """Return a public key's kind as keytool prints it, such as ``256-bit EC (secp256r1) key``."""
    match key:
        case rsa.RSAPublicKey():
            return f"{key.key_size}-bit RSA key"
        case ec.EllipticCurvePublicKey():
            return f"{key.curve.key_size}-bit EC ({key.curve.name}) key"
        case ed25519.Ed25519PublicKey():
            return "255-bit Ed25519 key"
        case ed448.Ed448PublicKey():
            return "448-bit Ed448 key"
        case dsa.DSAPublicKey():
            return f"{key.key_size}-bit DSA key"
    return "key of an unusual kind"


def signing_for(key: CertificateIssuerPrivateKeyTypes, wanted: str | None = None) -> Signing:
    """Return the hash to sign with, and the signature's name as keytool has it.

    Args:
        key: the signing key.
        wanted: the value of ``-sigalg``; keytool's default for the key when None.

    Raises:
        WrongUsage: the signature is unknown here or does not fit the key.
    """
    family, default = _family(key)
    if default is None:
        if wanted is not None and wanted.upper() not in (family.upper(), "EDDSA"):
            raise WrongUsage(f"{wanted} does not fit a key of kind {family}.")
        return None, family
    if wanted is None:
        return _HASHES[default](), f"{default}with{family}"  # type: ignore[return-value]
    name = wanted.upper().replace("-", "")
    for hash_name, made in _HASHES.items():
        if name == f"{hash_name}WITH{family}":
            return made(), f"{hash_name}with{family}"  # type: ignore[return-value]
    raise WrongUsage(
        f"{wanted} is not used here, or does not fit a key of kind {family}.",
        hint=f"Use -sigalg {default}with{family}.",
    )


def _family(key: CertificateIssuerPrivateKeyTypes) -> tuple[str, str | None]:
    """Return the signature's family and keytool's default hash (NIST SP 800-57 strengths)."""
    match key:
        case rsa.RSAPrivateKey():
            strong = "SHA384" if key.key_size > 3072 else "SHA256"
            return "RSA", "SHA512" if key.key_size > 7680 else strong
        case ec.EllipticCurvePrivateKey():
            size = key.curve.key_size
            return "ECDSA", "SHA256" if size < 384 else "SHA384" if size < 512 else "SHA512"
        case ed25519.Ed25519PrivateKey():
            return "Ed25519", None
        case ed448.Ed448PrivateKey():
            return "Ed448", None
    return "DSA", "SHA256"


_OTHER_NAMES = {
    "1.2.840.113549.1.1.4": "MD5withRSA",
    "1.2.840.113549.1.1.5": "SHA1withRSA",
    "1.2.840.113549.1.1.11": "SHA256withRSA",
    "1.2.840.113549.1.1.12": "SHA384withRSA",
    "1.2.840.113549.1.1.13": "SHA512withRSA",
    "1.2.840.113549.1.1.14": "SHA224withRSA",
    "1.2.840.113549.1.1.10": "RSASSA-PSS",
    "1.2.840.10045.4.1": "SHA1withECDSA",
    "1.2.840.10045.4.3.2": "SHA256withECDSA",
    "1.2.840.10045.4.3.3": "SHA384withECDSA",
    "1.2.840.10045.4.3.4": "SHA512withECDSA",
    "1.2.840.10040.4.3": "SHA1withDSA",
    "2.16.840.1.101.3.4.3.2": "SHA256withDSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}


def signature_name(
    signed: x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList,
) -> str:
    """Return the name of a signature's algorithm as keytool prints it, else its identifier."""
    oid = signed.signature_algorithm_oid.dotted_string
    return _OTHER_NAMES.get(oid, oid)
