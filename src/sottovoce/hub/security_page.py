"""What the page *Security* shows, made of the report: words and weights, ready for the template.

Pure. Everything here is text that the template escapes; how much of it there can be is bounded by
what HUB keeps (``bounds``, ``refused``) and by the numbers below.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sottovoce.contracts import CertificateFacts, EdgePosture, Refusal
from sottovoce.hub.service import ChangeKind, EdgeChange, Level, Refused, SecurityReport
from sottovoce.hub.service.posture import is_known, state_word
from sottovoce.hub.service.report import ComponentFacts
from sottovoce.hub.service.words import Shown, edge_name, is_replaced, time_left
from sottovoce.policy import Component, span

__all__ = ["SecurityView", "security_view"]

#: Who was not let in is shown for a week, and at most so many of them.
STRANGERS_SHOWN, MOST_STRANGERS = timedelta(days=7), 12

#: The weight of each state; a connection that is not known to be down weighs nothing by itself.
_WEIGHT = {"secured": "fine", "plain": "fault", "down": "fault", "refused": "fault"}

#: Seconds by which a clock may be ahead or behind without being worth a word.
_CLOCK = 2.0

#: What happened less than that ago has just happened.
_NOW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """One end's certificate."""

    whose: str
    names: tuple[str, ...]
    fingerprint: str
    ends: str
    left: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalView:
    """The last refusal of a connection."""

    at: str
    ago: str
    by: str
    code: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeView:
    """One connection."""

    name: str
    port: int
    state: str
    level: str
    since: str
    code: str
    message: str
    expected: str
    certificates: tuple[CertificateView, ...]
    shown: CertificateView | None
    known: str
    tls: str
    refusal: RefusalView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """Something that happened at a time: a change, or somebody who was not let in."""

    at: str
    what: str
    level: str
    code: str
    message: str
    prints: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentView:
    """One component and its server."""

    name: str
    server: str
    version: str
    seen: str
    clock: str
    renewal: str
    lists: str
    certificate: CertificateView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityView:
    """The page."""

    at: str
    level: str
    sentence: str
    edges: tuple[EdgeView, ...]
    components: tuple[ComponentView, ...]
    refused: tuple[EventView, ...]
    refused_more: int
    changes: tuple[EventView, ...]


def security_view(report: SecurityReport) -> SecurityView:
    """Return what the page shows of *report*."""
    head = report.headline
    recent = [each for each in report.refused if each.caller.at > report.at - STRANGERS_SHOWN]
    return SecurityView(
        at=_time(report.at),
        level=_word(head.level),
        sentence=head.sentence,
        edges=tuple(_edge(edge, report.at, report.shown) for edge in report.edges),
        components=tuple(_component(each, report.at) for each in report.components),
        refused=tuple(map(_refused, recent[:MOST_STRANGERS])),
        refused_more=max(0, len(recent) - MOST_STRANGERS),
        changes=tuple(map(_change, report.changes)),
    )


def _edge(edge: EdgePosture, at: datetime, known: Shown) -> EdgeView:
    certificates = tuple(
        _certificate(whose, facts, at, replaced=is_replaced(facts, whose, known))
        for whose, facts in edge.certificates
    )
    seen = edge.called_certificate
    refused = edge.state == "refused"
    return EdgeView(
        name=edge_name(edge),
        port=edge.port,
        state=state_word(edge),
        level=_weight(edge, certificates),
        since=_time(edge.since),
        code=edge.code,
        message=edge.message or ("It is not encrypted." if edge.state == "plain" else ""),
        expected=edge.name,
        certificates=certificates,
        shown=_certificate(edge.called, seen, at) if refused and seen is not None else None,
        known=edge.known if edge.state != "secured" else "",
        tls=", ".join(part for part in (edge.tls, edge.group) if part),
        refusal=_refusal(edge.refusal, edge, at),
    )


def _weight(edge: EdgePosture, certificates: Iterable[CertificateView]) -> str:
    """Return a connection's weight: its state's, or that of a certificate about to end."""
    if not is_known(edge):
        return "unknown"
    if edge.state != "secured":
        return _WEIGHT[edge.state]
    levels = {each.level for each in certificates}
    return next((level for level in ("fault", "warning") if level in levels), "fine")


def _certificate(
    whose: Component, facts: CertificateFacts, at: datetime, *, replaced: bool = False
) -> CertificateView:
    level, left = time_left(facts, at)
    words = f"expired {left}" if facts.ends <= at else f"expires {left}"
    if replaced:
        # The connection goes over to the new one before this one ends.
        weight, words = "quiet", f"{words}; a new one is in force"
    else:
        weight = _word(level)
        words = words if level is Level.FINE else f"{words}: renew it"
    return CertificateView(
        whose=whose.label,
        names=facts.names,
        fingerprint=facts.fingerprint,
        ends=_time(facts.ends),
        left=words,
        level=weight,
    )


def _refusal(refusal: Refusal | None, edge: EdgePosture, at: datetime) -> RefusalView | None:
    if refusal is None:
        return None
    by = {"caller": edge.caller.label, "called": edge.called.label}
    return RefusalView(
        at=_time(refusal.at),
        ago=_ago(refusal.at, at),
        by=by.get(refusal.by, ""),
        code=refusal.code,
        # The card says it already, where that is why it is refused now.
        message="" if refusal.message == edge.message else refusal.message,
        next_step=refusal.next_step,
    )


def _component(facts: ComponentFacts, at: datetime) -> ComponentView:
    ahead = facts.clock_offset
    clock = "agrees"
    if abs(ahead) > _CLOCK:
        clock = f"{span(timedelta(seconds=ahead))} {'ahead' if ahead > 0 else 'behind'}"
    if facts.last_seen is None:
        seen, clock = "never", ""
    elif facts.component is Component.HUB:
        seen, clock = "now", ""
    else:
        seen = _ago(facts.last_seen, at)
    return ComponentView(
        name=facts.component.label,
        server=facts.server,
        version=facts.version,
        seen=seen,
        clock=clock,
        renewal=facts.renewal,
        lists=facts.lists,
        certificate=(
            _certificate(facts.component, facts.certificates[0], at) if facts.certificates else None
        ),
    )


def _refused(refused: Refused) -> EventView:
    caller = refused.caller
    claims = f", which claims to be {', '.join(caller.names)}" if caller.names else ""
    times = f", {caller.attempts} times" if caller.attempts > 1 else ""
    return EventView(
        at=_time(caller.at),
        what=f"{caller.address} at {refused.called.label}'s port {caller.port}{times}{claims}",
        level="quiet",
        code=caller.code,
        message=caller.message,
        prints=(("SHA-256", caller.fingerprint),) if caller.fingerprint else (),
    )


def _change(change: EdgeChange) -> EventView:
    where = f"{change.caller.label} → {change.called.label}"
    code, level, prints = change.code, "quiet", list[tuple[str, str]]()
    match change.kind:
        case ChangeKind.STATE:
            before = f"{change.before} → " if change.before else ""
            what, level = f"{where}: {before}{change.after}", _WEIGHT.get(change.after, "quiet")
        case ChangeKind.CERTIFICATE:
            what, code = f"{where}: another certificate of {change.code.upper()}", ""
            prints = [("was", change.before), ("is", change.after)]
        case ChangeKind.REFUSAL:
            what = f"{where}: an attempt was refused"
    return EventView(
        at=_time(change.at),
        what=what,
        level=level,
        code=code,
        message=change.message,
        prints=tuple(prints),
    )


def _ago(moment: datetime, at: datetime) -> str:
    return f"{span(at - moment)} ago" if at - moment >= _NOW else "just now"


def _word(level: Level) -> str:
    return level.name.lower()


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment is not None else ""
