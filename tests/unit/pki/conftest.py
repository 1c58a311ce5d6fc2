"""What the unit tests of `pki` share: one small authority, and times."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from sottovoce.pki import Authority, KeyAlgorithm, PrivateKey, generate_key

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def at() -> datetime:
    return AT


@pytest.fixture(scope="session")
def key() -> PrivateKey:
    return generate_key(KeyAlgorithm.EC_P256)


@pytest.fixture(scope="session")
def rsa_key() -> PrivateKey:
    return generate_key(KeyAlgorithm.RSA_2048)


@pytest.fixture(scope="session")
def root() -> Authority:
    return Authority.create_root(
        "Root One",
        key=generate_key(KeyAlgorithm.EC_P256),
        serial=1,
        not_before=AT - timedelta(hours=1),
        not_after=AT + timedelta(days=3000),
    )


@pytest.fixture(scope="session")
def issuing(root: Authority) -> Authority:
    return root.issue_intermediate(
        "Issuing One",
        key=generate_key(KeyAlgorithm.EC_P256),
        serial=2,
        not_before=AT - timedelta(hours=1),
        not_after=AT + timedelta(days=1000),
    )


@pytest.fixture(scope="session")
def leaf(issuing: Authority, key: PrivateKey) -> x509.Certificate:
    return issuing.issue(
        key.public_key(),
        names=["hub.test", "*.example.test", "127.0.0.2", "::1"],
        roles=["urn:sottovoce:role:hub"],
        serial=3,
        not_before=AT - timedelta(hours=1),
        not_after=AT + timedelta(days=90),
    )
