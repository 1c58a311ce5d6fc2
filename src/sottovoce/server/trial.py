"""A new trust generation, tried before it is in force: what would it do to the partners we know?

Owns the difference between a fault and an intention. That a partner would refuse *us* because of
our new certificate is a fault: nobody installs a certificate in order to be refused. That *we*
would refuse a partner is an intention when the partner was revoked, taken from the list or its root
was removed; it is a fault when nothing about that partner has changed and a list of ours is missing
or too old.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sottovoce.errors import ChannelError, Fault
from sottovoce.net import (
    Channel,
    Endpoint,
    Peer,
    SecurityRecord,
    ServingChannel,
    monotonic,
    probe,
)
from sottovoce.pki import dns_names, fingerprint, short_name
from sottovoce.policy import stands_for
from sottovoce.tls import Trust, TrustGeneration

__all__ = ["Trial"]

#: Why we would refuse a partner when the reason is ours alone (catalogue R3, R4).
_OUR_OWN_DOING = frozenset({"revocation-unknown", "revocation-list-expired", "internal-error"})

#: What a partner says that has not got the new root yet (catalogue O2).
_ROOT_UNKNOWN = frozenset({"issuer-unknown", "root-untrusted", "self-signed", "signature-mismatch"})


@dataclass(kw_only=True)
class Trial:
    """One candidate and those whom it concerns.

    Args:
        current: the generation in force.
        candidate: the one that may take its place.
        endpoint: ours.
        channels: every open channel of this server.
        peers: whom this server calls.
        faults: filled by :meth:`run`: why the candidate must not be put in force.
        warnings: filled by :meth:`run`: what could not be tried, or will be different.
    """

    current: TrustGeneration
    candidate: TrustGeneration
    endpoint: Endpoint
    channels: tuple[Channel | ServingChannel, ...]
    peers: tuple[Peer, ...]
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    async def run(self) -> None:
        """Judge and try everything that can be."""
        self.faults += self._judged()
        if not self._shows_another:
            return
        self.faults += self._names_missed()
        self.warnings += self._names_given_up()
        if not self.faults:
            await asyncio.gather(*(self._try(peer) for peer in self.peers))

    @property
    def _shows_another(self) -> bool:
        """Whether partners will be shown another chain than now."""
        before, after = (
            [each.chain for each in (one.identity, *(face.identity for face in one.others))]
            for one in (self.current, self.candidate)
        )
        return before != after

    # Those who are connected now.

    def _judged(self) -> Iterator[Fault]:
        """Return the faults that cut off partners who have done nothing."""
        for channel in self.channels:
            refused = channel.judge_again(self.candidate)
            if not refused or refused[0].code not in _OUR_OWN_DOING:
                continue
            if channel.judge_again(self.current):
                continue  # it is no better now
            first = refused[0]
            yield replace(
                first, why=f"{channel.facts.name}, connected now, would be refused: {first.why}"
            )

    def _names_missed(self) -> Iterator[Fault]:
        """Return the names that callers use and the new certificate has not (catalogue O4)."""
        users: dict[str, set[str]] = {}
        for channel in self.channels:
            standing = channel.facts.standing
            if standing is not None and standing.asked:
                users.setdefault(standing.asked, set()).add(channel.facts.name)
        for asked, who in sorted(users.items()):
            if _answers_to(self.current, asked) and not _answers_to(self.candidate, asked):
                names = ", ".join(dns_names(self.candidate.face(asked).identity.chain[0]))
                yield Fault(
                    code="reload-refused",
                    why=f"The new certificate lacks the name {asked}, by which "
                    f"{', '.join(sorted(who))} calls this server.",
                    expected=asked,
                    presented=names or "no name",
                    hint=f"Reissue it with {asked} among its names.",
                )

    def _names_given_up(self) -> Iterator[Fault]:
        gone = [name for name in _names(self.current) if name not in _names(self.candidate)]
        if gone:
            yield Fault(
                code="name-mismatch",
                why=f"The new certificate is no longer for {', '.join(gone)}.",
                expected=", ".join(gone),
                presented=", ".join(_names(self.candidate)),
                hint="Whoever calls this server by that name will be refused.",
                warning=True,
            )

    # Those whom we call.

    async def _try(self, peer: Peer) -> None:
        """Show the new certificate to a partner; what it does to one that is away is not known."""
        if self._is_this_server(peer):
            return  # both ends change at the same moment; what it is shown was judged as our own
        error = await self._refusal(peer, self.candidate)
        if error is None:
            return
        if error.code != "refused-by-peer":
            self.warnings.append(_untried(peer, error))
        elif await self._refusal(peer, self.current) is None:
            self.faults.append(self._would_be_refused(peer, error))
        else:
            self.warnings.append(_untried(peer, error))

    def _is_this_server(self, peer: Peer) -> bool:
        own = self.current.own_identity.fingerprint
        for channel in peer.channels:
            if channel.is_open and channel.facts.identity is not None:
                return channel.facts.identity.fingerprint == own
        return stands_for(self.current.identity, peer.destination.name)

    async def _refusal(self, peer: Peer, generation: TrustGeneration) -> ChannelError | None:
        endpoint = replace(self.endpoint, trust=Trust(generation), log=self._note_trial)
        tried = await probe(
            endpoint, peer.destination, component=peer.component, monotonic=monotonic
        )
        return tried.error

    def _note_trial(self, record: SecurityRecord) -> None:
        about = f"trial of trust generation {self.candidate.number}"
        self.endpoint.log(replace(record, detail=f"{about}: {record.detail}".removesuffix(": ")))

    def _would_be_refused(self, peer: Peer, error: ChannelError) -> Fault:
        told = error.faults[0] if error.faults else Fault(code=error.code, why=error.message)
        if told.code in _ROOT_UNKNOWN:
            top = self.candidate.identity.chain[-1]
            root = short_name(top.issuer)
            return Fault(
                code="root-not-spread",
                why=f"{peer.destination} does not trust the new CA '{root}' yet, and would refuse "
                "this server's new certificate.",
                expected=f"the root '{root}' among the trusted ones of {peer.destination.name}",
                presented=f"a certificate under it (SHA-256 {fingerprint(top)[:23]}…)",
                hint=f"Import the new root on {peer.destination.name} first.",
            )
        return Fault(
            code="reload-refused",
            why=f"{peer.destination} accepts the certificate in use and refused the new one "
            f"({told.code}): {told.why}",
            expected=told.expected or "a certificate that it accepts",
            presented=told.presented,
            hint=told.hint or error.hint,
        )


def _untried(peer: Peer, error: ChannelError) -> Fault:
    return Fault(
        code=error.code,
        why=f"The new certificate could not be tried with {peer.destination}: {error.message}",
        hint=error.hint,
        warning=True,
    )


def _answers_to(generation: TrustGeneration, name: str) -> bool:
    return stands_for(generation.face(name).identity, name)


def _names(generation: TrustGeneration) -> tuple[str, ...]:
    entries = (generation.identity, *(face.identity for face in generation.others))
    return tuple(dict.fromkeys(name for each in entries for name in dns_names(each.chain[0])))
