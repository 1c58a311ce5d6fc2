"""JKS and JCEKS files ↔ entries: Java's own formats from before version 9.

Owns the reading and the writing of both. They differ in the magic number, in how private keys are
protected, and in JCEKS's secret keys, which are Java objects and are stepped over.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import EntryLocked, Fault, KeystoreFormatError
from sottovoce.keystore import pbe
from sottovoce.keystore.formats import JCEKS_MAGIC, JKS_MAGIC, truncated
from sottovoce.keystore.javaobject import object_length
from sottovoce.keystore.keys import KeyUnreadable, load_certificate, private_octets
from sottovoce.keystore.limits import MAX_CERTIFICATES, MAX_FILE, Budget
from sottovoce.keystore.model import (
    Entry,
    Keystore,
    LockedKeyEntry,
    PrivateKeyEntry,
    StoreFormat,
    TrustedCertificateEntry,
)
from sottovoce.keystore.names import Names, near_passwords, note, unreadable, wrong_password
from sottovoce.keystore.protection import (
    java_octets,
    open_key,
    protect_jceks,
    protect_jks,
)

__all__ = ["read", "write"]

_DIGEST = 20
_WHITENER = b"Mighty Aphrodite"  # Sun's constant, part of the format
_KEY, _TRUSTED, _SECRET = 1, 2, 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Octets:
    """The file as a row of fields; every read says what it is for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def damaged(self, expected: str, at: int) -> KeystoreFormatError:
        return KeystoreFormatError(
            f"The keystore is damaged: at octet {at} of the file there should be {expected}.",
            source="the file",
            position=at,
            expected=expected,
            presented="something else",
            hint="Restore the file from a copy.",
        )

    def take(self, count: int, what: str) -> bytes:
        end = self.at + count
        if count > MAX_FILE:
            raise self.damaged(f"{what} of at most {MAX_FILE:,} octets, not {count:,}", self.at)
        if end + _DIGEST > len(self.data):
            raise truncated(len(self.data), end + _DIGEST)
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def number(self, what: str, size: int = 4) -> int:
        return int.from_bytes(self.take(size, what), "big")

    def block(self, what: str) -> bytes:
        return self.take(self.number(f"the length of {what}"), what)

    def text(self, what: str) -> str:
        at = self.at
        octets = self.take(self.number(f"the length of {what}", 2), what)
        try:
            return _decode_utf(octets)
        except UnicodeDecodeError:
            raise self.damaged(f"{what} in Java's modified UTF-8", at) from None


def _decode_utf(octets: bytes) -> str:
    """Decode Java's modified UTF-8: zero takes two octets, other planes surrogate pairs."""
    halves = octets.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
    return halves.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")


def _encode_utf(text: str) -> bytes:
    pairs = text.encode("utf-16-be", "surrogatepass")
    halves = "".join(chr(int.from_bytes(pairs[i : i + 2], "big")) for i in range(0, len(pairs), 2))
    return halves.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80")


def _digest(content: bytes, password: str) -> bytes:
    return hashlib.sha1(java_octets(password) + _WHITENER + content, usedforsecurity=False).digest()


def read(data: bytes, password: str | None, format_: StoreFormat) -> Keystore:
    """Return the content of a JKS or JCEKS file.

    Args:
        data: the whole file.
        password: its password; None to read the certificates without verifying anything.
        format_: which of the two, as told by the magic number.

    Raises:
        IntegrityError: the digest does not fit the password.
        KeystoreFormatError: the file is cut off or damaged.
    """
    reader = _Reader(data, password)
    reader.read()
    reader.check_digest()
    reader.open_keys()
    return Keystore(
        entries=reader.entries, format=format_, kept=tuple(reader.kept), notes=tuple(reader.notes)
    )


class _Reader:
    """The state of reading one file."""

    def __init__(self, data: bytes, password: str | None) -> None:
        self.octets = _Octets(data)
        self.password = password
        self.budget = Budget()
        self.entries: dict[str, Entry] = {}
        self.kept: list[bytes] = []
        self.notes: list[Fault] = []
        self.names = Names(self.notes)
        self.version = 2

    def read(self) -> None:
        octets = self.octets
        octets.take(4, "the magic number")
        self.version = octets.number("the version")
        if self.version not in (1, 2):
            raise octets.damaged(f"version 1 or 2, not {self.version}", 4)
        count = octets.number("the number of entries")
        if count > MAX_CERTIFICATES:
            raise octets.damaged(
                f"a number of entries up to {MAX_CERTIFICATES:,}, not {count:,}", 8
            )
        for _ in range(count):
            self.budget.spend_certificate()
            self._read_entry()

    def _read_entry(self) -> None:
        octets, at = self.octets, self.octets.at
        tag = octets.number("an entry's kind")
        if tag not in (_KEY, _TRUSTED, _SECRET):
            raise octets.damaged(f"an entry's kind (1, 2 or 3), not {tag}", at)
        name = octets.text("an alias")
        created = _moment(octets.number("an entry's date", 8))
        if tag == _SECRET:
            length = object_length(octets.data, octets.at, self.budget)
            octets.take(length, "a secret key")
            self.kept.append(octets.data[at : octets.at])
            self.notes.append(note("keystore-secret-kept", f"'{name}' is a secret key; not used."))
            return
        alias = self.names.take(name)
        if tag == _TRUSTED:
            certificate = self._certificate()
            if certificate is not None:
                self.entries[alias] = TrustedCertificateEntry(certificate, created)
            return
        protected = octets.block("a private key")
        count = octets.number("the chain's length")
        found = [self._certificate() for _ in range(count)]
        chain = tuple(each for each in found if each is not None)
        self.entries[alias] = LockedKeyEntry(protected, chain, created, "no password was given")

    def _certificate(self) -> x509.Certificate | None:
        """Read a certificate; None for one that cannot be used, in a file that is intact."""
        self.budget.spend_certificate()
        if self.version == 2:
            at = self.octets.at
            kind = self.octets.text("a certificate's type")
            if kind not in ("X.509", "X509"):
                raise self.octets.damaged("the certificate type X.509", at)
        at = self.octets.at + 4
        block = self.octets.block("a certificate")
        try:
            return load_certificate(block, where="the file", position=at)
        except KeystoreFormatError as error:
            data, password = self.octets.data, self.password
            if password is None or _digest(data[:-_DIGEST], password) != data[-_DIGEST:]:
                raise
            self.notes.append(unreadable(error))
            return None

    def open_keys(self) -> None:
        """Open the private keys with the store's password, after the digest was checked."""
        for alias, entry in self.entries.items():
            if isinstance(entry, LockedKeyEntry) and self.password is not None:
                self.entries[alias] = self._opened(entry, self.password)

    def _opened(self, entry: LockedKeyEntry, password: str) -> Entry:
        try:
            key = open_key(entry.protected, password, self.budget)
        except pbe.WrongPassword:
            return replace(entry, reason="the store's password does not open it")
        except KeyUnreadable as error:
            return replace(entry, reason=str(error), unlockable=False)
        except KeystoreFormatError as error:
            if error.code != "keystore-too-costly":
                raise
            return replace(entry, reason="opening every key of this store would take too long")
        return PrivateKeyEntry(key, entry.chain, entry.created)

    def check_digest(self) -> None:
        data, at = self.octets.data, self.octets.at
        content, digest = data[:at], data[at : at + _DIGEST]
        if len(digest) < _DIGEST:
            raise truncated(len(data), at + _DIGEST)
        if len(data) > at + _DIGEST:
            extra = len(data) - at - _DIGEST
            self.notes.append(
                note("keystore-trailing-octets", f"Octets after the end, not read: {extra:,}.")
            )
        if self.password is None:
            self.notes.append(
                note("keystore-not-verified", "Read without a password: nothing was verified.")
            )
        elif not hmac.compare_digest(_digest(content, self.password), digest):
            for text, variant in near_passwords(self.password):
                if hmac.compare_digest(_digest(content, variant), digest):
                    raise wrong_password(text)
            raise wrong_password("")


def _moment(milliseconds: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def write(
    store: Keystore, password: str, format_: StoreFormat, salts: Callable[[int], bytes]
) -> bytes:
    """Return *store* as a JKS or JCEKS file.

    Args:
        store: the entries; those without a date get the beginning of 1970.
        password: the store's, and that of every key without one of its own.
        format_: which of the two formats.
        salts: gives that many random octets.

    Raises:
        EntryLocked: a private key could not be opened and comes from another format.
    """
    kept = store.kept if store.format is format_ is StoreFormat.JCEKS else ()
    magic = JKS_MAGIC if format_ is StoreFormat.JKS else JCEKS_MAGIC
    parts = [magic, _u4(2), _u4(len(store.entries) + len(kept))]
    for alias, entry in store.entries.items():
        if isinstance(entry, TrustedCertificateEntry):
            parts += [_head(_TRUSTED, alias, entry.created), _certificate(entry.certificate)]
            continue
        if isinstance(entry, PrivateKeyEntry):
            own = entry.password.reveal() if entry.password is not None else password
            plain = private_octets(entry.key)
            protect = protect_jks if format_ is StoreFormat.JKS else protect_jceks
            protected = protect(plain, own, salts)
        elif store.format is format_:
            protected = entry.protected
        else:
            raise EntryLocked(
                f"The private key '{alias}' is locked and cannot be carried into {format_}.",
                hint="Give its password (-srckeypass), or leave it out.",
            )
        parts += [_head(_KEY, alias, entry.created), _u4(len(protected)), protected]
        parts += [_u4(len(entry.chain)), *(_certificate(each) for each in entry.chain)]
    content = b"".join((*parts, *kept))
    return content + _digest(content, password)


def _u4(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _utf(text: str) -> bytes:
    octets = _encode_utf(text)
    return len(octets).to_bytes(2, "big") + octets


def _head(tag: int, alias: str, created: datetime | None) -> bytes:
    since = (created or _EPOCH) - _EPOCH
    milliseconds = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    return _u4(tag) + _utf(alias) + milliseconds.to_bytes(8, "big", signed=True)


def _certificate(certificate: x509.Certificate) -> bytes:
    octets = certificate.public_bytes(Encoding.DER)
    return _utf("X.509") + _u4(len(octets)) + octets
