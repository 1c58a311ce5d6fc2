"""A server is renamed while everything runs: step by step, and no connection is refused."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sottovoce.errors import SettingsError, SottovoceError
from sottovoce.net import utc_now
from sottovoce.policy import Component
from sottovoce.server import read_in_use, read_plan
from sottovoce.server.rename_state import check_reachable
from sottovoce.testing.managed import ManagedInstallation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Eventually = Callable[[Callable[[], Any]], Any]
OLD, NEW = "inner.sottovoce.test", "core.sottovoce.test"


class Plan:
    """``sottovoce rename`` on either server."""

    def __init__(self, installation: ManagedInstallation) -> None:
        self.hub = installation.hub_home
        self.trk = installation.home_of(Component.TRK)
        self._installation = installation

    def __call__(self, home: Path, *words: str | Path) -> dict[str, Any]:
        found: dict[str, Any] = self._installation.run_json(
            "rename", OLD, NEW, "--home", home, "--json", *words, good=(0, 1)
        )
        return found

    def reached(self, step: str) -> bool:
        return bool(self(self.hub)["next"] == step)


def lines(installation: ManagedInstallation, outcome: str) -> list[dict[str, Any]]:
    """Return the lines of both security logs, but for attempts at a server that was not there."""
    return [
        line
        for component in (Component.HUB, Component.TRK)
        for line in installation.security_log(component)
        if line["outcome"] == outcome and line.get("code") != "connection-refused"
    ]


def restart(
    installation: ManagedInstallation, label: str, eventually: Eventually, *, edges: int
) -> None:
    """Restart a server, and wait until its connections stand again, at both ends."""
    before = len(lines(installation, "accepted"))
    assert installation.running[label].stop() == 0
    installation.restart(label)
    eventually(lambda: len(lines(installation, "accepted")) >= before + 2 * edges)


@pytest.mark.parametrize("installation", [2], indirect=True)
def test_a_server_gets_another_name_and_no_connection_breaks(
    installation: ManagedInstallation, eventually: Eventually
) -> None:
    """Issue 5 (7): HUB and LUI are on the server that is renamed, so all three edges touch it.

    The other server calls it by the old name until it is restarted itself.
    """
    plan = Plan(installation)
    eventually(lambda: len(lines(installation, "accepted")) >= 6)
    assert lines(installation, "refused") == []

    # A step out of its turn is refused, and so is a name by which the server is not reached.
    with pytest.raises(SottovoceError, match="'named' is not next: HUB's issuing authority may"):
        plan(plan.hub, "--apply", "--step", "named")
    with pytest.raises(SettingsError) as caught:
        asyncio.run(check_reachable(read_plan(plan.trk, at=utc_now()), OLD, NEW, clock=utc_now))
    assert caught.value.faults[0].why.startswith(f"TRK → HUB by the name {NEW}: ")
    before = len(lines(installation, "refused"))

    # Both names are made true; what is HUB's to do is said elsewhere.
    assert plan(plan.hub, "--apply", "--dir", installation.root)["next"] == "allowed"
    there = f"next: on HUB's server, sottovoce rename {OLD} {NEW} --apply --home HUBHOME"
    words = ("rename", OLD, NEW, "--home", plan.trk)
    assert there in installation.run(*words, good=(1,))
    plan(plan.hub, "--apply", "--step", "allowed")
    eventually(lambda: plan.reached("certified"))
    assert plan(plan.trk, "--apply")["told"] == ["The step is taken on HUB's server."]
    assert there in installation.run(*words, good=(1,))
    plan(plan.hub, "--apply")
    eventually(lambda: plan.reached("named"))
    assert (plan.trk / "server.ini").read_text().count("inner") == 0

    # The new one is put to use, on one server after the other.
    told = plan(plan.hub, "--apply")["told"]
    for file in ("hub/hub.ini: LuiHost", "lui/lui.ini: HubHost", "server.ini: ServerName"):
        assert f"    {plan.hub / file.split(':')[0]}: {file.split(': ')[1]}" in told
    restart(installation, "inner", eventually, edges=3)
    assert plan.reached("named")
    assert plan(plan.trk, "--apply")["next"] == "named"
    restart(installation, "outer", eventually, edges=2)
    eventually(lambda: plan.reached("forgotten"))

    # The old one goes.
    plan(plan.hub, "--apply")
    eventually(lambda: plan.reached("reissued"))
    plan(plan.hub, "--apply")
    eventually(lambda: plan.reached(""))
    assert installation.run("edges", "--home", plan.hub).startswith("Secured: all 3 connections.")
    for component in (Component.HUB, Component.TRK):
        home = read_plan(installation.home_of(component), at=utc_now()).home
        in_use = read_in_use(home)
        assert in_use is not None
        assert sorted(in_use.allowed) == [NEW, "outer.sottovoce.test"]
    assert len(lines(installation, "refused")) == before
