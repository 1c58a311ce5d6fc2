"""Several private keys in one keystore: which of them stands for which name (SPEC W10, W12).

Owns that choice. It knows no roots and no date by itself: whether a certificate is good is the
caller's question.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sottovoce.errors import Fault, KeystoreError
from sottovoce.keystore import Keystore, PrivateKeyEntry
from sottovoce.pki import dns_names, matches_dns_name

__all__ = ["KeyRing", "NamedKey", "stands_for"]


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
    """

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
            return cls(own=(NamedKey("".join(store.key_aliases), store.key_entry()),))
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
        return cls(own=own, others=others, unusable=tuple(unusable))

    def chosen(self, is_good: Callable[[PrivateKeyEntry], bool] = lambda _: True) -> NamedKey:
        """Return the key for the name: a good one before the others, then the newest."""
        return max(
            self.own,
            key=lambda key: (is_good(key.entry), key.entry.chain[0].not_valid_before_utc),
        )


def _unused(alias: str, error: KeystoreError) -> Fault:
    return Fault(
        code=error.code,
        why=f"The key '{alias}' is not used: {error.message}",
        hint=error.hint,
        warning=True,
    )


def _nobody(store: Keystore, name: str) -> KeystoreError:
    try:
        store.key_entry()
    except KeystoreError as error:
        wanted = f" None of them has a certificate for {name}." if name else ""
        return KeystoreError(
            f"{error.message}{wanted}",
            hint=error.hint,
            code=error.code,
        )
    raise AssertionError("a keystore with several keys gave one without an alias")
