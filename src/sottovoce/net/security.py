"""What the security log is told: one record for every peer accepted, refused or closed.

The record is a value; who writes it, and where, is the server's matter. What goes in is what an
auditor asks for: who, from where, by which certificate, why.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cryptography import x509

from sottovoce.errors import Fault
from sottovoce.ini import shown
from sottovoce.policy import PeerIdentity
from sottovoce.tls import Side, Tunnel

__all__ = ["Outcome", "SecurityLog", "SecurityRecord", "identity_of"]

#: Names of one certificate that go into a line: a stranger's may hold thousands.
_MOST_NAMES = 20


class Outcome(StrEnum):
    """What became of a connection, or of an attempt at one."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CLOSED = "closed"
    #: Somebody asked why, and what was answered.
    EXPLAINED = "explained"
    #: A caller told us why it refuses this server; nobody vouches for it.
    HINT = "hint"
    #: A new server got its certificate by an invitation.
    JOINED = "joined"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRecord:
    """One line of ``security.log``.

    Args:
        at: UTC.
        outcome: what became of it.
        side: ours.
        connection_id: of the accepting side; the same in both logs once it was told.
        address: ``host:port`` of the peer.
        port: our port on the accepting side, the dialled one on the calling side.
        phase: where it happened.
        faults: why not; empty when accepted.
        refused_by: which side said no, for a refusal.
        names: DNS names in the peer's certificate.
        fingerprint: SHA-256 of the peer's certificate.
        announced: the name by which the peer introduced itself; dialled: the one that we dialled.
        component: the role it speaks for.
        tunnel: what TLS agreed on; None for plain.
        told: what the peer was told: an alert's name, codes, or a line of text.
        refers_to: for an explanation, the id of the refused connection.
        secured: whether this server is.
        detail: what else there is to say.
        key: SHA-256 of the public key in the peer's certificate: two servers with one are one.
        clock_difference: seconds by which the peer's clock is ahead of ours, once it was told.
    """

    at: datetime
    outcome: Outcome
    side: Side
    connection_id: str
    address: str
    port: int
    phase: str = ""
    faults: tuple[Fault, ...] = ()
    refused_by: str = ""
    names: tuple[str, ...] = ()
    fingerprint: str = ""
    announced: str = ""
    dialled: str = ""
    component: str = ""
    tunnel: Tunnel | None = None
    told: tuple[str, ...] = ()
    refers_to: str = ""
    secured: bool = True
    detail: str = field(default="")
    key: str = ""
    clock_difference: float | None = None

    @property
    def code(self) -> str:
        """The code of the first fault, or nothing."""
        return self.faults[0].code if self.faults else ""

    def as_fields(self) -> dict[str, Any]:
        """Return the record as JSON-ready fields, empty ones left out."""
        fields: dict[str, Any] = {
            "at": self.at.isoformat(timespec="milliseconds"),
            "outcome": self.outcome.value,
            "side": self.side.value,
            "connection": self.connection_id,
            "address": self.address,
            "port": self.port,
            "phase": self.phase,
            "code": self.code,
            "codes": list(dict.fromkeys(fault.code for fault in self.faults)),
            "why": " ".join(fault.why for fault in self.faults),
            "next": next((fault.hint for fault in self.faults if fault.hint), ""),
            "refused_by": self.refused_by,
            "names": list(self.names),
            "fingerprint": self.fingerprint,
            "announced": self.announced,
            "dialled": self.dialled,
            "component": self.component,
            "tls": "" if self.tunnel is None else self.tunnel.version,
            "group": "" if self.tunnel is None else self.tunnel.group,
            "told": list(self.told),
            "refers_to": self.refers_to,
            "detail": self.detail,
            "key": self.key,
            "clock_difference": _rounded(self.clock_difference),
        }
        kept = {key: value for key, value in fields.items() if value not in ("", [], None)}
        kept["secured"] = self.secured
        return kept

    @staticmethod
    def of(identity: PeerIdentity | None) -> dict[str, Any]:
        """Return the fields that describe *identity*, for building a record."""
        if identity is None:
            return {}
        names = tuple(shown(name) for name in identity.names[:_MOST_NAMES])
        if len(identity.names) > _MOST_NAMES:
            names += (f"… and {len(identity.names) - _MOST_NAMES} more",)
        return {"names": names, "fingerprint": identity.fingerprint, "key": identity.key}


def identity_of(chain: tuple[x509.Certificate, ...]) -> PeerIdentity | None:
    """Describe an unverified certificate for the log, if it can be described."""
    try:
        return PeerIdentity.from_certificate(chain[0]) if chain else None
    except ValueError:
        return None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


SecurityLog = Callable[[SecurityRecord], None]
