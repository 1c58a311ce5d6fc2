"""Why a peer refused this server: its alert, and what this server's own files show.

An alert is coarse and often misleading (catalogue B.0: Java sends ``certificate_unknown`` for
nearly everything), and a program of somebody else's gives no other reason. So the certificate that
it was shown is looked at with the peer's eyes, as far as that can be done from here. Pure.
"""

from collections.abc import Mapping

from sottovoce.diagnosis import Diagnosis, explain_alert
from sottovoce.errors import Fault
from sottovoce.ini import shown as printable
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import Purpose, display_name, verify
from sottovoce.tls.evidence import Evidence, Side
from sottovoce.tls.generation import TrustGeneration

__all__ = ["refusal_faults"]

#: How much likelier than the next one a cause must be to be named as the one.
_CLEARLY = 2.0
#: How many are named where none is that.
_SHOWN_CAUSES = 3
_BOTH = "a handshake that both sides complete"
#: Of these the peer's roots are the reason: our CA is named.
_ROOTS = frozenset({"issuer-unknown", "root-untrusted"})
#: What lists are at hand here says nothing of the peer's.
_OUR_LISTS = frozenset({"revocation-unknown", "revocation-list-expired"})
#: The alert by which a server says that it has no certificate for the name asked for, and the one
#: that says that we showed none; every other is about what we have shown.
_NO_SUCH_NAME, _NO_CERTIFICATE = "unrecognized_name", "certificate_required"
#: Alerts that no certificate of ours is the reason of: code, why, next step. Where OpenSSL has no
#: certificate that serves for TLS 1.3 it turns that version off, and says protocol_version
#: (measured); Java says handshake_failure.
_NEGOTIATED = {
    "protocol_version": (
        "protocol-version",
        "it does not speak TLS 1.3, or has no certificate for it, and this server needs it.",
        "Update it, have it offer TLS 1.3, or look whether it has a key and a certificate.",
    ),
    "handshake_failure": (
        "no-common-cipher",
        "it has no cipher suite, group or signature in common with this server, or no certificate.",
        "Have it use the standard ones of TLS 1.3; look whether it has a key and a certificate.",
    ),
    "no_application_protocol": (
        "foreign-service",
        "it speaks TLS, and none of this program's protocols: another service has that port.",
        "Check the port and what listens there.",
    ),
}


def refusal_faults(
    alert: str,
    shown: PrivateKeyEntry,
    evidence: Evidence,
    generation: TrustGeneration,
    *,
    asked: str = "",
) -> tuple[Fault, ...]:
    """Return why the peer sent *alert*, most telling first; never empty.

    Args:
        alert: its RFC 8446 name.
        shown: the identity that was shown to the peer.
        evidence: side and time.
        generation: ours; the peer is taken to trust what we trust.
        asked: on the accepting side, the name that the caller asked for; empty for none.

    Returns:
        What is wrong with our own certificate and fits the alert; else the cause that is clearly
        the likeliest; else ``refused-by-peer`` with the likeliest causes named.
    """
    said = f"The peer refused this server in TLS with the alert {alert}"
    if alert == _NO_SUCH_NAME and evidence.dialled_name:
        return (_no_such_name(said, alert, evidence.dialled_name),)
    if alert in _NEGOTIATED:
        code, why, hint = _NEGOTIATED[alert]
        why = f"{said}: {why}"
        return (Fault(code=code, why=why, expected=_BOTH, presented=alert, hint=hint),)
    own = _own_faults(shown, evidence, generation, asked)
    likely = _causes(alert, _circumstances(shown, evidence, own, asked))
    first = likely[0]
    found = next((fault for fault in own if fault.code == first.code), None)
    if found is not None:
        return (_found(found, said, alert), *(fault for fault in own if fault is not found))
    if _is_clear(likely):
        signer = f" It is signed by '{display_name(shown.chain[-1].issuer)}'."
        why = f"{said}. Most likely: {first.message}{signer if first.code in _ROOTS else ''}"
        return (
            Fault(
                code=first.code,
                why=why,
                expected=_BOTH,
                presented=alert,
                hint=first.next_step,
            ),
            *own,
        )
    return (_unclear(likely, said, alert), *own)


def _own_faults(
    shown: PrivateKeyEntry, evidence: Evidence, generation: TrustGeneration, asked: str
) -> tuple[Fault, ...]:
    """Find what a partner with the same roots would find; a caller's name nobody dials."""
    accepting = evidence.side is Side.ACCEPTING
    # A partner has the roots alone: an intermediate that is trusted here may be missing from what
    # is sent, and nobody here would notice (catalogue T5, the trap).
    anchors = [root for root in generation.roots if root.issuer == root.subject]
    verdict = verify(
        list(shown.chain),
        roots=anchors or generation.roots,
        purpose=Purpose.SERVER if accepting else Purpose.CLIENT,
        name=(asked or None) if accepting else None,
        at=evidence.at,
        crls=generation.revocations,
    )
    return tuple(fault for fault in verdict.faults if fault.code not in _OUR_LISTS)


def _circumstances(
    shown: PrivateKeyEntry, evidence: Evidence, own: tuple[Fault, ...], asked: str
) -> Mapping[str, str]:
    accepting = evidence.side is Side.ACCEPTING
    codes = list(dict.fromkeys(fault.code for fault in own))
    top = shown.chain[-1]
    return {
        "side": "accepting" if accepting else "caller",
        "own-faults": ",".join(codes) or "none",
        "asked-name": "none" if accepting and not asked else "yes",
        "root-sent": "yes" if top.issuer == top.subject else "no",
    }


def _causes(alert: str, circumstances: Mapping[str, str]) -> list[Diagnosis]:
    found = explain_alert(alert, sent_by="", context=circumstances)
    fitting = [one for one in found if alert == _NO_CERTIFICATE or one.code != "no-certificate"]
    return fitting or found


def _no_such_name(said: str, alert: str, dialled: str) -> Fault:
    """Go and nginx say so where no certificate of theirs has the name (RFC 6066 §3)."""
    return Fault(
        code="name-mismatch",
        why=f"{said}: it has no certificate for {printable(dialled)}.",
        expected=printable(dialled),
        presented=alert,
        hint="Dial it by a name of its certificate, or have it reissued for this one.",
    )


def _is_clear(likely: list[Diagnosis]) -> bool:
    first, second = likely[0], likely[1].likelihood if len(likely) > 1 else 0.0
    return first.likelihood > 0 and first.likelihood >= _CLEARLY * second


def _found(fault: Fault, said: str, alert: str) -> Fault:
    return Fault(
        code=fault.code,
        why=f"{said}. This server's own certificate is the reason: {fault.why}",
        expected=fault.expected,
        presented=fault.presented or alert,
        hint=fault.hint,
        depth=fault.depth,
    )


def _unclear(likely: list[Diagnosis], said: str, alert: str) -> Fault:
    titles = [one.title for one in likely[:_SHOWN_CAUSES] if one.likelihood]
    maybe = f" It may mean: {'; '.join(titles)}." if titles else ""
    return Fault(
        code="refused-by-peer",
        why=f"{said}.{maybe}",
        expected=_BOTH,
        presented=alert,
        hint="Its log has the reason; an alert alone is coarse and often misleading.",
    )
