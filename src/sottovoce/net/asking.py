"""The *why* path, caller's side: one short connection on which a refusal is explained (DESIGN §4).

A refused caller asks why; a caller that refuses tells why. What is said here admits nobody, and
that it fails is no failure of its own. Both clocks are compared here, since TLS refuses dates
before a word about the time was spoken (catalogue V4).
"""

import asyncio
from dataclasses import dataclass, field, replace

from sottovoce.errors import ChannelError, Fault, RemoteProtocolError
from sottovoce.net.endpoint import Endpoint
from sottovoce.net.reaching import Destination, open_wire
from sottovoce.net.telling import faults_told, printable, reasons_to_tell
from sottovoce.net.wire import Wire
from sottovoce.rpc import Connection, Reason, Speaks, State, WhyAnswer, WhyHint
from sottovoce.tls import (
    AlpnPath,
    Engine,
    Evidence,
    Secured,
    Side,
    TrustGeneration,
    blame_clocks,
    judge,
)

__all__ = ["LONGEST_ID", "Asking", "Explanation"]

#: Characters of a connection id that are taken over from the other side.
LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Explanation:
    """What came of asking.

    Args:
        own: why we refuse the server, with the clocks where they are the cause.
        told: why it refuses us, likewise; empty when it does not, or gave no answer.
        connection_id: under which its log has the refusal; empty without an answer.
    """

    own: tuple[Fault, ...]
    told: tuple[Fault, ...] = ()
    connection_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A question about one refusal.

    Args:
        endpoint, destination: as dialled before.
        generation: under which that failed.
        server_name: to ask for in TLS.
        evidence: what we know of the server, with the chain that it presented.
        own: why we refuse it; empty when it was the one that refused.
    """

    endpoint: Endpoint
    destination: Destination
    generation: TrustGeneration
    server_name: str
    evidence: Evidence
    own: tuple[Fault, ...] = field(default=())

    async def ask(self) -> Explanation:
        """Ask, and say what we have to say ourselves, within the handshake's time limit."""
        limits = self.endpoint.limits
        wire: Wire | None = None
        try:
            async with asyncio.timeout(limits.handshake):
                wire = await open_wire(self.destination, self.endpoint)
                secured, answer = await self._conversation(wire)
        except (ChannelError, TimeoutError, RemoteProtocolError):
            return Explanation(self.own)
        finally:
            if wire is not None:
                await wire.close(linger=limits.linger)
        # The handshake of that path verifies nothing: only whom our gate accepts may advise us.
        seen = replace(self.evidence, chain=secured.chain)
        vouched = judge(seen, self.generation).accepted
        told_id = answer.refusal_id or answer.connection_id
        return Explanation(
            own=self._refusing(answer),
            told=self._refused(answer, vouched=vouched),
            connection_id=printable(told_id, limit=LONGEST_ID),
        )

    async def _conversation(self, wire: Wire) -> tuple[Secured, WhyAnswer]:
        wire.attach(
            Engine(
                self.generation,
                side=Side.CALLING,
                server_name=self.server_name,
                path=AlpnPath.WHY,
            )
        )
        secured = await wire.next()
        if not isinstance(secured, Secured) or secured.protocol != AlpnPath.WHY.value.decode():
            # A server of somebody else's: it would not answer, and its silence would be waited for.
            raise RemoteProtocolError("no handshake on the why path")
        wire.converse(Connection(Speaks.CALLING, State.WHY))
        answer = await wire.next()
        if not isinstance(answer, WhyAnswer):
            raise RemoteProtocolError("no answer on the why path")
        if reasons := self._hint(answer):
            wire.send(WhyHint(reasons))
        return secured, answer

    def _hint(self, answer: WhyAnswer) -> tuple[Reason, ...]:
        """Return what the server should know: why we refuse it, or that the clocks differ."""
        clocks = [each for each in self._refused(answer) if each.code == "clock-skew"]
        return reasons_to_tell(self._refusing(answer) or clocks)

    def _refusing(self, answer: WhyAnswer) -> tuple[Fault, ...]:
        judged = replace(self.evidence, peer_time=answer.now)
        return blame_clocks(self.own, judged, self.generation, peer=self.destination.name)

    def _refused(self, answer: WhyAnswer, *, vouched: bool = False) -> tuple[Fault, ...]:
        told = faults_told(
            answer.reasons,
            teller=str(self.destination),
            called=printable(self.destination.name),
            vouched=vouched,
        )
        if answer.now is None:
            return told
        own = self.endpoint.clock()
        return blame_clocks(
            told,
            # As the server saw us: by its clock, and ours is the other one.
            Evidence(
                side=Side.ACCEPTING,
                chain=self.generation.identity.chain,
                at=answer.now,
                peer_time=own,
            ),
            self.generation,
            peer=self.destination.name,
            ahead=(answer.now - own).total_seconds(),
        )
