"""The bags of a PKCS#12 file → a keystore: which certificate goes with which key, and its name.

Owns the joining rules. What Java's own reader (``PKCS12KeyStore``) makes of a store is the model:
names from ``friendlyName``, key and certificate joined by ``localKeyID``, chains followed by
issuer. It goes beyond it in three points, each with a warning: a key without a ``localKeyID`` gets
certificate of its public key; certificates without Java's trust attribute count as trusted where
the store holds nothing else; equal names are kept apart. It knows no ASN.1.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

from sottovoce.errors import Fault
from sottovoce.keystore.chains import Pool, shown
from sottovoce.keystore.keys import fits
from sottovoce.keystore.model import (
    Entry,
    Keystore,
    LockedKeyEntry,
    PrivateKeyEntry,
    StoreFormat,
    TrustedCertificateEntry,
)
from sottovoce.keystore.names import Names, note

__all__ = ["Attributes", "Bags", "CertificateBag", "KeyBag", "join"]


@dataclass(slots=True)
class Attributes:
    """What a bag says about itself."""

    name: str | None = None
    key_id: bytes | None = None
    trusted: bool = False


@dataclass(slots=True)
class KeyBag:
    """A private key of the file, opened or not."""

    protected: bytes
    key: CertificateIssuerPrivateKeyTypes | None
    attributes: Attributes
    reason: str = ""
    unlockable: bool = True
    encrypted: bool = True


@dataclass(slots=True)
class CertificateBag:
    """A certificate of the file."""

    certificate: x509.Certificate
    attributes: Attributes


@dataclass(slots=True)
class Bags:
    """Everything found in the file, in its order."""

    keys: list[KeyBag] = field(default_factory=list)
    certificates: list[CertificateBag] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)


def _created(key_id: bytes | None) -> datetime | None:
    """Return the time that Java writes into the local key id: ``Time`` and milliseconds."""
    if key_id is None or not key_id.startswith(b"Time ") or not key_id[5:].isdigit():
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(key_id[5:25]))
    except OverflowError:
        return None


def join(bags: Bags) -> Keystore:
    """Make entries of bags: keys with their chains first, then the trusted certificates."""
    pool = Pool(each.certificate for each in bags.certificates)
    names = Names(bags.notes)
    entries: dict[str, Entry] = {}
    used: set[x509.Certificate] = set()
    for found in bags.keys:
        leaf = _leaf_of(found, bags)
        chain = pool.chain_from(leaf) if leaf is not None else ()
        used.update(chain)
        alias = names.take(found.attributes.name)
        created = _created(found.attributes.key_id)
        if found.key is not None:
            entries[alias] = PrivateKeyEntry(found.key, chain, created)
        else:
            entries[alias] = LockedKeyEntry(
                found.protected, chain, created, found.reason, found.unlockable, found.encrypted
            )
    loose: list[x509.Certificate] = []
    for each in bags.certificates:
        if each.attributes.trusted or not bags.keys:
            alias = names.take(each.attributes.name)
            entries[alias] = TrustedCertificateEntry(
                each.certificate, _created(each.attributes.key_id)
            )
        elif each.certificate not in used:
            loose.append(each.certificate)
    _note_trust(bags, loose)
    return Keystore(
        entries=entries,
        format=StoreFormat.PKCS12,
        loose=tuple(loose),
        kept=tuple(bags.kept),
        notes=tuple(bags.notes),
    )


def _note_trust(bags: Bags, loose: list[x509.Certificate]) -> None:
    plain = [each for each in bags.certificates if not each.attributes.trusted]
    if plain and not bags.keys:
        bags.notes.append(
            note(
                "keystore-trust-attribute-missing",
                f"Certificates without the mark of trusted ones that Java asks for: {len(plain)}; "
                "they are trusted here, OpenSSL reads them, and Java sees an empty store.",
                "Write the store again with sottovoce keytool, which adds it.",
            )
        )
    if loose:
        bags.notes.append(
            note(
                "keystore-certificate-loose",
                "Certificates that belong to no key's chain and are not marked as trusted: "
                f"{len(loose)}, the first is {shown(loose[0].subject)}; they are not used.",
                "Import them as trusted certificates if they are meant to be.",
            )
        )


def _leaf_of(found: KeyBag, bags: Bags) -> x509.Certificate | None:
    """Return the certificate that belongs to a key: by local key id, else by public key."""
    key_id, name = found.attributes.key_id, (found.attributes.name or "").lower()
    same = [
        each
        for each in bags.certificates
        if key_id is not None and each.attributes.key_id == key_id and not each.attributes.trusted
    ]
    if same:
        named = [each for each in same if (each.attributes.name or "").lower() == name]
        return (named or same)[-1 if not named else 0].certificate
    if found.key is None:
        alone = len(bags.keys) == 1 and bags.certificates
        return bags.certificates[0].certificate if alone else None
    for each in bags.certificates:
        if not each.attributes.trusted and fits(found.key, each.certificate):
            return each.certificate
    return None
