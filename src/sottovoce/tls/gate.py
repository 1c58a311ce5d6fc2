"""The gate: one pure function that decides, over everything known of a peer, whether it may speak.

It is asked after OpenSSL has verified the chain, and decides again over all of it: the chain by our
own ``pki.verify``, the name, the allowed list, the role; on accept and on connect alike. It fails
closed: whatever goes wrong inside is a refusal. It reads no file, no clock and no address.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sottovoce.errors import Fault
from sottovoce.ini import shown
from sottovoce.pki import (
    Purpose,
    ip_addresses,
    nameless_fault,
    verify,
)
from sottovoce.policy import Component, PeerIdentity
from sottovoce.tls.clocks import blame_clocks
from sottovoce.tls.evidence import Evidence, Side
from sottovoce.tls.judging import Judging

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's answer.

    Args:
        accepted: whether the peer may speak.
        identity: who it is; present exactly when accepted.
        faults: every reason against it, in the order chain, name, list, role.
        warnings: what was forgiven.
    """

    accepted: bool
    identity: PeerIdentity | None = None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the faults, most telling first, without repetition."""
        return tuple(dict.fromkeys(fault.code for fault in self.faults))


def judge(evidence: Evidence, generation: Judging) -> Verdict:
    """Decide whether the peer of *evidence* may speak under *generation*.

    On the accepting side the gate is asked twice: before the greeting (``announced_name`` None: one
    of the certificate's names must be allowed) and after the peer's Hello (the announced name must
    be among them, and be allowed). On the calling side the dialled name must be in the certificate
    and in the allowed list, and so must the announced one.

    Returns:
        Accepted with the peer's identity, or refused with every code.

    Raises:
        Nothing: an error inside is a refusal with the code ``internal-error``.
    """
    try:
        return _judge(evidence, generation)
    except Exception as error:  # noqa: BLE001 - fail closed: no error may open the gate
        fault = Fault(
            code="internal-error",
            why=f"The gate could not judge the peer ({type(error).__name__}); it is refused.",
            hint="Report this with the server's log.",
        )
        return Verdict(accepted=False, faults=(fault,))


def _judge(evidence: Evidence, generation: Judging) -> Verdict:
    if evidence.side is Side.CALLING and not evidence.dialled_name:
        raise ValueError("a caller must know whom it dialled")
    if not evidence.chain:
        return Verdict(accepted=False, faults=(_no_certificate(evidence),))
    verdict = verify(
        list(evidence.chain),
        roots=generation.roots,
        purpose=Purpose.CLIENT if evidence.side is Side.ACCEPTING else Purpose.SERVER,
        name=evidence.dialled_name,
        at=evidence.at,
        crls=generation.revocations,
    )
    faults = list(blame_clocks(verdict.faults, evidence, generation, peer=_called(evidence)))
    if not verdict.valid and not faults:
        faults.append(Fault(code="internal-error", why="The chain was refused without a reason."))
    identity = PeerIdentity.from_certificate(evidence.chain[0])
    if not faults and not identity.names and not ip_addresses(evidence.chain[0]):
        # Who has no name at all can be on no list; that is a matter of its certificate.
        faults.append(nameless_fault(evidence.chain[0], evidence.announced_name or ""))
    if not faults:
        faults += _name_faults(evidence, identity)
        faults += _list_faults(evidence, identity, generation)
        faults += _role_faults(evidence, identity, generation)
    if faults:
        return Verdict(accepted=False, faults=tuple(faults), warnings=verdict.warnings)
    return Verdict(accepted=True, identity=identity, warnings=verdict.warnings)


def _called(evidence: Evidence) -> str:
    return shown(evidence.announced_name or evidence.dialled_name or "the peer")


def _no_certificate(evidence: Evidence) -> Fault:
    who = shown(evidence.announced_name or evidence.dialled_name or "The peer")
    return Fault(
        code="no-certificate",
        why=f"{who} offered no certificate.",
        expected="a certificate with its chain",
        presented="none",
        hint="Give it a keystore with a private key and name that in its ssl.ini.",
    )


def _name_faults(evidence: Evidence, identity: PeerIdentity) -> Iterable[Fault]:
    """The announced name must be one of the certificate's (SPEC W9)."""
    announced = evidence.announced_name
    if announced is None or _normal(announced) in {_normal(name) for name in identity.names}:
        return
    names = shown(", ".join(identity.names))
    yield Fault(
        code="announced-name-mismatch",
        why=f"The peer calls itself {shown(announced)}, its certificate is for "
        f"{names or 'no name'}.",
        expected=names,
        presented=shown(announced),
        hint="Set its ServerName to a name in its certificate, or reissue the certificate.",
    )


def _list_faults(
    evidence: Evidence, identity: PeerIdentity, generation: Judging
) -> Iterable[Fault]:
    """The dialled and the announced name, or else one of the certificate's, must be allowed."""
    stated = [name for name in (evidence.dialled_name, evidence.announced_name) if name is not None]
    if not stated and not identity.names:
        yield _nameless()
        return
    allowed = generation.allowed
    decisions = (
        [allowed.decide(name) for name in dict.fromkeys(stated)]
        if stated
        else [allowed.decide_any(identity.names)]
    )
    for decision in decisions:
        if not decision.allowed:
            listed = (
                f"the name {decision.presented} is not in SSLAllowedClients ({decision.expected})"
                if allowed.names
                else f"SSLAllowedClients is empty: nobody may connect, nor may {decision.presented}"
            )
            yield Fault(
                code=decision.code,
                why=f"The certificate is good, {listed}.",
                expected=decision.expected,
                presented=decision.presented,
                hint=decision.hint or "Add it if it belongs to this installation.",
            )


def _nameless() -> Fault:
    return Fault(
        code="no-subject-alternative-name",
        why="The peer's certificate has no DNS name in a subject alternative name, so nothing says "
        "which server it is; a common name is not looked at (RFC 9525).",
        expected="a DNS name that is allowed",
        presented="no name",
        hint="Reissue it with the server's name as subject alternative name.",
    )


def _role_faults(
    evidence: Evidence, identity: PeerIdentity, generation: Judging
) -> Iterable[Fault]:
    """The announced component must be granted by the certificate's roles and by the roster."""
    component = evidence.announced_component
    if component is None:
        return
    if identity.roles and component not in identity.roles:
        granted = ", ".join(sorted(role.label for role in identity.roles))
        yield Fault(
            code="role-not-granted",
            why=f"The peer speaks for {component.label}, its certificate grants {granted}.",
            expected=granted,
            presented=component.label,
            hint=f"Reissue its certificate with the role {component.label}.",
        )
    expected = generation.hosts.get(component)
    if expected is None and not identity.roles:
        yield _unplaced(component)
    elif expected is not None:
        if _normal(expected) in {_normal(name) for name in identity.names}:
            return
        presented = shown(evidence.announced_name or ", ".join(identity.names))
        yield Fault(
            code="component-unexpected",
            why=f"{component.label} is expected on {expected}, not on {presented}.",
            expected=expected,
            presented=presented,
            hint=f"Correct the place of {component.label} in this server's settings.",
        )


def _unplaced(component: Component) -> Fault:
    return Fault(
        code="component-unexpected",
        why=f"Nothing says on which server {component.label} runs, and no certificate role does.",
        expected="a role in the certificate, or the server's name in the settings",
        presented="neither",
        hint=f"Name the server of {component.label} in this server's settings.",
    )


def _normal(name: str) -> str:
    return name.rstrip(".").lower()
