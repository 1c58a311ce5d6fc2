"""Rules: what RFC 5280 asks of every certificate of a path, whatever its place.

Owns the words for a certificate in messages, and the checks of dates, form, key, signature
algorithm and critical extensions. What leaf and authority need besides is in
:mod:`sottovoce.pki.checks`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from sottovoce.errors import Fault
from sottovoce.pki.examined import Examined
from sottovoce.pki.keys import describe_key, key_weakness
from sottovoce.pki.names import UNREADABLE
from sottovoce.pki.signatures import signature_weakness
from sottovoce.pki.verdict import Purpose

__all__ = ["Context", "common_faults", "malformed", "moment", "start", "strict", "who"]

#: Extensions that may be critical because they are processed here, or because a critical one
#: changes nothing as long as no explicit policy is required (RFC 5280 6.1: certificatePolicies,
#: policyMappings, inhibitAnyPolicy). policyConstraints is not among them: whoever marks it
#: critical asks for processing that is not done here, and is refused.
PROCESSED = frozenset(
    kind.oid.dotted_string
    for kind in (
        x509.BasicConstraints,
        x509.KeyUsage,
        x509.ExtendedKeyUsage,
        x509.SubjectAlternativeName,
        x509.NameConstraints,
        x509.CertificatePolicies,
        x509.InhibitAnyPolicy,
    )
) | {"2.5.29.33"}
#: RFC 5280 4.2.1.1, 4.2.1.2: these must not be critical.
NEVER_CRITICAL = (x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier)
_HANDLED = PROCESSED | {kind.oid.dotted_string for kind in NEVER_CRITICAL}
#: RFC 5280 4.1.2.2: octets of a serial number.
SERIAL_BITS = 20 * 8


@dataclass(frozen=True, slots=True)
class Context:
    """What is asked of the chain: for which purpose, and when."""

    purpose: Purpose
    at: datetime


def moment(value: datetime) -> str:
    """Write a moment as messages do: ``2026-11-23 07:51 UTC``, with seconds where they matter."""
    shown = value.astimezone(UTC)
    return shown.strftime("%Y-%m-%d %H:%M:%S UTC" if shown.second else "%Y-%m-%d %H:%M UTC")


def who(cert: Examined, depth: int) -> str:
    """Name a certificate in the middle of a sentence."""
    return f"the certificate of '{cert.called}'" if depth == 0 else f"the CA '{cert.subject_text}'"


def start(cert: Examined, depth: int) -> str:
    """Name a certificate at the beginning of a sentence."""
    named = who(cert, depth)
    return named[0].upper() + named[1:]


def strict(cert: Examined, depth: int, lack: str) -> Fault:
    """Return the warning for what is forgiven here and refused by strict partners (T10)."""
    return Fault(
        code="strict-profile",
        why=f"{start(cert, depth)} {lack}: accepted here, refused by partners that check strictly "
        "(RFC 5280).",
        expected="all that RFC 5280 asks of it",
        presented=f"a certificate that {lack}",
        hint="Reissue it with the standard profile when it is renewed.",
        depth=depth,
        warning=True,
    )


def common_faults(cert: Examined, context: Context, *, depth: int, anchor: bool) -> Iterator[Fault]:
    """Check dates, form, key and signature algorithm; an anchor\'s own signature does not count."""
    yield from _date_faults(cert, context.at, depth)
    yield from _form_faults(cert, depth, anchor=anchor)
    weakness = cert.key_problem if cert.key is None else key_weakness(cert.key)
    if weakness:
        yield Fault(
            code="weak-key",
            why=f"The key of {who(cert, depth)} has {weakness}.",
            expected="RSA of at least 2048 bits, EC on P-256, P-384 or P-521, or Ed25519",
            presented=describe_key(cert.key) if cert.key is not None else weakness,
            hint="Make a new key and have it certified.",
            depth=depth,
        )
    weak_signature = "" if anchor else signature_weakness(cert.certificate)
    if weak_signature:
        yield Fault(
            code="weak-signature",
            why=f"{start(cert, depth)} is signed with {weak_signature}, which current TLS "
            "libraries refuse.",
            expected="SHA-256 or better, or Ed25519",
            presented=weak_signature,
            hint=f"Have it issued again by '{cert.issuer_text}' with SHA-256.",
            depth=depth,
        )
    exempt = anchor or cert.self_issued or cert.problems
    if not exempt and cert.get(x509.AuthorityKeyIdentifier) is None:
        yield strict(cert, depth, "has no authority key identifier")


def _date_faults(cert: Examined, at: datetime, depth: int) -> Iterator[Fault]:
    try:
        begin = cert.certificate.not_valid_before_utc
        end = cert.certificate.not_valid_after_utc
    except UNREADABLE as error:
        yield malformed(cert, depth, f"its dates cannot be read ({error})")
        return
    # RFC 5280 4.1.2.5: both ends belong to the validity, which is counted in whole seconds.
    now = at.replace(microsecond=0)
    if now > end:
        where = " A renewal under it does not help." if depth else ""
        whose = f"the CA '{cert.subject_text}', " if depth else ""
        yield Fault(
            code="issuer-expired" if depth else "certificate-expired",
            why=f"{start(cert, depth)} expired {moment(end)}; the clock here says "
            f"{moment(now)}.{where}",
            expected=f"one that is valid at {moment(now)}",
            presented=f"{whose}valid until {moment(end)}",
            hint=f"Renew {who(cert, depth)}."
            if now - end > timedelta(days=1)
            else f"Renew {who(cert, depth)}, or set the clock if it is wrong.",
            depth=depth,
        )
    if now < begin:
        whose = f"the CA '{cert.subject_text}', " if depth else ""
        yield Fault(
            code="issuer-not-yet-valid" if depth else "not-yet-valid",
            why=f"{start(cert, depth)} is valid from {moment(begin)}; the clock here says "
            f"{moment(now)}.",
            expected=f"one that is valid at {moment(now)}",
            presented=f"{whose}valid from {moment(begin)}",
            hint="Compare the clocks of both servers.",
            depth=depth,
        )


def _form_faults(cert: Examined, depth: int, *, anchor: bool) -> Iterator[Fault]:
    for problem in cert.problems:
        yield malformed(cert, depth, problem)
    if cert.issuer == ():
        yield malformed(cert, depth, "its issuer is empty (4.1.2.4)")
    serial = cert.serial
    if not 0 < serial < 1 << (SERIAL_BITS - 1):
        # RFC 5280 4.1.2.2: positive, at most 20 octets with the sign. No conforming CA issues
        # another; a revocation list could not name it. A trusted root is not issued by anybody.
        lack = "not positive" if serial <= 0 else "too long"
        if anchor:
            yield strict(cert, depth, f"has a serial number that is {lack}")
        else:
            yield malformed(cert, depth, f"its serial number is {lack} (4.1.2.2)")
    if cert.certificate.version is not x509.Version.v3 and depth and not anchor:
        yield Fault(
            code="not-a-ca",
            why=f"{start(cert, depth)} is an X.509 version 1 certificate, which cannot say that "
            "it may sign certificates.",
            expected="version 3 with CA:TRUE",
            presented="version 1",
            hint="Have the CA reissued as version 3.",
            depth=depth,
        )
    if cert.certificate.version is not x509.Version.v3 and cert.extensions:
        yield malformed(cert, depth, "it is version 1 and has extensions (4.1.2.1)")
    yield from _critical_faults(cert, depth)


def _critical_faults(cert: Examined, depth: int) -> Iterator[Fault]:
    for kind in NEVER_CRITICAL:
        if cert.critical(kind):
            name = kind.__name__[0].lower() + kind.__name__[1:]
            yield malformed(cert, depth, f"its {name} is marked critical (4.2.1.1, 4.2.1.2)")
    policy = cert.get(x509.PolicyConstraints)
    if policy is not None and not cert.critical(x509.PolicyConstraints):
        yield malformed(cert, depth, "its policy constraints are not marked critical (4.2.1.11)")
    for oid, extension in cert.extensions.items():
        if extension.critical and oid not in _HANDLED:
            yield Fault(
                code="unknown-critical-extension",
                why=f"{start(cert, depth)} has the critical extension {oid}, which is not "
                "processed here and so must refuse it (RFC 5280 4.2).",
                expected="no critical extension but the known ones",
                presented=oid,
                hint="Have it reissued without this extension, or with it not critical.",
                depth=depth,
            )


def malformed(cert: Examined, depth: int, problem: str) -> Fault:
    """Return the refusal of a certificate that breaks the form of RFC 5280."""
    return Fault(
        code="malformed-certificate",
        why=f"{start(cert, depth)} is not of the form of RFC 5280: {problem}.",
        expected="a certificate of RFC 5280's profile",
        presented=problem,
        hint=f"Have it issued again by '{cert.issuer_text}'.",
        depth=depth,
    )
