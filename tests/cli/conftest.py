"""A secured server home that each test gets fresh, to break as it likes."""

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sottovoce.cli import main
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

NAME = "whole.sottovoce.test"


@dataclass(frozen=True)
class Printed:
    """What a command did: its exit status and its output, split and whole."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    def faults(self) -> list[tuple[str, str]]:
        """Return code and place of each fault that was printed, in order."""
        heads = [line for line in self.err.splitlines() if line.startswith("fault ")]
        split = [line.removeprefix("fault ").partition(" in ") for line in heads]
        return [(code, place) for code, _, place in split]

    def codes(self) -> list[str]:
        return [code for code, _ in self.faults()]


Run = Callable[..., Printed]


@pytest.fixture
def sottovoce(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line by the program's own entry point."""

    def run(*words: str | Path) -> Printed:
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as end:
            status = int(end.code or 0)
        caught = capsys.readouterr()
        return Printed(status, caught.out, caught.err)

    return run


@pytest.fixture(scope="session")
def occupied() -> Iterator[tuple[int, int, int]]:
    """Three ports on which somebody listens: opening one of them would be noticed at once."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    first, second, third = (each.getsockname()[1] for each in held)
    yield first, second, third
    for each in held:
        each.close()


@pytest.fixture(scope="session")
def template(
    tmp_path_factory: pytest.TempPathFactory,
    authority: ThrowAwayAuthority,
    occupied: tuple[int, int, int],
) -> Premises:
    internal, tracker, public = map(str, occupied)
    return Premises.make(
        tmp_path_factory.mktemp("template") / "home",
        name=NAME,
        authority=authority,
        values={
            "server.ini": {"InternalPort": internal, "TrackerPort": tracker},
            "lui/lui.ini": {"HubPort": internal, "TrackerPort": tracker},
            "trk/tracker.ini": {
                "HubPort": internal,
                "PublicAddress": "127.0.0.1",
                "PublicPort": public,
            },
        },
    )


@pytest.fixture
def home(template: Premises, tmp_path: Path) -> Premises:
    """A secured home with all three components, on ports that are taken."""
    path = tmp_path / "home"
    shutil.copytree(template.path, path)
    return replace(template, path=path).secure()


def as_json(printed: Printed) -> object:
    """Return the JSON on the last line of what was printed."""
    return json.loads(printed.out.splitlines()[-1])
