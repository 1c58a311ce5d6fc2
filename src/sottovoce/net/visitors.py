"""Counts and bounds what strangers may cost: unfinished handshakes, questions, lines in the log."""

from collections import Counter, OrderedDict
from collections.abc import Callable

from sottovoce.net.limits import Limits

__all__ = ["Visitors"]

#: Addresses remembered at most; the oldest are forgotten first.
_REMEMBERED = 4096
#: Seconds that a window of a rate limit lasts.
_MINUTE = 60.0


class Visitors:
    """What is remembered of addresses at one port; bounded in memory.

    Args:
        limits: the numbers.
        now: seconds on a monotonic clock.
    """

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits = limits
        self._now = now
        self._unfinished: Counter[str] = Counter()
        self._windows: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()
        self._refusals: OrderedDict[tuple[str, str], str] = OrderedDict()

    def may_begin(self, host: str) -> bool:
        """Return whether one more unfinished connection from *host* is allowed; count it if so."""
        within = (
            self._unfinished[host] < self._limits.unfinished_per_address
            and self._unfinished.total() < self._limits.unfinished
        )
        if within:
            self._unfinished[host] += 1
        return within

    def finished(self, host: str) -> None:
        """One connection from *host* is admitted or gone."""
        self._unfinished[host] -= 1
        if self._unfinished[host] <= 0:
            del self._unfinished[host]

    @property
    def unfinished(self) -> int:
        """Connections that are not yet admitted."""
        return self._unfinished.total()

    def may_ask_why(self, host: str) -> bool:
        """Return whether *host* may ask why once more within this minute."""
        return self._count(host, "why") <= self._limits.why_per_minute

    def may_join(self, host: str) -> bool:
        """Return whether *host* may try to join once more within this minute."""
        return self._count(host, "join") <= self._limits.joins_per_minute

    def may_fetch_lists(self, host: str) -> bool:
        """Return whether *host* may fetch the revocation lists once more within this minute."""
        return self._count(host, "lists") <= self._limits.lists_per_minute

    def worth_a_line(self, host: str, code: str) -> bool:
        """Return whether this is the first of its kind from *host* within this minute (P7)."""
        return self._count(host, code) == 1

    def remember_refusal(self, host: str, fingerprint: str, connection_id: str) -> None:
        """Remember under which id a certificate from *host* was refused."""
        key = (host, fingerprint)
        self._refusals[key] = connection_id
        self._refusals.move_to_end(key)
        while len(self._refusals) > _REMEMBERED:
            self._refusals.popitem(last=False)

    def take_refusal(self, host: str, fingerprint: str) -> str:
        """Return the id of the last refusal of that certificate from *host*, once, or nothing."""
        return self._refusals.pop((host, fingerprint), "")

    def _count(self, host: str, what: str) -> int:
        now = self._now()
        since, count = self._windows.get((host, what), (now, 0))
        if now - since >= _MINUTE:
            since, count = now, 0
        self._windows[(host, what)] = (since, count + 1)
        self._windows.move_to_end((host, what))
        while len(self._windows) > _REMEMBERED:
            self._windows.popitem(last=False)
        return count + 1
