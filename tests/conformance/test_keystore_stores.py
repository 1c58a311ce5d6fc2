"""Stores made by other tools and by hand: each has its exact outcome in a manifest, and meets it.

``stores/make_stores.py`` says how each file was made (W12, W13, W14, W16; failure catalogue K1, K2,
K5, K6, K7, K8).
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sottovoce.errors import FormatError, KeystoreError
from sottovoce.keystore import (
    Entry,
    LockedKeyEntry,
    PrivateKeyEntry,
    TrustedCertificateEntry,
    loads,
)
from sottovoce.keystore.keys import fits

FOLDER = Path(__file__).parent / "stores"
MANIFEST: dict[str, dict[str, Any]] = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
GOOD = sorted(name for name, wanted in MANIFEST.items() if "entries" in wanted)
BAD = sorted(set(MANIFEST) - set(GOOD))


def kind(entry: Entry) -> list[str | int]:
    match entry:
        case PrivateKeyEntry():
            return ["key", len(entry.chain)]
        case LockedKeyEntry():
            return ["locked", len(entry.chain)]
        case TrustedCertificateEntry():
            return ["trusted", 1]


def password_of(name: str) -> str | None:
    password: str | None = MANIFEST[name].get("password", "changeit")
    return password


def test_there_are_at_least_sixty_stores_and_each_file_is_in_the_manifest() -> None:
    files = {path.name for path in FOLDER.iterdir() if path.suffix not in (".py", ".json", ".java")}

    assert len(MANIFEST) >= 60
    assert {name for name in files if not name.startswith("__")} == set(MANIFEST)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_or_odd_store_gives_its_entries_and_its_warnings(name: str) -> None:
    wanted = MANIFEST[name]

    store = loads((FOLDER / name).read_bytes(), password_of(name))

    assert {alias: kind(entry) for alias, entry in store.entries.items()} == wanted["entries"]
    assert sorted({each.code for each in store.warnings}) == sorted(wanted.get("warnings", []))
    assert all(each.warning for each in store.warnings)
    if "format" in wanted:
        assert store.format == wanted["format"]


def test_a_certificate_of_another_kind_is_passed_over() -> None:
    """PKCS#12 may hold SDSI certificates as well (RFC 7292 4.2.3); nobody makes such stores."""
    x509, sdsi = bytes.fromhex("2a864886f70d01091601"), bytes.fromhex("2a864886f70d01091602")
    good = (FOLDER / "certificate-version8-nomac.p12").read_bytes()
    assert good.count(x509) == 1

    store = loads(good.replace(x509, sdsi), "changeit")

    assert not store.entries
    assert "keystore-bag-skipped" in {each.code for each in store.warnings}


def test_a_key_of_an_unknown_kind_is_kept_and_not_used(tmp_path: Path) -> None:
    """OpenSSL's store of an EC key, whose kind is then changed to one that nobody has heard of."""
    made = tmp_path / "key.pem"
    curve = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    subprocess.run(("openssl", "genpkey", *curve, "-out", made), check=True, capture_output=True)
    export = ("openssl", "pkcs12", "-export", "-nocerts", "-nomac", "-keypbe", "NONE")
    passed = ("-inkey", made, "-name", "odd", "-passout", "pass:changeit")
    data = subprocess.run((*export, *passed), check=True, capture_output=True).stdout
    kind = bytes.fromhex("06072a8648ce3d0201")
    assert data.count(kind) == 1

    store = loads(data.replace(kind, kind[:-1] + b"\x7f"), "changeit")

    with pytest.raises(KeystoreError, match="'odd' cannot be used") as caught:
        store.key_entry()
    assert caught.value.code == "keystore-key-unsupported"


@pytest.mark.parametrize("name", GOOD)
def test_the_key_of_a_store_is_given_or_refused_with_its_code(name: str) -> None:
    wanted = MANIFEST[name]
    store = loads((FOLDER / name).read_bytes(), password_of(name))
    keys = [alias for alias, (what, _) in wanted["entries"].items() if what != "trusted"]
    expected = wanted.get("key_entry")
    if expected is None and len(keys) == 1 and wanted["entries"][keys[0]] == ["key", 0]:
        expected = "keystore-no-certificate"
    if expected is None and len(keys) != 1:
        expected = "keystore-several-keys" if keys else "keystore-no-key"

    if expected is None:
        entry = store.key_entry()
        assert fits(entry.key, entry.certificate)
        return
    with pytest.raises(KeystoreError) as caught:
        store.key_entry()
    assert caught.value.code == expected
    if "key_password" in wanted:
        opened = store.key_entry(keys[0], wanted["key_password"])
        assert fits(opened.key, opened.certificate)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_store_is_refused_with_its_code_and_place(name: str) -> None:
    wanted = MANIFEST[name]

    with pytest.raises((FormatError, KeystoreError)) as caught:
        loads((FOLDER / name).read_bytes(), password_of(name))

    error = caught.value
    assert error.code == wanted["code"]
    if "position" in wanted:
        assert isinstance(error, FormatError)
        assert error.position == wanted["position"]
    if error.code == "keystore-damaged":
        assert isinstance(error, FormatError)
        assert error.expected
    assert wanted.get("named", "") in error.message
    assert wanted.get("hint", "") in error.hint
    assert "changeit" not in str(error)
