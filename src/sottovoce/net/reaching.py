"""From a name to a socket: resolve, connect, and say which of the two failed and why."""

import asyncio
import errno
import socket
from dataclasses import dataclass

from sottovoce.errors import ConnectFailed
from sottovoce.net.endpoint import Endpoint
from sottovoce.net.trace import Trace
from sottovoce.net.wire import Wire
from sottovoce.policy import Component

__all__ = ["Destination", "open_wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Whom to call.

    Args:
        name: the name dialled, which must be in the partner's certificate and in our allowed list.
        port: its port.
        address: where to connect when the name should not be resolved; empty otherwise.
        component: what we expect to find there, for messages.
    """

    name: str
    port: int
    address: str = ""
    component: Component | None = None

    def __str__(self) -> str:
        where = f" at {self.address}" if self.address else ""
        what = f"{self.component.label} " if self.component is not None else ""
        return f"{what}({self.name}:{self.port}{where})"


async def open_wire(
    destination: Destination, endpoint: Endpoint, *, trace: Trace | None = None
) -> Wire:
    """Resolve and connect.

    Args:
        destination: where to.
        endpoint: ours.
        trace: is told of the two phases.

    Raises:
        ConnectFailed: see :func:`connect`.
    """
    limits, loop = endpoint.limits, asyncio.get_running_loop()
    host = destination.address or destination.name
    if trace is not None:
        trace.enter("resolve")
    try:
        async with asyncio.timeout(limits.resolve):
            found = await loop.getaddrinfo(host, destination.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError, TimeoutError) as error:
        raise ConnectFailed(
            f"{host} cannot be resolved on {endpoint.own_name} ({error or 'no answer'}).",
            peer=str(destination),
            phase="resolve",
            code="name-not-resolved",
            hint="Correct the name, the name service, or set the partner's address.",
        ) from error
    if trace is not None:
        trace.enter("connect")
    failure: OSError | TimeoutError | None = None
    for *_, address in found[:4]:
        try:
            async with asyncio.timeout(limits.connect):
                _, wire = await loop.create_connection(Wire, str(address[0]), destination.port)
        except (OSError, TimeoutError) as error:
            failure = failure or error
        else:
            return wire
    raise _no_connection(failure, destination, limits.connect) from failure


def _no_connection(
    error: OSError | TimeoutError | None, destination: Destination, seconds: float
) -> ConnectFailed:
    if isinstance(error, OSError) and error.errno == errno.ECONNREFUSED:
        return ConnectFailed(
            f"Nothing accepts connections on {destination} (refused at once).",
            peer=str(destination),
            phase="connect",
            code="connection-refused",
            hint=f"Is it running? Is {destination.port} the right port?",
        )
    return ConnectFailed(
        f"No answer from {destination} within {seconds:g} s"
        f"{f' ({error})' if error is not None and str(error) else ''}.",
        peer=str(destination),
        phase="connect",
        code="no-answer",
        hint="Typical for a firewall that drops packets, or a host that is down.",
    )
