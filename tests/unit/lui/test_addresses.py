import pytest

from sottovoce.lui.service.addresses import Address, address_hash, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ann@example.org", Address("ann@example.org", "ann@example.org")),
        ("  ann@example.org ", Address("ann@example.org", "ann@example.org")),
        ("Ann.Lee+x@Example.ORG", Address("Ann.Lee+x@example.org", "ann.lee+x@example.org")),
        ("a@bücher.example", Address("a@xn--bcher-kva.example", "a@xn--bcher-kva.example")),
    ],
)
def test_an_address_is_normalised(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no address"),
        ("ann", "@-sign"),
        ("a..b@example.org", "two periods"),
        ("a@b@example.org", "@"),
        ("a@example.org, b@example.org", "One address a cell"),
        ("a@example.org;b@example.org", "One address a cell"),
        ("Ann <a@example.org>", ""),
        ("jörg@example.org", "letters that most mail servers do not take"),
        ("a@localhost", "period"),
        ("a@-x.example", ""),
        ("a" * 65 + "@example.org", ""),
        (".a@example.org", ""),
        ("a.@example.org", ""),
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_address(text)
    assert words in str(caught.value)


def test_the_hash_is_that_of_the_normalised_address() -> None:
    assert address_hash("a@example.org") == address_hash("a@example.org")
    assert len(address_hash("a@example.org")) == 32


@pytest.mark.parametrize("text", ["@" * 8000 + "," * 8000, "@," * 900])
def test_a_cell_made_to_be_slow_is_refused_like_any_other(text: str) -> None:
    """The first takes hours where a pattern tries every way to read it."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_address(text)
