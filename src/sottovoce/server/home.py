"""One server's home folder: its files, read so that no fault hides another.

Every reader here turns what the operating system says into a fault with the file's name and the
next step. Nothing is written.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sottovoce.errors import Fault, FormatError, IniSyntaxError, SettingsError
from sottovoce.ini import Document, Secret, survey
from sottovoce.policy import Component, check_owner_only
from sottovoce.server.settings import ServerSettings

__all__ = ["Faults", "Home", "read_file", "read_ini", "read_password", "read_private_file"]

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
            self.found.append(Fault(code=error.code, why=error.message, hint=error.hint))
        except FormatError as error:
            self.found.append(
                Fault(code=error.code, why=error.message, hint=error.hint, file=error.source)
            )
        return None

    def check(self, message: str) -> None:
        """Raise all that was found.

        Raises:
            SettingsError: when anything was.
        """
        if self.found:
            raise SettingsError(self.found, message=message)


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
        return path.read_bytes()
    except FileNotFoundError:
        fault = Fault(code=missing, why=f"{path} does not exist.", file=str(path), hint=hint)
    except PermissionError:
        fault = Fault(
            code="file-unreadable",
            why=f"User {os.geteuid()} may not read {path} ({_mode(path)}).",
            file=str(path),
            hint=f"Give the file to the service's user: chown {os.geteuid()} {path}",
        )
    except OSError as error:
        fault = Fault(
            code="file-unreadable",
            why=f"{path} cannot be read: {error.strerror}.",
            file=str(path),
            hint="Look at the path and the disk.",
        )
    raise SettingsError([fault])


def read_private_file(path: Path, *, missing: str, hint: str) -> bytes:
    """Read a file that holds a secret: it must be readable by its owner only (SPEC W20).

    Raises:
        SettingsError: it cannot be read, or others may read it.
    """
    data = read_file(path, missing=missing, hint=hint)
    found = path.stat()
    fault = check_owner_only(
        file=str(path), mode=found.st_mode, owner=found.st_uid, process_owner=os.geteuid()
    )
    if fault is not None:
        raise SettingsError([fault])
    return data


def read_ini(path: Path, *, private: bool = False) -> Document:
    """Read an INI file as far as it goes; its faults stay in the document.

    Raises:
        SettingsError: it cannot be read, or, when *private*, others may read it.
        FormatError: it is too large to be one.
    """
    reader = read_private_file if private else read_file
    data = reader(path, missing="file-missing", hint="Make it, or restore it from a backup.")
    return survey(data, file=str(path))


def read_password(path: Path) -> Secret:
    """Read a password from the first line of an owner-only file.

    Raises:
        SettingsError: it cannot be read, is open to others, or is empty.
    """
    data = read_private_file(
        path, missing="file-missing", hint="Write the password into it, then chmod 600."
    )
    try:
        password = data.decode("utf-8").splitlines()[0] if data.strip() else ""
    except UnicodeDecodeError:
        password = ""
    if not password:
        raise SettingsError(
            [
                Fault(
                    code="ini-empty-value",
                    why=f"{path} holds no password.",
                    expected="one line of text in UTF-8",
                    file=str(path),
                    hint="Write the password into its first line.",
                )
            ]
        )
    return Secret(password)


def _mode(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "its folder is closed to that user"
    return f"mode {found.st_mode & 0o777:04o}, owner {found.st_uid}"
