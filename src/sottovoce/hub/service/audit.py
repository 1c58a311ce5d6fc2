"""The audit trail: who did what, when, each row bound to all before it by a hash.

Rows are appended within the transaction of the act they tell of, so neither exists alone. The
chain shows that rows were changed, removed or put in between; it does *not* show that its end was
cut off or that the whole was rewritten: for that, keep a :func:`head` somewhere else and give it to
:func:`verify`.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import AuditRow
from sottovoce.errors import CallRefused
from sottovoce.hub import schema
from sottovoce.policy import Component

__all__ = ["Act", "AuditHead", "AuditVerdict", "head", "receive", "record", "verify"]

#: What the first row has in place of a predecessor's hash.
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that was done.

    Args:
        at: UTC.
        actor: who, such as ``account ann`` or ``command line (root)``.
        verb: what, kebab-case.
        subject: to what.
        detail: more about it; never a secret.
    """

    at: datetime
    actor: str
    verb: str
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The last row's number and hash."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """Whether the chain holds.

    Args:
        intact: True when it does.
        rows: how many were read.
        broken_at: the number of the first row that does not fit.
        why: what does not fit, as a sentence.
    """

    intact: bool
    rows: int
    broken_at: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """Where a row comes from; HUB's own rows have neither series nor number."""

    component: Component = Component.HUB
    server: str = ""
    series: int | None = None
    sender_seq: int | None = None


async def head(connection: AsyncConnection) -> AuditHead:
    """Return the end of the chain; number 0 when there is no row yet."""
    table = schema.audit
    query = sa.select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)
    row = (await connection.execute(query)).first()
    return AuditHead(row.seq, row.hash) if row is not None else AuditHead(0, GENESIS)


async def record(connection: AsyncConnection, act: Act) -> None:
    """Append an act of HUB's own, within the caller's write transaction."""
    await _append(connection, act, recorded=act.at, origin=_Origin())


async def receive(
    connection: AsyncConnection,
    rows: tuple[AuditRow, ...],
    *,
    sender: Component,
    server: str,
    now: datetime,
) -> int:
    """Append the rows that *sender* hands over; return the highest of its numbers now stored.

    A row that is stored already is skipped. One with a stored number and another content means
    that the sender counts anew (its database was restored or made again): a new series begins, and
    a row of HUB's says so. A gap in the numbers is recorded likewise, never passed over; rows that
    come late fill it.

    Raises:
        CallRefused: ``audit-disorder``: numbers below 1, or not rising.
    """
    _check_order(rows)
    series, stored_upto = await _sender(connection, sender)
    for row in rows:
        if row.seq > stored_upto + 1:
            detail = f"rows {stored_upto + 1} to {row.seq - 1} are missing so far"
            await record(connection, _own(now, sender, "audit-gap", detail))
        elif row.seq <= stored_upto:
            stored = await _content_stored(connection, sender, row.seq)
            if stored == _content(row):
                continue
            if stored is not None:
                series, stored_upto = series + 1, 0
                detail = f"row {row.seq} differs from the one stored"
                await record(connection, _own(now, sender, "audit-restarted", detail))
        origin = _Origin(component=sender, server=server, series=series, sender_seq=row.seq)
        await _append(connection, _act(row), recorded=now, origin=origin)
        stored_upto = max(stored_upto, row.seq)
    await _remember_sender(connection, sender, series, stored_upto)
    return stored_upto


async def verify(
    connection: AsyncConnection, *, expected_head: AuditHead | None = None
) -> AuditVerdict:
    """Read the whole chain and say whether it holds.

    Args:
        connection: for reading.
        expected_head: an earlier :func:`head` that must still be part of the chain.
    """
    table = schema.audit
    previous, count = AuditHead(0, GENESIS), 0
    met = expected_head is None or expected_head.seq == 0
    async with connection.stream(sa.select(table).order_by(table.c.seq)) as result:
        async for row in result:
            count += 1
            if why := _misfit(row, previous):
                return AuditVerdict(intact=False, rows=count, broken_at=row.seq, why=why)
            previous = AuditHead(row.seq, row.hash)
            met = met or previous == expected_head
    if not met and expected_head is not None:
        why = f"The row {expected_head.seq} that was there before is missing or another one."
        return AuditVerdict(intact=False, rows=count, broken_at=expected_head.seq, why=why)
    return AuditVerdict(intact=True, rows=count)


def _misfit(row: sa.Row[tuple[object, ...]], previous: AuditHead) -> str:
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's documented accessor
    if fields["seq"] != previous.seq + 1:
        return f"Row {previous.seq + 1} is missing."
    if fields["prev_hash"] != previous.hash:
        return f"Row {fields['seq']} was not written after the row that now stands before it."
    if fields["hash"] != _hash(dict(fields)):
        return f"Row {fields['seq']} was changed after it was written."
    return ""


async def _append(
    connection: AsyncConnection, act: Act, *, recorded: datetime, origin: _Origin
) -> None:
    last = await head(connection)
    values: dict[str, object] = {
        "seq": last.seq + 1,
        "recorded": recorded,
        "at": act.at,
        "component": origin.component.value,
        "server": origin.server,
        "series": origin.series,
        "sender_seq": origin.sender_seq,
        "actor": act.actor,
        "verb": act.verb,
        "subject": act.subject,
        "detail": act.detail,
        "prev_hash": last.hash,
    }
    values["hash"] = _hash(values)
    await connection.execute(sa.insert(schema.audit).values(values))


#: The fields under a row's hash, in this order.
_HASHED = (
    "seq",
    "recorded",
    "at",
    "component",
    "server",
    "series",
    "sender_seq",
    "actor",
    "verb",
    "subject",
    "detail",
    "prev_hash",
)


def _hash(values: dict[str, object]) -> str:
    """Return SHA-256 over the fields as a MessagePack array, which no two contents share."""
    fields = [
        value.astimezone(UTC).isoformat(timespec="microseconds")
        if isinstance(value, datetime)
        else value
        for value in (values[name] for name in _HASHED)
    ]
    return hashlib.sha256(msgspec.msgpack.encode(fields)).hexdigest()


def _check_order(rows: tuple[AuditRow, ...]) -> None:
    previous = 0
    for row in rows:
        if row.seq <= previous:
            raise CallRefused(
                "audit-disorder",
                f"Audit rows must come in the order of their numbers, from 1 on; {row.seq} came "
                f"after {previous}.",
            )
        previous = row.seq


async def _sender(connection: AsyncConnection, sender: Component) -> tuple[int, int]:
    table = schema.audit_sender
    query = sa.select(table.c.series, table.c.stored_upto).where(table.c.component == sender.value)
    row = (await connection.execute(query)).first()
    return (row.series, row.stored_upto) if row is not None else (1, 0)


async def _remember_sender(
    connection: AsyncConnection, sender: Component, series: int, stored_upto: int
) -> None:
    table = schema.audit_sender
    values = {"component": sender.value, "series": series, "stored_upto": stored_upto}
    await connection.execute(sa.insert(table).prefix_with("OR REPLACE").values(values))


async def _content_stored(
    connection: AsyncConnection, sender: Component, seq: int
) -> tuple[object, ...] | None:
    """Return what the newest row of that number says, or None when there is none."""
    table = schema.audit
    query = (
        sa.select(table.c.at, table.c.actor, table.c.verb, table.c.subject, table.c.detail)
        .where(table.c.component == sender.value, table.c.sender_seq == seq)
        .order_by(table.c.series.desc())
        .limit(1)
    )
    stored = (await connection.execute(query)).first()
    return tuple(stored) if stored is not None else None


def _content(row: AuditRow) -> tuple[object, ...]:
    return (_aware(row.at), row.actor, row.verb, row.subject, row.detail)


def _act(row: AuditRow) -> Act:
    return Act(
        at=_aware(row.at),
        actor=row.actor,
        verb=row.verb,
        subject=row.subject,
        detail=row.detail,
    )


def _own(now: datetime, sender: Component, verb: str, detail: str) -> Act:
    return Act(at=now, actor="HUB", verb=verb, subject=sender.label, detail=detail)


def _aware(moment: datetime) -> datetime:
    """Return *moment* in UTC; a sender's moment without a zone is UTC by contract."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
