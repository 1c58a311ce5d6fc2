"""Files of a certificate authority: bounded reads, passwords that their owner alone may read.

Every fault of the operating system becomes a :class:`StoreError` with the file's name.
"""

import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from sottovoce.errors import StoreError
from sottovoce.ini import Secret
from sottovoce.store import write_atomically

__all__ = [
    "PRIVATE",
    "generate_password",
    "read_bounded",
    "read_password",
    "write_own_files",
    "write_private",
    "write_public",
]

#: More than any request, certificate bundle or index of ours: a wrong file is not read whole.
FILE_LIMIT = 16 * 2**20
PUBLIC, PRIVATE = 0o644, 0o600
#: 192 bits, more than the key that the password protects.
PASSWORD_BYTES = 24


def read_bounded(path: Path) -> bytes:
    """Read a file whole, if it is not absurdly large.

    Raises:
        StoreError: it cannot be read, and why.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror}.", code="file-unreadable"
        ) from error
    if len(data) > FILE_LIMIT:
        raise StoreError(
            f"{path} is larger than {FILE_LIMIT // 2**20} MiB and is not read.",
            code="file-unreadable",
        )
    return data


def write_public(path: Path, data: bytes) -> None:
    """Write a file that everybody may read.

    Raises:
        StoreError: it cannot be written, and why.
    """
    _write(path, data, PUBLIC)


def write_private(path: Path, data: bytes) -> None:
    """Write a file for its owner alone.

    Raises:
        StoreError: it cannot be written, and why.
    """
    _write(path, data, PRIVATE)


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        write_atomically(path, data, mode=mode)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}.", code="file-unwritable"
        ) from error


def write_own_files(folder: Path, prefix: str, wanted: Mapping[str, bytes]) -> bool:
    """Have exactly *wanted* in a folder, of the files whose names begin with *prefix*.

    Args:
        folder: made when it is not there.
        prefix: of the files that are ours there; others are left alone.
        wanted: name → content; a file that has it already is not written again.

    Returns:
        Whether anything changed.

    Raises:
        StoreError: a file cannot be written or removed, and why.
    """
    changed = False
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, data in wanted.items():
            path = folder / name
            if not path.exists() or path.read_bytes() != data:
                write_atomically(path, data, mode=PUBLIC)
                changed = True
        for path in folder.glob(f"{prefix}*"):
            if path.name not in wanted:
                path.unlink()
                changed = True
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written: {error.strerror}.", code="file-unwritable"
        ) from error
    return changed


def read_password(path: Path) -> Secret:
    """Read a password from the first line of a file that its owner alone may read.

    Raises:
        StoreError: it cannot be read, others may read it, or it is empty.
    """
    data = read_bounded(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise StoreError(
            f"{path} holds a password and others may read it (mode {mode:04o}, 0600 expected).",
            hint=f"Run: chmod 600 {path}",
            code="password-file-open",
        )
    try:
        text = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} is not a text in UTF-8.", code="malformed") from error
    if not text or "\n" in text:
        raise StoreError(f"{path} holds no password in one line.", code="malformed")
    return Secret(text)


def generate_password() -> Secret:
    """Draw a password for the key of an authority."""
    return Secret(secrets.token_urlsafe(PASSWORD_BYTES))
