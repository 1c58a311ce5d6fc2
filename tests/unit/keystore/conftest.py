"""Keys, certificates and a small store for the tests of the keystore package."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from sottovoce.keystore import Keystore, PrivateKeyEntry, TrustedCertificateEntry

CertificateMaker = Callable[..., tuple[ec.EllipticCurvePrivateKey, x509.Certificate]]


@pytest.fixture(scope="session")
def issue() -> CertificateMaker:
    """Give a function that makes a key and its certificate, under an issuer or self-signed."""

    def make(
        name: str,
        issuer: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None = None,
    ) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        start = datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder(
            issuer_name=issuer[1].subject if issuer else subject,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=start,
            not_valid_after=start + timedelta(days=9000),
        )
        return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())

    return make


@pytest.fixture(scope="session")
def hub_entry(issue: CertificateMaker) -> PrivateKeyEntry:
    """A key with a chain of three."""
    root = issue("Root")
    middle = issue("Middle", root)
    key, leaf = issue("hub.test", middle)
    return PrivateKeyEntry(key, (leaf, middle[1], root[1]), datetime(2026, 11, 23, tzinfo=UTC))


@pytest.fixture(scope="session")
def store(hub_entry: PrivateKeyEntry) -> Keystore:
    """One key and its root."""
    root = TrustedCertificateEntry(hub_entry.chain[-1])
    return Keystore().with_entry("hub", hub_entry).with_entry("root", root)
