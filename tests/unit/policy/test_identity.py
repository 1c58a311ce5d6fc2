"""Certificate → peer identity; the certificates are made by ``cryptography`` alone."""

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sottovoce.errors import CertificateFormatError
from sottovoce.policy import Component, PeerIdentity

FROM = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(key: ec.EllipticCurvePrivateKey, *names: x509.GeneralName) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "common.test")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0xABCDEF)
        .not_valid_before(FROM)
        .not_valid_after(UNTIL)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


def test_the_facts_are_taken_as_they_stand(key: ec.EllipticCurvePrivateKey) -> None:
    """W9, W10: all DNS names, in order, unchanged."""
    certificate = _certificate(key, x509.DNSName("LUI.test"), x509.DNSName("b.test"))

    identity = PeerIdentity.from_certificate(certificate)

    assert identity.names == ("LUI.test", "b.test")
    assert identity.roles == frozenset()
    assert identity.fingerprint == certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    assert identity.serial == "abcdef"
    assert identity.not_after == UNTIL
    assert identity.subject == "CN=common.test"
    assert str(identity) == f"LUI.test, b.test ({identity.fingerprint[:23]}…)"


def test_the_common_name_is_no_name(key: ec.EllipticCurvePrivateKey) -> None:
    """DESIGN §4: verified DNS names only, never CN."""
    identity = PeerIdentity.from_certificate(_certificate(key))

    assert identity.names == ()
    assert str(identity).startswith("no name (")


def test_roles_come_from_uri_names_of_our_own_form(key: ec.EllipticCurvePrivateKey) -> None:
    identity = PeerIdentity.from_certificate(
        _certificate(
            key,
            x509.UniformResourceIdentifier("urn:sottovoce:role:hub"),
            x509.UniformResourceIdentifier("urn:sottovoce:role:lui"),
            x509.UniformResourceIdentifier("urn:sottovoce:role:LUI2"),
            x509.UniformResourceIdentifier("https://hub.test/urn:sottovoce:role:trk"),
            x509.DNSName("urn:sottovoce:role:trk"),
            x509.RFC822Name("urn:sottovoce:role:trk@test"),
        )
    )

    assert identity.roles == {Component.HUB, Component.LUI}
    assert identity.names == ("urn:sottovoce:role:trk",)


def test_addresses_are_no_names(key: ec.EllipticCurvePrivateKey) -> None:
    identity = PeerIdentity.from_certificate(
        _certificate(key, x509.IPAddress(ip_address("127.0.0.2")))
    )

    assert identity.names == ()


def test_a_certificate_that_cannot_be_described_is_malformed(
    key: ec.EllipticCurvePrivateKey,
) -> None:
    """A stranger may send anything: one kind of error, and no other, comes of it."""
    data = _certificate(key, x509.DNSName("a.test")).public_bytes(serialization.Encoding.DER)
    certificate = x509.load_der_x509_certificate(
        data.replace(b"common.test", b"\xff\xfe\xfd" * 3 + b"ab")
    )

    with pytest.raises(CertificateFormatError) as caught:
        PeerIdentity.from_certificate(certificate)

    assert caught.value.code == "certificate-malformed"
    assert isinstance(caught.value.__cause__, ValueError)
