"""The scripts: they parse, and ``setup`` says what is missing or does nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL = [
    path
    for path in (*sorted((ROOT / "scripts").iterdir()), ROOT / ".ci" / "run")
    if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")
]

#: A Python as Debian has it without python3-venv.
WITHOUT_ENSUREPIP = f"""#!/bin/sh
case "$*" in
  *ensurepip*) exit 1 ;;
  *"-m venv"*) mkdir -p .venv && echo "ensurepip is not available" && exit 1 ;;
esac
exec {sys.executable} "$@"
"""


class Clone:
    """A folder with what ``scripts/setup`` needs, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        (folder / "scripts").mkdir()
        shutil.copy(ROOT / "scripts" / "setup", folder / "scripts")
        for name in ("uv.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        for tool in ("dirname", "cat", "cksum", "cut", "rm", "mkdir"):
            found = shutil.which(tool)
            assert found is not None
            (self.bin / tool).symlink_to(found)
        self.program("id", "#!/bin/sh\necho 1000\n")

    def program(self, name: str, text: str) -> None:
        path = self.bin / name if "/" not in name else self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o755)

    def setup(self, *groups: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["/bin/sh", str(self.folder / "scripts" / "setup"), *groups],
            env={"PATH": str(self.bin), "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_each_script_is_executable_and_parses(script: Path) -> None:
    assert os.access(script, os.X_OK)
    done = subprocess.run(["/bin/sh", "-n", str(script)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_python_without_ensurepip_ends_with_the_command_to_type(clone: Clone) -> None:
    clone.program("python3", WITHOUT_ENSUREPIP)
    done = clone.setup()
    assert done.returncode == 1
    assert "sudo apt-get install -y python3-venv" in done.stderr
    assert not (clone.folder / ".venv").exists()


def test_as_root_on_debian_the_missing_package_is_installed_first(clone: Clone) -> None:
    clone.program("python3", WITHOUT_ENSUREPIP)
    clone.program("id", "#!/bin/sh\necho 0\n")
    clone.program("apt-get", f'#!/bin/sh\necho "$@" >>{clone.folder}/apt\n')
    done = clone.setup()
    assert done.returncode == 1  # this one's apt-get only takes notes
    calls = (clone.folder / "apt").read_text("utf-8").splitlines()
    assert calls == ["update -qq", "install -qq -y python3-venv"]


def test_a_machine_without_a_recent_python_is_told_so(clone: Clone) -> None:
    clone.program("python3", "#!/bin/sh\nexit 1\n")
    done = clone.setup()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("setup: no Python 3.11 or newer here;")


def test_nothing_is_done_when_nothing_has_changed(clone: Clone) -> None:
    version = re.search(r"uv_version=(\S+)", (ROOT / "scripts/setup").read_text("utf-8"))
    assert version is not None
    clone.program(".venv/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    clone.program(
        ".venv/bin/uv",
        f'#!/bin/sh\n[ "$1" = --version ] && echo uv {version[1]} && exit\n'
        f'echo "$@" >>{clone.folder}/uv\n',
    )
    assert clone.setup("test").returncode == 0
    installed = (clone.folder / "uv").read_text("utf-8")
    assert installed.count("sync") == 2  # run-time dependencies, then the group
    assert installed.splitlines()[1].endswith("--group=test")
    done = clone.setup("test")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (clone.folder / "uv").read_text("utf-8") == installed


def test_a_changed_lock_file_is_noticed(clone: Clone) -> None:
    test_nothing_is_done_when_nothing_has_changed(clone)
    with (clone.folder / "uv.lock").open("a") as lock:
        lock.write("# another\n")
    assert clone.setup("test").stderr.count("installing") == 2


def test_what_is_promised_of_every_commit_are_two_targets() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("make")] == ["make check", "make test"]
    assert "set -eu" in lines
