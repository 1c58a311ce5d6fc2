"""What components report, cut to a size that can be kept and shown; their words are data.

A partner is authenticated, not trusted with the size of HUB's database or pages.
"""

from datetime import datetime

import msgspec

from sottovoce.contracts import CertificateFacts, EdgePosture, Refusal, RefusedCaller, Status
from sottovoce.hub.service.installation import utc
from sottovoce.ini import shown
from sottovoce.policy import CONNECTIONS, Component

__all__ = ["bounded_caller", "bounded_status"]

_NAME, _CODE, _TEXT, _MOST = 253, 64, 400, 32
_STATES = frozenset({"secured", "plain", "down", "refused"})


def bounded_status(status: Status, reporter: Component, now: datetime) -> Status:
    """Return a status with the reporter's own connections only, and every text bounded.

    Args:
        status: as it came.
        reporter: who says so.
        now: UTC; nothing that is reported happened later.
    """
    edges = {
        (edge.caller, edge.called): _edge(edge, now)
        for edge in status.edges[:_MOST]
        if edge.caller is reporter
        and (edge.caller, edge.called) in CONNECTIONS
        and edge.state in _STATES
    }
    return msgspec.structs.replace(
        status,
        edges=tuple(edges.values()),
        refused=tuple(bounded_caller(caller, now) for caller in status.refused[-_MOST:]),
        roots=tuple(shown(root, limit=_NAME) for root in status.roots[:_MOST]),
        trust_rev=shown(status.trust_rev, limit=_NAME),
        issuer=shown(status.issuer, limit=_NAME),
        renewal=shown(status.renewal, limit=_CODE),
    )


def bounded_caller(caller: RefusedCaller, now: datetime) -> RefusedCaller:
    """Return a refused caller with every text bounded, and in the past."""
    return msgspec.structs.replace(
        caller,
        at=min(utc(caller.at), now),
        address=shown(caller.address, limit=_CODE),
        code=shown(caller.code, limit=_CODE),
        message=shown(caller.message, limit=_TEXT),
        names=tuple(shown(name, limit=_NAME) for name in caller.names[:_MOST]),
        component=shown(caller.component, limit=_CODE),
        fingerprint=shown(caller.fingerprint, limit=_CODE * 2),
    )


def _edge(edge: EdgePosture, now: datetime) -> EdgePosture:
    return msgspec.structs.replace(
        edge,
        since=min(utc(edge.since), now) if edge.since is not None else None,
        name=shown(edge.name, limit=_NAME),
        caller_certificate=_certificate(edge.caller_certificate),
        called_certificate=_certificate(edge.called_certificate),
        known=shown(edge.known, limit=_CODE * 2),
        tls=shown(edge.tls, limit=_CODE),
        group=shown(edge.group, limit=_CODE),
        code=shown(edge.code, limit=_CODE),
        message=_said(edge.caller, edge.message),
        refusal=_refusal(edge.refusal, edge.caller, now),
    )


def _certificate(facts: CertificateFacts | None) -> CertificateFacts | None:
    if facts is None:
        return None
    return msgspec.structs.replace(
        facts,
        begins=utc(facts.begins),
        ends=utc(facts.ends),
        names=tuple(shown(name, limit=_NAME) for name in facts.names[:_MOST]),
        fingerprint=shown(facts.fingerprint, limit=_CODE * 2),
    )


def _said(reporter: Component, message: str) -> str:
    """Return a reporter's words as its own: its “this server” is not HUB's."""
    return f"{reporter.label} says: {shown(message, limit=_TEXT)}" if message else ""


def _refusal(refusal: Refusal | None, reporter: Component, now: datetime) -> Refusal | None:
    if refusal is None:
        return None
    next_step = shown(refusal.next_step, limit=_TEXT)
    return msgspec.structs.replace(
        refusal,
        at=min(utc(refusal.at), now),
        code=shown(refusal.code, limit=_CODE),
        message=_said(reporter, refusal.message),
        next_step=f"On {reporter.label}'s server: {next_step}" if next_step else "",
        by=refusal.by if refusal.by in {"caller", "called"} else "",
    )
