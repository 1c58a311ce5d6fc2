"""The logs of a home: what stands in a line, and that a full disk stops nothing."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sottovoce.errors import Fault, SettingsError
from sottovoce.net import Outcome, SecurityRecord
from sottovoce.policy import Component
from sottovoce.server import STARTUP_LINE, Logs
from sottovoce.tls import Side


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def made(folder: Path, *, level: str = "info", echo: io.StringIO | None = None) -> Logs:
    return Logs(folder, level=level, components=[Component.HUB, Component.TRK], echo=echo)


def record(text: str) -> SecurityRecord:
    return SecurityRecord(
        at=datetime(2026, 11, 1, tzinfo=UTC),
        outcome=Outcome.REFUSED,
        side=Side.ACCEPTING,
        connection_id="1",
        address=text,
        port=1099,
        faults=(Fault(code="plaintext-peer", why=text),),
    )


def test_the_start_up_line_stands_alone_and_to_the_letter(folder: Path) -> None:
    """W19."""
    logs = made(folder)
    logs.component(Component.HUB).info("Before")
    line = logs.startup(Component.HUB)
    logs.component(Component.HUB).info("After")
    logs.close()
    assert line == "HUB: Initializing Secure Sockets Layer (SSL) for component communication"
    assert (folder / "hub.log").read_text("utf-8").splitlines()[1] == line
    assert STARTUP_LINE.format(component="TRK") not in (folder / "trk.log").read_text("utf-8")


def test_there_is_a_private_file_for_each_component_that_runs_here(folder: Path) -> None:
    """W20: logs are for their owner."""
    made(folder).close()
    names = {"hub.log", "trk.log", "server.log", "security.log"}
    assert {path.name for path in folder.iterdir()} == names
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_start_appends(folder: Path) -> None:
    for _ in range(2):
        logs = made(folder)
        logs.server().info("Hello")
        logs.close()
    assert (folder / "server.log").read_text("utf-8").count("Hello") == 2


@pytest.mark.parametrize("nasty", ["a\nforged", "b\x1b[31m", "c\r", "d\u2028e", "f\udcff"])
def test_nobody_writes_lines_of_their_own(folder: Path, nasty: str) -> None:
    """Neither into a log, nor on the console, nor in a traceback, nor in the security log."""
    console = io.StringIO()
    logs = made(folder, echo=console)
    logs.component(Component.TRK).error(nasty, peer=nasty, exc_info=ValueError(nasty))
    logs.security(record(nasty))
    logs.close()
    lines = (folder / "trk.log").read_text("utf-8").split("\n")
    assert lines[0].split()[2] == "error"
    assert all(line.startswith("    ") or not line for line in lines[1:])
    assert "\x1b" not in "".join(lines) + console.getvalue()
    assert console.getvalue().count("\n") == 1
    (only,) = (folder / "security.log").read_text("utf-8", "surrogateescape").split("\n")[:-1]
    assert json.loads(only)["code"] == "plaintext-peer"


def test_levels_hold_back_all_but_the_security_log(folder: Path) -> None:
    logs = made(folder, level="error")
    logs.server().warning("Held back")
    logs.server().error("Written")
    logs.security(record("x"))
    logs.close()
    text = (folder / "server.log").read_text("utf-8")
    assert ("Written" in text, "Held back" in text) == (True, False)
    assert (folder / "security.log").read_text("utf-8").count("\n") == 1


def test_warnings_are_repeated_on_the_console_and_others_are_not(folder: Path) -> None:
    console = io.StringIO()
    logs = made(folder, echo=console)
    logs.server().info("Quiet")
    logs.server().warning("Loud", code="not-secured")
    logs.close()
    assert console.getvalue() == "warning: not-secured: Loud\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is the full disk here")
def test_a_full_disk_is_said_once_and_stops_nothing(folder: Path) -> None:
    console = io.StringIO()
    folder.mkdir()
    (folder / "server.log").symlink_to("/dev/full")
    (folder / "security.log").symlink_to("/dev/full")
    logs = made(folder, echo=console)
    for _ in range(3):
        logs.server().info("Work goes on")
        logs.security(record("x"))
    logs.close()
    assert console.getvalue().count("cannot be written: No space left on device") == 2


def test_a_file_in_the_way_of_the_folder_is_named(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(SettingsError) as refused:
        made(folder)
    (fault,) = refused.value.faults
    assert (fault.code, fault.file) == ("file-unwritable", str(folder))
    assert fault.hint == "Move that file away."


def test_a_log_that_cannot_be_opened_leaves_none_open(folder: Path) -> None:
    (folder / "trk.log").mkdir(parents=True)
    with pytest.raises(SettingsError) as refused:
        made(folder)
    assert "trk.log" in refused.value.faults[0].why


class NobodyReads(io.StringIO):
    """A console that was closed, or a file on a full disk."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_console_that_cannot_be_had_ends_no_work(folder: Path) -> None:
    logs = made(folder, echo=NobodyReads())
    logs.component(Component.HUB).error("It goes on")
    logs.close()
    assert "It goes on" in (folder / "hub.log").read_text("utf-8")
