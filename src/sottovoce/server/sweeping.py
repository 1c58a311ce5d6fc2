"""Every live connection, judged again by a generation that was just put in force.

A connection is borne; or its peer is cut off at once; or, where another certificate would do, no
new call is made or taken on it, and the peer has a moment to show one on a new connection: then
calls under way are answered and none is lost, else it is cut off. Whoever was revoked or taken from
the list is never waited for.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sottovoce.errors import Fault
from sottovoce.net import Channel, Peer, ServingChannel
from sottovoce.server.reloading import Closed
from sottovoce.tls import TrustGeneration

__all__ = ["Sweep"]

#: Refusals of a certificate whose bearer may have another one by now, under the new root.
_ANOTHER_MAY_DO = frozenset(
    {
        "certificate-expired",
        "intermediate-missing",
        "issuer-expired",
        "issuer-unknown",
        "root-untrusted",
        "self-signed",
        "signature-mismatch",
    }
)

#: Seconds within which a caller must have come again with another certificate.
PATIENCE = 2.0
_PAUSE = 0.02

_LEFT = "another channel has taken its place"
_COME_AGAIN = "the certificate on which it stands is not trusted any more"


@dataclass(kw_only=True)
class Sweep:
    """One sweep: :meth:`judge` in the turn of the swap, then :meth:`finish`.

    Args:
        previous: the generation that was in force.
        current: the one that is.
        accepted: gives the channels of those who call this server.
        peers: whom it calls.
        tell: whether a peer gets to know why it is cut off.
        closed: those who were.
    """

    previous: TrustGeneration
    current: TrustGeneration
    accepted: Callable[[], Iterable[ServingChannel]]
    peers: Iterable[Peer]
    tell: bool
    closed: list[Closed] = field(default_factory=list)
    _called: list[tuple[Peer, Channel, tuple[Fault, ...]]] = field(default_factory=list)
    _callers: list[tuple[ServingChannel, tuple[Fault, ...]]] = field(default_factory=list)

    def judge(self) -> None:
        """Judge everybody; from here on nobody is served or called who would be refused."""
        for caller in tuple(self.accepted()):
            faults = self._refused(caller)
            if faults and _another_may_do(faults):
                code = faults[0].code if self.tell else "going-away"
                caller.retire(code, _COME_AGAIN, refused=faults)
                self._callers.append((caller, faults))
            elif faults:
                self._cut_off(caller, faults)
        for peer in self.peers:
            for channel in peer.channels:
                faults = self._refused(channel)
                if faults and _another_may_do(faults):
                    peer.set_aside(channel)
                    self._called.append((peer, channel, faults))
                elif faults:
                    self._cut_off(channel, faults)
            peer.rotate()

    async def finish(self) -> tuple[Closed, ...]:
        """Let the partners that may prove themselves do so; return who was cut off in all."""
        await asyncio.gather(self._await_callers(), *(self._prove(*each) for each in self._called))
        return tuple(self.closed)

    async def _await_callers(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while self._waited_for() and loop.time() < until:  # noqa: ASYNC110 - any may come again
            await asyncio.sleep(_PAUSE)
        borne = self._borne
        for channel, faults in self._callers:
            if _who(channel) not in borne and not self._is_this_server(channel):
                self._cut_off(channel, faults)

    def _waited_for(self) -> bool:
        """Tell whether a caller has calls under way, and has not come again."""
        borne = self._borne
        return any(
            not channel.closed.done() and _who(channel) not in borne for channel, _ in self._callers
        )

    @property
    def _borne(self) -> set[tuple[str, str]]:
        """Who stands on a channel that was judged, or admitted, by what is in force.

        A channel that was refused proves nobody, although it was admitted by the same generation:
        so it is when a list ends.
        """
        refused = {channel for channel, _ in self._callers}
        return {
            _who(each)
            for each in self.accepted()
            if each.generation >= self.current.number and each not in refused
        }

    def _refused(self, channel: Channel | ServingChannel) -> tuple[Fault, ...]:
        faults = channel.judge_again(self.current)
        if not faults:
            channel.generation = self.current.number
        return faults

    def _is_this_server(self, channel: ServingChannel) -> bool:
        """Tell whether we are the caller: that end has changed its certificate this very moment."""
        return channel.facts.identity == self.previous.own_identity

    async def _prove(self, peer: Peer, channel: Channel, faults: tuple[Fault, ...]) -> None:
        if await peer.proves_itself():
            channel.retire("done", _LEFT, refused=faults)
        else:
            self._cut_off(channel, faults)

    def _cut_off(self, channel: Channel | ServingChannel, faults: tuple[Fault, ...]) -> None:
        channel.dismiss(faults, tell=self.tell)
        self.closed.append(Closed(channel.facts.name, faults[0].code))


def _who(channel: ServingChannel) -> tuple[str, str]:
    return channel.facts.name, channel.caller.component.value


def _another_may_do(faults: tuple[Fault, ...]) -> bool:
    return all(fault.code in _ANOTHER_MAY_DO for fault in faults)
