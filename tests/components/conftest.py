"""Servers of an installation as real processes, in homes that are made in a moment."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sottovoce.cli.demo.installation import RunningServer
from sottovoce.cli.demo.layout import Ports, choose_layout
from sottovoce.policy import Component
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.forked import Forkery
from sottovoce.testing.homes import Premises
from sottovoce.testing.managed import ManagedInstallation

#: Seconds within which anything must come about on a busy machine.
PATIENCE = 60.0

ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


def _eventually(condition: Callable[[], Any]) -> Any:
    """Look again and again until *condition* gives something; return that."""
    until = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
    return found


@pytest.fixture
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ManagedInstallation]:
    """An installation that is its own CA, with every server running; its parameter is how many."""
    with Ports() as ports:
        made = ManagedInstallation(tmp_path, choose_layout(request.param, ports), smtp_port=9)
        try:
            made.make()
            made.start()
            yield made
        finally:
            made.stop()


@dataclass
class Estate:
    """The homes of one installation, each on an address of its own, and the processes there."""

    folder: Path
    authority: ThrowAwayAuthority
    ports: Ports
    homes: dict[str, Premises] = field(default_factory=dict)
    running: dict[str, RunningServer] = field(default_factory=dict)
    internal: int = 0
    tracker: int = 0
    public: int = 0

    def build(
        self, *distribution: tuple[str, Sequence[Component]], values: dict[str, Any] | None = None
    ) -> None:
        """Make one home for each label and its components; none of them is secured yet."""
        seat = {c: n for n, (_, components) in enumerate(distribution) for c in components}
        address = {c: ADDRESSES[seat[c]] for c in Component}
        host = {c: self.host(distribution[seat[c]][0]) for c in Component}
        self.internal = self.ports.take(address[Component.HUB])
        self.tracker = self.ports.take(address[Component.TRK])
        self.public = self.ports.take(address[Component.TRK])
        hub = {
            "HubHost": host[Component.HUB],
            "HubAddress": address[Component.HUB],
            "HubPort": str(self.internal),
            "HeartbeatInterval": "1",
        }
        files: dict[str, dict[str, str]] = {
            "hub/hub.ini": {
                "LuiHost": host[Component.LUI],
                "TrackerHost": host[Component.TRK],
                "HeartbeatInterval": "1",
            },
            "lui/lui.ini": hub
            | {
                "TrackerHost": host[Component.TRK],
                "TrackerAddress": address[Component.TRK],
                "TrackerPort": str(self.tracker),
                "EventTransferInterval": "0.5",
            },
            "trk/tracker.ini": hub
            | {
                "LuiHost": host[Component.LUI],
                "PublicAddress": address[Component.TRK],
                "PublicPort": str(self.public),
            },
        }
        names = [self.host(label) for label, _ in distribution]
        for number, (label, components) in enumerate(distribution):
            server = {
                "BindAddress": ADDRESSES[number],
                "InternalPort": str(self.internal),
                "TrackerPort": str(self.tracker),
            }
            mine = {"server.ini": server} | {
                name: entries
                for name, entries in files.items()
                if Component(name.partition("/")[0]) in components
            }
            for name, entries in (values or {}).items():
                if name in mine:
                    mine[name] = mine[name] | entries
            self.homes[label] = Premises.make(
                self.folder / label,
                name=self.host(label),
                components=components,
                authority=self.authority,
                allowed=names,
                values=mine,
            )

    @staticmethod
    def host(label: str) -> str:
        return f"{label}.sottovoce.test"

    def start(self, label: str) -> RunningServer:
        """Start the server *label* and wait until it is ready."""
        self.running[label] = RunningServer(self.homes[label].path)
        self.running[label].wait_ready()
        return self.running[label]

    def stop(self, label: str) -> int:
        return self.running.pop(label).stop()

    def stop_all(self) -> list[int]:
        return [self.stop(label) for label in reversed(list(self.running))]

    def security(self, label: str, **wanted: object) -> list[dict[str, Any]]:
        """Return the lines of a security log that have the fields *wanted*."""
        lines = []
        for line in self.homes[label].log("security.log").splitlines(keepends=True):
            # The last line may be under way.
            with suppress(json.JSONDecodeError):
                lines.append(json.loads(line))
        return [line for line in lines if wanted.items() <= line.items()]


@pytest.fixture(scope="session")
def forkery() -> Iterator[Forkery]:
    """The process from which servers are forked."""
    with Forkery() as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def forked_servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have servers start without importing the program, but where the process itself is looked at.

    A module that is marked ``interpreter``, and whatever a test starts by itself, has real ones.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("interpreter") is None:
            patch.setattr(
                RunningServer,
                "begin",
                staticmethod(lambda words: request.getfixturevalue("forkery").begin(words)),
            )
        yield


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    return _eventually


@pytest.fixture
def estate(tmp_path: Path, authority: ThrowAwayAuthority) -> Iterator[Estate]:
    with Ports() as ports:
        made = Estate(tmp_path, authority, ports)
        try:
            yield made
        finally:
            for server in made.running.values():
                server.kill()
