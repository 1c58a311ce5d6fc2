"""Profiles: what a certificate of each kind contains, with the source of every number.

Owns the presets of the small authority. A profile is a value; ``dataclasses.replace`` adapts one.
Knows no key and no date: lifetimes are lengths.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

__all__ = [
    "BACKDATE",
    "CLIENT",
    "INTERMEDIATE_LIFETIME",
    "ISSUING",
    "LEAF_LIFETIME",
    "LONGEST_LEAF_LIFETIME",
    "MANAGED_LIFETIME",
    "ROOT",
    "ROOT_LIFETIME",
    "SERVER",
    "Profile",
    "backdated",
]

_DAY = timedelta(days=1)

#: How far the caller sets notBefore into the past, so that a partner whose clock is behind accepts
#: a fresh certificate (failure catalogue V4; what public authorities do as well).
BACKDATE = timedelta(hours=1)
#: Ten years: as long as one generation of hardware and staff; a root is replaced by adding its
#: successor everywhere first (failure catalogue O2).
ROOT_LIFETIME = 3650 * _DAY
#: Five years: half of its root's life, so that one renewal never outlives it.
INTERMEDIATE_LIFETIME = 1825 * _DAY
#: 398 days: the longest life of a server certificate that browsers and mail programs accept
#: (CA/Browser Forum baseline requirements 6.3.2, 2020), because a keystore made here may serve
#: HTTPS too (SPEC W12).
LONGEST_LEAF_LIFETIME = 398 * _DAY
#: One day less, as the same paragraph recommends, so that backdating still fits.
LEAF_LIFETIME = 397 * _DAY
#: 30 days: the life of a certificate that renews itself. Short enough that a key that nobody missed
#: is worthless soon (the CA/Browser Forum goes to 47 days by 2029, ballot SC-081v3), long enough
#: that HUB may be down for a week: renewal begins 10 days before the end.
MANAGED_LIFETIME = 30 * _DAY


def backdated(now: datetime, lifetime: timedelta) -> datetime:
    """Return notBefore of a certificate that is made *now*.

    It lies :data:`BACKDATE` in the past, but never further than a third of the life to come, so
    that certificates of seconds (tests) are still young when they are made.
    """
    return now - min(BACKDATE, lifetime / 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one kind of certificate contains.

    Args:
        name: what messages call it.
        authority: whether the bearer may sign certificates (basicConstraints cA).
        path_length: how many authorities may follow below; None for no limit.
        key_usage: names of RFC 5280's bits, as ``cryptography`` spells them.
        purposes: extended key usages; empty leaves the extension out.
        lifetime: the usual length of life.
        longest: the length of life beyond which the authority declines.
        names_required: whether at least one alternative name must be there (RFC 9525).
    """

    name: str
    authority: bool = False
    path_length: int | None = None
    key_usage: frozenset[str] = frozenset({"digital_signature"})
    purposes: tuple[ObjectIdentifier, ...] = ()
    lifetime: timedelta = LEAF_LIFETIME
    longest: timedelta = LONGEST_LEAF_LIFETIME
    names_required: bool = True


_AUTHORITY_USAGE = frozenset({"key_cert_sign", "crl_sign"})

#: A root: may sign certificates and revocation lists and nothing else (RFC 5280 4.2.1.3, 4.2.1.9).
ROOT = Profile(
    name="root",
    authority=True,
    key_usage=_AUTHORITY_USAGE,
    lifetime=ROOT_LIFETIME,
    longest=2 * ROOT_LIFETIME,
    names_required=False,
)
_BOTH_ENDS = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)

#: An authority under a root that issues servers' certificates: nothing but leaves below it, and
#: for no other purpose than TLS (an extended key usage in a CA's certificate limits what is below:
#: CA/Browser Forum baseline requirements 7.1.2.10.6; OpenSSL, Go and ``pki.verify`` enforce it).
ISSUING = Profile(
    name="issuing",
    authority=True,
    path_length=0,
    key_usage=_AUTHORITY_USAGE,
    purposes=_BOTH_ENDS,
    lifetime=INTERMEDIATE_LIFETIME,
    longest=ROOT_LIFETIME,
    names_required=False,
)
#: A server of this installation: it accepts and it calls, so it needs both purposes (catalogue X7).
SERVER = Profile(name="server", purposes=_BOTH_ENDS)
#: One that only calls.
CLIENT = Profile(name="client", purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))
