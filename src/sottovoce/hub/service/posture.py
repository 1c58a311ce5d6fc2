"""The map of the three connections, as far as HUB has been told.

A connection is best known to its caller, so what LUI and TRK say of theirs in heartbeats comes
first; of connections to HUB that nobody has spoken of, HUB says what it saw itself. What is older
than a few heartbeats is not shown as if it still held. A caller that was refused has proved
nothing: what it claims is said of a connection only while its real owner is not heard.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import EdgePosture, Refusal, RefusedCaller
from sottovoce.hub import schema
from sottovoce.hub.service.installation import Installation, same_server, seen, status_of
from sottovoce.hub.service.refused import attributed
from sottovoce.policy import CONNECTIONS, Component

__all__ = [
    "INTERNAL_PORT",
    "TRACKER_PORT",
    "UNHEARD",
    "is_known",
    "noted",
    "posture",
    "state_word",
]

#: Default ports (SPEC W2), shown where no caller has reported another.
INTERNAL_PORT = 1099
TRACKER_PORT = 7000

#: HUB's own codes for a caller that it has not heard of its connection: it has never reported in,
#: its heartbeats have stopped, it does not mention the connection.
UNHEARD = frozenset({"never-seen", "silent", "not-reported"})

#: A refused component tries again at least that often (``net.peer``, ``net.heartbeat``: 30 s), so
#: a refusal tells how things stand for a while and no longer.
TRIES_WITHIN = timedelta(seconds=60)

Edge = tuple[Component, Component]


async def posture(
    connection: AsyncConnection, installation: Installation, now: datetime
) -> tuple[EdgePosture, ...]:
    """Return the state of each connection that exists in an installation.

    Codes of HUB's own: those of :data:`UNHEARD`, and those of a refused hello.
    """
    known = await seen(connection)
    hellos = await _refused_hellos(connection, installation, known)
    ports = await attributed(connection, installation.servers)
    before = await noted(connection)
    edges = []
    for edge in CONNECTIONS:
        sources = _Sources(
            installation=installation,
            now=now,
            row=known.get(edge[0]),
            hello=hellos.get(edge[0]) if edge[1] is Component.HUB else None,
            port=ports.get(edge),
            before=before.get(edge),
        )
        edges.append(_judged(edge, sources))
    return tuple(edges)


def is_known(edge: EdgePosture) -> bool:
    """Whether HUB knows that a connection is down, and not only that it has not heard of it.

    HUB is one end of the connections to it; of others it knows what their callers say.
    """
    return edge.called is Component.HUB or edge.code not in UNHEARD


def state_word(edge: EdgePosture) -> str:
    """Return a connection's state as people read it: ``not known`` where HUB only has not heard."""
    return edge.state if is_known(edge) else "not known"


async def noted(connection: AsyncConnection) -> dict[Edge, EdgePosture]:
    """Return each connection as it was when a change of it was last looked for."""
    rows = (await connection.execute(sa.select(schema.edge))).all()
    decode = msgspec.json.decode
    found = (decode(row.posture, type=EdgePosture) for row in rows)
    return {(edge.caller, edge.called): edge for edge in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """What is known of one connection, from whom.

    Args:
        installation: what HUB's configuration says.
        now: UTC.
        row: the caller's in the roster.
        hello: the caller's that was refused; only where HUB is called.
        port: the newest refusal that may have been the caller's.
        before: the connection as last noted.
    """

    installation: Installation
    now: datetime
    row: sa.Row[Any] | None
    hello: sa.Row[Any] | None
    port: RefusedCaller | None
    before: EdgePosture | None

    @property
    def silent(self) -> bool:
        """Whether the caller has not given a sign of life for too long, or never."""
        return self.row is None or self.row.last_seen < self.now - self.installation.silent_after

    def is_recent(self, at: datetime) -> bool:
        """Whether a refusal at that time is newer than the caller's last good word, and recent."""
        recent = at > self.now - self.installation.silent_after - TRIES_WITHIN
        return recent and (self.row is None or at >= self.row.last_seen)


def _judged(edge: Edge, sources: _Sources) -> EdgePosture:
    found = _state(edge, sources)
    return msgspec.structs.replace(
        found, since=_since(found, sources), refusal=_last_refusal(found, sources)
    )


def _state(edge: Edge, sources: _Sources) -> EdgePosture:
    reported, hello, port = _reported(edge, sources.row), sources.hello, sources.port
    if hello is not None and sources.is_recent(hello.at):
        return _without_traffic(edge, reported, "refused", hello.code, hello.message)
    if not sources.silent:
        return reported if reported is not None else _own_view(edge, sources)
    if edge[1] is Component.HUB and port is not None and sources.is_recent(port.at):
        return _without_traffic(edge, reported, "refused", port.code, _at_port(edge, port))
    code = "never-seen" if sources.row is None else "silent"
    return _without_traffic(edge, reported, "down", code, _unheard(edge, code, sources))


def _reported(edge: Edge, row: sa.Row[Any] | None) -> EdgePosture | None:
    status = status_of(row) if row is not None else None
    for found in status.edges if status is not None else ():
        if (found.caller, found.called) == edge:
            return found
    return None


def _without_traffic(
    edge: Edge, reported: EdgePosture | None, state: str, code: str, message: str
) -> EdgePosture:
    caller, called = edge
    return EdgePosture(
        caller=caller,
        called=called,
        port=reported.port if reported is not None else _port(called),
        state=state,
        name=reported.name if reported is not None else "",
        known=reported.known if reported is not None else "",
        code=code,
        message=message,
        refusal=reported.refusal if reported is not None else None,
    )


def _own_view(edge: Edge, sources: _Sources) -> EdgePosture:
    """Say what HUB itself knows of a connection before its caller's first heartbeat."""
    caller, called = edge
    if called is not Component.HUB:
        message = _unheard(edge, "not-reported", sources)
        return _without_traffic(edge, None, "down", "not-reported", message)
    return EdgePosture(
        caller=caller,
        called=called,
        port=INTERNAL_PORT,
        state="secured" if sources.installation.secured else "plain",
        name=sources.installation.own_name,
        since=sources.row.hello_at if sources.row is not None else None,
    )


def _unheard(edge: Edge, code: str, sources: _Sources) -> str:
    caller, called = edge
    match code:
        case "never-seen":
            words = f"{caller.label} has never reported to HUB"
        case "silent":
            assert sources.row is not None, "who has never been seen is not silent"
            last = f"{sources.row.last_seen:%Y-%m-%d %H:%M:%S} UTC"
            words = f"{caller.label} has given HUB no sign of life since {last}"
        case _:
            words = f"{caller.label} has reported to HUB, but not yet of this connection"
    if called is Component.HUB:
        return f"{words}."
    return f"{words}; whether this connection stands is not known."


def _since(edge: EdgePosture, sources: _Sources) -> datetime | None:
    if edge.since is not None:
        return edge.since
    before = sources.before
    if before is not None and before.state == edge.state:
        return before.since
    if edge.code == "silent" and sources.row is not None:
        return sources.row.last_seen  # type: ignore[no-any-return]
    return None if edge.code == "never-seen" else sources.now


def _last_refusal(edge: EdgePosture, sources: _Sources) -> Refusal | None:
    """Return the newest of what the caller said, HUB's own refusals, and what was noted before.

    While the caller is heard it tells of its refusals itself: who only claims to be it is not it.
    """
    found = [edge.refusal, sources.before.refusal if sources.before is not None else None]
    if (hello := sources.hello) is not None:
        found.append(Refusal(at=hello.at, code=hello.code, message=hello.message, by="called"))
    if sources.silent and (port := sources.port) is not None:
        message = _at_port((edge.caller, edge.called), port)
        found.append(Refusal(at=port.at, code=port.code, message=message, by=port.by))
    known = [refusal for refusal in found if refusal is not None]
    return max(known, key=lambda refusal: refusal.at, default=None)


def _at_port(edge: Edge, caller: RefusedCaller) -> str:
    return f"Refused at {edge[1].label}'s port, calling from {caller.address}: {caller.message}"


def _port(called: Component) -> int:
    return TRACKER_PORT if called is Component.TRK else INTERNAL_PORT


async def _refused_hellos(
    connection: AsyncConnection,
    installation: Installation,
    known: dict[Component, sa.Row[Any]],
) -> dict[Component, sa.Row[Any]]:
    """Return the refused hello that tells of each partner's connection.

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
