"""The gist of a line is understood in words that the catalogue does not have, and only then."""

import pytest

from sottovoce.diagnosis import CATALOGUE, explain
from sottovoce.diagnosis.gist import RULES


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "handshake aborted, the peer's certificate is out of date since Monday",
            "certificate-expired",
        ),
        ("X509 cert only valid in the future", "not-yet-valid"),
        ("our cert seems revoked by the CA", "revoked"),
        ("the revocation list is outdated", "revocation-list-expired"),
        ("hostname differs from the certificate's", "name-mismatch"),
        ("could not verify the issuer of the certificate", "issuer-unknown"),
        ("cannot decrypt the private key, wrong passphrase", "key-wrong-password"),
        ("wrong password for truststore.jks", "keystore-wrong-password"),
        ("client sent no certificate although one is required", "no-certificate"),
        ("no common cipher", "no-common-cipher"),
        ("TLS version too old", "protocol-version"),
        ("the port is already bound", "port-in-use"),
        ("handshake timed out after a minute", "tls-not-started"),
        ("the key does not match, certificate rejected: keys differ", "keystore-key-mismatch"),
    ],
)
def test_words_of_any_program_are_understood(text: str, code: str) -> None:
    assert explain(text)[0].code == code


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02 HUB: Initializing Secure Sockets Layer (SSL) for component communication",
        "the store is open",
        "certificate of trk.test read, valid for 61 days",
        "connected to hub.test:1099, TLSv1.3",
        "GET /index.html 200",
        "error: something odd",
        "node 12 started, no work",
    ],
)
def test_lines_that_report_no_error_are_not_recognised(text: str) -> None:
    assert explain(text)[0].code == "unrecognised"


def test_a_rule_is_less_sure_than_a_text_of_the_catalogue() -> None:
    assert all(rule.code in CATALOGUE and rule.weight < 0.65 for rule in RULES)


def test_a_known_text_goes_before_what_lines_seem_to_say() -> None:
    """The second line alone would mean another cause."""
    known = "certificate has expired"
    [found, *_] = explain(f"{known}\nthe hostname of the certificate differs")
    assert found.code == "certificate-expired"
    assert found.evidence == (known,)


def test_a_hostile_text_is_answered_in_time() -> None:
    for piece in ("certificate ", "not ", "a\n", "tls cert host not key \n"):
        assert explain(piece * (100_000 // len(piece)))
