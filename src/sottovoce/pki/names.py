"""Names: what a certificate says it is called, and distinguished names as text.

Owns fingerprints, the readers of alternative names, and the grammar of ``keytool -dname``. Decides
nothing: whether a name *matches* is the business of :mod:`sottovoce.pki.naming`.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID, ObjectIdentifier

__all__ = [
    "UNREADABLE",
    "common_name",
    "display_name",
    "dns_names",
    "fingerprint",
    "ip_addresses",
    "key_fingerprint",
    "parse_name",
    "printable",
    "short_name",
    "uri_names",
]

#: Everything that the library raises for bytes that it cannot read: its errors have no common base.
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
#: Longest text that a name contributes to a message; the rest is cut in the middle.
DISPLAY_LIMIT = 200

#: RFC 4514 section 3 and the keywords of the JDK's keytool, upper-case.
_KEYWORDS = {
    "CN": NameOID.COMMON_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "L": NameOID.LOCALITY_NAME,
    "S": NameOID.STATE_OR_PROVINCE_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "C": NameOID.COUNTRY_NAME,
    "T": NameOID.TITLE,
    "STREET": NameOID.STREET_ADDRESS,
    "DC": NameOID.DOMAIN_COMPONENT,
    "UID": NameOID.USER_ID,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "DNQ": NameOID.DN_QUALIFIER,
    "DNQUALIFIER": NameOID.DN_QUALIFIER,
    "SURNAME": NameOID.SURNAME,
    "GIVENNAME": NameOID.GIVEN_NAME,
    "INITIALS": NameOID.INITIALS,
    "GENERATION": NameOID.GENERATION_QUALIFIER,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
    "EMAIL": NameOID.EMAIL_ADDRESS,
}
_LABELS = {oid: key for key, oid in reversed(_KEYWORDS.items()) if key not in ("S", "EMAIL")}
_SPECIAL = ',+"\\<>;='


def _hex_pairs(digest: bytes) -> str:
    return digest.hex(":").upper()


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate as upper-case pairs with colons, as keytool prints it."""
    return _hex_pairs(certificate.fingerprint(hashes.SHA256()))


def key_fingerprint(key: CertificatePublicKeyTypes) -> str:
    """Return the SHA-256 of a public key (its SubjectPublicKeyInfo), in the same form.

    Two certificates with equal key fingerprints are one identity (failure catalogue N8).
    """
    spki = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki)
    return _hex_pairs(digest.finalize())


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None
    return found.value


def dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the dNSName entries of the subject alternative name, in their order, as they stand.

    A certificate without that extension, or with one that cannot be read, has none; the common
    name is never among them (RFC 9525 section 2).
    """
    names = _alternative_names(certificate)
    return tuple(names.get_values_for_type(x509.DNSName)) if names else ()


def ip_addresses(certificate: x509.Certificate) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return the iPAddress entries of the subject alternative name, in their order."""
    names = _alternative_names(certificate)
    found = names.get_values_for_type(x509.IPAddress) if names else []
    return tuple(value for value in found if isinstance(value, IPv4Address | IPv6Address))


def uri_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the uniformResourceIdentifier entries of the alternative name, in their order."""
    names = _alternative_names(certificate)
    return tuple(names.get_values_for_type(x509.UniformResourceIdentifier)) if names else ()


def common_name(certificate: x509.Certificate) -> str:
    """Return the last common name of the subject, or the empty text; for display only."""
    try:
        found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except UNREADABLE:
        return ""
    return _text(found[-1].value) if found else ""


def short_name(name: x509.Name) -> str:
    """Return what a person calls the bearer of this name: its common name, else all of it."""
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(oid):
            return printable(_text(found[-1].value))
    return display_name(name)


def display_name(name: x509.Name) -> str:
    """Write a distinguished name as keytool does: ``CN=a, OU=b, O=c``, most specific first.

    Args:
        name: any name; control characters are shown escaped, long texts are cut in the middle.

    Returns:
        Text that :func:`parse_name` reads back, unless it had to be cut; ``(empty)`` for a name
        without any attribute.
    """
    parts = []
    for rdn in reversed(name.rdns):
        pairs = [
            f"{_LABELS.get(item.oid, item.oid.dotted_string)}={_escape(_text(item.value))}"
            for item in rdn
        ]
        parts.append("+".join(pairs))
    return _bounded(", ".join(parts)) or "(empty)"


def printable(text: str, limit: int = DISPLAY_LIMIT) -> str:
    """Make a stranger's text fit for one line of a message: no control characters, bounded."""
    clean = "".join(char if char.isprintable() else "�" for char in text[: 2 * limit])
    return clean if len(clean) <= limit else f"{clean[:limit]}…"


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()


def _bounded(text: str) -> str:
    if len(text) <= DISPLAY_LIMIT:
        return text
    half = DISPLAY_LIMIT // 2
    return f"{text[:half]}…{text[-half:]}"


def _escape(value: str) -> str:
    out = []
    for index, char in enumerate(value):
        edge_blank = char == " " and index in (0, len(value) - 1)
        if char in _SPECIAL or edge_blank or (char == "#" and index == 0):
            out.append("\\" + char)
        elif not char.isprintable():
            out.extend(f"\\{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        else:
            out.append(char)
    return "".join(out)


def parse_name(text: str) -> x509.Name:
    """Read a distinguished name as ``keytool -dname`` takes it.

    Args:
        text: ``CN=hub.test, OU=Mail, O="Example, Inc.", C=DE``: most specific first, parts parted
            by ``,`` or ``;``, several values of one part by ``+``. Keywords are those of RFC 4514
            and keytool in any case, or a dotted object identifier. A value may stand in double
            quotes; ``\\`` escapes the next character or gives a byte of UTF-8 as two hex digits.

    Returns:
        The name in the order of its encoding, the least specific part first.

    Raises:
        ValueError: what cannot be read, and where.
    """
    relative: list[x509.RelativeDistinguishedName] = []
    group: list[x509.NameAttribute[str | bytes]] = []
    for assertion, end in _assertions(text):
        group.append(_attribute(assertion))
        if end != "+":
            relative.append(x509.RelativeDistinguishedName(group))
            group = []
    if group:
        raise ValueError(f"the name {text!r} ends after a '+'")
    return x509.Name(reversed(relative))


def _assertions(text: str) -> Iterator[tuple[str, str]]:
    """Cut the text at unquoted, unescaped separators; yield each piece with what ended it."""
    if not text.strip():
        return
    piece: list[str] = []
    quoted = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char in ",;+" and not quoted:
            yield "".join(piece), char
            piece = []
            continue
        piece.append(char)
    if quoted:
        raise ValueError(f"the name {text!r} has an opening quote without a closing one")
    if escaped:
        raise ValueError(f"the name {text!r} ends in a single backslash")
    yield "".join(piece), ""


def _attribute(assertion: str) -> x509.NameAttribute[str | bytes]:
    keyword, equals, raw = assertion.partition("=")
    keyword = keyword.strip()
    if not equals or not keyword:
        raise ValueError(f"{assertion.strip()!r} is not of the form KEYWORD=value")
    value = _value(raw)
    if not value:
        raise ValueError(f"{keyword!r} has no value; leave the part out instead")
    try:
        return x509.NameAttribute(_oid(keyword), value)
    except ValueError as error:
        raise ValueError(f"{keyword}={value} cannot stand in a name: {error}") from error


def _oid(keyword: str) -> ObjectIdentifier:
    upper = keyword.upper()
    if upper in _KEYWORDS:
        return _KEYWORDS[upper]
    dotted = upper.removeprefix("OID.")
    if not dotted[:1].isdigit():
        known = ", ".join(_KEYWORDS)
        raise ValueError(f"{keyword!r} is no keyword of a name (known: {known})")
    return ObjectIdentifier(dotted)


def _value(raw: str) -> str:
    body = raw.lstrip()
    if body.startswith('"'):
        closing = _closing_quote(body)
        if body[closing + 1 :].strip():
            raise ValueError(f"text follows the closing quote in {raw.strip()!r}")
        return _unescape(body[1:closing])
    stripped = body.rstrip()
    if stripped.endswith("\\") and len(body) > len(stripped):
        stripped += " "
    return _unescape(stripped)


def _closing_quote(body: str) -> int:
    index = 1
    while body[index] != '"':
        index += 2 if body[index] == "\\" else 1
    return index


def _unescape(text: str) -> str:
    out = bytearray()
    index = 0
    while index < len(text):
        pair = text[index + 1 : index + 3]
        if text[index] != "\\":
            out += text[index].encode()
            index += 1
        elif len(pair) == 2 and all(c in "0123456789abcdefABCDEF" for c in pair):
            out.append(int(pair, 16))
            index += 3
        else:
            out += text[index + 1].encode()
            index += 2
    try:
        return out.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the escaped bytes in {text!r} are not UTF-8") from error
