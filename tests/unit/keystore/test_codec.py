"""``loads`` and ``dumps``: passwords, formats, limits, and what is said (K1, K5, K6)."""

import time

import pytest

from sottovoce.errors import (
    EntryLocked,
    FormatError,
    IntegrityError,
    KeystoreError,
    KeystoreFormatError,
)
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, LockedKeyEntry, PrivateKeyEntry, dumps, loads
from sottovoce.keystore.limits import MAX_FILE, Budget

FORMATS = ("PKCS12", "JKS", "JCEKS")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_store_is_read_back_with_its_keys_and_its_roots(store: Keystore, kind: str) -> None:
    again = loads(dumps(store, Secret("changeit"), format=kind), Secret("changeit"))

    assert list(again) == ["hub", "root"]
    assert again.format == kind
    assert again.key_entry().chain == store.key_entry().chain
    assert again.trusted == store.trusted
    assert again.warnings == ()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_date_of_a_key_is_kept(store: Keystore, kind: str) -> None:
    again = loads(dumps(store, "changeit", format=kind), "changeit")

    assert again.entries["hub"].created == store.entries["hub"].created


def test_dumps_writes_the_stores_own_format_when_none_is_named(store: Keystore) -> None:
    jks = loads(dumps(store, "changeit", format="jks"), "changeit")

    assert dumps(jks, "changeit").startswith(b"\xfe\xed\xfe\xed")


def test_a_short_password_is_refused_for_writing(store: Keystore) -> None:
    with pytest.raises(KeystoreError) as caught:
        dumps(store, "short", format="PKCS12")

    assert caught.value.code == "password-too-short"


def test_an_unknown_format_is_a_programmers_mistake(store: Keystore) -> None:
    with pytest.raises(ValueError, match="BKS"):
        dumps(store, "changeit", format="BKS")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_wrong_password_is_told_from_damage_and_never_shown(store: Keystore, kind: str) -> None:
    data = dumps(store, "the right one", format=kind)

    with pytest.raises(IntegrityError) as caught:
        loads(data, Secret("the wrong one"))

    assert caught.value.code == "keystore-wrong-password"
    assert "wrong one" not in str(caught.value)
    assert "right one" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("changeit ", "blank"),
        ("\tchangeit", "blank"),
        ('"changeit"', "quotation marks"),
        ("changeit\n", "blank"),
    ],
)
def test_a_nearly_right_password_is_hinted_at_and_not_accepted(
    store: Keystore, given: str, hint: str
) -> None:
    with pytest.raises(IntegrityError) as caught:
        loads(dumps(store, "changeit", format="PKCS12"), given)

    assert hint in caught.value.hint


def test_doubled_backslashes_are_hinted_at(store: Keystore) -> None:
    with pytest.raises(IntegrityError, match="each pair read as one"):
        loads(dumps(store, "a\\b\\cdef", format="PKCS12"), "a\\\\b\\\\cdef")


def test_without_a_password_a_jks_store_shows_its_certificates_only(store: Keystore) -> None:
    found = loads(dumps(store, "changeit", format="JKS"), None)

    assert isinstance(found.entries["hub"], LockedKeyEntry)
    assert found.trusted == store.trusted
    assert [each.code for each in found.warnings] == ["keystore-not-verified"]
    with pytest.raises(EntryLocked):
        found.key_entry()
    assert found.key_entry(password="changeit").chain == store.key_entry().chain


def test_without_a_password_an_encrypted_store_says_that_one_is_needed(store: Keystore) -> None:
    with pytest.raises(IntegrityError, match="no password was given"):
        loads(dumps(store, "changeit", format="PKCS12"), None)


def test_a_file_of_seventeen_mebibytes_is_not_read() -> None:
    with pytest.raises(KeystoreFormatError) as caught:
        loads(b"\x30" * (MAX_FILE + 1), "changeit")

    assert caught.value.code == "keystore-too-large"


def test_an_empty_file_is_called_empty() -> None:
    with pytest.raises(FormatError) as caught:
        loads(b"", "changeit")

    assert caught.value.code == "keystore-empty"


def test_a_cut_off_store_says_how_much_is_there_and_how_much_was_announced(
    store: Keystore,
) -> None:
    data = dumps(store, "changeit", format="PKCS12")

    with pytest.raises(KeystoreFormatError) as caught:
        loads(data[:500], "changeit")

    assert caught.value.code == "keystore-truncated"
    assert "500 octets present" in caught.value.message
    assert f"announces {len(data):,}" in caught.value.message


def test_a_locked_key_cannot_be_carried_into_another_format(
    store: Keystore, hub_entry: PrivateKeyEntry
) -> None:
    locked = loads(dumps(store, "changeit", format="JKS"), None)

    with pytest.raises(EntryLocked):
        dumps(locked, "changeit", format="PKCS12")
    again = loads(dumps(locked, "another1", format="JKS"), "another1")
    assert again.key_entry(password="changeit").chain == hub_entry.chain


def test_a_locked_key_of_pkcs12_is_written_back_as_it_is(store: Keystore) -> None:
    entry = store.entries["hub"]
    assert isinstance(entry, PrivateKeyEntry)
    jks = loads(dumps(Keystore().with_entry("x", entry), "secret9", format="JKS"), None)
    locked = jks.entries["x"]

    again = loads(dumps(Keystore().with_entry("hub", locked), "changeit"), "changeit")

    assert isinstance(again.entries["hub"], LockedKeyEntry)
    assert again.key_entry("hub", "secret9").chain == entry.chain


def test_the_budget_for_key_derivation_is_for_the_whole_file() -> None:
    budget = Budget()
    budget.spend_rounds(600_000, digest="sha256")
    budget.spend_rounds(600_000, digest="sha512")

    with pytest.raises(KeystoreFormatError) as caught:
        budget.spend_rounds(1_500_000, digest="sha256")

    assert caught.value.code == "keystore-too-costly"
    assert "600,000" not in caught.value.message


@pytest.mark.parametrize("piece", [b"\x30\x80", b"\x24\x80", b"\x02\x01", b"\x04\x00", b"\xa0\x02"])
def test_a_large_hostile_file_is_refused_without_being_unfolded(piece: bytes) -> None:
    body = b"\x02\x01\x03" + piece * 500_000
    data = b"\x30\x84" + len(body).to_bytes(4, "big") + body
    began = time.process_time()

    with pytest.raises(FormatError):
        loads(data, "changeit")

    assert time.process_time() - began < 20  # not a measurement: it must end at all


@pytest.mark.parametrize("kind", ["PKCS12", "JKS"])
def test_a_store_of_five_hundred_roots_is_within_the_limits(store: Keystore, kind: str) -> None:
    """W16: more than every public root in use, three times over."""
    many = Keystore(entries={f"root{number}": store.entries["root"] for number in range(500)})

    assert len(loads(dumps(many, "changeit", format=kind), "changeit").trusted) == 500
