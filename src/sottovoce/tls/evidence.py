"""What is known of a peer when it is judged, as plain values; nothing here decides anything."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509

from sottovoce.policy import Component

__all__ = ["Evidence", "Problem", "Side", "Tunnel"]


class Side(StrEnum):
    """Which of the two ends of a connection we are."""

    ACCEPTING = "accepting"
    CALLING = "calling"

    @property
    def other(self) -> "Side":
        """The peer's side."""
        return Side.CALLING if self is Side.ACCEPTING else Side.ACCEPTING


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem that OpenSSL showed while it verified a chain.

    Args:
        number: X509_V_ERR number.
        depth: distance of the certificate from the leaf.
        certificate: the one that it was looking at.
    """

    number: int
    depth: int
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """What TLS agreed on: ``TLSv1.3``, the key exchange group, the cipher suite."""

    version: str
    group: str
    cipher: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that the gate decides upon.

    Args:
        side: ours.
        chain: what OpenSSL verified, leaf first; in collect mode what the peer sent.
        at: our clock, UTC.
        dialled_name: on the calling side, the name that we dialled.
        announced_name: the name by which the peer introduced itself, once it has.
        announced_component: the component that it speaks for, once it has said so.
        peer_time: the peer's clock, once it has told it.
        tunnel: what TLS agreed on.
        address: the peer's address, for messages only: never decided upon (catalogue N9, A7).
    """

    side: Side
    chain: tuple[x509.Certificate, ...]
    at: datetime
    dialled_name: str | None = None
    announced_name: str | None = None
    announced_component: Component | None = None
    peer_time: datetime | None = None
    tunnel: Tunnel | None = None
    address: str = ""
