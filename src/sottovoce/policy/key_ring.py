"""Several private keys in one keystore: which of them stands for which name (SPEC W10, W12).

Owns that choice. It knows no roots and no date by itself: whether a certificate is good is the
caller's question.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cryptography import x509

from sottovoce.errors import Fault, KeystoreError
from sottovoce.keystore import Keystore, PrivateKeyEntry, TrustedCertificateEntry
from sottovoce.pki import dns_names, matches_dns_name
from sottovoce.policy.identity import PeerIdentity

__all__ = ["KeyRing", "NamedKey", "misplaced_reply", "stands_for"]


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key entry and its alias in the keystore."""

    alias: str
    entry: PrivateKeyEntry


def stands_for(entry: PrivateKeyEntry, name: str) -> bool:
    """Return whether the certificate of *entry* has the DNS name *name*, by wildcard too."""
    return any(matches_dns_name(pattern, name) for pattern in dns_names(entry.chain[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The keys of a keystore that can be used, seen from one name.

    Args:
        own: those whose certificate has the name, at least one; or the only key there is,
            whatever its certificate says.
        others: the others.
        unusable: a warning for each key that cannot be used.
        store: that they are in.
    """

    store: Keystore = field(repr=False)
    own: tuple[NamedKey, ...]
    others: tuple[NamedKey, ...] = ()
    unusable: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, store: Keystore, name: str) -> "KeyRing":
        """Sort the keys of *store* by *name*.

        Args:
            store: with any number of keys.
            name: the DNS name that the default key must stand for.

        Raises:
            KeystoreError: there is no key; the only one cannot be used; or there are several and
                none that can be used has a certificate for *name*.
        """
        if len(store.key_aliases) < 2:
            return cls(store=store, own=(NamedKey("".join(store.key_aliases), store.key_entry()),))
        found, unusable = list[NamedKey](), list[Fault]()
        for alias in store.key_aliases:
            try:
                found.append(NamedKey(alias, store.key_entry(alias)))
            except KeystoreError as error:
                unusable.append(_unused(alias, error))
        own = tuple(key for key in found if stands_for(key.entry, name))
        if not own:
            raise _nobody(store, name)
        others = tuple(key for key in found if key not in own)
        return cls(store=store, own=own, others=others, unusable=tuple(unusable))

    def chosen(self, is_good: Callable[[PrivateKeyEntry], bool] = lambda _: True) -> NamedKey:
        """Return the key for the name: a good one before the others, then the newest."""
        return max(
            self.own,
            key=lambda key: (is_good(key.entry), key.entry.chain[0].not_valid_before_utc),
        )


def _unused(alias: str, error: KeystoreError) -> Fault:
    fault = error.as_fault()
    return replace(fault, why=f"The key '{alias}' is not used: {fault.why}", warning=True)


def _nobody(store: Keystore, name: str) -> KeystoreError:
    try:
        store.key_entry()
    except KeystoreError as error:
        wanted = f" None of them has a certificate for {name}." if name else ""
        return KeystoreError(
            f"{error.message}{wanted}",
            hint=error.hint,
            code=error.code,
            expected=error.expected,
            presented=error.presented,
        )
    raise AssertionError("a keystore with several keys gave one without an alias")


def misplaced_reply(store: Keystore, entry: PrivateKeyEntry) -> Fault | None:
    """Return the fault of a reply that went under another alias than its key (catalogue K11).

    Args:
        store: the keystore; entry: its private key.
    """
    leaf = entry.certificate
    if leaf.issuer != leaf.subject:
        return None
    wanted = _key_print(leaf)
    for alias, other in store.entries.items():
        if not isinstance(other, TrustedCertificateEntry) or other.certificate == leaf:
            continue
        if _key_print(other.certificate) == wanted != "":
            own = store.key_aliases[0]
            return Fault(
                code="reply-wrong-alias",
                why=f"The CA's reply was stored as the trusted certificate '{alias}'; the key "
                f"'{own}' still has its temporary self-signed certificate.",
                expected=f"the reply under the alias '{own}'",
                presented=f"the reply under the alias '{alias}'",
                hint=f"Delete '{alias}' and import the reply again with -alias {own}.",
            )
    return None


def _key_print(certificate: x509.Certificate) -> str:
    """Return the print of its public key; of one that cannot be read, nothing."""
    try:
        return PeerIdentity.from_certificate(certificate).key
    except ValueError:
        return ""
