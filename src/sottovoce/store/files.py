"""Files written so that an interruption leaves the old one or the new one, never half of either."""

import errno
import os
import secrets
import stat
from pathlib import Path

__all__ = ["write_atomically"]

#: What a file system says that knows no hard links, or not here.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV, errno.ENOSYS})


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600, backup: bool = False) -> None:
    """Write *data* to *path*: temporary file, permissions, flush to disk, rename.

    A symbolic link stays one, and what it points to is replaced. Where root replaces a user's
    file, it stays the user's. Of two writers at once one wins whole.

    Args:
        path: the file; its folder must exist.
        data: all of its bytes.
        mode: permissions, owner-only unless said otherwise; set before the first byte is written.
        backup: keep the previous version beside it as ``NAME.bak``.

    Raises:
        OSError: as the operating system says; *path* is then what it was, or, when only the flush
            of its folder failed, the new version.
    """
    target = Path(os.path.realpath(path))
    temporary = _beside(target, "tmp")
    try:
        _write_new(temporary, data, mode=mode, like=target)
        if backup:
            _keep_previous(target)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{suffix}")


def _write_new(path: Path, data: bytes, *, mode: int, like: Path) -> None:
    """Make the file *path* with *data* on the disk, owned as the file that it will replace."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        _keep_owner(descriptor, like)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _keep_owner(descriptor: int, like: Path) -> None:
    if os.geteuid() != 0:
        return
    try:
        previous = like.stat()
    except FileNotFoundError:
        return
    os.fchown(descriptor, previous.st_uid, previous.st_gid)


def _keep_previous(path: Path) -> None:
    """Make the present version ``NAME.bak`` in one step; *path* itself never goes missing."""
    staged = _beside(path, "bak")
    try:
        try:
            os.link(path, staged)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _write_new(staged, path.read_bytes(), mode=stat.S_IMODE(path.stat().st_mode), like=path)
        staged.replace(path.with_name(f"{path.name}.bak"))
    finally:
        # Also after success: renaming one hard link over another of the same file leaves both.
        staged.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
