"""How much of a certificate's life is left, judged as a share of its lifetime (catalogue V5).

A share and not a number of days: thirty days are late for a certificate of ten years and early for
one of a month. Owns the threshold and the sentences; takes the time as an argument.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sottovoce.errors import Fault

__all__ = ["RENEW_BELOW", "Lifetime", "first_to_end", "span"]

#: Below this share of its lifetime a certificate should be renewed: certbot's and cert-manager's
#: rule (renew when a third is left).
RENEW_BELOW = 1 / 3

_SHARE_NAMES = {RENEW_BELOW: "a third"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """From when until when something is valid.

    Args:
        what: whose, as the subject of a sentence: ``This server's certificate``.
        begin, end: UTC.
    """

    what: str
    begin: datetime
    end: datetime

    def left(self, at: datetime) -> timedelta:
        """Return how long it still lasts; negative when it is over."""
        return self.end - at

    def share_left(self, at: datetime) -> float:
        """Return what share of the whole is left, 0 to 1."""
        whole = (self.end - self.begin).total_seconds()
        if whole <= 0:
            return 0.0
        return min(1.0, max(0.0, self.left(at).total_seconds() / whole))

    def is_running_out(self, at: datetime) -> bool:
        """Tell whether it is valid and should be renewed."""
        return self.begin <= at < self.end and self.share_left(at) < RENEW_BELOW

    def warning(self, at: datetime, *, code: str, hint: str) -> Fault | None:
        """Return the warning that it should be renewed, or None when it need not be.

        Args:
            at: UTC.
            code: of the warning.
            hint: the next step.
        """
        if not self.is_running_out(at):
            return None
        return Fault(
            code=code,
            why=f"{self.what} ends in {span(self.left(at))}, on {self.end:%Y-%m-%d %H:%M} UTC: "
            f"{self.share_left(at):.0%} of its lifetime of {span(self.end - self.begin)} is left.",
            expected=f"at least {_SHARE_NAMES[RENEW_BELOW]} of its lifetime",
            presented=f"{self.share_left(at):.0%}",
            hint=hint,
            warning=True,
        )


def first_to_end(lifetimes: Iterable[Lifetime]) -> Lifetime | None:
    """Return the one that ends first, or None when there is none."""
    return min(lifetimes, key=lambda one: one.end, default=None)


def span(length: timedelta) -> str:
    """Return a length of time in words, in the largest unit of which there are two: ``61 days``."""
    seconds = abs(length.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}s"
    whole = int(seconds)
    return f"{whole} second{'' if whole == 1 else 's'}"
