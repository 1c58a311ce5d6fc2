"""Everything that the page *Security* and ``sottovoce edges`` say, read in one go."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce import __version__
from sottovoce.contracts import CertificateFacts, EdgePosture
from sottovoce.hub.service import history
from sottovoce.hub.service.history import EdgeChange
from sottovoce.hub.service.installation import Installation, seen, status_of
from sottovoce.hub.service.posture import posture
from sottovoce.hub.service.refused import Refused, all_refused
from sottovoce.hub.service.words import Headline, Shown, headline
from sottovoce.policy import Component

__all__ = ["ComponentFacts", "SecurityReport", "read_report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentFacts:
    """One component as it last reported.

    Args:
        component: which.
        server: where HUB expects it.
        version: of its program; empty before it ever reported.
        last_seen: UTC; None before.
        clock_offset: seconds by which its clock was ahead of HUB's when it reported in.
        renewal: the code of what keeps its server from renewing its certificate.
        lists: the code of what is wrong with its server's revocation lists.
        certificates: that its server shows now, its own first; none when plain or not known.
    """

    component: Component
    server: str
    version: str = ""
    last_seen: datetime | None = None
    clock_offset: float = 0.0
    renewal: str = ""
    lists: str = ""
    certificates: tuple[CertificateFacts, ...] = ()

    @property
    def worries(self) -> Iterator[str]:
        """What will end the security of its server if nobody minds it."""
        server = f"{self.component.label}'s server"
        if self.renewal:
            yield f"{server} cannot renew its certificate ({self.renewal})."
        if self.lists:
            yield f"{server} gets no new revocation list ({self.lists})."


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityReport:
    """How the installation stands, and how it came about.

    Args:
        at: when this was read, UTC.
        edges: every connection.
        refused: who was not let in, strangers among them; the newest first.
        changes: the history's newest rows, the newest first.
        components: HUB and its partners.
    """

    at: datetime
    edges: tuple[EdgePosture, ...]
    refused: tuple[Refused, ...]
    changes: tuple[EdgeChange, ...]
    components: tuple[ComponentFacts, ...]

    @property
    def headline(self) -> Headline:
        """The one sentence on top."""
        worries = [worry for each in self.components for worry in each.worries]
        return headline(self.edges, self.at, worries=worries, shown=self.shown)

    @property
    def shown(self) -> Shown:
        """The certificates that each component's server shows now."""
        return {each.component: each.certificates for each in self.components}


async def read_report(
    connection: AsyncConnection,
    installation: Installation,
    now: datetime,
    *,
    most: int,
    own: tuple[CertificateFacts, ...] = (),
    alive: bool = True,
) -> SecurityReport:
    """Read it.

    Args:
        connection: a snapshot.
        installation: what HUB's configuration says.
        now: UTC.
        most: changes of the history.
        own: the certificates that HUB's server shows now.
        alive: whether HUB itself is who asks.
    """
    return SecurityReport(
        at=now,
        edges=await posture(connection, installation, now),
        refused=await all_refused(connection),
        changes=await history.changes(connection, limit=most),
        components=await _components(connection, installation, now if alive else None, own),
    )


async def _components(
    connection: AsyncConnection,
    installation: Installation,
    now: datetime | None,
    own: tuple[CertificateFacts, ...],
) -> tuple[ComponentFacts, ...]:
    hub = ComponentFacts(
        component=Component.HUB,
        server=installation.own_name,
        version=__version__,
        last_seen=now,
        certificates=own,
    )
    known = await seen(connection)
    return (
        hub,
        *(_facts(each, server, known.get(each)) for each, server in installation.servers.items()),
    )


def _facts(component: Component, server: str, row: sa.Row[Any] | None) -> ComponentFacts:
    if row is None:
        return ComponentFacts(component=component, server=server)
    status = status_of(row)
    return ComponentFacts(
        component=component,
        server=server,
        version=row.version,
        last_seen=row.last_seen,
        clock_offset=row.clock_offset,
        renewal=status.renewal if status is not None else "",
        lists=status.lists if status is not None else "",
        certificates=status.certificates if status is not None else (),
    )
