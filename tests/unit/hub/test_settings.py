"""hub/hub.ini: its keys, and every fault at once."""

import pytest

from sottovoce.errors import SettingsError
from sottovoce.hub import HUB_KEYS, HubSettings
from sottovoce.ini import parse


def test_a_whole_file_is_read() -> None:
    text = b"LuiHost=LUI.test\nTrackerHost: trk.test.\nHeartbeatInterval=2m\n"

    settings = HubSettings.read(parse(text), file="hub/hub.ini")

    assert settings == HubSettings(
        lui_host="lui.test", tracker_host="trk.test", heartbeat_interval=120
    )


def test_two_names_are_enough() -> None:
    settings = HubSettings.read(parse(b"LuiHost=a.test\nTrackerHost=b.test\n"), file="hub.ini")

    assert settings.heartbeat_interval == 10.0


def test_every_fault_is_reported_at_once_with_its_line() -> None:
    text = b"LuiHost=not a name\nHeartbeatInterval=0\nColour=red\n"

    with pytest.raises(SettingsError) as caught:
        HubSettings.read(parse(text), file="hub/hub.ini")

    places = {(fault.key, fault.line) for fault in caught.value.faults}
    assert places >= {
        ("LuiHost", 1),
        ("HeartbeatInterval", 2),
        ("Colour", 3),
        ("TrackerHost", None),
    }
    assert {fault.file for fault in caught.value.faults} == {"hub/hub.ini"}


def test_every_key_explains_itself() -> None:
    assert [key.name for key in HUB_KEYS if not key.help] == []
