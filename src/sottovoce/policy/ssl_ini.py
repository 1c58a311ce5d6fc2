"""``commands/ssl.ini``: exactly three entries, to the letter, and every fault at once (SPEC W17).

Owns the three keys and the rules that join them; refuses to open a file, to resolve a name or to
look whether the keystore exists. A half-written ``ssl.ini`` never means “unsecured” (catalogue C6).
"""

from dataclasses import dataclass
from pathlib import Path

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini import (
    AbsolutePath,
    AnyKey,
    Document,
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
    "and is readable by nobody else.",
)

#: The three entries; no other may stand in the file (SPEC W17).
SSL_KEYS: tuple[AnyKey, ...] = (ALLOWED_CLIENTS, KEYSTORE_PATH, KEYSTORE_PASSWORD)

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
        keystore_password: shown nowhere.
        file: where it stood.
        warnings: what was noticed and refused nothing, such as a blank at the password's end.
    """

    allowed_clients: AllowedClients
    keystore_path: Path
    keystore_password: Secret
    file: str
    warnings: tuple[Fault, ...] = ()


def read_ssl_settings(document: Document, *, file: str, own_name: str) -> SslSettings:
    """Return the settings of a secured server, or every reason why they are none (SPEC W17).

    Args:
        document: the parsed ``ssl.ini``; from :func:`sottovoce.ini.survey` when malformed escapes
            are to be reported together with everything else.
        file: its path, for messages.
        own_name: the name by which this server identifies itself (SPEC W9).

    Raises:
        SettingsError: with all faults: unknown, repeated, missing and empty entries, blanks,
            repetitions and addresses in the list, the own name missing from it, a relative path,
            single backslashes, a byte order mark. No message holds the password.
        ValueError: ``own_name`` is no host name, which is a mistake in the caller.
    """
    own = normalise_host_name(own_name)
    examined = examine_table(document, SSL_KEYS, file=file)
    faults = list(examined.faults)
    missing = _own_name_missing(document, own, file)
    if missing:
        faults.append(missing)
        faults.sort(key=lambda fault: (fault.line is None, fault.line or 0))
    if faults:
        raise SettingsError(faults, message=_HALF_WRITTEN)
    return SslSettings(
        allowed_clients=AllowedClients(examined.settings.of(ALLOWED_CLIENTS)),
        keystore_path=examined.settings.of(KEYSTORE_PATH),
        keystore_password=examined.settings.of(KEYSTORE_PASSWORD),
        file=file,
        warnings=examined.settings.warnings,
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
