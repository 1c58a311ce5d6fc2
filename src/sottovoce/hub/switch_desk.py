"""HUB's word to plain servers: whether the whole installation may be secured now.

The lists of the installation's own authority go with it: whoever waits to be secured needs current
ones on the day.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.contracts import PreparedSwitch, Status, SwitchWord
from sottovoce.errors import SottovoceError
from sottovoce.hub.authority import Issuer
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
        home: of HUB's server; an authority may come into it at any time.
        database: HUB's.
        installation: what HUB's configuration says.
        clock: UTC.

    ``own`` gives what HUB's own server has ready at this moment; whoever runs that server sets it.
    """

    def __init__(
        self,
        home: Path,
        database: Database,
        installation: Installation,
        *,
        clock: Clock,
    ) -> None:
        self._home = home
        self._issuer: Issuer | None = None
        self._database = database
        self._installation = installation
        self.own: Callable[[], PreparedSwitch | None] = _nothing
        self._clock = clock

    async def word(self, status: Status) -> SwitchWord | None:
        """Return the word for a server that has reported a prepared switch; None to any other."""
        if self._installation.secured or status.prepared is None:
            return None
        word = (await self.plan()).word(status.prepared.rev)
        return msgspec.structs.replace(word, lists=await asyncio.to_thread(self._lists))

    def _lists(self) -> tuple[bytes, ...]:
        """Return the authority's lists; none without one, or while its files are damaged.

        What is wrong with them is told on HUB's server, by the checks of its own preparation.
        """
        try:
            self._issuer = self._issuer or Issuer.open(self._home)
            lists = self._issuer.revocation_lists(self._clock()) if self._issuer else ()
        except SottovoceError:
            return ()
        return tuple(crl.public_bytes(Encoding.DER) for crl in lists)

    async def plan(self) -> SwitchPlan:
        """Return every server and every connection as it would be."""
        async with self._database.read() as connection:
            return await read_switch_plan(connection, self._installation, self.own(), self._clock())
