"""Where a password stands: a path or a credential's name, and never shown when it is neither."""

from pathlib import Path

import pytest

from sottovoce import ini
from sottovoce.errors import SettingsError

KEYS: tuple[ini.AnyKey, ...] = (
    ini.Key("PasswordFile", ini.PasswordFile()),
    ini.Key("Credential", ini.CredentialName()),
)


def test_a_path_and_a_name_are_read() -> None:
    settings = ini.read_table(ini.parse(b"PasswordFile=/etc/x\nCredential=smtp.pass-1\n"), KEYS)
    assert dict(settings) == {"PasswordFile": Path("/etc/x"), "Credential": "smtp.pass-1"}


@pytest.mark.parametrize(
    "line",
    [
        "PasswordFile=gehei=m",
        r"PasswordFile=C:\geheim\x",
        "Credential=gehei/m",
        "Credential=geheim:x",
        "Credential=geheim geheim",
        "Credential=geheimä",
        "Credential=..",
        "Credential=" + "geheim" * 50,
    ],
)
def test_what_is_neither_is_refused_and_not_shown(line: str) -> None:
    """W20: somebody may have written the password itself where its place belongs."""
    with pytest.raises(SettingsError) as refused:
        ini.read_table(ini.survey(line.encode()), KEYS)
    assert refused.value.faults
    assert "gehei" not in f"{refused.value}{refused.value.faults!r}"
    assert all(fault.hint for fault in refused.value.faults)
