"""The entry point: exit statuses, and what a person sees when something is wrong (DESIGN §7)."""

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import sottovoce as package
from sottovoce.cli import COMMANDS, FAULTS, UNTOLD, main
from sottovoce.errors import StoreError

if TYPE_CHECKING:
    from tests.cli.conftest import Run


@pytest.mark.parametrize(
    "words", [[], ["frobnicate"], ["start", "--nonsense"], ["init"], ["demo", "--servers", "9"]]
)
def test_wrong_usage_has_a_status_of_its_own(words: list[str], sottovoce: "Run") -> None:
    printed = sottovoce(*words)
    assert printed.status == 64
    assert printed.out == ""
    assert "usage: " in printed.err
    assert "--help" in printed.err


def test_help_names_every_command_and_every_exit_status(sottovoce: "Run") -> None:
    printed = sottovoce("--help")
    assert printed.status == 0
    assert [command for command in COMMANDS if command not in printed.out] == []
    for status in ("0 fine", "1 warnings", "2 faults", "3 could", "64 wrong"):
        assert status in " ".join(printed.out.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, sottovoce: "Run") -> None:
    printed = sottovoce(command, "--help")
    assert printed.status == 0
    assert "usage: " in printed.out or "keytool" in printed.out
    assert printed.err == ""


def test_the_version_is_told(sottovoce: "Run") -> None:
    printed = sottovoce("--version")
    assert (printed.status, printed.out) == (0, f"sottovoce {package.__version__}\n")


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        (KeyboardInterrupt(), 130, "Interrupted."),
        (StoreError("The disk is full.", hint="Make room."), FAULTS, "next: Make room."),
        (ZeroDivisionError("a mistake"), UNTOLD, "SOTTOVOCE_DEBUG=1"),
    ],
)
def test_whatever_happens_ends_in_a_status_and_a_sentence(
    raised: BaseException,
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No traceback unless it is asked for."""
    from sottovoce.cli import explain

    def fail(_args: object) -> int:
        raise raised

    monkeypatch.delenv("SOTTOVOCE_DEBUG", raising=False)
    monkeypatch.setattr(explain, "run", fail)
    assert main(["explain", "expired"]) == status
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err


def test_with_the_switch_for_it_an_unexpected_error_shows_its_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sottovoce.cli import explain

    def fail(_args: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setenv("SOTTOVOCE_DEBUG", "1")
    monkeypatch.setattr(explain, "run", fail)
    with pytest.raises(ZeroDivisionError):
        main(["explain", "expired"])


@pytest.mark.slow
def test_a_reader_who_leaves_early_causes_no_complaint() -> None:
    """As in ``sottovoce --help | head -1``."""
    program = f"{sys.executable} -m sottovoce explain certificate-expired"
    done = subprocess.run(
        ["sh", "-c", f"{program} | true"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


@pytest.mark.slow
def test_the_module_runs_as_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sottovoce", "start"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 64
    assert "No server home is named." in done.stderr
