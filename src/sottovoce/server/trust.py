"""From a home's files to a trust generation, or to every reason why there can be none.

Reads ``ssl.ini``, the keystore, the trusted roots and the revocation lists, and judges the server's
own certificate as its partners will, before any port is opened (catalogue, "offline before").
"""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cryptography import x509

from sottovoce.errors import Fault, FormatError, KeystoreError, SettingsError
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, PrivateKeyEntry, loads
from sottovoce.pki import load_crls
from sottovoce.policy import Component, SslSettings, read_ssl_settings
from sottovoce.server.home import Faults, Home, check_private, read_file, read_ini, read_password
from sottovoce.server.settings import ServerSettings
from sottovoce.tls import TrustGeneration, own_faults

__all__ = ["is_secured", "load_generation", "read_identity", "read_keystore"]


def is_secured(home: Home) -> bool:
    """Return whether the switch is there; a dangling link counts as there (catalogue C6)."""
    return os.path.lexists(home.ssl_ini)


def read_keystore(path: Path, password: Secret, *, what: str) -> Keystore:
    """Open a keystore file.

    Args:
        path: absolute.
        password: the store's.
        what: what it is, for messages: ``the keystore of ssl.ini``.

    Raises:
        SettingsError: it is missing, unreadable, damaged, or the password does not open it.
    """
    data = read_keystore_file(path)
    try:
        return loads(data, password)
    except (KeystoreError, FormatError) as error:
        raise SettingsError([_keystore_fault(error, path, what)]) from error


def read_keystore_file(path: Path) -> bytes:
    """Return the bytes of a keystore.

    Raises:
        SettingsError: it is missing or unreadable.
    """
    return read_file(
        path,
        missing="keystore-missing",
        hint="Correct the path, or make the keystore with 'sottovoce keytool -genkeypair'.",
    )


def _keystore_fault(error: KeystoreError | FormatError, path: Path, what: str) -> Fault:
    return Fault(
        code=error.code,
        why=f"{path}, {what}: {error.message}",
        expected=getattr(error, "expected", ""),
        file=str(path),
        hint=error.hint,
    )


def load_generation(
    home: Home,
    settings: ServerSettings,
    *,
    hosts: Mapping[Component, str],
    at: datetime,
    number: int = 1,
) -> tuple[TrustGeneration, tuple[Fault, ...]]:
    """Read everything that trust is decided by, and validate it as a set.

    Args:
        home: the server's home; it has an ``ssl.ini``.
        settings: of ``server.ini``.
        hosts: on which server each component is expected.
        at: UTC, for the dates of the own certificate.
        number: of the generation.

    Returns:
        The generation, and warnings that refuse nothing.

    Raises:
        SettingsError: every fault of every file at once.
    """
    faults = Faults()
    faults.attempt(lambda: check_private(home.ssl_ini))
    ssl = faults.attempt(lambda: _ssl_settings(home, settings))
    identity = None
    if ssl is not None:
        faults.warnings += ssl.warnings
        identity = read_identity(
            ssl.keystore_path, ssl.keystore_password, what="the keystore of ssl.ini", faults=faults
        )
    roots = faults.attempt(lambda: _roots(home, settings))
    crls = faults.attempt(lambda: _revocation_lists(settings.revocation_lists))
    if ssl is None or identity is None or roots is None or crls is None:
        raise faults.error(_DOES_NOT_START)
    generation = TrustGeneration.make(
        number=number,
        own_name=settings.server_name,
        identity=identity,
        roots=roots,
        allowed=ssl.allowed_clients,
        hosts=hosts,
        crls=crls,
    )
    for fault in own_faults(generation, at=at):
        faults.found.append(_own(fault, ssl.keystore_path))
    faults.check(_DOES_NOT_START)
    return generation, tuple(faults.warnings)


_DOES_NOT_START = "The server does not start: its security settings are not right."


def _ssl_settings(home: Home, settings: ServerSettings) -> SslSettings:
    path = home.ssl_ini
    document = read_ini(path)
    return read_ssl_settings(document, file=str(path), own_name=settings.server_name)


def read_identity(
    path: Path, password: Secret, *, what: str, faults: Faults
) -> PrivateKeyEntry | None:
    """Return the one private key of a keystore, or None after taking note of every fault.

    Args:
        path: absolute.
        password: the store's.
        what: what it is, for messages: ``the keystore of ssl.ini``.
        faults: where they are noted.
    """
    faults.attempt(lambda: check_private(path))
    store = faults.attempt(lambda: read_keystore(path, password, what=what))
    if store is None:
        return None
    try:
        return store.key_entry()
    except KeystoreError as error:
        faults.found.append(_keystore_fault(error, path, what))
        return None


def _roots(home: Home, settings: ServerSettings) -> tuple[x509.Certificate, ...]:
    path = home.trusted_roots(settings)
    faults = Faults()
    password = faults.attempt(lambda: read_password(home.trusted_roots_password(settings)))
    if password is None:
        faults.attempt(lambda: read_keystore_file(path))
        raise faults.error(_DOES_NOT_START)
    store = read_keystore(path, password, what="the keystore of trusted roots")
    if not store.trusted:
        raise SettingsError([_no_roots(path, home)])
    return store.trusted


def _no_roots(path: Path, home: Home) -> Fault:
    return Fault(
        code="issuer-unknown",
        why=f"{path} holds no trusted root: every partner would be refused.",
        expected="the root certificate of the partners' CA",
        presented="an empty keystore",
        file=str(path),
        hint="Import it: sottovoce keytool -importcert -cacerts -alias root "
        f"-file CA.pem --home {home.path}",
    )


def _revocation_lists(folder: Path | None) -> tuple[x509.CertificateRevocationList, ...]:
    if folder is None:
        return ()
    lists: list[x509.CertificateRevocationList] = []
    for path in sorted(folder.glob("*.crl")):
        data = read_file(path, missing="file-missing", hint="Fetch the list again.")
        lists += load_crls(data, source=str(path))
    if not lists:
        raise SettingsError(
            [
                Fault(
                    code="revocation-unknown",
                    why=f"RevocationLists names {folder}, and no list (*.crl) lies there.",
                    expected="a list from the issuer of every partner",
                    presented="none",
                    file=str(folder),
                    hint="Put the lists there, or remove RevocationLists from server.ini.",
                )
            ]
        )
    return tuple(lists)


def _own(fault: Fault, keystore: Path) -> Fault:
    """Say whose certificate it is that has the fault."""
    return Fault(
        code=fault.code,
        why=f"This server's own certificate: {fault.why}",
        expected=fault.expected,
        presented=fault.presented,
        hint=fault.hint,
        depth=fault.depth,
        file=str(keystore),
    )
