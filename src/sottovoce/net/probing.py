"""Trying a connection: a real one, through every phase, that is closed again once it stands.

What is met is returned as a value, refusals included; what it means is decided elsewhere. Nothing
is called on the channel, so the partner's components do not notice (its security log does).
"""

import asyncio
import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sottovoce.errors import ChannelError
from sottovoce.net.dialer import connect
from sottovoce.net.endpoint import Endpoint, PeerFacts
from sottovoce.net.reaching import Destination
from sottovoce.net.trace import Trace
from sottovoce.policy import Component

__all__ = ["PortAnswer", "Probe", "probe"]


@dataclass(frozen=True, slots=True)
class PortAnswer:
    """How another port of a silent host behaves.

    Args:
        port: which.
        answer: ``open``, ``refused`` or empty for none either.
    """

    port: int
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What came of trying.

    Args:
        destination: who was called; component: for which component of ours.
        trace: phase by phase, with what the partner presented.
        facts: of the partner, when both sides said yes.
        error: why there is no channel otherwise; its ``faults`` say what is wrong.
        others: the partner's other ports, tried where it did not answer at all (catalogue P5).
    """

    destination: Destination
    component: Component
    trace: Trace
    facts: PeerFacts | None = None
    error: ChannelError | None = None
    others: tuple[PortAnswer, ...] = ()

    @property
    def seconds(self) -> float:
        """How long all phases took together."""
        return sum(step.seconds for step in self.trace.steps)


async def probe(
    endpoint: Endpoint,
    destination: Destination,
    *,
    component: Component,
    monotonic: Callable[[], float],
    other_ports: Iterable[int] = (),
) -> Probe:
    """Open a channel, say goodbye, and return what was seen on the way.

    Args:
        endpoint: ours; its security log gets the record as for any connection.
        destination: whom to call.
        component: of ours, for which.
        monotonic: seconds on a clock that never steps.
        other_ports: to try on the same host when it does not answer: they tell a firewall from a
            host that is down.
    """
    trace = Trace(monotonic)
    try:
        channel = await connect(endpoint, destination, component=component, trace=trace)
    except ChannelError as error:
        trace.finish()
        others: tuple[PortAnswer, ...] = ()
        if error.code == "no-answer":
            others = await _try_ports(endpoint, destination, tuple(other_ports))
        return Probe(
            destination=destination, component=component, trace=trace, error=error, others=others
        )
    trace.finish()
    facts = channel.facts
    await channel.aclose()
    return Probe(destination=destination, component=component, trace=trace, facts=facts)


async def _try_ports(
    endpoint: Endpoint, destination: Destination, ports: tuple[int, ...]
) -> tuple[PortAnswer, ...]:
    host = destination.address or destination.name
    wanted = [port for port in ports if port != destination.port]
    answers = await asyncio.gather(
        *(_try_port(host, port, endpoint.limits.connect) for port in wanted)
    )
    return tuple(answers)


async def _try_port(host: str, port: int, seconds: float) -> PortAnswer:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            transport, _ = await loop.create_connection(asyncio.Protocol, host, port)
    except TimeoutError:
        return PortAnswer(port, "")
    except OSError as error:
        return PortAnswer(port, "refused" if error.errno == errno.ECONNREFUSED else "")
    transport.abort()
    return PortAnswer(port, "open")
