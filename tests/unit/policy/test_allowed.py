"""The allowed list: closed by default, decided on normal forms, refusing with the next step."""

import pytest

from sottovoce.policy import AllowedClients

LIST = AllowedClients(("hub.test", "LUI.test.", "bücher.test"))


def test_names_are_kept_in_their_normal_form_and_order() -> None:
    assert LIST.names == ("hub.test", "lui.test", "xn--bcher-kva.test")
    assert str(LIST) == "hub.test, lui.test, xn--bcher-kva.test"
    assert AllowedClients(["HUB.test", "lui.test", "Bücher.test"]) == LIST
    assert hash(AllowedClients(LIST.names)) == hash(LIST)


@pytest.mark.parametrize(
    "name", ["hub.test", "HUB.TEST", "hub.test.", "lui.test", "XN--BCHER-KVA.test", "bücher.test"]
)
def test_a_listed_name_is_allowed_however_it_is_spelt(name: str) -> None:
    """W17, catalogue A4: case, trailing dot and international spelling do not matter."""
    decision = LIST.decide(name)

    assert decision.allowed
    assert decision.code == "allowed"
    assert decision.name in LIST.names
    assert decision.hint == ""
    assert name in LIST


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "trk.test",
        "hub",
        "hub.test.evil.test",
        "xhub.test",
        "*.test",
        "10.0.0.1",
        "hub.test\0.evil.test",
        " hub.test",
        "hub.test..",
        "hub.test,lui.test",
        "ʰub.test",
        "a" * 100_000,
        "\ud800",
    ],
)
def test_any_other_name_is_refused_and_nothing_is_raised(name: str) -> None:
    """Catalogue A1, A7: the decision is total and closed."""
    decision = LIST.decide(name)

    assert not decision.allowed
    assert decision.code == "not-in-allowed-list"
    assert decision.expected == str(LIST)
    assert decision.hint
    assert f"{decision.presented}{decision.hint}".encode().decode().isprintable()
    assert name not in LIST


def test_an_empty_list_admits_nobody() -> None:
    """W17, catalogue A5: fail closed."""
    decision = AllowedClients().decide("hub.test")

    assert not decision.allowed
    assert decision.code == "allowed-list-empty"
    assert decision.expected == "(nobody)"
    assert decision.presented == "hub.test"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lui.tset", "lui.test is listed: correct that entry of SSLAllowedClients if lui.tset is"),
        ("lui", "lui.test is listed"),
        ("lui.test.example", "lui.test is listed"),
        ("tracker.example", "Add tracker.example to SSLAllowedClients if it belongs here."),
        ("10.0.0.1", "lists DNS names, never addresses"),
    ],
)
def test_the_hint_names_what_was_probably_meant(name: str, hint: str) -> None:
    """Catalogue A4: typing slips, short against full name, an address."""
    assert hint in LIST.decide(name).hint


def test_one_listed_name_of_several_is_enough() -> None:
    """W10."""
    decision = LIST.decide_any(("other.example", "LUI.test"))

    assert decision.allowed
    assert decision.name == "lui.test"
    assert decision.presented == "other.example, LUI.test"


def test_none_of_several_is_refused_with_the_nearest_hint() -> None:
    decision = LIST.decide_any(("other.example", "lui.tesd"))

    assert not decision.allowed
    assert "lui.test is listed" in decision.hint


def test_a_peer_without_a_name_is_refused() -> None:
    """SPEC W9: never by the common name or the address."""
    decision = LIST.decide_any(())

    assert not decision.allowed
    assert decision.presented == "(no name)"
    assert decision.hint == "Give the server a certificate with its DNS name."


def test_a_long_list_is_shown_in_part() -> None:
    many = AllowedClients(f"server{number}.test" for number in range(25))

    assert str(many).endswith("server19.test and 5 more")
    assert many.decide("server24.test").allowed


@pytest.mark.parametrize("names", [("hub.test", "HUB.test."), ("10.0.0.1",), ("*.test",), ("",)])
def test_a_list_that_cannot_be_meant_is_never_built(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"twice|address|wildcard|empty"):
        AllowedClients(names)


def test_one_text_is_no_list() -> None:
    with pytest.raises(TypeError, match="not one text"):
        AllowedClients("hub.test")


def test_what_is_no_text_is_in_no_list() -> None:
    assert None not in LIST
