"""One server's home folder: its files, read so that no fault hides another.

Every reader here turns what the operating system says into a fault with the file's name and the
next step. Nothing is written.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sottovoce.errors import Fault, FormatError, IniSyntaxError, SettingsError
from sottovoce.ini import Document, Secret, survey
from sottovoce.policy import Component, check_owner_only
from sottovoce.server.reading import read_bytes
from sottovoce.server.settings import ServerSettings

__all__ = [
    "INI_FILES",
    "Faults",
    "Home",
    "check_private",
    "occupy",
    "passwords_in",
    "read_file",
    "read_ini",
    "read_passwords",
]

Value = TypeVar("Value")

#: Where each component's settings stand (white paper: ``tracker.ini`` in folder ``trk``).
INI_FILES = {
    Component.HUB: "hub/hub.ini",
    Component.LUI: "lui/lui.ini",
    Component.TRK: "trk/tracker.ini",
}


@dataclass
class Faults:
    """Collects faults over several files, so that all are reported at once."""

    found: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def attempt(self, read: Callable[[], Value]) -> Value | None:
        """Return what *read* gives, or None after taking note of its faults."""
        try:
            return read()
        except (SettingsError, IniSyntaxError) as error:
            if error.faults:
                self.found += error.faults
                return None
            self.found.append(error.as_fault())
        except FormatError as error:
            self.found.append(error.as_fault(file=error.source))
        return None

    def check(self, message: str) -> None:
        """Raise all that was found.

        Raises:
            SettingsError: when anything was.
        """
        if self.found:
            raise self.error(message)

    def error(self, message: str) -> SettingsError:
        """Return the error that carries all that was found."""
        return SettingsError(self.found, message=message)


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of a server home (DESIGN §3).

    Args:
        path: the folder, absolute.
    """

    path: Path

    @property
    def server_ini(self) -> Path:
        """Which components run here, under which name, on which ports."""
        return self.path / "server.ini"

    @property
    def ssl_ini(self) -> Path:
        """The switch: absent means plain (SPEC W3, W17)."""
        return self.path / "commands" / "ssl.ini"

    @property
    def conf(self) -> Path:
        """Keystores."""
        return self.path / "conf"

    @property
    def logs(self) -> Path:
        """One file for each component, one for the server, one for security."""
        return self.path / "logs"

    @property
    def serving(self) -> Path:
        """What the running server has written of the trust that is in force."""
        return self.path / "run" / "serving.json"

    @property
    def lock(self) -> Path:
        """Held by the running server, whose process id it names."""
        return self.path / "server.lock"

    def component_ini(self, component: Component) -> Path:
        """The settings of *component*."""
        return self.path / INI_FILES[component]

    def trusted_roots(self, settings: ServerSettings) -> Path:
        """The keystore of trusted roots (SPEC W15, W16)."""
        return settings.trusted_roots or self.conf / "cacerts"

    def trusted_roots_password(self, settings: ServerSettings) -> Path:
        """The file with its password."""
        return settings.trusted_roots_password_file or self.conf / "cacerts.password"

    def settings(self) -> ServerSettings:
        """Read ``server.ini``.

        Raises:
            SettingsError: with every fault.
        """
        if not self.server_ini.is_file():
            raise SettingsError(
                [
                    Fault(
                        code="file-missing",
                        why=f"{self.path} is no server home: it has no server.ini.",
                        file=str(self.server_ini),
                        hint="Make a home with 'sottovoce init --home DIR --name HOST "
                        "--components hub,lui,trk', or name another with --home.",
                    )
                ]
            )
        return ServerSettings.read(read_ini(self.server_ini), file=str(self.server_ini))


def read_file(path: Path, *, missing: str, hint: str) -> bytes:
    """Read a file.

    Args:
        path: which.
        missing: the code when it does not exist.
        hint: the next step then.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return read_bytes(path)
    except FileNotFoundError:
        fault = Fault(
            code=missing,
            why=f"{path} does not exist.",
            expected=f"a file {path.name}",
            presented="nothing" if path.parent.is_dir() else f"no folder {path.parent}",
            file=str(path),
            hint=hint,
        )
    except PermissionError:
        fault = Fault(
            code="file-unreadable",
            why=f"User {os.geteuid()} may not read the file ({_mode(path)}).",
            expected=f"a file that user {os.geteuid()} may read",
            presented=_mode(path),
            file=str(path),
            hint=f"Give the file to the service's user: chown {os.geteuid()} {path}",
        )
    except OSError as error:
        fault = Fault(
            code="file-unreadable",
            why=f"The file cannot be read: {error.strerror}.",
            expected="a file that can be read",
            presented=error.strerror or type(error).__name__,
            file=str(path),
            hint="Look at the path and the disk.",
        )
    raise SettingsError([fault])


def check_private(path: Path) -> None:
    """Refuse a file with a secret that others than its owner may read or change (SPEC W20).

    A file that is not there, or cannot be asked, is the matter of who reads it.

    Raises:
        SettingsError: others may.
    """
    try:
        found = path.stat()
    except OSError:
        return
    fault = check_owner_only(
        file=str(path), mode=found.st_mode, owner=found.st_uid, process_owner=os.geteuid()
    )
    if fault is not None:
        raise SettingsError([fault])


def read_ini(path: Path, *, hint: str = "Make it, or restore it from a backup.") -> Document:
    """Read an INI file as far as it goes; its faults stay in the document.

    Args:
        path: which.
        hint: the next step when it does not exist.

    Raises:
        SettingsError: it cannot be read.
        FormatError: it is too large to be one.
    """
    data = read_file(path, missing="file-missing", hint=hint)
    return survey(data, file=str(path))


def passwords_in(data: bytes) -> tuple[Secret, ...]:
    """Return the passwords of a password file: its first line, and what else it may be.

    A second line is there only while ``keytool -storepasswd -cacerts`` changes the password, or
    after that was interrupted: then one of the two opens the keystore.
    """
    try:
        lines = data.decode("utf-8").split("\n")[:2]
    except UnicodeDecodeError:
        return ()
    first, *rest = (line.removesuffix("\r") for line in lines)
    return tuple(Secret(line) for line in (first, *rest) if line) if first else ()


def read_passwords(path: Path) -> tuple[Secret, ...]:
    """Read an owner-only password file; see :func:`passwords_in`.

    Returns:
        One password, or two of which the second counts when the first does not fit.

    Raises:
        SettingsError: it cannot be read, is open to others, or is empty.
    """
    data = read_file(
        path, missing="file-missing", hint="Write the password into it, then chmod 600."
    )
    check_private(path)
    passwords = passwords_in(data)
    if not passwords:
        raise SettingsError(
            [
                Fault(
                    code="ini-empty-value",
                    why="The file holds no password.",
                    expected="one line of text in UTF-8",
                    file=str(path),
                    hint="Write the password into its first line.",
                )
            ]
        )
    return passwords


@contextmanager
def occupy(home: Home) -> Iterator[None]:
    """Hold the home for this process: two servers on one home would both send its mails.

    The lock is the system's, so it ends with the process, however that ends.

    Raises:
        SettingsError: another process has it, or the file cannot be made.
    """
    path = home.lock
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        fault = Fault(
            code="file-unwritable",
            why=f"{path} cannot be written: {error.strerror}.",
            file=str(path),
            hint=f"Let user {os.geteuid()} write to {home.path}.",
        )
        raise SettingsError([fault]) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SettingsError([_in_use(home, descriptor)]) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _in_use(home: Home, descriptor: int) -> Fault:
    holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return Fault(
        code="home-in-use",
        why=f"A server runs on {home.path} already, as process {holder}.",
        expected="one server for one home",
        presented="a second one",
        hint=f"Stop it first (kill {holder}), or start another home.",
        file=str(home.lock),
    )


def _mode(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "its folder is closed to that user"
    return f"mode {found.st_mode & 0o777:04o}, owner {found.st_uid}"
