"""The paths on which nobody is admitted: asking why one was refused, joining, revocation lists.

Owns what is said there and what is logged of it. No calls follow on any of them; when an errand is
over, the connection is.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509

from sottovoce.errors import Fault, RemoteProtocolError
from sottovoce.net.endpoint import Endpoint
from sottovoce.net.reception import Reception, hear_applicant
from sottovoce.net.security import Outcome
from sottovoce.net.telling import faults_told, reasons_to_tell
from sottovoce.net.visitors import Visitors
from sottovoce.net.wire import Lost, Wire
from sottovoce.rpc import (
    Bye,
    Connection,
    CurrentLists,
    ListsRequest,
    Speaks,
    State,
    WhyAnswer,
    WhyHint,
)

__all__ = ["Errand"]

#: Who leaves a hint on the *why* path.
_SOMEBODY = "A caller, whose word nobody vouches for,"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One connection that is here for something else than calls.

    Args:
        wire: its socket, TLS done.
        endpoint: ours.
        visitors: what is remembered of addresses.
        connection_id: under which it is logged.
        log: writes a record of it into the security log.
    """

    wire: Wire
    endpoint: Endpoint
    visitors: Visitors
    connection_id: str
    log: Callable[..., None]

    @property
    def may_ask_why(self) -> bool:
        """Whether this address gets an answer on the *why* path."""
        return self.endpoint.explain_refusals and self.visitors.may_ask_why(self.wire.peer_host)

    async def explain(self, faults: tuple[Fault, ...], *, presented: str) -> None:
        """Answer about the certificate just presented, and take a hint (DESIGN §4).

        Args:
            faults: what the gate has against it.
            presented: its SHA-256.
        """
        async with asyncio.timeout(self.endpoint.limits.greeting):
            await self._explain(faults, presented)

    async def _explain(self, faults: tuple[Fault, ...], presented: str) -> None:
        reasons, host = reasons_to_tell(faults), self.wire.peer_host
        # With nothing wrong here it was the caller who refused: it showed no certificate then.
        refers_to = self.visitors.take_refusal(host, presented if faults else "")
        self.wire.converse(Connection(Speaks.ACCEPTING, State.WHY))
        now = self.endpoint.clock()
        self.wire.send(WhyAnswer(self.connection_id, refers_to, reasons, now))
        told = tuple(reason.code for reason in reasons)
        self.log(Outcome.EXPLAINED, faults=faults, told=told, refers_to=refers_to)
        match await self.wire.next():
            case WhyHint(reasons=hints):
                hinted = faults_told(hints, teller=_SOMEBODY, called="that caller", vouched=False)
                self.log(Outcome.HINT, faults=hinted, refused_by="peer", refers_to=refers_to)
            case Bye() | Lost() | _:
                pass

    async def receive(self, reception: Reception, certificate: x509.Certificate) -> None:
        """Let a new server join.

        Args:
            reception: that decides about it.
            certificate: with which it has proved that it has its key.
        """
        heard = await hear_applicant(
            self.wire,
            reception,
            endpoint=self.endpoint,
            certificate=certificate,
            connection_id=self.connection_id,
        )
        self.log(heard.outcome, **heard.fields(self.endpoint.clock()))

    async def give_lists(self, reception: Reception | None) -> None:
        """Give the revocation lists in force to whoever asks: they are signed, and no secret.

        It is no attempt at anything: the security log has nothing of it but a breach.

        Args:
            reception: has them; None where the authority does not live.

        Raises:
            TimeoutError: the caller did not speak in time.
            RemoteProtocolError: it broke the protocol.
        """
        host = self.wire.peer_host
        if reception is None or not self.visitors.may_fetch_lists(host):
            return
        self.wire.converse(Connection(Speaks.ACCEPTING, State.LISTS))
        async with asyncio.timeout(self.endpoint.limits.greeting):
            match await self.wire.next():
                case ListsRequest():
                    asked_by = host if self.visitors.worth_a_line(host, "lists-given") else ""
                    self.wire.send(CurrentLists(await reception.lists(asked_by=asked_by)))
                case RemoteProtocolError() as error:
                    raise error
