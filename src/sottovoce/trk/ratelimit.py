"""How much one network may ask of the tracker: a bucket for each, in bounded memory (E3).

A guess costs many times what a valid link costs, so that a network of mail readers is never in the
way of its own people, and guessing is slow. Nothing is limited by recipient.
"""

from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Limiter"]

#: Networks remembered; the one not seen for longest is forgotten first.
REMEMBERED = 20_000

#: Seconds' worth of requests that may come at once: a mailing makes bursts.
BURST = 10

#: What a request costs that was no valid link, in requests.
GUESS = 20


class Limiter:
    """Token buckets by network.

    Args:
        per_second: requests that a network may make for ever; 0 limits nothing.
        monotonic: seconds on a clock that never steps.
    """

    def __init__(self, per_second: float, monotonic: Callable[[], float]) -> None:
        self._rate = per_second
        self._size = per_second * BURST
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def admits(self, network: str) -> bool:
        """Charge one request to *network*; False when it has used up what it may."""
        if not self._rate:
            return True
        return self._charge(network, 1.0)

    def guessed(self, network: str) -> None:
        """Charge *network* for a request that was no valid link."""
        if self._rate:
            self._charge(network, GUESS - 1.0)

    def _charge(self, network: str, cost: float) -> bool:
        now = self._monotonic()
        left, seen = self._buckets.get(network, (self._size, now))
        left = min(self._size, left + (now - seen) * self._rate)
        admitted = left >= 1.0
        # A guess may overdraw the bucket, by one guess at the most.
        self._buckets[network] = (max(left - cost, -GUESS) if admitted else left, now)
        self._buckets.move_to_end(network)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return admitted
