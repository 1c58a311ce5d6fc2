"""OCSP: what given answers say about a certificate, and whether they may be believed (RFC 6960).

Owns the check of an answer: whose it is, who signed it, from when to when it counts. Accepted are
answers about one certificate, signed by its issuer or by a responder to which that issuer itself
has given a certificate for it (4.2.2.2). Asks nobody; whether that responder was revoked meanwhile
is not asked either, so an answer counts no longer than it says of itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from sottovoce.pki.examined import Examined, examine
from sottovoce.pki.identical import Identical
from sottovoce.pki.keys import is_costly, key_weakness
from sottovoce.pki.names import UNREADABLE, printable
from sottovoce.pki.rules import moment
from sottovoce.pki.signatures import Budget, signature_weakness, signed_by

__all__ = ["Standing", "StatusAnswers", "answers_about", "load_answer"]

#: Answers whose reading is remembered; a generation of trust holds two or three for each partner.
REMEMBERED = 256
#: What a responder's clock may be ahead of ours; OpenSSL's ``ocsp`` allows the same.
LEEWAY = timedelta(minutes=5)
#: Certificates of an answer that are looked at; an honest one brings one or two.
MOST_CERTIFICATES = 4

#: Digests by which an answer may name a certificate (4.1.1). SHA-1 is what everybody uses; it
#: identifies here and signs nothing.
_DIGESTS = (hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512)
#: Extensions that may be critical because they change nothing here (4.4.1 is the asker's matter).
_KNOWN = frozenset({x509.OCSPNonce.oid})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an answer that may be believed says.

    Args:
        revoked: whether the certificate is.
        since: when it was; None for a good one.
        reason: why it was, in the words of RFC 5280.
        begin: from when on the answer counts.
        until: the answer counts no longer.
    """

    revoked: bool
    since: datetime | None
    reason: str
    begin: datetime
    until: datetime


#: When what cannot be read begins.
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What an answer says, read once; with a problem it says nothing."""

    problem: str
    serial: int = 0
    begin: datetime = _NEVER
    end: datetime | None = None
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.UNKNOWN
    since: datetime | None = None
    reason: str = ""


@lru_cache(maxsize=REMEMBERED)
def _facts(known: Identical[ocsp.OCSPResponse]) -> _Facts:
    item = known.item
    try:
        if item.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return _Facts(f"the responder says {item.response_status.name.lower()}")
        # RFC 5019 2.2.1; of several the library does not show the extensions.
        if len(list(item.responses)) != 1:
            return _Facts("the answer is about several certificates")
        reason = item.revocation_reason
        return _Facts(
            _form_problem(item),
            item.serial_number,
            item.this_update_utc,
            item.next_update_utc,
            item.certificate_status,
            item.revocation_time_utc,
            reason.value if reason is not None else "no reason given",
        )
    except UNREADABLE as error:
        return _Facts(f"the answer cannot be read ({printable(str(error), 100)})")


def _form_problem(item: ocsp.OCSPResponse) -> str:
    weakness = signature_weakness(item)
    if weakness:
        return f"the answer is signed with {weakness}"
    for extension in (*item.extensions, *item.single_extensions):
        if extension.critical and extension.oid not in _KNOWN:
            return f"the answer has the critical extension {extension.oid.dotted_string}"
    return ""


class StatusAnswers:
    """The answers at hand, by serial number.

    Args:
        answers: any; those that cannot be read serve nobody.
        at: now.
        budget: for the signatures of the answers.
    """

    def __init__(self, answers: Sequence[ocsp.OCSPResponse], at: datetime, budget: Budget) -> None:
        self._at = at
        self._budget = budget
        self._by_serial: dict[int, list[Identical[ocsp.OCSPResponse]]] = {}
        for known in map(Identical, answers):
            facts = _facts(known)
            self._by_serial.setdefault(facts.serial, []).append(known)

    def of(self, cert: Examined, issuer: Examined) -> tuple[Standing | None, list[str]]:
        """Return what is known of a certificate, and why the other answers do not count.

        Of several that count, one that says revoked wins.
        """
        reasons: list[str] = []
        found: Standing | None = None
        for known in self._by_serial.get(cert.serial, []):
            problem = self._problem(known, issuer)
            if problem is None:
                continue
            if problem:
                reasons.append(problem)
            elif found is None or not found.revoked:
                found = _standing(_facts(known))
        return found, reasons

    def _problem(self, known: Identical[ocsp.OCSPResponse], issuer: Examined) -> str | None:
        """Say why an answer does not count; None when it is about another CA's certificate."""
        facts = _facts(known)
        if not _is_about(known, issuer.certificate):
            return None
        if facts.problem:
            return facts.problem
        if not self._budget.take():
            return "the answer's signature could not be checked"
        problem = _signer_problem(known, issuer.certificate, self._at.replace(microsecond=0))
        return problem or _time_problem(facts, self._at) or _status_problem(facts)


def _standing(facts: _Facts) -> Standing:
    assert facts.end is not None, "an answer without an end does not count"
    return Standing(
        revoked=facts.status is ocsp.OCSPCertStatus.REVOKED,
        since=facts.since,
        reason=facts.reason,
        begin=facts.begin,
        until=facts.end,
    )


def _time_problem(facts: _Facts, at: datetime) -> str:
    if facts.begin > at + LEEWAY:
        return f"the OCSP answer begins {moment(facts.begin)}"
    if facts.end is None:
        return "the OCSP answer has no next update, so it is good for no later moment"
    return f"the OCSP answer ended {moment(facts.end)}" if facts.end < at else ""


def _status_problem(facts: _Facts) -> str:
    unknown = facts.status is ocsp.OCSPCertStatus.UNKNOWN
    return "the OCSP responder does not know the certificate" if unknown else ""


@lru_cache(maxsize=REMEMBERED)
def _is_about(known: Identical[ocsp.OCSPResponse], issuer: x509.Certificate) -> bool:
    """Compare the issuer's name and key with those of the answer (RFC 6960 4.1.1)."""
    item = known.item
    try:
        algorithm = item.hash_algorithm
        if not isinstance(algorithm, _DIGESTS):
            return False
        return (
            _digest(issuer.subject.public_bytes(), algorithm) == item.issuer_name_hash
            and _digest(_key_bits(issuer.public_key()), algorithm) == item.issuer_key_hash
        )
    except UNREADABLE:
        return False


def _digest(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _key_bits(key: CertificatePublicKeyTypes) -> bytes:
    """Return the content of subjectPublicKey, the bit string without its frame."""
    match key:
        case rsa.RSAPublicKey():
            return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        case ec.EllipticCurvePublicKey():
            return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        case ed25519.Ed25519PublicKey():
            return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    raise ValueError("a key of a kind unknown here")


def _signer_problem(
    known: Identical[ocsp.OCSPResponse], issuer: x509.Certificate, at: datetime
) -> str:
    item = known.item
    signer = issuer
    if not _is_responder(item, issuer):
        named = [
            each for each in item.certificates[:MOST_CERTIFICATES] if _is_responder(item, each)
        ]
        if not named:
            return "the OCSP answer is signed by somebody who is not the certificate's issuer"
        signer = named[0]
        problem = _delegate_problem(signer, issuer, at)
        if problem:
            return f"the OCSP responder's certificate {problem}"
    if not _answer_fits(known, signer):
        return "the OCSP answer's signature does not fit its responder's key"
    return ""


@lru_cache(maxsize=REMEMBERED)
def _answer_fits(known: Identical[ocsp.OCSPResponse], signer: x509.Certificate) -> bool:
    return signed_by(known.item, signer.public_key())


def _is_responder(item: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    """Compare the responder's id, a name or SHA-1 of its key, with a certificate (4.2.1)."""
    try:
        if item.responder_name is not None:
            return signer.subject == item.responder_name
        return _digest(_key_bits(signer.public_key()), hashes.SHA1()) == item.responder_key_hash  # noqa: S303 - named, not signed
    except UNREADABLE:
        return False


@lru_cache(maxsize=REMEMBERED)
def _appointed(delegate: x509.Certificate, issuer: x509.Certificate) -> bool:
    return delegate.issuer == issuer.subject and signed_by(delegate, issuer.public_key())


def _delegate_problem(delegate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> str:
    """Say why a certificate does not make its bearer a responder of the issuer (4.2.2.2)."""
    cert = examine(delegate)
    usage = cert.get(x509.ExtendedKeyUsage)
    if cert.problems or cert.key is None or is_costly(cert.key):
        return "cannot be used"
    if not _appointed(delegate, issuer):
        return "was not issued by the CA that it speaks for"
    if usage is None or ExtendedKeyUsageOID.OCSP_SIGNING not in usage:
        return "is not for signing OCSP answers"
    if not delegate.not_valid_before_utc <= at <= delegate.not_valid_after_utc:
        return "is not valid now"
    weakness = key_weakness(cert.key) or signature_weakness(delegate)
    return f"is weak ({weakness})" if weakness else ""


def load_answer(data: bytes) -> ocsp.OCSPResponse | None:
    """Read an answer in DER; None when it is none."""
    try:
        return ocsp.load_der_ocsp_response(data)
    except UNREADABLE:
        return None


def answers_about(
    answer: ocsp.OCSPResponse, cert: x509.Certificate, issuer: x509.Certificate, at: datetime
) -> tuple[Standing | None, str]:
    """Judge one answer about one certificate, as :func:`sottovoce.pki.verify` would.

    Returns:
        What it says, or None and why it does not count.
    """
    found, reasons = StatusAnswers((answer,), at, Budget()).of(examine(cert), examine(issuer))
    if found is not None:
        return found, ""
    said = _facts(Identical(answer)).problem
    return None, said or (reasons[0] if reasons else "it is about another certificate")
