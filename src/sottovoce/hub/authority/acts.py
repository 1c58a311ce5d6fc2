"""What an authority does: sign, revoke, sign a revocation list.

Owns the order of the steps: what is issued stands in the audit log and in the index before anybody
holds it. Each function is one step of an act and is called under the folder's lock; the rules are
in :mod:`sottovoce.pki`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from sottovoce.errors import IssuanceError
from sottovoce.hub.authority.folder import AuthorityFolder
from sottovoce.hub.authority.index import Index, Issued, Kind, entry_of, root_stem
from sottovoce.ini import Secret
from sottovoce.pki import BACKDATE, LEAF_LIFETIME, Authority, backdated, display_name, subject_for

__all__ = [
    "Finder",
    "Order",
    "Signed",
    "check_in_force",
    "revoke",
    "revoked_at",
    "sign",
    "sign_list",
]

#: What chooses the certificates of an act from the index.
Finder = Callable[[Index], list[Issued]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a certificate is to say.

    Args:
        names: host names and addresses; None takes those of the request.
        roles: URI names.
        lifetime: from now on.
        managed: whether HUB looks after the server: then a key that another server has is
            declined, not only told, and a life that would be too long is cut.
        other_than: SHA-256 of a key that is to be replaced by another one.
    """

    names: tuple[str, ...] | None = None
    roles: tuple[str, ...] = ()
    lifetime: timedelta = LEAF_LIFETIME
    managed: bool = False
    other_than: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What was issued.

    Args:
        entry: in the index.
        chain: the certificate first, the root last.
        shared: names of other servers with the same key (failure catalogue N8).
    """

    entry: Issued
    chain: tuple[x509.Certificate, ...]
    shared: tuple[str, ...] = ()


def sign(
    folder: AuthorityFolder,
    request: x509.CertificateSigningRequest,
    order: Order,
    *,
    password: Secret,
    now: datetime,
) -> Signed:
    """Sign a request with the key in force.

    Raises:
        IssuanceError: the rule that declines; nothing was written then.
        StoreError: the act cannot be recorded; then nothing is issued.
    """
    index = folder.index()
    authority = folder.authority(index.current, password)
    if index.kind is Kind.ISSUING:
        check_in_force(folder, authority)
    certificate = authority.sign_request(
        request,
        names=order.names,
        roles=order.roles,
        subject=subject_for(order.names) if order.managed and order.names else None,
        serial=x509.random_serial_number(),
        not_before=backdated(now, order.lifetime),
        not_after=_end(authority, now, order),
    )
    entry = entry_of(certificate, issuer=index.current)
    _check_key(index, entry, order)
    shared = tuple(index.sharing(entry, now))
    if shared and order.managed:
        raise IssuanceError(
            f"The key of this request was certified for {', '.join(shared)}; whoever holds it "
            "would be both.",
            hint="Make a key of its own for each server.",
            code="same-key",
        )
    folder.record(now, "sign", serial=entry.serial, names=entry.names, roles=entry.roles)
    index.certificates.append(entry)
    folder.write_index(index)
    return Signed(entry=entry, chain=authority.issued_chain(certificate), shared=shared)


def _end(authority: Authority, now: datetime, order: Order) -> datetime:
    """Return the end of the asked-for life; a managed one is cut at its authority's own end."""
    end, last = now + order.lifetime, authority.certificate.not_valid_after_utc
    return min(end, last) if order.managed and last > now else end


def _check_key(index: Index, entry: Issued, order: Order) -> None:
    if entry.key_fingerprint == order.other_than:
        raise IssuanceError(
            "The request is for the key of the certificate that is to be renewed.",
            hint="A renewal takes a new key: make one on the server, and a request from it.",
            code="renewal-refused",
        )
    lost = index.compromised(entry.key_fingerprint)
    if lost is not None:
        raise IssuanceError(
            f"The key of this request is that of serial {lost.serial}, which was revoked because "
            "the key was compromised.",
            hint="Make a new key on the server, and a request from it.",
            code="key-compromised",
        )


def revoke(
    folder: AuthorityFolder, index: Index, entry: Issued, reason: x509.ReasonFlags, now: datetime
) -> None:
    """Mark one certificate as revoked; partners learn it from the next list.

    Raises:
        IssuanceError: it was revoked before.
        StoreError: the act cannot be recorded; then it did not take place.
    """
    if entry.revoked is not None:
        raise IssuanceError(
            f"Serial {entry.serial} was revoked {entry.revoked:%Y-%m-%d %H:%M UTC} already "
            f"({entry.reason}).",
            hint="Sign a new list if partners do not know it: sottovoce ca crl.",
        )
    folder.record(now, "revoke", serial=entry.serial, names=entry.names, reason=reason.value)
    entry.revoked, entry.reason = now, reason.value
    folder.write_index(index)


def revoked_at(folder: AuthorityFolder, issuing: Authority) -> datetime | None:
    """Return since when an issuing certificate is revoked, by the list of its root that HUB has.

    Raises:
        StoreError: the list cannot be read.
        CertificateFormatError: it is damaged.
    """
    crl = folder.files(root_stem(issuing.chain[-1])).stored_list()
    serial = issuing.certificate.serial_number
    entry = crl.get_revoked_certificate_by_serial_number(serial) if crl is not None else None
    return entry.revocation_date_utc if entry is not None else None


def check_in_force(folder: AuthorityFolder, issuing: Authority) -> None:
    """Decline to work with an issuing certificate that is revoked: nobody would accept the result.

    Raises:
        IssuanceError: it is.
    """
    since = revoked_at(folder, issuing)
    if since is not None:
        raise IssuanceError(
            f"The issuing certificate of '{display_name(issuing.certificate.subject)}' was revoked "
            f"{since:%Y-%m-%d %H:%M UTC}; nothing that it signs is accepted any more.",
            hint="Make a new issuing key: sottovoce ca issuing --new-key --dir ROOT --home HOME.",
        )


def sign_list(
    folder: AuthorityFolder, stem: str, *, password: Secret, now: datetime, until: datetime
) -> x509.CertificateRevocationList:
    """Sign the complete revocation list of one key and store it in the folder.

    Raises:
        StoreError: it cannot be recorded or stored.
    """
    index = folder.index()
    authority = folder.authority(stem, password)
    revoked = index.revoked_by(stem, now)
    index.crl_number += 1
    crl = authority.revocation_list(
        revoked,
        this_update=now - min(BACKDATE, (until - now) / 3),
        next_update=until,
        number=index.crl_number,
    )
    folder.record(now, "crl", key=stem, number=index.crl_number, revoked=len(revoked))
    folder.write_index(index)
    folder.files(stem).store_list(crl)
    return crl
