"""What is kept of an address (E12)."""

import pytest

from sottovoce.trk.privacy import NetHasher, network_of
from sottovoce.trk.service.moments import DAY


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("unix", ""),
        ("no:address", ""),
        ("", ""),
    ],
)
def test_an_address_becomes_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_the_key_of_the_day_is_forgotten_with_it() -> None:
    now = 20_000 * DAY
    hasher = NetHasher(lambda: now)
    morning = hasher.hash_of("203.0.113.0/24")
    now += DAY - 1
    assert hasher.hash_of("203.0.113.0/24") == morning
    now += 1
    next_day = hasher.hash_of("203.0.113.0/24")
    assert next_day != morning
    now -= 1  # the same day again, by a clock set back: its key is gone
    assert hasher.hash_of("203.0.113.0/24") not in (morning, next_day)


def test_two_trackers_never_agree_on_a_hash() -> None:
    first, second = NetHasher(lambda: 0), NetHasher(lambda: 0)
    assert first.hash_of("203.0.113.0/24") != second.hash_of("203.0.113.0/24")
    assert first.hash_of("") == ""
