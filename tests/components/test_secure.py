"""``sottovoce secure`` over three servers that run: plain, refused, secured, proved, and back."""

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sottovoce.cli import main
from sottovoce.cli.demo.installation import RunningServer
from sottovoce.policy import Component

if TYPE_CHECKING:
    from tests.components.conftest import Estate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

HUB, LUI, TRK = Component.HUB, Component.LUI, Component.TRK


class Desk:
    """Types ``sottovoce secure`` for one server after the other."""

    def __init__(self, estate: "Estate", capsys: pytest.CaptureFixture[str]) -> None:
        self.estate = estate
        self.capsys = capsys
        self.told = ""

    def __call__(self, label: str, *words: str | Path) -> tuple[int, dict[str, Any]]:
        """Return the exit status and the JSON object; ``told`` is what went to stderr."""
        self.capsys.readouterr()
        home = self.estate.homes[label].path
        verb = ["secure", "--home", str(home), "--json", *map(str, words)]
        status = main(verb)
        caught = self.capsys.readouterr()
        self.told = caught.err
        assert status != 3, caught.err
        return status, json.loads(caught.out) if caught.out else {}

    def restart(self) -> None:
        """End every server, and start all of them at once."""
        self.estate.stop_all()
        for label, home in self.estate.homes.items():
            self.estate.running[label] = RunningServer(home.path)
        for server in self.estate.running.values():
            server.wait_ready()

    def prepare(self, label: str, folder: Path) -> str:
        """Carry a request to HUB's server, and return the SHA-256 of the reply."""
        status, asked = self(label, "prepare", "--request", folder / f"{label}.csr")
        assert status == 0
        status, signed = self(
            "hub", "sign", folder / f"{label}.csr", "--out", folder / f"{label}.reply"
        )
        assert (status, signed["key"]) == (0, asked["key"])
        return str(signed["sha256"])


def test_from_plain_to_secured_and_back(
    estate: "Estate", capsys: pytest.CaptureFixture[str], tmp_path: Path, eventually: Any
) -> None:
    estate.build(("hub", [HUB]), ("lui", [LUI]), ("trk", [TRK]))
    desk = Desk(estate, capsys)
    desk.restart()
    assert desk("hub")[1]["reached"] == "plain"
    _alone(desk, tmp_path)
    _the_wrong_reply(desk, tmp_path)
    _another_root(desk, eventually)
    _mended(desk, tmp_path, eventually)
    _switched(desk, eventually)
    _and_back(desk, eventually)
    assert set(estate.stop_all()) == {0}


def _alone(desk: Desk, folder: Path) -> None:
    """HUB's server alone is prepared: nothing may be switched, and each connection is named."""
    assert desk("hub", "prepare", "--own-ca", folder / "root")[0] == 0
    assert desk("hub", "switch") == (2, {})
    assert "switch-not-prepared" in desk.told
    for edge in ("LUI → HUB", "TRK → HUB", "LUI → TRK"):
        assert edge in desk.told
    assert not desk.estate.homes["hub"].ssl_ini.exists()


def _the_wrong_reply(desk: Desk, folder: Path) -> None:
    """Another reply than the one that was shown changes nothing on LUI's server."""
    shown = desk.prepare("lui", folder)
    reply, home = folder / "lui.reply", desk.estate.homes["lui"]
    before = {path: path.read_bytes() for path in home.path.rglob("*.[ip]*") if path.is_file()}
    other = ("0" if shown[0] != "0" else "1") + shown[1:]
    assert desk("lui", "prepare", "--reply", reply, "--fingerprint", other)[0] == 2
    assert "reply-refused" in desk.told
    assert before == {path: path.read_bytes() for path in before}
    status, made = desk("lui", "prepare", "--reply", reply, "--fingerprint", shown.lower())
    assert status == 0
    assert all(stat.S_IMODE(Path(path).stat().st_mode) == 0o600 for path in made["files"])


def _another_root(desk: Desk, eventually: Any) -> None:
    """TRK's is right by itself, under a root that nobody else trusts: two connections break."""
    trk = desk.estate.homes["trk"].secure()
    trk.ssl_ini.rename(trk.ssl_ini.with_suffix(_AWAY))
    eventually(lambda: all(s["state"] == "prepared" for s in desk("hub")[1]["servers"]))
    assert desk("hub", "check")[0] == 2
    assert desk("hub", "switch") == (2, {})
    assert "TRK → HUB: hub.sottovoce.test would refuse trk.sottovoce.test" in desk.told
    assert "LUI → TRK: lui.sottovoce.test would refuse trk.sottovoce.test" in desk.told
    assert "LUI → HUB" not in desk.told
    eventually(lambda: desk("lui")[1]["hub_says"])
    assert desk("lui", "switch") == (2, {})
    assert "switch-not-cleared" in desk.told
    assert "TRK → HUB" in desk.told
    trk.ssl_ini.with_suffix(_AWAY).unlink()


def _mended(desk: Desk, folder: Path, eventually: Any) -> None:
    """Every connection is computed to work, and every server hears so."""
    shown = desk.prepare("trk", folder)
    reply = folder / "trk.reply"
    assert desk("trk", "prepare", "--reply", reply, "--fingerprint", shown)[0] == 0
    eventually(lambda: desk("hub", "check")[0] == 0)
    assert desk("hub")[1]["reached"] == "checked"
    eventually(lambda: desk("lui", "check")[0] == desk("trk", "check")[0] == 0)
    _lists_come_with_the_word(desk, eventually)


def _lists_come_with_the_word(desk: Desk, eventually: Any) -> None:
    """LUI's lists are gone, as if they had ended: HUB's word brings them, and all is well again."""
    folder = desk.estate.homes["lui"].path / "conf" / "revocation"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert desk("lui")[1]["lists_until"] < desk("lui")[1]["good_until"]
    for name in before:
        (folder / name).unlink()
    # The running server looks at once at a switch that was touched, else in a quarter of a minute.
    desk.estate.homes["lui"].ssl_ini.with_suffix(_AWAY).touch()
    eventually(lambda: {path.name: path.read_bytes() for path in folder.iterdir()} == before)
    eventually(lambda: desk("lui", "check")[0] == 0)


def _switched(desk: Desk, eventually: Any) -> None:
    """Still plain until the restart; then secured and proved."""
    for label in LABELS:  # HUB hears of LUI's new lists with its next report, and TRK from HUB
        eventually(lambda label=label: desk(label, "switch")[0] == 0)
    state = eventually(lambda: _reached(desk, "switched"))
    assert not state["secured"]
    assert {edge["state"] for edge in state["connections"]} == {"plain"}
    assert desk("hub", "prove")[0] == 2
    desk.restart()
    eventually(lambda: desk("hub", "prove")[0] == 0)
    assert desk("hub")[1]["reached"] == "proved"
    for label in ("hub", "trk"):
        assert desk.estate.security(label, outcome="accepted", secured=True)


def _and_back(desk: Desk, eventually: Any) -> None:
    """What was prepared waits for the next time."""
    for label in LABELS:
        assert desk(label, "back")[0] == 0
        assert desk(label, "back")[0] == 2
        assert "switch-refused" in desk.told
    desk.restart()
    eventually(lambda: _reached(desk, "checked"))
    eventually(lambda: {edge["state"] for edge in desk("hub")[1]["connections"]} == {"plain"})


_AWAY = ".ini.prepared"
LABELS = ("hub", "lui", "trk")


def _reached(desk: Desk, step: str) -> dict[str, Any] | None:
    state = desk("hub")[1]
    return state if state["reached"] == step else None
