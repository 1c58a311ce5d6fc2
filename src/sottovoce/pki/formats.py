"""Formats: bytes ↔ certificates, keys, requests and revocation lists.

Owns PEM, DER and PKCS#7, and says of any other bytes what they look like (failure catalogue K13).
Opens no file; the caller hands over what it has read, and the file's name for the messages.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.utils import CryptographyDeprecationWarning

from sottovoce.errors import CertificateFormatError
from sottovoce.ini import Secret
from sottovoce.pki.keys import PrivateKey, describe_key
from sottovoce.pki.names import UNREADABLE

__all__ = [
    "dump_certificates",
    "dump_crl",
    "dump_private_key",
    "dump_request",
    "load_certificates",
    "load_crls",
    "load_private_key",
    "load_request",
    "looks_like",
]

_T = TypeVar("_T")

#: Most certificates that one file may hold: the public roots of an operating system are ~150.
MAX_CERTIFICATES = 1000

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,64})-----.*?-----END \1-----", re.DOTALL)
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 #]{1,64})-----")
_CERTIFICATE = (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE")
_PKCS7 = (b"PKCS7", b"PKCS #7 SIGNED DATA")
_REQUEST = (b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST")
_CRL = (b"X509 CRL",)

_MAGIC = (
    (b"\xfe\xed\xfe\xed", "a JKS keystore"),
    (b"\xce\xce\xce\xce", "a JCEKS keystore"),
    (b"PK\x03\x04", "a ZIP or JAR archive"),
    (b"\x7fELF", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"ssh-", "an SSH public key"),
    (b"<", "an HTML or XML page"),
)


def looks_like(data: bytes) -> str:
    """Say in a few words what bytes look like, for the sentence «…, but this is …»."""
    body = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not body:
        return "empty"
    if label := _BEGIN.search(body):
        text = label[1].decode("ascii", "replace")
        whole = _PEM.search(body)
        return f"PEM text that holds a {text}" if whole else f"a {text} in PEM that is cut off"
    for magic, words in _MAGIC:
        if body.startswith(magic):
            return words
    if data[:1] == b"\x30":
        return _looks_like_der(data)
    if all(byte in b"\r\n\t" or 32 <= byte < 127 for byte in body[:200]):
        first = body.splitlines()[0][:40].decode("ascii", "replace")
        return f"text that begins with {first!r}"
    return f"bytes of no kind known here (first {body[:4].hex(' ')})"


def _looks_like_der(data: bytes) -> str:
    announced = _announced_length(data)
    if announced is None:
        return "a damaged ASN.1 structure"
    if announced > len(data):
        return f"a structure that is cut off ({len(data)} bytes present, {announced} announced)"
    probes: tuple[tuple[str, Callable[[bytes], object]], ...] = (
        ("a certificate in DER", x509.load_der_x509_certificate),
        ("a certificate request in DER", x509.load_der_x509_csr),
        ("a revocation list in DER", x509.load_der_x509_crl),
        ("a private key in DER", lambda raw: serialization.load_der_private_key(raw, None)),
        ("a public key in DER", serialization.load_der_public_key),
        ("PKCS#7 in DER", pkcs7.load_der_pkcs7_certificates),
    )
    for words, probe in probes:
        if _reads(probe, data):
            return words
    if data[2:7].find(b"\x02\x01\x03") >= 0:
        return "a PKCS#12 keystore"
    return "an ASN.1 structure of another kind, or a damaged one"


def _reads(probe: Callable[[bytes], object], data: bytes) -> bool:
    try:
        _quietly(probe, data)
    except TypeError as error:
        # An encrypted key is recognised by the complaint that a password is missing.
        return "assword" in str(error)
    except UNREADABLE:
        return False
    return True


def _announced_length(data: bytes) -> int | None:
    if len(data) < 2:
        return None
    first = data[1]
    if first < 0x80:
        return 2 + first
    size = first & 0x7F
    if not 1 <= size <= 4 or len(data) < 2 + size:
        return None
    return 2 + size + int.from_bytes(data[2 : 2 + size], "big")


def _quietly(load: Callable[[bytes], _T], data: bytes) -> _T:
    """Call a loader without its warnings: what it warns of, `verify` reports as a fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        return load(data)


def _refusal(data: bytes, wanted: str, source: str, detail: str = "") -> CertificateFormatError:
    found = looks_like(data)
    place = f"{source}: " if source else ""
    label = _LABEL_OF[wanted]
    if found.startswith("PEM") and found.endswith(f" {label}"):
        message = f"{place}{wanted} was expected; there is one, but it cannot be read"
        message += f" ({detail})." if detail else "."
    else:
        message = f"{place}{wanted} was expected, but this is {found}."
    hint = _HINTS.get(found, "")
    if "keystore" in found:
        hint = "Export the certificate from it first: sottovoce keytool -exportcert."
    elif "PRIVATE KEY" in found and "certificate" in wanted:
        hint = "Give the certificate file, not the key file."
    return CertificateFormatError(message, source=source, expected=wanted, hint=hint)


_LABEL_OF = {
    "a certificate": "holds a CERTIFICATE",
    "a certificate request": "CERTIFICATE REQUEST",
    "a revocation list": "X509 CRL",
    "a private key": "PRIVATE KEY",
}
_HINTS = {"empty": "Copy the file again; it has no content."}


def _blocks(data: bytes) -> list[tuple[bytes, bytes]]:
    return [(match[1], match[0]) for match in _PEM.finditer(data)]


def load_certificates(data: bytes, *, source: str = "") -> list[x509.Certificate]:
    """Read every certificate that the bytes hold, in their order.

    Args:
        data: a PEM bundle (other blocks and text around are passed over), one certificate in DER,
            or PKCS#7 in PEM or DER.
        source: the file's name for messages.

    Returns:
        At least one certificate and at most 1000. Certificates are parsed, not judged.

    Raises:
        CertificateFormatError: there is none, or one that cannot be read.
    """
    wanted = "a certificate"
    try:
        if b"-----BEGIN" in data:
            found = _certificates_in_pem(data)
        elif data[:1] == b"\x30":
            found = _certificates_in_der(data)
        else:
            found = []
    except UNREADABLE as error:
        raise _refusal(data, wanted, source, str(error)) from error
    if not found:
        raise _refusal(data, wanted, source)
    if len(found) > MAX_CERTIFICATES:
        raise CertificateFormatError(
            f"{source or 'The data'}: {len(found)} certificates, at most {MAX_CERTIFICATES} "
            "are read.",
            source=source,
        )
    return found


def _certificates_in_pem(data: bytes) -> list[x509.Certificate]:
    found: list[x509.Certificate] = []
    for label, block in _blocks(data):
        if label in _CERTIFICATE[:2]:
            body = block.replace(b"X509 CERTIFICATE", b"CERTIFICATE")
            found.append(_quietly(x509.load_pem_x509_certificate, body))
        elif label in _PKCS7:
            body = block.replace(label, b"PKCS7")
            found += _quietly(pkcs7.load_pem_pkcs7_certificates, body)
    if len(_BEGIN.findall(data)) > len(_blocks(data)):
        raise ValueError("a block begins and does not end")
    return found


def _certificates_in_der(data: bytes) -> list[x509.Certificate]:
    try:
        return [_quietly(x509.load_der_x509_certificate, data)]
    except UNREADABLE:
        if b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" not in data[:30]:
            raise
        return list(_quietly(pkcs7.load_der_pkcs7_certificates, data))


def _one(
    data: bytes,
    labels: Sequence[bytes],
    from_pem: Callable[[bytes], _T],
    from_der: Callable[[bytes], _T],
) -> list[_T]:
    if b"-----BEGIN" not in data:
        return [_quietly(from_der, data)] if data[:1] == b"\x30" else []
    blocks = [(label, block) for label, block in _blocks(data) if label in labels]
    return [_quietly(from_pem, block) for _, block in blocks]


def load_request(data: bytes, *, source: str = "") -> x509.CertificateSigningRequest:
    """Read one PKCS#10 certificate request, PEM (with either label) or DER.

    Raises:
        CertificateFormatError: there is none, several, or one that cannot be read.
    """
    wanted = "a certificate request"
    try:
        found = _one(data, _REQUEST, x509.load_pem_x509_csr, x509.load_der_x509_csr)
    except UNREADABLE as error:
        raise _refusal(data, wanted, source, str(error)) from error
    if len(found) != 1:
        if found:
            raise CertificateFormatError(
                f"{source or 'The data'}: one request was expected, {len(found)} are there.",
                source=source,
                hint="Give one request a file.",
            )
        raise _refusal(data, wanted, source)
    return found[0]


def load_crls(data: bytes, *, source: str = "") -> list[x509.CertificateRevocationList]:
    """Read every revocation list that the bytes hold, PEM or DER.

    Raises:
        CertificateFormatError: there is none, or one that cannot be read.
    """
    wanted = "a revocation list"
    try:
        found = _one(data, _CRL, x509.load_pem_x509_crl, x509.load_der_x509_crl)
    except UNREADABLE as error:
        raise _refusal(data, wanted, source, str(error)) from error
    if not found:
        raise _refusal(data, wanted, source)
    return found


def load_private_key(
    data: bytes, password: Secret | None = None, *, source: str = ""
) -> PrivateKey:
    """Read one private key: PKCS#8 or traditional, PEM or DER, encrypted or not.

    Args:
        data: the bytes; text around the PEM block is passed over.
        password: for an encrypted key; a key that is not encrypted is read without it.
        source: the file's name for messages.

    Raises:
        CertificateFormatError: no private key, a wrong password, or a kind not used here; the
            message never holds the password or any part of the key.
    """
    wanted = "a private key"
    blocks = [block for label, block in _blocks(data) if label.endswith(b"PRIVATE KEY")]
    pem = b"-----BEGIN" in data
    if pem and not blocks:
        raise _refusal(data, wanted, source)
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    raw = blocks[0] if blocks else data
    given = password.reveal().encode() if password else None
    try:
        key = _with_optional_password(load, raw, given)
    except TypeError as error:
        raise CertificateFormatError(
            f"{source or 'The private key'}: the key is encrypted and no password was given.",
            source=source,
            hint="Give its password.",
            code="key-password-missing",
        ) from error
    except UNREADABLE as error:
        if given is not None and (pem or looks_like(data) == "a private key in DER"):
            raise CertificateFormatError(
                f"{source or 'The private key'}: the password does not open the key, "
                "or the file was altered.",
                source=source,
                hint="Check the password.",
                code="key-wrong-password",
            ) from error
        raise _refusal(data, wanted, source) from error
    if not isinstance(key, PrivateKey):
        raise CertificateFormatError(
            f"{source or 'The private key'}: RSA, EC or Ed25519 was expected, "
            f"this is {describe_key(key)}.",
            source=source,
        )
    return key


def _with_optional_password(
    load: Callable[..., PrivateKeyTypes], raw: bytes, given: bytes | None
) -> PrivateKeyTypes:
    try:
        return load(raw, given)
    except TypeError:
        # "Password was given but private key is not encrypted": then it is not needed.
        if given is None:
            raise
        return load(raw, None)


def dump_certificates(certificates: Sequence[x509.Certificate]) -> bytes:
    """Write certificates as a PEM bundle, in their order."""
    return b"".join(item.public_bytes(serialization.Encoding.PEM) for item in certificates)


def dump_crl(crl: x509.CertificateRevocationList) -> bytes:
    """Write a revocation list as PEM."""
    return crl.public_bytes(serialization.Encoding.PEM)


def dump_request(request: x509.CertificateSigningRequest) -> bytes:
    """Write a request as PEM."""
    return request.public_bytes(serialization.Encoding.PEM)


def dump_private_key(key: PrivateKey, password: Secret) -> bytes:
    """Write a private key as PEM, PKCS#8, encrypted under *password*.

    Raises:
        ValueError: the password is empty.
    """
    if not password:
        raise ValueError("a private key is never written without a password")
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.reveal().encode()),
    )
