"""Which known word was meant."""

import pytest

from sottovoce import ini


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("lui.test", "lui.test", 0),
        ("lui.test", "lui.tset", 1),
        ("SSLAlowedClients", "SSLAllowedClients", 1),
        ("kitten", "sitting", 3),
        ("ab", "ba", 1),
    ],
)
def test_slips_are_counted(one: str, other: str, slips: int) -> None:
    assert ini.distance(one, other) == slips
    assert ini.distance(other, one) == slips


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("SSLAlowedClients", "SSLAllowedClients"),
        ("sslallowedclients", "SSLAllowedClients"),
        ("SSLKeystorePfad", "SSLKeystorePath"),
        ("SSLKeystorePaht", "SSLKeystorePath"),
        ("x", None),
        ("", None),
        ("a" * 100_000, None),
    ],
)
def test_the_nearest_known_word_is_found_if_it_is_near(word: str, meant: str | None) -> None:
    assert ini.nearest(word, ["SSLAllowedClients", "SSLKeystorePath", "Port"]) == meant


def test_the_nearer_of_two_wins_and_the_first_of_equals() -> None:
    assert ini.nearest("lui.test", ["lux.test", "lui.test"]) == "lui.test"
    assert ini.nearest("lui.test", ["lua.test", "lub.test"]) == "lua.test"


def test_how_many_slips_count_can_be_said() -> None:
    assert ini.nearest("abcdefgh", ["abcdefxx"], slips=1) is None
    assert ini.nearest("abcdefgh", ["abcdefxx"], slips=2) == "abcdefxx"
