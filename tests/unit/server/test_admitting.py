"""A server's own list: a name put in and into force, or taken out, or everything as it was."""

import os
from pathlib import Path

import pytest

from sottovoce.errors import Fault, SettingsError
from sottovoce.server.admitting import admitting, change_list
from sottovoce.server.home import Home

TEXT = "# ours\nSSLAllowedClients=hub.test,\\\n  LUI.test\nSSLKeystorePath=/k\n# the end\n"
AFTER = "# ours\nSSLAllowedClients=hub.test,LUI.test,trk.test\nSSLKeystorePath=/k\n# the end\n"
FAULT = Fault(code="certificate-expired", why="It has ended.")


class Keeper:
    """Takes the file into force, or not."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.faults: list[tuple[Fault, ...]] = []
        self.read: list[str] = []

    async def reload(self, reason: str) -> tuple[Fault, ...]:
        assert "trk.test" in reason
        self.read.append(self.home.ssl_ini.read_text())
        return self.faults.pop(0) if self.faults else ()


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    home = Home(tmp_path)
    home.ssl_ini.parent.mkdir()
    home.ssl_ini.write_text(TEXT)
    return Keeper(home)


async def test_the_name_is_in_force_and_can_be_taken_out_again(keeper: Keeper) -> None:
    take_back = await admitting(keeper.home, keeper.reload)("trk.test")
    assert keeper.home.ssl_ini.read_text() == AFTER
    await take_back()
    assert keeper.home.ssl_ini.read_text() == TEXT
    assert keeper.read == [AFTER, TEXT]


@pytest.mark.parametrize("name", ["hub.test", "lui.test"])
async def test_a_name_that_is_there_changes_nothing(keeper: Keeper, name: str) -> None:
    """Whatever its spelling in the file; a server may join again."""
    take_back = await admitting(keeper.home, keeper.reload)(name)
    await take_back()
    assert keeper.home.ssl_ini.read_text() == TEXT
    assert keeper.read == []


def test_a_name_is_put_into_the_list_or_taken_out_and_every_other_byte_stays(
    keeper: Keeper,
) -> None:
    home = keeper.home
    assert change_list(home, add="trk.test")
    assert home.ssl_ini.read_text() == AFTER
    assert not change_list(home, add="trk.test")
    assert change_list(home, remove="trk.test")
    assert home.ssl_ini.read_text() == AFTER.replace(",trk.test", "")
    assert not change_list(home, remove="trk.test")


async def test_what_cannot_be_put_in_force_is_put_back(keeper: Keeper) -> None:
    keeper.faults = [(FAULT,)]
    with pytest.raises(SettingsError) as caught:
        await admitting(keeper.home, keeper.reload)("trk.test")
    assert caught.value.faults == (FAULT,)
    assert keeper.home.ssl_ini.read_text() == TEXT
    assert keeper.read == [AFTER, TEXT]


async def test_what_somebody_else_has_written_meanwhile_stays(keeper: Keeper) -> None:
    take_back = await admitting(keeper.home, keeper.reload)("trk.test")
    theirs = AFTER.replace("hub.test,", "hub.test,other.test,")
    keeper.home.ssl_ini.write_text(theirs)
    with pytest.raises(SettingsError, match="changed by somebody else"):
        await take_back()
    assert keeper.home.ssl_ini.read_text() == theirs


async def test_a_disk_that_declines_is_told(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left on device"):
        await admitting(keeper.home, keeper.reload)("trk.test")
    assert keeper.home.ssl_ini.read_text() == TEXT
    assert keeper.read == []
