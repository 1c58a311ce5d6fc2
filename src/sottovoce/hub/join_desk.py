"""HUB's reception for new servers: an invitation and a request in, a certificate and trust out.

Whoever shows no invitation of ours learns nothing but that. Who shows one is told everything that
is wrong at once, and nothing has changed then. A server that is let in stands in HUB's own list of
servers before it is answered, so that its first call is not refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce import __version__
from sottovoce.errors import Fault, FormatError, IssuanceError, SottovoceError
from sottovoce.hub.authority import Issuer
from sottovoce.hub.service.invitations import InvitationFacts, Invitations, Redemption, unknown
from sottovoce.hub.trust_desk import TrustDesk
from sottovoce.ini import normalise_host_name, shown
from sottovoce.net import Applicant
from sottovoce.net.clock import Clock
from sottovoce.net.log import Log
from sottovoce.pki import fingerprint, key_fingerprint, key_weakness, load_request
from sottovoce.policy import SKEW_REFUSED, Component
from sottovoce.rpc import Joined, JoinRequest

__all__ = ["Admit", "JoinDesk"]

#: Puts a server's name into HUB's own list and into force; gives what takes it out again.
Admit = Callable[[str], Awaitable[Callable[[], Awaitable[None]]]]


class JoinDesk:
    """Receives new servers (:class:`sottovoce.net.Reception`).

    Args:
        invitations: who may join.
        issuer: the issuing authority.
        trust: whom all servers trust.
        admit: puts the new server into HUB's list; raises :class:`SottovoceError`.
        hosts: on which server each component runs.
        lifetime: of the certificates.
        clock: UTC.
        log: HUB's own.
    """

    def __init__(  # noqa: PLR0913 - one desk has exactly these partners, all by name
        self,
        invitations: Invitations,
        issuer: Issuer,
        trust: TrustDesk,
        *,
        admit: Admit,
        hosts: Mapping[Component, str],
        lifetime: timedelta,
        clock: Clock,
        log: Log,
    ) -> None:
        self._invitations = invitations
        self._issuer = issuer
        self._trust = trust
        self._admit = admit
        self._hosts = {component.value: host for component, host in hosts.items()}
        self._lifetime = lifetime
        self._clock = clock
        self._log = log
        #: One at a time: HUB's list of servers is changed and, on failure, put back.
        self._lock = asyncio.Lock()

    async def is_open(self) -> bool:
        """Whether anybody is invited; when HUB could not serve them anyway, nobody is."""
        try:
            await self.roots()
            return await self._invitations.anybody_expected()
        except SottovoceError as error:
            self._log.error(f"Nobody can join: {error}", action="join-closed", code=error.code)
            return False

    async def roots(self) -> tuple[x509.Certificate, ...]:
        """Return the roots of the authority."""
        return await asyncio.to_thread(lambda: self._issuer.roots)

    async def lists(self, *, asked_by: str) -> tuple[bytes, ...]:
        """Return the revocation lists that HUB has in force itself."""
        try:
            crls = self._trust.bundle().crls
        except SottovoceError:
            crls = ()
        if asked_by:
            self._log.info(
                f"{asked_by} fetched {len(crls)} revocation lists, as a server does whose own are "
                "overdue.",
                action="lists-given",
                address=asked_by,
            )
        return crls

    async def receive(self, applicant: Applicant) -> Joined | tuple[Fault, ...]:
        """Let a new server in, or say why not."""
        async with self._lock:
            try:
                return await self._receive(applicant)
            except SottovoceError as error:
                return (self._unfinished(applicant, error),)

    async def _receive(self, applicant: Applicant) -> Joined | tuple[Fault, ...]:
        request, now = applicant.request, self._clock()
        invitation = await self._invitations.find(request.secret)
        if invitation is None:
            return (unknown(),)
        csr, faults = _examined(applicant, invitation, now)
        key = key_fingerprint(applicant.certificate.public_key())
        refusal = invitation.refusal(key, now)
        if refusal is not None:
            return (refusal, *faults)
        if faults or csr is None:
            return faults

        async def issue() -> tuple[x509.Certificate, ...]:
            return await asyncio.to_thread(
                self._issuer.sign,
                csr,
                names=invitation.names,
                roles=[component.role_uri for component in invitation.components],
                lifetime=self._lifetime,
                now=now,
            )

        redemption = Redemption(
            secret=request.secret, key=key, address=applicant.address, issue=issue
        )
        undo = await self._admit(invitation.name)
        try:
            chain = await self._invitations.redeem(redemption)
        except BaseException:
            await asyncio.shield(undo())
            raise
        if isinstance(chain, Fault):
            await undo()
            return (chain,)
        self._say(applicant, invitation, chain[0])
        return self._joined(chain)

    def _joined(self, chain: tuple[x509.Certificate, ...]) -> Joined:
        bundle = self._trust.bundle()
        return Joined(
            chain=tuple(each.public_bytes(Encoding.DER) for each in chain),
            roots=bundle.roots,
            crls=bundle.crls,
            allowed=bundle.allowed,
            hosts=self._hosts,
        )

    def _say(
        self, applicant: Applicant, invitation: InvitationFacts, leaf: x509.Certificate
    ) -> None:
        self._log.info(
            f"{invitation.name} has joined as "
            f"{', '.join(component.label for component in invitation.components)}.",
            action="server-joined",
            server=invitation.name,
            serial=f"{leaf.serial_number:x}",
            fingerprint=fingerprint(leaf),
            connection_id=applicant.connection_id,
        )

    def _unfinished(self, applicant: Applicant, error: SottovoceError) -> Fault:
        """Say why it came to nothing; only what is wrong with the request itself goes out."""
        self._log.error(
            f"{shown(applicant.request.name)} could not join: {error}",
            action="join-failed",
            code=error.code,
            connection_id=applicant.connection_id,
        )
        if isinstance(error, IssuanceError):
            return Fault(code=error.code, why=error.message, hint=error.hint)
        return Fault(
            code="join-not-finished",
            why=f"HUB could not let it in: {error.message}",
            hint="The invitation is still good. See HUB's log, mend that, and use the same code.",
        )


def _examined(
    applicant: Applicant, invitation: InvitationFacts, now: datetime
) -> tuple[x509.CertificateSigningRequest | None, tuple[Fault, ...]]:
    """Return the request, and everything that is wrong with what an invited server says."""
    said = applicant.request
    faults = [*_wrong_server(said, invitation), *_wrong_version(said), *_wrong_clock(said, now)]
    try:
        csr = load_request(said.request, source="the request")
    except FormatError as error:
        faults.append(Fault(code=error.code, why=error.message, hint="Use this program's join."))
        return None, tuple(faults)
    return csr, (*faults, *_wrong_key(csr, applicant.certificate))


def _wrong_server(said: JoinRequest, invitation: InvitationFacts) -> list[Fault]:
    faults = []
    name = ""
    with suppress(ValueError):
        name = normalise_host_name(said.name)
    if name != invitation.name:
        faults.append(
            Fault(
                code="join-name-mismatch",
                why=f"The invitation is for {invitation.name}, not for {shown(said.name)}.",
                expected=invitation.name,
                presented=shown(said.name),
                hint="Use the code that was made for this server.",
            )
        )
    if set(said.components) != {component.value for component in invitation.components}:
        expected = ",".join(invitation.components)
        faults.append(
            Fault(
                code="component-unexpected",
                why=f"The invitation is for {expected}.",
                expected=expected,
                presented=shown(",".join(said.components)) or "none",
                hint="Use the code that was made for these components.",
            )
        )
    return faults


def _wrong_version(said: JoinRequest) -> list[Fault]:
    """Servers of one installation are of one first number (semver: what may not fit otherwise)."""
    if said.version.split(".")[0] == __version__.split(".")[0]:
        return []
    return [
        Fault(
            code="version-unsupported",
            why=f"HUB is version {__version__}, the new server {shown(said.version)}.",
            expected=__version__,
            presented=shown(said.version),
            hint="Install the same version on both.",
        )
    ]


def _wrong_clock(said: JoinRequest, now: datetime) -> list[Fault]:
    seconds = (said.now - now).total_seconds()
    if abs(seconds) <= SKEW_REFUSED:
        return []
    side = "ahead of" if seconds > 0 else "behind"
    return [
        Fault(
            code="clock-skew",
            why=f"The new server's clock is {abs(seconds):.0f} s {side} HUB's.",
            expected=f"at most {SKEW_REFUSED:.0f} s",
            presented=f"{abs(seconds):.0f} s",
            hint="Set the clock that is wrong (timedatectl status), then use the same code.",
        )
    ]


def _wrong_key(csr: x509.CertificateSigningRequest, shown_one: x509.Certificate) -> list[Fault]:
    """The request must be for the key that was proved in TLS, signed by it, and strong enough."""
    try:
        public, proved = csr.public_key(), shown_one.public_key()
        signed = csr.is_signature_valid
        same = key_fingerprint(public) == key_fingerprint(proved)
        weakness = key_weakness(public)
    except Exception as error:  # noqa: BLE001 - fail closed: cryptography raises errors of many kinds
        why = f"The request cannot be read ({type(error).__name__})."
        return [Fault(code="request-altered", why=why, hint="Use this program's join.")]
    faults = []
    if not signed:
        why = "The request is not signed by the key that it is for."
        faults.append(Fault(code="request-altered", why=why, hint="Use this program's join."))
    if not same:
        faults.append(
            Fault(
                code="join-key-mismatch",
                why="The request is for another key than the one that was proved in TLS.",
                expected=key_fingerprint(proved),
                presented=key_fingerprint(public),
                hint="Use this program's join; if it was used, somebody stands in between.",
            )
        )
    if weakness:
        faults.append(
            Fault(
                code="weak-key",
                why=f"The key is too weak: {weakness}.",
                expected="EC P-256, RSA of 2048 bits or Ed25519",
                presented=weakness,
                hint="Use this program's join, which makes a key of P-256.",
            )
        )
    return faults
