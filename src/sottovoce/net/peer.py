"""A lasting partner: one channel to it that is opened when needed and opened again when it breaks.

A call on a partner's stub either goes out on an open channel or fails with the ``ChannelError``
that says why there is none. Attempts are spaced, so that a refused server does not fill two logs.

When this server has got another certificate, or one of the two certificates of the channel nears
its end, the next channel is opened before the old one is left: *make before break*. No call waits
for it, and none is lost: what had not begun on the old one goes out on the new one.
"""

import asyncio
import random
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from sottovoce.contracts import CallSpec, EdgePosture
from sottovoce.errors import ChannelClosed, ChannelError, NotCarriedOut
from sottovoce.net.channel import Channel
from sottovoce.net.clock import monotonic
from sottovoce.net.conversation import LONGEST_NAP
from sottovoce.net.dialer import connect
from sottovoce.net.endpoint import Endpoint
from sottovoce.net.posture import EdgeRecord
from sottovoce.net.reaching import Destination
from sottovoce.net.stubs import make_stub
from sottovoce.net.tasks import TaskOwner, unexpected
from sottovoce.net.trace import Trace
from sottovoce.policy import Component

__all__ = ["FIRST_PAUSE", "LONGEST_PAUSE", "Peer"]

#: Seconds between attempts: doubled from the first to the longest, with jitter (gRPC's connection
#: backoff goes from 1 s to 120 s; an installation of three servers may be livelier).
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0

#: The share of what is left of a channel's certificates after which the next channel is opened,
#: drawn anew each time, so that not all callers come at once. A certificate is renewed at two
#: thirds of its life (the acme and cert-manager rule), so by then there is a new one.
ROTATE_AFTER = (0.8, 0.9)

#: How often one call may find that the channel was left before it began.
_ATTEMPTS = 4

Contract = TypeVar("Contract")


class Peer:
    """One connection of the installation, seen from its caller.

    Args:
        endpoint: ours.
        component: which of our components calls.
        destination: whom; its ``component`` says what is called there.
    """

    def __init__(
        self, endpoint: Endpoint, *, component: Component, destination: Destination
    ) -> None:
        self.component = component
        self.destination = destination
        self._endpoint = endpoint
        self._edge = EdgeRecord(component, destination, endpoint.clock)
        self._channel: Channel | None = None
        self._left: set[Channel] = set()
        self._opening = asyncio.Lock()
        self._failure: ChannelError | None = None
        self._failures = 0
        self._not_before = 0.0
        self._due: datetime | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rotation: asyncio.Task[None] | None = None
        self._tasks = TaskOwner(unexpected)
        self._closed = False

    def stub(self, contract: type[Contract]) -> Contract:
        """Return an object with the methods of *contract*; each opens the channel when needed."""
        return make_stub(contract, self._call)

    async def _call(self, spec: CallSpec, request: object) -> object:
        for _ in range(_ATTEMPTS - 1):
            channel = await self.channel()
            with suppress(NotCarriedOut):
                return await channel.call(spec, request)
        return await (await self.channel()).call(spec, request)

    async def channel(self) -> Channel:
        """Return the open channel, opening it when there is none.

        Raises:
            ChannelError: why there is none; between two attempts, why the last one failed.
        """
        if self._channel is not None and self._channel.is_open:
            return self._channel
        async with self._opening:
            if self._channel is not None and self._channel.is_open:
                return self._channel
            return await self._open()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Every channel that is not closed: the one in use, and those that are being left."""
        current = (self._channel,) if self._channel is not None else ()
        return tuple(each for each in (*current, *self._left) if not each.closed.done())

    async def _open(self) -> Channel:
        self._refuse_when_stopping()
        if self._failure is not None and monotonic() < self._not_before:
            # Without the frames of the earlier raise, which would pile up.
            raise self._failure.with_traceback(None)
        if self._channel is not None:
            # It answers what is under way and closes by itself.
            self._edge.lost("it takes no more calls")
            self._leave()
        trace = Trace(monotonic)
        try:
            channel = await self._connect(trace)
        except ChannelError as error:
            self._failure = error
            self._edge.failed(error, trace)
            self._not_before = monotonic() + _pause(self._failures)
            self._failures += 1
            raise
        await self._adopt(channel)
        return channel

    async def _connect(self, trace: Trace) -> Channel:
        return await connect(
            self._endpoint, self.destination, component=self.component, trace=trace
        )

    async def _adopt(self, channel: Channel) -> None:
        """Use *channel* from now on."""
        try:
            self._refuse_when_stopping()
        except ChannelClosed:
            await channel.aclose()
            raise
        self._leave()
        self._channel, self._failure, self._failures = channel, None, 0
        standing = channel.facts.standing
        self._edge.opened(channel.facts, standing.own if standing is not None else None)
        channel.closed.add_done_callback(lambda why: self._ended(channel, why))
        if standing is not None:
            now = self._endpoint.clock()
            share = random.uniform(*ROTATE_AFTER)  # noqa: S311 - spreads load
            self._due = now + max(standing.expires - now, timedelta()) * share
            self._look_again()

    def _leave(self) -> None:
        """Make no new calls on the channel in use; those under way are answered."""
        channel, self._channel, self._due = self._channel, None, None
        if channel is not None and not channel.closed.done():
            self._left.add(channel)
            channel.retire("done", "another channel has taken its place")

    def _ended(self, channel: Channel, why: "asyncio.Future[str]") -> None:
        self._left.discard(channel)
        if self._channel is channel and not why.cancelled():
            self._edge.lost(why.result())

    def _refuse_when_stopping(self) -> None:
        if self._closed:
            raise ChannelClosed("This server is stopping.", peer=str(self.destination))

    def set_aside(self, channel: Channel) -> None:
        """Make no new calls on *channel*; what becomes of those under way is decided elsewhere."""
        if channel is self._channel:
            self._left.add(channel)
            self._channel, self._due = None, None

    async def proves_itself(self) -> bool:
        """Tell whether a channel to the partner stands, or can be opened, by the trust in force."""
        try:
            await self.channel()
        except ChannelError:
            return False
        return True

    # Make before break.

    def rotate(self) -> None:
        """Open the next channel in the background, when the one in use has had its time.

        It has when it shows another certificate than this server has now, or when one of its
        certificates nears its end. Until the new one stands, calls go out on the old one; while it
        cannot be had, it is tried again.
        """
        if self._rotation is None or self._rotation.done():
            self._rotation = self._tasks.spawn(self._rotate(), name=f"rotate {self.destination}")

    async def _rotate(self) -> None:
        attempt = 0
        while not await self._rotated():
            await asyncio.sleep(_pause(attempt))
            attempt += 1

    async def _rotated(self) -> bool:
        """Try once; return whether there is nothing more to do."""
        async with self._opening:
            channel = self._channel
            if channel is None or not channel.is_open or not self._has_had_its_time(channel):
                return True
            try:
                new = await self._connect(Trace(monotonic))
            except ChannelError:
                return False  # the security log has why
            with suppress(ChannelClosed):
                await self._adopt(new)
            return self._closed or not self._has_had_its_time(new)

    def _has_had_its_time(self, channel: Channel) -> bool:
        standing, generation = channel.facts.standing, self._endpoint.trust.current
        if standing is None or generation is None:
            return False
        if standing.own != generation.own_identity:
            return True
        return self._due is not None and self._endpoint.clock() >= self._due

    def _look_again(self) -> None:
        """Rotate when it is time, else look again then."""
        if self._timer is not None:
            self._timer.cancel()
        if self._due is None or self._closed:
            return
        left = (self._due - self._endpoint.clock()).total_seconds()
        if left <= 0:
            self.rotate()
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(left, LONGEST_NAP), self._look_again)

    @property
    def posture(self) -> EdgePosture:
        """This connection for the map: secured, plain, down or refused, and until when."""
        return self._edge.posture()

    async def aclose(self) -> None:
        """Close every channel; no further one is opened."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.aclose()
        await asyncio.gather(*(channel.aclose() for channel in self.channels))


def _pause(failures: int) -> float:
    """Return seconds to wait after that many failures, spread so that not all come at once."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10))
    return pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
