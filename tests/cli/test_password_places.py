"""The keystore's password outside ``ssl.ini``: a file, or a credential as systemd lays it down.

The ports of the home are taken, so a server that got as far as opening them has read everything.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sottovoce.testing.homes import Premises

if TYPE_CHECKING:
    from tests.cli.conftest import Printed, Run

RIGHT = ["port-in-use"] * 3
UNITS = Path(__file__).resolve().parents[2] / "examples" / "systemd"


@pytest.fixture
def start(home: Premises, sottovoce: "Run") -> "Run":
    """Start the home's server; no password may be in what it says."""

    def run(*words: str) -> "Printed":
        printed = sottovoce(*(words or ("start",)), "--home", home.path)
        assert home.password not in printed.text
        return printed

    return run


def in_a_file(home: Premises, *, mode: int = 0o600, text: str | None = None) -> Path:
    """Move the password from ``ssl.ini`` into a file that ``server.ini`` names."""
    path = home.path / "password"
    path.write_text(f"{home.password}\n" if text is None else text)
    path.chmod(mode)
    home.set("server.ini", "KeystorePasswordFile", str(path))
    home.write_ssl(SSLKeystorePassword=None)
    return path


def as_credential(
    home: Premises, monkeypatch: pytest.MonkeyPatch, *, mode: int = 0o400, name: str = "keystore"
) -> Path:
    """Lay the password down as systemd does: folder 0500, file 0400 (systemd.exec(5))."""
    folder = home.path.parent / "credentials"
    folder.mkdir()
    path = folder / name
    path.write_text(home.password)
    path.chmod(mode)
    (folder / "smtp").write_text("of somebody else")
    folder.chmod(0o500)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    home.set("server.ini", "KeystorePasswordCredential", "keystore")
    home.write_ssl(SSLKeystorePassword=None)
    return path


def test_a_server_starts_with_its_password_in_a_file(home: Premises, start: "Run") -> None:
    """W20: a file reference outside ``ssl.ini``."""
    path = in_a_file(home)
    assert start().codes() == RIGHT
    printed = start("check")
    said = " ".join(printed.out.split())
    assert f"is read from its own place, the password in {path}; it is owner-only." in said
    assert "commands/ssl.ini: exactly its 2 entries" in said


def test_a_server_starts_with_a_credential_of_systemds(
    home: Premises, start: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    """W20: root's or the service's own, mode 0400, and no line break at its end."""
    as_credential(home, monkeypatch)
    assert start().codes() == RIGHT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of root's")
def test_a_credential_that_root_grants_by_an_access_list_is_fine(
    home: Premises, start: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a service with a user of its own systemd adds an ACL, whose mask stat shows as 0440."""
    as_credential(home, monkeypatch, mode=0o440)
    assert start().codes() == RIGHT


@pytest.mark.parametrize("kind", ["file", "credential"])
@pytest.mark.parametrize("mode", [0o444, 0o460])
def test_a_place_that_others_may_read_is_refused(
    home: Premises, start: "Run", monkeypatch: pytest.MonkeyPatch, kind: str, mode: int
) -> None:
    """W20, catalogue K12."""
    path = in_a_file(home) if kind == "file" else as_credential(home, monkeypatch)
    path.chmod(mode)
    assert start().faults() == [("file-not-owner-only", str(path))]
    assert start("check").status == 2


@pytest.mark.parametrize("given", ["no folder", "no such name"])
def test_a_credential_that_is_not_there_is_named_by_its_key_only(
    home: Premises, start: "Run", monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """W20: what stands as its name may be the password, written into the wrong place."""
    as_credential(home, monkeypatch)
    home.set("server.ini", "KeystorePasswordCredential", home.password)
    if given == "no folder":
        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    printed = start()
    assert printed.codes() == ["credential-missing"]
    assert ("keystore, smtp" if given == "no such name" else "is not set") in printed.err
    assert "LoadCredential=" in printed.err
    assert start("check").status == 2


def test_a_wrong_password_is_to_be_corrected_where_it_stands(home: Premises, start: "Run") -> None:
    """Catalogue K1: and nowhere else."""
    path = in_a_file(home, text="not this one\n")
    printed = start()
    assert printed.codes() == ["keystore-wrong-password"]
    assert f"Correct the password in {path}" in printed.err
    path.write_text("")
    assert start().faults() == [("ini-empty-value", str(path))]
    path.unlink()
    assert start().faults() == [("file-missing", str(path))]


def test_two_places_are_a_fault_and_so_is_none(home: Premises, start: "Run") -> None:
    """W17, W20: which of two counts is never guessed."""
    path = in_a_file(home)
    home.write_ssl()
    assert start().codes() == ["keystore-password-twice"]
    home.set("server.ini", "KeystorePasswordCredential", "keystore")
    home.write_ssl(SSLKeystorePassword=None)
    assert start().codes() == ["keystore-password-twice"]
    assert "Remove one of the two lines" in start().err
    text = (home.path / "server.ini").read_text("utf-8")
    (home.path / "server.ini").write_text(text.replace("KeystorePassword", "#"), "utf-8")
    assert start().codes() == ["ini-missing-key"]
    assert path.exists()


@pytest.mark.parametrize("key", ["KeystorePasswordfile", "KeystorePasswordPath"])
def test_a_key_that_is_nearly_right_is_one_fault_not_two(
    home: Premises, start: "Run", key: str
) -> None:
    """The missing password follows from it, and is not told as a fault of its own."""
    home.set("server.ini", key, str(home.path / "password"))
    home.write_ssl(SSLKeystorePassword=None)
    printed = start()
    assert printed.codes() == ["ini-unknown-key"]
    assert "KeystorePasswordFile" in printed.err


def test_changing_the_stores_password_changes_the_file_with_it(
    home: Premises, start: "Run", sottovoce: "Run"
) -> None:
    """W20: and while both stand there, whichever opens the keystore counts."""
    path = in_a_file(home)
    words = ("keytool", "--home", home.path, "-storepasswd", "-new", "another-one")
    printed = sottovoce(*words, "-storepass", home.password)
    assert f"The password kept in {path} was changed with it." in printed.err
    assert path.read_text() == "another-one\n"
    assert start().codes() == RIGHT
    path.write_text(f"not-yet-written\n{'another-one'}\n")
    assert start().codes() == RIGHT


def test_changing_it_says_where_the_new_one_must_be_written(
    home: Premises, sottovoce: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("keytool", "--home", home.path, "-storepasswd", "-storepass", home.password)
    printed = sottovoce(*words, "-new", "another-one")
    assert f"it is SSLKeystorePassword in {home.ssl_ini}" in printed.err
    as_credential(home, monkeypatch)
    printed = sottovoce(*words[:-1], "another-one", "-new", "a-third-one")
    assert "it is the credential that KeystorePasswordCredential in" in printed.err


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_example_units_are_some_and_leave_little_open(tmp_path: Path) -> None:
    """Judged by systemd itself; an exposure below 2.0 of 10 is what it calls OK."""
    for unit in UNITS.iterdir():
        text = unit.read_text("utf-8").replace("/opt/sottovoce/bin/sottovoce", sys.executable)
        (tmp_path / unit.name).write_text(text.replace("/srv/sottovoce", str(tmp_path)), "utf-8")
    services = [str(tmp_path / path.name) for path in UNITS.glob("*.service")]
    every = [str(tmp_path / path.name) for path in UNITS.iterdir()]
    assert len(every) == len(services) + 1 == 3
    judged = [["verify", *every]]
    judged += [["security", "--offline=yes", "--threshold=20", each] for each in services]
    for words in judged:
        done = subprocess.run(
            ["systemd-analyze", *words], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout[-400:]
