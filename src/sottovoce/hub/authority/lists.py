"""How long the authority's revocation lists live, and when they are signed anew. Signs nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

__all__ = ["LIST_LIFETIME", "LIST_REFRESH", "StoredLists", "is_good", "is_young"]

#: Two days: how long partners rely on a list when HUB is gone. They get each new one within a
#: heartbeat, so the length bounds only what a thief gains who keeps new lists away from a server;
#: a weekend without HUB must not stop the installation.
LIST_LIFETIME = timedelta(days=2)
#: A list is signed anew when a quarter of its life is over: 12 hours after it was made, so that a
#: HUB that was down for a day and a half still finds every server with a good list.
LIST_REFRESH = LIST_LIFETIME / 4


@dataclass(slots=True)
class StoredLists:
    """The lists as they lie on the disk, and the state of the files from which they were read."""

    stamp: tuple[object, ...]
    stems: tuple[str, ...]
    lists: tuple[x509.CertificateRevocationList, ...]
    begin: datetime
    due: datetime

    def serve(self, stamp: tuple[object, ...], now: datetime) -> bool:
        """Tell whether they are still what lies on the disk, and need no new signature."""
        return self.stamp == stamp and self.begin <= now < self.due


def is_young(crl: x509.CertificateRevocationList, now: datetime) -> bool:
    """Tell whether a list need not be signed anew yet."""
    # One that begins in the future was made while the clock was wrong; nobody accepts it yet.
    return crl.last_update_utc <= now < crl.last_update_utc + LIST_REFRESH


def is_good(crl: x509.CertificateRevocationList, now: datetime) -> bool:
    """Tell whether a list is current."""
    return crl.next_update_utc is not None and now < crl.next_update_utc
