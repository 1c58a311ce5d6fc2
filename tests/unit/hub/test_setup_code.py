"""The set-up code: strong, typable, forgiving of how it is typed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.hub import new_set_up_code
from sottovoce.hub.service import canonical_code
from sottovoce.ini import Secret


@given(st.binary(min_size=20, max_size=20))
def test_a_code_is_five_groups_of_four_without_look_alikes(noise: bytes) -> None:
    code = new_set_up_code(lambda count: noise[:count])

    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}", code.reveal())
    assert canonical_code(code) == code.reveal().replace("-", "")


def test_every_character_carries_five_random_bits() -> None:
    """100 bits in all; each of the 32 characters comes up for 8 of the 256 bytes."""
    counts: dict[str, int] = {}
    for byte in range(256):
        code = new_set_up_code(bytes([byte]).__mul__)
        counts[code.reveal()[0]] = counts.get(code.reveal()[0], 0) + 1

    assert len(counts) == 32
    assert set(counts.values()) == {8}


@pytest.mark.parametrize(
    "typed",
    ["0123-4567-89AB-CDEF-GH10", "0123456789abcdefgh10", " o123 4567\t89ab cdef ghlO\n"],
)
def test_case_blanks_dashes_and_look_alikes_make_no_difference(typed: str) -> None:
    assert canonical_code(Secret(typed)) == "0123456789ABCDEFGH10"


@pytest.mark.parametrize(
    "typed", ["", "0123", "0123456789ABCDEFGH10X", "0123456789ABCDEFGHU0", "é" * 20]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert canonical_code(Secret(typed)) is None
