"""Addresses of lists and answers: plain http, taken apart; everything else says why not."""

import pytest

from sottovoce import ini
from sottovoce.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "parts", "again"),
    [
        ("http://c.test/a.crl", ("c.test", 80, "/a.crl"), "http://c.test/a.crl"),
        ("http://C.TEST.", ("c.test", 80, "/"), "http://c.test/"),
        ("http://c.test:8080/a?b=c#d", ("c.test", 8080, "/a?b=c"), "http://c.test:8080/a?b=c"),
        ("http://127.0.0.1:81/", ("127.0.0.1", 81, "/"), "http://127.0.0.1:81/"),
        ("http://[::1]:81/x", ("::1", 81, "/x"), "http://[::1]:81/x"),
        ("http://c.test:0/", ("c.test", 80, "/"), "http://c.test/"),
    ],
)
def test_an_address_is_taken_apart_and_put_together(
    text: str, parts: tuple[str, int, str], again: str
) -> None:
    """RFC 5280 4.2.1.13, RFC 3986."""
    found = ini.HttpAddress.parse(text)
    assert (found.host, found.port, found.target) == parts
    assert str(found) == again


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://c.test/", "does not begin with http://"),
        ("ldap://c.test/", "does not begin with http://"),
        ("/a.crl", "does not begin with http://"),
        ("http://", "has no host name"),
        ("http://u:p@c.test/", "has no host name, or a user"),
        ("http://c.test:70000/", "has a port"),
        ("http://c.test/a b", "has blanks"),
        ("http://c.test/\r\nX: y", "has blanks"),
        ("http://ä.test/", "characters outside ASCII"),
        ("http://a..b/", "an empty part"),
        (f"http://c.test/{'x' * 2000}", "too long"),
    ],
)
def test_what_is_not_fetched_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        ini.HttpAddress.parse(text)
    assert why in str(refused.value)


def test_as_a_value_it_stays_as_it_stands() -> None:
    keys: tuple[ini.AnyKey, ...] = (ini.Key("Urls", ini.ListOf(ini.HttpUrl(), noun="address")),)
    good = ini.read_table(ini.parse(b"Urls=http://c.test,http://D.test:80/x\n"), keys)
    assert good["Urls"] == ("http://c.test", "http://D.test:80/x")
    with pytest.raises(SettingsError) as refused:
        ini.read_table(ini.parse(b"Urls=http://c.test,https://d.test/\n"), keys)
    (fault,) = refused.value.faults
    assert (fault.code, fault.presented) == ("ini-bad-value", "https://d.test/")
