"""Certificates, requests and revocation lists as text, in keytool's form.

Owns the wording and the layout that people know from the JDK's keytool. It judges nothing.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from sottovoce.keytool.algorithms import describe_public, signature_name
from sottovoce.pki import display_name, fingerprint

__all__ = ["certificate_text", "crl_text", "date_text", "moment_text", "request_text"]

_USAGES = (
    ("digital_signature", "DigitalSignature"),
    ("content_commitment", "Non_repudiation"),
    ("key_encipherment", "Key_Encipherment"),
    ("data_encipherment", "Data_Encipherment"),
    ("key_agreement", "Key_Agreement"),
    ("key_cert_sign", "Key_CertSign"),
    ("crl_sign", "Crl_Sign"),
)
_PURPOSES = {
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.CODE_SIGNING: "codeSigning",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    ExtendedKeyUsageOID.TIME_STAMPING: "timeStamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
}
_METHODS = {
    AuthorityInformationAccessOID.OCSP: "ocsp",
    AuthorityInformationAccessOID.CA_ISSUERS: "caIssuers",
}
#: Names of a certificate shown at most; a hostile one has thousands.
_MOST_NAMES = 200

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def moment_text(moment: datetime) -> str:
    """Return a moment as Java prints dates, in UTC: ``Mon Nov 23 14:21:50 UTC 2026``."""
    at = moment.astimezone(UTC)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    return f"{day} {month} {at.day:02} {at:%H:%M:%S} UTC {at.year}"


def date_text(moment: datetime | None) -> str:
    """Return a day as keytool prints creation dates: ``Nov 23, 2026``."""
    if moment is None:
        return "(unknown)"
    at = moment.astimezone(UTC)
    return f"{_MONTHS[at.month - 1]} {at.day}, {at.year}"


def _clean(text: object) -> str:
    """Return text from a certificate without what would move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "�" for letter in str(text))[:1000]


def certificate_text(certificate: x509.Certificate) -> str:
    """Return everything about a certificate that keytool prints, without a final line end."""
    lines = [
        f"Owner: {display_name(certificate.subject)}",
        f"Issuer: {display_name(certificate.issuer)}",
        f"Serial number: {certificate.serial_number:x}",
        f"Valid from: {moment_text(certificate.not_valid_before_utc)} until: "
        + moment_text(certificate.not_valid_after_utc),
        "Certificate fingerprints:",
        f"\t SHA1: {_sha1(certificate)}",
        f"\t SHA256: {fingerprint(certificate)}",
        f"Signature algorithm name: {signature_name(certificate)}",
        f"Subject Public Key Algorithm: {_key_text(certificate)}",
        f"Version: {certificate.version.value + 1}",
    ]
    return "\n".join([*lines, *_extensions(certificate, "Extensions: ")])


def _sha1(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA1()).hex(":").upper()  # noqa: S303 - shown, not trusted


def _key_text(holder: x509.Certificate | x509.CertificateSigningRequest) -> str:
    try:
        return describe_public(holder.public_key())
    except (ValueError, UnsupportedAlgorithm):
        return "key of an unknown kind"


def _extensions(
    holder: x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList,
    title: str,
) -> list[str]:
    try:
        found = list(holder.extensions)
    except (ValueError, x509.DuplicateExtension) as error:
        return ["", f"{title.strip()} cannot be read: {_clean(error)}"]
    if not found:
        return []
    lines = ["", title]
    for number, extension in enumerate(sorted(found, key=_order), start=1):
        critical = "true" if extension.critical else "false"
        lines += [
            "",
            f"#{number}: ObjectId: {extension.oid.dotted_string} Criticality={critical}",
            *_extension(extension.value),
        ]
    return [*lines, ""]


def _order(extension: x509.Extension[x509.ExtensionType]) -> str:
    """Return what keytool sorts extensions by: the name, or the identifier where it has none."""
    value = extension.value
    if isinstance(value, x509.UnrecognizedExtension):
        return extension.oid.dotted_string
    return type(value).__name__


def _extension(value: x509.ExtensionType) -> list[str]:
    for kind, shown in _SHOWN:
        if isinstance(value, kind):
            return shown(value)
    octets = value.value if isinstance(value, x509.UnrecognizedExtension) else value.public_bytes()
    return ["Value:", *_dump(octets[:256])]


def _dump(octets: bytes) -> list[str]:
    """Return octets as Java's hex dump: sixteen a line, in two halves, with their letters."""
    lines = []
    for at in range(0, len(octets), 16):
        row = octets[at : at + 16]
        left = row[:8].hex(" ").upper()
        right = row[8:].hex(" ").upper()
        letters = "".join(chr(each) if 32 <= each < 127 else "." for each in row)
        lines.append(f"{at:04X}: {left:<23}   {right:<23}  {letters}")
    return lines


def _constraints(value: x509.BasicConstraints) -> list[str]:
    if not value.ca:
        return ["BasicConstraints:[", "  CA:false", "  PathLen: undefined", "]"]
    limit = " no limit" if value.path_length is None else str(value.path_length)
    return ["BasicConstraints:[", "  CA:true", f"  PathLen:{limit}", "]"]


def _key_usage(value: x509.KeyUsage) -> list[str]:
    names = [f"  {shown}" for field, shown in _USAGES if getattr(value, field)]
    if value.key_agreement:
        names += ["  Encipher_Only"] if value.encipher_only else []
        names += ["  Decipher_Only"] if value.decipher_only else []
    return ["KeyUsage [", *names, "]"]


def _purposes(value: x509.ExtendedKeyUsage) -> list[str]:
    names = [f"  {_PURPOSES.get(each, each.dotted_string)}" for each in value]
    return ["ExtendedKeyUsages [", *names[:_MOST_NAMES], "]"]


def general_name(name: x509.GeneralName) -> str:
    """Return one name as keytool prints it, such as ``DNSName: hub.example.com``."""
    match name:
        case x509.DNSName():
            return f"DNSName: {_clean(name.value)}"
        case x509.IPAddress():
            return f"IPAddress: {name.value}"
        case x509.RFC822Name():
            return f"RFC822Name: {_clean(name.value)}"
        case x509.UniformResourceIdentifier():
            return f"URIName: {_clean(name.value)}"
        case x509.RegisteredID():
            return f"OIDName: {name.value.dotted_string}"
        case x509.DirectoryName():
            return display_name(name.value)
    return "Other-Name: (not shown)"


def _names(title: str) -> Callable[[Iterable[x509.GeneralName]], list[str]]:
    def shown(value: Iterable[x509.GeneralName]) -> list[str]:
        lines = [f"  {general_name(each)}" for each in value]
        more = [f"  and {len(lines) - _MOST_NAMES} more"] if len(lines) > _MOST_NAMES else []
        return [f"{title} [", *lines[:_MOST_NAMES], *more, "]"]

    return shown


def _subject_key(value: x509.SubjectKeyIdentifier) -> list[str]:
    return ["SubjectKeyIdentifier [", "KeyIdentifier [", *_dump(value.digest[:64]), "]", "]"]


def _authority_key(value: x509.AuthorityKeyIdentifier) -> list[str]:
    octets = value.key_identifier
    inner = ["KeyIdentifier [", *_dump(octets[:64]), "]"] if octets is not None else []
    return ["AuthorityKeyIdentifier [", *inner, "]"]


def _points(value: x509.CRLDistributionPoints) -> list[str]:
    lines = []
    for point in list(value)[:_MOST_NAMES]:
        names = ", ".join(general_name(each) for each in point.full_name or ())
        lines += ["  [DistributionPoint:", f"     [{names}]"]
    return ["CRLDistributionPoints [", *lines, "]]"]


def _access(value: x509.AuthorityInformationAccess) -> list[str]:
    lines = []
    for each in list(value)[:_MOST_NAMES]:
        method = _METHODS.get(each.access_method, each.access_method.dotted_string)
        lines += [
            "  [",
            f"   accessMethod: {method}",
            f"   accessLocation: {general_name(each.access_location)}",
            "]",
        ]
    return ["AuthorityInfoAccess [", *lines, "]"]


def _number(value: x509.CRLNumber) -> list[str]:
    return [f"CRL Number: {value.crl_number}"]


_SHOWN: tuple[tuple[type[x509.ExtensionType], Callable[..., list[str]]], ...] = (
    (x509.BasicConstraints, _constraints),
    (x509.KeyUsage, _key_usage),
    (x509.ExtendedKeyUsage, _purposes),
    (x509.SubjectAlternativeName, _names("SubjectAlternativeName")),
    (x509.IssuerAlternativeName, _names("IssuerAlternativeName")),
    (x509.SubjectKeyIdentifier, _subject_key),
    (x509.AuthorityKeyIdentifier, _authority_key),
    (x509.CRLDistributionPoints, _points),
    (x509.AuthorityInformationAccess, _access),
    (x509.CRLNumber, _number),
)


def request_text(request: x509.CertificateSigningRequest) -> str:
    """Return everything about a request that keytool prints, without a final line end."""
    lines = [
        "PKCS #10 Certificate Request (Version 1.0)",
        f"Subject: {display_name(request.subject)}",
        "Format: X.509",
        f"Public Key: {_key_text(request)}",
        f"Signature algorithm: {signature_name(request)}",
    ]
    return "\n".join([*lines, *_extensions(request, "Extension Request:")])


def crl_text(crl: x509.CertificateRevocationList) -> str:
    """Return what a revocation list says: issuer, dates, and up to 1,000 revoked numbers."""
    following = crl.next_update_utc
    lines = [
        "X.509 CRL v2",
        f"Signature Algorithm: {signature_name(crl)}",
        f"Issuer: {display_name(crl.issuer)}",
        f"This Update: {moment_text(crl.last_update_utc)}",
        f"Next Update: {moment_text(following) if following is not None else '(none)'}",
    ]
    count = len(crl)
    lines.append(f"Revoked Certificates: {count}" if count else "NO certificates have been revoked")
    for number in range(min(count, 1000)):
        each = crl[number]
        lines.append(
            f"[{number + 1}] SerialNumber: {each.serial_number:x}  "
            f"On: {moment_text(each.revocation_date_utc)}"
        )
    return "\n".join([*lines, *_extensions(crl, "CRL Extensions:")])
