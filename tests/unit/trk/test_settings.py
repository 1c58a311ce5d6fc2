"""``tracker.ini``: its keys, its defaults, every fault at once."""

from pathlib import Path

import pytest

from sottovoce.errors import SettingsError
from sottovoce.ini import parse
from sottovoce.trk import TrkSettings

LEAST = "HubHost=hub.test\nLuiHost=LUI.test\n"


def read(text: str) -> TrkSettings:
    return TrkSettings.read(parse(text.encode()), file="trk/tracker.ini")


def faults_of(text: str) -> list[tuple[str, str | None]]:
    with pytest.raises(SettingsError) as caught:
        read(text)
    return [(fault.code, fault.key) for fault in caught.value.faults]


def test_the_least_file_gives_the_defaults_of_the_white_paper() -> None:
    """W2."""
    assert read(LEAST) == TrkSettings(
        hub_host="hub.test",
        lui_host="lui.test",
        hub_port=1099,
        public_address="0.0.0.0",
        public_port=80,
    )


def test_everything_can_be_set() -> None:
    settings = read(
        LEAST + "HubPort=2099\nHubAddress=127.0.0.2\nPublicUrl=https://t.example.org/\n"
        "PublicAddress=127.0.0.3\nWebKeystorePath=/etc/web.p12\nWebKeystorePassword=secret\n"
        "HeartbeatInterval=5s\nRequestsPerSecond=0\nReservedSpace=1\n"
    )
    assert (settings.hub_port, settings.hub_address) == (2099, "127.0.0.2")
    assert settings.public_url == "https://t.example.org"
    assert (settings.public_address, settings.public_port) == ("127.0.0.3", 443)
    assert settings.web_keystore_path == Path("/etc/web.p12")
    assert settings.web_keystore_password is not None
    assert settings.web_keystore_password.reveal() == "secret"
    assert "secret" not in repr(settings)
    assert settings.heartbeat_interval == 5
    assert (settings.requests_per_second, settings.reserved_space) == (0, 1024 * 1024)


def test_every_fault_is_named_at_once() -> None:
    text = "HubPort=99999\nPublicUrl=t.example.org\nHubHots=x\nWebKeystorePath=/w.p12\n"
    assert sorted(faults_of(text)) == [
        ("ini-bad-value", "HubPort"),
        ("ini-bad-value", "PublicUrl"),
        ("ini-missing-key", "HubHost"),
        ("ini-missing-key", "LuiHost"),
        ("ini-missing-key", "WebKeystorePassword"),
        ("ini-unknown-key", "HubHots"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://t.example.org",
        "https://",
        "https://me:you@t.example.org",
        "https://t.example.org/path",
        "https://t.example.org?a=b",
        "https://t.example.org:port",
    ],
)
def test_a_public_url_is_scheme_host_and_port_only(url: str) -> None:
    assert faults_of(f"{LEAST}PublicUrl={url}\n") == [("ini-bad-value", "PublicUrl")]
