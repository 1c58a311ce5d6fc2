"""Where the keystore's password stands: in ``ssl.ini``, in a file, or in a credential of systemd's.

Owns the reading of the two places outside ``ssl.ini`` (SPEC W20). A credential is a file that
systemd lays below ``$CREDENTIALS_DIRECTORY`` for this service alone: owned by root or by the
service's user, readable by nobody else. Its mode is judged as that of every file with a secret.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from sottovoce.errors import Fault, FormatError, KeystoreError, SettingsError
from sottovoce.ini import Secret, Settings
from sottovoce.keystore import loads
from sottovoce.policy import KEYSTORE_PASSWORD, KEYSTORE_PATH
from sottovoce.server.home import Faults, Home, read_ini, read_passwords
from sottovoce.server.reading import read_bytes
from sottovoce.server.settings import ServerSettings

__all__ = [
    "elsewhere",
    "elsewhere_perhaps",
    "fitting",
    "keystore_password",
    "password_file",
    "password_place",
]

#: What systemd sets for a unit with credentials (systemd.exec(5), "CREDENTIALS").
_DIRECTORY = "CREDENTIALS_DIRECTORY"
#: Credentials that a message names.
_SHOWN = 6


def elsewhere(home: Home, settings: ServerSettings) -> str:
    """Return which key of ``server.ini`` says where the password stands; empty when none does."""
    return f"{settings.password_key} in {home.server_ini}" if settings.password_key else ""


def elsewhere_perhaps(home: Home) -> str:
    """Return the same of a ``server.ini`` that has faults: any key that begins so is taken for it.

    Then no second fault follows from the first.
    """
    try:
        entries = read_ini(home.server_ini).entries
    except (SettingsError, FormatError):
        return ""
    begun = any(entry.key.casefold().startswith("keystorepassword") for entry in entries)
    return f"KeystorePassword… in {home.server_ini}" if begun else ""


def password_place(home: Home, settings: ServerSettings) -> str:
    """Return where the password of ``ssl.ini``'s keystore is to be corrected, for messages."""
    if settings.keystore_password_file is not None:
        return f"the password in {settings.keystore_password_file}"
    if settings.keystore_password_credential is not None:
        return f"the credential that {elsewhere(home, settings)} names"
    return f"{KEYSTORE_PASSWORD.name} in {home.ssl_ini}"


def keystore_password(
    home: Home, settings: ServerSettings, values: Settings, faults: Faults
) -> Secret | None:
    """Return the password of ``ssl.ini``'s keystore, or None after taking note of every fault.

    Args:
        home: the server's.
        settings: of ``server.ini``, which may say where the password stands.
        values: of ``ssl.ini``, which holds it otherwise.
        faults: where they are noted.
    """
    if not settings.password_key:
        return values.find(KEYSTORE_PASSWORD)
    place = faults.attempt(lambda: password_file(home, settings))
    passwords = faults.attempt(lambda: read_passwords(place)) if place is not None else None
    if passwords is None:
        return None
    keystore = values.find(KEYSTORE_PATH)
    return fitting(keystore, passwords) if keystore is not None else passwords[0]


def fitting(keystore: Path, passwords: Sequence[Secret]) -> Secret:
    """Return the password that opens *keystore*; the last one when none of the others does.

    There are two while ``keytool -storepasswd`` is at work, or after that was interrupted.
    """
    *others, last = passwords
    for password in others:
        try:
            loads(read_bytes(keystore), password)
        except (KeystoreError, FormatError, OSError):
            continue
        return password
    return last


def password_file(home: Home, settings: ServerSettings) -> Path | None:
    """Return the file with the password, wherever ``server.ini`` says; None when it is ``ssl.ini``.

    Raises:
        SettingsError: the credential is not there; its name is not shown, since somebody may have
            written the password itself there.
    """
    if settings.keystore_password_credential is None:
        return settings.keystore_password_file
    directory = os.environ.get(_DIRECTORY)
    if not directory:
        raise SettingsError(
            [_no_credential(home, settings, "none: $CREDENTIALS_DIRECTORY is not set")]
        )
    path = Path(directory) / settings.keystore_password_credential
    if not path.exists():
        raise SettingsError([_no_credential(home, settings, _present(Path(directory)))])
    return path


def _present(directory: Path) -> str:
    try:
        names = sorted(path.name for path in directory.iterdir())
    except OSError as error:
        return f"none: {directory}: {error.strerror}"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}" if names else "none"


def _no_credential(home: Home, settings: ServerSettings, present: str) -> Fault:
    return Fault(
        code="credential-missing",
        why="The keystore's password is to come from a systemd credential, and there is none of "
        "that name.",
        expected=f"the credential that {settings.password_key} names",
        presented=present,
        hint="Let systemd start the server, with LoadCredential=NAME:/PATH in its unit; by hand: "
        "systemd-run --property=LoadCredential=NAME:/PATH --pipe --wait, and the command.",
        file=str(home.server_ini),
        key=settings.password_key,
    )
