import pytest

from sottovoce.diagnosis import explain
from sottovoce.net.strangers import (
    gone,
    refuse_first_answer,
    refuse_first_bytes,
    refused_without_reason,
    speechless,
    too_slow,
)
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import PLAIN_PREAMBLE, FirstBytes, peek

CALLERS = [
    # secured, first bytes, code, beginning of the answer
    (True, b"", "closed-early", b""),
    (True, b"\x16", "closed-early", b""),
    (
        True,
        PLAIN_PREAMBLE,
        "plaintext-peer",
        b"sottovoce: this port speaks only to its partners, and only over mutual TLS. Secure that",
    ),
    (True, b"GET / HTTP/1.1\r\n", "http-peer", b"HTTP/1.1 400 Bad Request\r\n"),
    (
        True,
        b"JRMI\x00\x02K",
        "plaintext-peer",
        b"sottovoce: this port speaks only to its partners, and only over mutual TLS.\n",
    ),
    (True, b"EHLO there\r\n", "plaintext-peer", b"sottovoce:"),
    (False, b"\x16\x03\x01\x02\x00", "secured-caller", PLAIN_PREAMBLE),
    (False, b"GET / HTTP/1.1\r\n", "http-peer", b"HTTP/1.1 400 Bad Request\r\n"),
    (
        False,
        b"EHLO there\r\n",
        "plaintext-peer",
        b"sottovoce: this port speaks only to its partners, and is not secured.\n",
    ),
]


@pytest.mark.parametrize(("secured", "data", "code", "answer"), CALLERS)
def test_who_does_not_begin_as_a_partner_is_refused_with_one_line(
    secured: bool, data: bytes, code: str, answer: bytes
) -> None:
    """Catalogue P1, P2, P7: both values, and nothing about this installation."""
    refusal = refuse_first_bytes(peek(data), secured=secured, address="10.0.0.7:5", port=7000)
    assert refusal is not None
    assert refusal.fault.code == code
    assert refusal.fault.presented
    assert refusal.fault.hint
    assert refusal.answer.startswith(answer)
    assert bool(refusal.told) is bool(refusal.answer)
    assert b"10.0.0.7" not in refusal.answer


def test_the_answer_to_http_is_whole() -> None:
    refusal = refuse_first_bytes(peek(b"GET / "), secured=True, address="a", port=1)
    assert refusal is not None
    head, _, body = refusal.answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


@pytest.mark.parametrize(
    ("secured", "data"), [(True, b"\x16\x03\x01"), (True, b"\x15\x03\x03"), (False, PLAIN_PREAMBLE)]
)
def test_a_partner_goes_on(secured: bool, data: bytes) -> None:
    first = peek(data)
    assert refuse_first_bytes(first, secured=secured, address="a", port=1) is None
    assert refuse_first_answer(first, secured=secured, who="a") is None


ANSWERS = [
    (True, b"", "closed-early", "no bytes"),
    (True, PLAIN_PREAMBLE, "peer-not-secured", "sottovoce/1 plain"),
    (True, b"SSH-2.0-x\r\n", "foreign-service", "SSH-2.0-x"),
    (True, b"HTTP/1.1 400", "foreign-service", "HTTP/1.1 400"),
    (False, b"\x16\x03\x03", "mode-mismatch", "\\x16"),
    (False, b"sottovoce: this port speaks only", "mode-mismatch", "sottovoce:"),
    (False, b"\x00\x01", "foreign-service", "\\x00\\x01"),
    (False, b"so", "closed-early", "so"),
]


@pytest.mark.parametrize(("secured", "data", "code", "presented"), ANSWERS)
def test_who_does_not_answer_as_a_partner_is_named(
    secured: bool, data: bytes, code: str, presented: str
) -> None:
    """Catalogue P2, P3."""
    first: FirstBytes = peek(data)
    fault = refuse_first_answer(first, secured=secured, who="HUB (hub.test:1099)")
    assert fault is not None
    assert fault.code == code
    assert fault.presented.startswith(presented)
    assert fault.why.startswith("HUB (hub.test:1099)")


def test_a_refusal_without_a_code_still_says_who_and_where_to_look() -> None:
    fault = refused_without_reason("HUB (hub.test:1099)")
    assert fault.code == "refused-by-peer"
    assert fault.why == "HUB (hub.test:1099) refused this server and gave no reason."
    assert fault.hint


WENT = gone("10.0.0.7:5", "greeting", "")


@pytest.mark.parametrize(
    ("asked", "offered", "codes"),
    [
        ("evil.test", [], ["name-mismatch"]),
        ("evil.test", [b"h2"], ["name-mismatch"]),
        ("hub.test", [], []),
        ("", [b"sottovoce/1"], []),
        ("", [b"h2", b"http/1.1"], ["http-peer"]),
    ],
)
def test_who_completes_tls_and_says_nothing(
    asked: str, offered: list[bytes], codes: list[str], authority: ThrowAwayAuthority
) -> None:
    """N1: curl compares the name after TLS, and goes without an alert."""
    shown = authority.issue("hub.test").certificate
    more = speechless(WENT, asked=asked, shown=shown, offered=offered)
    assert [fault.code for fault in more] == codes


def test_who_is_only_slow_has_not_refused_our_name(authority: ThrowAwayAuthority) -> None:
    shown = authority.issue("hub.test").certificate
    slow = too_slow("10.0.0.7:5", "greeting")
    assert speechless(slow, asked="evil.test", shown=shown, offered=[]) == ()


def test_http_gets_a_line_of_its_own() -> None:
    """The two refusals in plain text are told apart by whoever pastes them into explain."""
    http = refuse_first_bytes(peek(b"GET / "), secured=True, address="a", port=1)
    mail = refuse_first_bytes(peek(b"EHLO a"), secured=True, address="a", port=1)
    assert http is not None
    assert mail is not None
    assert explain(http.told)[0].code == "http-peer"
    assert explain(mail.told)[0].code == "plaintext-peer"
