"""Checks: what RFC 5280 asks of each certificate by its place in the path.

Owns the rules that look at a certificate as leaf or as authority and those that look at a whole
path (lengths, name constraints). Every rule returns faults; those with ``warning=True`` are what
keytool and home-made authorities commonly leave out (failure catalogue T10). Builds no path.
"""

from collections.abc import Iterator, Sequence

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sottovoce.errors import Fault
from sottovoce.pki.constraints import Comparisons, malformed_constraint, malformed_name
from sottovoce.pki.examined import Examined
from sottovoce.pki.naming import as_address
from sottovoce.pki.rules import Context, common_faults, malformed, start, strict
from sottovoce.pki.verdict import Purpose

__all__ = [
    "authority_faults",
    "constraint_faults",
    "leaf_faults",
    "length_fault",
]


def leaf_faults(leaf: Examined, context: Context) -> Iterator[Fault]:
    """Check the certificate that the partner presents as its own; its names are not matched."""
    yield from common_faults(leaf, context, depth=0, anchor=False)
    yield from _leaf_authority_faults(leaf)
    yield from _leaf_name_faults(leaf)
    usage = leaf.get(x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        yield Fault(
            code="key-usage",
            why=f"{start(leaf, 0)} may not be used for signatures: its key usage lacks "
            "digitalSignature, and TLS 1.3 proves possession of the key by a signature.",
            expected="digitalSignature",
            presented=_usages(usage),
            hint="Ask the CA for a certificate with key usage digitalSignature.",
            depth=0,
        )
    extended = leaf.get(x509.ExtendedKeyUsage)
    if extended is None:
        yield strict(leaf, 0, "has no extended key usage")
    elif context.purpose.oid not in extended:
        yield _purpose_fault(leaf, 0, context.purpose, extended)


def _leaf_authority_faults(leaf: Examined) -> Iterator[Fault]:
    if leaf.is_authority:
        yield Fault(
            code="leaf-is-ca",
            why=f"{start(leaf, 0)} is a CA certificate (basicConstraints CA:TRUE); whoever holds "
            "its key could issue certificates for any name.",
            expected="CA:FALSE",
            presented="CA:TRUE",
            hint="Issue a certificate for this server with its own key.",
            depth=0,
        )
    usage = leaf.get(x509.KeyUsage)
    if usage is not None and usage.key_cert_sign and not leaf.is_authority:
        yield Fault(
            code="key-usage",
            why=f"{start(leaf, 0)} asserts keyCertSign and is no CA (RFC 5280 4.2.1.9).",
            expected="keyCertSign only with CA:TRUE",
            presented=_usages(usage),
            hint="Reissue it without keyCertSign.",
            depth=0,
        )
    if leaf.get(x509.NameConstraints) is not None and not leaf.is_authority:
        yield Fault(
            code="name-constraint",
            why=f"{start(leaf, 0)} carries name constraints, which only a CA certificate may "
            "(RFC 5280 4.2.1.10).",
            expected="no name constraints",
            presented="nameConstraints",
            hint="Reissue it without them.",
            depth=0,
        )


def _leaf_name_faults(leaf: Examined) -> Iterator[Fault]:
    names = leaf.get(x509.SubjectAlternativeName)
    if leaf.subject == () and not (names and leaf.critical(x509.SubjectAlternativeName)):
        yield malformed(
            leaf, 0, "its subject is empty and it has no critical subject alternative name"
        )
    if names is None:
        return
    if not list(names):
        yield malformed(leaf, 0, "its subject alternative name is empty")
    for name in names:
        if problem := malformed_name(name):
            yield malformed(leaf, 0, f"its alternative names contain {problem}")
        if isinstance(name, x509.DNSName) and as_address(name.value) is not None:
            yield strict(leaf, 0, f"has the address {name.value} as a DNS name, which nobody uses")


def authority_faults(
    issuer: Examined, context: Context, *, depth: int, anchor: bool
) -> Iterator[Fault]:
    """Check a certificate that stands above the leaf.

    Args:
        issuer: the certificate.
        context: purpose and time.
        depth: its distance from the leaf, for the faults.
        anchor: whether it is trusted by itself; its own signature then does not count, and an
            X.509 v1 root passes with a warning.
    """
    yield from common_faults(issuer, context, depth=depth, anchor=anchor)
    if issuer.subject == ():
        yield malformed(issuer, depth, "a CA has a name, this subject is empty (4.1.2.6)")
    yield from _basic_faults(issuer, depth, anchor=anchor)
    usage = issuer.get(x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        yield Fault(
            code="not-a-ca",
            why=f"{start(issuer, depth)} may not sign certificates: its key usage lacks "
            "keyCertSign.",
            expected="keyCertSign",
            presented=_usages(usage),
            hint="Have the certificate below it issued by a CA that may.",
            depth=depth,
        )
    extended = issuer.get(x509.ExtendedKeyUsage)
    if extended is not None and not _covers(extended, context.purpose):
        yield _purpose_fault(issuer, depth, context.purpose, extended)
    constraints = issuer.get(x509.NameConstraints)
    if constraints is not None:
        if problem := malformed_constraint(constraints):
            yield malformed(issuer, depth, problem)
        if not issuer.critical(x509.NameConstraints):
            yield strict(issuer, depth, "has name constraints that are not marked critical")


def _basic_faults(issuer: Examined, depth: int, *, anchor: bool) -> Iterator[Fault]:
    if issuer.problems:
        return  # what it says of itself cannot be read, and that is the fault
    basic = issuer.get(x509.BasicConstraints)
    if basic is None and issuer.certificate.version is not x509.Version.v3 and anchor:
        yield strict(issuer, depth, "is an X.509 version 1 root without basic constraints")
        return
    if basic is None or not basic.ca:
        presented = "no basic constraints" if basic is None else "CA:FALSE"
        yield Fault(
            code="not-a-ca",
            why=f"The issuer '{issuer.subject_text}' is not allowed to sign certificates "
            f"({presented}).",
            expected="CA:TRUE",
            presented=f"'{issuer.subject_text}' has {presented}",
            hint="Have the certificate below it issued by a CA.",
            depth=depth,
        )
        return
    if not issuer.critical(x509.BasicConstraints):
        yield strict(issuer, depth, "has basic constraints that are not marked critical")
    if issuer.get(x509.KeyUsage) is None:
        yield strict(issuer, depth, "has no key usage")
    if issuer.get(x509.SubjectKeyIdentifier) is None:
        yield strict(issuer, depth, "has no subject key identifier")


def _covers(extended: x509.ExtendedKeyUsage, purpose: Purpose) -> bool:
    """RFC 5280 4.2.1.12; anyExtendedKeyUsage lifts an authority's restriction."""
    return purpose.oid in extended or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in extended


_PURPOSE_NAMES = {
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.CODE_SIGNING: "codeSigning",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    ExtendedKeyUsageOID.TIME_STAMPING: "timeStamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
}


def _purpose_fault(
    cert: Examined, depth: int, purpose: Purpose, extended: x509.ExtendedKeyUsage
) -> Fault:
    listed = ", ".join(_PURPOSE_NAMES.get(oid, oid.dotted_string) for oid in list(extended)[:8])
    role = "accept connections as a server" if purpose is Purpose.SERVER else "call as a client"
    subject = start(cert, depth)
    may = (
        f"{subject} may not be used to {role}"
        if depth == 0
        else (f"{subject} may not issue certificates of servers that {role}")
    )
    return Fault(
        code=purpose.missing_code,
        why=f"{may}: its extended key usage is {listed or 'empty'}.",
        expected=purpose.usage,
        presented=listed,
        hint="Every server here accepts and calls: ask the CA for serverAuth and clientAuth, or "
        "use the installation's own CA.",
        depth=depth,
    )


def _usages(usage: x509.KeyUsage) -> str:
    names = {
        "digitalSignature": usage.digital_signature,
        "nonRepudiation": usage.content_commitment,
        "keyEncipherment": usage.key_encipherment,
        "dataEncipherment": usage.data_encipherment,
        "keyAgreement": usage.key_agreement,
        "keyCertSign": usage.key_cert_sign,
        "cRLSign": usage.crl_sign,
    }
    return ", ".join(name for name, there in names.items() if there) or "no usage"


def length_fault(path: Sequence[Examined], depth: int) -> Fault | None:
    """Check the pathLenConstraint of the authority at *depth* (RFC 5280 4.2.1.9, 6.1.4).

    Self-issued certificates between it and the leaf do not count, nor does the leaf.
    """
    basic = path[depth].get(x509.BasicConstraints)
    if basic is None or basic.path_length is None:
        return None
    below = sum(1 for cert in path[1:depth] if not cert.self_issued)
    if below <= basic.path_length:
        return None
    return Fault(
        code="path-too-long",
        why=f"The CA '{path[depth].subject_text}' allows {basic.path_length} CA certificates below "
        f"it, there are {below}.",
        expected=f"at most {basic.path_length}",
        presented=f"{below} below '{path[depth].subject_text}'",
        hint="Issue the certificate nearer to this CA, or reissue it with a longer path length.",
        depth=depth,
    )


def constraint_faults(
    path: Sequence[Examined], depth: int, comparisons: Comparisons
) -> Iterator[Fault]:
    """Check every name below the authority at *depth* against its constraints (4.2.1.10).

    Self-issued certificates are passed over unless they are the leaf (6.1.4).
    """
    if path[depth].get(x509.NameConstraints) is None:
        return
    for below in range(depth):
        if below and path[below].self_issued:
            continue
        if problem := comparisons.problem(path[depth], path[below]):
            yield Fault(
                code="name-constraint",
                why=f"The CA '{path[depth].subject_text}' may not certify "
                f"'{path[below].called}': {problem}.",
                expected="a name that the CA's name constraints permit",
                presented=problem,
                hint="Use a name that this CA may certify, or another CA.",
                depth=below,
            )
