"""ASN.1: offsets in every refusal, indefinite lengths, strings in pieces, bounds."""

import pytest

from sottovoce.errors import KeystoreFormatError
from sottovoce.keystore import der
from sottovoce.keystore.der import Cursor
from sottovoce.keystore.limits import MAX_DEPTH, Budget


def cursor(text: str) -> Cursor:
    return Cursor(bytes.fromhex(text), Budget(), where="the sample")


def test_values_are_read_in_their_order() -> None:
    inside = cursor("300a 020105 0403616263 0500").sequence("all")

    assert inside.integer("a number") == 5
    assert inside.octets("some text") == b"abc"
    assert inside.more()
    assert inside.raw("nothing") == b"\x05\x00"
    assert not inside.more()


@pytest.mark.parametrize(
    "dotted", ["1.2.840.113549.1.12.10.1.3", "2.16.840.1.113894.746875.1.1", "0.9.2342", "2.999.1"]
)
def test_identifiers_are_written_and_read_alike(dotted: str) -> None:
    assert Cursor(der.encode_oid(dotted), Budget(), where="x").oid("a name") == dotted


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 10_000, 2**40])
def test_numbers_are_written_and_read_alike(value: int) -> None:
    assert Cursor(der.encode_integer(value), Budget(), where="x").integer("n") == value


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 70_000])
def test_lengths_are_written_and_read_alike(size: int) -> None:
    content = bytes(size)

    assert Cursor(der.encode_octets(content), Budget(), where="x").octets("o") == content


def test_indefinite_lengths_and_strings_in_pieces_are_read() -> None:
    inside = cursor("3080 2480 0402 6162 2404 0402 6364 0000 020107 0000").sequence("all")

    assert inside.octets("text") == b"abcd"
    assert inside.integer("a number") == 7
    assert not inside.more()


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("0401", 0, "of at most 0 octets, not 1"),
        ("31 00", 0, "a SEQUENCE"),
        ("30", 0, "complete header"),
        ("30 82 01", 0, "complete header"),
        ("30 89 010101010101010101", 0, "at most 8 octets"),
        ("1f 01 00", 0, "below 31"),
        ("30 80 0201 01", 5, "end-of-contents"),
        ("04 80 0000", 0, "a definite length"),
        ("", 0, "the value (a SEQUENCE)"),
    ],
)
def test_a_refusal_names_the_offset_and_what_was_expected(
    text: str, at: int, expected: str
) -> None:
    sample = cursor(text)
    tag = der.OCTET_STRING if text.startswith("04") else der.SEQUENCE

    with pytest.raises(KeystoreFormatError) as caught:
        sample.next(tag, "the value")

    assert caught.value.position == at
    assert expected in caught.value.expected
    assert f"octet {at} of the sample" in caught.value.message


def test_values_nested_too_deeply_are_refused() -> None:
    here = cursor("3080" * (MAX_DEPTH + 5) + "0000" * (MAX_DEPTH + 5))

    with pytest.raises(KeystoreFormatError, match="inside one another"):
        here.sequence("all")


@pytest.mark.parametrize("text", ["0200", "0209 010101010101010101"])
def test_numbers_of_no_or_too_many_octets_are_refused(text: str) -> None:
    with pytest.raises(KeystoreFormatError, match="1 to 8 octets"):
        cursor(text).integer("the count")


@pytest.mark.parametrize("text", ["0600", "0602 2a86"])
def test_incomplete_identifiers_are_refused(text: str) -> None:
    with pytest.raises(KeystoreFormatError, match="complete OBJECT IDENTIFIER"):
        cursor(text).oid("the name")


def test_sets_are_written_in_the_order_of_der() -> None:
    assert der.encode_set(b"\x02\x01\x02", b"\x02\x01\x01").hex() == "3106020101020102"
