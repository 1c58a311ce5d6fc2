"""Settings by component: revisions rise with changes only, and each sees its own."""

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from sottovoce.errors import SettingsError
from sottovoce.hub import schema
from sottovoce.policy import Component

if TYPE_CHECKING:
    from tests.unit.hub.conftest import Hub


async def _put(hub: "Hub", key: str, value: str, component: Component = Component.LUI) -> int:
    return await hub.registry.put(component, key, value, actor="account ann")


async def test_a_component_gets_what_changed_since_it_last_asked(hub: "Hub") -> None:
    first = await _put(hub, "EventTransferInterval", "60")
    second = await _put(hub, "LogLevel", "debug")

    assert (first, second) == (1, 2)
    assert (await hub.registry.since(Component.LUI, 0)).changed == {
        "EventTransferInterval": "60",
        "LogLevel": "debug",
    }
    assert (await hub.registry.since(Component.LUI, 1)).changed == {"LogLevel": "debug"}
    assert (await hub.registry.since(Component.LUI, 2)).changed == {}
    assert (await hub.registry.since(Component.LUI, 2)).rev == 2


async def test_a_component_sees_its_own_settings_only(hub: "Hub") -> None:
    await _put(hub, "LogLevel", "debug")

    reply = await hub.registry.since(Component.TRK, 0)

    assert (reply.rev, reply.changed) == (0, {})


async def test_the_same_value_again_is_no_change(hub: "Hub") -> None:
    await _put(hub, "LogLevel", "debug")

    assert await _put(hub, "LogLevel", "debug") == 1
    assert await _put(hub, "LogLevel", "") == 2
    assert (await hub.registry.since(Component.LUI, 1)).changed == {"LogLevel": ""}


@pytest.mark.parametrize("known", [3, 1000, -1])
async def test_after_a_restore_of_hub_a_component_gets_everything(hub: "Hub", known: int) -> None:
    await _put(hub, "LogLevel", "debug")
    await _put(hub, "EventTransferInterval", "60")

    reply = await hub.registry.since(Component.LUI, known)

    assert reply.rev == 2
    assert set(reply.changed) == {"LogLevel", "EventTransferInterval"}


async def test_a_change_is_audited_with_both_values(hub: "Hub") -> None:
    await _put(hub, "LogLevel", "info")
    await _put(hub, "LogLevel", "debug")
    async with hub.database.read() as connection:
        table = schema.audit
        query = sa.select(table.c.actor, table.c.subject, table.c.detail).order_by(table.c.seq)
        rows = [tuple(row) for row in (await connection.execute(query)).all()]

    assert rows == [
        ("account ann", "LUI LogLevel", "'' -> 'info'"),
        ("account ann", "LUI LogLevel", "'info' -> 'debug'"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "faults"),
    [
        ("", "x", 1),
        ("Log Level", "x", 1),
        ("LogLevel", "two\nlines", 1),
        ("LogLevel", "x" * 5000, 1),
        ("1st", "\0", 2),
    ],
)
async def test_what_no_ini_file_could_hold_is_refused(
    hub: "Hub", key: str, value: str, faults: int
) -> None:
    with pytest.raises(SettingsError) as caught:
        await _put(hub, key, value)

    assert [fault.code for fault in caught.value.faults] == ["setting-malformed"] * faults
    assert (await hub.registry.since(Component.LUI, 0)).rev == 0
