"""The steps by which a plain server becomes secured, and plain again; each is whole or nothing.

Preparing writes everything that secures the home except the switch, which waits beside its place.
Where the installation is its own authority and the server is not HUB's, the certificate crosses in
two files that people carry: a request, of which the key never leaves its home, and a reply, which
counts only when its SHA-256 is the one that HUB's server has shown.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import Fault, FormatError, SettingsError
from sottovoce.hub.authority import Issuer
from sottovoce.ini import normalise_host_name
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import (
    BACKDATE,
    KeyAlgorithm,
    RevocationEvidence,
    fingerprint,
    generate_key,
    load_certificates,
    load_crls,
    make_request,
    self_signed,
    subject_for,
)
from sottovoce.policy import KEYSTORE_PATH, Component
from sottovoce.server.existing import disk_faults, files_for, free_name, own_password, write_all
from sottovoce.server.following import list_name
from sottovoce.server.home import Faults, Home
from sottovoce.server.securing import SWITCH, Credentials, secured_files
from sottovoce.server.settings import ServerSettings
from sottovoce.server.switching import (
    PREPARED,
    PreparedHome,
    Stage,
    secured_already,
    stage_of,
)
from sottovoce.server.trust import read_ssl, read_switch
from sottovoce.tls import identity_faults

__all__ = [
    "Reply",
    "accept_reply",
    "ask_for",
    "prepare_with",
    "reply_print",
    "sign_request",
]

_NOT_PREPARED = "The server was not prepared; nothing was changed."
#: How long a request may wait for its reply: the life of the certificate that holds its key.
_REQUEST_LIFETIME = timedelta(days=30)


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag="sottovoce-reply-1"):
    """What HUB's server gives for a request; nothing in it is secret.

    Args:
        server: for which.
        chain: its certificate and those above it, DER, the root last.
        roots, crls: whom to trust, and what is revoked; DER.
        allowed: the names of all servers.
    """

    server: str
    chain: tuple[bytes, ...]
    roots: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    allowed: tuple[str, ...]

    def data(self) -> bytes:
        """Return the bytes of the file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def reply_print(data: bytes) -> str:
    """Return the SHA-256 of a reply's file, as people compare it."""
    return hashlib.sha256(data).digest().hex(":").upper()


# Preparing.


def prepare_with(
    home: Home, settings: ServerSettings, credentials: Credentials, now: datetime
) -> tuple[Path, ...]:
    """Write everything that secures the home; the switch waits.

    Args:
        home: plain; prepared before, perhaps.
        settings: of its ``server.ini``.
        credentials: of the server.
        now: UTC.

    Returns:
        The files that were written.

    Raises:
        SettingsError: the home is secured, or the disk declines; nothing was changed.
    """
    _check_plain(home)
    place = _keystore_before(home, settings)
    files = files_for(home, settings, credentials, now, keystore=place, switch=PREPARED)
    _write(home, files)
    return tuple(files)


def _check_plain(home: Home) -> None:
    if stage_of(home) is Stage.SWITCHED:
        raise SettingsError([secured_already(home)], message=_NOT_PREPARED)


def _keystore_before(home: Home, settings: ServerSettings) -> Path | None:
    """Return the keystore that holds the key of a request, and nothing of worth without it."""
    if stage_of(home) is not Stage.PREPARED:
        return None
    prepared, faults = PreparedHome(home.path), Faults()
    _, values = read_ssl(prepared, settings, faults)
    _, keys = read_switch(prepared, settings, faults)
    path = values.find(KEYSTORE_PATH) if values is not None else None
    if path is None or keys is None or not path.is_relative_to(home.path):
        return None
    leaf = keys.chosen().entry.chain[0]
    return path.relative_to(home.path) if leaf.issuer == leaf.subject else None


def _write(home: Home, files: Mapping[Path, bytes]) -> None:
    with disk_faults(home, message=_NOT_PREPARED, then="repeat this"):
        write_all(files)


def ask_for(home: Home, settings: ServerSettings, now: datetime) -> x509.CertificateSigningRequest:
    """Make a key that stays in the home's keystore, and return the request for its certificate.

    Args:
        home: plain.
        settings: of its ``server.ini``.
        now: UTC.

    Raises:
        SettingsError: the home is secured, or prepared with a certificate; or the disk declines.
    """
    _check_plain(home)
    name = settings.server_name
    key = generate_key(KeyAlgorithm.EC_P256)
    subject = subject_for([name])
    holder = self_signed(
        key,
        subject,
        names=[name],
        serial=secrets.randbits(120) + 1,
        not_before=now - BACKDATE,
        not_after=now + _REQUEST_LIFETIME,
    )
    credentials = Credentials(
        entry=PrivateKeyEntry(key, (holder,)), roots=(), crls={}, allowed=(name,)
    )
    place = _keystore_before(home, settings) or free_name(home)
    password = own_password(home, settings)
    made = secured_files(credentials, home=home.path, keystore=place, password=password)
    _write(home, {home.path / place: made[place], home.path / PREPARED: made[SWITCH]})
    return make_request(key, subject=subject, names=[name])


def sign_request(
    request: x509.CertificateSigningRequest,
    issuer: Issuer,
    *,
    places: Mapping[Component, str],
    lifetime: timedelta,
    now: datetime,
) -> Reply:
    """Certify the server that a request is for.

    Args:
        request: of which name and key count.
        issuer: the installation's authority, in HUB's home.
        places: on which server each component runs, HUB's own among them.
        lifetime: of the certificate.
        now: UTC.

    Raises:
        SettingsError: the request is for no server of the installation.
        IssuanceError: the authority declines.
        StoreError: it cannot record what it should.
    """
    name = _asked_name(request)
    here = [each for each, place in places.items() if normalise_host_name(place) == name]
    if not here:
        names = ", ".join(dict.fromkeys(places.values()))
        raise SettingsError(
            [
                Fault(
                    code="component-unexpected",
                    why=f"The request is for {name or 'no server'}, which is none of this "
                    "installation.",
                    expected=names,
                    presented=name or "no DNS name",
                    hint="Correct ServerName there, or LuiHost or TrackerHost in hub/hub.ini.",
                )
            ],
            message="Nothing was signed.",
        )
    roles = [component.role_uri for component in here]
    chain = issuer.sign(request, names=[name], roles=roles, lifetime=lifetime, now=now)
    der = Encoding.DER
    return Reply(
        server=name,
        chain=tuple(each.public_bytes(der) for each in chain),
        roots=tuple(each.public_bytes(der) for each in issuer.roots),
        crls=tuple(each.public_bytes(der) for each in issuer.revocation_lists(now)),
        allowed=tuple(dict.fromkeys(normalise_host_name(place) for place in places.values())),
    )


def _asked_name(request: x509.CertificateSigningRequest) -> str:
    """Return the one DNS name of a request; empty when there is none, or more than one."""
    try:
        found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    names = found.get_values_for_type(x509.DNSName)
    try:
        return normalise_host_name(names[0]) if len(names) == 1 else ""
    except ValueError:
        return ""


def accept_reply(
    home: Home, settings: ServerSettings, data: bytes, *, expected: str, now: datetime
) -> tuple[Path, ...]:
    """Write what a reply makes of the home; the switch waits.

    Args:
        home: plain, with a request under way.
        settings: of its ``server.ini``.
        data: the reply's bytes.
        expected: the SHA-256 that HUB's server has shown; colons and case do not count.
        now: UTC.

    Returns:
        The files that were written.

    Raises:
        SettingsError: the reply is not that one, or not for this server's key, or this server
            could not work with it; nothing was changed.
    """
    _check_plain(home)
    presented = reply_print(data)
    if _plain_print(presented) != _plain_print(expected):
        fault = _refused(
            "The reply is not the one that HUB's server has shown.",
            expected=expected,
            presented=presented,
            hint="Copy the file again, and compare its SHA-256 with what 'sottovoce secure sign' "
            "printed.",
        )
        raise SettingsError([fault], message=_NOT_PREPARED)
    credentials = _credentials(home, settings, _read(data))
    faults = identity_faults(
        credentials.entry,
        name=settings.server_name,
        roots=credentials.roots,
        crls=RevocationEvidence(lists=tuple(credentials.crls.values())),
        at=now,
    )
    if faults:
        raise SettingsError(faults, message=_NOT_PREPARED)
    return prepare_with(home, settings, credentials, now)


def _plain_print(text: str) -> str:
    return text.replace(":", "").replace(" ", "").upper()


def _refused(why: str, *, expected: str = "", presented: str = "", hint: str) -> Fault:
    return Fault(code="reply-refused", why=why, expected=expected, presented=presented, hint=hint)


def _read(data: bytes) -> Reply:
    try:
        return msgspec.json.decode(data, type=Reply)
    except msgspec.DecodeError as error:
        hint = "Have it made anew on HUB's server: sottovoce secure sign."
        fault = _refused(f"The reply cannot be read: {error}.", hint=hint)
        raise SettingsError([fault], message=_NOT_PREPARED) from error


@dataclass(frozen=True, slots=True)
class _Parsed:
    chain: tuple[x509.Certificate, ...]
    roots: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]


def _parsed(reply: Reply) -> _Parsed:
    def certificates(data: Iterable[bytes]) -> tuple[x509.Certificate, ...]:
        return tuple(each for one in data for each in load_certificates(one, source="the reply"))

    try:
        return _Parsed(
            chain=certificates(reply.chain),
            roots=certificates(reply.roots),
            crls=tuple(each for one in reply.crls for each in load_crls(one, source="the reply")),
        )
    except FormatError as error:
        hint = "Have it made anew on HUB's server: sottovoce secure sign."
        fault = _refused(f"The reply cannot be read: {error.message}", hint=hint)
        raise SettingsError([fault], message=_NOT_PREPARED) from error


def _credentials(home: Home, settings: ServerSettings, reply: Reply) -> Credentials:
    """Join what the reply says with the key that waits for it."""
    parsed = _parsed(reply)
    entry = _waiting(home, settings)
    name = normalise_host_name(settings.server_name)
    if reply.server != name:
        fault = _refused(
            "The reply is for another server.",
            expected=name,
            presented=reply.server,
            hint="Use the reply to this server's own request.",
        )
        raise SettingsError([fault], message=_NOT_PREPARED)
    try:
        joined = PrivateKeyEntry(entry.key, parsed.chain)
        same = parsed.chain[0].public_key() == entry.chain[0].public_key()
    except (ValueError, IndexError):
        same = False
    if not same:
        fault = _refused(
            "The reply is for another key than the one that waits here.",
            expected="the certificate of the newest request",
            presented=fingerprint(parsed.chain[0]) if parsed.chain else "none",
            hint="Have the newest request signed: sottovoce secure prepare --request makes one.",
        )
        raise SettingsError([fault], message=_NOT_PREPARED)
    crls = {list_name(crl): crl for crl in parsed.crls}
    return Credentials(entry=joined, roots=parsed.roots, crls=crls, allowed=reply.allowed)


def _waiting(home: Home, settings: ServerSettings) -> PrivateKeyEntry:
    if stage_of(home) is not Stage.PREPARED:
        fault = _refused(
            "This server has made no request.",
            expected=str(home.path / PREPARED),
            presented="no such file",
            hint="Make one: sottovoce secure prepare --request FILE",
        )
        raise SettingsError([fault], message=_NOT_PREPARED)
    faults = Faults()
    _, keys = read_switch(PreparedHome(home.path), settings, faults)
    if keys is None:
        raise faults.error(_NOT_PREPARED)
    return keys.chosen().entry
