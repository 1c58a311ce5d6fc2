"""Which test produces which code of the catalogue: watched while it happens, not claimed.

A code counts as produced in a test when code of the product, not of the test, makes a fault, an
error or a finding of it while that test runs. ``produced.toml`` names for each code one test that
produces it; that test fails when it no longer does. Codes that no test can produce stand there with
the reason. The file is written by ``pytest --write-produced``, best over all tests; entries that
still hold are kept.
"""

import json
import sys
import tomllib
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from sottovoce.diagnosis import CATALOGUE, Diagnosis, Finding
from sottovoce.errors import Fault, RemoteProtocolError, SottovoceError

__all__ = ["REGISTRY", "Registry", "read_registry"]

TESTS = Path(__file__).parent
REGISTRY = TESTS / "produced.toml"

#: Where a code is passed on and not found; another watch over the same values stands between.
_PASSING_ON = ("sottovoce.errors", "sottovoce.diagnosis", "dataclasses", "secret_watch")
_NOT_THE_PRODUCT = ("sottovoce.testing",)

#: Tests are preferred in this order: the nearer to what an administrator meets, the better.
_ORDER = ("loopback", "cli", "components", "conformance", "pairs", "unit", "properties")


@dataclass(frozen=True)
class Registry:
    """What ``produced.toml`` says.

    Args:
        produced: code → the test that produces it.
        recorded: code → why no test does.
    """

    produced: Mapping[str, str]
    recorded: Mapping[str, str]

    def of(self, test: str) -> frozenset[str]:
        """Return the codes that a test is named for."""
        return frozenset(code for code, named in self.produced.items() if named == test)


def read_registry() -> Registry:
    """Read ``produced.toml``."""
    said = tomllib.loads(REGISTRY.read_text("utf-8")) if REGISTRY.exists() else {}
    return Registry(said.get("produced", {}), said.get("recorded", {}))


@dataclass
class Watch:
    """What is made while a test runs."""

    registry: Registry
    codes: set[str] = field(default_factory=set)
    seen: dict[str, set[str]] = field(default_factory=dict)
    running: bool = False

    def made(self, code: str) -> None:
        """Take note of a code, if code of the product made it."""
        if self.running and code in CATALOGUE and code not in self.codes and _by_the_product():
            self.codes.add(code)


def _by_the_product() -> bool:
    frame: FrameType | None = sys._getframe(3)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(_PASSING_ON):
            return module.startswith("sottovoce.") and not module.startswith(_NOT_THE_PRODUCT)
        frame = frame.f_back
    return False


def _watch(kind: type, made: Callable[[Any], Iterable[str]], watch: Watch) -> None:
    original: Callable[..., None] = kind.__init__  # type: ignore[misc]

    @wraps(original)
    def watched(self: Any, *args: Any, **named: Any) -> None:
        original(self, *args, **named)
        for code in made(self):
            watch.made(code)

    kind.__init__ = watched  # type: ignore[misc]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command that writes the registry."""
    parser.addoption(
        "--write-produced",
        action="store_true",
        help="write tests/produced.toml anew from what the tests of this run produce",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch."""
    watch = Watch(read_registry())
    config.stash[WATCH] = watch
    _watch(Fault, lambda fault: [fault.code], watch)
    _watch(Finding, lambda finding: [finding.code], watch)
    _watch(SottovoceError, lambda error: [error.code], watch)
    _watch(RemoteProtocolError, lambda error: [error.bye], watch)
    # Any text leads to diagnoses; that nothing is known of it is a finding of its own.
    _watch(Diagnosis, lambda one: [one.code] if one.code == "unrecognised" else [], watch)


#: The watch of this process, and named tests that were collected and are not there any more.
WATCH = pytest.StashKey[Watch]()
GONE = pytest.StashKey[tuple[str, ...]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take note of named tests that do not exist, as far as whole files were collected."""
    there = {item.nodeid for item in items}
    files = {item.nodeid.partition("::")[0] for item in items}
    whole = not any("::" in argument for argument in config.args)
    config.stash[GONE] = tuple(
        sorted(
            test
            for test in config.stash[WATCH].registry.produced.values()
            if whole and test.partition("::")[0] in files and test not in there
        )
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Watch one test; fail it when it does not produce what it is named for."""
    watch = item.config.stash[WATCH]
    watch.codes, watch.running = set(), True
    try:
        yield
    finally:
        watch.running = False
    watch.seen[item.nodeid] = watch.codes
    missing = watch.registry.of(item.nodeid) - watch.codes
    if missing and not item.config.getoption("--write-produced"):
        pytest.fail(
            f"{REGISTRY.name} names this test for {', '.join(sorted(missing))}, which it does not "
            "produce. Run: pytest --write-produced"
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the registry, or hand over what this worker has seen."""
    config = session.config
    if not config.getoption("--write-produced"):
        return
    watch = config.stash[WATCH]
    if hasattr(config, "workeroutput"):
        config.workeroutput["produced"] = {test: sorted(seen) for test, seen in watch.seen.items()}
    else:
        _write(watch)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker has seen."""
    for test, seen in getattr(node, "workeroutput", {}).get("produced", {}).items():
        node.config.stash[WATCH].seen[test] = set(seen)


def _write(watch: Watch) -> None:
    old, produced = watch.registry, dict(watch.registry.produced)
    for code in CATALOGUE:
        makers = [test for test, seen in watch.seen.items() if code in seen and _says(test, code)]
        if code in produced and (produced[code] in makers or produced[code] not in watch.seen):
            continue
        produced.pop(code, None)
        if makers:
            produced[code] = min(makers, key=_preference)
    lines = [
        "# Written by: pytest --write-produced (see producing.py). Reasons are written by hand."
    ]
    lines += ["", "[produced]"]
    lines += [f"{code} = {json.dumps(produced[code])}" for code in CATALOGUE if code in produced]
    lines += ["", "[recorded]"]
    lines += [
        f"{code} = {json.dumps(why)}" for code, why in old.recorded.items() if code not in produced
    ]
    REGISTRY.write_text("\n".join(lines) + "\n", "utf-8")


def _says(test: str, code: str) -> bool:
    """Tell whether a test, or what stands beside it, speaks of a code: whether it is asserted."""
    path = TESTS.parent / test.partition("::")[0]
    return any(f'"{code}"' in file.read_text("utf-8") for file in _beside(path))


def _beside(path: Path) -> list[Path]:
    tables = sorted(path.parent.glob("[!t]*.py"))
    return [path, *tables]


def _preference(test: str) -> tuple[int, str]:
    folder = test.split("/")[1]
    return (_ORDER.index(folder) if folder in _ORDER else len(_ORDER), test)
