"""Requests: alternative names, certificate requests, and the self-signed certificate of a new key.

Owns what a server makes for itself before an authority has signed anything, and the pieces that
issuing shares with it. Serial numbers and dates arrive as arguments; no file is touched.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from sottovoce.errors import IssuanceError
from sottovoce.pki.keys import PrivateKey
from sottovoce.pki.naming import as_address, dns_name_problem
from sottovoce.pki.profiles import SERVER, Profile

__all__ = [
    "alternative_names",
    "check_numbers",
    "day",
    "hash_for",
    "make_request",
    "self_signed",
    "started",
    "subject_for",
    "subject_of",
    "with_profile",
]

#: RFC 5280 4.1.2.2: a serial number is positive and has at most 20 octets.
LARGEST_SERIAL = 2**159 - 1
#: RFC 5280 appendix A.1, ub-common-name: a longer common name is left to the alternative names.
COMMON_NAME_LIMIT = 64

SigningHash = hashes.SHA256 | hashes.SHA384 | None

_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def hash_for(key: PrivateKey) -> SigningHash:
    """Return the hash that fits the key's strength (RFC 5480 section 4); none for Ed25519."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size > 256:
        return hashes.SHA384()
    return hashes.SHA256()


def alternative_names(names: Iterable[str], uris: Iterable[str] = ()) -> list[x509.GeneralName]:
    """Turn names as people write them into entries of the right type, without repetition.

    Args:
        names: DNS names (one left-most ``*`` allowed) and IPv4 or IPv6 addresses as text; an
            address becomes an iPAddress entry, never a DNS name (failure catalogue N5).
        uris: URI names, e.g. roles.

    Raises:
        IssuanceError: a name that could never be matched.
    """
    found = [_name_entry(name) for name in names]
    for uri in uris:
        if ":" not in uri or not uri.isascii() or any(char.isspace() for char in uri):
            raise IssuanceError(f"{uri!r} is not a URI name.", hint="Write it as scheme:rest.")
        found.append(x509.UniformResourceIdentifier(uri))
    return list(dict.fromkeys(found))


def _name_entry(name: str) -> x509.GeneralName:
    address = as_address(name)
    if address is not None:
        return x509.IPAddress(address)
    plain = name.removesuffix(".")
    if problem := dns_name_problem(plain, wildcard=True):
        raise IssuanceError(
            f"{name!r} cannot stand in a certificate as a DNS name: {problem}.",
            hint="Give a host name such as hub.example.com, or an IP address.",
        )
    return x509.DNSName(plain.lower())


def subject_of(name: x509.Name | str) -> x509.Name:
    """Return a name as it is, or one whose only part is this common name, if it fits there."""
    if isinstance(name, x509.Name):
        return name
    if not 0 < len(name) <= COMMON_NAME_LIMIT:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def subject_for(names: Iterable[str]) -> x509.Name:
    """Return a subject with the first host name as its common name, or the empty one."""
    hosts = (name for name in alternative_names(names) if isinstance(name, x509.DNSName))
    first = next(hosts, None)
    return subject_of(first.value if first is not None else "")


def make_request(
    key: PrivateKey,
    *,
    subject: x509.Name,
    names: Sequence[str],
    uris: Sequence[str] = (),
) -> x509.CertificateSigningRequest:
    """Make a PKCS#10 request, signed with the key that it is for.

    Args:
        key: the requester's private key.
        subject: the distinguished name; may be empty when *names* are given.
        names: DNS names and IP addresses as text.
        uris: URI names.

    Raises:
        IssuanceError: a name that could never be matched.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    entries = alternative_names(names, uris)
    if entries:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(entries), critical=not subject.rdns
        )
    return builder.sign(key, hash_for(key))


def self_signed(
    key: PrivateKey,
    subject: x509.Name,
    *,
    names: Sequence[str] = (),
    serial: int,
    not_before: datetime,
    not_after: datetime,
) -> x509.Certificate:
    """Make the temporary certificate that stands in a key entry until the reply is there.

    It is no authority, and no partner accepts it (failure catalogue T6).

    Raises:
        IssuanceError: a name that could never be matched, or impossible dates or serial.
    """
    if not subject.rdns:
        raise IssuanceError("A self-signed certificate needs a subject (RFC 5280 4.1.2.4).")
    check_numbers(serial, not_before, not_after)
    public = key.public_key()
    builder = started(subject, subject, public, (serial, not_before, not_after))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_key_usage(SERVER), True)
    if entries := alternative_names(names):
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), False)
    ski = x509.SubjectKeyIdentifier.from_public_key(public)
    return builder.add_extension(ski, False).sign(key, hash_for(key))


def check_numbers(serial: int, not_before: datetime, not_after: datetime) -> None:
    """Decline a serial number or dates that RFC 5280 does not allow."""
    if not 0 < serial <= LARGEST_SERIAL:
        raise IssuanceError(
            "The serial number must be positive and fit 20 octets (RFC 5280 4.1.2.2)."
        )
    for moment in (not_before, not_after):
        if moment.tzinfo is None:
            raise TypeError("dates carry their time zone; use an aware datetime")
    if not_after <= not_before:
        raise IssuanceError(
            f"The certificate would end ({day(not_after)}) before it begins ({day(not_before)})."
        )


def day(moment: datetime) -> str:
    """Write a moment as messages do: ``2026-11-23 07:51 UTC``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def started(
    subject: x509.Name,
    issuer: x509.Name,
    public: CertificatePublicKeyTypes,
    numbers: tuple[int, datetime, datetime],
) -> x509.CertificateBuilder:
    """Begin a certificate; *numbers* are its serial, notBefore and notAfter."""
    serial, not_before, not_after = numbers
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(not_before.astimezone(UTC).replace(microsecond=0))
        .not_valid_after(not_after.astimezone(UTC).replace(microsecond=0))
    )


def _key_usage(profile: Profile) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in profile.key_usage for name in _KEY_USAGES})


def with_profile(
    builder: x509.CertificateBuilder, profile: Profile, public: CertificatePublicKeyTypes
) -> x509.CertificateBuilder:
    """Add every extension that the profile asks for, and the key's identifier."""
    length = profile.path_length if profile.authority else None
    basic = x509.BasicConstraints(ca=profile.authority, path_length=length)
    builder = builder.add_extension(basic, critical=True)
    builder = builder.add_extension(_key_usage(profile), critical=True)
    if profile.purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(profile.purposes), critical=False)
    ski = x509.SubjectKeyIdentifier.from_public_key(public)
    return builder.add_extension(ski, critical=False)
