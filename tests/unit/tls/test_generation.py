from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ed448

from sottovoce.errors import SettingsError
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import KeyAlgorithm
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import TrustGeneration, own_faults

ALLOWED = ("hub.test",)


def test_a_key_that_is_none_for_tls_makes_no_generation(
    authority: ThrowAwayAuthority, identities: SimpleNamespace
) -> None:
    odd = PrivateKeyEntry.__new__(PrivateKeyEntry)
    object.__setattr__(odd, "key", ed448.Ed448PrivateKey.generate())
    object.__setattr__(odd, "chain", identities.hub.chain)
    with pytest.raises(SettingsError, match="no key for TLS here") as caught:
        authority.generation(odd, own_name="hub.test", allowed=ALLOWED)
    assert caught.value.faults[0].code == "keystore-key-mismatch"


def test_a_key_of_another_certificate_makes_no_generation(
    authority: ThrowAwayAuthority, identities: SimpleNamespace
) -> None:
    odd = PrivateKeyEntry.__new__(PrivateKeyEntry)
    object.__setattr__(odd, "key", identities.lui.key)
    object.__setattr__(odd, "chain", identities.hub.chain)
    with pytest.raises(SettingsError, match="OpenSSL refuses") as caught:
        authority.generation(odd, own_name="hub.test", allowed=ALLOWED)
    assert [fault.code for fault in caught.value.faults] == ["keystore-key-mismatch"]


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.EC_P256, KeyAlgorithm.ED25519])
def test_its_picture_holds_no_key(algorithm: KeyAlgorithm, authority: ThrowAwayAuthority) -> None:
    """W20: what is printed of a generation says who, never how."""
    identity = authority.issue("hub.test", algorithm=algorithm)
    text = repr(authority.generation(identity, own_name="hub.test", allowed=ALLOWED))
    assert "hub.test" in text
    assert "PrivateKey object" not in text
    assert "private_numbers" not in text


def test_a_server_finds_its_own_faults_before_its_partners_do(
    under: Callable[..., TrustGeneration],
    identities: SimpleNamespace,
    stranger: ThrowAwayAuthority,
    moment: datetime,
) -> None:
    """Catalogue X7, V1, N1; both purposes are asked."""

    def found(**parts: object) -> list[str]:
        return [fault.code for fault in own_faults(under(**parts), at=moment)]

    assert found() == []
    assert found(identity=identities.server_only, own_name="lui.test") == ["purpose-client-missing"]
    assert found(identity=identities.client_only, own_name="lui.test") == ["purpose-server-missing"]
    assert found(identity=identities.lui) == ["name-mismatch"]
    assert found(identity=identities.foreign, own_name="lui.test") == ["root-untrusted"]
    later = moment + timedelta(days=60)
    assert [fault.code for fault in own_faults(under(), at=later)] == ["certificate-expired"]


def test_it_knows_itself_as_its_partners_see_it(generation: TrustGeneration) -> None:
    assert generation.own_identity.names == ("hub.test",)
