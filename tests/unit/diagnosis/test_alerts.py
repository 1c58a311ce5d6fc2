"""Alerts are recognised in every spelling that programs print."""

import pytest

from sottovoce.diagnosis.alerts import ALERTS, alert_name, alerts_in
from sottovoce.diagnosis.matching import prepare


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tlsv1 alert unknown ca (_ssl.c:2580)", "unknown_ca"),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]", "certificate_required"),
        ("ssl/tls alert certificate expired", "certificate_expired"),
        ("SSL alert number 42", "bad_certificate"),
        ("Received fatal alert: certificate_unknown", "certificate_unknown"),
        ("(handshake_failure) Received fatal alert: handshake_failure", "handshake_failure"),
        ("remote error: tls: bad certificate", "bad_certificate"),
        ("remote error: tls: unknown certificate authority", "unknown_ca"),
        ("remote error: tls: revoked certificate", "certificate_revoked"),
        ("remote error: tls: protocol version not supported", "protocol_version"),
        ('{tls_alert,{bad_certificate,"TLS server"}}', "bad_certificate"),
        ("received CLIENT ALERT: Fatal - Unknown CA", "unknown_ca"),
        ("received fatal alert: BadCertificate", "bad_certificate"),
        ("AlertReceived(UnknownCA)", "unknown_ca"),
        ("A TLS fatal alert has been received: CA is unknown", "unknown_ca"),
        ("SSL_ERROR_BAD_CERT_ALERT", "bad_certificate"),
        ("Insufficient buffer remaining for AEAD cipher fragment (2).", "certificate_unknown"),
        ("TlsFatalAlertReceived: handshake_failure(40)", "handshake_failure"),
        ("RECV TLSv1.2 ALERT: fatal, certificate_revoked", "certificate_revoked"),
    ],
)
def test_an_alert_is_recognised(text: str, name: str) -> None:
    assert name in {seen.name for seen in alerts_in(prepare(text))}


@pytest.mark.parametrize("text", ["bad certificate chain here", "alert the operator", "fatal: 42"])
def test_other_words_are_no_alert(text: str) -> None:
    assert list(alerts_in(prepare(text))) == []


@pytest.mark.parametrize("name", ALERTS)
def test_a_name_is_known_in_every_spelling(name: str) -> None:
    words = name.replace("_", " ")
    assert {alert_name(name), alert_name(words), alert_name(str(ALERTS[name]))} == {name}
    assert alert_name(words.title().replace(" ", "")) == name


def test_an_unknown_name_is_given_back() -> None:
    assert alert_name("Something Else") == "something_else"
    assert alert_name("255") == "255"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('reason: {ssl_error,{tls_alert,"certificate unknown"}}', "certificate_unknown"),
        ("ssl_alert.erl:88:Fatal error: certificate unknown", "certificate_unknown"),
        ("ALERT:  fatal, description = certificate_unknown", "certificate_unknown"),
        ("AlertMessagePayload {\n  level: Fatal,\n  description: UnknownCA,", "unknown_ca"),
    ],
)
def test_an_alert_in_a_structure_is_recognised(text: str, name: str) -> None:
    assert name in {seen.name for seen in alerts_in(prepare(text))}


def test_what_go_printed_is_known_to_be_go_s() -> None:
    """Go writes its alerts its own way; whom it speaks with is mostly Go too."""
    [seen] = alerts_in(prepare("remote error: tls: bad certificate"))
    assert seen.read_by == "go"
    [other] = alerts_in(prepare("sslv3 alert bad certificate"))
    assert other.read_by == ""
