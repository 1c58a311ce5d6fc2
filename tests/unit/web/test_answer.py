"""An answer is whole and well-formed once it exists."""

import pytest

from sottovoce.web import Answer


def test_an_answer_is_ready_for_the_wire() -> None:
    answer = Answer(404, [(b"content-type", b"text/plain")], b"Not found.\n")
    assert answer.start == b"HTTP/1.1 404 Not Found\r\n"
    assert answer.lines == b"content-type: text/plain\r\ncontent-length: 11\r\n"
    assert answer.headers[-1] == (b"content-length", b"11")
    assert repr(answer) == "Answer(404, 11 bytes)"


def test_no_content_has_no_length() -> None:
    """RFC 9110 §8.6: a 204 carries no Content-Length."""
    assert Answer(204, []).lines == b""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"location", b"https://x/\r\nset-cookie: a=b"),
        (b"x\ny", b"1"),
        (b"x", b"1\r"),
        (b"x", b"\n"),
    ],
)
def test_a_header_never_becomes_two(name: bytes, value: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        Answer(302, [(name, value)])


def test_answers_compare_by_what_is_sent() -> None:
    assert Answer(200, [], b"a") == Answer(200, [], b"a")
    assert Answer(200, [], b"a") != Answer(200, [], b"b")
    assert Answer(200, []) != b""
