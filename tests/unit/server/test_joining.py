"""What becomes of a home that joins when its disk declines, or HUB's answer does not come."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sottovoce.errors import ConnectFailed, SettingsError, WrongUsage
from sottovoce.net import Welcome, utc_now
from sottovoce.policy import Component
from sottovoce.server import HomePlan, Joining, create, creating, join_home, joining, read_plan
from sottovoce.store import files
from sottovoce.testing.welcomes import HubAnswer

TRK = Component.TRK


@pytest.fixture(scope="module")
def hub() -> HubAnswer:
    return HubAnswer(TRK, at=utc_now())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("plain") / "home"
    values = {
        "server.ini": {"ServerName": "trk.test", "Components": "trk"},
        "trk/tracker.ini": {"HubHost": "hub.test", "LuiHost": "lui.test"},
    }
    asyncio.run(create(HomePlan(path=home, components=(TRK,), values=values), now=utc_now()))
    return home


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("databases")
    asyncio.run(creating.make_databases(place, (TRK,), utc_now()))
    return place


@pytest.fixture(params=["a new home", "a plain home"])
def home(
    request: pytest.FixtureRequest,
    plain: Path,
    databases: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Not there yet, or plain; its databases were made before, which takes longest."""

    async def copied(folder: Path, *_: Any) -> None:
        shutil.copytree(databases, folder, dirs_exist_ok=True)

    monkeypatch.setattr(joining, "make_databases", copied)
    if request.param == "a plain home":
        shutil.copytree(plain, tmp_path / "home")
    return tmp_path / "home"


def joined(home: Path, hub: HubAnswer, ask: Callable[[], Any] | None = None, **values: Any) -> Any:
    wanted = Joining(path=home, invitation=hub.invitation, values=values)
    return asyncio.run(join_home(wanted, ask or hub, now=utc_now()))


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else None
        for each in sorted(folder.rglob("*"))
    }


def test_it_becomes_a_secured_home(home: Path, hub: HubAnswer) -> None:
    there = home.exists()
    made = joined(home, hub)
    assert made.new is not there
    assert made.warnings == ()
    assert all((home / name).is_file() for name in made.files)
    plan = read_plan(home, at=utc_now())
    assert plan.generation is not None
    assert plan.generation.identity.chain == hub.welcome.identity.chain
    assert plan.generation.roots == hub.welcome.roots
    assert plan.generation.crls == hub.welcome.crls
    assert plan.trk is not None
    assert (plan.trk.hub_host, plan.trk.lui_host) == ("hub.test", "lui.test")


@pytest.mark.parametrize("at", [0, 1, 3, 4])
def test_a_full_disk_leaves_everything_as_it_was(
    at: int, home: Path, hub: HubAnswer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after HUB has answered: that the invitation is used by then is said."""
    before, real, count = snapshot(tmp_path), files._write_new, 0

    def full(path: Path, *rest: Any, **more: Any) -> None:
        nonlocal count
        count += 1
        if count > at:
            raise OSError(28, "No space left on device", str(path))
        real(path, *rest, **more)

    monkeypatch.setattr(files, "_write_new", full)
    with pytest.raises(SettingsError, match="No space left on device") as caught:
        joined(home, hub)
    (fault,) = caught.value.faults
    assert fault.code == "file-unwritable"
    assert "new invitation" in fault.hint
    assert snapshot(tmp_path) == before


def test_an_answer_that_does_not_come_leaves_everything_as_it_was(
    home: Path, hub: HubAnswer, tmp_path: Path
) -> None:
    before = snapshot(tmp_path)

    async def away() -> Welcome:
        raise ConnectFailed("HUB is away.", code="connection-refused")

    with pytest.raises(ConnectFailed):
        joined(home, hub, away)
    assert snapshot(tmp_path) == before


def test_hub_is_not_asked_when_the_home_cannot_be(
    hub: HubAnswer, tmp_path: Path, plain: Path
) -> None:
    async def never() -> Welcome:
        raise AssertionError("the invitation was shown")

    with pytest.raises(SettingsError) as caught:
        joined(tmp_path / "new", hub, never, **{"server.ini": {"TrackerPort": "x"}})
    assert caught.value.faults[0].key == "TrackerPort"
    with pytest.raises(WrongUsage, match=r"no file lui/lui\.ini"):
        joined(tmp_path / "new", hub, never, **{"lui/lui.ini": {"SmtpHost": "x"}})
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongUsage, match="is not empty"):
        joined(tmp_path, hub, never)
    with pytest.raises(SettingsError) as caught:
        joined(plain, HubAnswer(Component.LUI, at=utc_now()), never)
    assert [fault.key for fault in caught.value.faults] == ["ServerName", "Components"]
    assert {fault.code for fault in caught.value.faults} == {"join-home-unfit"}


def test_a_home_that_expects_a_partner_elsewhere_joins_and_is_warned(
    hub: HubAnswer, plain: Path, tmp_path: Path
) -> None:
    """The partners would refuse each other; the invitation is used, so it is finished first."""
    home = tmp_path / "home"
    shutil.copytree(plain, home)
    ini = home / "trk" / "tracker.ini"
    ini.write_text(ini.read_text().replace("LuiHost=lui.test", "LuiHost=other.test"))
    (warning,) = joined(home, hub).warnings
    assert (warning.code, warning.warning) == ("component-unexpected", True)
    assert (warning.presented, warning.expected) == ("other.test", "lui.test")
    assert read_plan(home, at=utc_now()).secured


def test_a_keystore_that_is_there_keeps_its_name(
    hub: HubAnswer, plain: Path, tmp_path: Path
) -> None:
    """W12: it may serve HTTPS."""
    home = tmp_path / "home"
    shutil.copytree(plain, home)
    for name in ("server.p12", "server-2.p12"):
        (home / "conf" / name).write_bytes(b"another's")
    assert "conf/server-3.p12" in joined(home, hub).files
    assert (home / "conf" / "server.p12").read_bytes() == b"another's"
    assert read_plan(home, at=utc_now()).secured
