"""How far two clocks may be apart, and the sentence that says whose is behind.

Certificates live by the clock: one that is wrong expires them early, or admits them too long
(catalogue V4). Reads no clock itself.
"""

from datetime import timedelta

from sottovoce.errors import Fault
from sottovoce.policy.lifetimes import span

__all__ = ["SKEW_REFUSED", "SKEW_WARNED", "skew_fault"]

#: Seconds of difference: NTP keeps servers well below the first; the second is what HUB and the
#: gate forgive (Kerberos, RFC 4120 §7.5.1, allows as much).
SKEW_WARNED, SKEW_REFUSED = 30.0, 300.0


def skew_fault(own: str, peer: str, difference: float) -> Fault | None:
    """Return the fault or warning of two clocks that differ, or None when they do not.

    Args:
        own: this server's name.
        peer: the partner's.
        difference: seconds by which the partner's clock is ahead of ours.
    """
    if abs(difference) <= SKEW_WARNED:
        return None
    way, apart = "behind" if difference > 0 else "ahead of", span(timedelta(seconds=difference))
    return Fault(
        code="clock-skew",
        why=f"The clock of {own} is {apart} {way} that of {peer}.",
        expected=f"less than {SKEW_WARNED:.0f} s; beyond {SKEW_REFUSED:.0f} s partners are refused",
        presented=apart,
        hint="Compare both with a third clock (date -u), set the wrong one, and let NTP keep it.",
        warning=abs(difference) <= SKEW_REFUSED,
    )
