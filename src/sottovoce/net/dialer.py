"""Calling: from a name to an open channel, or to an error that says why not.

The name that is dialled is the name that is verified; an address only says where to connect. When
the other side refuses with an alert, it is asked why, once, on a second connection; when we refuse
it, it is told why on the same path (DESIGN §4).
"""

import asyncio
from dataclasses import replace
from typing import Any

from sottovoce.errors import (
    ChannelError,
    Fault,
    HandshakeFailed,
    NotAdmitted,
    PhaseTimeout,
    RemoteProtocolError,
)
from sottovoce.ini import normalise_host_name
from sottovoce.net.asking import LONGEST_ID, Asking
from sottovoce.net.channel import Channel
from sottovoce.net.clock import monotonic
from sottovoce.net.endpoint import Endpoint, PeerFacts, Standing
from sottovoce.net.reaching import Destination, open_wire
from sottovoce.net.security import Outcome, SecurityRecord, identity_of
from sottovoce.net.strangers import (
    closed_early,
    foreign_in_tls,
    protocol_fault,
    refuse_first_answer,
    refused_without_reason,
    silent,
)
from sottovoce.net.telling import faults_told, printable, reasons_to_tell
from sottovoce.net.trace import Trace
from sottovoce.net.wire import Lost, Wire
from sottovoce.policy import Component, PeerIdentity
from sottovoce.rpc import (
    Connection,
    Greeting,
    Hello,
    Ready,
    Reason,
    Refused,
    Speaks,
)
from sottovoce.tls import (
    PLAIN_PREAMBLE,
    Broken,
    Engine,
    Evidence,
    FirstBytes,
    PlainEngine,
    Secured,
    Side,
    Tunnel,
    faults_of,
)

__all__ = ["connect"]


async def connect(
    endpoint: Endpoint,
    destination: Destination,
    *,
    component: Component,
    trace: Trace | None = None,
) -> Channel:
    """Open a channel to *destination* on behalf of our *component*.

    Args:
        endpoint, destination, component: who calls, whom, and for which component of ours.
        trace: is told what happens, phase by phase.

    Returns:
        The open channel: both sides have said yes.

    Raises:
        ConnectFailed: no connection (``name-not-resolved``, ``connection-refused``, ``no-answer``).
        HandshakeFailed: TLS did not come about, with the reasons of both sides.
        NotAdmitted: one side's gate said no.
        PhaseTimeout: a phase took too long.
    """
    return await _Dial(endpoint, destination, component, trace or Trace(monotonic)).run()


class _TlsBroken(Exception):
    """Carries what TLS left behind out of the phase's time limit: asking why takes its own time."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken)
        self.broken = broken


class _Dial:
    """One attempt; everything that happens to it is logged here."""

    def __init__(
        self, endpoint: Endpoint, destination: Destination, component: Component, trace: Trace
    ) -> None:
        self._endpoint = endpoint
        self._trace = trace
        self._destination = destination
        self._component = component
        self._generation = endpoint.trust.current
        self._phase = "connect"
        self._connection_id = ""
        self._address = str(destination)
        self._identity: PeerIdentity | None = None
        self._tunnel: Tunnel | None = None
        self._secured: Secured | None = None
        self._announced = ""

    async def run(self) -> Channel:
        """Dial; raise a :class:`ChannelError` that has been logged."""
        wire: Wire | None = None
        try:
            wire = await open_wire(self._destination, self._endpoint, trace=self._trace)
            self._address = wire.peer_address
            return await self._introduced(wire)
        except ChannelError as error:
            failure = error
        except TimeoutError:
            failure = self._ended(PhaseTimeout, silent(self._phase))
        except RemoteProtocolError as error:
            failure = self._ended(HandshakeFailed, protocol_fault(error))
        except BaseException:
            if wire is not None:
                wire.abort()
            raise
        raise await self._given_up(wire, failure)

    async def _given_up(self, wire: Wire | None, error: ChannelError) -> ChannelError:
        self._log(
            Outcome.REFUSED,
            faults=error.faults or (error.as_fault(),),
            refused_by="peer" if error.code == "refused-by-peer" else "us",
        )
        if wire is not None:
            await wire.close(linger=self._endpoint.limits.linger)
        return error

    async def _introduced(self, wire: Wire) -> Channel:
        try:
            return await self._introduce(wire)
        except _TlsBroken as failure:
            # Before the question why: a server may serve one connection after the other.
            await wire.close(linger=self._endpoint.limits.linger)
            raise await self._handshake_failed(failure.broken) from None

    async def _introduce(self, wire: Wire) -> Channel:
        limits = self._endpoint.limits
        self._phase = "preamble" if self._generation is None else "tls"
        self._trace.enter("first bytes")
        async with asyncio.timeout(limits.handshake):
            secured = await (self._plain(wire) if self._generation is None else self._tls(wire))
        self._secured, self._tunnel = secured, secured.tunnel
        self._phase = "greeting"
        self._trace.enter("greeting")
        async with asyncio.timeout(limits.greeting):
            facts = await self._greet(wire, secured)
        self._log(Outcome.ACCEPTED)
        channel = Channel(wire, facts, limits, clock=self._endpoint.clock)
        channel.closed.add_done_callback(lambda why: self._closed(channel, why))
        return channel

    def _closed(self, channel: Channel, why: "asyncio.Future[str]") -> None:
        if not why.cancelled():
            self._phase = "calls"
            faults = channel.refused or channel.sent_away
            self._log(Outcome.CLOSED, faults=faults, detail=why.result())

    # TLS, or none.

    async def _tls(self, wire: Wire) -> Secured:
        assert self._generation is not None
        engine = Engine(self._generation, side=Side.CALLING, server_name=self._server_name)
        engine.start()  # early: the other side's first bytes are looked at before TLS gets them
        wire.write_raw(engine.data_to_send())
        self._check_answer(await wire.first_bytes())
        self._trace.enter("tls")
        wire.attach(engine)
        match await wire.next():
            case Secured() as secured:
                return secured
            case Broken() as broken:
                raise _TlsBroken(broken)
            case Lost(error=error):
                raise self._lost(error)
            case other:
                raise AssertionError(other)

    @property
    def _server_name(self) -> str:
        """The name to ask for in TLS; one that is no host name is in no certificate either."""
        try:
            return normalise_host_name(self._destination.name)
        except ValueError:
            return ""

    async def _plain(self, wire: Wire) -> Secured:
        wire.write_raw(PLAIN_PREAMBLE)
        self._check_answer(await wire.first_bytes())
        wire.skip(len(PLAIN_PREAMBLE))
        wire.attach(PlainEngine(side=Side.CALLING))
        secured = await wire.next()
        assert isinstance(secured, Secured), secured
        return secured

    def _check_answer(self, first: FirstBytes) -> None:
        secured = self._generation is not None
        if fault := refuse_first_answer(first, secured=secured, who=str(self._destination)):
            raise self._failed(HandshakeFailed, fault)

    async def _handshake_failed(self, broken: Broken) -> ChannelError:
        """TLS failed: say what we know, and ask or tell the other side why."""
        assert self._generation is not None
        faults = faults_of(broken, self._evidence(), self._generation)
        self._identity = identity_of(broken.chain)
        self._trace.chain = broken.chain
        self._trace.finish()
        if not broken.problems and not broken.alert_received:
            return self._failed(HandshakeFailed, *faults)
        why = await Asking(
            endpoint=self._endpoint,
            destination=self._destination,
            generation=self._generation,
            server_name=self._server_name,
            evidence=replace(self._evidence(), chain=broken.chain),
            own=faults if broken.problems else (),
        ).ask()
        self._connection_id = why.connection_id
        if broken.problems:
            self._trace.told = why.told
            return self._failed(HandshakeFailed, *why.own)
        return self._failed(HandshakeFailed, *why.told, *faults, code="refused-by-peer")

    # The greeting and the gate.

    def _evidence(
        self, secured: Secured | None = None, greeting: Greeting | None = None
    ) -> Evidence:
        return Evidence(
            side=Side.CALLING,
            chain=secured.chain if secured is not None else (),
            at=self._endpoint.clock(),
            dialled_name=self._destination.name,
            announced_name=greeting.server_name if greeting is not None else None,
            peer_time=greeting.now if greeting is not None else None,
            tunnel=self._tunnel,
            address=self._address,
        )

    def _judge(self, secured: Secured, greeting: Greeting | None = None) -> tuple[Fault, ...]:
        if self._generation is None:
            return ()
        verdict = self._endpoint.judge(self._evidence(secured, greeting), self._generation)
        self._identity = verdict.identity or identity_of(secured.chain)
        return verdict.faults

    def _saw_greeting(self, secured: Secured, greeting: Greeting) -> None:
        (trace := self._trace).enter("gate")
        trace.chain, trace.announced = secured.chain, self._announced
        trace.peer_time, trace.own_time = greeting.now, self._endpoint.clock()

    async def _greet(self, wire: Wire, secured: Secured) -> PeerFacts:
        endpoint = self._endpoint
        wire.converse(Connection(Speaks.CALLING))
        greeting = await self._expect(wire, Greeting)
        self._connection_id = printable(greeting.connection_id, limit=LONGEST_ID)
        self._announced = printable(greeting.server_name)
        self._saw_greeting(secured, greeting)
        faults = self._judge(secured, greeting)
        wire.send(
            Hello(
                server_name=endpoint.own_name,
                component=self._component.value,
                version=endpoint.version,
                now=endpoint.clock(),
                verdict=reasons_to_tell(faults),
            )
        )
        if greeting.verdict:
            raise self._refused(greeting.verdict, *faults, vouched=not faults)
        if faults:
            raise self._failed(NotAdmitted, *faults)
        self._trace.enter("ready")
        ready = await self._expect(wire, Ready)
        standing = self._standing(secured, greeting)
        if (current := endpoint.trust.current) is not self._generation:
            # By the trust in force now: what was withdrawn meanwhile is not called.
            self._generation = current
            if faults := self._judge(secured, greeting):
                raise self._failed(NotAdmitted, *faults)
        return PeerFacts(
            name=self._announced,
            identity=self._identity,
            tunnel=self._tunnel,
            address=self._address,
            connection_id=self._connection_id,
            version=ready.version,
            generation=self._generation.number if self._generation is not None else 0,
            standing=standing,
        )

    def _standing(self, secured: Secured, greeting: Greeting) -> Standing | None:
        if self._generation is None:
            return None
        return Standing.of(self._evidence(secured, greeting), self._generation.identity.chain)

    async def _expect(self, wire: Wire, kind: type[Any]) -> Any:
        match await wire.next():
            case message if isinstance(message, kind):
                return message
            case Refused(reasons=reasons):
                raise self._refused(reasons)
            case Broken() as broken:
                raise _TlsBroken(broken)
            case RemoteProtocolError() as error:
                raise error
            case Lost(error=error_text):
                raise self._lost(error_text)
            case other:
                raise RemoteProtocolError(
                    f"{type(other).__name__} instead of {kind.__name__} from the peer"
                )

    def _refused(
        self, reasons: tuple[Reason, ...], *own: Fault, vouched: bool = True
    ) -> ChannelError:
        vouched = vouched and self._generation is not None
        told = faults_told(
            reasons,
            teller=str(self._destination),
            called=printable(self._destination.name),
            vouched=vouched,
        )
        faults = (*(told or (refused_without_reason(str(self._destination)),)), *own)
        return self._failed(NotAdmitted, *faults, code="refused-by-peer")

    # Errors and the log.

    def _failed(self, kind: type[ChannelError], *faults: Fault, code: str = "") -> ChannelError:
        first, who = faults[0], str(self._destination)
        named = first.why.startswith(who)
        return kind(
            first.why if named else f"{self._component.label} cannot talk to {who}: {first.why}",
            peer=who,
            phase=self._phase,
            faults=faults,
            connection_id=self._connection_id,
            hint=first.hint,
            code=code or first.code,
        )

    def _ended(self, kind: type[ChannelError], fault: Fault) -> ChannelError:
        """Put first what is wrong with a server that did not greet: mostly it is not ours."""
        secured = self._secured
        if secured is None or self._generation is None or self._trace.peer_time:
            return self._failed(kind, fault)
        self._trace.chain = secured.chain
        if faults := self._judge(secured):
            kind = NotAdmitted
        elif not secured.protocol:
            kind, faults = HandshakeFailed, (foreign_in_tls(str(self._destination)),)
        return self._failed(kind, *faults, fault)

    def _lost(self, error: str) -> ChannelError:
        return self._ended(HandshakeFailed, closed_early(self._phase, error))

    def _log(self, outcome: Outcome, **more: Any) -> None:
        self._endpoint.log(
            SecurityRecord(
                at=self._endpoint.clock(),
                outcome=outcome,
                side=Side.CALLING,
                connection_id=self._connection_id,
                address=self._address,
                port=self._destination.port,
                phase=self._phase,
                dialled=self._destination.name,
                announced=self._announced,
                component=self._component.value,
                tunnel=self._tunnel,
                secured=self._generation is not None,
                clock_difference=self._trace.clock_difference,
                **SecurityRecord.of(self._identity),
                **more,
            )
        )
