"""Keystores: what is written is read again, and nothing that is read can do harm (W12, W13)."""

import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sottovoce.errors import FormatError, KeystoreError
from sottovoce.keystore import (
    Entry,
    Keystore,
    PrivateKeyEntry,
    TrustedCertificateEntry,
    dumps,
    loads,
)

STORES = Path(__file__).parents[1] / "conformance" / "stores"
#: One small store of each kind, cheap to open: one round of key derivation, or none.
SAMPLES = {
    name: (STORES / name).read_bytes()
    for name in ("openssl-iter1.p12", "openssl-all-plain.p12", "ours.jks", "keytool-secret.jceks")
}
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)


@functools.cache
def chains() -> tuple[tuple[ec.EllipticCurvePrivateKey, tuple[x509.Certificate, ...]], ...]:
    """Three keys under three roots of their own."""
    made = []
    for number in range(3):
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = certificate(f"Root {number}", f"Root {number}", root_key, root_key)
        leaf = certificate(f"server{number}.test", f"Root {number}", key, root_key)
        made.append((key, (leaf, root)))
    return tuple(made)


def certificate(
    name: str, issuer: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(
        issuer_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]),
        subject_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
        public_key=key.public_key(),
        serial_number=7,
        not_valid_before=start,
        not_valid_after=start + timedelta(days=9000),
    )
    return builder.sign(signer, hashes.SHA256())


texts = st.text(
    st.characters(exclude_categories=["Cs"], include_characters="\0äπ🔑 "), min_size=1, max_size=20
)
aliases = texts.map(str.lower)
passwords = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=6, max_size=30)
moments = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - given its zone below
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - given its zone below
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))


@st.composite
def keystores(draw: st.DrawFn) -> Keystore:
    store = Keystore()
    for alias in draw(st.lists(aliases, max_size=4, unique_by=str.lower)):
        key, chain = draw(st.sampled_from(chains()))
        entry: Entry
        if draw(st.booleans()):
            entry = PrivateKeyEntry(key, chain, draw(moments))
        else:
            entry = TrustedCertificateEntry(chain[1], draw(moments))
        store = store.with_entry(alias, entry)
    return store


def facts(store: Keystore) -> dict[str, object]:
    found: dict[str, object] = {}
    for alias, entry in store.entries.items():
        if isinstance(entry, PrivateKeyEntry):
            octets = entry.key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            # Keys made in the same millisecond are told apart by counting on, as the JDK does.
            created = entry.created and entry.created.replace(microsecond=0)
            found[alias] = ("key", octets, entry.chain, created)
        else:
            assert isinstance(entry, TrustedCertificateEntry)
            found[alias] = ("trusted", entry.certificate)
    return found


@RELAXED
@given(store=keystores(), password=passwords, kind=st.sampled_from(["PKCS12", "JKS"]))
def test_a_store_that_is_written_is_read_again_entry_by_entry(
    store: Keystore, password: str, kind: str
) -> None:
    again = loads(dumps(store, password, format=kind), password)

    assert facts(again) == facts(store)
    assert again.format == kind
    assert not [each for each in again.warnings if each.code != "keystore-alias-collapse"]


@settings(RELAXED, max_examples=3)
@given(store=keystores(), password=st.text(st.sampled_from("abcXYZ 09#"), min_size=6, max_size=20))
def test_a_jceks_store_that_is_written_is_read_again(store: Keystore, password: str) -> None:
    again = loads(dumps(store, password, format="JCEKS"), password)

    assert facts(again) == facts(store)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_store_cut_off_anywhere_is_called_cut_off(name: str) -> None:
    data = SAMPLES[name]

    for size in range(1, len(data)):
        with pytest.raises(FormatError) as caught:
            loads(data[:size], "changeit")
        assert caught.value.code == "keystore-truncated", size
        assert caught.value.position == size
        assert f"{size:,} octets present" in caught.value.message


def accepted_or_refused(data: bytes) -> bool:
    """Read *data*; whatever happens must be a store or one of our errors."""
    try:
        store = loads(data, "changeit")
        for alias in store:
            store.entry(alias)
        assert isinstance(store.warnings, tuple)
    except (FormatError, KeystoreError) as error:
        refusal = error
    else:
        return True
    assert refusal.code.startswith("keystore")
    assert len(str(refusal)) < 2000
    return False


@settings(RELAXED, max_examples=300)
@given(data=st.data(), name=st.sampled_from(sorted(SAMPLES)))
def test_a_store_with_altered_octets_is_read_or_refused_with_a_code(
    data: st.DataObject, name: str
) -> None:
    octets = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at] = data.draw(st.integers(0, 255))

    accepted_or_refused(bytes(octets))


@pytest.mark.parametrize("name", ["openssl-iter1.p12", "ours.jks"])
def test_no_single_flipped_bit_goes_unnoticed_where_there_is_a_digest(name: str) -> None:
    """A flip is refused, or it changes nothing that is read (a version, an unused attribute)."""
    data = SAMPLES[name]
    original = facts(loads(data, "changeit"))

    for at in range(0, len(data), 3):
        octets = bytearray(data)
        octets[at] ^= 1 << at % 8
        try:
            found = loads(bytes(octets), "changeit")
        except (FormatError, KeystoreError):
            continue
        assert facts(found) == original, at


@settings(RELAXED, max_examples=200)
@given(
    data=st.binary(max_size=200), start=st.sampled_from(["", "30", "3080", "feedfeed", "cececece"])
)
def test_garbage_is_refused_with_a_code(data: bytes, start: str) -> None:
    assert not accepted_or_refused(bytes.fromhex(start) + data)
