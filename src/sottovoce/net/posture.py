"""What is remembered of one lasting connection, for HUB's map: how it stands, since when, why not.

Only facts are kept: what the last channel was, and why the last attempt failed. Whether a channel
stands now is for its owner to say.
"""

from datetime import datetime

from sottovoce.contracts import CertificateFacts, EdgePosture, Refusal
from sottovoce.errors import ChannelError
from sottovoce.ini import shown
from sottovoce.net.clock import Clock
from sottovoce.net.endpoint import PeerFacts
from sottovoce.net.reaching import Destination
from sottovoce.net.security import identity_of
from sottovoce.net.trace import Trace
from sottovoce.policy import Component, PeerIdentity
from sottovoce.tls import TrustGeneration

__all__ = ["EdgeRecord", "certificate_facts", "certificates_of"]

#: Names of one certificate that are reported: a stranger's may hold thousands.
MOST_NAMES = 8
#: Characters of a message that are reported.
LONGEST_MESSAGE = 400

#: Ways of failing that are an absence rather than a refusal.
_ABSENT = frozenset({"connection-refused", "no-answer", "name-not-resolved", "closed-early"})


class EdgeRecord:
    """The memory of one connection that this server dials.

    Args:
        component: which of our components calls.
        destination: whom; its ``component`` says what is called there.
        clock: UTC.
    """

    def __init__(self, component: Component, destination: Destination, clock: Clock) -> None:
        assert destination.component is not None, "a lasting partner is a component"
        self._caller = component
        self._called: Component = destination.component
        self._destination = destination
        self._clock = clock
        self._state = "down"
        self._since: datetime | None = None
        self._facts: PeerFacts | None = None
        self._own: PeerIdentity | None = None
        self._shown: CertificateFacts | None = None
        self._known = ""
        self._code = ""
        self._message = ""
        self._refusal: Refusal | None = None

    def opened(self, facts: PeerFacts, own: PeerIdentity | None) -> None:
        """A channel is open now.

        Args:
            facts: of its peer.
            own: our certificate, as it was shown there; None on a plain channel.
        """
        self._enter("plain" if facts.identity is None else "secured")
        self._facts, self._own = facts, own
        self._shown = None
        self._known = facts.identity.fingerprint if facts.identity is not None else ""

    def lost(self, why: str) -> None:
        """The channel has ended, and no other stands."""
        self._enter("down", "channel-closed", f"The connection ended: {why}.")
        self._shown = None

    def failed(self, error: ChannelError, trace: Trace) -> None:
        """An attempt at a channel has failed."""
        fault = error.faults[0] if error.faults else None
        code = fault.code if fault is not None else error.code
        absent = error.code in _ABSENT
        self._enter("down" if absent else "refused", code, fault.why if fault else error.message)
        identity = identity_of(trace.chain)
        self._shown = certificate_facts(identity) if identity is not None else None
        if not absent:
            self._refusal = Refusal(
                at=self._clock(),
                code=code,
                message=self._message,
                next_step=shown(fault.hint if fault else error.hint, limit=LONGEST_MESSAGE),
                by="called" if error.code == "refused-by-peer" else "caller",
            )

    def _enter(self, state: str, code: str = "", message: str = "") -> None:
        if self._since is None or state != self._state:
            self._since = self._clock()
        self._state, self._code = state, code
        self._message = shown(message, limit=LONGEST_MESSAGE)

    def posture(self) -> EdgePosture:
        """Say how the connection stands."""
        stands = self._state in {"secured", "plain"}
        facts = self._facts if stands else None
        identity = facts.identity if facts is not None else None
        tunnel = facts.tunnel if facts is not None else None
        return EdgePosture(
            caller=self._caller,
            called=self._called,
            port=self._destination.port,
            state=self._state,
            name=self._destination.name,
            since=self._since,
            caller_certificate=_of(self._own if stands else None),
            called_certificate=_of(identity) if stands else self._shown,
            known=self._known,
            tls=tunnel.version if tunnel is not None else "",
            group=tunnel.group if tunnel is not None else "",
            code=self._code,
            message=self._message,
            refusal=self._refusal,
        )


def certificate_facts(identity: PeerIdentity) -> CertificateFacts:
    """Return what is reported of a certificate, bounded and printable."""
    names = tuple(shown(name) for name in identity.names[:MOST_NAMES])
    if len(identity.names) > MOST_NAMES:
        names += (f"… and {len(identity.names) - MOST_NAMES} more",)
    return CertificateFacts(
        names=names,
        fingerprint=identity.fingerprint,
        begins=identity.not_before,
        ends=identity.not_after,
    )


def certificates_of(generation: TrustGeneration | None) -> tuple[CertificateFacts, ...]:
    """Return the certificates that a server shows now, its own first; none when it is plain."""
    if generation is None:
        return ()
    others = (PeerIdentity.from_certificate(face.identity.chain[0]) for face in generation.others)
    return tuple(certificate_facts(each) for each in (generation.own_identity, *others))


def _of(identity: PeerIdentity | None) -> CertificateFacts | None:
    return None if identity is None else certificate_facts(identity)
