"""What HUB gives out so that all servers trust alike: roots, revocation lists, names, renewals.

What it gives is what HUB's own server has in force, so that no server is asked to trust what HUB
has not validated itself. It gives only when the installation's issuing authority lives here; who
asks was settled by the gate, and a renewal is for the bearer of the certificate in use and for
nothing more than that certificate says; but for a server that is being renamed, whose second name
an administrator has recorded on this server.
"""

import asyncio
import hashlib
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.contracts import (
    RENEW,
    Caller,
    Command,
    RenewalRequest,
    Renewed,
    Status,
    TrustBundle,
)
from sottovoce.errors import CallRefused, SottovoceError
from sottovoce.hub.authority import Issuer, settle_rename
from sottovoce.net.clock import Clock
from sottovoce.net.log import Log
from sottovoce.pki import fingerprint, load_request
from sottovoce.tls import Trust, TrustGeneration

__all__ = ["TrustDesk", "bundle_of", "why_renew"]

#: Characters of a revision: 128 bits of SHA-256, so that two bundles never share one by chance.
_REV_LENGTH = 32


def bundle_of(generation: TrustGeneration) -> TrustBundle:
    """Return what *generation* trusts, in the form in which it crosses to partners."""
    roots = tuple(sorted(root.public_bytes(Encoding.DER) for root in generation.roots))
    crls = tuple(sorted(crl.public_bytes(Encoding.DER) for crl in generation.crls))
    allowed = tuple(sorted(generation.allowed.names))
    digest = hashlib.sha256()
    for part in (*roots, b"", *crls, b"", *(name.encode() for name in allowed)):
        digest.update(hashlib.sha256(part).digest())
    return TrustBundle(
        rev=digest.hexdigest()[:_REV_LENGTH], roots=roots, crls=crls, allowed=allowed
    )


def why_renew(issuer: Issuer, own: str, *, issued_by: str, proved: bool, now: datetime) -> str:
    """Return why a server is to renew its certificate although it is not due; empty when not.

    Args:
        issuer: the installation's.
        own: SHA-256 of the server's certificate.
        issued_by: SHA-256 of the certificate above it.
        proved: whether the server has shown that certificate, not only said that it has it.
        now: UTC.

    Raises:
        StoreError, CertificateFormatError: the authority's files cannot be used.
    """
    current = fingerprint(issuer.certificate)
    if issued_by != current:
        return f"the issuing certificate {current} signs now, no longer {issued_by}"
    names = settle_rename(issuer, own, proved=proved, now=now)
    return f"it is to be for {', '.join(names)}" if names else ""


class TrustDesk:
    """Answers ``hub.trust`` and ``hub.renew``.

    Args:
        trust: the pointer to what HUB's server has in force.
        issuer: the issuing authority, or None where it does not live here.
        lifetime: of renewed certificates.
        clock: UTC.
        log: HUB's own.
    """

    def __init__(
        self,
        trust: Trust,
        issuer: Issuer | None,
        *,
        lifetime: timedelta,
        clock: Clock,
        log: Log,
    ) -> None:
        self._trust = trust
        self._issuer = issuer
        self._lifetime = lifetime
        self._clock = clock
        self._log = log
        self._made: tuple[TrustGeneration, TrustBundle] | None = None

    @property
    def rev(self) -> str:
        """The revision that every server should have; empty when HUB gives out none."""
        bundle = self._current()
        return bundle.rev if bundle is not None else ""

    def bundle(self) -> TrustBundle:
        """Return whom to trust.

        Raises:
            CallRefused: ``trust-not-given``.
        """
        bundle = self._current()
        if bundle is None:
            raise CallRefused(
                "trust-not-given",
                "This HUB gives out no trust: the installation's issuing authority is not here. "
                "Set TrustFromHub=no in server.ini, and import roots by 'sottovoce keytool'.",
            )
        return bundle

    def _current(self) -> TrustBundle | None:
        generation = self._trust.current
        if generation is None or self._issuer is None:
            return None
        if self._made is None or self._made[0] is not generation:
            self._made = (generation, bundle_of(generation))
        return self._made[1]

    async def commands(self, caller: Caller, status: Status) -> tuple[Command, ...]:
        """Return what a server is to do about its certificate.

        One that has HUB's trust in force, and whose certificate is of an issuing key that signs no
        more, is to renew it now: so a rollover or a new issuing certificate spreads at once. So is
        one that is being renamed.

        Raises:
            StoreError: the authority's files cannot be read.
        """
        issuer = self._issuer
        if issuer is None or not caller.secured or not status.issuer:
            return ()
        if status.trust_rev != self.rev:
            return ()
        own = status.certificates[0].fingerprint if status.certificates else caller.fingerprint
        why = await asyncio.to_thread(
            why_renew,
            issuer,
            own,
            issued_by=status.issuer,
            proved=own == caller.fingerprint,
            now=self._clock(),
        )
        return (Command(verb=RENEW, arguments={"why": why}),) if why else ()

    async def renew(self, caller: Caller, request: RenewalRequest) -> Renewed:
        """Certify a new key of *caller*.

        Raises:
            CallRefused: ``renewal-refused``, with the authority's reason.
        """
        issuer = self._issuer
        if issuer is None or not caller.secured or not caller.fingerprint:
            raise CallRefused(
                "renewal-refused",
                "This HUB renews no certificates: the installation's issuing authority is not "
                "here. Renew by 'sottovoce keytool' and the CA that issued the certificate.",
            )
        try:
            csr = load_request(request.request, source=f"the request of {caller.server}")
            chain = await asyncio.to_thread(
                issuer.renew,
                csr,
                fingerprint=caller.fingerprint,
                lifetime=self._lifetime,
                now=self._clock(),
            )
        except SottovoceError as error:
            self._log.warning(
                f"The certificate of {caller.server} was not renewed: {error.message}",
                action="renewal-refused",
                server=caller.server,
                code=error.code,
                connection_id=caller.connection_id,
            )
            raise CallRefused("renewal-refused", error.message) from error
        leaf = chain[0]
        self._log.info(
            f"Renewed the certificate of {caller.server}, until "
            f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC.",
            action="certificate-renewed",
            server=caller.server,
            serial=f"{leaf.serial_number:x}",
            fingerprint=fingerprint(leaf),
            connection_id=caller.connection_id,
        )
        return Renewed(chain=tuple(each.public_bytes(Encoding.DER) for each in chain))
