"""How ``sottovoce edges`` prints: text of at most 80 columns, everything as JSON-ready fields."""

import textwrap
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sottovoce.contracts import CertificateFacts, EdgePosture, Refusal
from sottovoce.hub.service import ChangeKind, EdgeChange, Refused, SecurityReport
from sottovoce.hub.service.words import Level, edge_name, is_replaced, time_left, trouble
from sottovoce.policy import Component

__all__ = ["fields", "history", "overview"]

WIDTH = 80

#: Who was not let in is printed for a day, and at most so many of them.
STRANGERS_SHOWN, MOST_STRANGERS = timedelta(days=1), 10

#: Of a fingerprint the beginning is enough to compare by eye; ``--json`` has all of it.
PRINT_SHOWN = 23


def overview(report: SecurityReport, *, running: bool) -> str:
    """Return the sentence on top, each connection, and who was not let in lately."""
    lines = _wrapped(report.headline.sentence)
    if not running:
        lines += _wrapped("HUB does not run on this home: this is what it was told last.")
    for edge in report.edges:
        lines += ["", *_edge(edge, report)]
    recent = [each for each in report.refused if each.caller.at > report.at - STRANGERS_SHOWN]
    if recent:
        lines += ["", "Not let in during the last day:"]
        for refused in recent[:MOST_STRANGERS]:
            lines += _refused(refused)
        if len(recent) > MOST_STRANGERS:
            lines.append(f"  and {len(recent) - MOST_STRANGERS} more (--json has them)")
    return "\n".join(lines)


def _edge(edge: EdgePosture, report: SecurityReport) -> Iterator[str]:
    at = report.at
    since = f" since {_time(edge.since)}" if edge.since is not None else ""
    yield f"{edge_name(edge)}, port {edge.port}: {trouble(edge)}{since}"
    yield from _row("expected", edge.name)
    if edge.message:
        yield from _row("why", edge.message)
    if edge.state == "secured":
        yield from _row("tls", ", ".join(part for part in (edge.tls, edge.group) if part))
    for whose, facts in edge.certificates:
        replaced = is_replaced(facts, whose, report.shown)
        yield from _certificate(f"{whose.label} has", facts, at, replaced=replaced)
    if edge.state == "refused" and edge.called_certificate is not None:
        yield from _certificate("shown", edge.called_certificate, at)
        if edge.known and edge.known != edge.fingerprint:
            yield from _row("was", f"SHA-256 {edge.known[:PRINT_SHOWN]}…")
    if edge.refusal is not None:
        yield from _row("refused", _refusal(edge.refusal, edge))


def _certificate(
    label: str, facts: CertificateFacts, at: datetime, *, replaced: bool = False
) -> Iterator[str]:
    level, left = time_left(facts, at)
    ends = f"expired {left}" if facts.ends <= at else f"expires {left}"
    advice = "" if level is Level.FINE else ": renew it"
    advice = "; a new one is in force" if replaced else advice
    names = ", ".join(facts.names) or "no name"
    yield from _row(label, f"{names}, {ends}{advice}")
    yield from _row("", f"SHA-256 {facts.fingerprint[:PRINT_SHOWN]}…")


def _refusal(refusal: Refusal, edge: EdgePosture) -> str:
    by = {"caller": f" by {edge.caller.label}", "called": f" by {edge.called.label}"}
    words = f"{_time(refusal.at)}{by.get(refusal.by, '')}, {refusal.code}: {refusal.message}"
    return f"{words} {refusal.next_step}".rstrip()


def _refused(refused: Refused) -> Iterator[str]:
    caller = refused.caller
    times = f", {caller.attempts} times" if caller.attempts > 1 else ""
    yield f"  {_time(caller.at)}  {caller.address} at {refused.called.label}'s port {caller.port}"
    yield from _row("", f"{caller.code}{times}: {caller.message}")


def history(report: SecurityReport) -> str:
    """Return the changes, the newest first."""
    if not report.changes:
        return "No change has been noted yet."
    lines: list[str] = []
    for change in report.changes:
        lines += _wrapped(f"{_time(change.at)}  {_change(change)}", indent="    ")
    return "\n".join(lines)


def _change(change: EdgeChange) -> str:
    where = f"{change.caller.label} → {change.called.label}"
    match change.kind:
        case ChangeKind.STATE:
            reason = f" ({change.code})" if change.code else ""
            before = f"{change.before} → " if change.before else ""
            return f"{where}: {before}{change.after}{reason} {change.message}".rstrip()
        case ChangeKind.CERTIFICATE:
            whose = Component(change.code).label
            return (
                f"{where}: another certificate of {whose}: {change.message}, "
                f"SHA-256 {change.after[:PRINT_SHOWN]}…"
            )
        case ChangeKind.REFUSAL:
            return f"{where}: an attempt was refused ({change.code}) {change.message}".rstrip()


def _row(label: str, text: str) -> list[str]:
    """Return a labelled line, folded under itself."""
    if not text:
        return []
    return _wrapped(f"  {label:<9} {text}", indent=" " * 12)


def _wrapped(text: str, *, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


# JSON.


def fields(report: SecurityReport, *, running: bool, history: int | None) -> dict[str, Any]:
    """Return everything as JSON-ready fields; the changes only when a history was asked for."""
    found: dict[str, Any] = {
        "at": report.at.isoformat(),
        "sentence": report.headline.sentence,
        "level": report.headline.level.name.lower(),
        "hub_runs": running,
        "edges": [_edge_fields(edge, report) for edge in report.edges],
        "refused": [_refused_fields(refused) for refused in report.refused],
    }
    if history:
        found["changes"] = [_change_fields(change) for change in report.changes]
    return found


def _edge_fields(edge: EdgePosture, report: SecurityReport) -> dict[str, Any]:
    at, shown = report.at, report.shown
    seen = edge.called_certificate
    return {
        "from": edge.caller.value,
        "to": edge.called.value,
        "port": edge.port,
        "state": edge.state,
        "since": _iso(edge.since),
        "name": edge.name,
        "seen": list(seen.names) if seen is not None else [],
        "fingerprint": edge.fingerprint,
        "known": edge.known,
        "tls": edge.tls,
        "group": edge.group,
        "expires": _iso(edge.expires),
        "days_left": (edge.expires - at).days if edge.expires is not None else None,
        "certificates": [
            {
                "of": whose.value,
                "names": list(facts.names),
                "fingerprint": facts.fingerprint,
                "begins": facts.begins.isoformat(),
                "ends": facts.ends.isoformat(),
                "level": time_left(facts, at)[0].name.lower(),
                "replaced": is_replaced(facts, whose, shown),
            }
            for whose, facts in edge.certificates
        ],
        "code": edge.code,
        "why": edge.message,
        "last_refusal": _refusal_fields(edge.refusal),
    }


def _refusal_fields(refusal: Refusal | None) -> dict[str, str] | None:
    if refusal is None:
        return None
    return {
        "at": refusal.at.isoformat(),
        "code": refusal.code,
        "why": refusal.message,
        "next": refusal.next_step,
        "by": refusal.by,
    }


def _refused_fields(refused: Refused) -> dict[str, Any]:
    caller = refused.caller
    return {
        "at": caller.at.isoformat(),
        "called": refused.called.value,
        "port": caller.port,
        "address": caller.address,
        "code": caller.code,
        "why": caller.message,
        "names": list(caller.names),
        "component": caller.component,
        "fingerprint": caller.fingerprint,
        "by": caller.by,
        "attempts": caller.attempts,
    }


def _change_fields(change: EdgeChange) -> dict[str, str]:
    return {
        "at": change.at.isoformat(),
        "from": change.caller.value,
        "to": change.called.value,
        "kind": change.kind.value,
        "before": change.before,
        "after": change.after,
        "code": change.code,
        "why": change.message,
    }


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else ""
