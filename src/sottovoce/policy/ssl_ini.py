"""``commands/ssl.ini``: exactly three entries, to the letter, and every fault at once (SPEC W17).

One of the three may stand elsewhere: where ``server.ini`` says that the keystore's password is in
a file or a credential, ``SSLKeystorePassword`` is left out or left empty (SPEC W20). A password in
two places is a fault, and so is one in none.

Owns the three keys and the rules that join them; refuses to open a file, to resolve a name or to
look whether the keystore exists. A half-written ``ssl.ini`` never means “unsecured” (catalogue C6).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini import (
    AbsolutePath,
    AnyKey,
    Document,
    Examined,
    HostName,
    Key,
    ListOf,
    Secret,
    SecretText,
    examine_table,
    normalise_host_name,
)
from sottovoce.policy.allowed import AllowedClients

__all__ = [
    "ALLOWED_CLIENTS",
    "KEYSTORE_PASSWORD",
    "KEYSTORE_PATH",
    "SSL_KEYS",
    "SslSettings",
    "examine_ssl",
    "read_ssl_settings",
]

ALLOWED_CLIENTS: Key[tuple[str, ...]] = Key(
    "SSLAllowedClients",
    ListOf(HostName(), noun="name", code_when_empty="allowed-list-empty"),
    required=True,
    help="The names of all servers that may speak to this one, this server's own name included, "
    "separated by commas without blanks. The names are those in the servers' certificates.",
)
KEYSTORE_PATH: Key[Path] = Key(
    "SSLKeystorePath",
    AbsolutePath(),
    required=True,
    help="The keystore with this server's private key and certificate, as a full path.",
)
KEYSTORE_PASSWORD: Key[Secret] = Key(
    "SSLKeystorePassword",
    SecretText(),
    required=True,
    help="The password of that keystore, in plain text: the file belongs to the service's account "
    "and is readable by nobody else. Where server.ini has KeystorePasswordFile or "
    "KeystorePasswordCredential, this entry is left out or empty.",
)

#: The three entries; no other may stand in the file (SPEC W17).
SSL_KEYS: tuple[AnyKey, ...] = (ALLOWED_CLIENTS, KEYSTORE_PATH, KEYSTORE_PASSWORD)

_MISSING = frozenset({"ini-missing-key", "ini-empty-value"})

_HALF_WRITTEN = (
    "The server does not start: a half-written ssl.ini never means “unsecured”. "
    "Correct it, or remove it to run without encryption."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SslSettings:
    """What ``ssl.ini`` says, once every rule holds.

    Args:
        allowed_clients: who may connect, and to whom this server connects.
        keystore_path: absolute.
        keystore_password: shown nowhere; None where ``server.ini`` says where it stands.
        file: where it stood.
        warnings: what was noticed and refused nothing, such as a blank at the password's end.
    """

    allowed_clients: AllowedClients
    keystore_path: Path
    keystore_password: Secret | None
    file: str
    warnings: tuple[Fault, ...] = ()


def examine_ssl(document: Document, *, file: str, elsewhere: str = "") -> Examined:
    """Compare ``ssl.ini`` with its table, and with what ``server.ini`` says of the password.

    Args:
        document: the parsed ``ssl.ini``.
        file: its path, for messages.
        elsewhere: the key of ``server.ini`` that says where the keystore's password stands, with
            the path of that file; empty where there is none.
    """
    examined = examine_table(document, SSL_KEYS, file=file)
    faults = [_or_elsewhere(fault) for fault in examined.faults]
    if elsewhere:
        faults = [fault for fault in examined.faults if not _says_it_is_missing(fault)]
        entry = document.entry(KEYSTORE_PASSWORD.name)
        if entry is not None and entry.value:
            faults.append(_twice(elsewhere, file, entry.line))
    faults.sort(key=_by_line)
    return replace(examined, faults=tuple(faults))


def read_ssl_settings(
    document: Document, *, file: str, own_name: str, elsewhere: str = ""
) -> SslSettings:
    """Return the settings of a secured server, or every reason why they are none (SPEC W17).

    Args:
        document: the parsed ``ssl.ini``; from :func:`sottovoce.ini.survey` when malformed escapes
            are to be reported together with everything else.
        file: its path, for messages.
        own_name: the name by which this server identifies itself (SPEC W9).
        elsewhere: as in :func:`examine_ssl`; the password is then None.

    Raises:
        SettingsError: with all faults: unknown, repeated, missing and empty entries, blanks,
            repetitions and addresses in the list, the own name missing from it, a relative path,
            single backslashes, a byte order mark, a password in two places. No message holds it.
        ValueError: ``own_name`` is no host name, which is a mistake in the caller.
    """
    own = normalise_host_name(own_name)
    examined = examine_ssl(document, file=file, elsewhere=elsewhere)
    faults = list(examined.faults)
    missing = _own_name_missing(document, own, file)
    if missing:
        faults.append(missing)
        faults.sort(key=_by_line)
    if faults:
        raise SettingsError(faults, message=_HALF_WRITTEN)
    return SslSettings(
        allowed_clients=AllowedClients(examined.settings.of(ALLOWED_CLIENTS)),
        keystore_path=examined.settings.of(KEYSTORE_PATH),
        keystore_password=examined.settings.find(KEYSTORE_PASSWORD),
        file=file,
        warnings=examined.settings.warnings,
    )


def _by_line(fault: Fault) -> tuple[bool, int]:
    return fault.line is None, fault.line or 0


def _says_it_is_missing(fault: Fault) -> bool:
    return fault.key == KEYSTORE_PASSWORD.name and fault.code in _MISSING


def _or_elsewhere(fault: Fault) -> Fault:
    """Say, where the password is missing, that it may also stand outside ``ssl.ini`` (SPEC W20)."""
    if not _says_it_is_missing(fault):
        return fault
    return replace(
        fault,
        hint=f"{fault.hint} Or name its place in server.ini: KeystorePasswordFile, or "
        "KeystorePasswordCredential.",
    )


def _twice(elsewhere: str, file: str, line: int) -> Fault:
    return Fault(
        code="keystore-password-twice",
        why=f"The password of the keystore stands here, and {elsewhere} says that it stands "
        "elsewhere: which of the two counts is not said.",
        expected="one place for the password",
        presented=f"{KEYSTORE_PASSWORD.name} in {file}, and {elsewhere}",
        hint=f"Remove the line {KEYSTORE_PASSWORD.name} from {file} if that other place is meant; "
        "else remove that key from server.ini.",
        file=file,
        line=line,
        key=KEYSTORE_PASSWORD.name,
    )


def _own_name_missing(document: Document, own: str, file: str) -> Fault | None:
    """Components of one server call each other through its own port, as clients (catalogue A2)."""
    entry = document.entry(ALLOWED_CLIENTS.name)
    if entry is None or not entry.value:
        return None
    for name in entry.value.split(","):
        try:
            if normalise_host_name(name.strip()) == own:
                return None
        except ValueError:
            continue  # no host name; that is a fault of its own
    return Fault(
        code="own-name-missing",
        why=f"{own} does not allow itself; the components of this server call each other through "
        "the same port.",
        expected=f"a list with {own} in it",
        presented=f"a list without {own}",
        hint=f"Add {own} to {ALLOWED_CLIENTS.name}.",
        file=file,
        line=entry.line,
        key=ALLOWED_CLIENTS.name,
    )
