"""What makes a new home a secured one: keystore, trusted roots, revocation lists, ``ssl.ini``.

Owns the names of these files and what stands in them when the installation's own authority has
issued the certificate. Whether the authority is asked directly or over the network is not known
here; nothing is written either.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from sottovoce.errors import StoreError
from sottovoce.hub.authority import Issuer
from sottovoce.ini import Secret, dumps
from sottovoce.keystore import Keystore, PrivateKeyEntry, StoreFormat
from sottovoce.keystore import dumps as write_keystore
from sottovoce.pki import (
    KeyAlgorithm,
    dump_crl,
    generate_key,
    make_request,
    parse_name,
)
from sottovoce.policy import (
    ALLOWED_CLIENTS,
    KEYSTORE_PASSWORD,
    KEYSTORE_PATH,
    AllowedClients,
    Component,
)
from sottovoce.store import write_atomically

__all__ = [
    "KEYSTORE",
    "REVOCATION_FOLDER",
    "SWITCH",
    "Credentials",
    "certified_by",
    "check_outside",
    "managed_settings",
    "new_key",
    "secured_files",
    "write_secured",
]

#: Where a server that looks after itself keeps its revocation lists, within its home.
REVOCATION_FOLDER = Path("conf") / "revocation"
#: Where the keystore of a new home lies, and the switch of every home.
KEYSTORE = Path("conf") / "server.p12"
SWITCH = Path("commands") / "ssl.ini"
#: Random octets of the keystore's password: 144 bits, 24 characters.
_PASSWORD_OCTETS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a server needs in order to speak with its partners.

    Args:
        entry: its private key with its certificate and those above it.
        roots: whom it trusts.
        crls: file name → revocation list.
        allowed: the names of all servers, its own among them.
    """

    entry: PrivateKeyEntry = field(repr=False)
    roots: tuple[x509.Certificate, ...]
    crls: dict[str, x509.CertificateRevocationList]
    allowed: tuple[str, ...]


def managed_settings(home: Path) -> dict[str, str]:
    """Return the keys of ``server.ini`` by which a server takes its trust from HUB.

    Args:
        home: where it will lie, absolute.
    """
    return {"RevocationLists": str(home / REVOCATION_FOLDER), "TrustFromHub": "yes"}


def secured_files(
    credentials: Credentials,
    *,
    home: Path,
    keystore: Path = KEYSTORE,
    password: Secret | None = None,
) -> dict[Path, bytes]:
    """Return the keystore, the revocation lists and ``ssl.ini`` of a home, the switch last.

    Args:
        credentials: of the server.
        home: where it lies or will lie, absolute.
        keystore: where that is to lie, within the home.
        password: of the keystore, where ``server.ini`` says where it stands; None draws one, which
            then stands in ``ssl.ini``.

    Returns:
        The files by their paths within the home.
    """
    drawn = password or Secret(secrets.token_urlsafe(_PASSWORD_OCTETS))
    keys = Keystore(entries={"server": credentials.entry})
    store = write_keystore(keys, drawn, format=StoreFormat.PKCS12)
    lines = [
        (ALLOWED_CLIENTS.name, ",".join(AllowedClients(credentials.allowed).names)),
        (KEYSTORE_PATH.name, str(home / keystore)),
    ]
    if password is None:
        lines.append((KEYSTORE_PASSWORD.name, drawn.reveal()))
    return {
        keystore: store,
        **{REVOCATION_FOLDER / name: dump_crl(crl) for name, crl in credentials.crls.items()},
        SWITCH: dumps(lines),
    }


def write_secured(folder: Path, credentials: Credentials, *, home: Path) -> tuple[str, ...]:
    """Write the keystore, the revocation lists and ``ssl.ini`` of a home that is being built.

    The trusted roots are the business of whoever makes ``conf/cacerts``.

    Args:
        folder: in which the home is built; its folders ``conf`` and ``commands`` are there.
        credentials: of the server.
        home: where it will lie, absolute.

    Returns:
        What was written, relative to the home.

    Raises:
        OSError: as the operating system says.
    """
    files = secured_files(credentials, home=home)
    (folder / REVOCATION_FOLDER).mkdir(mode=0o700, exist_ok=True)
    for path, data in files.items():
        write_atomically(folder / path, data)
    return tuple(str(path) for path in files)


def certified_by(
    issuer: Issuer,
    name: str,
    components: Iterable[Component],
    *,
    allowed: tuple[str, ...],
    lifetime: timedelta,
    now: datetime,
) -> Credentials:
    """Make a key for the server on which the issuing authority lies, and have it certified.

    Args:
        issuer: which.
        name: of the server.
        components: that run there.
        allowed: the names of all servers.
        lifetime: of the certificate.
        now: UTC.

    Raises:
        IssuanceError: the authority declines.
        StoreError: it cannot record or read what it should.
    """
    roles = [component.role_uri for component in components]
    return Credentials(
        entry=new_key(issuer, [name], roles, lifetime=lifetime, now=now),
        roots=issuer.roots,
        crls=issuer.named_lists(now),
        allowed=allowed,
    )


def new_key(
    issuer: Issuer,
    names: Sequence[str],
    roles: Sequence[str],
    *,
    lifetime: timedelta,
    now: datetime,
) -> PrivateKeyEntry:
    """Make a key and have it certified by the authority in the same home.

    Args:
        issuer: which.
        names: of the server.
        roles: URI names.
        lifetime: of the certificate.
        now: UTC.

    Raises:
        IssuanceError: the authority declines.
        StoreError: it cannot record what it should.
    """
    key = generate_key(KeyAlgorithm.EC_P256)
    request = make_request(key, subject=parse_name(f"CN={names[0]}"), names=names)
    chain = issuer.sign(request, names=names, roles=roles, lifetime=lifetime, now=now)
    return PrivateKeyEntry(key, chain)


def check_outside(folder: Path, *homes: Path) -> None:
    """See that a root's folder is outside every server home.

    Args:
        folder: of the root; need not be there.
        homes: that are known; any other is found by its ``server.ini``.

    Raises:
        StoreError: it is within one.
    """
    place = folder.resolve()
    known = {home.resolve() for home in homes}
    for above in (place, *place.parents):
        if above in known or (above / "server.ini").is_file():
            raise StoreError(
                f"The root's folder {place} would lie in the server home {above}: whoever steals "
                "that home would have the root as well.",
                hint="Choose a folder outside every server home, such as a removable medium.",
                code="ca-inside-home",
            )
