"""From what TLS left behind to faults: why a handshake failed, in our codes, for both sides.

Pure: values in, values out. The certificates seen are looked at again by ``pki.verify``, because an
X509_V_ERR number is coarser than what the certificates themselves show (catalogue B.0).
"""

from sottovoce.errors import Fault
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import Purpose, display_name, fingerprint, verify
from sottovoce.tls.alerts import CODE_OF_VERIFY_ERROR
from sottovoce.tls.client_hello import ClientHello
from sottovoce.tls.engine import UNREADABLE, Broken
from sottovoce.tls.evidence import Evidence, Problem, Side
from sottovoce.tls.generation import TrustGeneration
from sottovoce.tls.refusals import refusal_faults

__all__ = ["faults_of"]

#: OpenSSL's reason → our code, for failures that have nothing to do with a certificate.
_REASONS = {
    UNREADABLE: "malformed-certificate",
    "peer did not return a certificate": "no-certificate",
    "unsupported protocol": "protocol-version",
    "wrong ssl version": "protocol-version",
    "version too low": "protocol-version",
    "no shared cipher": "no-common-cipher",
    "no suitable key share": "no-common-cipher",
    "no suitable groups": "no-common-cipher",
    "no suitable signature algorithm": "no-common-cipher",
    "wrong version number": "foreign-service",
    "http request": "http-peer",
    "https proxy request": "http-peer",
    "packet length too long": "foreign-service",
}

#: Our code → what happened, what would have been right, and the next step.
_WHY = {
    "malformed-certificate": (
        "The peer's certificate, or one of its chain, is malformed and cannot be read.",
        "certificates as RFC 5280 has them",
        "Reissue it with a current tool; 'sottovoce keytool -printcert' shows what is wrong.",
    ),
    "no-certificate": (
        "The peer offered no certificate.",
        "a certificate with its chain",
        "Give it a keystore with a private key and name that in its ssl.ini.",
    ),
    "protocol-version": (
        "The peer does not speak TLS 1.3, and this server speaks nothing older.",
        "TLS 1.3",
        "Update the peer, or have it offer TLS 1.3.",
    ),
    "no-common-cipher": (
        "The two sides have no cipher suite, group or signature algorithm in common.",
        "one of the standard ones of TLS 1.3",
        "Let the peer offer the standard ones of TLS 1.3.",
    ),
    "foreign-service": (
        "What arrived is not TLS.",
        "TLS",
        "Check the port and what listens there.",
    ),
    "http-peer": (
        "The peer speaks HTTP; this port is for the installation's own traffic.",
        "TLS",
        "Point the browser or program at the web port.",
    ),
}


def faults_of(
    broken: Broken,
    evidence: Evidence,
    generation: TrustGeneration,
    *,
    shown: PrivateKeyEntry | None = None,
    client: ClientHello = ClientHello(),  # noqa: B008 - frozen
) -> tuple[Fault, ...]:
    """Return why the handshake failed, most telling first; never empty.

    Args:
        broken: what the engine reported.
        evidence: side, time and dialled name; its chain is not used.
        generation: the one under which it was refused.
        shown: the identity that was shown to the peer; None for the generation's own.
        client: on the accepting side, what the caller asked for.
    """
    if broken.problems:
        return _chain_faults(broken, evidence, generation)
    if broken.alert_received and broken.alert_received != "close_notify":
        own = shown or generation.identity
        return refusal_faults(broken.alert_received, own, evidence, generation, asked=client.name)
    for reason in broken.reasons:
        code = _REASONS.get(reason)
        if code is not None:
            why, expected, hint = _WHY[code]
            presented = "none" if code == "no-certificate" else reason
            if code == "protocol-version" and client.versions:
                presented = ", ".join(client.versions)
                why = f"The peer offers {presented}, and this server speaks TLS 1.3 only."
            return (Fault(code=code, why=why, expected=expected, presented=presented, hint=hint),)
    words = ", ".join(broken.reasons) or "no reason given"
    return (
        Fault(
            code="handshake-failed",
            why=f"The TLS handshake failed ({words}).",
            expected="a handshake that both sides complete",
            presented=words,
            hint="Run 'sottovoce explain' with this text.",
        ),
    )


def _chain_faults(
    broken: Broken, evidence: Evidence, generation: TrustGeneration
) -> tuple[Fault, ...]:
    purpose = Purpose.CLIENT if evidence.side is Side.ACCEPTING else Purpose.SERVER
    chain = broken.chain or tuple(problem.certificate for problem in broken.problems)
    verdict = verify(
        list(chain),
        roots=generation.roots,
        purpose=purpose,
        name=evidence.dialled_name,
        at=evidence.at,
        crls=generation.revocations,
    )
    return verdict.faults or tuple(_by_number(problem, purpose) for problem in broken.problems)


def _by_number(problem: Problem, purpose: Purpose) -> Fault:
    """OpenSSL found what we do not: its word counts."""
    code = CODE_OF_VERIFY_ERROR.get(problem.number, "handshake-failed")
    if code == "purpose":
        code = f"purpose-{purpose.value}-missing"
    certificate = problem.certificate
    return Fault(
        code=code,
        why=(
            f"OpenSSL refuses the certificate of {display_name(certificate.subject)} "
            f"(SHA-256 {fingerprint(certificate)}, verify error {problem.number})."
        ),
        depth=problem.depth,
        expected="a chain that OpenSSL accepts",
        presented=f"verify error {problem.number}",
        hint="'sottovoce keytool -printcert' shows the certificate; have it reissued.",
    )
