"""``sottovoce keytool`` as it is typed: files, permissions, exit statuses, the server home."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sottovoce.cli import main
from sottovoce.keystore import loads

S = ("-keystore", "s.p12", "-storepass", "changeit")
NEW = ("-genkeypair", "-keyalg", "EC", "-dname", "CN=hub.test", *S)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOTTOVOCE_HOME", raising=False)
    return tmp_path


def test_a_verb_behind_a_dash_reaches_keytool(folder: Path) -> None:
    """W13."""
    assert main(["keytool", *NEW, "-alias", "hub"]) == 0

    assert list(loads((folder / "s.p12").read_bytes(), "changeit")) == ["hub"]


def test_a_store_is_written_owner_only_and_its_last_version_kept(folder: Path) -> None:
    main(["keytool", *NEW, "-alias", "hub"])
    first = (folder / "s.p12").read_bytes()
    main(["keytool", *NEW, "-alias", "web"])

    assert (folder / "s.p12.bak").read_bytes() == first
    assert stat.S_IMODE((folder / "s.p12").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["s.p12", "s.p12.bak"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["-nonsense"], 64, "keytool-usage: Illegal option"),
        (["-list", "-nonsense"], 64, "Illegal option"),
        (["-list", *S], 2, "Keystore file does not exist: s.p12"),
        (["-list", "-keystore", "."], 2, "cannot be read: Is a directory"),
        ([*NEW[:-3], "nowhere/s.p12", *NEW[-2:]], 2, "nowhere/s.p12 cannot be written"),
        (["-list", "-cacerts"], 64, "--home DIR"),
        (["--home"], 64, "--home needs a folder"),
    ],
)
def test_a_refusal_has_its_exit_status_and_its_reason(
    words: list[str], status: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["keytool", *words]) == status

    assert said in capfd.readouterr().err


def test_the_usage_is_shown_without_a_verb_and_for_one(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["keytool"]) == 0
    assert "-importcert" in capfd.readouterr().out
    assert main(["keytool", "-list", "-help"]) == 0
    assert "-rfc" in capfd.readouterr().out


def test_a_certificate_on_standard_output_is_nothing_but_the_certificate(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    main(["keytool", *NEW, "-alias", "hub"])
    capfdbinary.readouterr()

    main(["keytool", "-exportcert", "-alias", "hub", *S])

    assert capfdbinary.readouterr().out[:2] == b"\x30\x82"


def test_the_trusted_roots_of_a_home_open_with_their_kept_password(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """W15, W16."""
    (folder / "conf").mkdir()
    (folder / "conf" / "cacerts.password").write_text("kept password\n")
    main(["keytool", *NEW, "-alias", "ca", "-ext", "bc=ca:true"])
    main(["keytool", "-exportcert", "-alias", "ca", "-file", "ca.crt", *S])
    home = ["--home", str(folder)]
    words = ["-importcert", "-cacerts", "-alias", "root", "-file", "ca.crt", "-noprompt"]

    assert main(["keytool", *home, *words]) == 0
    assert main(["keytool", *home, "-storepasswd", "-cacerts", "-new", "a new password"]) == 0
    monkeypatch.setenv("SOTTOVOCE_HOME", str(folder))
    assert main(["keytool", "-list", "-cacerts"]) == 0

    assert "root, (unknown), trustedCertEntry" in capfd.readouterr().out
    assert (folder / "conf" / "cacerts.password").read_text() == "a new password\n"
    for name in ("cacerts", "cacerts.password"):
        assert stat.S_IMODE((folder / "conf" / name).stat().st_mode) == 0o600


def test_two_writers_at_once_lose_no_entry(folder: Path) -> None:
    """Issue: writing is careful; every process waits for the one before it."""
    main(["keytool", *NEW, "-alias", "first"])

    def add(number: int) -> int:
        words = [sys.executable, "-m", "sottovoce", "keytool", *NEW, "-alias", f"key{number}"]
        return subprocess.run(words, cwd=folder, capture_output=True, check=False).returncode

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(add, range(6))) == [0] * 6

    store = loads((folder / "s.p12").read_bytes(), "changeit")
    assert set(store) == {"first", *(f"key{number}" for number in range(6))}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder.chmod(0o500)

    assert main(["keytool", *NEW, "-alias", "hub"]) == 2
    assert "cannot be written: Permission denied" in capfd.readouterr().err


def test_a_password_is_read_from_standard_input_where_there_is_no_terminal(folder: Path) -> None:
    words = [sys.executable, "-m", "sottovoce", "keytool", *NEW[:-2], "-alias", "hub"]

    done = subprocess.run(
        words, cwd=folder, input="geheim1\ngeheim1\n", text=True, capture_output=True, check=False
    )

    assert done.returncode == 0
    assert "geheim1" not in done.stdout + done.stderr
    assert list(loads((folder / "s.p12").read_bytes(), "geheim1")) == ["hub"]
