"""How one connection stands, as it is reported to HUB: both certificates, the tunnel, why not.

These records travel in heartbeats and are kept; what they mean for an administrator is said
elsewhere.
"""

from datetime import datetime

from sottovoce.contracts.calling import Record
from sottovoce.policy import Component

__all__ = ["CertificateFacts", "EdgePosture", "Refusal", "RefusedCaller"]


class CertificateFacts(Record, frozen=True, kw_only=True):
    """One end's certificate.

    Args:
        names: its DNS names; the first ones, where there are very many.
        fingerprint: SHA-256, upper-case pairs with colons.
        begins, ends: its validity, UTC.
    """

    names: tuple[str, ...]
    fingerprint: str
    begins: datetime
    ends: datetime


class Refusal(Record, frozen=True, kw_only=True):
    """One attempt at a connection that one of its two ends refused.

    Args:
        at: UTC.
        code: of the first reason.
        message: that reason, as a sentence.
        next_step: what to do about it.
        by: which end said no: ``caller`` or ``called``.
    """

    at: datetime
    code: str
    message: str = ""
    next_step: str = ""
    by: str = ""


class RefusedCaller(Record, frozen=True, kw_only=True):
    """Somebody who was not let in at a port, the last time.

    Nothing here is verified but the address: that is why it was refused.

    Args:
        at: UTC.
        port: that was called.
        address: from where; an IP address.
        code: of the first reason.
        message: that reason, as a sentence.
        names: that its certificate and its greeting claim.
        component: for which it claims to speak.
        fingerprint: SHA-256 of the certificate that it showed.
        by: which end said no: ``called``, or ``caller`` when it refused the server that it called.
        attempts: how often since the called server's start, with this reason.
    """

    at: datetime
    port: int
    address: str
    code: str
    message: str = ""
    names: tuple[str, ...] = ()
    component: str = ""
    fingerprint: str = ""
    by: str = "called"
    attempts: int = 1


class EdgePosture(Record, frozen=True, kw_only=True):
    """One connection as its caller sees it.

    Args:
        caller, called: the two components.
        port: of the called one.
        state: ``secured``, ``plain``, ``down`` (not known to stand) or ``refused``.
        name: the name that is dialled, and by which the called server is verified.
        since: when that state began, UTC.
        caller_certificate: the caller's, on a connection that stands.
        called_certificate: the called server's; where it was refused, the one that it showed.
        known: SHA-256 of the called server's certificate when the connection last stood.
        tls: version, such as ``TLSv1.3``; empty when plain or down.
        group: of the key exchange.
        code: why it is down or refused; empty otherwise.
        message: that reason, as a sentence.
        refusal: the last one; it stays when the connection is up again.
    """

    caller: Component
    called: Component
    port: int
    state: str
    name: str = ""
    since: datetime | None = None
    caller_certificate: CertificateFacts | None = None
    called_certificate: CertificateFacts | None = None
    known: str = ""
    tls: str = ""
    group: str = ""
    code: str = ""
    message: str = ""
    refusal: Refusal | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the called server's certificate as it was last shown; empty for none."""
        return self.called_certificate.fingerprint if self.called_certificate is not None else ""

    @property
    def certificates(self) -> tuple[tuple[Component, CertificateFacts], ...]:
        """The certificates by which this connection stands, each with whose it is."""
        if self.state != "secured":
            return ()
        ends = ((self.caller, self.caller_certificate), (self.called, self.called_certificate))
        return tuple((whose, facts) for whose, facts in ends if facts is not None)

    @property
    def expires(self) -> datetime | None:
        """When the first certificate of the two ends, UTC; None where the connection has none."""
        return min((facts.ends for _, facts in self.certificates), default=None)
