"""What a renaming changes in the settings of one server: the name, wherever it stands."""

import os
from pathlib import Path

import pytest

from sottovoce.errors import SettingsError
from sottovoce.server.home import Home
from sottovoce.server.rename_files import rename_in_settings

SERVER = "# ours\nServerName=Inner.Test\nComponents=hub,lui\n"
HUB = "LuiHost=inner.test\nTrackerHost = outer.test  # the public one\n"
LUI = "HubHost=inner.test.\r\nTrackerHost=outer.test\r\nSmtpHost=inner.test\r\n"


def fine() -> None:
    """The server would start."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    for name, text in (("server.ini", SERVER), ("hub/hub.ini", HUB), ("lui/lui.ini", LUI)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(0o600)
    return home


def contents(home: Home) -> dict[str, bytes]:
    return {
        str(path.relative_to(home.path)): path.read_bytes()
        for path in sorted(home.path.rglob("*"))
        if path.is_file()
    }


def test_the_name_is_replaced_wherever_it_names_a_server_and_nowhere_else(home: Home) -> None:
    changed = rename_in_settings(home, home.settings(), "inner.test", "core.test", check=fine)
    assert [each.removeprefix(f"{home.path}/") for each in changed] == [
        "hub/hub.ini: LuiHost",
        "lui/lui.ini: HubHost",
        "server.ini: ServerName",
    ]
    assert contents(home) == {
        "hub/hub.ini": HUB.replace("inner", "core").encode(),
        "lui/lui.ini": LUI.replace("HubHost=inner.test.", "HubHost=core.test").encode(),
        "server.ini": SERVER.replace("Inner.Test", "core.test").encode(),
    }
    assert rename_in_settings(home, home.settings(), "inner.test", "core.test", check=fine) == ()


def test_a_disk_that_declines_changes_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(home)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left on device; they are as they were"):
        rename_in_settings(home, home.settings(), "inner.test", "core.test", check=fine)
    assert contents(home) == before
