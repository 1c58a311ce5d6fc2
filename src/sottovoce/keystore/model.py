"""A keystore as a value: named entries, never changed in place, and the questions asked of it.

Owns aliases and the choice of an entry. It knows no file format beyond its name; reading and
writing are other modules' work.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

from sottovoce.errors import AliasMissing, AliasTaken, EntryLocked, Fault, KeystoreError
from sottovoce.ini import Secret
from sottovoce.keystore.chains import chain_faults, shown
from sottovoce.keystore.keys import fits
from sottovoce.keystore.protection import revealed, unlock
from sottovoce.keystore.readers import readers_choices

__all__ = [
    "Entry",
    "Keystore",
    "LockedKeyEntry",
    "PrivateKeyEntry",
    "StoreFormat",
    "TrustedCertificateEntry",
]


class StoreFormat(StrEnum):
    """The formats of keystore files, as keytool's ``-storetype`` names them."""

    PKCS12 = "PKCS12"
    JKS = "JKS"
    JCEKS = "JCEKS"


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKeyEntry:
    """A private key with its certificates.

    Args:
        key: the private key.
        chain: its certificate and those above it, leaf first; empty when the store has none.
        created: when the entry was made, where the store says so.
        password: the key's own password, where it is not the store's (JKS and JCEKS only).
    """

    key: CertificateIssuerPrivateKeyTypes
    chain: tuple[x509.Certificate, ...] = ()
    created: datetime | None = None
    password: Secret | None = None

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate of the key itself; ``IndexError`` when there is none."""
        return self.chain[0]

    def __repr__(self) -> str:
        subject = shown(self.chain[0].subject) if self.chain else "no certificate"
        return f"<PrivateKeyEntry {subject}, chain of {len(self.chain)}>"


@dataclass(frozen=True, slots=True, repr=False)
class LockedKeyEntry:
    """A private key that the store's password does not open, or that is of an unknown kind.

    Args:
        protected: the EncryptedPrivateKeyInfo (or, when *unlockable* is False, whatever the
            file holds) in DER; written back as it is.
        chain: its certificates, leaf first.
        created: when the entry was made, where the store says so.
        reason: why it could not be opened, as a sentence.
        unlockable: True when another password may open it.
        encrypted: False for octets that stand in the file in plain and are no key that can be
            used (PKCS#12 only).
    """

    protected: bytes
    chain: tuple[x509.Certificate, ...] = ()
    created: datetime | None = None
    reason: str = ""
    unlockable: bool = True
    encrypted: bool = True

    def __repr__(self) -> str:
        subject = shown(self.chain[0].subject) if self.chain else "no certificate"
        return f"<LockedKeyEntry {subject}, chain of {len(self.chain)}>"


@dataclass(frozen=True, slots=True, repr=False)
class TrustedCertificateEntry:
    """A certificate that the store's owner trusts as an issuer.

    Args:
        certificate: the certificate.
        created: when the entry was made, where the store says so.
    """

    certificate: x509.Certificate
    created: datetime | None = None

    def __repr__(self) -> str:
        return f"<TrustedCertificateEntry {shown(self.certificate.subject)}>"


Entry = PrivateKeyEntry | LockedKeyEntry | TrustedCertificateEntry


def _no_entries() -> Mapping[str, Entry]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Keystore:
    """The content of a keystore: entries by alias, in file order.

    Args:
        entries: alias → entry; the aliases are spelled as in the file.
        format: the format it was read from; PKCS#12 for a new one.
        loose: certificates of the file that are neither trusted nor part of a key's chain.
        kept: parts of the file that are not understood and are written back as they are.
        notes: what was odd about the file itself; see :attr:`warnings`.

    Aliases are matched exactly first and, failing that, without regard to case, as Java does.
    """

    entries: Mapping[str, Entry] = field(default_factory=_no_entries)
    format: StoreFormat = StoreFormat.PKCS12
    loose: tuple[x509.Certificate, ...] = ()
    kept: tuple[bytes, ...] = ()
    notes: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", MappingProxyType(dict(self.entries)))

    def __repr__(self) -> str:
        return f"<Keystore {self.format}, {len(self.entries)} entries>"

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, alias: object) -> bool:
        return isinstance(alias, str) and self.spelling(alias) is not None

    def spelling(self, alias: str) -> str | None:
        """Return how the store spells *alias*, or None when it has no such entry."""
        if alias in self.entries:
            return alias
        folded = alias.lower()
        return next((known for known in self.entries if known.lower() == folded), None)

    def entry(self, alias: str) -> Entry:
        """Return the entry of that name.

        Raises:
            AliasMissing: there is none; the message lists the names that are there.
        """
        known = self.spelling(alias)
        if known is None:
            raise AliasMissing(
                f"The keystore has no entry '{alias}'; it has {_listed(list(self.entries))}.",
                hint=_nearest(alias, list(self.entries)),
                expected=_listed(list(self.entries)),
                presented=f"'{alias[:60]}'",
            )
        return self.entries[known]

    def with_entry(self, alias: str, entry: Entry) -> "Keystore":
        """Return the store with *entry* under *alias*, in place of the one of that name."""
        changed = dict(self.entries)
        changed[self.spelling(alias) or alias] = entry
        return replace(self, entries=changed)

    def without(self, alias: str) -> "Keystore":
        """Return the store without the entry of that name.

        Raises:
            AliasMissing: there is none.
        """
        self.entry(alias)
        gone = self.spelling(alias)
        return replace(
            self, entries={name: entry for name, entry in self.entries.items() if name != gone}
        )

    def renamed(self, old: str, new: str) -> "Keystore":
        """Return the store with the entry *old* named *new*, at the same place.

        Raises:
            AliasMissing: there is no entry *old*.
            AliasTaken: there is another entry *new*.
        """
        self.entry(old)
        was, taken = self.spelling(old), self.spelling(new)
        if taken is not None and taken != was:
            raise AliasTaken(
                f"The keystore has an entry '{taken}' already.",
                hint=_ANOTHER,
                expected="an alias that is free",
                presented=f"'{taken}'",
            )
        return replace(
            self,
            entries={new if name == was else name: entry for name, entry in self.entries.items()},
        )

    @property
    def key_aliases(self) -> tuple[str, ...]:
        """The aliases of the private keys, locked ones included, in file order."""
        return tuple(
            name
            for name, entry in self.entries.items()
            if isinstance(entry, (PrivateKeyEntry, LockedKeyEntry))
        )

    @property
    def trusted(self) -> tuple[x509.Certificate, ...]:
        """The trusted certificates, in file order."""
        return tuple(
            entry.certificate
            for entry in self.entries.values()
            if isinstance(entry, TrustedCertificateEntry)
        )

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """Everything odd that does not keep the store from being used."""
        found = list(self.notes)
        for alias, entry in self.entries.items():
            if isinstance(entry, (PrivateKeyEntry, LockedKeyEntry)):
                found += chain_faults(alias, entry.chain)
        return (*found, *_collapsing(list(self.entries)))

    def key_entry(
        self, alias: str | None = None, password: Secret | str | None = None
    ) -> PrivateKeyEntry:
        """Return the one private key of the store, or the one named.

        Args:
            alias: the entry's name; may be None where the store has one key only.
            password: the key's password, where it is not the store's.

        Raises:
            AliasMissing: there is no entry of that name.
            EntryLocked: the password does not open the key.
            KeystoreError: code ``keystore-no-key``, ``keystore-several-keys``,
                ``keystore-no-certificate``, ``keystore-key-mismatch`` or
                ``keystore-key-unsupported``.
        """
        name = self._chosen(alias)
        entry = self.entries[name]
        if isinstance(entry, TrustedCertificateEntry):
            raise _no_key(
                f"'{name}' is a trusted certificate, not a private key.", "a trusted certificate"
            )
        if isinstance(entry, LockedKeyEntry):
            entry = _unlocked(name, entry, password)
        if not entry.chain:
            raise KeystoreError(
                f"The key '{name}' has no certificate.",
                hint="Import the certificate that belongs to it under the same alias.",
                code="keystore-no-certificate",
                expected="a key with its certificate",
                presented="a key alone",
            )
        if not fits(entry.key, entry.chain[0]):
            raise _mismatch(name, entry)
        return entry

    def _chosen(self, alias: str | None) -> str:
        if alias is not None:
            self.entry(alias)
            return self.spelling(alias) or alias
        keys = self.key_aliases
        if not keys:
            many = len(self.entries)
            raise _no_key(
                "The keystore has no private key"
                + (
                    f", only {many} trusted certificate{'s' if many > 1 else ''}; it looks like a "
                    "store of roots."
                    if many
                    else "; it is empty."
                ),
                f"{many} trusted certificate{'s' if many > 1 else ''}" if many else "nothing",
            )
        if len(keys) > 1:
            raise KeystoreError(
                f"The keystore has {len(keys)} private keys: {_listed(list(keys))}. "
                f"{readers_choices(keys)}",
                hint="Say which alias is meant, or keep one key only.",
                code="keystore-several-keys",
                expected="one private key, or the name of the one that is meant",
                presented=_listed(list(keys)),
            )
        return keys[0]


def _no_key(message: str, presented: str = "none") -> KeystoreError:
    return KeystoreError(
        message,
        hint="Name the keystore in which the key was made (keytool -genkeypair).",
        code="keystore-no-key",
        expected="a private key with its certificate",
        presented=presented,
    )


def _mismatch(name: str, entry: PrivateKeyEntry) -> KeystoreError:
    """Say whether the certificate is another's, or merely not the first of its chain."""
    first, fitting = entry.chain[0], [each for each in entry.chain[1:] if fits(entry.key, each)]
    if fitting:
        why = (
            f"The chain of '{name}' begins with {shown(first.subject)} and not with the "
            f"certificate of its key, {shown(fitting[0].subject)}."
        )
        hint = "Put the key's own certificate first, then its issuers: import the reply again."
    else:
        why = (
            f"The certificate of '{name}' ({shown(first.subject)}) belongs to another key than "
            "the one stored with it."
        )
        hint = "Import the reply to the newest request, or send a new request."
    return KeystoreError(
        why,
        hint=hint,
        code="keystore-key-mismatch",
        expected=f"the certificate of the key '{name}' first",
        presented=shown(first.subject),
    )


def _unlocked(name: str, entry: LockedKeyEntry, password: Secret | str | None) -> PrivateKeyEntry:
    if not entry.unlockable:
        raise KeystoreError(
            f"The private key '{name}' cannot be used: {entry.reason}.",
            hint="Make a new key (keytool -genkeypair).",
            code="keystore-key-unsupported",
            expected="an RSA, EC or Ed25519 key",
            presented=entry.reason,
        )
    if password is not None:
        key = unlock(entry.protected, revealed(password))
        if key is not None:
            own = password if isinstance(password, Secret) else Secret(password)
            return PrivateKeyEntry(key, entry.chain, entry.created, own)
    presented = "the password given does not open it" if password is not None else entry.reason
    raise EntryLocked(
        f"The store opens, and the private key '{name}' is locked by another password "
        f"({presented}).",
        hint=f"Make the passwords equal: sottovoce keytool -keypasswd -alias {name}.",
        expected="one password for the store and its key",
        presented=presented,
    )


_ANOTHER = "Choose another alias, or delete that entry first (keytool -delete)."


def _listed(names: list[str]) -> str:
    if not names:
        return "no entries"
    text = ", ".join(f"'{name[:60]}'" for name in names[:10])
    return text if len(names) <= 10 else f"{text} and {len(names) - 10} more"


def _nearest(alias: str, known: list[str]) -> str:
    near = difflib.get_close_matches(alias[:100], [name[:100] for name in known[:1000]], 1)
    return f"Did you mean '{near[0]}'?" if near else "sottovoce keytool -list shows the aliases."


def _collapsing(names: list[str]) -> list[Fault]:
    """Return a warning for each set of names that Java takes for one."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.lower(), []).append(name)
    return [
        Fault(
            code="keystore-alias-collapse",
            why=f"The names {_listed(same)} differ in case only; Java sees one entry, the last.",
            presented=", ".join(same[:10]),
            hint="Give one of them another name (keytool -changealias).",
            warning=True,
        )
        for same in groups.values()
        if len(same) > 1
    ]
