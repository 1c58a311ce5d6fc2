"""``sottovoce reload`` and ``check`` against a server that runs: in force, and on the disk.

One server serves all cases; each leaves it with files that are right.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sottovoce.cli import main
from sottovoce.cli.demo.installation import RunningServer
from sottovoce.cli.demo.layout import Ports
from sottovoce.policy import Component
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

NAME = "whole.sottovoce.test"


@dataclass
class Town:
    """A home, and the server that runs there."""

    home: Premises
    server: RunningServer
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command on the home; return its status and all that it says."""
        status = main([*words, "--home", str(self.home.path)])
        said = self.capsys.readouterr()
        return status, said.out + said.err

    def checked(self, check: str) -> list[dict[str, Any]]:
        """Return what ``check`` finds under one id."""
        found = json.loads(self.run("check", "--json")[1])["checks"]
        return [each for each in found if each["id"] == check]

    @property
    def written(self) -> dict[str, Any]:
        """What the server has written of what it serves."""
        path = self.home.path / "run" / "serving.json"
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    @property
    def serial(self) -> str:
        return str(self.written["certificates"][0]["serial"])

    def renew(self, name: str = NAME) -> None:
        entry = self.home.authority.issue(name, roles=tuple(Component))
        self.home.write_identity(entry)


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: ThrowAwayAuthority
) -> Iterator[tuple[Premises, RunningServer]]:
    with Ports() as ports:
        internal, tracker, public = (str(ports.take("127.0.0.1")) for _ in range(3))
        hub = {"HubPort": internal, "HubAddress": "127.0.0.1", "HeartbeatInterval": "1"}
        home = Premises.make(
            tmp_path_factory.mktemp("town") / "home",
            name=NAME,
            authority=authority,
            values={
                "server.ini": {"InternalPort": internal, "TrackerPort": tracker},
                "lui/lui.ini": hub | {"TrackerPort": tracker, "TrackerAddress": "127.0.0.1"},
                "trk/tracker.ini": hub | {"PublicAddress": "127.0.0.1", "PublicPort": public},
            },
        ).secure()
        server = RunningServer(home.path)
        try:
            server.wait_ready()
            yield home, server
        finally:
            assert server.stop() == 0


@pytest.fixture
def town(running: tuple[Premises, RunningServer], capsys: pytest.CaptureFixture[str]) -> Town:
    return Town(*running, capsys)


def test_where_nothing_is_new_that_is_said(town: Town) -> None:
    generation = town.written["generation"]
    status, said = town.run("reload")
    assert (status, f"Nothing was new: trust generation {generation}" in said) == (0, True)
    (fine,) = town.checked("in-force")
    assert fine["status"] == "fine"
    assert f"certificate {town.serial}" in fine["message"]
    path = town.home.path / "run" / "serving.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert town.home.password not in path.read_text("utf-8")


def test_what_was_replaced_is_taken_into_force(town: Town) -> None:
    """By itself or on demand, whichever is first."""
    first, generation = town.serial, town.written["generation"]
    town.renew()
    status, said = town.run("reload")
    assert (status, f"rust generation {generation + 1} is in force" in said) == (0, True)
    assert town.serial != first


def test_what_is_refused_is_told_apart_from_what_is_served(town: Town) -> None:
    """O3, A6: the command, the check, the log and the file say why."""
    served, generation = town.serial, town.written["generation"]
    town.renew("other.sottovoce.test")
    status, said = town.run("reload")
    assert (status, f"Refused: trust generation {generation} stays in force" in said) == (2, True)
    assert "fault name-mismatch" in said
    (differs,) = town.checked("in-force")
    assert (differs["code"], differs["status"]) == ("not-reloaded", "warning")
    assert f"In use: certificate {served}" in differs["message"]
    (refused,) = town.checked("last-reload")
    assert (refused["code"], refused["status"]) == ("name-mismatch", "warning")
    status, said = town.run("reload", "--json")
    assert json.loads(said)["last"]["faults"][0]["code"] == "name-mismatch"
    assert f"trust generation {generation} stays in force" in town.home.log("server.log")
    town.renew()
    assert town.run("reload")[0] == 0


def test_a_bare_signal_does_the_same(
    town: Town, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    first, generation = town.serial, town.written["generation"]
    town.renew()
    os.kill(town.server.process.pid, signal.SIGHUP)
    eventually(lambda: town.serial != first)
    wanted = f"generation {generation + 1} in force; 0 connections left from generation"
    eventually(lambda: wanted in town.home.log("server.log"))


def test_the_switch_is_for_the_next_start(town: Town) -> None:
    """W18: the running server stays as secured as it is."""
    aside = town.home.ssl_ini.with_suffix(".off")
    town.home.ssl_ini.rename(aside)
    try:
        status, said = town.run("reload")
        assert (status, "fault restart-needed" in said) == (2, True)
        assert [each["code"] for each in town.checked("in-force")] == ["restart-needed"]
        assert town.server.process.poll() is None
    finally:
        aside.rename(town.home.ssl_ini)
    assert town.run("reload")[0] == 0


def test_where_no_server_runs_that_is_said(
    tmp_path: Path, authority: ThrowAwayAuthority, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Premises.make(
        tmp_path / "home",
        name=NAME,
        components=[Component.LUI],
        authority=authority,
        values={"lui/lui.ini": {}},
    )
    assert main(["reload", "--home", str(home.path)]) == 2
    assert "server-not-running" in capsys.readouterr().err
    assert main(["reload", "--home", str(tmp_path)]) == 2
    assert "no server home" in capsys.readouterr().err
