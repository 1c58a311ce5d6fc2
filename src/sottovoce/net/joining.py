"""The *join* path, caller's side: a new server that asks for its certificate by an invitation.

The other side is authenticated before the invitation is shown. When its answer is lost, the same
key asks again: HUB gives the same certificate to it, and to no other.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.contracts import Invitation
from sottovoce.diagnosis import entry_of
from sottovoce.errors import (
    ChannelError,
    Fault,
    HandshakeFailed,
    NotAdmitted,
    PhaseTimeout,
    RemoteProtocolError,
)
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net.endpoint import Endpoint
from sottovoce.net.join_checks import Welcome, greeting_faults, welcome_of
from sottovoce.net.reaching import Destination, open_wire
from sottovoce.net.strangers import refuse_first_answer, refused_without_reason
from sottovoce.net.telling import faults_told, printable, reasons_to_tell
from sottovoce.net.wire import Lost, Wire
from sottovoce.pki import (
    BACKDATE,
    PrivateKey,
    make_request,
    parse_name,
    self_signed,
)
from sottovoce.policy import Component
from sottovoce.rpc import (
    Connection,
    Joined,
    JoinGreeting,
    JoinRequest,
    Refused,
    Speaks,
    State,
    WhyHint,
)
from sottovoce.tls import AlpnPath, Broken, Engine, Secured, Side, calling_context

__all__ = ["Newcomer", "join"]

#: How often the same key asks when the answer does not arrive.
ATTEMPTS = 3
#: How long the certificate is good that is shown only to prove the key.
_PROOF_LIFETIME = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A server that is to join.

    Args:
        invitation: by which.
        key: its new one, which stays here.
        proof: a certificate that it has signed itself, to prove the key in TLS.
    """

    invitation: Invitation
    key: PrivateKey
    proof: x509.Certificate

    @classmethod
    def make(
        cls, invitation: Invitation, key: PrivateKey, *, serial: int, at: datetime
    ) -> "Newcomer":
        """Make a newcomer of a fresh key.

        Args:
            invitation: by which.
            key: stays here.
            serial: of the certificate that proves the key.
            at: UTC.
        """
        proof = self_signed(
            key,
            _subject(invitation.name),
            names=[invitation.name],
            serial=serial,
            not_before=at - BACKDATE,
            not_after=at + _PROOF_LIFETIME,
        )
        return cls(invitation, key, proof)

    @property
    def identity(self) -> PrivateKeyEntry:
        """The key with that certificate."""
        return PrivateKeyEntry(self.key, (self.proof,))

    def request(self) -> bytes:
        """Return the PKCS#10 request (DER) for that key."""
        name = self.invitation.name
        request = make_request(self.key, subject=_subject(name), names=[name])
        return request.public_bytes(Encoding.DER)


def _subject(name: str) -> x509.Name:
    """Return a subject; a name too long for a common name stands in the alternative names only."""
    return parse_name(f"CN={name}" if len(name) <= _LONGEST_COMMON_NAME else "CN=sottovoce")


#: RFC 5280 appendix A.1, ub-common-name.
_LONGEST_COMMON_NAME = 64


class _AnswerLost(Exception):
    """The connection ended after the invitation was shown: what came of it is not known."""

    def __init__(self, error: ChannelError) -> None:
        super().__init__(error)
        self.error = error


async def join(endpoint: Endpoint, newcomer: Newcomer, *, pause: float = 1.0) -> Welcome:
    """Ask HUB for a certificate and everything that belongs to it.

    Args:
        endpoint: whose clock, version and limits count; its trust is not used.
        newcomer: who asks.
        pause: seconds before the same is asked again when the answer was lost.

    Returns:
        What HUB gave, judged as partners will judge it.

    Raises:
        ConnectFailed: HUB cannot be reached.
        HandshakeFailed: it is no HUB, or not the one of the invitation, or takes nobody now.
        NotAdmitted: it refused, with its reasons; or what it gave cannot be used.
        PhaseTimeout: it took too long.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _Attempt(endpoint, newcomer).run()
        except _AnswerLost as lost:
            if attempt == ATTEMPTS:
                raise lost.error from None
        await asyncio.sleep(pause)
    raise AssertionError


class _Attempt:
    """One connection."""

    def __init__(self, endpoint: Endpoint, newcomer: Newcomer) -> None:
        self._endpoint = endpoint
        self._newcomer = newcomer
        invitation = newcomer.invitation
        self._destination = Destination(
            name=invitation.hub,
            port=invitation.port,
            address=invitation.address,
            component=Component.HUB,
        )
        self._who = str(self._destination)
        self._phase = "connect"
        self._connection_id = ""
        self._asked = False

    async def run(self) -> Welcome:
        """Connect, check, ask."""
        limits = self._endpoint.limits
        wire = await open_wire(self._destination, self._endpoint)
        try:
            return await self._introduce(wire)
        except RemoteProtocolError as error:
            raise self._failed(
                HandshakeFailed, Fault(code="protocol-error", why=f"{error.message}.")
            ) from error
        except TimeoutError as error:
            if isinstance(error, ChannelError):
                raise
            raise self._lost(f"nothing came in time in phase {self._phase}", PhaseTimeout) from None
        finally:
            await wire.close(linger=limits.linger)

    async def _introduce(self, wire: Wire) -> Welcome:
        limits, invitation = self._endpoint.limits, self._newcomer.invitation
        self._phase = "tls"
        async with asyncio.timeout(limits.handshake):
            secured = await self._tls(wire)
        if secured.path is not AlpnPath.JOIN:
            raise self._failed(HandshakeFailed, _not_open(self._who))
        self._phase = "join"
        wire.converse(Connection(Speaks.CALLING, State.JOIN))
        async with asyncio.timeout(limits.greeting):
            greeting: JoinGreeting = await self._expect(wire, JoinGreeting)
        self._connection_id = printable(greeting.connection_id, limit=64)
        at = self._endpoint.clock()
        faults = greeting_faults(greeting, secured.chain, invitation, who=self._who, at=at)
        if faults:
            wire.send(WhyHint(reasons_to_tell(faults)))
            raise self._failed(HandshakeFailed, *faults)
        wire.send(self._request(at))
        self._asked = True
        async with asyncio.timeout(limits.join + limits.greeting):
            joined: Joined = await self._expect(wire, Joined)
        welcome = welcome_of(
            joined,
            self._newcomer.identity,
            invitation,
            hub_chain=secured.chain,
            at=self._endpoint.clock(),
        )
        if isinstance(welcome, Welcome):
            return welcome
        raise self._failed(NotAdmitted, *welcome)

    def _request(self, now: datetime) -> JoinRequest:
        invitation = self._newcomer.invitation
        return JoinRequest(
            secret=invitation.secret,
            name=invitation.name,
            components=tuple(each.value for each in invitation.components),
            request=self._newcomer.request(),
            version=self._endpoint.version,
            now=now,
        )

    async def _tls(self, wire: Wire) -> Secured:
        engine = Engine(
            None,
            side=Side.CALLING,
            server_name=self._newcomer.invitation.hub,
            path=AlpnPath.JOIN,
            context=calling_context(self._newcomer.identity, ()),
        )
        engine.start()
        wire.write_raw(engine.data_to_send())
        first = await wire.first_bytes()
        fault = refuse_first_answer(first, secured=True, who=self._who)
        if fault is not None:
            raise self._failed(HandshakeFailed, fault)
        wire.attach(engine)
        secured: Secured = await self._expect(wire, Secured)
        return secured

    async def _expect(self, wire: Wire, kind: type[Any]) -> Any:
        match await wire.next():
            case happening if isinstance(happening, kind):
                return happening
            case Refused(reasons=reasons):
                told = faults_told(reasons, teller=self._who, vouched=self._asked)
                said = tuple(replace(fault, why=self._refused(fault)) for fault in told)
                raise self._failed(NotAdmitted, *(said or (refused_without_reason(self._who),)))
            case Broken() as broken if broken.alert_received and not self._asked:
                raise self._failed(HandshakeFailed, _not_open(self._who))
            case Broken() as broken:
                words = ", ".join(broken.reasons) or broken.alert_received
                raise self._lost(words or "TLS broke")
            case RemoteProtocolError() as error:
                raise error
            case Lost(error=error):
                raise self._lost(error or "the connection ended")
            case other:
                raise RemoteProtocolError(f"{type(other).__name__} from the other side")

    def _refused(self, told: Fault) -> str:
        """Return HUB's reason as a sentence; both values stand beside it."""
        entry = entry_of(told.code)
        return f"{self._who} refuses: {entry.title}." if entry is not None else told.why

    def _lost(self, words: str, kind: type[ChannelError] = HandshakeFailed) -> Exception:
        """Return the error of a lost connection; what was asked for may have been granted."""
        if not self._asked:
            fault = Fault(
                code="closed-early" if kind is HandshakeFailed else "phase-timeout",
                why=f"{self._who} broke off in phase {self._phase} ({words}).",
                presented=words,
                hint="Its security log has the reason, if it is one of ours.",
            )
            return self._failed(kind, fault)
        fault = Fault(
            code="join-answer-lost",
            why=f"The answer of {self._who} did not arrive ({words}): whether it counts the "
            "invitation as used is not known. Nothing was written here.",
            presented=words,
            hint="Run the command again; if the code is used by then, ask for a new invitation.",
        )
        return _AnswerLost(self._failed(kind, fault))

    def _failed(self, kind: type[ChannelError], *faults: Fault) -> ChannelError:
        first = faults[0]
        return kind(
            first.why,
            peer=self._who,
            phase=self._phase,
            faults=faults,
            connection_id=self._connection_id,
            hint=first.hint,
            code=first.code,
        )


def _not_open(who: str) -> Fault:
    return Fault(
        code="join-not-open",
        why=f"{who} lets nobody join now: no invitation is open there, this address has tried too "
        "often, or it is no HUB with an authority of its own.",
        expected="an open invitation",
        hint="Ask for a new invitation on HUB's server; its security log has what it made of us.",
    )
