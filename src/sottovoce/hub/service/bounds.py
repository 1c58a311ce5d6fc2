"""What components report, cut to a size that can be kept and shown; their words are data.

A partner is authenticated, not trusted with the size of HUB's database or pages.
"""

from collections.abc import Mapping, Set
from datetime import datetime

import msgspec

from sottovoce.contracts import (
    CertificateFacts,
    EdgePosture,
    Naming,
    PreparedSwitch,
    Refusal,
    RefusedCaller,
    Status,
)
from sottovoce.hub.service.installation import utc
from sottovoce.ini import normalise_host_name, shown
from sottovoce.policy import CONNECTIONS, Component

__all__ = ["bounded_caller", "bounded_status"]

_NAME, _CODE, _TEXT, _MOST = 253, 64, 400, 32
#: Of a prepared switch: certificates of a chain, octets of each, and trusted roots (a server may
#: trust all the public ones).
_CHAIN, _OCTETS, _ROOTS = 12, 16384, 512
#: Names of an allowed list.
_ALLOWED = 512
_STATES = frozenset({"secured", "plain", "down", "refused"})
_DIALS = frozenset(f"{one}-{other}" for one, other in CONNECTIONS)


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
        certificates=tuple(
            facts for each in status.certificates[:_MOST] if (facts := _certificate(each))
        ),
        roots=tuple(shown(root, limit=_NAME) for root in status.roots[:_MOST]),
        trust_rev=shown(status.trust_rev, limit=_NAME),
        issuer=shown(status.issuer, limit=_NAME),
        renewal=shown(status.renewal, limit=_CODE),
        lists=shown(status.lists, limit=_CODE),
        prepared=_prepared(status.prepared),
        naming=_naming(status.naming),
    )


def _prepared(report: PreparedSwitch | None) -> PreparedSwitch | None:
    """Bound it; whatever is too long for a name is no name of a server either."""
    if report is None:
        return None
    chain = tuple(each for each in report.chain[:_CHAIN] if len(each) <= _OCTETS)
    return PreparedSwitch(
        rev=shown(report.rev, limit=_CODE),
        server=shown(report.server, limit=_NAME),
        moved=report.moved,
        chain=chain,
        roots=tuple(shown(root, limit=_CODE * 2) for root in report.roots[:_ROOTS]),
        allowed=_listed(report.allowed),
        dials=_names(report.dials, _DIALS),
        expects=_names(report.expects, set(Component)),
        code=shown(report.code, limit=_CODE),
        message=shown(report.message, limit=_TEXT),
    )


def _naming(naming: Naming | None) -> Naming | None:
    if naming is None:
        return None
    return Naming(
        server=shown(naming.server, limit=_NAME),
        allowed=_listed(naming.allowed),
        dials=_names(naming.dials, _DIALS),
        expects=_names(naming.expects, set(Component)),
    )


def _listed(names: tuple[str, ...]) -> tuple[str, ...]:
    normal = (_normal(name) for name in names[:_ALLOWED])
    return tuple(dict.fromkeys(name for name in normal if name))


def _normal(name: str) -> str:
    try:
        return normalise_host_name(name)
    except ValueError:
        return ""


def _names(given: Mapping[str, str], keys: Set[str]) -> dict[str, str]:
    return {key: shown(name, limit=_NAME) for key, name in given.items() if key in keys}


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
