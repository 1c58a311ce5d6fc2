"""Everything that the page *Security* and ``sottovoce edges`` say, read in one go."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import EdgePosture
from sottovoce.hub.service import history
from sottovoce.hub.service.history import EdgeChange
from sottovoce.hub.service.installation import Installation
from sottovoce.hub.service.posture import posture
from sottovoce.hub.service.refused import Refused, all_refused
from sottovoce.hub.service.words import Headline, headline

__all__ = ["SecurityReport", "read_report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityReport:
    """How the installation stands, and how it came about.

    Args:
        at: when this was read, UTC.
        edges: every connection.
        refused: who was not let in, strangers among them; the newest first.
        changes: the history's newest rows, the newest first.
    """

    at: datetime
    edges: tuple[EdgePosture, ...]
    refused: tuple[Refused, ...]
    changes: tuple[EdgeChange, ...]

    @property
    def headline(self) -> Headline:
        """The one sentence on top."""
        return headline(self.edges, self.at)


async def read_report(
    connection: AsyncConnection, installation: Installation, now: datetime, *, most: int
) -> SecurityReport:
    """Read it.

    Args:
        connection: a snapshot.
        installation: what HUB's configuration says.
        now: UTC.
        most: changes of the history.
    """
    return SecurityReport(
        at=now,
        edges=await posture(connection, installation, now),
        refused=await all_refused(connection),
        changes=await history.changes(connection, limit=most),
    )
