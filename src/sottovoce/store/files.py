"""Files written so that an interruption leaves the old one or the new one, never half of either."""

import os
import secrets
from pathlib import Path

__all__ = ["write_atomically"]


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600, backup: bool = False) -> None:
    """Write *data* to *path*: temporary file, permissions, flush to disk, rename.

    Args:
        path: the file; its folder must exist.
        data: all of its bytes.
        mode: permissions, owner-only unless said otherwise; set before the first byte is written.
        backup: keep the previous version beside it as ``NAME.bak``.

    Raises:
        OSError: as the operating system says; *path* is then what it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        if backup and path.exists():
            _keep_previous(path)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _keep_previous(path: Path) -> None:
    kept = path.with_name(f"{path.name}.bak")
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}.bak")
    os.link(path, staged)
    staged.replace(kept)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
