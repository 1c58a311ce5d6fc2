"""The *join* path, accepting side: a new server is heard, and gets its certificate or a reason.

Whether somebody is invited is asked of the :class:`Reception`; here is only the order of the talk.
The accepting side speaks first and says by what it can be authenticated; the caller shows its
invitation to nobody else. That the caller holds the key of the certificate which it showed was
proved by TLS, so the reception can bind the request to it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import Fault, RemoteProtocolError
from sottovoce.net.endpoint import Endpoint
from sottovoce.net.security import Outcome
from sottovoce.net.telling import faults_told, printable, reasons_to_tell
from sottovoce.net.wire import Lost, Wire
from sottovoce.rpc import (
    Bye,
    Connection,
    Joined,
    JoinGreeting,
    JoinRequest,
    Refused,
    Speaks,
    State,
    WhyHint,
)

__all__ = ["Applicant", "Heard", "Reception", "hear_applicant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who wants to join.

    Args:
        certificate: shown in TLS, self-signed; its key is the caller's.
        request: what it said.
        address: ``host:port``, for the log.
        connection_id: under which this connection is logged.
    """

    certificate: x509.Certificate
    request: JoinRequest
    address: str
    connection_id: str


class Reception(Protocol):
    """Decides who may join; HUB's is :class:`sottovoce.hub.join_desk.JoinDesk`."""

    async def is_open(self) -> bool:
        """Whether anybody may be expected to join now; if not, the path is not offered."""
        ...

    async def roots(self) -> tuple[x509.Certificate, ...]:
        """Return the roots by one of which an invited caller knows us."""
        ...

    async def lists(self, *, asked_by: str) -> tuple[bytes, ...]:
        """Return the revocation lists in force (DER), which are anybody's to read.

        Args:
            asked_by: an address that is worth a line in the log; empty when it has had one.
        """
        ...

    async def receive(self, applicant: Applicant) -> Joined | tuple[Fault, ...]:
        """Return everything that the new server needs, or every reason why it is refused."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of it, for the log.

    Args:
        outcome: ``joined``, ``refused``, or ``hint`` when the caller told why it refuses us.
        faults: why not.
        told: the codes that the caller was told.
        request: what it said, if it came to that.
    """

    outcome: Outcome
    faults: tuple[Fault, ...] = ()
    told: tuple[str, ...] = ()
    request: JoinRequest | None = None

    def fields(self, now: datetime) -> dict[str, Any]:
        """Return what a security record gets of it.

        Args:
            now: our clock, UTC.
        """
        fields: dict[str, Any] = {"faults": self.faults, "told": self.told}
        if self.outcome is not Outcome.JOINED:
            fields["refused_by"] = "peer" if self.outcome is Outcome.HINT else "us"
        if (request := self.request) is not None:
            fields["announced"] = printable(request.name)
            fields["component"] = printable(",".join(request.components))
            fields["clock_difference"] = (request.now - now).total_seconds()
        return fields


async def hear_applicant(
    wire: Wire,
    reception: Reception,
    *,
    endpoint: Endpoint,
    certificate: x509.Certificate,
    connection_id: str,
) -> Heard:
    """Hear a caller on the *join* path; whoever calls this logs what came of it and closes.

    Args:
        wire: after the handshake.
        reception: decides.
        endpoint: ours.
        certificate: that the caller showed.
        connection_id: of this connection.

    Raises:
        TimeoutError: the caller did not speak in time.
        RemoteProtocolError: it broke the protocol.
    """
    limits = endpoint.limits
    async with asyncio.timeout(limits.greeting):
        roots = tuple(root.public_bytes(Encoding.DER) for root in await reception.roots())
    wire.converse(Connection(Speaks.ACCEPTING, State.JOIN))
    wire.send(JoinGreeting(connection_id, endpoint.clock(), roots))
    async with asyncio.timeout(limits.greeting):
        happening = await wire.next()
    match happening:
        case JoinRequest() as request:
            applicant = Applicant(
                certificate=certificate,
                request=request,
                address=wire.peer_address,
                connection_id=connection_id,
            )
            return await _answer(wire, reception, applicant, limits.join)
        case WhyHint(reasons=reasons):
            faults = faults_told(reasons, teller=_SOMEBODY, vouched=False)
            return Heard(outcome=Outcome.HINT, faults=faults)
        case RemoteProtocolError() as error:
            raise error
        case Bye() | Lost() | _:
            return Heard(outcome=Outcome.REFUSED, faults=(_went(wire.peer_address),))


async def _answer(wire: Wire, reception: Reception, applicant: Applicant, seconds: float) -> Heard:
    try:
        async with asyncio.timeout(seconds):
            answer = await reception.receive(applicant)
    except TimeoutError:
        answer = (_unfinished(seconds),)
    if isinstance(answer, Joined):
        wire.send(answer)
        return Heard(outcome=Outcome.JOINED, request=applicant.request)
    reasons = reasons_to_tell(answer)
    wire.send(Refused(reasons))
    return Heard(
        outcome=Outcome.REFUSED,
        faults=answer,
        told=tuple(reason.code for reason in reasons),
        request=applicant.request,
    )


#: Who leaves a hint: nobody whom we know.
_SOMEBODY = "Somebody who was to join, and for whose word nobody vouches,"


def _went(address: str) -> Fault:
    return Fault(
        code="closed-early",
        why=f"{address} asked to join and went without showing an invitation.",
        hint="If it was a server of yours, the command there says why.",
    )


def _unfinished(seconds: float) -> Fault:
    return Fault(
        code="join-not-finished",
        why=f"This server did not come to an end with it within {seconds:g} s.",
        hint="The invitation is still good: try again, and look at HUB's log.",
    )
