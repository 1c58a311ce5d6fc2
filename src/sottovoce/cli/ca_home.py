"""The folder of a small certificate authority: its key, its index, its audit log.

Owns the files and their permissions, the password of the key, and the lock that keeps two commands
from writing the index at once. What may be issued is decided in :mod:`sottovoce.pki`.

    DIR/root.pem        the root certificate, for everybody
    DIR/root.key.pem    its private key, encrypted, owner only
    DIR/password        the key's password, owner only; only when it was generated
    DIR/index.json      every certificate that was issued, and which were revoked
    DIR/audit.log       one JSON line for every act
"""

import contextlib
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sottovoce.errors import StoreError
from sottovoce.ini import Secret
from sottovoce.pki import (
    Authority,
    dump_certificates,
    dump_private_key,
    load_certificates,
    load_private_key,
)
from sottovoce.store import write_atomically

__all__ = ["Home", "Index", "Issued", "read_bounded", "read_password", "write_public"]

#: More than any request, certificate bundle or index of ours: a wrong file is not read whole.
FILE_LIMIT = 16 * 2**20
PUBLIC, PRIVATE = 0o644, 0o600
#: 192 bits, more than the key that the password protects.
PASSWORD_BYTES = 24


@dataclass
class Issued:
    """One certificate in the index; moments in ISO 8601, UTC."""

    serial: str
    subject: str
    names: list[str]
    roles: list[str]
    not_before: str
    not_after: str
    fingerprint: str
    key_fingerprint: str
    revoked: str | None = None
    reason: str | None = None


@dataclass
class Index:
    """Everything that the authority remembers."""

    certificates: list[Issued] = field(default_factory=list)
    crl_number: int = 0


def read_bounded(path: Path) -> bytes:
    """Read a file whole, if it is not absurdly large.

    Raises:
        StoreError: it cannot be read, and why.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > FILE_LIMIT:
        raise StoreError(f"{path} is larger than {FILE_LIMIT // 2**20} MiB and is not read.")
    return data


def write_public(path: Path, data: bytes) -> None:
    """Write a file that everybody may read.

    Raises:
        StoreError: it cannot be written, and why.
    """
    _write(path, data, PUBLIC)


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        write_atomically(path, data, mode=mode)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.") from error


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
        raise StoreError(f"{path} is not a text in UTF-8.") from error
    if not text or "\n" in text:
        raise StoreError(f"{path} holds no password in one line.")
    return Secret(text)


class Home:
    """The folder of one authority.

    Args:
        folder: an existing one for everything but :meth:`create`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "root.pem"
        self.key = folder / "root.key.pem"
        self.password = folder / "password"
        self._index = folder / "index.json"
        self._audit = folder / "audit.log"

    def create(self) -> None:
        """Make the folder, owner only.

        Raises:
            StoreError: an authority is there already, or the folder cannot be made.
        """
        if self.certificate.exists() or self.key.exists():
            raise StoreError(
                f"{self.folder} holds a certificate authority already; it is left as it is.",
                hint="Give another folder; or remove this one, if an interrupted 'create' left it "
                "without root.pem.",
                code="ca-exists",
            )
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be made: {error.strerror}.") from error

    def generate_password(self) -> Secret:
        """Make a password and keep it in the folder, owner only."""
        password = Secret(secrets.token_urlsafe(PASSWORD_BYTES))
        _write(self.password, password.reveal().encode() + b"\n", PRIVATE)
        return password

    def store(self, authority: Authority, password: Secret) -> None:
        """Write key, certificate and an empty index; the certificate last, as the sign of all."""
        _write(self.key, dump_private_key(authority.key, password), PRIVATE)
        self.write_index(Index())
        write_public(self.certificate, dump_certificates([authority.certificate]))

    def load(self, password: Secret) -> Authority:
        """Open the authority.

        Raises:
            StoreError: there is none.
            CertificateFormatError: a file of it is damaged, or the password is wrong.
            IssuanceError: key and certificate do not belong together.
        """
        self._check_there()
        (certificate, *above) = load_certificates(
            read_bounded(self.certificate), source=str(self.certificate)
        )
        key = load_private_key(read_bounded(self.key), password, source=str(self.key))
        return Authority(certificate, key, tuple(above))

    def _check_there(self) -> None:
        if not self.certificate.exists():
            raise StoreError(
                f"{self.folder} holds no certificate authority.",
                hint=f"Make one: sottovoce ca create --dir {self.folder} --name NAME",
                code="ca-missing",
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other command from changing this authority meanwhile."""
        self._check_there()
        try:
            descriptor = os.open(
                self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE
            )
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be locked: {error.strerror}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def index(self) -> Index:
        """Read the index.

        Raises:
            StoreError: it is missing or damaged.
        """
        self._check_there()
        try:
            data = json.loads(read_bounded(self._index))
            return Index([Issued(**item) for item in data["certificates"]], data["crl_number"])
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"{self._index} is damaged: it is not the index that this command writes.",
                hint="Restore it from a backup; without it nobody knows what was issued.",
            ) from error

    def write_index(self, index: Index) -> None:
        """Write the index whole."""
        data = json.dumps(asdict(index), indent=1, ensure_ascii=False)
        _write(self._index, data.encode() + b"\n", PRIVATE)

    def record(self, moment: datetime, action: str, **facts: Any) -> None:
        """Append one line to the audit log, and have it on the disk before going on.

        Raises:
            StoreError: it cannot be written; the act must then not take place.
        """
        entry = {"time": moment.isoformat(timespec="seconds"), "action": action, **facts}
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        try:
            descriptor = os.open(
                self._audit, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE
            )
            try:
                os.write(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreError(f"{self._audit} cannot be written: {error.strerror}.") from error
