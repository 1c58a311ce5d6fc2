"""Formats: what is read, and what is said of bytes that are something else (K13)."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from sottovoce.errors import CertificateFormatError
from sottovoce.ini import Secret
from sottovoce.pki import (
    Authority,
    PrivateKey,
    Revocation,
    dump_certificates,
    dump_crl,
    dump_private_key,
    dump_request,
    load_certificates,
    load_crls,
    load_private_key,
    load_request,
    looks_like,
    make_request,
    parse_name,
)


@pytest.fixture(scope="module")
def request_(key: PrivateKey) -> x509.CertificateSigningRequest:
    return make_request(key, subject=parse_name("CN=hub.test"), names=["hub.test"])


@pytest.fixture(scope="module")
def key_pem(key: PrivateKey) -> bytes:
    return dump_private_key(key, Secret("secret"))


def test_a_bundle_is_read_in_its_order(leaf: x509.Certificate, issuing: Authority) -> None:
    bundle = [leaf, issuing.certificate]
    noise = b"Bag Attributes\n  x: y\r\n\n"

    assert load_certificates(dump_certificates(bundle)) == bundle
    assert load_certificates(noise + dump_certificates(bundle)) == bundle
    assert load_certificates(b"\xef\xbb\xbf" + dump_certificates(bundle)) == bundle
    assert load_certificates(dump_certificates(bundle).replace(b"\n", b"\r\n")) == bundle


def test_der_is_read(leaf: x509.Certificate) -> None:
    assert load_certificates(leaf.public_bytes(Encoding.DER)) == [leaf]


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_pkcs7_is_read(leaf: x509.Certificate, issuing: Authority, encoding: Encoding) -> None:
    data = pkcs7.serialize_certificates([leaf, issuing.certificate], encoding)

    assert set(load_certificates(data)) == {leaf, issuing.certificate}


def test_keys_beside_certificates_are_passed_over(leaf: x509.Certificate, key_pem: bytes) -> None:
    assert load_certificates(key_pem + dump_certificates([leaf])) == [leaf]


def test_the_other_label_of_certificates_is_read(leaf: x509.Certificate) -> None:
    data = dump_certificates([leaf]).replace(b" CERTIFICATE-", b" X509 CERTIFICATE-")

    assert load_certificates(data) == [leaf]


def _refused(data: bytes) -> CertificateFormatError:
    with pytest.raises(CertificateFormatError) as caught:
        load_certificates(data, source="server.pem")
    return caught.value


def test_what_is_there_instead_is_named(
    key_pem: bytes, request_: x509.CertificateSigningRequest
) -> None:
    """K13."""
    cases = {
        b"": "empty",
        b"\r\n ": "empty",
        b"hello": "text that begins with 'hello'",
        key_pem: "PEM text that holds a ENCRYPTED PRIVATE KEY",
        dump_request(request_): "PEM text that holds a CERTIFICATE REQUEST",
        request_.public_bytes(Encoding.DER): "a certificate request in DER",
        b"\xfe\xed\xfe\xed\0\0\0\2": "a JKS keystore",
        b"\xce\xce\xce\xce": "a JCEKS keystore",
        b"ssh-ed25519 AAAA": "an SSH public key",
        b"<html>": "an HTML or XML page",
        b"PK\x03\x04": "a ZIP or JAR archive",
        b"\x00\x01\x02\xff": "bytes of no kind known here (first 00 01 02 ff)",
        b"\x30\x82\x0a\x32\x02\x01\x03": "a structure that is cut off (7 bytes present, 2614",
        b"\x30": "a damaged ASN.1 structure",
        b"\x30\x03\x02\x01\x03": "a PKCS#12 keystore",
        b"\x30\x03\x01\x01\xff": "an ASN.1 structure of another kind",
    }
    for data, words in cases.items():
        error = _refused(data)
        assert words in error.message
        assert error.message.startswith("server.pem: a certificate was expected")
        assert error.source == "server.pem"


def test_the_next_step_fits_what_is_there(key_pem: bytes) -> None:
    assert _refused(key_pem).hint == "Give the certificate file, not the key file."
    assert "keytool -exportcert" in _refused(b"\xfe\xed\xfe\xed").hint


def test_a_damaged_certificate_is_not_called_another_thing(leaf: x509.Certificate) -> None:
    data = dump_certificates([leaf])
    damaged = data[:100] + b"AAAA" + data[104:]

    assert "there is one, but it cannot be read" in _refused(damaged).message


def test_a_certificate_that_is_cut_off_is_told(leaf: x509.Certificate) -> None:
    data = dump_certificates([leaf])
    der = leaf.public_bytes(Encoding.DER)

    assert "cut off" in looks_like(data[:200])
    assert "cut off" in _refused(der[:200]).message
    _refused(data[:200])


def test_half_of_a_bundle_is_refused(leaf: x509.Certificate) -> None:
    """Whoever lost the end of a chain must not go on with its beginning."""
    data = dump_certificates([leaf])

    _refused(data + data[:300])


def test_a_key_is_read_with_its_password(key: PrivateKey, key_pem: bytes) -> None:
    found = load_private_key(key_pem, Secret("secret"))

    assert found.public_key() == key.public_key()


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize(
    "layout", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_a_plain_key_is_read_in_every_layout(
    key: PrivateKey, encoding: Encoding, layout: serialization.PrivateFormat
) -> None:
    data = key.private_bytes(encoding, layout, serialization.NoEncryption())

    assert load_private_key(data).public_key() == key.public_key()
    assert load_private_key(data, Secret("not needed")).public_key() == key.public_key()


def test_a_wrong_password_and_a_missing_one_are_told_apart(key_pem: bytes) -> None:
    with pytest.raises(CertificateFormatError) as wrong:
        load_private_key(key_pem, Secret("Secret"), source="k.pem")
    with pytest.raises(CertificateFormatError) as missing:
        load_private_key(key_pem, source="k.pem")

    assert wrong.value.code == "key-wrong-password"
    assert missing.value.code == "key-password-missing"
    assert "Secret" not in str(wrong.value)


def test_other_kinds_of_key_are_refused() -> None:
    data = ed448.Ed448PrivateKey.generate().private_bytes(
        Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(CertificateFormatError, match="this is Ed448"):
        load_private_key(data)


def test_a_certificate_in_the_place_of_a_key_is_named(leaf: x509.Certificate) -> None:
    with pytest.raises(CertificateFormatError, match="holds a CERTIFICATE"):
        load_private_key(dump_certificates([leaf]))
    with pytest.raises(CertificateFormatError, match="a certificate in DER"):
        load_private_key(leaf.public_bytes(Encoding.DER))


def test_a_key_is_never_written_without_password(key: PrivateKey) -> None:
    with pytest.raises(ValueError, match="password"):
        dump_private_key(key, Secret(""))


def test_requests_are_read_with_either_label(request_: x509.CertificateSigningRequest) -> None:
    pem = dump_request(request_)

    assert load_request(pem) == request_
    assert load_request(pem.replace(b" CERTIFICATE", b" NEW CERTIFICATE")) == request_
    assert load_request(request_.public_bytes(Encoding.DER)) == request_


def test_two_requests_in_a_file_are_refused(request_: x509.CertificateSigningRequest) -> None:
    with pytest.raises(CertificateFormatError, match="2 are there"):
        load_request(2 * dump_request(request_))


def test_something_else_is_no_request(leaf: x509.Certificate) -> None:
    with pytest.raises(CertificateFormatError, match="holds a CERTIFICATE"):
        load_request(dump_certificates([leaf]))
    with pytest.raises(CertificateFormatError, match="a certificate in DER"):
        load_request(leaf.public_bytes(Encoding.DER))


def test_revocation_lists_are_read(root: Authority) -> None:
    now = root.certificate.not_valid_before_utc
    crl = root.revocation_list(
        [Revocation(serial=9, date=now)],
        this_update=now,
        next_update=now + timedelta(days=1),
        number=1,
    )

    assert load_crls(2 * dump_crl(crl)) == [crl, crl]
    assert load_crls(crl.public_bytes(Encoding.DER)) == [crl]
    with pytest.raises(CertificateFormatError, match="a revocation list was expected"):
        load_crls(b"")
    with pytest.raises(CertificateFormatError, match="certificate in DER"):
        load_crls(root.certificate.public_bytes(Encoding.DER))


def test_too_many_certificates_are_refused(leaf: x509.Certificate) -> None:
    with pytest.raises(CertificateFormatError, match="at most 1000"):
        load_certificates(1001 * dump_certificates([leaf]))


def test_a_certificate_with_a_forbidden_serial_is_read_without_a_warning(
    leaf: x509.Certificate,
) -> None:
    """Reading does not judge; the verdict does."""
    der = leaf.public_bytes(Encoding.DER).replace(b"\x02\x01\x03\x30", b"\x02\x01\x00\x30", 1)

    (found,) = load_certificates(der)

    assert found.public_bytes(Encoding.DER) == der


def test_an_rsa_key_in_its_traditional_layout_is_read(rsa_key: PrivateKey) -> None:
    data = rsa_key.private_bytes(
        Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b"secret"),
    )

    assert load_private_key(data, Secret("secret")).public_key() == rsa_key.public_key()
