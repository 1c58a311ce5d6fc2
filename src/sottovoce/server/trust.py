"""From a home's files to a trust generation, or to every reason why there can be none.

Reads ``ssl.ini``, the keystore, the trusted roots and the revocation lists, and judges the server's
own certificate as its partners will, before any port is opened (catalogue, "offline before").
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509

from sottovoce.errors import Fault, FormatError, IntegrityError, KeystoreError, SettingsError
from sottovoce.ini import Secret, Settings
from sottovoce.keystore import Keystore, PrivateKeyEntry, loads
from sottovoce.policy import (
    ALLOWED_CLIENTS,
    KEYSTORE_PATH,
    Component,
    KeyRing,
    SslSettings,
    examine_ssl,
    misplaced_reply,
    read_ssl_settings,
)
from sottovoce.server.home import (
    Faults,
    Home,
    check_private,
    read_file,
    read_ini,
    read_passwords,
)
from sottovoce.server.passwords import (
    elsewhere,
    fitting,
    keystore_password,
    password_place,
)
from sottovoce.server.renaming import blame_renaming
from sottovoce.server.revocation import read_revocations, soft_warning
from sottovoce.server.settings import ServerSettings
from sottovoce.tls import TrustGeneration, identity_faults, own_faults

__all__ = [
    "StoreUse",
    "import_root",
    "is_secured",
    "keystore_fault",
    "load_generation",
    "own_fault",
    "read_identity",
    "read_keys",
    "read_keystore",
    "read_roots",
    "read_ssl",
    "read_switch",
    "ssl_store",
]


@dataclass(frozen=True, slots=True)
class StoreUse:
    """What a keystore is for, in messages.

    Args:
        label: what it is, such as ``The keystore of ssl.ini``.
        password: where its password stands, such as ``SSLKeystorePassword in …/ssl.ini``.
        missing: the next step when it does not exist.
    """

    label: str
    password: str
    missing: str = "Correct the path, or make the keystore with 'sottovoce keytool -genkeypair'."


def is_secured(home: Home) -> bool:
    """Return whether the switch is there; a dangling link counts as there (catalogue C6)."""
    return os.path.lexists(home.ssl_ini)


def read_keystore(path: Path, password: Secret, what: StoreUse) -> Keystore:
    """Open a keystore file.

    Args:
        path: absolute.
        password: the store's.
        what: what it is for.

    Raises:
        SettingsError: it is missing, unreadable, damaged, or the password does not open it.
    """
    data = _keystore_bytes(path, what)
    try:
        return loads(data, password)
    except (KeystoreError, FormatError) as error:
        fault = keystore_fault(error, path, what)
        if error.code == IntegrityError.code and _ends_blank(password):
            fault = replace(fault, why=f"{fault.why} Note: the value begins or ends in a blank.")
        raise SettingsError([fault]) from error


def _ends_blank(password: Secret) -> bool:
    text = password.reveal()
    return text != text.strip()


def _keystore_bytes(path: Path, what: StoreUse) -> bytes:
    return read_file(path, missing="keystore-missing", hint=what.missing)


def keystore_fault(error: KeystoreError | FormatError, path: Path, what: StoreUse) -> Fault:
    """Return what kept a keystore from being used, with the next step for this use of it."""
    hint = error.hint
    if error.code == IntegrityError.code:
        hint = (
            f"Correct {what.password} (mind blanks and backslashes); when that is right, restore "
            "the file from a backup."
        )
    elif error.code == "keystore-several-keys":
        hint = (
            "Give one of them a certificate for that name, or keep this server's key only and "
            f"delete the others: sottovoce keytool -delete -alias ALIAS -keystore {path}"
        )
    fault = error.as_fault(file=str(path))
    return replace(fault, why=f"{what.label}: {fault.why}", hint=hint)


def load_generation(
    home: Home,
    settings: ServerSettings,
    *,
    hosts: Mapping[Component, str],
    at: datetime,
    number: int = 1,
    may_heal: bool = False,
) -> tuple[TrustGeneration, tuple[Fault, ...]]:
    """Read everything that trust is decided by, and validate it as a set.

    Args:
        home: the server's home; it has an ``ssl.ini``.
        settings: of ``server.ini``.
        hosts: on which server each component is expected.
        at: UTC, for the dates of the own certificate.
        number: of the generation.
        may_heal: whether lists that are overdue are no more than a warning: this server fetches
            new ones once it runs, and lets nobody in before (``server.healing``).

    Returns:
        The generation, and warnings that refuse nothing.

    Raises:
        SettingsError: every fault of every file at once.
    """
    faults = Faults()
    faults.attempt(lambda: check_private(home.ssl_ini))
    ssl, keys = read_switch(home, settings, faults)
    roots = faults.attempt(lambda: read_roots(home, settings))
    known = faults.attempt(lambda: read_revocations(settings))
    if ssl is None or keys is None or roots is None or known is None:
        raise faults.error(_DOES_NOT_START)
    identity, others, unused = _identities(
        keys, lambda entry: identity_faults(entry, name=None, roots=roots, crls=known, at=at)
    )
    faults.warnings += (fault.at(file=str(ssl.keystore_path)) for fault in unused)
    soft = soft_warning(settings, home.server_ini)
    faults.warnings += [soft] if soft is not None else []
    generation = TrustGeneration.make(
        number=number,
        own_name=settings.server_name,
        identity=identity,
        roots=roots,
        allowed=ssl.allowed_clients,
        hosts=hosts,
        crls=known.lists,
        answers=known.answers,
        soft=known.soft,
        others=others,
    )
    for fault in own_faults(generation, at=at):
        managed = settings.trust_from_hub
        blamed = own_fault(fault, ssl.keystore_path, home, managed=managed)
        if may_heal and fault.code == "revocation-list-expired":
            faults.warnings.append(replace(blamed, warning=True))
        else:
            faults.found.append(blamed)
    faults.check(_DOES_NOT_START)
    return generation, tuple(faults.warnings)


_DOES_NOT_START = "The server does not start: its security settings are not right."


def read_switch(
    home: Home, settings: ServerSettings, faults: Faults
) -> tuple[SslSettings | None, KeyRing | None]:
    """Read ``ssl.ini`` and the keystore that it names, even when other entries are faulty."""
    ssl, values = read_ssl(home, settings, faults)
    if values is None:
        return None, None
    path, password = values.find(KEYSTORE_PATH), keystore_password(home, settings, values, faults)
    if path is None or password is None:
        return ssl, None
    name = settings.server_name
    keys = read_keys(path, password, ssl_store(home, settings), faults, name=name)
    if keys is not None:
        blame_renaming(
            faults.found,
            home=home,
            own_name=name,
            listed=values.find(ALLOWED_CLIENTS) or (),
            leaf=keys.chosen().entry.certificate,
        )
        misplaced = misplaced_reply(keys.store, keys.chosen().entry)
        faults.found += [misplaced.at(file=str(path))] if misplaced is not None else []
    return ssl, keys


def _identities(
    keys: KeyRing, faults_of: Callable[[PrivateKeyEntry], Sequence[Fault]]
) -> tuple[PrivateKeyEntry, list[PrivateKeyEntry], list[Fault]]:
    """Return the default identity, the good ones for other names, and a warning for the rest."""
    default = keys.chosen(lambda entry: not faults_of(entry))
    others, unused = list[PrivateKeyEntry](), list(keys.unusable)
    for key in (*keys.own, *keys.others):
        if key is default:
            continue
        wrong = faults_of(key.entry)
        if wrong:
            unused += [
                replace(fault, why=f"The key '{key.alias}' is not used: {fault.why}", warning=True)
                for fault in wrong[:1]
            ]
        elif key in keys.own:
            unused.append(_second(key.alias, default.alias))
        else:
            others.append(key.entry)
    return default.entry, others, unused


def _second(alias: str, used: str) -> Fault:
    return Fault(
        code="keystore-several-keys",
        why=f"The keys '{used}' and '{alias}' both have a good certificate for this server's "
        f"name; '{used}' is used, whose certificate is the newer one.",
        expected="one key for a name",
        presented=f"{used}, {alias}",
        hint="Delete the one that is no longer needed.",
        warning=True,
    )


def read_ssl(
    home: Home, settings: ServerSettings, faults: Faults
) -> tuple[SslSettings | None, Settings | None]:
    """Read ``ssl.ini``; its faults are noted.

    Returns:
        The settings when every rule holds, and the values of those entries that are right even
        when others are not; None for what there is not.
    """
    file = str(home.ssl_ini)
    document = faults.attempt(lambda: read_ini(home.ssl_ini))
    if document is None:
        return None, None
    other = elsewhere(home, settings)
    ssl = faults.attempt(
        lambda: read_ssl_settings(
            document, file=file, own_name=settings.server_name, elsewhere=other
        )
    )
    if ssl is not None:
        faults.warnings += ssl.warnings
    return ssl, examine_ssl(document, file=file, elsewhere=other).settings


def ssl_store(home: Home, settings: ServerSettings) -> StoreUse:
    """Return what the keystore of ``ssl.ini`` is called in messages."""
    return StoreUse("The keystore of ssl.ini", password_place(home, settings))


def read_keys(
    path: Path, password: Secret, what: StoreUse, faults: Faults, *, name: str
) -> KeyRing | None:
    """Return the private keys of a keystore, or None after taking note of every fault.

    Args:
        path: absolute.
        password: the store's.
        what: what it is for.
        faults: where they are noted.
        name: that the default key stands for, where there are several (SPEC W10).
    """
    faults.attempt(lambda: check_private(path))
    store = faults.attempt(lambda: read_keystore(path, password, what))
    if store is None:
        return None
    try:
        return KeyRing.of(store, name)
    except KeystoreError as error:
        faults.found.append(keystore_fault(error, path, what))
        return None


def read_identity(
    path: Path, password: Secret, what: StoreUse, faults: Faults, *, name: str = ""
) -> PrivateKeyEntry | None:
    """Return the one private key of a keystore, or the newest for *name*; see :func:`read_keys`."""
    keys = read_keys(path, password, what, faults, name=name)
    return None if keys is None else keys.chosen().entry


def read_roots(home: Home, settings: ServerSettings) -> tuple[x509.Certificate, ...]:
    """Read the trusted roots (SPEC W15, W16).

    Raises:
        SettingsError: with every fault.
    """
    path = home.trusted_roots(settings)
    faults = Faults()
    secret = home.trusted_roots_password(settings)
    missing = f"Restore it, or move {secret} away too and make both anew: {import_root(home)}"
    what = StoreUse("The keystore of trusted roots", f"the password in {secret}", missing)
    passwords = faults.attempt(lambda: read_passwords(secret))
    if passwords is None:
        faults.attempt(lambda: _keystore_bytes(path, what))
        raise faults.error(_DOES_NOT_START)
    store = read_keystore(path, fitting(path, passwords), what)
    if not store.trusted:
        raise SettingsError([_no_roots(path, home)])
    return store.trusted


def _no_roots(path: Path, home: Home) -> Fault:
    return Fault(
        code="issuer-unknown",
        why="No root is trusted here: every partner would be refused.",
        expected="the root certificate of the partners' CA",
        presented="an empty keystore",
        file=str(path),
        hint=f"Import it: {import_root(home)}",
    )


def import_root(home: Home) -> str:
    """Return the command that imports a root into the home's trusted roots."""
    return f"sottovoce keytool --home {home.path} -importcert -cacerts -alias root -file ROOT.pem"


def own_fault(fault: Fault, keystore: Path, home: Home, *, managed: bool = False) -> Fault:
    """Say whose certificate it is that has the fault, and what this server's next step is.

    Args:
        fault: of this server's own certificate.
        keystore: that holds it.
        home: the server's.
        managed: whether HUB renews it (``TrustFromHub``): then one that has expired was not renewed
            in time, and cannot prove any more who asks for the next (catalogue V6).
    """
    hint, code = fault.hint, fault.code
    match code:
        case "certificate-expired" if managed:
            code = "renewal-too-late"
            hint = (
                "Put the switch aside (sottovoce secure back), and join again by a new invitation "
                "of HUB (sottovoce invite, sottovoce join)."
            )
        case "root-untrusted" | "issuer-unknown":
            hint = (
                "If that authority is yours, compare the fingerprint and import its root: "
                f"{import_root(home)}"
            )
        case "not-yet-valid":
            hint = "Correct this machine's clock if it is wrong; else wait, or renew."
    return replace(
        fault,
        code=code,
        why=f"This server's own certificate: {fault.why}",
        hint=hint,
        file=str(keystore),
        line=None,
        key=None,
    )
