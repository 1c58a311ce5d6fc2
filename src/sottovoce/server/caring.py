"""What looks after a running server's certificates and trust: renewal, HUB's word, fresh lists.

Owns which of these run on this server and where they get what they need: where HUB holds the
installation's issuing authority, its own server signs by it directly and publishes its lists; a
server that takes its trust from HUB asks over its channel. Lists and answers of authorities
elsewhere are fetched where that is configured; else what the files say is enough.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
from cryptography import x509

from sottovoce.contracts import RENEW, Command, HeartbeatReply, HubCalls, RenewalRequest, Status
from sottovoce.errors import Fault, SottovoceError
from sottovoce.hub import why_renew
from sottovoce.hub.authority import Issuer
from sottovoce.ini import Secret
from sottovoce.net import Endpoint, TaskOwner, fetch_lists
from sottovoce.net.log import Log
from sottovoce.net.posture import certificates_of
from sottovoce.pki import fingerprint, load_certificates, load_request
from sottovoce.policy import KEYSTORE_PATH, Component
from sottovoce.server.fetching import RevocationFetcher, fetches
from sottovoce.server.following import Follower
from sottovoce.server.healing import ListHealer
from sottovoce.server.home import Faults
from sottovoce.server.keeper import TrustKeeper
from sottovoce.server.own_trust import issuer_print
from sottovoce.server.passwords import keystore_password
from sottovoce.server.plan import Plan
from sottovoce.server.reloading import ReloadOutcome
from sottovoce.server.renewing import Renewer
from sottovoce.server.trust import read_ssl

__all__ = ["Care"]

#: Seconds between two looks whether the authority has a new list: what is revoked by a command
#: beside the running HUB is in force here within this time.
LOOK_EVERY = 1.0

Issue = Callable[[bytes], Awaitable[tuple[x509.Certificate, ...]]]


class Care:
    """Looks after one secured server; :meth:`start` begins, the tasks' owner ends it.

    Args:
        plan: what the server was started with.
        endpoint: its end of channels, with the pointer to what is in force.
        keeper: takes changed files into force.
        issuer: the installation's issuing authority, on HUB's server; else None.
        hub: the calls on HUB, on every other server.
        log: the server's.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        endpoint: Endpoint,
        keeper: TrustKeeper,
        issuer: Issuer | None,
        hub: HubCalls | None,
        log: Log,
    ) -> None:
        self._plan = plan
        self._endpoint = endpoint
        self._keeper = keeper
        self._issuer = issuer
        self._log = log
        self._said = ""
        self.renewer = self._make_renewer(hub)
        self.follower = self._make_follower(hub)
        self.healer = self._make_healer()
        self.fetcher = self._make_fetcher()

    def start(self, tasks: TaskOwner) -> None:
        """Begin whatever this server needs."""
        if self.renewer is not None:
            tasks.spawn(self.renewer.run(), name="certificate-renewal")
        if self.follower is not None:
            tasks.spawn(self.follower.run(), name="trust-from-hub")
        if self.healer is not None:
            tasks.spawn(self.healer.run(), name="overdue-lists")
        if self.fetcher is not None:
            tasks.spawn(self.fetcher.run(), name="revocation-fetcher")
        if self._issuer is not None:
            tasks.spawn(self._publish_lists(self._issuer), name="revocation-lists")

    # What HUB is told, and hears.

    def complete(self, status: Status) -> Status:
        """Add certificates and trust to a component's status."""
        generation = self._endpoint.trust.current
        if generation is None:
            return status
        return msgspec.structs.replace(
            status,
            certificates=certificates_of(generation),
            trust_rev=self.follower.rev if self.follower is not None else "",
            roots=tuple(sorted(fingerprint(root) for root in generation.roots)),
            issuer=issuer_print(generation),
            renewal=self._trouble,
            lists=self._keeper.lists.failure,
        )

    @property
    def _trouble(self) -> str:
        parts = (self.renewer, self.follower)
        return next((part.failure for part in parts if part is not None and part.failure), "")

    def heard(self, reply: HeartbeatReply) -> None:
        """Take note of HUB's reply to a report."""
        if self.follower is not None:
            self.follower.heard(reply)

    async def obey(self, command: Command) -> None:
        """Carry out a command of HUB."""
        if command.verb == RENEW and self.renewer is not None:
            self.renewer.renew_soon(command.arguments.get("why", "HUB asks for it"))

    # The parts.

    def _make_renewer(self, hub: HubCalls | None) -> Renewer | None:
        issue = self._issue_by_authority if self._issuer is not None else _issue_by(hub)
        if not self._plan.settings.trust_from_hub or issue is None:
            return None
        return Renewer(
            trust=self._endpoint.trust,
            place=self._keystore,
            issue=issue,
            reload=self._reload,
            clock=self._endpoint.clock,
            log=self._log,
        )

    def _make_fetcher(self) -> RevocationFetcher | None:
        settings, trust, log = self._plan.settings, self._endpoint.trust, self._log
        if not fetches(settings):
            return None
        return RevocationFetcher(
            settings,
            roots=lambda: trust.current.roots if trust.current is not None else (),
            chains=self._chains,
            clock=self._endpoint.clock,
            warn=lambda fault: log.warning(str(fault), code=fault.code),
            changed=lambda: self._keeper.reload("lists or answers fetched"),
        )

    def _chains(self) -> Iterator[tuple[x509.Certificate, ...]]:
        """Yield the chains of this server and of everybody whom it is connected with."""
        generation = self._endpoint.trust.current
        if generation is None:
            return
        yield generation.identity.chain
        yield from (face.identity.chain for face in generation.others)
        for channel in self._keeper.channels:
            if channel.facts.standing is not None:
                yield channel.facts.standing.evidence.chain

    def _make_follower(self, hub: HubCalls | None) -> Follower | None:
        if not self._plan.settings.trust_from_hub or self._issuer is not None or hub is None:
            return None
        return Follower(
            home=self._plan.home,
            settings=self._plan.settings,
            trust=self._endpoint.trust,
            fetch=hub.trust,
            reload=self._reload,
            clock=self._endpoint.clock,
            log=self._log,
        )

    def _make_healer(self) -> ListHealer | None:
        if self.follower is None:
            return None
        known = self._plan.destinations.items()
        hub = next(place for (_, called), place in known if called is Component.HUB)
        return ListHealer(
            home=self._plan.home,
            lists=self._keeper.lists,
            fetch=lambda: fetch_lists(self._endpoint, hub),
            reload=self._reload,
            clock=self._endpoint.clock,
            log=self._log,
        )

    async def _issue_by_authority(self, request: bytes) -> tuple[x509.Certificate, ...]:
        issuer, generation, hub = self._issuer, self._endpoint.trust.current, self._plan.hub
        assert issuer is not None
        assert generation is not None
        assert hub is not None, "the issuing authority lies in HUB's home"
        return await asyncio.to_thread(
            issuer.renew,
            load_request(request, source="this server's request"),
            fingerprint=generation.own_identity.fingerprint,
            lifetime=timedelta(seconds=hub.certificate_lifetime),
            now=self._endpoint.clock(),
        )

    def _keystore(self) -> tuple[Path, Secret]:
        """Return path and password of the keystore, as the files have them now."""
        home, faults = self._plan.home, Faults()
        settings = home.settings()
        _, values = read_ssl(home, settings, faults)
        password = keystore_password(home, settings, values, faults) if values else None
        path = values.find(KEYSTORE_PATH) if values else None
        faults.check("The keystore cannot be opened.")
        assert path is not None
        assert password is not None
        return path, password

    async def _reload(self, reason: str) -> tuple[Fault, ...]:
        result = await self._keeper.reload(reason)
        return result.faults if result.outcome is ReloadOutcome.REFUSED else ()

    async def _publish_lists(self, issuer: Issuer) -> None:
        """Keep the lists of the authority where this server reads them, for ever."""
        folder = self._plan.settings.revocation_lists
        if folder is None:
            return
        while True:
            try:
                if await asyncio.to_thread(issuer.publish, folder, self._endpoint.clock()):
                    await self._keeper.reload("revocation lists")
                await self._follow_issuer(issuer)
                self._said = ""
            except SottovoceError as error:
                if self._said != error.code:
                    self._said = error.code
                    self._log.error(
                        f"The authority's revocation lists could not be published: {error}",
                        action="lists-not-published",
                        code=error.code,
                    )
            await asyncio.sleep(LOOK_EVERY)

    async def _follow_issuer(self, issuer: Issuer) -> None:
        """Renew this server's own certificate when the authority has a reason for it."""
        generation, renewer = self._endpoint.trust.current, self.renewer
        if generation is None or renewer is None:
            return
        why = await asyncio.to_thread(
            why_renew,
            issuer,
            generation.own_identity.fingerprint,
            issued_by=issuer_print(generation),
            proved=True,
            now=self._endpoint.clock(),
        )
        if why and set(await asyncio.to_thread(lambda: issuer.roots)) & set(generation.roots):
            renewer.renew_soon(why)


def _issue_by(hub: HubCalls | None) -> Issue | None:
    """Return how a server gets its certificate that has to ask HUB for it."""
    if hub is None:
        return None

    async def issue(request: bytes) -> tuple[x509.Certificate, ...]:
        renewed = await hub.renew(RenewalRequest(request=request))
        return tuple(
            each
            for data in renewed.chain
            for each in load_certificates(data, source="HUB's answer")
        )

    return issue
