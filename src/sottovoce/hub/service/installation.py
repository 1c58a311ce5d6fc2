"""What HUB's configuration says of the installation, and what the roster's rows hold; no rules."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import Naming, Status
from sottovoce.hub import schema
from sottovoce.policy import Component

__all__ = [
    "SILENT_AFTER",
    "Installation",
    "plain_name",
    "same_server",
    "seen",
    "status_of",
    "utc",
]

#: Heartbeats that may be missing before a component counts as silent.
SILENT_AFTER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What HUB's own configuration says of the installation.

    Args:
        own_name: the name of HUB's server.
        secured: whether that server is secured.
        servers: the server on which each of the two partners runs.
        heartbeat_interval: seconds.
    """

    own_name: str
    secured: bool
    servers: dict[Component, str]
    heartbeat_interval: float

    def naming(self, allowed: tuple[str, ...]) -> Naming:
        """Return the names of HUB's own server and of its partners, as HUB has them."""
        expects = {component.value: server for component, server in self.servers.items()}
        return Naming(server=self.own_name, allowed=allowed, expects=expects)

    @property
    def silent_after(self) -> timedelta:
        """How long after its last sign of life a component counts as silent."""
        return timedelta(seconds=SILENT_AFTER * self.heartbeat_interval)


async def seen(connection: AsyncConnection) -> dict[Component, sa.Row[Any]]:
    """Return the stored row of each component that has ever reported in."""
    rows = (await connection.execute(sa.select(schema.component))).all()
    return {Component(row.name): row for row in rows}


def status_of(row: sa.Row[Any]) -> Status | None:
    """Return the status that came with the last heartbeat of a stored row."""
    return msgspec.json.decode(row.status, type=Status) if row.status is not None else None


def same_server(one: str, other: str) -> bool:
    """Say whether two names are one server's: case and a trailing dot make no difference."""
    return plain_name(one) == plain_name(other)


def plain_name(name: str) -> str:
    """Return a server's name as it is compared and stored."""
    return name.rstrip(".").lower()


def utc(moment: datetime) -> datetime:
    """Return *moment* in UTC; a sender's moment without a zone is UTC by contract."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
