"""A keystore as a value: entries by name, and which key is meant (W10, W12; K7, K8)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sottovoce.errors import AliasMissing, AliasTaken, EntryLocked, KeystoreError
from sottovoce.ini import Secret
from sottovoce.keystore import (
    Keystore,
    PrivateKeyEntry,
    StoreFormat,
    TrustedCertificateEntry,
    dumps,
    loads,
)
from sottovoce.keystore.readers import java_default_choice, readers_choices


def test_a_new_keystore_is_empty_and_pkcs12() -> None:
    store = Keystore()

    assert dict(store.entries) == {}
    assert store.format is StoreFormat.PKCS12
    assert store.warnings == ()


def test_changing_a_store_leaves_the_old_one_as_it_was(store: Keystore) -> None:
    changed = store.without("root").renamed("hub", "web")

    assert list(changed) == ["web"]
    assert list(store) == ["hub", "root"]


def test_entries_cannot_be_changed_in_place(store: Keystore) -> None:
    entries: Any = store.entries

    with pytest.raises(TypeError):
        entries["x"] = store.entries["hub"]


def test_names_are_found_without_regard_to_case_and_keep_their_spelling(store: Keystore) -> None:
    assert store.spelling("HUB") == "hub"
    assert "Root" in store
    assert list(store.with_entry("HUB", store.entries["root"])) == ["hub", "root"]


def test_a_missing_alias_is_named_with_those_that_are_there(store: Keystore) -> None:
    with pytest.raises(AliasMissing, match="'hub', 'root'") as caught:
        store.entry("hubb")

    assert caught.value.code == "alias-missing"
    assert "Did you mean 'hub'?" in str(caught.value)


def test_renaming_onto_another_entry_is_refused(store: Keystore) -> None:
    with pytest.raises(AliasTaken):
        store.renamed("hub", "ROOT")


def test_renaming_may_change_the_case_only(store: Keystore) -> None:
    assert list(store.renamed("hub", "Hub")) == ["Hub", "root"]


def test_the_only_key_needs_no_name(store: Keystore, hub_entry: PrivateKeyEntry) -> None:
    assert store.key_entry() is hub_entry
    assert store.key_entry("Hub") is hub_entry


def test_a_store_of_roots_given_as_keystore_is_told_to_look_like_one(store: Keystore) -> None:
    with pytest.raises(KeystoreError, match="only 1 trusted certificate; it looks like") as caught:
        store.without("hub").key_entry()

    assert caught.value.code == "keystore-no-key"


def test_a_trusted_certificate_is_no_key(store: Keystore) -> None:
    with pytest.raises(KeystoreError, match="'root' is a trusted certificate") as caught:
        store.key_entry("root")

    assert caught.value.code == "keystore-no-key"


def test_several_keys_are_listed_with_what_other_readers_would_take(
    store: Keystore, hub_entry: PrivateKeyEntry
) -> None:
    several = store.with_entry("trk", hub_entry).with_entry("lui", hub_entry)

    with pytest.raises(KeystoreError, match="3 private keys: 'hub', 'trk', 'lui'") as caught:
        several.key_entry()

    assert caught.value.code == "keystore-several-keys"
    assert "OpenSSL" in caught.value.message
    assert several.key_entry("trk") is hub_entry


@pytest.mark.parametrize(
    ("aliases", "chosen"),
    [(["trk", "hub", "lui", "old"], "lui"), (["b", "a"], "a"), (["Zoo"], "zoo")],
)
def test_java_takes_the_first_key_of_a_hash_map(aliases: list[str], chosen: str) -> None:
    assert java_default_choice(aliases) == chosen


def test_readers_that_agree_are_said_to_agree() -> None:
    assert "would all take 'lui'" in readers_choices(["lui", "hub"])


def test_a_certificate_of_another_key_is_a_mismatch(
    hub_entry: PrivateKeyEntry, issue: Callable[..., Any]
) -> None:
    other, _ = issue("other.test")

    with pytest.raises(KeystoreError) as caught:
        Keystore().with_entry("hub", replace(hub_entry, key=other)).key_entry()

    assert caught.value.code == "keystore-key-mismatch"


def test_a_key_without_a_certificate_is_no_identity(hub_entry: PrivateKeyEntry) -> None:
    bare = Keystore().with_entry("hub", replace(hub_entry, chain=()))

    with pytest.raises(KeystoreError) as caught:
        bare.key_entry()

    assert caught.value.code == "keystore-no-certificate"
    assert [each.code for each in bare.warnings] == ["keystore-no-certificate"]


def test_a_locked_key_opens_with_its_own_password_only(hub_entry: PrivateKeyEntry) -> None:
    own = replace(hub_entry, password=Secret("its own one"))
    store = loads(dumps(Keystore().with_entry("hub", own), "changeit", format="JKS"), "changeit")

    for wrong in (None, "changeit", Secret("other")):
        with pytest.raises(EntryLocked, match="is locked by another password"):
            store.key_entry("hub", wrong)
    opened = store.key_entry("hub", Secret("its own one"))

    assert opened.chain == hub_entry.chain
    assert opened.password == Secret("its own one")


def test_names_that_differ_in_case_only_are_warned_of(hub_entry: PrivateKeyEntry) -> None:
    both = Keystore(entries={"Hub": hub_entry, "hub": hub_entry})

    assert [each.code for each in both.warnings] == ["keystore-alias-collapse"]


def test_nothing_about_a_key_is_in_the_representation(store: Keystore) -> None:
    assert repr(store.entries["hub"]) == "<PrivateKeyEntry CN=hub.test, chain of 3>"
    assert repr(store) == "<Keystore PKCS12, 2 entries>"
    assert store.trusted == (store.entries["root"].certificate,)  # type: ignore[union-attr]
    assert isinstance(store.entries["root"], TrustedCertificateEntry)
