"""Entries → PKCS#12 files, as the JDK's keytool writes them, so that every reader takes them.

Owns the writing of that format: AES-256 and SHA-256 with 10,000 rounds, keys first, certificates
encrypted, a MAC over all; each trusted certificate with the attribute that Java wants. It decides
nothing about the entries.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import EntryLocked
from sottovoce.keystore import pbe
from sottovoce.keystore.chains import shown
from sottovoce.keystore.der import (
    BMP_STRING,
    SET,
    context,
    encode,
    encode_integer,
    encode_octets,
    encode_oid,
    encode_sequence,
    encode_set,
)
from sottovoce.keystore.keys import private_octets
from sottovoce.keystore.model import Keystore, LockedKeyEntry, PrivateKeyEntry, StoreFormat
from sottovoce.keystore.pkcs12 import (
    CERT_BAG,
    DATA,
    ENCRYPTED_DATA,
    FRIENDLY_NAME,
    KEY_BAG,
    LOCAL_KEY_ID,
    SHROUDED_KEY_BAG,
    TRUSTED_KEY_USAGE,
    X509_CERTIFICATE,
)

__all__ = ["write"]

#: The value of Java's trust attribute: any purpose.
_ANY_PURPOSE = "2.5.29.37.0"

Salts = Callable[[int], bytes]


def write(store: Keystore, password: str, salts: Salts) -> bytes:
    """Return *store* as a PKCS#12 file.

    Args:
        store: the entries.
        password: for the MAC, the certificates and every private key.
        salts: gives that many random octets.

    Raises:
        EntryLocked: a private key could not be opened and comes from another format.
    """
    keys = _keys(store, password, salts)
    certificates = _certificates(store)
    safes = []
    if keys:
        safes.append(_content_info(DATA, encode_octets(encode_sequence(*keys))))
    if certificates or not keys:
        safes.append(_encrypted(encode_sequence(*certificates), password, salts))
    content = encode_sequence(*safes)
    return encode_sequence(
        encode_integer(3),
        _content_info(DATA, encode_octets(content)),
        pbe.make_mac(content, password, salts),
    )


def _content_info(oid: str, content: bytes) -> bytes:
    return encode_sequence(encode_oid(oid), encode(context(0), content))


def _encrypted(plain: bytes, password: str, salts: Salts) -> bytes:
    scheme, hidden = pbe.encrypt(plain, password, salts)
    inner = encode_sequence(encode_oid(DATA), scheme, encode(context(0, constructed=False), hidden))
    return _content_info(ENCRYPTED_DATA, encode_sequence(encode_integer(0), inner))


def _bag(oid: str, value: bytes, attributes: list[bytes]) -> bytes:
    parts = [encode_oid(oid), encode(context(0), value)]
    if attributes:
        parts.append(encode_set(*attributes))
    return encode_sequence(*parts)


def _attribute(oid: str, value: bytes) -> bytes:
    return encode_sequence(encode_oid(oid), encode(SET, value))


def _name(alias: str) -> bytes:
    return _attribute(FRIENDLY_NAME, encode(BMP_STRING, alias.encode("utf-16-be", "surrogatepass")))


def _key_id(number: int, created: datetime | None) -> bytes:
    """Return the local key id: Java's ``Time`` form where the time is known, else a number."""
    if created is None:
        return b"sottovoce %d" % number
    since = created - datetime(1970, 1, 1, tzinfo=UTC)
    return b"Time %d" % (
        since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    )


def _key_ids(store: Keystore) -> dict[str, bytes]:
    """Return a local key id for every key, no two alike."""
    ids: dict[str, bytes] = {}
    for number, alias in enumerate(store.key_aliases, start=1):
        entry = store.entries[alias]
        chosen = _key_id(number, entry.created)
        while chosen in ids.values():
            stem, _, digits = chosen.partition(b" ")
            chosen = b"%s %d" % (stem, int(digits) + 1)
        ids[alias] = chosen
    return ids


def _keys(store: Keystore, password: str, salts: Salts) -> list[bytes]:
    bags = []
    for alias, key_id in _key_ids(store).items():
        entry = store.entries[alias]
        attributes = [_name(alias), _attribute(LOCAL_KEY_ID, encode_octets(key_id))]
        if isinstance(entry, PrivateKeyEntry):
            scheme, hidden = pbe.encrypt(private_octets(entry.key), password, salts)
            value = encode_sequence(scheme, encode_octets(hidden))
            bags.append(_bag(SHROUDED_KEY_BAG, value, attributes))
        elif isinstance(entry, LockedKeyEntry):
            if store.format is not StoreFormat.PKCS12:
                raise EntryLocked(
                    f"The private key '{alias}' is locked and cannot be carried into PKCS#12.",
                    hint="Give its password (-srckeypass), or leave it out.",
                )
            kind = SHROUDED_KEY_BAG if entry.encrypted else KEY_BAG
            bags.append(_bag(kind, entry.protected, attributes))
    return bags


def _certificate_bag(certificate: x509.Certificate, attributes: list[bytes]) -> bytes:
    octets = encode_octets(certificate.public_bytes(Encoding.DER))
    value = encode_sequence(encode_oid(X509_CERTIFICATE), encode(context(0), octets))
    return _bag(CERT_BAG, value, attributes)


def _certificates(store: Keystore) -> list[bytes]:
    bags, written = [], set(store.trusted)
    for alias, key_id in _key_ids(store).items():
        entry = store.entries[alias]
        if isinstance(entry, (PrivateKeyEntry, LockedKeyEntry)) and entry.chain:
            id_ = _attribute(LOCAL_KEY_ID, encode_octets(key_id))
            bags.append(_certificate_bag(entry.chain[0], [_name(alias), id_]))
            for issuer in entry.chain[1:]:
                if issuer not in written:
                    written.add(issuer)
                    bags.append(_certificate_bag(issuer, [_name(shown(issuer.subject))]))
    trust = encode_sequence(encode_oid(TRUSTED_KEY_USAGE), encode(SET, encode_oid(_ANY_PURPOSE)))
    for alias, entry in store.entries.items():
        if not isinstance(entry, (PrivateKeyEntry, LockedKeyEntry)):
            bags.append(_certificate_bag(entry.certificate, [_name(alias), trust]))
    bags += [_certificate_bag(each, []) for each in store.loose if each not in written]
    return [*bags, *store.kept]
