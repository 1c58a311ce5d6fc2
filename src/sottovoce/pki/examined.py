"""Examined: one certificate, read once, with everything that could not be read as a problem.

Owns the tolerant reading of a stranger's certificate: nothing here raises, whatever the bytes are.
Judges nothing but whether it can be read.
"""

import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.utils import CryptographyDeprecationWarning

from sottovoce.pki.der import has_subtree_bounds, serial_and_frame
from sottovoce.pki.names import (
    UNREADABLE,
    dns_names,
    fingerprint,
    ip_addresses,
    key_fingerprint,
    printable,
    short_name,
)

__all__ = ["CanonicalName", "Examined", "canonical_name", "examine"]

_T = TypeVar("_T")
_E = TypeVar("_E", bound=x509.ExtensionType)

#: Certificates whose reading is remembered: reading is pure, and partners call again and again.
REMEMBERED = 512

CanonicalName = tuple[frozenset[tuple[str, str | bytes]], ...]
_LOWER = {ord(upper): upper.lower() for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def canonical_name(name: x509.Name) -> CanonicalName:
    """Bring a name to the form in which names are compared (RFC 5280 7.1).

    ASCII letters without case, runs of blanks as one, the string type not looked at: what OpenSSL
    compares as well.
    """
    return tuple(
        frozenset((item.oid.dotted_string, _prepared(item.value)) for item in rdn)
        for rdn in name.rdns
    )


def _prepared(value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):
        return value
    return " ".join(word for word in value.translate(_LOWER).split(" ") if word)


class Examined:
    """One certificate with its facts at hand.

    Attributes:
        certificate: as it came.
        problems: why it cannot be read as RFC 5280 has it; empty for a readable one.
        serial: the serial number, whether RFC 5280 allows it or not.
        subject: the bearer, canonical; None when it cannot be read.
        issuer: the signer, canonical; None when it cannot be read.
        key: the public key; None when it is of a kind that nobody here knows.
        key_problem: why there is no key.
        key_bytes: the SubjectPublicKeyInfo, for comparison; empty without a key.
        extensions: by object identifier; empty when they cannot be read.
    """

    __slots__ = (
        "_critical",
        "_hash",
        "_values",
        "certificate",
        "extensions",
        "issuer",
        "key",
        "key_bytes",
        "key_problem",
        "problems",
        "serial",
        "subject",
    )

    def __init__(self, certificate: x509.Certificate) -> None:
        problems: list[str] = []
        self.certificate = certificate
        self.subject = _read(lambda: canonical_name(certificate.subject), "the subject", problems)
        self.issuer = _read(lambda: canonical_name(certificate.issuer), "the issuer", problems)
        found = _read(lambda: list(certificate.extensions), "the extensions", problems)
        self.extensions: dict[str, x509.Extension[x509.ExtensionType]] = {
            item.oid.dotted_string: item for item in found or ()
        }
        self._values: dict[type, object] = {type(item.value): item.value for item in found or ()}
        self._critical = frozenset(type(item.value) for item in found or () if item.critical)
        self._hash = hash(certificate)
        der = certificate.public_bytes(Encoding.DER)
        self.serial, frame_problem = serial_and_frame(der)
        if frame_problem:
            problems.append(frame_problem)
        if x509.NameConstraints in self._values and has_subtree_bounds(der):
            problems.append("its name constraints have a minimum or maximum (4.2.1.10)")
        self.key: CertificatePublicKeyTypes | None = None
        self.key_problem, self.key_bytes = "", b""
        try:
            self.key = certificate.public_key()
            self.key_bytes = self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except UNREADABLE as error:
            self.key_problem = f"a key that cannot be read ({_first_line(error)})"
        self.problems = tuple(problems)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Examined) and self.certificate == other.certificate
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Examined({self.called})"

    def get(self, kind: type[_E]) -> _E | None:
        """Return the value of an extension, or None when it is not there."""
        found = self._values.get(kind)
        return found if isinstance(found, kind) else None

    def critical(self, kind: type[x509.ExtensionType]) -> bool:
        """Tell whether an extension is there and marked critical."""
        return kind in self._critical

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are one name (RFC 5280 3.2)."""
        return self.subject is not None and self.subject == self.issuer

    @property
    def is_authority(self) -> bool:
        """Whether it says of itself that it may sign certificates."""
        basic = self.get(x509.BasicConstraints)
        return basic is not None and basic.ca

    @property
    def called(self) -> str:
        """What messages call the bearer."""
        names = dns_names(self.certificate) or tuple(map(str, ip_addresses(self.certificate)))
        if names and not self.is_authority:
            return printable(names[0], 100)
        return self.subject_text

    @property
    def subject_text(self) -> str:
        """The subject's short name for messages."""
        return _short(lambda: self.certificate.subject)

    @property
    def issuer_text(self) -> str:
        """The issuer's short name for messages."""
        return _short(lambda: self.certificate.issuer)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the certificate."""
        return fingerprint(self.certificate)

    @property
    def key_print(self) -> str:
        """SHA-256 over the public key, or words when it cannot be read."""
        return key_fingerprint(self.key) if self.key is not None else "an unreadable key"


def _short(read: Callable[[], x509.Name]) -> str:
    try:
        return short_name(read())
    except UNREADABLE:
        return "(unreadable name)"


def _read(read: Callable[[], _T], what: str, problems: list[str]) -> _T | None:
    try:
        return read()
    except x509.DuplicateExtension as error:
        problems.append(f"an extension stands twice ({error.oid.dotted_string}; 4.2)")
    except UNREADABLE as error:
        problems.append(f"{what} cannot be read ({_first_line(error)})")
    return None


def _first_line(error: Exception) -> str:
    return printable((str(error).splitlines() or [type(error).__name__])[0], 160)


@lru_cache(maxsize=REMEMBERED)
def examine(certificate: x509.Certificate) -> Examined:
    """Read a certificate; the same one is read once, without the library's warnings.

    What it warns of is judged here; several public roots in use have the serial number 0.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return Examined(certificate)


def distinct(certificates: Iterable[x509.Certificate]) -> list[Examined]:
    """Read certificates, leaving out repetitions."""
    return list(dict.fromkeys(examine(item) for item in certificates))
