"""The revocation lists in force as they age: what is told before one ends, and that it has ended.

A list says until when it counts (``nextUpdate``, RFC 5280 5.1.2.5). From then on nobody of its
authority is let in, and who is connected is judged anew by the same rule: a thief who keeps new
lists from a server gains two days, not for ever (threat model). Owns the moments and the sentences;
judges nobody, and fetches nothing.
"""

from collections.abc import Iterator
from datetime import datetime

from cryptography import x509

from sottovoce.net.log import Log
from sottovoce.pki import short_name
from sottovoce.policy import Lifetime
from sottovoce.server.renewing import grade
from sottovoce.tls import TrustGeneration

__all__ = ["ListAges"]

_HINT = "Put the current list in its place."
_MANAGED_HINT = (
    "HUB gives out new lists: look whether it runs, and whether this server reaches it "
    "(sottovoce edges). The root's is signed anew by 'sottovoce ca issuing'."
)


class ListAges:
    """Knows which lists of a generation have ended since everybody was judged last.

    Args:
        log: the server's.
        since: when everybody was judged last, UTC; the start judges who comes.
        managed: whether the lists come from HUB (``TrustFromHub``).

    ``failure`` is the code of what is wrong with the lists; empty when nothing is.
    """

    def __init__(self, log: Log, since: datetime, *, managed: bool) -> None:
        self._log = log
        self._judged = since
        self._hint = _MANAGED_HINT if managed else _HINT
        self._told: dict[x509.Name, tuple[datetime, int]] = {}
        self.failure = ""

    def judged(self, at: datetime) -> None:
        """Take note that every live connection was judged at that time."""
        self._judged = at

    def has_turned(self, generation: TrustGeneration, now: datetime) -> bool:
        """Tell whether a list, or an OCSP answer, has ended since everybody was judged.

        A clock that was set back asks for nothing, and for a judgement when it comes there again.
        """
        self._judged = min(self._judged, now)
        before, at = (each.replace(microsecond=0) for each in (self._judged, now))
        return any(before <= end < at for end in _ends(generation))

    def tell(self, generation: TrustGeneration, now: datetime) -> None:
        """Warn of each list that nears its end, each time more loudly as less of it is left."""
        self.failure = ""
        for name, life in _newest(generation):
            if life.end < now:
                self.failure = "revocation-list-expired"
                continue
            found = (life.end, grade(life.share_left(now)))
            if found[1] == 0:
                self._told.pop(name, None)
                continue
            self.failure = self.failure or "revocation-list-expiring"
            if self._told.get(name) != found:
                self._told[name] = found
                self._warn(life, now, found[1], soft=generation.soft)

    def _warn(self, life: Lifetime, now: datetime, how_bad: int, *, soft: bool) -> None:
        warning = life.warning(now, code="revocation-list-expiring", hint=self._hint)
        assert warning is not None, "a third is the first grade"
        after = (
            "After that, its certificates are let pass unchecked (RevocationFailure=soft)."
            if soft
            else "After that, every certificate of that authority is refused, and connections end."
        )
        tell = self._log.error if how_bad > 1 else self._log.warning
        tell(f"{warning.why} {after} {self._hint}", action="list-ageing", code=warning.code)

    def say_ended(self, generation: TrustGeneration, now: datetime) -> None:
        """Say which authorities have no current list any more."""
        then = (
            "its certificates are let pass unchecked (RevocationFailure=soft)."
            if generation.soft
            else "every certificate of that authority is refused, on open connections too."
        )
        for _, life in _newest(generation):
            if life.end < now:
                self._log.error(
                    f"{life.what} ended {life.end:%Y-%m-%d %H:%M:%S} UTC, and no newer one is "
                    f"here: from now on {then} {self._hint}",
                    action="list-ended",
                    code="revocation-list-expired",
                )


def _ends(generation: TrustGeneration) -> Iterator[datetime]:
    ends = (
        *(crl.next_update_utc for crl in generation.crls),
        *(answer.next_update_utc for answer in generation.answers),
    )
    yield from (end for end in ends if end is not None)


def _newest(generation: TrustGeneration) -> Iterator[tuple[x509.Name, Lifetime]]:
    """Yield the list of each authority that counts longest."""
    found: dict[x509.Name, Lifetime] = {}
    for crl in generation.crls:
        end = crl.next_update_utc
        if end is None or (crl.issuer in found and end <= found[crl.issuer].end):
            continue
        what = f"The revocation list of '{short_name(crl.issuer)}'"
        found[crl.issuer] = Lifetime(what=what, begin=crl.last_update_utc, end=end)
    yield from found.items()
