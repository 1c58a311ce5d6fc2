"""HUB's word to plain servers: whether the whole installation may be secured now."""

from collections.abc import Callable

from sottovoce.contracts import PreparedSwitch, Status, SwitchWord
from sottovoce.hub.service import Installation, SwitchPlan, read_switch_plan
from sottovoce.net.clock import Clock
from sottovoce.store import Database

__all__ = ["SwitchDesk"]


def _nothing() -> PreparedSwitch | None:
    """HUB by itself, without its server."""
    return None


class SwitchDesk:
    """Computes the word anew for each report, so that it is never older than one.

    Args:
        database: HUB's.
        installation: what HUB's configuration says.
        clock: UTC.

    ``own`` gives what HUB's own server has ready at this moment; whoever runs that server sets it.
    """

    def __init__(
        self,
        database: Database,
        installation: Installation,
        *,
        clock: Clock,
    ) -> None:
        self._database = database
        self._installation = installation
        self.own: Callable[[], PreparedSwitch | None] = _nothing
        self._clock = clock

    async def word(self, status: Status) -> SwitchWord | None:
        """Return the word for a server that has reported a prepared switch; None to any other."""
        if self._installation.secured or status.prepared is None:
            return None
        return (await self.plan()).word(status.prepared.rev)

    async def plan(self) -> SwitchPlan:
        """Return every server and every connection as it would be."""
        async with self._database.read() as connection:
            return await read_switch_plan(connection, self._installation, self.own(), self._clock())
