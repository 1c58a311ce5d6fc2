"""The map of the three connections, as far as HUB has been told.

A connection is best known to its caller, so what LUI and TRK say of theirs in heartbeats comes
first; of connections to HUB that nobody has spoken of, HUB says what it saw itself. What is older
than a few heartbeats is not shown as if it still held.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import EdgePosture
from sottovoce.hub import schema
from sottovoce.hub.service.roster import Installation, same_server, seen, status_of
from sottovoce.policy import CONNECTIONS, Component

__all__ = ["INTERNAL_PORT", "TRACKER_PORT", "posture"]

#: Default ports (SPEC W2), shown where no caller has reported another.
INTERNAL_PORT = 1099
TRACKER_PORT = 7000


async def posture(
    connection: AsyncConnection, installation: Installation, now: datetime
) -> tuple[EdgePosture, ...]:
    """Return the state of each connection that exists in an installation.

    Codes of HUB's own: ``never-seen`` (the caller has not reported in yet), ``silent`` (its
    heartbeats have stopped), ``not-reported`` (it does not mention this connection), and those of
    a refused hello.
    """
    known = await seen(connection)
    refused = await _refusals(connection, installation, known)
    edges = []
    for caller, called in CONNECTIONS:
        row = known.get(caller)
        edge = _reported(caller, called, row)
        code = _trouble(row, refused.get(caller), now, installation)
        if code:
            state = "refused" if code not in {"never-seen", "silent"} else "down"
            if state == "down" or called is Component.HUB:
                edge = _without_traffic(caller, called, edge, state, code)
        edges.append(edge or _own_view(caller, called, installation))
    return tuple(edges)


def _reported(caller: Component, called: Component, row: sa.Row[Any] | None) -> EdgePosture | None:
    status = status_of(row) if row is not None else None
    for edge in status.edges if status is not None else ():
        if (edge.caller, edge.called) == (caller, called):
            return edge
    return None


def _trouble(
    row: sa.Row[Any] | None,
    refusal: sa.Row[Any] | None,
    now: datetime,
    installation: Installation,
) -> str:
    if refusal is not None and (row is None or refusal.at >= row.last_seen):
        return str(refusal.code)
    if row is None:
        return "never-seen"
    return "silent" if row.last_seen < now - installation.silent_after else ""


def _without_traffic(
    caller: Component, called: Component, edge: EdgePosture | None, state: str, code: str
) -> EdgePosture:
    return EdgePosture(
        caller=caller,
        called=called,
        port=edge.port if edge is not None else _port(called),
        state=state,
        name=edge.name if edge is not None else "",
        code=code,
    )


def _own_view(caller: Component, called: Component, installation: Installation) -> EdgePosture:
    if called is not Component.HUB:
        return _without_traffic(caller, called, None, "down", "not-reported")
    return EdgePosture(
        caller=caller,
        called=called,
        port=INTERNAL_PORT,
        state="secured" if installation.secured else "plain",
        name=installation.own_name,
    )


def _port(called: Component) -> int:
    return TRACKER_PORT if called is Component.TRK else INTERNAL_PORT


async def _refusals(
    connection: AsyncConnection,
    installation: Installation,
    known: dict[Component, sa.Row[Any]],
) -> dict[Component, sa.Row[Any]]:
    """Return the refusal that tells of each partner's connection.

    That is the one on the server where the partner is expected. An attempt from another server
    says nothing of it, unless the partner has never been heard of otherwise.
    """
    rows = (await connection.execute(sa.select(schema.refusal).order_by(schema.refusal.c.at))).all()
    chosen: dict[Component, sa.Row[Any]] = {}
    for row in rows:
        component = Component(row.component)
        if component not in known:
            chosen[component] = row
    for row in rows:
        component = Component(row.component)
        if same_server(row.server, installation.servers.get(component, "")):
            chosen[component] = row
    return chosen
