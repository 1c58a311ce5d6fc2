"""The *why* path, caller's side: one short connection on which a refusal is explained (DESIGN §4).

A refused caller asks why; a caller that refuses tells why. What is said here admits nobody, and
that it fails is no failure of its own.
"""

import asyncio
from dataclasses import dataclass

from sottovoce.errors import ChannelError, RemoteProtocolError
from sottovoce.net.endpoint import Endpoint
from sottovoce.net.reaching import Destination, open_wire
from sottovoce.net.wire import Wire
from sottovoce.rpc import Connection, Reason, Speaks, State, WhyAnswer, WhyHint
from sottovoce.tls import AlpnPath, Engine, Secured, Side, TrustGeneration

__all__ = ["Explanation", "ask_why"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was answered, and by whom; the chain was not verified on this path."""

    answer: WhyAnswer
    secured: Secured


async def ask_why(
    endpoint: Endpoint,
    destination: Destination,
    generation: TrustGeneration,
    *,
    server_name: str,
    own_reasons: tuple[Reason, ...],
) -> Explanation | None:
    """Ask why we were refused, and say why we refuse.

    Args:
        endpoint, destination: as dialled before.
        generation: under which that failed.
        server_name: to ask for in TLS.
        own_reasons: why we refuse the server; empty when it was the one that refused.

    Returns:
        The answer, or None when there was none within the handshake's time limit.
    """
    limits = endpoint.limits
    wire: Wire | None = None
    try:
        async with asyncio.timeout(limits.handshake):
            wire = await open_wire(destination, endpoint)
            engine = Engine(
                generation, side=Side.CALLING, server_name=server_name, path=AlpnPath.WHY
            )
            return await _ask(wire, engine, own_reasons)
    except (ChannelError, TimeoutError, RemoteProtocolError):
        return None
    finally:
        if wire is not None:
            await wire.close(linger=limits.linger)


async def _ask(wire: Wire, engine: Engine, own_reasons: tuple[Reason, ...]) -> Explanation:
    wire.attach(engine)
    secured = await wire.next()
    if not isinstance(secured, Secured) or secured.protocol != AlpnPath.WHY.value.decode():
        # A server of somebody else's: it would not answer, and its silence would be waited for.
        raise RemoteProtocolError("no handshake on the why path")
    wire.converse(Connection(Speaks.CALLING, State.WHY))
    answer = await wire.next()
    if not isinstance(answer, WhyAnswer):
        raise RemoteProtocolError("no answer on the why path")
    if own_reasons:
        wire.send(WhyHint(own_reasons))
    return Explanation(answer, secured)
