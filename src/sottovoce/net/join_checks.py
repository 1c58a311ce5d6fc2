"""What a new server checks on the *join* path, before it shows its invitation and afterwards.

Pure: values in, faults out. The other side is known by one thing only: the fingerprint of its
authority's root in the invitation. Everything else that it says counts once its certificate leads
to that root.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from sottovoce.contracts import Invitation
from sottovoce.errors import Fault, FormatError
from sottovoce.ini import shown
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import (
    Purpose,
    RevocationEvidence,
    key_fingerprint,
    load_certificates,
    load_crls,
    verify,
)
from sottovoce.policy import SKEW_REFUSED, AllowedClients, Component
from sottovoce.rpc import Joined, JoinGreeting
from sottovoce.tls import identity_faults

__all__ = ["Welcome", "greeting_faults", "welcome_of"]

#: Roots that are looked at: one, two while an authority changes.
_MOST_ROOTS = 8
#: Faults of dates, for which a wrong clock is the likelier cause.
_DATE_FAULTS = frozenset(
    {"certificate-expired", "not-yet-valid", "issuer-expired", "issuer-not-yet-valid"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """What a new server gets, found right.

    Args:
        identity: its key, with the certificate and those above.
        roots, crls: to trust.
        allowed: the names of all servers.
        hosts: on which server each component runs.
    """

    identity: PrivateKeyEntry
    roots: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]
    allowed: AllowedClients
    hosts: dict[Component, str]


def greeting_faults(
    greeting: JoinGreeting,
    chain: Sequence[x509.Certificate],
    invitation: Invitation,
    *,
    who: str,
    at: datetime,
) -> tuple[Fault, ...]:
    """Return why the other side is not the HUB of the invitation, or cannot be worked with.

    Args:
        greeting: what it said.
        chain: what it presented in TLS; its key is proved, nothing else.
        invitation: by which it is known.
        who: whom we called, for messages.
        at: our clock, UTC.
    """
    shown_prints = [hashlib.sha256(root).digest() for root in greeting.roots[:_MOST_ROOTS]]
    if invitation.root not in shown_prints:
        return (_wrong_authority(shown_prints, invitation.root, who),)
    try:
        root = load_certificates(greeting.roots[shown_prints.index(invitation.root)], source=who)
    except FormatError as error:
        return (_unfit(f"the root that {who} shows cannot be read: {error.message}"),)
    faults = verify(
        list(chain), roots=root, purpose=Purpose.SERVER, name=invitation.hub, at=at
    ).faults
    # Only one whose certificate leads to that root is believed about the time.
    if any(fault.code not in _DATE_FAULTS for fault in faults):
        return faults
    return _clock_faults(greeting.now, at, who) or faults


def _wrong_authority(prints: Sequence[bytes], expected: bytes, who: str) -> Fault:
    return Fault(
        code="join-wrong-authority",
        why=f"{who} is not the HUB that made the invitation: its authority is another one. "
        "Nothing was said to it.",
        expected=_pairs(expected),
        presented=", ".join(map(_pairs, prints)) or "no root",
        hint="Look which server answers under that name; if HUB has a new authority, ask for a "
        "new invitation.",
    )


def _pairs(digest: bytes) -> str:
    return digest.hex(":").upper()


def _clock_faults(theirs: datetime, ours: datetime, who: str) -> tuple[Fault, ...]:
    seconds = (ours - theirs).total_seconds()
    side = "ahead of" if seconds > 0 else "behind"
    if abs(seconds) <= SKEW_REFUSED:
        return ()
    return (
        Fault(
            code="clock-skew",
            why=f"This host's clock is {abs(seconds):.0f} s {side} that of {who}; "
            "certificates would not be valid here.",
            expected=f"at most {SKEW_REFUSED:.0f} s",
            presented=f"{abs(seconds):.0f} s",
            hint="Set the clock (timedatectl status), then use the same code.",
        ),
    )


def welcome_of(
    joined: Joined,
    own: PrivateKeyEntry,
    invitation: Invitation,
    *,
    hub_chain: Sequence[x509.Certificate],
    at: datetime,
) -> Welcome | tuple[Fault, ...]:
    """Judge what HUB gave as partners will, before a byte of it is written.

    Args:
        joined: what it gave.
        own: the key for which it was asked.
        invitation: what was promised.
        hub_chain: HUB's certificate, which must hold under the same roots and lists.
        at: our clock, UTC.
    """
    try:
        chain, roots = _certificates(joined.chain), _certificates(joined.roots)
        crls = tuple(each for data in joined.crls for each in load_crls(data, source="a list"))
        allowed = AllowedClients(joined.allowed)
        hosts = {Component(name): shown(host) for name, host in joined.hosts.items()}
        same = key_fingerprint(chain[0].public_key()) == key_fingerprint(own.key.public_key())
    except (FormatError, ValueError, IndexError) as error:
        return (_unfit(f"it cannot be read ({type(error).__name__})"),)
    if not same:
        return (_unfit("the certificate is for another key"),)
    missing = [name for name in (invitation.name, invitation.hub) if name not in allowed]
    if missing:
        return (_unfit(f"its list of servers lacks {', '.join(missing)}"),)
    identity = PrivateKeyEntry(own.key, chain)
    lists = RevocationEvidence(lists=crls)
    faults = identity_faults(identity, name=invitation.name, roots=roots, crls=lists, at=at)
    faults += verify(
        list(hub_chain),
        roots=roots,
        purpose=Purpose.SERVER,
        name=invitation.hub,
        at=at,
        crls=lists,
    ).faults
    if faults:
        return faults
    return Welcome(identity=identity, roots=roots, crls=crls, allowed=allowed, hosts=hosts)


def _certificates(parts: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    return tuple(each for data in parts for each in load_certificates(data, source="HUB's answer"))


def _unfit(why: str) -> Fault:
    return Fault(
        code="join-answer-unfit",
        why=f"What HUB gave cannot be used: {why}. Nothing was written.",
        hint="Look at HUB's log, and ask for a new invitation.",
    )
