"""Who was not let in: kept for HUB's port and TRK's, and whose attempt it may have been.

A refused caller has proved nothing, so what it claims decides nothing by itself: see ``posture``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import RefusedCaller
from sottovoce.hub import schema
from sottovoce.hub.service.installation import same_server
from sottovoce.policy import Component

__all__ = ["MOST_KEPT", "Refused", "all_refused", "attributed", "keep_address", "keep_refused"]

#: Refused callers that are kept; the one that came longest ago goes first.
MOST_KEPT = 200

#: Who only looks whether somebody is there: a scanner or a health check, not a partner.
_PASSERS_BY = frozenset({"closed-early", "phase-timeout", "too-many-handshakes"})


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused caller, and which component's port it called."""

    called: Component
    caller: RefusedCaller


async def keep_refused(
    connection: AsyncConnection, called: Component, callers: Iterable[RefusedCaller]
) -> None:
    """Keep who was refused at the port of *called*; each is one row however often it comes."""
    table, many = schema.refused_caller, tuple(callers)
    if not many:
        return
    for caller in many:
        values = {
            "called": called.value,
            "address": caller.address,
            "code": caller.code,
            "claim": " ".join((caller.component, *caller.names)),
            "at": caller.at,
            "record": msgspec.json.encode(caller).decode(),
        }
        await connection.execute(sa.insert(table).prefix_with("OR REPLACE").values(values))
    last = sa.select(table.c.at).order_by(table.c.at.desc()).limit(1).offset(MOST_KEPT - 1)
    await connection.execute(sa.delete(table).where(table.c.at < last.scalar_subquery()))


async def all_refused(connection: AsyncConnection) -> tuple[Refused, ...]:
    """Return everyone kept, the newest first."""
    table = schema.refused_caller
    rows = (await connection.execute(sa.select(table).order_by(table.c.at.desc()))).all()
    return tuple(Refused(Component(row.called), _caller(row)) for row in rows)


async def keep_address(connection: AsyncConnection, component: Component, address: str) -> None:
    """Remember from where *component* was let in."""
    await connection.execute(
        sa.insert(schema.caller_address)
        .prefix_with("OR REPLACE")
        .values(component=component.value, address=address)
    )


async def attributed(
    connection: AsyncConnection, servers: Mapping[Component, str]
) -> dict[tuple[Component, Component], RefusedCaller]:
    """Return, by caller and called, the newest refusal that may be that partner's.

    It may be when it claims the partner's server by name, or when it could not claim any name and
    came from where the partner was last let in.
    """
    rows = (await connection.execute(sa.select(schema.caller_address))).all()
    addresses = {row.component: row.address for row in rows}
    found: dict[tuple[Component, Component], RefusedCaller] = {}
    for refused in await all_refused(connection):
        for component, server in servers.items():
            edge = (component, refused.called)
            if edge not in found and _may_be(refused.caller, component, server, addresses):
                found[edge] = refused.caller
    return found


def _may_be(
    caller: RefusedCaller, component: Component, server: str, addresses: Mapping[str, str]
) -> bool:
    if caller.code in _PASSERS_BY or caller.component not in {"", component.value}:
        return False
    if caller.names:
        return any(same_server(name, server) for name in caller.names)
    return caller.address == addresses.get(component.value)


def _caller(row: sa.Row[Any]) -> RefusedCaller:
    return msgspec.json.decode(row.record, type=RefusedCaller)
