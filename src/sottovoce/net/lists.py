"""The *lists* path, caller's side: a server whose revocation lists are overdue fetches HUB's.

It cannot authenticate HUB any more, for that would need the lists. So nothing that it meets is
trusted here: who answers may be anybody, and each list has to prove itself by its signature.
"""

import asyncio

from sottovoce.errors import ChannelError, Fault, HandshakeFailed, PhaseTimeout
from sottovoce.net.endpoint import Endpoint
from sottovoce.net.reaching import Destination, open_wire
from sottovoce.net.wire import Wire
from sottovoce.rpc import Connection, CurrentLists, ListsRequest, Speaks, State
from sottovoce.tls import AlpnPath, Engine, Secured, Side, calling_context

__all__ = ["fetch_lists"]


async def fetch_lists(endpoint: Endpoint, destination: Destination) -> tuple[bytes, ...]:
    """Return the revocation lists that somebody gives out, unjudged.

    Args:
        endpoint: whose limits count; its trust and its key are not used.
        destination: where HUB is.

    Raises:
        ConnectFailed: nobody can be reached there.
        HandshakeFailed: who answers gives out no lists.
        PhaseTimeout: it took too long.
    """
    wire = await open_wire(destination, endpoint)
    try:
        async with asyncio.timeout(endpoint.limits.handshake):
            return await _ask(wire, destination)
    except TimeoutError:
        why = f"{destination} gave no revocation lists within {endpoint.limits.handshake:g} s."
        raise _failed(PhaseTimeout, destination, Fault(code="phase-timeout", why=why)) from None
    finally:
        await wire.close(linger=endpoint.limits.linger)


async def _ask(wire: Wire, destination: Destination) -> tuple[bytes, ...]:
    engine = Engine(
        None,
        side=Side.CALLING,
        server_name=destination.name,
        path=AlpnPath.LISTS,
        context=calling_context(None, ()),
    )
    wire.attach(engine)
    secured = await wire.next()
    if not isinstance(secured, Secured) or secured.protocol != AlpnPath.LISTS.value.decode():
        raise _failed(HandshakeFailed, destination, _gives_none(destination))
    wire.converse(Connection(Speaks.CALLING, State.LISTS))
    wire.send(ListsRequest())
    answer = await wire.next()
    if not isinstance(answer, CurrentLists):
        raise _failed(HandshakeFailed, destination, _gives_none(destination))
    return answer.crls


def _gives_none(destination: Destination) -> Fault:
    return Fault(
        code="closed-early",
        why=f"{destination} gives out no revocation lists: it is no HUB with an authority of its "
        "own, or this address has asked too often.",
        hint="Look at the log of the server there.",
    )


def _failed(kind: type[ChannelError], destination: Destination, fault: Fault) -> ChannelError:
    return kind(
        fault.why,
        peer=str(destination),
        phase="lists",
        faults=(fault,),
        code=fault.code,
        hint=fault.hint,
    )
