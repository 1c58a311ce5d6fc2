"""``sottovoce demo`` as a newcomer runs it, and what its last line says.

By default, kept and interrupted it is a process of its own; on each other distribution, and where
it refuses to begin, it runs in this one: importing the program costs more than the campaign.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sottovoce.cli import main
from sottovoce.cli.demo.installation import Installation
from sottovoce.cli.demo.layout import Layout
from sottovoce.errors import SottovoceError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTS = {
    1: {"hub": "all", "lui": "all", "trk": "all"},
    2: {"hub": "inner", "lui": "inner", "trk": "outer"},
    3: {"hub": "hub", "lui": "lui", "trk": "trk"},
}
#: What is logged of each attempt, and what the intruder is told: as much as the protocol allows.
SECURED = {
    "no certificate": ("no-certificate", ["alert certificate_required", "no-certificate"]),
    "stranger's CA": ("issuer-unknown", ["alert unknown_ca", "issuer-unknown"]),
    "name not in the list": ("not-in-allowed-list", ["not-in-allowed-list"]),
}


@dataclass(frozen=True)
class Ran:
    """A demonstration that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        result = json.loads(self.out.splitlines()[-1])
        assert isinstance(result, dict)
        return result


def begin(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start a demonstration whose temporary files all lie below *folder*."""
    return subprocess.Popen(
        # A shell's background jobs, and so what they start, ignore SIGINT; a terminal's do not.
        ["env", "--default-signal=INT", sys.executable, "-m", "sottovoce", "demo", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(folder)},
        text=True,
    )


def demo(folder: Path, *words: str) -> Ran:
    process = begin(folder, *words)
    out, err = process.communicate()
    print(err)
    return Ran(process.returncode, out, err)


class Here:
    """Runs demonstrations in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Ran:
        try:
            status = main(["demo", *words])
        except SystemExit as end:
            status = int(end.code or 0)
        caught = self._capsys.readouterr()
        print(caught.err)
        return Ran(status, caught.out, caught.err)


@pytest.fixture
def here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Here:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Here(capsys)


def processes_about(folder: Path) -> list[str]:
    """Return the command lines of processes that name *folder*, or have a file open there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            line = (
                (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            )
            opened = [str(each.readlink()) for each in (process / "fd").iterdir()]
        except OSError:
            continue
        if str(folder) in line or any(each.startswith(f"{folder}/") for each in opened):
            found.append(line)
    return found


def assert_nothing_left(folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert processes_about(folder) == []


def assert_everything_held(ran: Ran, *, servers: int, secured: bool, recipients: int) -> None:
    """Every promise about the JSON, for any number of servers, secured and plain."""
    found = ran.json
    assert (ran.status, found["faults"]) == (0, [])
    assert (found["servers"], found["secured"]) == (servers, secured)
    line = "Initializing Secure Sockets Layer (SSL) for component communication"
    wanted = [f"{name}: {line}" for name in ("HUB", "LUI", "TRK")] if secured else []
    assert found["startup"] == wanted
    assert_edges(found["edges"], servers=servers, secured=secured)
    assert found["job"] == {
        "recipients": recipients,
        "accepted": recipients,
        "refused": 0,
        "uncertain": 0,
    }
    assert (found["events"]["lost"], found["events"]["duplicated"]) == (0, 0)
    assert min(found["events"][kind] for kind in ("open", "click", "unsubscribe")) > 0
    assert_intrusions(found["intrusions"], secured=secured)
    assert found["seconds"] > 0


def assert_edges(edges: list[dict[str, Any]], *, servers: int, secured: bool) -> None:
    found = {(edge["from"], edge["to"]): edge for edge in edges}
    assert set(found) == {("lui", "hub"), ("trk", "hub"), ("lui", "trk")}
    for (_, called), edge in found.items():
        assert edge["state"] == ("secured" if secured else "plain")
        assert edge["name"] == f"{HOSTS[servers][called]}.sottovoce.test"
        assert bool(edge["fingerprint"]) is bool(edge["expires"]) is secured
    if servers == 1 and secured:
        assert len({edge["fingerprint"] for edge in edges}) == 1


def assert_intrusions(intrusions: list[dict[str, Any]], *, secured: bool) -> None:
    attempts = [each["attempt"] for each in intrusions]
    assert attempts == ["no certificate", "stranger's CA", "name not in the list", "plain text"]
    for each in intrusions:
        assert (each["refused"], each["logged"]) == (True, True)
        if each["attempt"] == "plain text":
            assert each["code"] == "plaintext-peer"
            assert each["told"][0].startswith("sottovoce:")
        elif secured:
            assert (each["code"], each["told"]) == SECURED[each["attempt"]]
        else:
            assert each["code"] == "secured-caller"
            assert each["told"] == ["sottovoce/1 plain"]


@pytest.mark.parametrize(
    ("servers", "secured"),
    [(1, True), (2, True), (1, False), (2, False), (3, False)],
    ids=["1-secured", "2-secured", "1-plain", "2-plain", "3-plain"],
)
def test_everything_holds_on_any_distribution(
    servers: int, secured: bool, here: Here, tmp_path: Path
) -> None:
    """W1, W2, W4, W5, W8, W19: and nothing is left behind."""
    words = ["--servers", str(servers), "--recipients", "40", "--json"]
    ran = here(*words, *([] if secured else ["--plain"]))
    assert_everything_held(ran, servers=servers, secured=secured, recipients=40)
    assert_nothing_left(tmp_path)


def test_the_whole_example_list_goes_out_from_three_secured_servers(tmp_path: Path) -> None:
    """W1, W2, W4, W5, W8, W19: as ``make demo`` runs it."""
    people = len((EXAMPLES / "recipients.csv").read_text("utf-8").splitlines()) - 1
    assert people >= 200
    ran = demo(tmp_path, "--json")
    assert_everything_held(ran, servers=3, secured=True, recipients=people)
    assert_nothing_left(tmp_path)


def test_a_kept_installation_can_be_looked_into(tmp_path: Path) -> None:
    """The report for people is on standard output; homes, mails and commands stay."""
    kept = tmp_path / "kept"
    ran = demo(tmp_path, "--servers", "1", "--recipients", "12", "--keep", str(kept))
    assert ran.status == 0
    assert "Everything held" in ran.out
    assert ran.err == ""
    assert len(list((kept / "maildir" / "new").iterdir())) == 12
    commands = (kept / "commands.txt").read_text("utf-8")
    assert commands.startswith("sottovoce init ")
    assert "sottovoce keytool" in commands
    for line in (kept / "all" / "logs" / "security.log").read_text("utf-8").splitlines():
        assert {"at", "outcome", "side", "connection", "address"} <= set(json.loads(line))
    assert processes_about(kept) == []


@pytest.mark.parametrize(("number", "servers"), [(signal.SIGTERM, 2), (signal.SIGINT, 1)])
def test_an_interrupted_demonstration_cleans_up(
    number: signal.Signals, servers: int, tmp_path: Path
) -> None:
    """At whatever moment: servers are stopped and the folder is removed."""
    with begin(tmp_path, "--recipients", "40", "--servers", str(servers)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = iter(process.stdout)
        assert any(line.startswith("Servers start:") for line in lines)
        # At a moment of its own choosing: the servers are up, the campaign is under way.
        running = [line for line in processes_about(tmp_path) if " sottovoce start " in line]
        assert len(running) == servers
        process.send_signal(number)
        rest, err = "".join(lines), process.stderr.read()
    # Python ends itself by SIGINT when the signal met it while it compiled a text, as dataclasses
    # do when they are imported; a shell says 130 of both.
    assert process.returncode in (130, -signal.SIGINT), rest + err
    assert "Traceback" not in err
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize(
    "words", [["--recipients", "0"], ["--servers", "4"], ["--keep", "FULL"], ["--recipients", "x"]]
)
def test_wrong_usage_is_told_before_anything_is_made(
    words: list[str], here: Here, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    ran = here(*[str(full) if word == "FULL" else word for word in words])
    assert ran.status == 64
    assert "Traceback" not in ran.err
    assert ran.out == ""
    assert list(tmp_path.iterdir()) == [full]


def test_a_command_that_fails_ends_the_demonstration_with_its_words(tmp_path: Path) -> None:
    layout = Layout((), internal_port=1099, tracker_port=7000, public_port=80, web_port=8090)
    made = Installation(tmp_path, layout, secured=False, smtp_port=25)
    with pytest.raises(SottovoceError, match=r"list show nothing .*ended with status 2") as caught:
        made.run("list", "show", "nothing", "--home", tmp_path)
    assert caught.value.code == "error"
    assert "no-lui: " in caught.value.message
