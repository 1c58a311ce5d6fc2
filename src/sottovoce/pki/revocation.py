"""Revocation: what given lists say about the certificates of a path (RFC 5280 5 and 6.3).

Owns the choice of lists and their validity. Accepted are complete, direct lists signed by the
issuer itself; indirect lists, delta lists and lists for some reasons only are not. Fetches nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from sottovoce.errors import Fault
from sottovoce.pki.examined import CanonicalName, Examined, canonical_name
from sottovoce.pki.names import UNREADABLE
from sottovoce.pki.rules import moment
from sottovoce.pki.signatures import Budget, signature_weakness, signed_by

__all__ = ["RevocationLists"]

#: Extensions of a list that may be critical because they are processed here.
_KNOWN_LIST = frozenset({x509.IssuingDistributionPoint.oid, x509.AuthorityKeyIdentifier.oid})
_KNOWN_ENTRY = frozenset({x509.CRLReason.oid, x509.InvalidityDate.oid})
#: DER of ``critical TRUE``; a list without it in its entries has no critical entry extension.
_CRITICAL_MARK = b"\x01\x01\xff"


class RevocationLists:
    """The lists at hand, by issuer.

    Args:
        lists: any; those that cannot be read serve nobody.
        at: now.
        budget: for the signatures of the lists.
    """

    def __init__(
        self, lists: Sequence[x509.CertificateRevocationList], at: datetime, budget: Budget
    ) -> None:
        self._at = at.replace(microsecond=0)
        self._budget = budget
        self._by_issuer: dict[CanonicalName, list[x509.CertificateRevocationList]] = {}
        for item in lists:
            try:
                self._by_issuer.setdefault(canonical_name(item.issuer), []).append(item)
            except UNREADABLE:
                continue
        self._problems: dict[tuple[int, Examined], str] = {}

    def faults(self, path: Sequence[Examined]) -> Iterator[Fault]:
        """Check every certificate of a path but its anchor."""
        for depth in range(len(path) - 1):
            yield from self._one(path[depth], path[depth + 1], depth)

    def _one(self, cert: Examined, issuer: Examined, depth: int) -> Iterator[Fault]:
        named = self._by_issuer.get(issuer.subject or (), [])
        reasons: list[str] = []
        good: list[x509.CertificateRevocationList] = []
        for item in named:
            problem = self._problem(item, issuer) or _out_of_scope(item, cert)
            reasons += [problem] if problem else []
            good += [] if problem else [item]
        for item in good:
            entry = item.get_revoked_certificate_by_serial_number(cert.serial)
            if entry is not None:
                yield _revoked(cert, issuer, entry, depth)
                return
        if not good:
            yield self._unknown(cert, issuer, reasons, depth)
        elif all(self._expired(item) for item in good):
            yield self._too_old(issuer, good, depth)

    def _expired(self, item: x509.CertificateRevocationList) -> bool:
        return item.next_update_utc is not None and item.next_update_utc < self._at

    def _problem(self, item: x509.CertificateRevocationList, issuer: Examined) -> str:
        """Say why a list cannot be used for what this issuer has issued; remembered."""
        key = (id(item), issuer)
        if key not in self._problems:
            self._problems[key] = self._judge(item, issuer)
        return self._problems[key]

    def _judge(self, item: x509.CertificateRevocationList, issuer: Examined) -> str:
        usage = issuer.get(x509.KeyUsage)
        if usage is not None and not usage.crl_sign:
            return "the CA's key usage lacks cRLSign"
        if weakness := signature_weakness(item):
            return f"the list is signed with {weakness}"
        if issuer.key is None or not self._budget.take() or not signed_by(item, issuer.key):
            return "the list is not signed by this CA's key"
        try:
            if problem := _form_problem(item):
                return problem
        except UNREADABLE as error:
            return f"the list cannot be read ({error})"
        if item.last_update_utc > self._at:
            return f"the list begins {moment(item.last_update_utc)}"
        return "" if item.next_update_utc is not None else "the list has no next update (5.1.2.5)"

    def _unknown(
        self, cert: Examined, issuer: Examined, reasons: Sequence[str], depth: int
    ) -> Fault:
        detail = f" that can be used: {reasons[0]}" if reasons else ""
        return Fault(
            code="revocation-unknown",
            why=f"Revocation is checked here and there is no list of the CA "
            f"'{issuer.subject_text}'{detail}. That is not the fault of '{cert.called}'.",
            expected=f"a current revocation list of '{issuer.subject_text}'",
            presented=reasons[0] if reasons else "none",
            hint=f"Load the current revocation list of '{issuer.subject_text}' on this server.",
            depth=depth,
        )

    def _too_old(
        self, issuer: Examined, lists: Sequence[x509.CertificateRevocationList], depth: int
    ) -> Fault:
        newest = max(item.next_update_utc for item in lists if item.next_update_utc is not None)
        days = (self._at - newest).days
        return Fault(
            code="revocation-list-expired",
            why=f"The revocation list of '{issuer.subject_text}' ended {moment(newest)}, {days} "
            f"days before now ({moment(self._at)}); the certificate itself may be good.",
            expected=f"a list valid at {moment(self._at)}",
            presented=f"valid until {moment(newest)}",
            hint=f"Refresh the revocation list of '{issuer.subject_text}' on this server.",
            depth=depth,
        )


def _form_problem(item: x509.CertificateRevocationList) -> str:
    extensions = list(item.extensions)
    for extension in extensions:
        if extension.critical and extension.oid not in _KNOWN_LIST:
            return f"the list has the critical extension {extension.oid.dotted_string}"
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            return "the list is a delta list"
    scope = _scope(item)
    if scope is not None and (
        scope.indirect_crl or scope.only_some_reasons or scope.only_contains_attribute_certs
    ):
        return "the list is indirect or partial, which is not accepted here"
    marks = item.tbs_certlist_bytes.count(_CRITICAL_MARK)
    if marks > sum(1 for extension in extensions if extension.critical):
        return _entry_problem(item)
    return ""


def _entry_problem(item: x509.CertificateRevocationList) -> str:
    for entry in item:
        for extension in entry.extensions:
            if extension.critical and extension.oid not in _KNOWN_ENTRY:
                return f"an entry has the critical extension {extension.oid.dotted_string}"
    return ""


def _scope(item: x509.CertificateRevocationList) -> x509.IssuingDistributionPoint | None:
    try:
        return item.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return None


def _out_of_scope(item: x509.CertificateRevocationList, cert: Examined) -> str:
    scope = _scope(item)
    if scope is None:
        return ""
    if scope.only_contains_user_certs and cert.is_authority:
        return "the list is for servers' certificates only"
    if scope.only_contains_ca_certs and not cert.is_authority:
        return "the list is for CA certificates only"
    if scope.relative_name:
        return "the list names its distribution point relatively"
    if scope.full_name and not set(scope.full_name) & set(_points(cert)):
        return "the list is for another distribution point than the certificate's"
    return ""


def _points(cert: Examined) -> Iterator[x509.GeneralName]:
    for point in cert.get(x509.CRLDistributionPoints) or ():
        yield from point.full_name or ()


def _revoked(cert: Examined, issuer: Examined, entry: x509.RevokedCertificate, depth: int) -> Fault:
    serial = f"{cert.serial:X}"
    reason = _reason(entry)
    since = moment(entry.revocation_date_utc)
    return Fault(
        code="revoked",
        why=f"'{cert.called}' (serial {serial}) was revoked {since} by '{issuer.subject_text}': "
        f"{reason}.",
        expected="a certificate that is not on the revocation list",
        presented=f"serial {serial}, revoked {since}, {reason}",
        hint="Issue a new certificate if the server is still in use.",
        depth=depth,
    )


def _reason(entry: x509.RevokedCertificate) -> str:
    oid: ObjectIdentifier = x509.CRLReason.oid
    try:
        found = entry.extensions.get_extension_for_oid(oid).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return "no reason given"
    return found.reason.value if isinstance(found, x509.CRLReason) else "no reason given"
