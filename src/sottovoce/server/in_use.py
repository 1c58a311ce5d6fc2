"""What a running server serves, written down for those who ask from outside (catalogue O3, A6).

``run/serving.json`` of the home, its owner's only, says which trust is in force since when and how
the last reload ended. No secret is in it, and no digest of a file that holds one.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Self

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.contracts import Naming
from sottovoce.errors import Fault
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import dns_names, fingerprint
from sottovoce.server.home import Home
from sottovoce.store import write_atomically
from sottovoce.tls import TrustGeneration

__all__ = ["CertificateInUse", "InUse", "LastReload", "Told", "list_print", "read_in_use"]


class CertificateInUse(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate that the server shows: its own first, then those for other names."""

    serial: str
    fingerprint: str
    names: tuple[str, ...]
    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, entry: PrivateKeyEntry) -> Self:
        """Describe the certificate of a key entry."""
        leaf = entry.chain[0]
        return cls(
            serial=f"{leaf.serial_number:x}",
            fingerprint=fingerprint(leaf),
            names=dns_names(leaf),
            begins=leaf.not_valid_before_utc,
            ends=leaf.not_valid_after_utc,
        )


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fault as it is told: where, what, and the next step."""

    code: str
    why: str
    expected: str = ""
    presented: str = ""
    hint: str = ""
    file: str | None = None
    line: int | None = None

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> tuple[Self, ...]:
        """Return *faults* as they are told."""
        return tuple(
            cls(
                code=fault.code,
                why=fault.why,
                expected=fault.expected,
                presented=fault.presented,
                hint=fault.hint,
                file=fault.file,
                line=fault.line,
            )
            for fault in faults
        )

    def as_fault(self, *, warning: bool = False) -> Fault:
        """Return it as a fault again."""
        return Fault(
            code=self.code,
            why=self.why,
            expected=self.expected,
            presented=self.presented,
            hint=self.hint,
            file=self.file,
            line=self.line,
            warning=warning,
        )


class LastReload(msgspec.Struct, frozen=True, kw_only=True):
    """How the last reload ended; see :class:`~sottovoce.server.keeper.ReloadResult`."""

    at: datetime
    reason: str
    outcome: str
    faults: tuple[Told, ...] = ()
    warnings: tuple[Told, ...] = ()
    closed: tuple[str, ...] = ()


class InUse(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force.

    Args:
        process: the server's id; what another process wrote is of the past.
        server: its name.
        generation: the number of the trust generation; 0 = plain.
        since: when it came into force, UTC.
        certificates: that it shows, its own first.
        roots, revocation_lists: SHA-256 of each.
        allowed: the allowed clients.
        reloads: how many reloads have ended since the start; signals: those of them that were
            asked for by SIGHUP.
        last: the last of them.
        naming: what the server calls itself and its partners.
    """

    process: int
    server: str
    generation: int
    since: datetime
    certificates: tuple[CertificateInUse, ...] = ()
    roots: tuple[str, ...] = ()
    revocation_lists: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    reloads: int = 0
    signals: int = 0
    last: LastReload | None = None
    naming: Naming | None = None

    @classmethod
    def of(
        cls, generation: TrustGeneration | None, *, process: int, server: str, since: datetime
    ) -> Self:
        """Describe the generation in force."""
        if generation is None:
            return cls(process=process, server=server, generation=0, since=since)
        entries = (generation.identity, *(face.identity for face in generation.others))
        return cls(
            process=process,
            server=server,
            generation=generation.number,
            since=since,
            certificates=tuple(CertificateInUse.of(entry) for entry in entries),
            roots=tuple(sorted(fingerprint(root) for root in generation.roots)),
            revocation_lists=tuple(sorted(list_print(crl) for crl in generation.crls)),
            allowed=generation.allowed.names,
        )

    def write(self, home: Home) -> None:
        """Write it down.

        Raises:
            OSError: as the operating system says.
        """
        home.serving.parent.mkdir(mode=0o700, exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(self), indent=1)
        write_atomically(home.serving, text + b"\n")


def read_in_use(home: Home) -> InUse | None:
    """Return what the server of *home* has written, or None when there is nothing to be read."""
    try:
        return msgspec.json.decode(Path(home.serving).read_bytes(), type=InUse)
    except (OSError, msgspec.DecodeError):
        return None


def list_print(crl: x509.CertificateRevocationList) -> str:
    """Return the SHA-256 of a revocation list."""
    return hashlib.sha256(crl.public_bytes(Encoding.DER)).hexdigest()
