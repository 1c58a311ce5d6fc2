"""Ciphers and derivations against published vectors."""

import pytest

from sottovoce.errors import KeystoreFormatError
from sottovoce.keystore import pbe, rc2
from sottovoce.keystore.limits import Budget


@pytest.mark.parametrize(
    ("key", "plain", "hidden"),
    [
        # RFC 2268 section 5, those whose effective length is the key's own.
        ("ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"),
        ("3000000000000000", "1000000000000001", "30649edf9be7d2c2"),
        ("88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"),
    ],
)
def test_rc2_decrypts_the_vectors_of_rfc_2268(key: str, plain: str, hidden: str) -> None:
    opened = rc2.decrypt_cbc(bytes.fromhex(hidden), bytes.fromhex(key), bytes(8), Budget())

    assert opened.hex() == plain


def test_rc2_on_a_megabyte_is_refused_before_it_is_begun() -> None:
    with pytest.raises(KeystoreFormatError) as caught:
        rc2.decrypt_cbc(bytes(1 << 20), b"12345", bytes(8), Budget())

    assert caught.value.code == "keystore-too-costly"


@pytest.mark.parametrize(
    ("purpose", "salt", "password", "derived"),
    [
        # The vectors of OpenSSL's evpkdf test file for the PKCS#12 derivation (SHA-1, one round).
        (1, "0a58cf64530d823f", "smeg", "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"),
        (2, "0a58cf64530d823f", "smeg", "79993dfe048d3b76"),
    ],
)
def test_the_pkcs12_derivation_meets_known_vectors(
    purpose: int, salt: str, password: str, derived: str
) -> None:
    wanted = bytes.fromhex(derived)
    octets = pbe.password_octets(password)

    found = pbe._derive("sha1", octets, bytes.fromhex(salt), 1, (purpose, len(wanted)))

    assert found == wanted
