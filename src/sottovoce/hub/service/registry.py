"""Settings of the components, kept by HUB: each change raises its component's revision by one.

HUB does not know what a component's settings mean; the component that reads them judges them. An
empty value means "inherit the component's default".
"""

import re

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import SettingsReply
from sottovoce.errors import Fault, SettingsError
from sottovoce.hub import schema
from sottovoce.hub.service import audit
from sottovoce.net.clock import Clock
from sottovoce.policy import Component
from sottovoce.store import Database

__all__ = ["Registry", "revision"]

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_VALUE_LONGEST = 4096


class Registry:
    """Settings by component, with revisions.

    Args:
        database: HUB's.
        clock: UTC.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def since(self, component: Component, revision_known: int) -> SettingsReply:
        """Return *component*'s settings changed after *revision_known*.

        All of them when that revision lies ahead of HUB's own: HUB was restored from a backup.
        """
        table = schema.setting
        async with self._database.read() as connection:
            current = await revision(connection, component)
            start = revision_known if 0 <= revision_known <= current else 0
            query = (
                sa.select(table.c.key, table.c.value)
                .where(table.c.component == component.value, table.c.rev > start)
                .order_by(table.c.key)
            )
            rows = (await connection.execute(query)).all()
        return SettingsReply(rev=current, changed={row.key: row.value for row in rows})

    async def put(self, component: Component, key: str, value: str, *, actor: str) -> int:
        """Set *key* of *component*; return its revision, unchanged when the value is the same.

        Raises:
            SettingsError: ``setting-malformed``: no INI key, or a value of more than one line.
        """
        _check(component, key, value)
        now, table = self._clock(), schema.setting
        place = (table.c.component == component.value) & (table.c.key == key)
        async with self._database.write() as connection:
            current = await revision(connection, component)
            before = (await connection.execute(sa.select(table.c.value).where(place))).scalar()
            if before == value:
                return current
            values = {
                "component": component.value,
                "key": key,
                "value": value,
                "rev": current + 1,
                "changed": now,
                "changed_by": actor,
            }
            await connection.execute(sa.insert(table).prefix_with("OR REPLACE").values(values))
            act = audit.Act(
                at=now,
                actor=actor,
                verb="setting-changed",
                subject=f"{component.label} {key}",
                detail=f"{before or ''!r} -> {value!r}",
            )
            await audit.record(connection, act)
        return current + 1


async def revision(connection: AsyncConnection, component: Component) -> int:
    """Return the number of the last change to *component*'s settings; 0 when there was none."""
    table = schema.setting
    query = sa.select(sa.func.max(table.c.rev)).where(table.c.component == component.value)
    return (await connection.execute(query)).scalar() or 0


def _check(component: Component, key: str, value: str) -> None:
    faults = []
    if _KEY.fullmatch(key) is None:
        faults.append(
            Fault(
                code="setting-malformed",
                why=f"{key[:80]!r} cannot be a setting of {component.label}.",
                expected="letters and digits, at most 64",
                presented=key[:80],
                hint="Write the key as the component's documentation has it.",
            )
        )
    if len(value) > _VALUE_LONGEST or not value.isprintable():
        faults.append(
            Fault(
                code="setting-malformed",
                why=f"The value of {key[:80]} is no single line of at most {_VALUE_LONGEST}.",
                hint="Give a value of one line.",
                key=key[:80],
            )
        )
    if faults:
        raise SettingsError(faults)
