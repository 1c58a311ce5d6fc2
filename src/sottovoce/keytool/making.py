"""``-genkeypair``, ``-certreq`` and ``-gencert``: keys, requests, and signing a request.

Owns these three verbs. Serial numbers and the time come from the world; nothing is written here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import AliasTaken, IssuanceError, WrongUsage
from sottovoce.keystore import PrivateKeyEntry, StoreFormat
from sottovoce.keytool.algorithms import Signing, describe_public, make_key, signing_for
from sottovoce.keytool.extensions import Requested, dns_extension, extension_name, parse_extensions
from sottovoce.keytool.world import Outcome, Session, Write
from sottovoce.pki import as_address, display_name, dns_name_problem, load_request, parse_name

__all__ = ["certreq", "gencert", "genkeypair"]

#: keytool's default, in days.
VALIDITY = 90
#: RFC 5280 section 4.1.2.5: no date after 9999.
_MOST_DAYS = 365 * 1000

_QUESTIONS = (
    ("CN", "What is your first and last name? (for a server: its full host name)"),
    ("OU", "What is the name of your organizational unit?"),
    ("O", "What is the name of your organization?"),
    ("L", "What is the name of your City or Locality?"),
    ("ST", "What is the name of your State or Province?"),
    ("C", "What is the two-letter country code for this unit?"),
)


def _number(session: Session, option: str, most: int) -> int | None:
    text = session.command.value(option)
    if text is None:
        return None
    if not text.isdigit() or not 0 < int(text[:9]) <= most:
        raise WrongUsage(f"Illegal value for -{option}: {text}; a number from 1 to {most}.")
    return int(text)


def _name(session: Session) -> x509.Name:
    text = session.command.value("dname")
    if text is not None:
        try:
            return parse_name(text)
        except ValueError as error:
            raise WrongUsage(f"-dname {text}: {error}") from error
    parts = []
    for key, question in _QUESTIONS:
        answer = session.world.ask(f"{question}\n  [Unknown]:  ")
        if answer is None:
            raise WrongUsage(
                "A name is needed, and nobody can be asked for it.", hint="Give -dname CN=HOST."
            )
        escaped = re.sub(r'([,+"\\<>;=])', r"\\\1", answer.strip())
        if escaped:
            parts.append(f"{key}={escaped}")
    return parse_name(", ".join(parts) or "CN=Unknown")


_STEP = re.compile(r"([+-])(\d{1,6})([ymdHMS])")
_DATE = re.compile(
    r"(?:(\d{4})/(\d\d)/(\d\d))?\s*(?:(\d\d):(\d\d):(\d\d))?",
)


def _started(session: Session) -> datetime:
    """Return the moment that ``-startdate`` means, to the second."""
    now = session.world.now().replace(microsecond=0)
    text = session.command.value("startdate")
    if text is None:
        return now
    try:
        return _shifted(now, text) if text[:1] in "+-" else _dated(now, text.strip())
    except (ValueError, OverflowError):
        raise WrongUsage(
            f"Illegal startdate value: {text}",
            hint="Write yyyy/mm/dd HH:MM:SS, or +-nnn with one of y m d H M S.",
        ) from None


def _dated(now: datetime, text: str) -> datetime:
    found = _DATE.fullmatch(text)
    if found is None or not text:
        raise ValueError(text)
    if found[1]:
        now = now.replace(year=int(found[1]), month=int(found[2]), day=int(found[3]))
    if found[4]:
        now = now.replace(hour=int(found[4]), minute=int(found[5]), second=int(found[6]))
    return now


def _shifted(moment: datetime, text: str) -> datetime:
    if _STEP.sub("", text):
        raise ValueError(text)
    for sign, digits, unit in _STEP.findall(text):
        count = int(sign + digits)
        if unit in "ym":
            months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "y" else 1)
            moment = _in_month(moment, months // 12, months % 12 + 1)
        else:
            names = {"d": "days", "H": "hours", "M": "minutes", "S": "seconds"}
            moment += timedelta(**{names[unit]: count})
    return moment


def _in_month(moment: datetime, year: int, month: int) -> datetime:
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month)


def _dates(session: Session) -> tuple[datetime, datetime]:
    days = _number(session, "validity", _MOST_DAYS) or VALIDITY
    start = _started(session)
    return start, start + timedelta(days=days)


def _host_name(name: x509.Name) -> str | None:
    """Return the common name of *name* where it could be a server's name or address."""
    for attribute in name.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
        value = attribute.value
        if isinstance(value, str) and (
            as_address(value) is not None or ("." in value and not dns_name_problem(value))
        ):
            return value
    return None


def _has_names(extensions: Iterable[Requested]) -> bool:
    return any(isinstance(each, x509.SubjectAlternativeName) for each, _ in extensions)


def genkeypair(session: Session) -> Outcome:
    """Make a key and the self-signed certificate that stands in until the reply comes.

    Raises:
        AliasTaken: there is such an entry.
        WrongUsage: the options do not make a key.
    """
    command = session.command
    algorithm = command.value("keyalg")
    if algorithm is None:
        raise WrongUsage("The -keyalg option must be specified.", hint="Use -keyalg EC.")
    size, group = _number(session, "keysize", 16384), command.value("groupname")
    extensions = parse_extensions(command.extensions)
    dates = _dates(session)
    store, password = session.open_or_new()
    alias = session.alias
    if alias in store:
        raise AliasTaken(
            f"Key pair not generated, alias <{alias}> already exists",
            hint="Choose another alias, or delete that entry first.",
            expected="an alias that is free",
            presented=alias,
        )
    subject = _name(session)
    key = make_key(algorithm, size=size, group=group)
    signing = signing_for(key, command.value("sigalg"))
    certificate = _Draft(
        subject=subject,
        public=key.public_key(),
        issuer=subject,
        dates=dates,
        serial=session.world.serial(),
        extensions=extensions,
    ).signed(key, signing)
    own = session.password("keypass")
    if own == password:
        own = None
    if own is not None and store.format is StoreFormat.PKCS12:
        session.say(
            "Warning:  Different store and key passwords not supported for PKCS12 KeyStores. "
            "Ignoring user-specified -keypass value."
        )
        own = None
    entry = PrivateKeyEntry(key, (certificate,), session.world.now(), own)
    days = (dates[1] - dates[0]).days
    session.say(
        f"Generating {_size(key)} key pair and self-signed certificate ({signing[1]}) "
        f"with a validity of {days:,} days\n\tfor: {display_name(subject)}"
    )
    if not _has_names(extensions):
        host = _host_name(subject)
        session.say(
            "Note: the certificate has no DNS name; partners ignore the common name. "
            + (f"-certreq will ask for {host}." if host else "Give -certreq -ext san=dns:HOST.")
        )
    return session.outcome(session.save(store.with_entry(alias, entry), password))


def _size(key: CertificateIssuerPrivateKeyTypes) -> str:
    bits, _, rest = describe_public(key.public_key()).partition("-bit ")
    return f"{int(bits):,} bit {rest.removesuffix(' key')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A certificate before it is signed."""

    subject: x509.Name
    public: CertificatePublicKeyTypes
    issuer: x509.Name
    dates: tuple[datetime, datetime]
    serial: int
    extensions: Sequence[Requested]

    def signed(self, key: CertificateIssuerPrivateKeyTypes, signing: Signing) -> x509.Certificate:
        """Sign the draft; the subject key identifier is added where none was asked for."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(self.issuer)
            .public_key(self.public)
            .serial_number(self.serial)
            .not_valid_before(self.dates[0])
            .not_valid_after(self.dates[1])
        )
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.public)
        for extension, critical in [*self.extensions, (identifier, False)]:
            builder = builder.add_extension(extension, critical)
        try:
            return builder.sign(key, signing[0])
        except ValueError as error:
            raise IssuanceError(f"The certificate cannot be made: {error}.") from error


def certreq(session: Session) -> Outcome:
    """Make a request for the key's certificate, signed with the key (PKCS#10).

    The request asks for the DNS names given with ``-ext san=``; without, for those of the present
    certificate; without those, for the common name where it is a host name.
    """
    extensions = parse_extensions(session.command.extensions)
    store, _ = session.open()
    entry = session.key_entry(store, session.alias)
    present = entry.certificate
    given = session.command.value("dname")
    subject = parse_name(given) if given is not None else present.subject
    if not _has_names(extensions):
        extensions += _names_to_ask(session, present, subject)
    hash_, _ = signing_for(entry.key, session.command.value("sigalg"))
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    identifier = x509.SubjectKeyIdentifier.from_public_key(entry.key.public_key())
    for extension, critical in [*extensions, (identifier, False)]:
        builder = builder.add_extension(extension, critical)
    request = builder.sign(entry.key, hash_)
    pem = request.public_bytes(Encoding.PEM).replace(
        b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"
    )
    return _emitted(
        session, "file", pem, "Certification request stored in file <{}>\nSubmit this to your CA"
    )


def _emitted(session: Session, option: str, data: bytes, said: str) -> Outcome:
    path = session.command.value(option)
    if path is None:
        return session.outcome(output=data)
    session.say(said.format(path))
    return session.outcome(Write(path, data, 0o644))


def _names_to_ask(
    session: Session, present: x509.Certificate, subject: x509.Name
) -> list[Requested]:
    try:
        names = present.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        host = _host_name(subject)
        if host is None:
            session.say(
                "Warning: the request asks for no DNS name, so no partner could match the "
                "certificate to this server. Give -ext san=dns:HOST."
            )
            return []
        session.say(f"Note: asking for the DNS name {host}, from the common name.")
        return [dns_extension(host)]
    return [(names, False)]


def gencert(session: Session) -> Outcome:
    """Sign a request with the key of ``-alias``, which acts as an authority.

    Raises:
        IssuanceError: the request is not signed by its own key.
        KeystoreError: there is no such key.
    """
    texts = session.command.extensions
    honoured = [text.partition("=")[2] for text in texts if _is_honoured(text)]
    extensions = parse_extensions([text for text in texts if not _is_honoured(text)])
    dates = _dates(session)
    store, _ = session.open()
    entry = session.key_entry(store, session.alias)
    request = load_request(session.read_file("infile"))
    if not request.is_signature_valid:
        raise IssuanceError(
            "The request is not signed by the key that it is for, or it was altered.",
            hint="Make it again: sottovoce keytool -certreq.",
        )
    given = session.command.value("dname")
    kinds = {each.oid for each, _ in extensions}
    asked = [each for each in _honoured(request, honoured) if each[0].oid not in kinds]
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(entry.key.public_key())
    certificate = _Draft(
        subject=parse_name(given) if given is not None else request.subject,
        public=request.public_key(),
        issuer=entry.certificate.subject,
        dates=dates,
        serial=session.world.serial(),
        extensions=[*extensions, *asked, (authority, False)],
    ).signed(entry.key, signing_for(entry.key, session.command.value("sigalg")))
    above = [each for each in entry.chain if each.subject != each.issuer]
    encoding = Encoding.PEM if session.flag("rfc") else Encoding.DER
    data = b"".join(each.public_bytes(encoding) for each in (certificate, *above))
    return _emitted(session, "outfile", data, "Certificate stored in file <{}>")


def _is_honoured(text: str) -> bool:
    return text.partition("=")[0].lower() == "honored"


def _honoured(request: x509.CertificateSigningRequest, lists: list[str]) -> list[Requested]:
    """Return the request's extensions that ``-ext honored=`` lets through.

    The list is ``all`` or names; ``-name`` leaves one out, ``name:critical`` sets its criticality.
    """
    found: dict[x509.ObjectIdentifier, Requested] = {}
    asked = [each for each in request.extensions if each.oid not in _OWN]
    for word in (word for text in lists for word in text.split(",")):
        name, _, mark = word.lstrip("-").partition(":")
        for each in asked:
            if name.lower() != "all" and not _is_named(each.oid, name):
                continue
            if word.startswith("-"):
                found.pop(each.oid, None)
            else:
                critical = mark.lower().startswith("c") if mark else each.critical
                found[each.oid] = (each.value, critical)
    return list(found.values())


#: The signer's own work, never taken from a request.
_OWN = (x509.SubjectKeyIdentifier.oid, x509.AuthorityKeyIdentifier.oid)


def _is_named(oid: x509.ObjectIdentifier, name: str) -> bool:
    known = getattr(x509, extension_name(name) or "", None)
    return oid == getattr(known, "oid", None) or oid.dotted_string == name
