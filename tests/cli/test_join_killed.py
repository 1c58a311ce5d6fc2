"""A kill between any two system calls of joining leaves the home as it was, or secured and whole.

The program that does so is ``killed_joiner.py``; HUB's answer is there before the first call.
"""

import asyncio
import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sottovoce.cli import main
from sottovoce.net import utc_now
from sottovoce.policy import Component
from sottovoce.server import Joining, is_secured, join_home, read_plan
from sottovoce.server.home import Home
from sottovoce.testing.welcomes import HubAnswer

PROGRAM = Path(__file__).with_name("killed_joiner.py")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def killed(template: Path, place: Path) -> tuple[list[Path], list[str]]:
    """Return the folders, the last one complete, and before which call each was killed."""
    place.mkdir()
    line = [sys.executable, str(PROGRAM), str(template), str(place)]
    done = subprocess.run(
        line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    before: list[str] = json.loads(done.stdout)
    return [place / str(number) for number in range(len(before) + 1)], before


def visible(folder: Path) -> dict[str, bytes]:
    """What a server would look at: hidden files beside others are left-overs of the kill."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    }


def test_a_new_home_is_whole_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "template").mkdir()
    folders, before = killed(tmp_path / "template", tmp_path / "runs")
    assert {"open", "write"} <= set(before)
    there = [(folder / "home").exists() for folder in folders]
    assert there == sorted(there), "nothing, nothing, … all"
    assert set(there) == {False, True}
    for folder, made in zip(folders, there, strict=True):
        assert made or not visible(folder)
    first, last = folders[there.index(True)], folders[-1]
    assert sorted(visible(first)) == sorted(visible(last))
    plan = read_plan(last / "home", at=utc_now())
    assert plan.secured
    assert plan.settings.trust_from_hub


def test_the_next_join_clears_up_and_check_names_it_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a kill left may hold the server's key."""
    folder, line = tmp_path / "runs", [sys.executable, str(PROGRAM)]
    (tmp_path / "template").mkdir()
    done = subprocess.run(
        [*line, str(tmp_path / "template"), str(folder), "--killed-late"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    (left,) = folder.glob(".home.*.tmp")
    assert (left / "conf" / "server.p12").exists()

    main(["check", "--home", str(folder / "home"), "--json"])
    found = {each["code"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert str(left) in found["left-behind"]["message"]
    assert left.exists()

    hub = HubAnswer(Component.TRK, at=utc_now())
    joining = Joining(path=folder / "home", invitation=hub.invitation)
    joined = asyncio.run(join_home(joining, hub, now=utc_now()))
    assert joined.removed == (left,)
    assert list(folder.iterdir()) == [folder / "home"]
    assert read_plan(folder / "home", at=utc_now()).secured


def test_a_plain_home_stays_plain_until_it_is_secured_as_a_whole(tmp_path: Path) -> None:
    """Whatever the moment: its server starts, plain as before or secured with everything."""
    home = tmp_path / "template" / "home"
    words = ("--name", "trk.test", "--components", "trk", "--hub", "hub.test", "--lui", "lui.test")
    assert main(["init", "--home", str(home), *words]) == 0
    untouched = {"server.ini", "conf/cacerts"}
    old = visible(home)
    folders, before = killed(tmp_path / "template", tmp_path / "runs")
    assert {"open", "write", "fsync", "link", "replace"} <= set(before)
    secured = [is_secured(Home(folder / "home")) for folder in folders]
    assert secured == sorted(secured)
    assert set(secured) == {False, True}
    seen: set[str] = set()
    for folder, is_on in zip(folders, secured, strict=True):
        now = visible(folder / "home")
        for name in old.keys() - untouched:
            assert now[name] == old[name]
        # States that differ in nothing that is decided by need to be read once only.
        state = hashlib.sha256(repr((sorted(now), now["server.ini"])).encode()).hexdigest()
        if state not in seen:
            seen.add(state)
            plan = read_plan(folder / "home", at=utc_now())
            assert plan.secured is is_on
            assert plan.settings.server_name == "trk.test"
    assert len(seen) >= 4
    assert not any(".tmp" in name or ".old" in name for name in map(str, folders[-1].rglob("*")))
