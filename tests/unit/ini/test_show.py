"""Foreign text in messages."""

import pytest

from sottovoce import ini


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain ä 😀", "plain ä 😀"),
        ("a\nb\r\t\0", r"a\nb\r\t\x00"),
        ("\ud800\u2028\x1b[31m", r"\ud800\u2028\x1b[31m"),
        ("\u202e", r"\u202e"),
    ],
)
def test_a_message_stays_one_printable_line(text: str, safe: str) -> None:
    assert ini.shown(text) == safe
    assert safe.encode()


def test_long_text_is_elided_in_the_middle() -> None:
    assert ini.shown("a" * 100 + "b" * 100, limit=6) == "aaa…bbb"
