"""From a name to a socket: resolve, connect, and say which of the two failed and why."""

import asyncio
import errno
import socket
from dataclasses import dataclass

from sottovoce.errors import ConnectFailed, Fault
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
        raise _failed("resolve", destination, _unresolved(host, endpoint, error)) from error
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
    fault = _no_connection(failure, destination, limits.connect)
    raise _failed("connect", destination, fault) from failure


def _failed(phase: str, destination: Destination, fault: Fault) -> ConnectFailed:
    return ConnectFailed(
        fault.why,
        peer=str(destination),
        phase=phase,
        faults=(fault,),
        code=fault.code,
        hint=fault.hint,
    )


def _unresolved(host: str, endpoint: Endpoint, error: Exception) -> Fault:
    answer = str(error) or "no answer"
    return Fault(
        code="name-not-resolved",
        why=f"{host} cannot be resolved on {endpoint.own_name} ({answer}).",
        expected=host,
        presented=answer,
        hint="Correct the name or the name service, or set the partner's address.",
    )


def _no_connection(
    error: OSError | TimeoutError | None, destination: Destination, seconds: float
) -> Fault:
    if isinstance(error, OSError) and error.errno == errno.ECONNREFUSED:
        return Fault(
            code="connection-refused",
            why=f"Nothing accepts connections on {destination} (refused at once).",
            expected=f"a server that listens on port {destination.port}",
            presented="none",
            hint=f"Is it running? Is {destination.port} the right port?",
        )
    told = f" ({error})" if error is not None and str(error) else ""
    return Fault(
        code="no-answer",
        why=f"No answer from {destination} within {seconds:g} s{told}.",
        expected=f"an answer within {seconds:g} s",
        presented=str(error or "") or "silence",
        hint="Is the host up? Then let the firewalls on the way pass what goes to that port.",
    )
