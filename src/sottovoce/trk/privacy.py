"""What is kept of an address on the Internet: a keyed hash of its network, for one day (E12).

The key is drawn in memory, never stored, and forgotten when the day ends: two events of one day can
be seen to come from one network, and nothing more can ever be made of it.
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Callable

from sottovoce.trk.service.moments import DAY

__all__ = ["NetHasher", "network_of"]

#: Bits of an address that count, by IP version.
PREFIX = {4: 24, 6: 48}

#: Networks remembered within a day, to hash each once.
REMEMBERED = 10_000

#: Bytes of the hash: enough to tell the networks of a day apart.
HASH_SIZE = 8


def network_of(address: str) -> str:
    """Return the /24 or /48 network of an IP address as text; empty for what is none."""
    if ":" not in address:
        first, dot, _last = address.rpartition(".")
        return f"{first}.0/24" if dot else ""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, PREFIX[parsed.version]), strict=False))


class NetHasher:
    """Hashes networks under a key of the day.

    Args:
        clock: milliseconds since 1970 UTC.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._day = -1
        self._key = b""
        self._known: dict[str, str] = {}

    def hash_of(self, network: str) -> str:
        """Return 16 hexadecimal digits for *network*; empty for an empty one."""
        if not network:
            return ""
        day = self._clock() // DAY
        if day != self._day:
            self._day, self._key = day, secrets.token_bytes(32)
            self._known.clear()
        known = self._known.get(network)
        if known is None:
            digest = hashlib.blake2b(network.encode(), digest_size=HASH_SIZE, key=self._key)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[network] = digest.hexdigest()
        return known
