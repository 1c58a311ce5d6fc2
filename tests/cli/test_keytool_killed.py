"""A kill between any two system calls of a store write leaves the old store or the new one.

Each command runs as often as it makes calls to the operating system, and is killed one call later
each time (SPEC W13, W15). The program that does so is ``killed_writer.py``.
"""

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sottovoce.cli import main
from sottovoce.cli.keytool import FileWorld
from sottovoce.keystore import Keystore, dumps, loads
from sottovoce.server import Home
from sottovoce.server.home import read_passwords

PROGRAM = Path(__file__).with_name("killed_writer.py")
S = ("-storepass", "changeit")
EC = ("-keyalg", "EC", "-dname", "CN=hub.test")
Kill = Callable[..., list[Path]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A folder with a store of one key, in both formats."""
    folder = tmp_path / "template"
    folder.mkdir()
    for name, kind in (("s.p12", "PKCS12"), ("s.jks", "JKS")):
        new = ("-genkeypair", "-alias", "first", *EC, "-keystore", str(folder / name), *S)
        assert main(["keytool", *new, "-storetype", kind]) == 0
    return folder


@pytest.fixture
def killed(template: Path, tmp_path: Path) -> Kill:
    """Run a command killed before each of its calls; return the folders, the last one complete."""

    def run(*words: str, calls: set[str]) -> list[Path]:
        place = tmp_path / "runs"
        place.mkdir()
        line = [sys.executable, str(PROGRAM), str(template), str(place), *words]
        done = subprocess.run(
            line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        before = json.loads(done.stdout)
        assert calls <= set(before), "these calls were to be interrupted"
        return [place / str(number) for number in range(len(before) + 1)]

    return run


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


WRITING = {"flock", "open", "fchmod", "write", "fsync", "replace", "close"}


@pytest.mark.parametrize("name", ["s.p12", "s.jks"])
def test_an_entry_is_there_or_not_and_the_store_opens_either_way(
    name: str, template: Path, killed: Kill
) -> None:
    """The previous version lies beside the new one as ``.bak`` from the moment there is one."""
    old = (template / name).read_bytes()
    folders = killed(
        *("-genkeypair", "-alias", "second", *EC, "-keystore", name, *S),
        calls=WRITING | {"link"},
    )
    seen = []
    for folder in folders:
        data = (folder / name).read_bytes()
        aliases = list(loads(data, "changeit"))
        seen.append(len(aliases))
        if data == old:
            assert aliases == ["first"]
        else:
            assert aliases == ["first", "second"]
            assert (folder / f"{name}.bak").read_bytes() == old
        for path in folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert seen == sorted(seen), "old, old, … new, new: nothing goes back"
    assert {1, 2} == set(seen)
    assert names(folders[-1]) == {"s.p12", "s.jks", f"{name}.bak"}


def test_what_an_interrupted_write_leaves_behind_disturbs_nobody(
    template: Path, killed: Kill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock ends with the process, and the same command comes through the next time."""
    words = ("-genkeypair", "-alias", "second", *EC, "-keystore", "s.p12", *S)
    for folder in killed(*words, calls=WRITING):
        monkeypatch.chdir(folder)
        if len(loads((folder / "s.p12").read_bytes(), "changeit")) == 1:
            assert main(["keytool", *words]) == 0
        assert list(loads((folder / "s.p12").read_bytes(), "changeit")) == ["first", "second"]


def test_a_new_store_is_whole_or_not_there(killed: Kill) -> None:
    words = ("-genkeypair", "-alias", "first", *EC, "-keystore", "new.p12", *S)
    there = []
    for folder in killed(*words, calls=WRITING):
        path = folder / "new.p12"
        there.append(path.exists())
        assert not path.exists() or list(loads(path.read_bytes(), "changeit")) == ["first"]
    assert there == sorted(there)
    assert set(there) == {False, True}


def test_the_trusted_roots_open_whenever_the_change_of_their_password_ends(
    template: Path, killed: Kill
) -> None:
    """W15: the store and the file with its password are two files; it opens all the same."""
    home = template / "home"
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "cacerts").write_bytes(dumps(Keystore(), "made at init"))
    (home / "conf" / "cacerts.password").write_text("made at init\n")
    (home / "conf" / "cacerts.password").chmod(0o600)
    words = ("--home", "home", "-storepasswd", "-cacerts", "-new", "one of my own")
    folders = killed(*words, calls=WRITING | {"link"})
    now: set[str] = set()
    for folder in folders:
        conf = folder / "home" / "conf"
        kept = [each.reveal() for each in read_passwords(conf / "cacerts.password")]
        fitting = FileWorld(folder / "home").cacerts_password()
        assert fitting is not None
        assert fitting.reveal() in kept
        loads((conf / "cacerts").read_bytes(), fitting)
        now.add(fitting.reveal())
    assert now == {"made at init", "one of my own"}
    conf = Home(folders[-1] / "home").conf
    assert (conf / "cacerts.password").read_text() == "one of my own\n"


def test_a_full_disk_leaves_the_old_store(
    template: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The other way in which a write ends early: it is said, and nothing is left behind."""
    import os

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = (template / "s.p12").read_bytes()
    monkeypatch.chdir(template)
    monkeypatch.setattr(os, "fsync", full)
    assert main(["keytool", "-delete", "-alias", "first", "-keystore", "s.p12", *S]) == 2
    assert "No space left on device" in capfd.readouterr().err
    assert (template / "s.p12").read_bytes() == before
    assert names(template) == {"s.p12", "s.jks"}
    shutil.rmtree(template)
