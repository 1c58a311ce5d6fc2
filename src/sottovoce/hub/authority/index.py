"""The index of a certificate authority: what it has issued, and which of its keys are in use.

Pure values and their JSON. One index serves all keys that an authority has had, so that a serial
number is known for as long as anybody may show it.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from cryptography import x509

from sottovoce.errors import IssuanceError
from sottovoce.pki import (
    Revocation,
    display_name,
    dns_names,
    fingerprint,
    ip_addresses,
    key_fingerprint,
    permitted_names,
    uri_names,
)

__all__ = [
    "REASONS",
    "Index",
    "Issued",
    "Kind",
    "Rename",
    "Rollover",
    "Step",
    "entry_of",
    "root_stem",
]

#: Characters of a serial number that name a certificate, when no other begins with them.
SHORTEST_SERIAL = 4

#: RFC 5280 5.3.1, but for removeFromCRL, which only delta lists know.
REASONS = {
    reason.value: reason
    for reason in x509.ReasonFlags
    if reason is not x509.ReasonFlags.remove_from_crl
}


class Kind(StrEnum):
    """Which of the two authorities of an installation a folder holds."""

    #: The root: its key is needed a few times in ten years.
    ROOT = "root"
    #: The issuing authority below it, which HUB holds.
    ISSUING = "issuing"


class Step(StrEnum):
    """How far the replacement of the root is (see :mod:`sottovoce.hub.authority.rollover`)."""

    #: The new root and an issuing key under it are made, and HUB gives out the root and both lists.
    MADE = "made"
    #: Every server has reported that it trusts the new root.
    TRUSTED = "trusted"
    #: The issuing key under the new root signs from now on.
    ISSUING = "issuing"
    #: Every server has reported a certificate from it.
    RENEWED = "renewed"


class Rollover(msgspec.Struct, kw_only=True):
    """A replacement of the root that is under way.

    Args:
        step: the last one that was taken.
        begun: when, UTC.
        root_key: the stem of the new key in the root's folder.
        old_root, new_root: stems in HUB's folder.
        new_key: the stem of the issuing key under the new root.
    """

    step: Step
    begun: datetime
    root_key: str
    old_root: str
    new_root: str
    new_key: str


class Rename(msgspec.Struct, frozen=True, kw_only=True):
    """A server that is being renamed.

    Args:
        old, new: host names in their normal form.
        begun: when, UTC.
        alone: whether its next certificate is for the new name alone; else for both.
    """

    old: str
    new: str
    begun: datetime
    alone: bool = False

    def is_of(self, old: str, new: str) -> bool:
        """Tell whether it is about these two names, whichever way round."""
        return {self.old, self.new} == {old, new}

    def names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the names of a certificate as they are to be at its renewal."""
        if self.old not in names:
            return tuple(names)
        instead = (self.new,) if self.alone else (self.old, self.new)
        found = (one for name in names for one in (instead if name == self.old else (name,)))
        return tuple(dict.fromkeys(found))


class Issued(msgspec.Struct, kw_only=True):
    """One certificate in the index.

    Args:
        serial: hexadecimal, lower-case.
        subject: as text.
        names: DNS names and addresses; of an authority, those that it may certify.
        roles: URI names.
        not_before, not_after: UTC.
        fingerprint: SHA-256 of the certificate.
        key_fingerprint: SHA-256 of its public key.
        issuer: the stem of the key that signed it.
        authority: whether it may sign certificates itself.
        revoked: since when it is no longer good.
        reason: RFC 5280 5.3.1.
    """

    serial: str
    subject: str
    names: list[str]
    roles: list[str]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    key_fingerprint: str
    issuer: str
    authority: bool = False
    revoked: datetime | None = None
    reason: str | None = None

    def state(self, now: datetime) -> str:
        """Return ``valid``, ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.not_after < now else "valid"

    def facts(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


class Index(msgspec.Struct, kw_only=True):
    """Everything that an authority remembers.

    Args:
        kind: of the authority.
        current: the stem of the key that signs now.
        live: stems whose revocation lists are still signed; *current* is among them.
        made: how many keys there have ever been; a stem is never used twice.
        signers: of an issuing authority: stem → SHA-256 of each certificate that the key has had.
        roots: of an issuing authority: stems of the roots that the installation trusts.
        rollover: of an issuing authority: the replacement of the root that is under way.
        rename: of an issuing authority: the server that is being renamed.
        certificates: in the order of their issue.
        crl_number: of the newest revocation list; it rises with every list (RFC 5280 5.2.3).
    """

    kind: Kind
    current: str
    live: list[str]
    made: int = 1
    signers: dict[str, list[str]] = msgspec.field(default_factory=dict)
    roots: list[str] = msgspec.field(default_factory=list)
    certificates: list[Issued] = msgspec.field(default_factory=list)
    crl_number: int = 0
    rollover: Rollover | None = None
    rename: Rename | None = None

    def names_now(self, entry: Issued) -> tuple[str, ...]:
        """Return the names that a renewal of a certificate is to certify."""
        return self.rename.names(entry.names) if self.rename is not None else tuple(entry.names)

    def next_stem(self) -> str:
        """Count a new key and return the stem of its files."""
        self.made += 1
        return f"{self.kind}-{self.made}"

    def in_use(self, stem: str, now: datetime) -> bool:
        """Tell whether a certificate of a key may still be shown by somebody."""
        return any(item.issuer == stem and item.not_after >= now for item in self.certificates)

    def find(self, typed: str) -> Issued:
        """Return the certificate whose serial number is, or begins with, *typed*.

        Raises:
            IssuanceError: there is none, or there are several.
        """
        wanted = typed.replace(":", "").lower().removeprefix("0x").lstrip("0")
        found = [item for item in self.certificates if item.serial == wanted] or [
            item
            for item in self.certificates
            if len(wanted) >= SHORTEST_SERIAL and item.serial.startswith(wanted)
        ]
        if len(found) != 1:
            what = "several certificates begin" if found else "no certificate begins"
            raise IssuanceError(
                f"Of those issued here, {what} with serial {typed!r}.",
                hint="See: sottovoce ca list",
            )
        return found[0]

    def revoked_by(self, stem: str, now: datetime) -> list[Revocation]:
        """Return what the list of the key *stem* holds: revoked and not yet expired."""
        return [
            Revocation(
                serial=int(item.serial, 16),
                date=item.revoked,
                reason=REASONS[item.reason or x509.ReasonFlags.unspecified.value],
            )
            for item in self.certificates
            if item.issuer == stem and item.revoked is not None and item.not_after >= now
        ]

    def sharing(self, entry: Issued, now: datetime) -> list[str]:
        """Return the names of other servers whose certificates in force have the same key (N8)."""
        names = {
            name
            for other in self.certificates
            if other.key_fingerprint == entry.key_fingerprint and other.state(now) == "valid"
            for name in other.names
            if not set(other.names) & set(entry.names)
        }
        return sorted(names)

    def compromised(self, key: str) -> Issued | None:
        """Return the entry by which the key with this fingerprint was given up, if one was."""
        lost = x509.ReasonFlags.key_compromise.value
        for item in self.certificates:
            if item.key_fingerprint == key and item.reason == lost:
                return item
        return None


def entry_of(certificate: x509.Certificate, *, issuer: str, authority: bool = False) -> Issued:
    """Return the index entry of a certificate that the key *issuer* has signed."""
    own = [*dns_names(certificate), *map(str, ip_addresses(certificate))]
    return Issued(
        serial=f"{certificate.serial_number:x}",
        subject=display_name(certificate.subject),
        names=list(permitted_names(certificate)) if authority else own,
        roles=list(uri_names(certificate)),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=fingerprint(certificate),
        key_fingerprint=key_fingerprint(certificate.public_key()),
        issuer=issuer,
        authority=authority,
    )


def root_stem(root: x509.Certificate) -> str:
    """Return the stem of a root's files in HUB's folder: two roots never share one."""
    return f"root-{fingerprint(root).replace(':', '')[:16].lower()}"
