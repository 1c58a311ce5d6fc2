"""A record of one dialling, phase by phase, for who wants to look at it afterwards.

The dialer reports to it and never asks it anything: nothing is decided upon a trace.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from sottovoce.errors import Fault

__all__ = ["Step", "Trace"]


@dataclass(frozen=True, slots=True)
class Step:
    """One phase and the seconds that it took.

    Args:
        phase: ``resolve``, ``connect``, ``first bytes``, ``tls``, ``greeting``, ``gate``,
            ``ready``; in that order, as far as the dialling came.
        seconds: on a clock that never steps.
    """

    phase: str
    seconds: float


@dataclass
class Trace:
    """What happened on the way to a channel.

    Args:
        monotonic: seconds on a clock that never steps.
        chain: the certificates that the called side presented, leaf first; verified or not.
        peer_time, own_time: both clocks at the moment of the greeting, UTC.
        announced: the name by which the called side introduced itself.
        told: what the called side said, when asked, of this server's certificate.
    """

    monotonic: Callable[[], float]
    chain: tuple[x509.Certificate, ...] = ()
    peer_time: datetime | None = None
    own_time: datetime | None = None
    announced: str = ""
    told: tuple[Fault, ...] = ()
    steps: list[Step] = field(default_factory=list)
    _phase: str = ""
    _since: float = 0.0

    def enter(self, phase: str) -> None:
        """A phase begins; the one before it is over."""
        now = self.monotonic()
        if self._phase:
            self.steps.append(Step(self._phase, now - self._since))
        self._phase, self._since = phase, now

    def finish(self) -> None:
        """The last phase is over, however it ended."""
        self.enter("")

    @property
    def clock_difference(self) -> float | None:
        """Seconds by which the peer's clock is ahead of ours; None before its greeting."""
        if self.peer_time is None or self.own_time is None:
            return None
        return (self.peer_time - self.own_time).total_seconds()
