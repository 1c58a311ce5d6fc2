"""A plain home that is there gets what secures it: every file of that, or none.

Owns which files these are and the order in which they take their places. Every file is on the disk
before the first one takes its place; the switch, which makes the others count, takes it last.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini import Secret, with_value
from sottovoce.server.following import root_store
from sottovoce.server.home import Home, read_file, read_passwords
from sottovoce.server.passwords import password_file
from sottovoce.server.securing import (
    KEYSTORE,
    SWITCH,
    Credentials,
    managed_settings,
    secured_files,
)
from sottovoce.server.settings import ServerSettings
from sottovoce.store import write_together

__all__ = ["disk_faults", "files_for", "free_name", "own_password", "write_all"]


def files_for(
    home: Home,
    settings: ServerSettings,
    credentials: Credentials,
    now: datetime,
    *,
    keystore: Path | None = None,
    switch: Path = SWITCH,
) -> dict[Path, bytes]:
    """Return every file that secures the home, in the order in which they take their places.

    Args:
        home: as it is.
        settings: of its ``server.ini``.
        credentials: of the server.
        now: UTC.
        keystore: where that is to lie, within the home; None takes a name that is free.
        switch: where the switch is to lie, within the home.

    Raises:
        SettingsError: a file that is to be changed cannot be read.
    """
    secured = secured_files(
        credentials,
        home=home.path,
        keystore=keystore or free_name(home),
        password=own_password(home, settings),
    )
    server_ini = read_file(home.server_ini, missing="file-missing", hint="Restore it.")
    for key, value in managed_settings(home.path).items():
        server_ini = with_value(server_ini, key, value)
    *others, last = secured
    return {
        **{home.path / path: secured[path] for path in others},
        home.trusted_roots(settings): root_store(credentials.roots, home, settings, now),
        home.server_ini: server_ini,
        home.path / switch: secured[last],
    }


def own_password(home: Home, settings: ServerSettings) -> Secret | None:
    """Return the keystore's password where ``server.ini`` says where it stands; else None.

    Raises:
        SettingsError: it cannot be read.
    """
    place = password_file(home, settings)
    return read_passwords(place)[0] if place is not None else None


def free_name(home: Home) -> Path:
    """Return a name for the keystore that nothing has: one that is there may serve HTTPS (W12)."""
    number, path = 1, KEYSTORE
    while (home.path / path).exists():
        number += 1
        path = KEYSTORE.with_stem(f"{KEYSTORE.stem}-{number}")
    return path


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write everything or nothing; folders are made that are not there.

    Raises:
        OSError: the disk declined; everything is as it was.
    """
    made = []
    try:
        for folder in dict.fromkeys(path.parent for path in files):
            if not folder.exists():
                folder.mkdir(mode=0o700)
                made.append(folder)
        write_together(files)
    except BaseException:
        for folder in made:
            folder.rmdir()
        raise


@contextmanager
def disk_faults(home: Home, *, message: str, then: str) -> Iterator[None]:
    """Turn what the disk declined into a fault.

    Args:
        home: whose files are written.
        message: what has not happened.
        then: the step after that of freeing space.

    Raises:
        SettingsError: in place of the system's error.
    """
    try:
        yield
    except OSError as error:
        fault = Fault(
            code="file-unwritable",
            why=f"The files of {home.path} cannot be written: {error.strerror}.",
            file=str(error.filename or home.path),
            hint=f"Free space, or let this user write there; then {then}.",
        )
        raise SettingsError([fault], message=message) from error
