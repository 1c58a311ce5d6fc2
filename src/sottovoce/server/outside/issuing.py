"""One certificate from outside, from the new key to the keystore, or nothing at all.

Owns the order of the work. The key is new each time; whatever fails before the last step, the
keystore is what it was.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sottovoce.errors import Fault, SettingsError
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import Clock
from sottovoce.pki import KeyAlgorithm, generate_key, make_request, parse_name, short_name
from sottovoce.policy import RENEW_BELOW, Lifetime
from sottovoce.server.outside.orders import Order, account_of, eab_key, write_order
from sottovoce.server.outside.places import Place
from sottovoce.server.outside.proofs import showing

__all__ = ["Issued", "is_due", "issue"]

#: RFC 5280 appendix A.1, ub-common-name.
_LONGEST_COMMON_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What was issued and put in place.

    Args:
        entry: key and chain.
        alias: in the keystore.
        keystore: the file.
        terms: the address of the authority's terms; empty when it has none.
    """

    entry: PrivateKeyEntry
    alias: str
    keystore: Path
    terms: str

    @property
    def until(self) -> datetime:
        """The certificate's end."""
        return self.entry.chain[0].not_valid_after_utc

    @property
    def issuer(self) -> str:
        """The authority's name in it."""
        return short_name(self.entry.chain[0].issuer)


def is_due(place: Place, order: Order, at: datetime) -> bool:
    """Return whether a certificate is to be ordered: none is there, or a third of its life is left.

    A certificate for other names than those ordered is due too.
    """
    entry = place.current(order.names[0])
    if entry is None or place.faults(entry, order.names, at):
        return True
    leaf = entry.chain[0]
    life = Lifetime(
        what="The certificate", begin=leaf.not_valid_before_utc, end=leaf.not_valid_after_utc
    )
    return life.share_left(at) < RENEW_BELOW


def issue(place: Place, order: Order, *, clock: Clock, agreed: bool = False) -> Issued:
    """Order a certificate, prove the names, and put it in place with its new key.

    Args:
        place: where it goes.
        order: what is wanted; kept when all has gone well.
        clock: UTC.
        agreed: whether the authority's terms are agreed to.

    Raises:
        SettingsError: the keystore cannot be used, the port for the proof cannot be opened, or the
            certificate is not good for its use: with every reason, and nothing is written.
        IssuanceError: the authority declined or cannot be used.
        OSError: the keystore cannot be written.
    """
    from sottovoce.server.outside.protocol import Authority

    place.read()
    outside_key = eab_key(order)
    with showing(order.address, order.port) as proofs:
        authority = Authority(order, account_of(place.home, order.directory))
        authority.log_in(agreed=agreed, outside_key=outside_key)
        key = generate_key(KeyAlgorithm.EC_P256)
        common = order.names[0]
        subject = parse_name(f"CN={common}" if len(common) <= _LONGEST_COMMON_NAME else "")
        chain = authority.certify(make_request(key, subject=subject, names=order.names), proofs)
    entry = PrivateKeyEntry(key, chain)
    faults = place.faults(entry, order.names, clock()) or _other_key(entry, place)
    if faults:
        raise SettingsError(
            faults, message="The certificate was issued and is not used: the old one stays."
        )
    alias = place.put(entry, order.names[0])
    write_order(place.home, place.use, order)
    return Issued(entry=entry, alias=alias, keystore=place.keystore, terms=authority.terms)


def _other_key(entry: PrivateKeyEntry, place: Place) -> tuple[Fault, ...]:
    if entry.chain[0].public_key() == entry.key.public_key():
        return ()
    return (
        Fault(
            code="keystore-key-mismatch",
            why="The authority has certified another key than the one that was shown to it.",
            file=str(place.keystore),
            hint="Try again; if it happens again, tell the authority.",
        ),
    )
