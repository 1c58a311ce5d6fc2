"""Host names: syntax and the form in which they are compared."""

import pytest

from sottovoce import ini

LABEL = "a" * 63


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("hub.test", "hub.test"),
        ("HUB.Test.", "hub.test"),
        ("hub", "hub"),
        ("my_host.test", "my_host.test"),
        ("a-b.1a.x1", "a-b.1a.x1"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("BÜCHER.test.", "xn--bcher-kva.test"),
        ("bu\u0308cher.test", "xn--bcher-kva.test"),
        ("XN--BCHER-KVA.test", "xn--bcher-kva.test"),
        ("straße.test", "xn--strae-oqa.test"),
        (f"{LABEL}.{LABEL}.{LABEL}.{'b' * 61}", f"{LABEL}.{LABEL}.{LABEL}.{'b' * 61}"),
        (f"{LABEL}.{LABEL}.{LABEL}.{'b' * 61}.", f"{LABEL}.{LABEL}.{LABEL}.{'b' * 61}"),
    ],
)
def test_names_are_normalised(text: str, normal: str) -> None:
    """W9, catalogue A4 and N3: case, one trailing dot, A-labels; the underscore passes."""
    assert ini.normalise_host_name(text) == normal
    assert ini.normalise_host_name(normal) == normal


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        (".", "empty part"),
        ("hub..test", "empty part"),
        ("hub.test..", "empty part"),
        (".hub", "empty part"),
        ("10.0.0.1", "IP address"),
        ("10.0.0.1.", "IP address"),
        ("::1", "IP address"),
        ("[fe80::1]", "IP address"),
        ("300.1.2.3", "ends in a number"),
        ("hub.1", "ends in a number"),
        ("https://hub.test", "address of the web"),
        ("hub.test/x", "address of the web"),
        ("hub.test:1099", "has a port"),
        ("*.test", "wildcard"),
        ("hub test", "blanks"),
        ("hub.test\n", "blanks"),
        ("-hub.test", "characters"),
        ("hub-.test", "characters"),
        ("hub\0.test", "characters"),
        ("hub,test", "characters"),
        (f"{LABEL}a.test", "longer than 63"),
        (f"{LABEL}.{LABEL}.{LABEL}.{'b' * 62}", "longer than the 253"),
        ("a" * 1_000_000, "longer than the 253"),
        ("\ud800.test", "international"),
        ("a☃b.test", "international"),
        ("ü" * 64 + ".test", "international"),
        (".".join(["ü" * 20] * 11), "international"),
    ],
)
def test_what_is_no_host_name_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ini.normalise_host_name(text)


def test_addresses_are_recognised() -> None:
    assert ini.is_ip_address("127.0.0.1")
    assert ini.is_ip_address("[::1]")
    assert not ini.is_ip_address("hub.test")
