"""``-ext`` values → X.509 extensions, in the JDK's notation and with its abbreviations.

Owns that little language: ``NAME[:critical][=VALUE]``. Which extensions a certificate should have
is the caller's choice; nothing is judged here.
"""

from collections.abc import Callable, Iterable, Sequence

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from sottovoce.errors import IssuanceError, WrongUsage
from sottovoce.pki import alternative_names, parse_name

__all__ = ["Requested", "dns_extension", "extension_name", "parse_extensions"]

#: An extension and whether it is critical.
Requested = tuple[x509.ExtensionType, bool]

_NAMES = (
    "BasicConstraints",
    "KeyUsage",
    "ExtendedKeyUsage",
    "SubjectAlternativeName",
    "IssuerAlternativeName",
    "AuthorityInfoAccess",
    "CRLDistributionPoints",
)
_SHORT = {
    "bc": "BasicConstraints",
    "ku": "KeyUsage",
    "eku": "ExtendedKeyUsage",
    "san": "SubjectAlternativeName",
    "ian": "IssuerAlternativeName",
    "aia": "AuthorityInfoAccess",
    "crl": "CRLDistributionPoints",
    "crldp": "CRLDistributionPoints",
}
_USAGES = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "contentCommitment": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}
_PURPOSES = {
    "anyExtendedKeyUsage": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
    "emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timeStamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "OCSPSigning": ExtendedKeyUsageOID.OCSP_SIGNING,
}


def _one_of(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that *word* abbreviates: whole, by its beginning, or by its initials."""
    known = list(choices)
    folded = word.lower()
    for fits in (
        lambda choice: choice.lower() == folded,
        lambda choice: choice.lower().startswith(folded),
        lambda choice: _initials(choice).lower() == folded,
    ):
        found = [choice for choice in known if fits(choice)]
        if len(found) == 1:
            return found[0]
    return None


def _initials(word: str) -> str:
    return word[0] + "".join(letter for letter in word[1:] if letter.isupper())


def _wrong(text: str, why: str) -> WrongUsage:
    return WrongUsage(f"-ext {text}: {why}")


def _constraints(value: str) -> x509.ExtensionType:
    authority, length = True, None
    for part in filter(None, value.split(",")):
        name, colon, rest = part.partition(":")
        if not colon and name.isdigit():
            length = int(name)
        elif name.lower() == "ca" and rest.lower() in ("true", "false"):
            authority = rest.lower() == "true"
        elif name.lower() == "pathlen" and rest.isdigit():
            length = int(rest)
        else:
            raise _wrong(f"bc={value}", "write ca:true or ca:false, and pathlen:NUMBER.")
    return x509.BasicConstraints(authority, length if authority else None)


def _key_usage(value: str) -> x509.ExtensionType:
    chosen = set()
    for word in value.split(","):
        name = _one_of(word, _USAGES)
        if name is None:
            raise _wrong(f"ku={value}", f"'{word}' is no key usage; they are {', '.join(_USAGES)}.")
        chosen.add(_USAGES[name])
    try:
        return x509.KeyUsage(**{name: name in chosen for name in dict.fromkeys(_USAGES.values())})
    except ValueError as error:
        raise _wrong(f"ku={value}", str(error)) from error


def _purposes(value: str) -> x509.ExtensionType:
    found = []
    for word in value.split(","):
        name = _one_of(word, _PURPOSES)
        found.append(_PURPOSES[name] if name else _identifier(f"eku={value}", word))
    return x509.ExtendedKeyUsage(found)


def _identifier(text: str, dotted: str) -> x509.ObjectIdentifier:
    try:
        return x509.ObjectIdentifier(dotted)
    except ValueError:
        raise _wrong(text, f"'{dotted}' is neither a known name nor an identifier.") from None


def _general_name(text: str, part: str) -> x509.GeneralName:
    kind, colon, value = part.partition(":")
    try:
        match kind.lower():
            case "dns" | "ip":
                name = alternative_names([value])[0]
                if kind.lower() == "dns" and not isinstance(name, x509.DNSName):
                    raise _wrong(text, f"{value} is an address; write ip:{value}.")
                return name
            case "email":
                return x509.RFC822Name(value)
            case "uri":
                return x509.UniformResourceIdentifier(value)
            case "oid":
                return x509.RegisteredID(_identifier(text, value))
            case "dirname":
                return x509.DirectoryName(parse_name(value))
    except (ValueError, IssuanceError) as error:
        raise _wrong(text, str(error)) from error
    raise _wrong(
        text,
        f"'{part}' has no known kind; write dns:NAME, ip:ADDRESS, email:, uri:, oid: or dirname:."
        if colon
        else f"'{part}' has no kind; write dns:{part}.",
    )


def _general_names(text: str, value: str) -> list[x509.GeneralName]:
    return [_general_name(text, part) for part in value.split(",") if part]


def _access(value: str) -> x509.ExtensionType:
    kinds = {
        "ocsp": AuthorityInformationAccessOID.OCSP,
        "caissuers": AuthorityInformationAccessOID.CA_ISSUERS,
    }
    found = []
    for part in value.split(","):
        method, _, place = part.partition(":")
        if method.lower() not in kinds:
            raise _wrong(f"aia={value}", "write ocsp:uri:URL or caIssuers:uri:URL.")
        name = _general_name(f"aia={value}", place)
        found.append(x509.AccessDescription(kinds[method.lower()], name))
    return x509.AuthorityInformationAccess(found)


def _points(value: str) -> x509.ExtensionType:
    names = _general_names(f"crl={value}", value)
    return x509.CRLDistributionPoints(
        [x509.DistributionPoint([name], None, None, None) for name in names]
    )


_MAKERS: dict[str, Callable[[str], x509.ExtensionType]] = {
    "BasicConstraints": _constraints,
    "KeyUsage": _key_usage,
    "ExtendedKeyUsage": _purposes,
    "SubjectAlternativeName": lambda value: x509.SubjectAlternativeName(
        _general_names(f"san={value}", value)
    ),
    "IssuerAlternativeName": lambda value: x509.IssuerAlternativeName(
        _general_names(f"ian={value}", value)
    ),
    "AuthorityInfoAccess": _access,
    "CRLDistributionPoints": _points,
}


def _other(text: str, dotted: str, value: str) -> x509.ExtensionType:
    try:
        octets = bytes.fromhex(value.replace(":", " "))
    except ValueError:
        raise _wrong(text, "the value of an extension by identifier is hexadecimal.") from None
    return x509.UnrecognizedExtension(_identifier(text, dotted), octets)


def extension_name(word: str) -> str | None:
    """Return the full name of the extension that *word* means, or None for an identifier."""
    return _SHORT.get(word.lower()) or _one_of(word, _NAMES)


def parse_extensions(texts: Sequence[str]) -> list[Requested]:
    """Understand the values of ``-ext``; a later one replaces an earlier one of its kind.

    Args:
        texts: the values in order, such as ``san=dns:hub.example.com`` or ``bc:c=ca:true``.

    Raises:
        WrongUsage: one cannot be understood; the message says how to write it.
    """
    found: dict[str, Requested] = {}
    for text in texts:
        head, _, value = text.partition("=")
        word, _, mark = head.partition(":")
        if mark and not "critical".startswith(mark.lower()):
            raise _wrong(text, f"':{mark}' is not understood; write :critical.")
        name = extension_name(word)
        if name is not None:
            if name != "BasicConstraints" and not value:
                raise _wrong(text, "a value is missing after '='.")
            made = _MAKERS[name](value)
        elif word[:1].isdigit():
            made = _other(text, word, value)
        else:
            raise _wrong(text, f"'{word}' is no extension; they are {', '.join(_SHORT)}.")
        found[made.oid.dotted_string] = (made, bool(mark))
    return list(found.values())


def dns_extension(name: str) -> Requested:
    """Return a subject alternative name of one DNS name or address."""
    return x509.SubjectAlternativeName(alternative_names([name])), False
