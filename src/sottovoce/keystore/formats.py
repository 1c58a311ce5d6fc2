"""What kind of file this is, told by its first octets, and how to turn it into a keystore.

Owns the magic numbers and the sentences about foreign formats. It reads no keystore itself.
"""

from dataclasses import dataclass

from sottovoce.errors import KeystoreFormatError
from sottovoce.keystore.der import SEQUENCE, ShortRead, header
from sottovoce.keystore.limits import MAX_FILE

__all__ = ["check_length", "sniff"]

JKS_MAGIC = b"\xfe\xed\xfe\xed"
JCEKS_MAGIC = b"\xce\xce\xce\xce"

_FROM_PEM = (
    "Make a keystore of it: openssl pkcs12 -export -inkey KEY.pem -in CERT.pem -name ALIAS "
    "-out STORE.p12."
)
_IMPORT = "Import it into a keystore: sottovoce keytool -importcert -alias ALIAS -file FILE."
_CONVERT = "Convert it: keytool -importkeystore -srckeystore FILE -deststoretype PKCS12."


@dataclass(frozen=True, slots=True)
class _Foreign:
    start: bytes
    name: str
    hint: str


_FOREIGN = (
    _Foreign(b"-----BEGIN CERTIFICATE REQ", "a certificate request in PEM", "Send it to the CA."),
    _Foreign(b"-----BEGIN NEW CERTIFICATE REQ", "a certificate request", "Send it to the CA."),
    _Foreign(b"-----BEGIN CERTIFICATE", "a certificate in PEM", _IMPORT),
    _Foreign(b"-----BEGIN TRUSTED CERT", "a certificate in OpenSSL's own PEM form", _IMPORT),
    _Foreign(b"-----BEGIN PKCS7", "certificates in PKCS#7 (PEM)", _IMPORT),
    _Foreign(b"-----BEGIN ENCRYPTED PRIVATE", "an encrypted private key in PEM", _FROM_PEM),
    _Foreign(b"-----BEGIN OPENSSH", "a private key of OpenSSH", "It has no certificate."),
    _Foreign(b"-----BEGIN PGP", "a PGP key", "It cannot be used for TLS."),
    _Foreign(b"-----BEGIN", "a private key or other data in PEM", _FROM_PEM),
    _Foreign(b"Bag Attributes", "the text that openssl pkcs12 prints", _FROM_PEM),
    _Foreign(b"MII", "Base64 text", "Decode it first: base64 -d FILE > STORE.p12."),
    _Foreign(b"PK\x03\x04", "a zip archive", "Unpack it first."),
    _Foreign(b"\x1f\x8b", "a gzip file", "Unpack it first: gunzip FILE."),
    _Foreign(b"\x00\x00\x00\x01\x00\x00\x00\x14", "a BKS store of Bouncy Castle", _CONVERT),
    _Foreign(b"\x00\x00\x00\x02\x00\x00\x00\x14", "a BKS store of Bouncy Castle", _CONVERT),
    _Foreign(b"SQLite format 3\x00", "an SQLite database", "An NSS key database? Export from it."),
    _Foreign(b"<", "a web page or XML", "Was an error page saved instead of the file?"),
    _Foreign(b"\x7fELF", "a program", ""),
)

#: After the first header of a DER file: what follows tells what it is.
_DER = (
    (b"\x02\x01\x00\x02", "an RSA private key (PKCS#1)", _FROM_PEM),
    (b"\x02\x01\x00\x30", "a private key without a certificate (PKCS#8)", _FROM_PEM),
    (b"\x02\x01\x01\x30", "a private key without a certificate (PKCS#8)", _FROM_PEM),
    (b"\x02\x01\x01\x04", "an EC private key", _FROM_PEM),
    (b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", "certificates in PKCS#7", _IMPORT),
)


def sniff(data: bytes) -> str:
    """Return ``PKCS12``, ``JKS`` or ``JCEKS``, whichever *data* begins like.

    Raises:
        KeystoreFormatError: code ``keystore-empty``, ``keystore-too-large``,
            ``keystore-truncated`` (not even the magic number is complete) or ``keystore-format``,
            which names what the file is and the command that converts it.
    """
    if not data:
        raise KeystoreFormatError(
            "The keystore file is empty.",
            position=0,
            expected="a PKCS#12, JKS or JCEKS store",
            presented="no octets",
            hint="Restore it from a copy, or remove it and make the key again.",
            code="keystore-empty",
        )
    if len(data) > MAX_FILE:
        raise KeystoreFormatError(
            f"The file has {len(data):,} octets; a keystore of more than {MAX_FILE:,} is not read.",
            code="keystore-too-large",
            expected=f"at most {MAX_FILE:,} octets",
            presented=f"{len(data):,} octets",
            hint="Check that this is the file that was meant.",
        )
    for magic, name in ((JKS_MAGIC, "JKS"), (JCEKS_MAGIC, "JCEKS")):
        if data.startswith(magic):
            return name
        if magic.startswith(data[:4]) and len(data) < 4:
            raise truncated(len(data), 32)
    if data[0] == SEQUENCE:
        return _sniff_der(data)
    raise _foreign(data)


def _foreign(data: bytes) -> KeystoreFormatError:
    text = data[3:] if data.startswith(b"\xef\xbb\xbf") else data
    text = text[:4096].lstrip()
    for known in _FOREIGN:
        if data.startswith(known.start) or text.startswith(known.start):
            return _other(known.name, known.hint)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _other("text in UTF-16", "Save it as ASCII.")
    if not data.strip(b"\0"):
        return _other("a file of zeros", "Restore it from a copy; the disk may have failed.")
    return _other(f"no known format (it begins with {data[:8].hex(' ')})", "")


def _other(name: str, hint: str) -> KeystoreFormatError:
    return KeystoreFormatError(
        f"The file is no keystore: it is {name}.",
        position=0,
        expected="a PKCS#12, JKS or JCEKS store",
        presented=name,
        hint=hint or "Name the keystore in which the key was made (keytool -genkeypair).",
        code="keystore-format",
    )


def _sniff_der(data: bytes) -> str:
    try:
        body = header(data, 0)[1]
    except (ShortRead, ValueError):
        return "PKCS12"
    rest = data[body : body + 24]
    for start, name, hint in _DER:
        if rest.startswith(start):
            raise _other(f"{name} in DER", hint)
    if rest[:1] == b"\x30":
        return _sniff_nested(data, body)
    return "PKCS12"


def _sniff_nested(data: bytes, at: int) -> str:
    """Tell what a SEQUENCE that begins with a SEQUENCE is."""
    try:
        inner = header(data, at)[1]
    except (ShortRead, ValueError):
        return "PKCS12"
    first = data[inner : inner + 3]
    if first.startswith(b"\x06"):
        raise _other("an encrypted private key (PKCS#8) in DER", _FROM_PEM)
    if first == b"\x02\x01\x00":
        raise _other("a certificate request in DER", "Send it to the CA.")
    if first[:1] in (b"\xa0", b"\x02"):
        raise _other("a certificate in DER", _IMPORT)
    return "PKCS12"


def truncated(present: int, announced: int | None) -> KeystoreFormatError:
    """Return the error for a file that ends too early.

    Args:
        present: the octets that are there.
        announced: the octets that there should be at least; None where the file does not say.
    """
    if announced is None:
        wanted, text = "the end-of-contents mark", "and its end mark is missing"
    else:
        wanted, text = f"{announced:,} octets", f"its header announces {announced:,}"
    return KeystoreFormatError(
        f"The keystore is cut off: {present:,} octets present, {text}.",
        position=present,
        expected=wanted,
        presented=f"{present:,} octets",
        hint="Restore the file from a copy; copy in binary mode.",
        code="keystore-truncated",
    )


def check_length(data: bytes) -> int:
    """Check a DER file against the length in its first header; return the octets that follow it.

    Raises:
        KeystoreFormatError: code ``keystore-truncated``, or ``keystore-damaged`` for no header.
    """
    try:
        _, body, length = header(data, 0)
    except ShortRead as error:
        raise truncated(len(data), error.needed) from None
    except ValueError as error:
        raise KeystoreFormatError(
            f"The keystore is damaged: at octet 0 of the file there should be {error}.",
            position=0,
            expected=str(error),
        ) from None
    if length is None:
        if not data.rstrip(b"\r\n").endswith(b"\0\0"):
            raise truncated(len(data), None)
        return 0
    if body + length > len(data):
        raise truncated(len(data), body + length)
    return len(data) - body - length
