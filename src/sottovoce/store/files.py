"""Files written so that an interruption leaves the old one or the new one, never half of either."""

import errno
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["write_atomically", "write_together"]

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


def write_together(files: Mapping[Path, bytes], *, mode: int | None = 0o600) -> None:
    """Write several files, all of them or none.

    Each is written beside its place first, and on the disk, so that a full disk changes nothing;
    then they are renamed, in the order given. When one cannot be, those before it are put back. A
    process that is killed between two renames leaves the first of them new: let the file that
    makes the others count be the last.

    Args:
        files: path → all of its bytes; the folders must exist.
        mode: permissions; None leaves each file the permissions that it has.

    Raises:
        OSError: as the operating system says; every file is then what it was.
    """
    beside: list[_Beside] = []
    try:
        for path, data in files.items():
            target = Path(os.path.realpath(path))
            pair = _Beside(target, _beside(target, "tmp"), _beside(target, "old"))
            beside.append(pair)
            own = stat.S_IMODE(target.stat().st_mode) if mode is None else mode
            _write_new(pair.new, data, mode=own, like=target)
            _link(target, pair.old)
        for number, pair in enumerate(beside):
            try:
                pair.new.replace(pair.target)
            except BaseException:
                for done in reversed(beside[:number]):
                    done.put_back()
                raise
    finally:
        for pair in beside:
            pair.new.unlink(missing_ok=True)
            pair.old.unlink(missing_ok=True)
    for folder in {pair.target.parent for pair in beside}:
        _sync_folder(folder)


@dataclass(frozen=True, slots=True)
class _Beside:
    """A file, its next version and its present one, beside it."""

    target: Path
    new: Path
    old: Path

    def put_back(self) -> None:
        """Make the file what it was."""
        if self.old.exists():
            self.old.replace(self.target)
        else:
            self.target.unlink(missing_ok=True)


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
        if _link(path, staged):
            staged.replace(path.with_name(f"{path.name}.bak"))
    finally:
        # Also after success: renaming one hard link over another of the same file leaves both.
        staged.unlink(missing_ok=True)


def _link(path: Path, other: Path) -> bool:
    """Give the file a second name, or a copy where there are no such; False when there is none."""
    try:
        os.link(path, other)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if not path.exists():
            return False
        _write_new(other, path.read_bytes(), mode=stat.S_IMODE(path.stat().st_mode), like=path)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
