"""What fuzzing found, read again, and a short fuzz run without a fuzzer (see ``fuzz/README.md``).

The property: any octets give a value or a documented exception, and what is written is read again.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from sottovoce.errors import FormatError, KeystoreError
from sottovoce.keystore import LockedKeyEntry, dumps, limits, loads, pbe

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).parent / "fuzz-corpus"
STORES = Path(__file__).parent / "stores"
FOUND = sorted(path for path in KEPT.rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of ``fuzz`` lie beside the sources, not in the package."""
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a fuzz run: little key derivation for a file, and one round for what is written."""
    monkeypatch.setattr(limits, "MAX_WORK", 30_000)
    monkeypatch.setattr(pbe, "ROUNDS", 1)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_found_is_no_finding_any_more(path: Path) -> None:
    from fuzz import targets

    target = targets.properties if path.parent.name == "properties" else targets.keystore
    target(path.read_bytes())


@pytest.mark.parametrize("name", ["plain-key-that-is-none", "plain-key-that-is-empty"])
def test_a_plain_key_that_is_none_is_written_back_as_it_was(name: str) -> None:
    store = loads((KEPT / "pkcs12" / name).read_bytes(), "changeit")
    again = loads(dumps(store, "changeit"), "changeit")
    (alias,) = store
    before, after = store.entries[alias], again.entries[alias]
    assert isinstance(before, LockedKeyEntry)
    assert isinstance(after, LockedKeyEntry)
    assert (after.protected, after.encrypted) == (before.protected, False)


def test_a_dsa_key_beyond_every_standard_is_not_used() -> None:
    store = loads((KEPT / "pkcs12" / "dsa-key-of-44000-bits").read_bytes(), "changeit")
    (entry,) = store.entries.values()
    assert isinstance(entry, LockedKeyEntry)
    assert "larger than those of any DSA key in use" in entry.reason


def test_keys_are_paid_for_and_those_beyond_the_budget_stay_locked() -> None:
    """One of them takes 6 ms; 10,000 would take a minute."""
    store = loads((KEPT / "pkcs12" / "ec-keys-on-a-slow-curve").read_bytes(), "changeit")
    locked = [each for each in store.entries.values() if isinstance(each, LockedKeyEntry)]
    assert len(store) == 200
    assert len(locked) == 200 - limits.MAX_WORK // 20_000
    assert {each.reason for each in locked} == {
        "opening every key of this store would take too long"
    }


def changes(rng: random.Random, data: bytes, limit: int) -> bytes:
    """Change a few octets, as a fuzzer without knowledge does."""
    octets = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(octets) + 1)
        match rng.randrange(4):
            case 0:
                octets[at:at] = rng.randbytes(rng.choice((1, 4, 40)))
            case 1:
                del octets[at : at + rng.choice((1, 4, 40))]
            case _:
                octets[at : at + 1] = rng.randbytes(1)
    return bytes(octets[:limit])


def mutated(kind: str, count: int, seed: int) -> Iterator[bytes]:
    from fuzz.mutators import mutate_jks, mutate_pkcs12

    rng = random.Random(seed)
    seeds = [path.read_bytes() for path in sorted(STORES.glob(kind)) if path.stat().st_size]
    mutate = mutate_pkcs12 if kind == "*.p12" else mutate_jks
    for number in range(count):
        data = mutate(
            rng.choice(seeds), 8192, number, lambda octets, limit: changes(rng, octets, limit)
        )
        yield data


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("kind", ["*.p12", "*.jks", "*.jceks"])
@pytest.mark.parametrize("seed", range(3))
def test_mutations_that_keep_lengths_and_digests_right_meet_the_property(
    kind: str, seed: int
) -> None:
    from fuzz import targets

    for data in mutated(kind, 150, seed):
        targets.keystore(data)


def test_the_mutations_reach_the_code_behind_the_digest() -> None:
    """Else they would all end at the first check."""

    def is_read(data: bytes) -> bool:
        try:
            loads(data, "changeit")
        except (FormatError, KeystoreError):
            return False
        return True

    assert sum(is_read(data) for data in mutated("*.jks", 200, 1)) > 20
