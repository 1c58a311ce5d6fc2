"""One value of an INI file changes, and nothing else of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.ini import parse, survey, with_value

FILE = b"# names\r\nA = one\r\n\r\n! more\r\nB=two \\\r\n   three\r\nC\\ D: four"


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("A", "1", b"# names\r\nA=1\r\n\r\n! more\r\nB=two \\\r\n   three\r\nC\\ D: four"),
        ("B", "2", b"# names\r\nA = one\r\n\r\n! more\r\nB=2\r\nC\\ D: four"),
        ("E", "x", FILE + b"\r\nE=x\r\n"),
    ],
)
def test_only_the_entry_is_written_anew(key: str, value: str, wanted: bytes) -> None:
    assert with_value(FILE, key, value) == wanted


def test_of_a_repeated_key_the_entry_in_force_changes() -> None:
    assert with_value(b"A=1\nA=2\n", "A", "3") == b"A=1\nA=3\n"


@given(
    st.lists(st.tuples(st.sampled_from(["A", "B", "C d"]), st.text(max_size=8)), max_size=5),
    st.sampled_from(["A", "B", "new"]),
    st.text(max_size=12),
)
def test_the_value_is_read_back_and_the_others_are_as_before(
    items: list[tuple[str, str]], key: str, value: str
) -> None:
    from sottovoce.ini import dumps

    before = dumps(items, comments=["kept"])
    after = with_value(before, key, value)

    assert parse(after).get(key) == value
    others = [item for item in survey(before).items() if item[0] != key]
    assert [item for item in survey(after).items() if item[0] != key] == others
    assert after.startswith(b"# kept\n")
