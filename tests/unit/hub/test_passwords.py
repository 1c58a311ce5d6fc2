"""Passwords: hashed as the standards say, judged by length only."""

import secrets
import unicodedata

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from sottovoce.errors import AccountRefused
from sottovoce.hub.service import CHEAPEST, OWASP_MINIMUM, RFC_9106_LOW_MEMORY, PasswordHasher
from sottovoce.hub.service.passwords import PASSWORD_LONGEST, check_new_password
from sottovoce.ini import Secret

GOOD = Secret("correct horse battery staple")


def _hasher() -> PasswordHasher:
    return PasswordHasher(CHEAPEST, random=secrets.token_bytes)


async def test_a_password_matches_its_hash_and_no_other_does() -> None:
    hasher = _hasher()
    encoded = await hasher.hash(GOOD)

    assert await hasher.matches(encoded, GOOD)
    assert not await hasher.matches(encoded, Secret("correct horse battery stapler"))
    assert not await hasher.matches(encoded, Secret(""))
    assert GOOD.reveal() not in encoded


async def test_the_same_password_has_another_hash_each_time() -> None:
    hasher = _hasher()

    assert await hasher.hash(GOOD) != await hasher.hash(GOOD)


async def test_no_account_matches_no_password() -> None:
    hasher = _hasher()

    assert [await hasher.matches(None, GOOD) for _ in range(2)] == [False, False]


async def test_a_damaged_hash_matches_nothing() -> None:
    assert not await _hasher().matches("$argon2id$broken", GOOD)


async def test_the_preset_in_use_is_the_one_of_rfc_9106_and_is_told_by_the_hash() -> None:
    hasher = PasswordHasher(RFC_9106_LOW_MEMORY, random=secrets.token_bytes)
    encoded = await hasher.hash(GOOD)

    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert hasher.is_current(encoded)
    assert not _hasher().is_current(encoded)
    Argon2id.verify_phc_encoded(GOOD.reveal().encode(), encoded)


@pytest.mark.parametrize("preset", [RFC_9106_LOW_MEMORY, OWASP_MINIMUM, CHEAPEST])
def test_every_preset_names_its_source(preset: object) -> None:
    assert getattr(preset, "source", "")


async def test_two_ways_to_type_an_accent_are_one_password() -> None:
    composed = unicodedata.normalize("NFC", "étoile du matin levée")
    hasher = _hasher()
    encoded = await hasher.hash(Secret(composed))

    assert await hasher.matches(encoded, Secret(unicodedata.normalize("NFD", composed)))


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password-too-short"),
        ("fourteen chars", "password-too-short"),
        ("x" * (PASSWORD_LONGEST + 1), "password-too-long"),
        ("Administrator.1", "password-is-name"),
    ],
)
def test_a_bad_password_is_refused_with_the_reason_and_never_shown(
    password: str, code: str
) -> None:
    with pytest.raises(AccountRefused) as caught:
        check_new_password(Secret(password), account="administrator.1")

    assert caught.value.code == code
    assert caught.value.hint
    assert not password or password not in str(caught.value)


@pytest.mark.parametrize("password", ["fifteen letters", "ein Satz aus ein paar Wörtern", "x" * 64])
def test_a_long_enough_password_is_taken_whatever_it_is_made_of(password: str) -> None:
    check_new_password(Secret(password), account="ann")
