"""Where a home is built before it takes its place, and what is left of that by a kill.

A home is built in a folder beside its place, which is locked for as long as it is worked on; the
system gives the lock back however the process ends. So a folder of that name that nobody has locked
is left from a process that is gone. Beside files, their next version lies for a moment, unlocked:
one that is older than that by far is left over. Such things may hold keys. Nothing else is touched:
the name must be one that only this program gives, the owner this user.
"""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sottovoce.errors import WrongUsage

__all__ = ["clear_abandoned", "clear_stray", "find_abandoned", "find_stray", "staged"]

#: A next version is on its way for milliseconds; on a disk that hangs, for a minute.
STRAY_AFTER = timedelta(hours=1)

_MARK = r"\.[0-9a-f]{8}\."
#: What :mod:`sottovoce.store` writes beside a file: its next version, its present one, its backup.
_STRAY = re.compile(rf"\..+{_MARK}(tmp|old|bak)")
#: Where HUB's issuing authority is made, beside its place.
_STRAY_AUTHORITY = re.compile(rf"\.ca{_MARK}tmp")
#: The folders of a home, as deep as a file of it lies.
_FOLDERS = (".", "commands", "conf", "conf/*", "hub", "hub/ca", "lui", "trk", "run")


@contextlib.contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Give a folder to build in; move it to *path* when all went well, else remove it.

    Raises:
        WrongUsage: there is something at that place already, or no folder can be made there.
    """
    path = path.absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise WrongUsage(
            f"{path} exists and is not empty.",
            hint="Choose another --home; nothing there was touched.",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder, held = _make_beside(path)
    except OSError as error:
        raise WrongUsage(
            f"{path} cannot be made: {error.strerror}.",
            hint="Choose a place that this user may write to.",
        ) from error
    try:
        yield folder
        if path.exists():
            path.rmdir()
        folder.rename(path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(held)


def _make_beside(path: Path) -> tuple[Path, int]:
    """Make a folder and lock it; who clears up may have taken one that was not locked yet."""
    while True:
        folder = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        folder.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            held = _open(folder)
            with contextlib.suppress(OSError):  # a file system without locks: nobody clears there
                fcntl.flock(held, fcntl.LOCK_EX)
            if _is(held, folder):
                return folder, held
            os.close(held)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _is(descriptor: int, path: Path) -> bool:
    """Tell whether what was opened still has that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


# Folders beside a home.


def find_abandoned(path: Path) -> tuple[Path, ...]:
    """Return the folders beside the home *path* in which one was built that is left over."""
    found = []
    for folder in _built_beside(path):
        with _taken(folder) as is_free:
            found += [folder] if is_free else []
    return tuple(found)


def clear_abandoned(path: Path) -> tuple[Path, ...]:
    """Remove what :func:`find_abandoned` finds; return what is gone."""
    gone = []
    for folder in _built_beside(path):
        with _taken(folder) as is_free:
            if is_free:
                shutil.rmtree(folder, ignore_errors=True)
                gone += [folder] if not folder.exists() else []
    return tuple(gone)


def _built_beside(path: Path) -> list[Path]:
    """Return the folders whose names and owner say that a home *path* was built there."""
    path = path.absolute()
    name = re.compile(rf"\.{re.escape(path.name)}{_MARK}tmp")
    try:
        found = [each for each in path.parent.iterdir() if name.fullmatch(each.name)]
    except OSError:
        return []
    return sorted(each for each in found if _is_own(each, stat.S_ISDIR))


@contextlib.contextmanager
def _taken(folder: Path) -> Iterator[bool]:
    """Take the folder's lock for a moment; tell whether that could be had."""
    try:
        held = _open(folder)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield _is(held, folder)
    finally:
        os.close(held)


# Files in a home.


def find_stray(home: Path, *, now: datetime) -> tuple[Path, ...]:
    """Return what a write in a home, or the making of HUB's authority, left when it was cut short.

    Args:
        home: its path.
        now: UTC.
    """
    hidden = [path for folder in _FOLDERS for path in sorted(home.glob(f"{folder}/.*"))]
    return tuple(path for path in hidden if _is_stray(path, home) and _is_old(path, now))


def _is_stray(path: Path, home: Path) -> bool:
    if path.parent == home / "hub" and _STRAY_AUTHORITY.fullmatch(path.name):
        return _is_own(path, stat.S_ISDIR)
    return _STRAY.fullmatch(path.name) is not None and _is_own(path, stat.S_ISREG)


def clear_stray(home: Path, *, now: datetime) -> tuple[Path, ...]:
    """Remove what :func:`find_stray` finds; return what is gone."""
    gone = []
    for path in find_stray(home, now=now):
        with contextlib.suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
            gone.append(path)
    return tuple(gone)


def _is_own(path: Path, kind: Callable[[int], bool]) -> bool:
    """Tell whether it is of that kind, no link, and this user's."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return kind(found.st_mode) and found.st_uid == os.geteuid()


def _is_old(path: Path, now: datetime) -> bool:
    """Tell whether it got its name long ago; a second name leaves the time of writing as it was."""
    try:
        named = path.lstat().st_ctime
    except OSError:
        return False
    return now - datetime.fromtimestamp(named, UTC) > STRAY_AFTER
