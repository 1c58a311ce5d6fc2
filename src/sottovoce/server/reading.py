"""Files that belong together, read once: what is validated is what is used.

Within :func:`reading_once` every file is read from the disk at most once, however many parts of the
program look at it, and it is remembered in which state it was. So a set of files is judged as one
moment of them (catalogue O1), and a later look tells whether any of them has changed since.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

__all__ = ["Mark", "Place", "Reading", "list_files", "read_bytes", "reading_once"]

#: The state of a file, or of a folder's list of files, as far as a look can tell without reading:
#: device, inode, size, times, mode and owner, or the system's error number; or the names.
Mark = tuple[int, ...] | tuple[str, ...]

#: A file; or a folder and the pattern of those files in it that were asked for.
Place = tuple[Path, str]


class Reading:
    """What was looked at, in which state; without the bytes, which hold secrets."""

    def __init__(self) -> None:
        self._marks: dict[Place, Mark] = {}
        self._held: dict[Path, bytes | OSError] = {}

    def note(self, path: Path) -> None:
        """Remember the state of a file without reading it."""
        self._marks.setdefault((path, ""), _mark_of(path))

    def marks_now(self) -> Mapping[Place, Mark]:
        """Return the present state of everything that was looked at."""
        return {
            (path, pattern): _names(path, pattern) if pattern else _mark_of(path)
            for path, pattern in self._marks
        }

    @property
    def marks(self) -> Mapping[Place, Mark]:
        """The state in which everything was when it was read."""
        return self._marks

    def read(self, path: Path) -> bytes:
        """Return the bytes of a file, from the disk when it is asked for the first time."""
        if path not in self._held:
            # The mark first: a change while it is read shows as a change afterwards.
            self.note(path)
            try:
                self._held[path] = path.read_bytes()
            except OSError as error:
                self._held[path] = error
        held = self._held[path]
        if isinstance(held, OSError):
            raise held
        return held

    def list(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """Return the files in *folder* that fit *pattern*, in their order."""
        names = self._marks.setdefault((folder, pattern), _names(folder, pattern))
        return tuple(folder / str(name) for name in names)

    def forget_contents(self) -> None:
        """Let go of the bytes."""
        self._held.clear()


_READING: ContextVar[Reading | None] = ContextVar("reading", default=None)


@contextmanager
def reading_once() -> Iterator[Reading]:
    """Within this block, and this thread or task, every file is read at most once."""
    reading = Reading()
    token = _READING.set(reading)
    try:
        yield reading
    finally:
        _READING.reset(token)
        reading.forget_contents()


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file; see :func:`reading_once`.

    Raises:
        OSError: as the operating system says.
    """
    reading = _READING.get()
    return path.read_bytes() if reading is None else reading.read(path)


def list_files(folder: Path, pattern: str) -> tuple[Path, ...]:
    """Return the files in *folder* that fit *pattern*, in their order; none without a folder."""
    reading = _READING.get() or Reading()
    return reading.list(folder, pattern)


def _names(folder: Path, pattern: str) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.glob(pattern)))


def _mark_of(path: Path) -> Mark:
    try:
        found = os.stat(path)  # noqa: PTH116 - a link counts as what it points to
    except OSError as error:
        return (error.errno or 0,)
    return (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_mode,
        found.st_uid,
    )
