"""How a connection that comes in is admitted: first bytes, TLS, gate, greeting.

Each phase has its time limit. Whatever ends it before ``Ready`` is logged once with its reason, and
told to the peer as far as the protocol allows: one readable line to a plain speaker, an alert to a
stranger, codes inside TLS to a peer whose chain is valid, codes on the *why* path to one that asks.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from sottovoce.contracts import Caller
from sottovoce.errors import Fault, RemoteProtocolError
from sottovoce.net import strangers
from sottovoce.net.endpoint import Endpoint, PeerFacts, Standing
from sottovoce.net.errands import Errand
from sottovoce.net.reception import Reception
from sottovoce.net.security import Outcome, SecurityRecord, identity_of
from sottovoce.net.telling import faults_told, printable, reasons_to_tell
from sottovoce.net.visitors import Visitors
from sottovoce.net.wire import Lost, Wire
from sottovoce.pki import fingerprint
from sottovoce.policy import Component, PeerIdentity
from sottovoce.rpc import (
    Connection,
    Greeting,
    Hello,
    Ready,
    Refused,
    Speaks,
)
from sottovoce.tls import (
    PLAIN_PREAMBLE,
    AlpnPath,
    Broken,
    ClientHello,
    Engine,
    Evidence,
    Face,
    PlainEngine,
    Secured,
    Side,
    TrustGeneration,
    Tunnel,
    faults_of,
)

__all__ = ["Admission", "Admitted"]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller whom both sides have said yes to."""

    wire: Wire
    caller: Caller
    facts: PeerFacts


class _Refusal(Exception):
    """Carries a refusal to the one place that logs it."""

    def __init__(self, *faults: Fault, told: tuple[str, ...] = (), by_peer: bool = False) -> None:
        super().__init__(faults)
        self.faults = faults
        self.told = told
        self.by_peer = by_peer


class Admission:
    """Admits one caller, or refuses it.

    Args:
        wire: its socket.
        endpoint: ours.
        port: the port that it reached.
        visitors: what is remembered of addresses.
        reception: for new servers; None where nobody joins.
    """

    def __init__(
        self,
        wire: Wire,
        endpoint: Endpoint,
        *,
        port: int,
        visitors: Visitors,
        reception: Reception | None = None,
    ) -> None:
        self._wire = wire
        self._endpoint = endpoint
        self._port = port
        self._visitors = visitors
        self._reception = reception
        self._id = endpoint.new_id()
        self._address = wire.peer_address
        self._host = wire.peer_host
        self._phase = "preamble"
        self._generation = endpoint.trust.current
        self._identity: PeerIdentity | None = None
        self._tunnel: Tunnel | None = None
        self._hello: Hello | None = None
        self._presented = ""
        self._face: Face | None = None
        self._own_name = endpoint.own_name
        self._client = ClientHello()

    async def run(self) -> Admitted | None:
        """Carry the admission through; everything that happens is logged here."""
        limits = self._endpoint.limits
        try:
            if (admitted := await self._admit()) is not None:
                return admitted
        except _Refusal as refusal:
            self._refuse(refusal)
        except TimeoutError:
            self._refuse(self._silent(strangers.too_slow(self._address, self._phase)))
        except RemoteProtocolError as error:
            self._refuse(self._silent(strangers.protocol_fault(error)))
        await self._wire.close(linger=limits.linger)
        return None

    async def _admit(self) -> Admitted | None:
        limits = self._endpoint.limits
        await self._first_bytes()
        self._phase = "tls"
        if self._generation is None:
            self._wire.skip(len(PLAIN_PREAMBLE))
            self._wire.write_raw(PLAIN_PREAMBLE)
            self._wire.attach(PlainEngine(side=Side.ACCEPTING))
        else:
            async with asyncio.timeout(limits.first_bytes):
                hello = await self._wire.client_hello()
            async with asyncio.timeout(limits.handshake):
                engine = await self._engine(self._generation, hello)
            self._wire.attach(engine)
        async with asyncio.timeout(limits.handshake):
            secured = await self._secured()
        self._tunnel = secured.tunnel
        if secured.path is not AlpnPath.CALLS:
            await self._run_errand(secured)
            return None
        self._phase = "greeting"
        async with asyncio.timeout(limits.greeting):
            return await self._greet(secured)

    async def _first_bytes(self) -> None:
        """Let on only who begins as a partner does; on a plain server, answer in kind."""
        async with asyncio.timeout(self._endpoint.limits.first_bytes):
            first = await self._wire.first_bytes()
        secured = self._generation is not None
        refusal = strangers.refuse_first_bytes(
            first, secured=secured, address=self._address, port=self._port
        )
        if refusal is not None:
            self._wire.write_raw(refusal.answer)
            raise _Refusal(refusal.fault, told=(refusal.told,) if refusal.told else ())

    # TLS.

    async def _engine(self, generation: TrustGeneration, hello: ClientHello) -> Engine:
        """Choose the identity to show by the name asked for, before TLS begins (SPEC W10)."""
        self._client = hello
        self._face = generation.face(hello.name)
        self._own_name = self._face.announced(hello.name, self._endpoint.own_name)
        joinable = AlpnPath.JOIN.value in hello.protocols and await self._is_joinable()
        context = self._face.accepting
        return Engine(generation, side=Side.ACCEPTING, context=context, joinable=joinable)

    async def _is_joinable(self) -> bool:
        reception = self._reception
        return (
            reception is not None
            and self._visitors.may_join(self._host)
            and await reception.is_open()
        )

    async def _secured(self) -> Secured:
        match await self._wire.next():
            case Secured() as secured:
                return secured
            case Broken() as broken:
                raise self._broken(broken)
            case Lost(error=error):
                raise _Refusal(strangers.gone(self._address, self._phase, error))
            case other:
                raise AssertionError(other)

    def _broken(self, broken: Broken) -> _Refusal:
        assert self._generation is not None
        if broken.chain:
            self._presented = fingerprint(broken.chain[0])
            self._identity = identity_of(broken.chain)
        self._visitors.remember_refusal(self._host, self._presented, self._id)
        evidence, face = self._evidence(()), self._face or self._generation.face("")
        return _Refusal(
            *faults_of(
                broken, evidence, self._generation, shown=face.identity, client=self._client
            ),
            told=(f"alert {broken.alert_sent}",) if broken.alert_sent else (),
            by_peer=bool(broken.alert_received) and not broken.problems,
        )

    def _silent(self, fault: Fault) -> _Refusal:
        """Say more of a caller that completed TLS and did not speak as a partner does."""
        if self._face is None or self._phase != "greeting" or self._hello:
            return _Refusal(fault)
        shown, client = self._face.identity.certificate, self._client
        offered = frozenset(client.protocols)
        more = strangers.speechless(fault, asked=client.name, shown=shown, offered=offered)
        return _Refusal(*more, fault, by_peer=any(one.code != "http-peer" for one in more))

    # The gate and the greeting.

    def _evidence(self, chain: tuple[x509.Certificate, ...]) -> Evidence:
        hello = self._hello
        return Evidence(
            side=Side.ACCEPTING,
            chain=chain,
            at=self._endpoint.clock(),
            announced_name=hello.server_name if hello is not None else None,
            announced_component=strangers.component_of(hello),
            peer_time=hello.now if hello is not None else None,
            tunnel=self._tunnel,
            address=self._address,
        )

    def _examine(self, chain: tuple[x509.Certificate, ...]) -> tuple[Fault, ...]:
        """Ask the gate; on a plain connection there is nobody to authenticate (SPEC W3)."""
        if self._generation is None:
            return ()
        verdict = self._endpoint.judge(self._evidence(chain), self._generation)
        self._identity = verdict.identity or identity_of(chain)
        if chain:
            self._presented = fingerprint(chain[0])
        return verdict.faults

    def _judge(self, chain: tuple[x509.Certificate, ...]) -> tuple[Fault, ...]:
        """Ask the gate, and remember a refusal for the caller that asks why."""
        faults = self._examine(chain)
        if faults:
            self._visitors.remember_refusal(self._host, self._presented, self._id)
        return faults

    async def _greet(self, secured: Secured) -> Admitted:
        endpoint, wire = self._endpoint, self._wire
        faults = self._judge(secured.chain)
        wire.converse(Connection(Speaks.ACCEPTING))
        reasons = reasons_to_tell(faults)
        wire.send(
            Greeting(
                connection_id=self._id,
                server_name=self._own_name,
                now=endpoint.clock(),
                verdict=reasons,
            )
        )
        if faults:
            raise _Refusal(*faults, told=tuple(reason.code for reason in reasons))
        hello = self._hello = await self._hear_hello()
        # By the trust in force now: what was withdrawn meanwhile does not slip in. From here to the
        # open channel nothing else runs.
        self._generation = endpoint.trust.current
        faults = self._judge(secured.chain) or strangers.unknown_component(hello)
        if faults:
            reasons = reasons_to_tell(faults)
            wire.send(Refused(reasons))
            raise _Refusal(*faults, told=tuple(reason.code for reason in reasons))
        wire.send(Ready(endpoint.version))
        return self._admitted(hello, secured.chain)

    async def _hear_hello(self) -> Hello:
        match await self._wire.next():
            case Hello(verdict=()) as hello:
                return hello
            case Hello(verdict=reasons) as hello:
                self._hello = hello
                teller = printable(hello.server_name)
                vouched = self._generation is not None
                faults = faults_told(reasons, teller=teller, vouched=vouched)
                raise _Refusal(*faults, by_peer=True)
            case Broken() as broken:
                raise self._broken(broken)
            case RemoteProtocolError() as error:
                raise error
            case Lost(error=error_text):
                raise self._silent(strangers.gone(self._address, self._phase, error_text))
            case other:
                raise RemoteProtocolError(f"{type(other).__name__} instead of Hello")

    def _admitted(self, hello: Hello, chain: tuple[x509.Certificate, ...]) -> Admitted:
        component = Component(hello.component)
        generation = self._generation
        self._log(Outcome.ACCEPTED)
        caller = Caller(
            component=component,
            server=hello.server_name,
            secured=generation is not None,
            fingerprint=self._identity.fingerprint if self._identity else "",
            names=self._identity.names if self._identity else (),
            connection_id=self._id,
        )
        facts = PeerFacts(
            name=hello.server_name,
            identity=self._identity,
            tunnel=self._tunnel,
            address=self._address,
            connection_id=self._id,
            version=hello.version,
            generation=generation.number if generation is not None else 0,
            standing=None
            if self._face is None
            else Standing.of(
                self._evidence(chain), self._face.identity.chain, asked=self._client.name
            ),
        )
        return Admitted(self._wire, caller, facts)

    # The paths on which nobody is admitted.

    async def _run_errand(self, secured: Secured) -> None:
        """Explain a refusal, give lists, or let a new server join; then it is over."""
        self._phase = secured.path.name.lower()
        errand = Errand(
            wire=self._wire,
            endpoint=self._endpoint,
            visitors=self._visitors,
            connection_id=self._id,
            log=self._log,
        )
        if secured.path is AlpnPath.WHY:
            if errand.may_ask_why:
                faults = self._examine(secured.chain)
                await errand.explain(faults, presented=self._presented)
            return
        if secured.path is AlpnPath.LISTS:
            await errand.give_lists(self._reception)
            return
        assert self._reception is not None, "the path is offered only with a reception"
        self._identity = identity_of(secured.chain)
        await errand.receive(self._reception, secured.chain[0])

    # The log.

    def _refuse(self, refusal: _Refusal) -> None:
        code = refusal.faults[0].code if refusal.faults else ""
        if code in _SUMMARISED and not self._visitors.worth_a_line(self._host, code):
            return
        self._log(
            Outcome.REFUSED,
            faults=refusal.faults,
            told=refusal.told,
            refused_by="peer" if refusal.by_peer else "us",
        )

    def _log(self, outcome: Outcome, **more: Any) -> None:
        hello, now = self._hello, self._endpoint.clock()
        if hello is not None:
            more["announced"] = printable(hello.server_name)
            more["component"] = printable(hello.component)
            more["clock_difference"] = (hello.now - now).total_seconds()
        self._endpoint.log(
            SecurityRecord(
                at=now,
                outcome=outcome,
                side=Side.ACCEPTING,
                connection_id=self._id,
                address=self._address,
                port=self._port,
                phase=self._phase,
                tunnel=self._tunnel,
                secured=self._generation is not None,
                **SecurityRecord.of(self._identity),
                **more,
            )
        )


#: Refusals that a port scanner causes by the thousand: one line an address and minute (P7).
_SUMMARISED = frozenset({"closed-early", "too-many-handshakes", "phase-timeout"})
