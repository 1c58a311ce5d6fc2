"""``sottovoce check`` on a whole installation of three servers, made by the real commands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sottovoce.cli import main
from sottovoce.cli.demo.installation import Installation
from sottovoce.cli.demo.layout import Ports, choose_layout
from sottovoce.policy import Component

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("trio")
    with Ports() as ports:
        made = Installation(folder, choose_layout(3, ports), secured=True, smtp_port=9)
        made.make()
    yield made
    made.stop()


def run(capsys: pytest.CaptureFixture[str], home: Path, *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    status = main(["check", "--home", str(home), "--json", *words])
    return status, json.loads(capsys.readouterr().out)


def off(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in report["checks"] if each["status"] != "fine"]


def connections(report: dict[str, Any]) -> list[str]:
    return sorted(each["id"] for each in report["checks"] if each["id"].startswith("connection-"))


#: What each server can tell of: what it calls, who calls it, and what HUB was told.
_TOLD = {
    Component.HUB: ["connection-lui-hub", "connection-lui-trk", "connection-trk-hub"],
    Component.LUI: ["connection-lui-hub", "connection-lui-trk"],
    Component.TRK: ["connection-lui-trk", "connection-trk-hub"],
}


def test_a_healthy_installation_has_no_warning(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before it is started, and with every connection while it runs (W5, W8)."""
    for component in Component:
        status, report = run(capsys, installation.home_of(component))
        assert (status, off(report)) == (0, [])
    installation.start()
    for component in (Component.LUI, Component.TRK, Component.HUB):
        status, report = _settled(capsys, installation.home_of(component))
        assert (status, off(report)) == (0, [])
        assert connections(report) == _TOLD[component]
    _nothing_secret(installation, capsys)
    hub = installation.running["hub"]
    hub.stop()
    status, report = run(capsys, installation.home_of(Component.LUI), "--partners")
    assert (status, off(report)[0]["code"]) == (2, "connection-refused")
    assert off(report)[0]["id"] == "connection-lui-hub"


def _settled(capsys: pytest.CaptureFixture[str], home: Path) -> tuple[int, dict[str, Any]]:
    """Ask again until the servers, which start one after the other, have found each other."""
    while True:
        status, report = run(capsys, home, "--partners")
        if status == 0 and not off(report):
            return status, report
        waiting = {"partner-never-seen", "channel-closed", "connection-refused", ""}
        assert {each["code"] for each in off(report)} <= waiting, off(report)


def _nothing_secret(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """No password is in what is printed for people (W20)."""
    for seat in installation.layout.seats:
        home = installation.home(seat)
        secrets = [(home / "conf" / "cacerts.password").read_text("utf-8").strip()]
        ini = (home / "commands" / "ssl.ini").read_text("utf-8").splitlines()
        secrets += [each.partition("=")[2] for each in ini if "Password" in each]
        capsys.readouterr()
        main(["check", "--home", str(home), "--partners"])
        caught = capsys.readouterr()
        for secret in secrets:
            assert len(secret) > 8
            assert secret not in caught.out + caught.err


def test_one_server_for_all_checks_its_connections_to_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """W1: the same on one server, whose components call each other through the same ports."""
    with Ports() as ports:
        made = Installation(tmp_path, choose_layout(1, ports), secured=True, smtp_port=9)
        made.make()
    made.start()
    try:
        status, report = _settled(capsys, made.home_of(Component.HUB))
    finally:
        made.stop()
    assert status == 0
    assert connections(report) == _TOLD[Component.HUB]
