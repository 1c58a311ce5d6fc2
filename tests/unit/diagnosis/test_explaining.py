"""Weighing: order, circumstances, sides, and never an empty answer."""

import json

import pytest

from sottovoce.diagnosis import (
    CATALOGUE,
    Severity,
    Side,
    describe,
    explain,
    explain_alert,
    render_json,
)
from sottovoce.diagnosis.matching import TEXT_LIMIT
from sottovoce.errors import Fault


def codes(text: str, **context: str) -> list[str]:
    return [one.code for one in explain(text, {k.replace("_", "-"): v for k, v in context.items()})]


@pytest.mark.parametrize("text", ["", " \n", "all is well", "\x00\x1b[", "🙂" * 50, "\ud800"])
def test_the_answer_is_never_empty(text: str) -> None:
    """DESIGN §9: ranked, never empty, nothing raised."""
    (only,) = explain(text)
    assert only.code == "unrecognised"
    assert only.likelihood == 0
    assert "security.log" in only.next_step


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_each_of_our_codes_explains_itself(code: str) -> None:
    assert codes(code)[0] == code


def test_a_code_in_a_structured_line_counts_more_than_words() -> None:
    line = '{"time": "2026-11-23", "action": "refused", "code": "name-mismatch", "port": 7000}'
    assert codes(line)[0] == "name-mismatch"
    assert codes('"codes": ["revoked"]')[0] == "revoked"


def test_our_own_log_line_is_read_back() -> None:
    for code in ("name-mismatch", "settings", "revoked", "not-in-allowed-list"):
        (given,) = explain(code)[:1]
        assert codes(str(given))[0] == code


def test_a_word_that_is_also_a_code_is_no_code_in_prose() -> None:
    assert "settings" not in codes("the settings are open")


def test_a_line_that_begins_with_error_is_not_recognised_for_that() -> None:
    assert codes("error: something odd") == ["unrecognised"]


def test_values_of_the_text_stand_in_the_message() -> None:
    (found, *_) = explain("x509: certificate is valid for trk-old.test, not trk.test")
    assert "asked for trk.test, the certificate is for trk-old.test" in found.message


def test_names_from_the_context_stand_in_the_message() -> None:
    (found, *_) = explain("Hostname mismatch", {"own": "HUB", "peer": "TRK"})
    assert found.message.startswith("HUB did not accept TRK:")


def test_an_alert_is_told_from_the_refused_side() -> None:
    """The other side found the fault, so this server is the one to mend it."""
    (found, *_) = explain("sslv3 alert certificate expired")
    assert found.code == "certificate-expired"
    assert found.message.startswith("The other side did not accept this server")
    assert found.side is Side.OWN
    (seen, *_) = explain("certificate has expired")
    assert seen.side is Side.PEER


def test_names_change_places_in_an_alert() -> None:
    (found, *_) = explain("tlsv1 alert unknown ca", {"own": "LUI", "peer": "TRK"})
    assert found.message.startswith("TRK does not know the CA that signed LUI's certificate")


def test_what_was_found_outranks_the_alert_that_came_of_it() -> None:
    """Both sides' logs pasted together: the reason counts, not the alert."""
    both = "sslv3 alert bad certificate\n… certificate verify failed: certificate is not yet valid"
    assert codes(both)[0] == "not-yet-valid"


def test_two_signs_weigh_more_than_one() -> None:
    one = explain("unable to get local issuer certificate")[0].likelihood
    two = explain("verify error:num=20:\nunable to get local issuer certificate")[0].likelihood
    assert one < two < 1


def test_circumstances_reorder_what_one_text_may_mean() -> None:
    """X2 and X3, T2 and T5, P2 and P3 share their texts."""
    assert codes("no shared cipher", key_count="1")[0] == "no-common-cipher"
    assert codes("no shared cipher", key_count="0")[0] == "keystore-no-key"
    text = "unable to get local issuer certificate"
    assert codes(text)[0] == "issuer-unknown"
    assert codes(text, chain_length="1")[0] == "intermediate-missing"
    assert codes(text, issuer_trusted="yes")[0] == "intermediate-missing"
    assert codes("wrong version number", side="accepting")[0] == "plaintext-peer"
    assert codes("wrong version number", side="caller")[0] == "peer-not-secured"


def test_causes_of_one_text_say_how_to_tell_them_apart() -> None:
    found = explain("no shared cipher")
    assert len(found) > 1
    assert all(one.apart for one in found[:2])
    assert explain("Keystore file does not exist: a.p12")[0].apart == ""


def test_an_unknown_circumstance_changes_nothing() -> None:
    assert codes("no shared cipher", weather="rain") == codes("no shared cipher")


@pytest.mark.parametrize("port", ["1099", "7000"])
def test_the_port_stands_in_the_message(port: str) -> None:
    (found, *_) = explain("Connection refused", {"port": port})
    assert f"port {port}" in found.message


def test_likelihoods_fall_and_stay_between_nought_and_one() -> None:
    for text in ("sslv3 alert bad certificate", "wrong version number", "handshake failure"):
        likely = [one.likelihood for one in explain(text)]
        assert likely == sorted(likely, reverse=True)
        assert all(0 < one < 1 for one in likely)
        assert len(likely) <= 8


def test_a_hostile_text_of_any_length_is_answered() -> None:
    """Bounded and linear: a text made of beginnings of patterns finds its end."""
    for piece in ("certificate is valid for ", "{bad_cert,", "alert ", "-" * 40, "a-", "code="):
        assert explain(piece * (4 * TEXT_LIMIT // len(piece)))


def test_the_evidence_is_printable_and_bounded() -> None:
    (found, *_) = explain("certificate is not valid for '" + "a\x1b[31m" * 300 + "'")
    assert all(len(line) <= 200 and line.isprintable() for line in found.evidence)


@pytest.mark.parametrize(
    ("name", "sent_by", "first"),
    [
        ("bad_certificate", "openssl", "name-mismatch"),
        ("bad_certificate", "java", "no-certificate"),
        ("unknown_ca", "openssl", "issuer-unknown"),
        ("decrypt_error", "openssl", "signature-mismatch"),
        ("certificate_expired", "openssl", "certificate-expired"),
        ("certificate_unknown", "java", "issuer-unknown"),
        ("unsupported_certificate", "openssl", "purpose-client-missing"),
        ("certificate_revoked", "openssl", "revoked"),
        ("certificate_required", "openssl", "no-certificate"),
        ("handshake_failure", "openssl", "no-common-cipher"),
        ("protocol_version", "java", "protocol-version"),
        ("access_denied", "openssl", "not-in-allowed-list"),
        ("BadCertificate", "go", "issuer-unknown"),
        ("48", "somebody", "issuer-unknown"),
    ],
)
def test_an_alert_has_causes_by_who_sent_it(name: str, sent_by: str, first: str) -> None:
    """Failure catalogue, B.0."""
    assert explain_alert(name, sent_by=sent_by)[0].code == first


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("unknown_ca", "revocation-unknown"),
        ("certificate_expired", "revocation-list-expired"),
        ("certificate_expired", "issuer-expired"),
        ("bad_certificate", "not-yet-valid"),
        ("certificate_unknown", "name-constraint"),
        ("certificate_required", "own-ca-not-asked-for"),
        ("handshake_failure", "keystore-no-key"),
    ],
)
def test_the_causes_that_an_alert_hides_are_listed_too(name: str, hidden: str) -> None:
    """B.0: no list at hand is told as unknown_ca, an old list as certificate_expired."""
    assert hidden in [one.code for one in explain_alert(name)]


def test_an_alert_that_nobody_knows_gets_the_last_resort() -> None:
    assert [one.code for one in explain_alert("nonsense")] == ["unrecognised"]


def test_a_fault_keeps_its_own_words_and_its_place() -> None:
    fault = Fault(
        code="ini-unknown-key",
        why="Unknown key 'SSLAlowedClients'.",
        presented="SSLAlowedClients",
        hint="Did you mean SSLAllowedClients?",
        file="ssl.ini",
        line=3,
    )
    found = describe(fault)
    assert found.message == "ssl.ini:3: Unknown key 'SSLAlowedClients'."
    assert found.next_step == "Did you mean SSLAllowedClients?"
    assert found.title == CATALOGUE["ini-unknown-key"].title
    assert found.likelihood == 1


def test_a_fault_without_words_gets_those_of_the_catalogue() -> None:
    fault = Fault(code="name-mismatch", why="", expected="trk.test", presented="trk-old.test")
    found = describe(fault, {"own": "HUB", "peer": "TRK"})
    assert found.message == (
        "HUB did not accept TRK: asked for trk.test, the certificate is for trk-old.test."
    )
    assert found.next_step.startswith("Reissue TRK's certificate for trk.test")


def test_a_fault_says_who_refused_whom() -> None:
    fault = Fault(code="name-mismatch", why="Asked for a.test, the certificate is for b.test.")
    found = describe(fault, {"own": "HUB", "peer": "TRK"})
    assert found.message == (
        "HUB did not accept TRK. Asked for a.test, the certificate is for b.test."
    )


def test_values_that_the_words_leave_out_are_evidence() -> None:
    found = describe(Fault(code="weak-key", why="Too weak.", expected="2048", presented="1024"))
    assert found.evidence == ("expected: 2048", "presented: 1024")


@pytest.mark.parametrize("code", ["never-heard-of", "", "{odd}", "x" * 500, "a\nb"])
def test_an_unknown_code_is_served_too(code: str) -> None:
    found = describe(Fault(code=code, why=""))
    assert found.message
    assert found.next_step
    assert "\n" not in str(found)


def test_a_warning_stays_a_warning() -> None:
    found = describe(Fault(code="weak-key", why="Weak.", warning=True))
    assert found.severity is Severity.WARNING


def test_plain_data_survives_json() -> None:
    for one in explain("no shared cipher"):
        data = json.loads(json.dumps(render_json(one)))
        assert data["code"] == one.code
        assert data["severity"] in {"fault", "warning", "notice"}
        assert set(data) == {
            "code",
            "title",
            "message",
            "next_step",
            "severity",
            "side",
            "rows",
            "likelihood",
            "evidence",
            "apart",
        }


def test_a_sure_text_inside_a_doubtful_longer_one_counts() -> None:
    assert codes("Caused by: java.io.IOException: Invalid keystore format")[0] == "keystore-format"


def test_a_symptom_stands_behind_what_brings_it_about() -> None:
    """A whole log: nobody accepts connections because a certificate has expired."""
    log = (
        "dial tcp 10.0.0.1:7000: connect: connection refused\n" * 40
        + "x509: certificate has expired or is not yet valid\n"
        + "dial tcp 10.0.0.1:7000: connect: connection refused\n" * 40
    )
    assert codes(log)[0] == "certificate-expired"
    assert "connection-refused" in codes(log)
    assert codes("connect: connection refused") == ["connection-refused"]


def test_the_refused_side_is_the_one_to_mend_it() -> None:
    (found, *_) = explain("client did not trust this server's certificate, closing connection")
    assert found.code == "issuer-unknown"
    assert found.message.startswith("The other side does not know the CA that signed this server")


def test_a_look_at_ones_own_certificate_settles_what_an_alert_means() -> None:
    """B.0: the refused side has its own files at hand."""
    alert = "Received fatal alert: certificate_unknown"
    assert codes(alert)[0] == "issuer-unknown"
    assert codes(alert, own_faults="certificate-expired")[0] == "certificate-expired"
    assert codes(alert, own_faults="key-usage,name-mismatch")[0] in {"key-usage", "name-mismatch"}
    looked = codes(alert, own_faults="none", asked_name="yes")
    assert not {"certificate-expired", "name-mismatch", "self-signed"} & set(looked[:3])


def test_a_look_at_what_was_presented_settles_what_a_text_means() -> None:
    """T2, T5, T6: Java has one text for all three."""
    text = "unable to find valid certification path to requested target"
    for code in ("self-signed", "intermediate-missing", "root-untrusted"):
        assert codes(text, peer_faults=code)[0] == code
    assert codes(text, peer_faults="none")[0] == "issuer-unknown"
    # Each side's files speak for refusals by the other only.
    assert codes(text, own_faults="self-signed")[0] == "issuer-unknown"


def test_in_a_refusal_from_outside_the_other_side_has_judged() -> None:
    """X6, X7: the called side refuses a caller for its clientAuth, whoever prints the alert."""
    alert = "sslv3 alert unsupported certificate"
    assert codes(alert, side="caller")[0] == "purpose-client-missing"
    assert codes(alert, side="accepting")[0] == "purpose-server-missing"
    text = "unsuitable certificate purpose"
    assert codes(text, side="caller")[0] == "purpose-server-missing"


def test_a_connection_that_openssl_reports_as_good_has_no_cause() -> None:
    """What s_client prints of every good connection; three causes were once seen in it."""
    assert codes(HEALTHY) == ["unrecognised"]


#: openssl s_client 3.0.19 at a server that asks for a certificate and names no CA; shortened.
HEALTHY = """CONNECTED(00000003)
Can't use SSL_get_servername
depth=1 CN = Root One
verify return:1
---
Certificate chain
 0 s:CN = hub.test
   i:CN = Root One
   a:PKEY: id-ecPublicKey, 256 (bit); sigalg: ecdsa-with-SHA256
   v:NotBefore: Nov 27 12:00:24 2026 GMT; NotAfter: Dec 28 12:00:24 2026 GMT
---
No client certificate CA names sent
Peer signing digest: SHA256
Peer signature type: ECDSA
Server Temp Key: X25519, 253 bits
---
SSL handshake has read 1006 bytes and written 1413 bytes
Verification: OK
---
New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384
Server public key is 256 bit
Secure Renegotiation IS NOT supported
Compression: NONE
Expansion: NONE
No ALPN negotiated
Early data was not sent
Verify return code: 0 (ok)
"""
