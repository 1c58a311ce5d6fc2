from pathlib import Path

import pytest

from sottovoce.errors import SettingsError
from sottovoce.ini import parse
from sottovoce.lui import LUI_KEYS, LuiSettings, SmtpSecurity

LEAST = "HubHost=hub.test\nTrackerHost=trk.test\nSmtpHost=127.0.0.1\n"


def read(text: str) -> LuiSettings:
    return LuiSettings.read(parse(text.encode()), file="lui/lui.ini")


def test_three_keys_are_enough() -> None:
    settings = read(LEAST)
    assert (settings.hub_host, settings.hub_port) == ("hub.test", 1099)
    assert (settings.tracker_host, settings.tracker_port) == ("trk.test", 7000)
    assert settings.hub_address is None
    assert (settings.smtp_port, settings.smtp_security) == (25, SmtpSecurity.NONE)
    assert (settings.smtp_connections, settings.event_transfer_interval) == (4, 60.0)


def test_the_relays_encryption_is_set_here_and_not_in_ssl_ini() -> None:
    """W7."""
    settings = read(
        f"{LEAST}SmtpSecurity=starttls\nSmtpTrustedRoots=/etc/roots.pem\nSmtpUser=lui\n"
        "SmtpPassword=secret\nEventTransferInterval=0.2\nMailDomain=mail.example.org\n"
    )
    assert settings.smtp_security is SmtpSecurity.STARTTLS
    assert settings.smtp_trusted_roots == Path("/etc/roots.pem")
    assert settings.smtp_password.reveal() == "secret"
    assert "secret" not in repr(settings)
    assert settings.event_transfer_interval == 0.2


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read("HubHost=hub.test\nSmtpSecurity=ssl\nEventTransferInterval=0.1\nSmtpHots=x\n")
    keys = {fault.key for fault in caught.value.faults}
    assert keys == {"SmtpSecurity", "EventTransferInterval", "SmtpHots", "TrackerHost", "SmtpHost"}


def test_every_key_says_what_it_is_for() -> None:
    assert all(key.help.endswith(".") for key in LUI_KEYS)
