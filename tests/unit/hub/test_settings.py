"""hub/hub.ini: its keys, and every fault at once."""

from pathlib import Path

import pytest

from sottovoce.errors import SettingsError
from sottovoce.hub import HUB_KEYS, HubSettings
from sottovoce.hub.settings import WebPlace
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


REQUIRED = b"LuiHost=a.test\nTrackerHost=b.test\n"


def test_without_a_port_there_are_no_pages() -> None:
    assert HubSettings.read(parse(REQUIRED), file="hub.ini").web is None


def test_pages_are_on_this_machine_only_unless_it_is_https() -> None:
    """W6: HTTPS for people is independent of the internal traffic."""
    text = REQUIRED + b"WebPort=8090\n"
    assert HubSettings.read(parse(text), file="hub.ini").web == WebPlace(port=8090)
    text += b"WebAddress=10.0.0.1\nWebKeystorePath=/etc/web.p12\nWebKeystorePassword=secret\n"
    place = HubSettings.read(parse(text), file="hub.ini").web
    assert place is not None
    assert (place.address, place.keystore_path) == ("10.0.0.1", Path("/etc/web.p12"))
    assert "secret" not in repr(place)


@pytest.mark.parametrize(
    ("text", "code", "key", "line"),
    [
        ("WebPort=8090\nWebAddress=0.0.0.0\n", "ini-bad-value", "WebAddress", 4),
        ("WebAddress=127.0.0.1\n", "ini-missing-key", "WebPort", None),
        (
            "WebPort=8090\nWebKeystorePath=/w.p12\n",
            "ini-missing-key",
            "WebKeystorePassword",
            None,
        ),
        ("WebPort=8090\nWebKeystorePassword=x\n", "ini-missing-key", "WebKeystorePath", None),
    ],
)
def test_pages_whose_settings_do_not_fit_together_are_refused(
    text: str, code: str, key: str, line: int | None
) -> None:
    with pytest.raises(SettingsError) as caught:
        HubSettings.read(parse(REQUIRED + text.encode()), file="hub.ini")
    (fault,) = caught.value.faults
    assert (fault.code, fault.key, fault.line) == (code, key, line)
    assert fault.hint
