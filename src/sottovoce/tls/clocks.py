"""Dates that only one of two clocks finds wrong: then it is the clocks (catalogue V4).

Pure: the two moments are given. Decides nothing: who was refused stays refused.
"""

from dataclasses import replace

from sottovoce.errors import Fault
from sottovoce.pki import Purpose, verify
from sottovoce.policy import skew_fault
from sottovoce.tls.evidence import Evidence, Side
from sottovoce.tls.judging import Judging

__all__ = ["DATE_FAULTS", "blame_clocks"]

#: The faults that another clock may mend.
DATE_FAULTS = frozenset(
    {"certificate-expired", "not-yet-valid", "issuer-expired", "issuer-not-yet-valid"}
)


def blame_clocks(
    faults: tuple[Fault, ...],
    evidence: Evidence,
    generation: Judging,
    *,
    own: str = "this server",
    peer: str = "the peer",
    ahead: float | None = None,
) -> tuple[Fault, ...]:
    """Add the difference of the clocks to faults of dates; first, where it is the cause.

    Args:
        faults: of whoever refused.
        evidence: what was judged: its ``at`` is the clock of who refused, its ``peer_time`` that
            of the other side.
        generation: whose roots know the chain.
        own, peer: the two servers, for the sentence.
        ahead: seconds by which the peer's clock is ahead of ours; by default ``peer_time`` is the
            peer's.

    Returns:
        The same faults where the clocks agree or no date was at fault.
    """
    if evidence.peer_time is None or not _dated(faults):
        return faults
    if ahead is None:
        ahead = (evidence.peer_time - evidence.at).total_seconds()
    skew = skew_fault(own, peer, ahead)
    if skew is None or skew.warning:
        return faults
    mended = verify(
        list(evidence.chain),
        roots=generation.roots,
        purpose=Purpose.CLIENT if evidence.side is Side.ACCEPTING else Purpose.SERVER,
        name=evidence.dialled_name,
        at=evidence.peer_time,
        crls=generation.revocations,
    )
    if _dated(mended.faults):
        return (*faults, skew)
    cause = replace(
        skew,
        why=f"{skew.why} The certificate is valid by one of them.",
    )
    return (cause, *faults)


def _dated(faults: tuple[Fault, ...]) -> bool:
    return any(fault.code in DATE_FAULTS for fault in faults)
