import pytest

from sottovoce.tls import PEEK_LIMIT, PLAIN_PREAMBLE, Speaker, peek

CASES = [
    (b"", Speaker.UNCLEAR),
    (b"\x16", Speaker.UNCLEAR),
    (b"\x16\x03\x01\x02\x00", Speaker.TLS),
    (b"\x15\x03\x03\x00\x02\x02\x0a", Speaker.TLS),
    (b"\x16\x02", Speaker.BINARY),
    (PLAIN_PREAMBLE, Speaker.PLAIN),
    (PLAIN_PREAMBLE + b"\x00\x00", Speaker.PLAIN),
    (PLAIN_PREAMBLE[:-1], Speaker.UNCLEAR),
    (b"sottovoce/2", Speaker.TEXT),
    (b"GET / HTTP/1.1\r\n", Speaker.HTTP),
    (b"GE", Speaker.UNCLEAR),
    (b"PRI * HTTP/2.0\r\n", Speaker.HTTP),
    (b"HTTP/1.1 400 Bad Request\r\n", Speaker.HTTP),
    (b"SSH-2.0-OpenSSH_9.2\r\n", Speaker.TEXT),
    (b"220 mail.test ESMTP\r\n", Speaker.TEXT),
    (b"JRMI\x00\x02K", Speaker.BINARY),
    (b"\x80\x2e\x01\x03\x01", Speaker.BINARY),
]


@pytest.mark.parametrize(("data", "speaker"), CASES)
def test_the_first_bytes_tell_who_speaks(data: bytes, speaker: Speaker) -> None:
    """Catalogue P1 to P3."""
    assert peek(data).speaker is speaker


def test_what_is_shown_is_printable_and_short() -> None:
    assert peek(b"\x16\x03\x01\n").shown == "\\x16\\x03\\x01\\x0a"
    assert peek(b"A" * 100).shown == "A" * 24 + "…"
    assert peek("é".encode()).shown == "\\xc3\\xa9"


def test_no_more_than_the_limit_is_looked_at() -> None:
    assert peek(b"a" * PEEK_LIMIT + b"\xff").speaker is Speaker.TEXT
    assert peek(b"a" * (PEEK_LIMIT - 1) + b"\xff").speaker is Speaker.BINARY
