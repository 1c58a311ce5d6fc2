"""A server whose revocation lists are overdue gets HUB's again, though it cannot authenticate HUB.

HUB was off for longer than a list lives: by the hard rule nobody under that authority is let in,
HUB neither, so its word does not come over a channel. A list needs none: it proves itself by its
signature. Owns when that is tried and what is told of it; :func:`weigh_lists` judges. Whoever
stands between can give nothing but a list that is newer than ours, current, and signed by an
authority that is trusted here already.
"""

import asyncio
from collections.abc import Awaitable, Callable

from sottovoce.errors import ChannelError, Fault, RemoteProtocolError, SettingsError
from sottovoce.net import Clock
from sottovoce.net.log import Log
from sottovoce.server.following import PAUSE
from sottovoce.server.home import Home
from sottovoce.server.list_ages import ListAges
from sottovoce.server.prepared_lists import weigh_lists

__all__ = ["ListHealer"]

#: Seconds between two looks whether a list is overdue.
LOOK_EVERY = 1.0

_OVERDUE = "revocation-list-expired"


class ListHealer:
    """Fetches HUB's lists while this server's own are overdue; :meth:`run` is its task.

    Args:
        home: this server's; its trust is HUB's.
        lists: knows how old those in force are.
        fetch: what HUB gives out, unjudged.
        reload: takes the files into force; returns the faults that kept it from that.
        clock: UTC.
        log: the server's.
        pause: seconds before it is tried again.
    """

    def __init__(  # noqa: PLR0913 - one healer has exactly these partners, all by name
        self,
        *,
        home: Home,
        lists: ListAges,
        fetch: Callable[[], Awaitable[tuple[bytes, ...]]],
        reload: Callable[[str], Awaitable[tuple[Fault, ...]]],
        clock: Clock,
        log: Log,
        pause: float = PAUSE,
    ) -> None:
        self._home = home
        self._lists = lists
        self._fetch = fetch
        self._reload = reload
        self._clock = clock
        self._log = log
        self._pause = pause
        self._begun = False
        self._told = set[str]()

    async def run(self) -> None:
        """Heal whenever it is needed, for ever; ends by cancellation only."""
        while True:
            if self._lists.failure == _OVERDUE:
                await self.heal()
                await asyncio.sleep(self._pause)
            else:
                self._begun = False
                self._told.clear()
                await asyncio.sleep(min(LOOK_EVERY, self._pause))

    async def heal(self) -> None:
        """Try once, and tell what is new of it."""
        if not self._begun:
            self._begun = True
            self._log.warning(
                "The revocation lists here are overdue, so HUB cannot be authenticated: its newer "
                "ones are fetched now, and judged by their signatures.",
                action="lists-healing",
                code=_OVERDUE,
            )
        try:
            taken = await self._take()
        except (ChannelError, RemoteProtocolError) as error:
            self._failed(error.code, str(error))
        except SettingsError as error:
            self._failed(_OVERDUE, "; ".join(map(str, error.faults)) or str(error))
        except OSError as error:
            self._failed("file-unwritable", str(error))
        else:
            self._log.info(
                f"{taken} revocation lists of HUB's are in force; HUB can be authenticated again.",
                action="lists-healed",
            )

    async def _take(self) -> int:
        """Fetch, judge, write, put in force; return how many were new."""
        given = await self._fetch()
        weighed = await asyncio.to_thread(weigh_lists, self._home, given, self._clock())
        if not weighed.good:
            raise SettingsError([_nothing(weighed.refused)])
        await asyncio.to_thread(weighed.write)
        faults = await self._reload("revocation lists fetched from HUB")
        if faults:
            raise SettingsError(faults)
        return len(weighed.good)

    def _failed(self, code: str, why: str) -> None:
        """Say why, once for each reason."""
        if why in self._told:
            return
        self._told.add(why)
        self._log.warning(
            f"The overdue revocation lists could not be replaced: {why} It is tried again.",
            action="lists-not-healed",
            code=code,
        )


def _nothing(refused: tuple[str, ...]) -> Fault:
    return Fault(
        code=_OVERDUE,
        why="What was given in HUB's name is no newer list that counts here: "
        f"{'; '.join(refused) or 'there is none, or the same are here already'}.",
        expected="current lists, signed by an authority that is trusted here",
        presented=refused[0] if refused else "nothing new",
        hint="Look whether HUB runs, whether it is HUB that answers, and this machine's clock.",
    )
