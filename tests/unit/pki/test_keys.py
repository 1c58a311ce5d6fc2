"""Keys: kinds, words, weaknesses."""

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519

from sottovoce.pki import KeyAlgorithm, PrivateKey, describe_key, generate_key, key_weakness
from sottovoce.pki.keys import is_costly


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (KeyAlgorithm.EC_P256, "EC P-256"),
        (KeyAlgorithm.EC_P384, "EC P-384"),
        (KeyAlgorithm.ED25519, "Ed25519"),
    ],
)
def test_a_key_of_each_fast_kind_is_made_and_described(algorithm: KeyAlgorithm, words: str) -> None:
    key = generate_key(algorithm)

    assert describe_key(key) == words
    assert describe_key(key.public_key()) == words
    assert key_weakness(key.public_key()) == ""


def test_an_rsa_key_is_made_with_the_usual_exponent(rsa_key: PrivateKey) -> None:
    assert isinstance(rsa_key, rsa.RSAPrivateKey)
    assert rsa_key.private_numbers().public_numbers.e == 65537
    assert describe_key(rsa_key) == "RSA 2048 bits"
    assert key_weakness(rsa_key.public_key()) == ""


def test_two_keys_differ() -> None:
    first, second = (generate_key(KeyAlgorithm.ED25519).public_key() for _ in range(2))

    assert first != second


def test_another_type_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="KeyAlgorithm"):
        generate_key("ec-p256 ")  # type: ignore[arg-type]


def _rsa(exponent: int, bits: int = 2048) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(exponent, (1 << bits) - 1).public_key()


@pytest.mark.parametrize(
    ("exponent", "bits", "word"),
    [
        (65537, 1024, "only 1024 bits"),
        (65537, 2047, "only 2047 bits"),
        (3, 2048, "the public exponent 3"),
        (65535, 2048, "the public exponent 65535"),
        (65537, 8193, "8193 bits, more than anybody can be asked to check"),
        (2**64 + 1, 2048, "the public exponent of 65 bits"),
    ],
)
def test_a_weak_rsa_key_is_told_with_its_weakness(exponent: int, bits: int, word: str) -> None:
    """X4."""
    assert key_weakness(_rsa(exponent, bits)) == word


def test_a_key_that_is_made_to_be_slow_is_known_before_it_is_used() -> None:
    assert is_costly(_rsa(65537, 8193))
    assert is_costly(_rsa(2**64 + 1))
    assert not is_costly(_rsa(65537, 8192))
    assert not is_costly(generate_key(KeyAlgorithm.ED25519).public_key())


def test_kinds_that_are_not_accepted_are_named() -> None:
    assert key_weakness(ec.generate_private_key(ec.SECP256K1()).public_key()) == (
        "the curve secp256k1"
    )
    assert key_weakness(ed448.Ed448PrivateKey.generate().public_key()) == "a key of type Ed448"
    numbers = dsa.DSAParameterNumbers(p=(1 << 2048) - 1, q=(1 << 256) - 1, g=2)
    assert describe_key(dsa.DSAPublicNumbers(3, numbers).public_key()) == "DSA 2048 bits"
    assert describe_key(x25519.X25519PrivateKey.generate().public_key()) == "X25519"


def test_p521_is_accepted() -> None:
    key = ec.generate_private_key(ec.SECP521R1()).public_key()

    assert (describe_key(key), key_weakness(key)) == ("EC P-521", "")


def test_ed25519_is_accepted() -> None:
    assert key_weakness(ed25519.Ed25519PrivateKey.generate().public_key()) == ""
