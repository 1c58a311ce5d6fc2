from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sottovoce.errors import KeystoreError
from sottovoce.keystore import (
    Entry,
    Keystore,
    LockedKeyEntry,
    PrivateKeyEntry,
    TrustedCertificateEntry,
)
from sottovoce.policy import KeyRing, stands_for
from sottovoce.testing import ThrowAwayAuthority

Issue = Callable[..., PrivateKeyEntry]


@pytest.fixture(scope="module")
def hub(authority: ThrowAwayAuthority) -> PrivateKeyEntry:
    return authority.issue("hub.test", "internal.hub.test")


@pytest.fixture(scope="module")
def web(authority: ThrowAwayAuthority) -> PrivateKeyEntry:
    return authority.issue("www.example.test")


def test_the_only_key_is_taken_whatever_its_name(web: PrivateKeyEntry) -> None:
    """What its certificate says is judged elsewhere, with both values."""
    ring = KeyRing.of(Keystore(entries={"web": web}), "hub.test")
    assert ring.chosen().alias == "web"
    assert (ring.others, ring.unusable) == ((), ())


def test_of_several_keys_the_name_chooses(hub: PrivateKeyEntry, web: PrivateKeyEntry) -> None:
    """W10, W12: the same file gives the internal key and the one of the pages."""
    store = Keystore(entries={"web": web, "hub": hub})
    for name, alias, other in (
        ("HUB.test.", "hub", "web"),
        ("internal.hub.test", "hub", "web"),
        ("www.example.test", "web", "hub"),
    ):
        ring = KeyRing.of(store, name)
        assert ring.chosen().alias == alias
        assert [key.alias for key in ring.others] == [other]


def test_of_several_keys_without_the_name_none_is_taken(
    hub: PrivateKeyEntry, web: PrivateKeyEntry
) -> None:
    store = Keystore(entries={"web": web, "hub": hub})
    with pytest.raises(
        KeystoreError, match=r"None of them has a certificate for trk\.test"
    ) as caught:
        KeyRing.of(store, "trk.test")
    assert caught.value.code == "keystore-several-keys"
    assert "'web', 'hub'" in caught.value.message


def test_a_store_of_roots_has_no_key(authority: ThrowAwayAuthority) -> None:
    store = Keystore(entries={"root": TrustedCertificateEntry(authority.root)})
    with pytest.raises(KeystoreError) as caught:
        KeyRing.of(store, "hub.test")
    assert caught.value.code == "keystore-no-key"


def test_a_key_that_cannot_be_used_is_named_in_a_warning(
    hub: PrivateKeyEntry, web: PrivateKeyEntry
) -> None:
    """K2, K7: one locked key does not keep the others from being used."""
    entries: dict[str, Entry] = {
        "locked": LockedKeyEntry(b"", hub.chain, reason="the store's password does not open it"),
        "odd": replace(web, chain=hub.chain),
        "bare": replace(web, chain=()),
        "hub": hub,
    }
    ring = KeyRing.of(Keystore(entries=entries), "hub.test")
    assert ring.chosen().alias == "hub"
    assert [fault.code for fault in ring.unusable] == [
        "keystore-entry-locked",
        "keystore-key-mismatch",
        "keystore-no-certificate",
    ]
    assert all(fault.warning for fault in ring.unusable)
    assert "'locked' is not used" in ring.unusable[0].why


def test_a_good_certificate_comes_before_a_newer_one(
    authority: ThrowAwayAuthority, hub: PrivateKeyEntry, moment: datetime
) -> None:
    newer = authority.issue("hub.test", not_before=moment)
    ring = KeyRing.of(Keystore(entries={"old": hub, "new": newer}), "hub.test")
    assert ring.chosen().alias == "new"
    assert ring.chosen(lambda entry: entry is hub).alias == "old"


def test_a_wildcard_stands_for_one_label(authority: ThrowAwayAuthority) -> None:
    entry = authority.issue("*.mail.test", not_after=authority.at + timedelta(days=1))
    assert stands_for(entry, "a.mail.test")
    assert not stands_for(entry, "mail.test")
    assert not stands_for(entry, "a.b.mail.test")
