"""One end of every channel: who we are, whom we trust, where we log, how long we wait."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from sottovoce.contracts import Caller
from sottovoce.net.clock import Clock
from sottovoce.net.limits import LIMITS, Limits
from sottovoce.net.security import SecurityLog
from sottovoce.pki import SILENT
from sottovoce.policy import PeerIdentity
from sottovoce.tls import Evidence, Trust, TrustGeneration, Tunnel, Verdict, judge

__all__ = ["Endpoint", "Implement", "Offer", "PeerFacts", "Standing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What all connections of one server have in common.

    Args:
        own_name: by which this server introduces itself.
        version: of the program, for the partner's roster.
        trust: the pointer to the trust generation in force; plain when it points to None.
        log: is told of every peer accepted, refused and closed.
        clock: UTC.
        new_id: draws a connection id; 64 random bits or more, so that ids never meet by chance.
        limits: see :class:`Limits`.
        explain_refusals: answer on the *why* path (``ExplainRefusals`` in ``server.ini``).
        unknown: is told the chain of a peer about whom no current revocation list or answer is
            at hand, when that is all that speaks against it: somebody may fetch what is missing.
    """

    own_name: str
    version: str
    trust: Trust
    log: SecurityLog
    clock: Clock
    new_id: Callable[[], str]
    limits: Limits = field(default=LIMITS)
    explain_refusals: bool = True
    unknown: Callable[[tuple[x509.Certificate, ...]], None] = lambda _: None

    def judge(self, evidence: Evidence, generation: TrustGeneration) -> Verdict:
        """Ask the gate; it decides alone, and what it lacks to know is passed on."""
        verdict = judge(evidence, generation)
        silent = {fault.code for fault in (*verdict.faults, *verdict.warnings)} & SILENT
        if silent and set(verdict.codes) <= SILENT:
            self.unknown(evidence.chain)
        return verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """By what a secured channel stands: it is judged again by this, and does not outlive it.

    Args:
        evidence: on which the gate has decided.
        own: this server, as the certificate that it showed says.
        expires: when the first certificate ends on which either side has relied, UTC.
        asked: on the accepting side, the name that the caller asked for; empty when for none.
    """

    evidence: Evidence
    own: PeerIdentity
    expires: datetime
    asked: str = ""

    @classmethod
    def of(
        cls, evidence: Evidence, shown: tuple[x509.Certificate, ...], *, asked: str = ""
    ) -> "Standing":
        """Return the standing of a channel that was just admitted.

        Args:
            evidence: as judged.
            shown: this side's own chain.
            asked: as in the class.
        """
        return cls(
            evidence=evidence,
            own=PeerIdentity.from_certificate(shown[0]),
            expires=min(each.not_valid_after_utc for each in (*evidence.chain, *shown)),
            asked=asked,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFacts:
    """What is known of the peer of an open channel.

    Args:
        name: by which it introduced itself.
        identity: from its certificate; None on a plain channel.
        tunnel: what TLS agreed on; None on a plain channel.
        address: ``host:port``.
        connection_id: in both logs.
        version: of its program.
        generation: the number of the trust generation that admitted it; 0 on a plain channel.
        standing: what it is judged by again; None on a plain channel.
    """

    name: str
    identity: PeerIdentity | None
    tunnel: Tunnel | None
    address: str
    connection_id: str
    version: str
    generation: int
    standing: Standing | None = None


#: Makes the implementation of a contract for one caller; asked once a channel, after the gate.
Implement = Callable[[Caller], object]


@dataclass(frozen=True, slots=True)
class Offer:
    """A contract that a port offers, and who implements it."""

    contract: type
    implement: Implement
