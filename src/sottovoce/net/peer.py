"""A lasting partner: one channel to it that is opened when needed and opened again when it breaks.

A call on a partner's stub either goes out on an open channel or fails with the ``ChannelError``
that says why there is none. Attempts are spaced, so that a refused server does not fill two logs.
"""

import asyncio
import random
from typing import TypeVar

from sottovoce.contracts import CallSpec, EdgePosture
from sottovoce.errors import ChannelClosed, ChannelError
from sottovoce.net.channel import Channel
from sottovoce.net.clock import monotonic
from sottovoce.net.dialer import connect
from sottovoce.net.endpoint import Endpoint
from sottovoce.net.posture import EdgeRecord
from sottovoce.net.reaching import Destination
from sottovoce.net.stubs import make_stub
from sottovoce.net.trace import Trace
from sottovoce.policy import Component

__all__ = ["FIRST_PAUSE", "LONGEST_PAUSE", "Peer"]

#: Seconds between attempts: doubled from the first to the longest, with jitter (gRPC's connection
#: backoff goes from 1 s to 120 s; an installation of three servers may be livelier).
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0

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
        self._opening = asyncio.Lock()
        self._failure: ChannelError | None = None
        self._failures = 0
        self._not_before = 0.0
        self._closed = False

    def stub(self, contract: type[Contract]) -> Contract:
        """Return an object with the methods of *contract*; each opens the channel when needed."""
        return make_stub(contract, self._call)

    async def _call(self, spec: CallSpec, request: object) -> object:
        channel = await self.channel()
        return await channel.call(spec, request)

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

    async def _open(self) -> Channel:
        self._refuse_when_stopping()
        if self._failure is not None and monotonic() < self._not_before:
            # Without the frames of the earlier raise, which would pile up.
            raise self._failure.with_traceback(None)
        if self._channel is not None:
            # It answers what is under way and closes by itself.
            self._edge.lost("it takes no more calls")
            self._channel = None
        generation, trace = self._endpoint.trust.current, Trace(monotonic)
        try:
            channel = await connect(
                self._endpoint, self.destination, component=self.component, trace=trace
            )
        except ChannelError as error:
            self._failure = error
            self._edge.failed(error, trace)
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures, 10))
            self._not_before = monotonic() + pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
            self._failures += 1
            raise
        try:
            self._refuse_when_stopping()
        except ChannelClosed:
            await channel.aclose()
            raise
        self._channel, self._failure, self._failures = channel, None, 0
        self._edge.opened(channel.facts, generation.own_identity if generation else None)
        channel.closed.add_done_callback(lambda why: self._ended(channel, why))
        return channel

    def _ended(self, channel: Channel, why: "asyncio.Future[str]") -> None:
        if self._channel is channel and not why.cancelled():
            self._edge.lost(why.result())

    def _refuse_when_stopping(self) -> None:
        if self._closed:
            raise ChannelClosed("This server is stopping.", peer=str(self.destination))

    @property
    def posture(self) -> EdgePosture:
        """This connection for the map: secured, plain, down or refused, and until when."""
        return self._edge.posture()

    async def aclose(self) -> None:
        """Close the channel; no further one is opened."""
        self._closed = True
        if self._channel is not None:
            await self._channel.aclose()
