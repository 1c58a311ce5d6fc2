"""A home's files: what the system says of them becomes a fault with the next step."""

import os
from pathlib import Path

import pytest

from sottovoce.errors import FormatError, SettingsError
from sottovoce.policy import Component
from sottovoce.server import Home, is_secured
from sottovoce.server.home import Faults, occupy, read_ini, read_passwords


def refusing(error: SettingsError) -> tuple[str, str]:
    (fault,) = error.faults
    assert fault.hint
    return fault.code, fault.file or ""


def test_the_places_are_those_of_the_white_paper(tmp_path: Path) -> None:
    """W17."""
    home = Home(tmp_path)
    assert home.ssl_ini == tmp_path / "commands" / "ssl.ini"
    assert home.component_ini(Component.TRK) == tmp_path / "trk" / "tracker.ini"


@pytest.mark.parametrize("what", ["file", "dangling link", "folder"])
def test_whatever_stands_there_as_ssl_ini_means_secured(tmp_path: Path, what: str) -> None:
    """W4, W17: never unencrypted because something is wrong with the switch."""
    home = Home(tmp_path)
    assert not is_secured(home)
    home.ssl_ini.parent.mkdir()
    match what:
        case "file":
            home.ssl_ini.touch()
        case "dangling link":
            home.ssl_ini.symlink_to("nowhere")
        case _:
            home.ssl_ini.mkdir()
    assert is_secured(home)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, "file-missing"),
        (lambda path: path.write_bytes(b""), "ini-empty-value"),
        (lambda path: path.write_bytes(b"\n\nsecond line\n"), "ini-empty-value"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "ini-empty-value"),
        (lambda path: path.mkdir(), "file-unreadable"),
    ],
)
def test_a_password_file_that_gives_none_is_a_fault(
    tmp_path: Path, make: object, code: str
) -> None:
    """W20."""
    path = tmp_path / "password"
    assert callable(make)
    make(path)
    if path.exists():
        path.chmod(0o600)
    with pytest.raises(SettingsError) as refused:
        read_passwords(path)
    assert refusing(refused.value) == (code, str(path))


def test_a_password_is_the_first_line_and_shows_itself_nowhere(tmp_path: Path) -> None:
    """W20."""
    path = tmp_path / "password"
    path.write_text("canary\n")
    path.chmod(0o600)
    found = read_passwords(path)[0]
    assert found.reveal() == "canary"
    assert "canary" not in f"{found} {found!r}"
    path.chmod(0o644)
    with pytest.raises(SettingsError) as refused:
        read_passwords(path)
    assert refusing(refused.value) == ("file-not-owner-only", str(path))
    assert "canary" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_somebody_elses_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "server.ini"
    path.touch()
    path.chmod(0)
    with pytest.raises(SettingsError) as refused:
        read_ini(path)
    assert refusing(refused.value) == ("file-unreadable", str(path))


def test_a_file_that_is_too_large_to_be_one_is_not_read_on(tmp_path: Path) -> None:
    path = tmp_path / "server.ini"
    path.write_bytes(b"#" * 5_000_000)
    faults = Faults()
    assert faults.attempt(lambda: read_ini(path)) is None
    assert [fault.code for fault in faults.found] == ["ini-too-large"]
    with pytest.raises(FormatError):
        read_ini(path)


def test_a_home_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with occupy(home):
        with pytest.raises(SettingsError) as refused, occupy(home):
            pass
        assert refusing(refused.value) == ("home-in-use", str(tmp_path / "server.lock"))
        assert f"process {os.getpid()}" in str(refused.value)
    with occupy(home):
        pass


def test_a_home_that_is_gone_cannot_be_held(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused, occupy(Home(tmp_path / "gone")):
        pass
    assert refusing(refused.value)[0] == "file-unwritable"
