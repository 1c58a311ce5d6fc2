"""Revocation: what given lists and answers say about a path (RFC 5280 5 and 6.3, RFC 6960).

Owns the choice of lists and their validity, and what follows where lists and OCSP answers are
silent. Accepted are complete, direct lists signed by the issuer itself; indirect lists, delta lists
and lists for some reasons only are not. Fetches nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509.ocsp import OCSPResponse
from cryptography.x509.oid import ObjectIdentifier

from sottovoce.errors import Fault
from sottovoce.pki.examined import CanonicalName, Examined, canonical_name, examine
from sottovoce.pki.identical import Identical
from sottovoce.pki.names import UNREADABLE, printable, short_name
from sottovoce.pki.ocsp import Standing, StatusAnswers
from sottovoce.pki.rules import moment
from sottovoce.pki.signatures import Budget, signature_weakness, signed_by

__all__ = ["SILENT", "RevocationEvidence", "Revocations", "list_refusal"]

#: Lists whose reading is remembered: a generation of trust holds a few, and asks for every peer.
REMEMBERED = 64
#: Extensions of a list that may be critical because they are processed here.
_KNOWN_LIST = frozenset({x509.IssuingDistributionPoint.oid, x509.AuthorityKeyIdentifier.oid})
_KNOWN_ENTRY = frozenset({x509.CRLReason.oid, x509.InvalidityDate.oid})
#: What is said where lists and answers are silent: what a soft check lets pass.
SILENT = frozenset({"revocation-unknown", "revocation-list-expired"})
#: DER of ``critical TRUE``; a list without it in its entries has no critical entry extension.
_CRITICAL_MARK = b"\x01\x01\xff"


_List = Identical[x509.CertificateRevocationList]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationEvidence:
    """What is at hand about revoked certificates, and what follows where nothing is.

    Args:
        lists: revocation lists.
        answers: OCSP answers, fetched beforehand.
        soft: let a certificate pass about which nothing current is known (a warning remains);
            one that is known to be revoked is refused all the same.
    """

    lists: tuple[x509.CertificateRevocationList, ...] = ()
    answers: tuple[OCSPResponse, ...] = ()
    soft: bool = False

    def __bool__(self) -> bool:
        return bool(self.lists or self.answers)


#: When what cannot be read begins.
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a list says, read once; with a problem it says nothing."""

    issuer: CanonicalName | None
    problem: str
    begin: datetime = _NEVER
    end: datetime | None = None
    scope: x509.IssuingDistributionPoint | None = None
    entries: Mapping[int, x509.RevokedCertificate] = field(default_factory=dict)

    @property
    def until(self) -> datetime:
        """When a list that counts is no longer current."""
        assert self.end is not None, "a list without a next update does not count"
        return self.end


@lru_cache(maxsize=REMEMBERED)
def _facts(known: _List) -> _Facts:
    item = known.item
    issuer: CanonicalName | None = None
    try:
        issuer = canonical_name(item.issuer)
        weakness = signature_weakness(item)
        problem = f"the list is signed with {weakness}" if weakness else _form_problem(item)
        entries = {} if problem else {entry.serial_number: entry for entry in item}
        return _Facts(
            issuer, problem, item.last_update_utc, item.next_update_utc, _scope(item), entries
        )
    except UNREADABLE as error:
        return _Facts(issuer, f"the list cannot be read ({printable(str(error), 100)})")


@lru_cache(maxsize=REMEMBERED)
def _signed(known: _List, issuer: x509.Certificate) -> bool:
    return signed_by(known.item, issuer.public_key())


class Revocations:
    """The lists at hand, by issuer, and the answers.

    Args:
        evidence: any; what cannot be read serves nobody.
        at: now.
        budget: for the signatures of lists and answers.
    """

    def __init__(self, evidence: RevocationEvidence, at: datetime, budget: Budget) -> None:
        self._at = at.replace(microsecond=0)
        self._budget = budget
        self._soft = evidence.soft
        self._answers = StatusAnswers(evidence.answers, at, budget)
        self._by_issuer: dict[CanonicalName, list[_List]] = {}
        for known in map(Identical, evidence.lists):
            issuer = _facts(known).issuer
            if issuer is not None:
                self._by_issuer.setdefault(issuer, []).append(known)

    def faults(self, path: Sequence[Examined]) -> Iterator[Fault]:
        """Check every certificate of a path but its anchor."""
        for depth in range(len(path) - 1):
            fault = self._one(path[depth], path[depth + 1], depth)
            if fault is not None:
                yield (
                    replace(fault, warning=True) if self._soft and fault.code in SILENT else fault
                )

    def _one(self, cert: Examined, issuer: Examined, depth: int) -> Fault | None:
        answer, reasons = self._answers.of(cert, issuer)
        if answer is not None and answer.revoked:
            return _revoked(cert, issuer, answer, depth)
        good: list[_Facts] = []
        for known in self._by_issuer.get(issuer.subject or (), []):
            problem = self._problem(known, cert, issuer)
            reasons += [problem] if problem else []
            good += [] if problem else [_facts(known)]
        for facts in good:
            entry = facts.entries.get(cert.serial)
            if entry is not None:
                return _revoked(cert, issuer, _standing(entry, facts), depth)
        if answer is not None:
            return None
        if not good:
            return self._unknown(cert, issuer, reasons, depth)
        return self._too_old(issuer, good, depth) if all(map(self._expired, good)) else None

    def _expired(self, facts: _Facts) -> bool:
        return facts.until < self._at

    def _problem(self, known: _List, cert: Examined, issuer: Examined) -> str:
        """Say why a list cannot be used for this certificate of this issuer."""
        facts = _facts(known)
        if facts.problem:
            return facts.problem
        usage = issuer.get(x509.KeyUsage)
        if usage is not None and not usage.crl_sign:
            return "the CA's key usage lacks cRLSign"
        if issuer.key is None or not self._budget.take():
            return "the list's signature could not be checked"
        if not _signed(known, issuer.certificate):
            return "the list is not signed by this CA's key"
        if facts.begin > self._at:
            return f"the list begins {moment(facts.begin)}"
        if facts.end is None:
            return "the list has no next update (5.1.2.5)"
        return _out_of_scope(facts.scope, cert)

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

    def _too_old(self, issuer: Examined, lists: Sequence[_Facts], depth: int) -> Fault:
        newest = max(facts.until for facts in lists)
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


def list_refusal(
    item: x509.CertificateRevocationList,
    *,
    issuers: Iterable[x509.Certificate],
    kept: Iterable[x509.CertificateRevocationList],
    at: datetime,
) -> str:
    """Say why a list that was fetched is not to be kept; empty when it is.

    Args:
        item: the new list.
        issuers: the authorities whose lists count here.
        kept: the lists that are there already: none of them is followed by an older one.
        at: now.
    """
    known = Identical(item)
    facts = _facts(known)
    if facts.problem:
        return facts.problem
    named = [one for one in map(examine, issuers) if one.subject == facts.issuer]
    if not named:
        return f"it is of '{short_name(item.issuer)}', which is no authority that counts here"
    if not any(_may_sign(one) and _signed(known, one.certificate) for one in named):
        return "it is not signed by the authority that it names"
    if facts.begin > at:
        return f"it begins {moment(facts.begin)}"
    if facts.end is None or facts.end <= at:
        return f"it ended {moment(facts.end)}" if facts.end else "it has no next update (5.1.2.5)"
    return next((why for why in (_goes_back(item, old) for old in kept) if why), "")


def _may_sign(issuer: Examined) -> bool:
    usage = issuer.get(x509.KeyUsage)
    return issuer.key is not None and (usage is None or usage.crl_sign)


def _goes_back(item: x509.CertificateRevocationList, old: x509.CertificateRevocationList) -> str:
    """Say so where a list is older than one that is kept of the same issuer and scope."""
    new, known = _facts(Identical(item)), _facts(Identical(old))
    if known.problem or new.issuer != known.issuer or new.scope != known.scope:
        return ""
    if _number(item) < _number(old):
        return f"its number {_number(item)} is below {_number(old)}, which is kept"
    if new.begin < known.begin:
        return f"it begins {moment(new.begin)}, before the one that is kept"
    return ""


def _number(item: x509.CertificateRevocationList) -> int:
    try:
        return item.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0


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


def _out_of_scope(scope: x509.IssuingDistributionPoint | None, cert: Examined) -> str:
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


def _standing(entry: x509.RevokedCertificate, facts: _Facts) -> Standing:
    return Standing(
        revoked=True,
        since=entry.revocation_date_utc,
        reason=_reason(entry),
        begin=facts.begin,
        until=facts.until,
    )


def _revoked(cert: Examined, issuer: Examined, found: Standing, depth: int) -> Fault:
    serial = f"{cert.serial:X}"
    reason = found.reason
    assert found.since is not None, "what is revoked was revoked at some time"
    since = moment(found.since)
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
