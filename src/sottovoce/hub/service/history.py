"""The history of the connections: each change of a state, a certificate or the last refusal.

What is new is found by comparing with what was noted last, so that nothing is missed while HUB is
not running: it is noted then at HUB's next look. Old changes go, and so do the oldest of too many.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import CertificateFacts, EdgePosture, Refusal
from sottovoce.hub import schema
from sottovoce.hub.service.installation import Installation
from sottovoce.hub.service.posture import UNHEARD, noted, posture, state_word
from sottovoce.policy import Component

__all__ = ["KEPT", "MOST_KEPT", "ChangeKind", "EdgeChange", "changes", "note", "prune"]

#: A year's audit looks back over thirteen months (as the retention of events does).
KEPT = timedelta(days=400)
#: A connection that comes and goes every few seconds must not fill the disk.
MOST_KEPT = 10_000
#: A refused component tries on: a refusal for the same reason is news again after such a pause.
SAME_REFUSAL = timedelta(hours=1)


class ChangeKind(StrEnum):
    """What changed."""

    STATE = "state"
    CERTIFICATE = "certificate"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeChange:
    """One row of the history.

    Args:
        at: when HUB noticed, UTC.
        caller, called: the connection.
        kind: what changed.
        before, after: the states as people read them, or the certificates' SHA-256 fingerprints;
            empty for none.
        code: why, for a state; the reason, for a refusal; whose, for a certificate.
        message: more about it, as a sentence.
    """

    at: datetime
    caller: Component
    called: Component
    kind: ChangeKind
    before: str
    after: str
    code: str
    message: str


async def note(
    connection: AsyncConnection, installation: Installation, now: datetime
) -> tuple[EdgeChange, ...]:
    """Look how every connection stands, write down what has changed, and return that."""
    before = await noted(connection)
    found: list[EdgeChange] = []
    for edge in await posture(connection, installation, now):
        old = before.get((edge.caller, edge.called))
        found += _changes(old, edge, now)
        kept = _kept(old, edge)
        if kept != old:
            await connection.execute(
                sa.insert(schema.edge)
                .prefix_with("OR REPLACE")
                .values(
                    caller=edge.caller.value,
                    called=edge.called.value,
                    posture=msgspec.json.encode(kept).decode(),
                )
            )
    for change in found:
        await connection.execute(sa.insert(schema.edge_change).values(_row(change)))
    return tuple(found)


async def changes(connection: AsyncConnection, *, limit: int) -> tuple[EdgeChange, ...]:
    """Return the newest changes, the newest first."""
    table = schema.edge_change
    rows = (
        await connection.execute(sa.select(table).order_by(table.c.id.desc()).limit(limit))
    ).all()
    return tuple(
        EdgeChange(
            at=row.at,
            caller=Component(row.caller),
            called=Component(row.called),
            kind=ChangeKind(row.kind),
            before=row.before,
            after=row.after,
            code=row.code,
            message=row.message,
        )
        for row in rows
    )


async def prune(connection: AsyncConnection, now: datetime) -> int:
    """Delete what is too old, and the oldest of too many; return how many rows went."""
    table = schema.edge_change
    newest = sa.select(table.c.id).order_by(table.c.id.desc()).limit(MOST_KEPT)
    gone = await connection.execute(
        sa.delete(table).where((table.c.at < now - KEPT) | table.c.id.not_in(newest))
    )
    return gone.rowcount


def _changes(old: EdgePosture | None, new: EdgePosture, now: datetime) -> Iterator[EdgeChange]:
    def change(kind: ChangeKind, **parts: str) -> EdgeChange:
        return EdgeChange(at=now, caller=new.caller, called=new.called, kind=kind, **parts)

    was, now_is = state_word(old) if old is not None else "", state_word(new)
    known = new.code not in UNHEARD or old is not None
    entered = now_is != was and known
    if entered:
        yield change(ChangeKind.STATE, before=was, after=now_is, code=new.code, message=new.message)
    for whose, before, after in _ends(old, new):
        # The first one ever seen is no change; it stands as the old one in the first change.
        if before is not None and before.fingerprint != after.fingerprint:
            yield change(
                ChangeKind.CERTIFICATE,
                before=before.fingerprint,
                after=after.fingerprint,
                code=whose.value,
                message=f"{', '.join(after.names)}, until {after.ends:%Y-%m-%d %H:%M} UTC",
            )
    refusal = new.refusal
    told = entered and new.state == "refused" and refusal is not None and refusal.code == new.code
    if refusal is not None and not told and _is_news(old.refusal if old else None, refusal):
        yield change(
            ChangeKind.REFUSAL,
            before="",
            after=refusal.by,
            code=refusal.code,
            message=refusal.message,
        )


def _ends(
    old: EdgePosture | None, new: EdgePosture
) -> Iterator[tuple[Component, CertificateFacts | None, CertificateFacts]]:
    """Return, for each end of a connection that stands, its certificate before and now."""
    for whose, facts in new.certificates:
        before = None
        if old is not None:
            before = old.caller_certificate if whose is new.caller else old.called_certificate
        yield whose, before, facts


def _is_news(old: Refusal | None, new: Refusal) -> bool:
    if old is None or (old.code, old.by) != (new.code, new.by):
        return True
    return new.at - old.at >= SAME_REFUSAL


def _kept(old: EdgePosture | None, new: EdgePosture) -> EdgePosture:
    """Return what is remembered: certificates stay those by which the connection last stood."""
    if new.state == "secured" and new.called_certificate is not None:
        return new
    return msgspec.structs.replace(
        new,
        caller_certificate=old.caller_certificate if old is not None else None,
        called_certificate=old.called_certificate if old is not None else None,
    )


def _row(change: EdgeChange) -> dict[str, object]:
    return {
        "at": change.at,
        "caller": change.caller.value,
        "called": change.called.value,
        "kind": change.kind.value,
        "before": change.before,
        "after": change.after,
        "code": change.code,
        "message": change.message,
    }
