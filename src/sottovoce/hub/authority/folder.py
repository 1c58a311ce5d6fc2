"""The folder of a certificate authority: its keys, its index, its audit log.

Owns the files, their permissions, and the lock that keeps two processes from changing an authority
at once. What may be issued is decided in :mod:`sottovoce.pki`. Everything here blocks; an event
loop calls it in a thread.

    DIR/KIND.pem        the certificate, and those above it, for everybody
    DIR/KIND.key.pem    its private key, encrypted, owner only
    DIR/KIND.crl        its newest revocation list, for everybody
    DIR/password        the password of every key here, owner only; only when it was generated
    DIR/index.json      every certificate that was issued, and which were revoked
    DIR/audit.log       one JSON line for every act

KIND is ``root`` or ``issuing``; the second key of an authority is ``KIND-2`` and so on. Which of
them signs is said by the index alone, so that one write of one file changes it.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509

from sottovoce.errors import StoreError
from sottovoce.hub.authority.files import (
    PRIVATE,
    generate_password,
    read_bounded,
    read_password,
    write_private,
    write_public,
)
from sottovoce.hub.authority.index import Index, Kind
from sottovoce.ini import Secret
from sottovoce.pki import (
    Authority,
    dump_certificates,
    dump_crl,
    dump_private_key,
    load_certificates,
    load_crls,
    load_private_key,
)

__all__ = ["AuthorityFolder", "KeyFiles"]

#: Seconds that an act waits for another process: an act takes milliseconds, three flushes of a
#: slow disk perhaps a second.
LOCK_PATIENCE = 10.0
_LOCK_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The three files of one key of an authority.

    Args:
        folder: of the authority.
        stem: with which their names begin.
    """

    folder: Path
    stem: str

    @property
    def certificate(self) -> Path:
        """The certificate, and those above it."""
        return self.folder / f"{self.stem}.pem"

    @property
    def key(self) -> Path:
        """The private key, encrypted."""
        return self.folder / f"{self.stem}.key.pem"

    @property
    def revocation_list(self) -> Path:
        """The newest list that this key has signed."""
        return self.folder / f"{self.stem}.crl"

    def certificates(self) -> tuple[x509.Certificate, ...]:
        """Read the certificate and those above it.

        Raises:
            StoreError: the file cannot be read.
            CertificateFormatError: it is damaged.
        """
        source = self.certificate
        return tuple(load_certificates(read_bounded(source), source=str(source)))

    def stored_list(self) -> x509.CertificateRevocationList | None:
        """Read the newest list; None when none was signed yet.

        Raises:
            StoreError: the file cannot be read.
            CertificateFormatError: it is damaged.
        """
        source = self.revocation_list
        if not source.exists():
            return None
        (found, *_) = load_crls(read_bounded(source), source=str(source))
        return found

    def store_list(self, crl: x509.CertificateRevocationList) -> None:
        """Write the newest list.

        Raises:
            StoreError: it cannot be written.
        """
        write_public(self.revocation_list, dump_crl(crl))

    def store_certificates(self, certificates: tuple[x509.Certificate, ...]) -> None:
        """Write the certificate and those above it.

        Raises:
            StoreError: it cannot be written.
        """
        write_public(self.certificate, dump_certificates(list(certificates)))

    def remove(self) -> None:
        """Remove the three files, the key first.

        Raises:
            StoreError: one of them cannot be removed.
        """
        for path in (self.key, self.certificate, self.revocation_list):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(
                    f"{path} cannot be removed: {error.strerror}.", code="file-unwritable"
                ) from error


class AuthorityFolder:
    """The folder of one authority.

    Args:
        folder: an existing one for everything but :meth:`create`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password_file = folder / "password"
        self.index_file = folder / "index.json"
        self._audit = folder / "audit.log"

    def __repr__(self) -> str:
        return f"AuthorityFolder({self.folder})"

    def files(self, stem: str) -> KeyFiles:
        """Return the files of one key."""
        return KeyFiles(self.folder, stem)

    @property
    def exists(self) -> bool:
        """Whether there is an authority, be it a damaged one."""
        return any(
            path.exists()
            for path in (self.index_file, *(self.files(kind).certificate for kind in Kind))
        )

    def prepare(self) -> None:
        """Make the folder for a new authority, owner only.

        Raises:
            StoreError: an authority is there already, or the folder cannot be made.
        """
        if self.exists or any(self.files(kind).key.exists() for kind in Kind):
            raise StoreError(
                f"{self.folder} holds a certificate authority already; it is left as it is.",
                hint="Give another folder; or remove this one, if an interrupted 'create' left it "
                "without index.json.",
                code="ca-exists",
            )
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.folder} cannot be made: {error.strerror}.", code="file-unwritable"
            ) from error

    def generate_password(self) -> Secret:
        """Make a password and keep it in the folder, owner only."""
        password = generate_password()
        write_private(self.password_file, password.reveal().encode() + b"\n")
        return password

    def password(self) -> Secret:
        """Read the password that was generated.

        Raises:
            StoreError: there is none, or others may read it.
        """
        return read_password(self.password_file)

    def create(self, kind: Kind, authority: Authority, password: Secret) -> None:
        """Write key, certificate and an empty index; the index last, as the sign of all.

        Raises:
            StoreError: one of them cannot be written.
        """
        self.store(kind, authority, password)
        self.write_index(Index(kind=kind, current=kind.value, live=[kind.value]))

    def store(self, stem: str, authority: Authority, password: Secret) -> None:
        """Write a key and its certificates; the index does not know it yet.

        Raises:
            StoreError: one of them cannot be written.
        """
        files = self.files(stem)
        write_private(files.key, dump_private_key(authority.key, password))
        files.store_certificates((authority.certificate, *authority.chain))

    def authority(self, stem: str, password: Secret) -> Authority:
        """Open one of the authority's keys.

        Raises:
            StoreError: a file of it cannot be read.
            CertificateFormatError: one is damaged, or the password is wrong.
            IssuanceError: key and certificate do not belong together.
        """
        files = self.files(stem)
        certificate, *above = files.certificates()
        key = load_private_key(read_bounded(files.key), password, source=str(files.key))
        return Authority(certificate, key, tuple(above))

    def check_there(self) -> None:
        """See that there is an authority.

        Raises:
            StoreError: there is none.
        """
        if not self.exists:
            raise StoreError(
                f"{self.folder} holds no certificate authority.",
                hint=f"Make one: sottovoce ca create --dir {self.folder} --name NAME",
                code="ca-missing",
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process and thread from changing this authority meanwhile.

        Raises:
            StoreError: ``ca-busy``: another act holds it for too long; or it cannot be locked.
        """
        self.check_there()
        try:
            descriptor = os.open(
                self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE
            )
        except OSError as error:
            raise StoreError(
                f"{self.folder} cannot be locked: {error.strerror}.", code="file-unwritable"
            ) from error
        try:
            self._lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        for _ in range(round(LOCK_PATIENCE / _LOCK_PAUSE)):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOCK_PAUSE)
            else:
                return
        raise StoreError(
            f"{self.folder} has been in use by another command for {LOCK_PATIENCE:.0f} seconds.",
            hint="Wait for it to end, or end it; then repeat this.",
            code="ca-busy",
        )

    def index(self) -> Index:
        """Read the index.

        Raises:
            StoreError: it is missing or damaged.
        """
        self.check_there()
        try:
            return msgspec.json.decode(read_bounded(self.index_file), type=Index)
        except msgspec.DecodeError as error:
            raise StoreError(
                f"{self.index_file} is damaged: it is not the index that this program writes "
                f"({error}).",
                hint="Restore it from a backup; without it nobody knows what was issued.",
                code="ca-damaged",
            ) from error

    def write_index(self, index: Index) -> None:
        """Write the index whole.

        Raises:
            StoreError: it cannot be written; the one before is then in force.
        """
        data = msgspec.json.format(msgspec.json.encode(index), indent=1)
        write_private(self.index_file, data + b"\n")

    def record(self, moment: datetime, action: str, **facts: Any) -> None:
        """Append one line to the audit log, and have it on the disk before going on.

        Call it under :meth:`locked`.

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
                _append(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreError(
                f"{self._audit} cannot be written: {error.strerror}.", code="file-unwritable"
            ) from error


def _append(descriptor: int, line: bytes) -> None:
    """Add a line whole, or leave the file as it was: a torn line would spoil the next one too."""
    before = os.fstat(descriptor).st_size
    try:
        view = memoryview(line)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, before)
        raise
