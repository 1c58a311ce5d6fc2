"""What a soak is asked to do, and what it found; see :mod:`sottovoce.testing.soaking`."""

import json
from dataclasses import asdict, dataclass, field

from sottovoce.net import utc_now

__all__ = ["Soak", "Soaked"]

#: Failures of which the words are kept.
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What is done.

    Args:
        seconds: how long.
        lifetime: of certificates, in seconds.
        servers: 1 to 3.
        calls_per_second: to be made in all.
        hits_per_second: opens and clicks.
        recipients: of the job.
        rollover: replace the root and the issuing key meanwhile.
    """

    seconds: float
    lifetime: float = 90.0
    servers: int = 3
    calls_per_second: float = 600.0
    hits_per_second: float = 20.0
    recipients: int = 200
    rollover: bool = False


@dataclass(kw_only=True)
class Soaked:
    """What was found: figures, and every promise that did not hold.

    Args:
        calls, hits: that were answered.
        call_rate: calls a second.
        failures: calls and hits that were not answered, by reason.
        first_failures: the first of them, with the time and what was said.
        renewals: by server.
        events: stored at TRK, and the same at LUI.
        channels: that the caller opened, one after the other.
        contexts: OpenSSL contexts in the caller's memory, at a third of the time and at its end.
        memory: KiB in use by each server, at a third of the time and at its end.
        descriptors: open files of each server, likewise.
        rollover: the steps that were taken, with the seconds since the beginning.
        broken: promises that did not hold.
    """

    calls: int = 0
    hits: int = 0
    call_rate: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)
    first_failures: list[str] = field(default_factory=list)
    renewals: dict[str, int] = field(default_factory=dict)
    events: int = 0
    channels: int = 0
    contexts: list[int] = field(default_factory=list)
    memory: dict[str, list[int]] = field(default_factory=dict)
    descriptors: dict[str, list[int]] = field(default_factory=dict)
    rollover: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def check(self, holds: object, text: str) -> None:
        """Note *text* when something does not hold."""
        if not holds:
            self.broken.append(text)

    def failed(self, what: str, why: str) -> None:
        """Note a call or a hit that was not answered."""
        self.failures[what] = self.failures.get(what, 0) + 1
        if len(self.first_failures) < _SHOWN:
            self.first_failures.append(f"{utc_now():%H:%M:%S.%f} {what}: {why}")

    def as_json(self) -> str:
        """Return everything as one line of JSON."""
        return json.dumps(asdict(self))
