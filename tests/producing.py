"""Which test produces which code of the catalogue: watched while it happens, not claimed.

A code counts as produced by a test function when code of the product, not of the test, makes a
fault, an error or a finding of it while that function runs. What another side has told does not
count where it is read: it was made there. Some causes lie in programs that are not ours, so that
nothing of the product makes a fault of them, and ``explain`` alone names them (:data:`EXPLAINED`).
Such a code counts as produced when ``explain`` names it first in a test below
``tests/conformance``, where each text was printed by a real program or cites where it was reported
(that nothing is known of a text is for any text to show).

``produced.toml`` names for each code one such function, without its parameters: a case may get
another name, or become a line of a loop. When all its cases have run and passed and none has
produced the code, the run fails; a run of some cases (``-k``, ``file::test[case]``) says nothing.
Codes that no test can produce stand there with the reason.

``pytest --write-produced [FILES]`` writes the registry from what it sees: entries that still hold,
or of which this run says nothing, are kept; a run of the files that have changed is enough.
"""

import ast
import json
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from sottovoce import diagnosis
from sottovoce.diagnosis import CATALOGUE, Diagnosis, Finding
from sottovoce.errors import Fault, RemoteFault, SottovoceError

__all__ = [
    "COMMAND",
    "EXPLAINED",
    "REGISTRY",
    "WATCH",
    "Registry",
    "Watch",
    "exists",
    "read_registry",
]

TESTS = Path(__file__).parent
REGISTRY = TESTS / "produced.toml"
COMMAND = "pytest --write-produced"

#: Causes that lie in other programs; see above.
EXPLAINED = frozenset(
    {
        "connect-failed",
        "identity-by-address",
        "own-ca-not-asked-for",
        "resumed-session",
        "unrecognised",
    }
)

#: Where a code is passed on and not found; another watch over the same values stands between.
_PASSING_ON = ("sottovoce.errors", "sottovoce.diagnosis", "dataclasses", "secret_watch")
#: Helpers of tests, and where what another side told is read.
_NOT_THE_PRODUCT = ("sottovoce.testing", "sottovoce.net.telling")

#: What the serving side of a channel answers by itself, not whoever carries a call out.
_SAID_BY_THE_CHANNEL = frozenset({"cut-short", "internal-error", "malformed"})

#: Tests are preferred in this order: the nearer to what an administrator meets, the better.
_ORDER = ("loopback", "components", "cli", "conformance", "pairs", "unit", "properties")


@dataclass(frozen=True)
class Registry:
    """What ``produced.toml`` says.

    Args:
        produced: code → the test function that produces it, ``file::function``.
        recorded: code → why none does.
    """

    produced: Mapping[str, str]
    recorded: Mapping[str, str]


def read_registry() -> Registry:
    """Read ``produced.toml``."""
    said = tomllib.loads(REGISTRY.read_text("utf-8")) if REGISTRY.exists() else {}
    return Registry(said.get("produced", {}), said.get("recorded", {}))


@dataclass
class Watch:
    """What is made while tests run.

    Args:
        registry: as it was when the run began.
        seen: test function → codes made.
        cases: test function → how many cases of it this run is to carry out.
        done: the same → how many have passed.
        partial: functions of which some cases were left out.
        named: the functions that the registry names.
    """

    registry: Registry
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    cases: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    partial: set[str] = field(default_factory=set)
    #: Whether every test is watched, or those alone that the registry names.
    all: bool = False
    #: What the test under way has made; None between tests, and while one runs that nobody watches.
    codes: set[str] | None = None

    def __post_init__(self) -> None:
        self.named = frozenset(self.registry.produced.values())

    def made(self, code: str) -> None:
        """Take note of a code, if code of the product made it."""
        codes = self.codes
        if codes is not None and code not in codes and code in CATALOGUE and _by_the_product():
            codes.add(code)

    def explained(self, found: Sequence[Diagnosis]) -> None:
        """Take note of what ``explain`` names first, asked by a test whose texts are real."""
        caller = sys._getframe(2).f_globals.get("__name__", "")
        first = found[0].code
        real = caller.startswith("tests.conformance.") or first == "unrecognised"
        if self.codes is not None and real and first in EXPLAINED:
            self.codes.add(first)

    def whole(self, function: str) -> bool:
        """Tell whether all cases of a function have run and passed."""
        return 0 < self.cases[function] == self.done[function] and function not in self.partial

    def broken(self) -> dict[str, str]:
        """Return the codes whose named function has run and does not produce them."""
        named = self.registry.produced
        return {
            code: function
            for code, function in named.items()
            if self.whole(function) and code not in self.seen[function]
        }

    def as_plain(self) -> dict[str, Any]:
        """Return what was seen as a worker can send it."""
        return {
            "seen": {function: sorted(codes) for function, codes in self.seen.items()},
            "cases": dict(self.cases),
            "done": dict(self.done),
            "partial": sorted(self.partial),
        }

    def take(self, plain: Mapping[str, Any]) -> None:
        """Add what a worker has seen: all collect the same cases, each runs its share."""
        for function, codes in plain["seen"].items():
            self.seen[function].update(codes)
        self.cases |= Counter(plain["cases"])
        self.done += Counter(plain["done"])
        self.partial.update(plain["partial"])


def _by_the_product() -> bool:
    frame: FrameType | None = sys._getframe(3)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(_PASSING_ON):
            return module.startswith("sottovoce.") and not module.startswith(_NOT_THE_PRODUCT)
        frame = frame.f_back
    return False


def _watch(kind: type, code_of: Callable[[Any], str], watch: Watch) -> None:
    original: Callable[..., None] = kind.__init__  # type: ignore[misc]

    @wraps(original)
    def watched(self: Any, *args: Any, **named: Any) -> None:
        original(self, *args, **named)
        if watch.codes is not None:
            watch.made(code_of(self))

    kind.__init__ = watched  # type: ignore[misc]


def _code_of_error(error: SottovoceError) -> str:
    """Return an error's code; what the other side answered with was made there, if not by it."""
    told = isinstance(error, RemoteFault) and error.code not in _SAID_BY_THE_CHANNEL
    return "" if told else error.code


def _watch_explain(watch: Watch) -> None:
    original = diagnosis.explain

    @wraps(original)
    def watched(text: str, context: Mapping[str, str] | None = None) -> list[Diagnosis]:
        found = original(text, context)
        watch.explained(found)
        return found

    diagnosis.explain = watched


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command that writes the registry."""
    parser.addoption(
        "--write-produced",
        action="store_true",
        help="write tests/produced.toml from what the tests of this run produce",
    )


#: The watch of this process.
WATCH = pytest.StashKey[Watch]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch."""
    watch = Watch(read_registry(), all=config.getoption("--write-produced"))
    config.stash[WATCH] = watch
    _watch(Fault, lambda fault: fault.code, watch)
    _watch(Finding, lambda finding: finding.code, watch)
    _watch(SottovoceError, _code_of_error, watch)
    _watch_explain(watch)


def _function_of(nodeid: str) -> str:
    """Return a test's name without its parameters, and without the group that xdist appends."""
    return re.split(r"[\[@]", nodeid, maxsplit=1)[0]


def pytest_deselected(items: Iterable[pytest.Item]) -> None:
    """Take note of functions that do not run whole."""
    for item in items:
        item.config.stash[WATCH].partial.add(_function_of(item.nodeid))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Count the cases of each function; where single ones were asked for, others are left out."""
    watch = session.config.stash[WATCH]
    watch.cases = Counter(_function_of(item.nodeid) for item in session.items)
    if any("[" in argument for argument in session.config.args):
        watch.partial.update(watch.cases)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Watch one test, if what it makes is asked for: most of them cost nothing then."""
    watch = item.config.stash[WATCH]
    function = _function_of(item.nodeid)
    if not watch.all and function not in watch.named:
        yield
        return
    codes = watch.codes = set()
    try:
        yield
        watch.done[function] += 1
    finally:
        watch.codes = None
        watch.seen[function] |= codes


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker has seen."""
    if "produced" in getattr(node, "workeroutput", {}):
        node.config.stash[WATCH].take(node.workeroutput["produced"])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what this worker has seen; else write the registry, or fail where it is untrue."""
    config = session.config
    watch = config.stash[WATCH]
    if hasattr(config, "workeroutput"):
        config.workeroutput["produced"] = watch.as_plain()
    elif config.getoption("--write-produced"):
        _write(watch)
    elif watch.broken() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what is untrue, and the command that mends it."""
    config = terminalreporter.config
    broken = config.stash[WATCH].broken()
    if config.getoption("--write-produced") or not broken:
        return
    terminalreporter.section(f"{REGISTRY.name} is not true any more")
    for code, function in broken.items():
        terminalreporter.line(f"{code} is not produced by {function}")
    files = sorted({function.partition("::")[0] for function in broken.values()})
    terminalreporter.line(f"Run: {COMMAND} {' '.join(files)}")
    terminalreporter.line("If nothing produces a code then, write a test that does.")


def _write(watch: Watch) -> None:
    produced = _kept(watch)
    for code in CATALOGUE:
        makers = [test for test, seen in watch.seen.items() if code in seen and _says(test, code)]
        if makers and code not in produced:
            produced[code] = min(makers, key=_preference)
    recorded = {code: why for code, why in watch.registry.recorded.items() if code not in produced}
    lines = ["# Written by: pytest --write-produced (see producing.py); [recorded] by hand."]
    for title, table in (("produced", produced), ("recorded", recorded)):
        lines += ["", f"[{title}]"]
        lines += [f"{code} = {json.dumps(table[code])}" for code in CATALOGUE if code in table]
    REGISTRY.write_text("\n".join(lines) + "\n", "utf-8")


def _kept(watch: Watch) -> dict[str, str]:
    """Return the entries that still hold, or of which this run says nothing."""
    broken = watch.broken()
    return {
        code: function
        for code, function in watch.registry.produced.items()
        if code in CATALOGUE and code not in broken and exists(function)
    }


def exists(function: str) -> bool:
    """Tell whether there is a test function of that name, ``file::function``, by its text."""
    file, _, name = function.partition("::")
    return name in _texts_of(TESTS.parent / file)


@cache
def _texts_of(path: Path) -> Mapping[str, str]:
    """Return the text of each test function of a file; without a name, of all that is no test."""
    if not path.is_file():
        return {}
    text = path.read_text("utf-8")
    rest = text.splitlines(keepends=True)
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_":
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
            found[node.name] = "".join(rest[first : node.end_lineno])
            rest[first : node.end_lineno] = [""] * ((node.end_lineno or first) - first)
    return {**found, "": "".join(rest)}


def _says(function: str, code: str) -> bool:
    """Tell whether a test asserts a code: it, its helpers, or a table beside it speak of it."""
    file, _, name = function.partition("::")
    texts = _texts_of(TESTS.parent / file)
    text = texts[name] + texts[""] + _tables_beside(TESTS.parent / file)
    # A code of one word is a word of many texts.
    word = rf"(?<![\w-]){code}(?![\w-])" if "-" in code else f'"{code}"'
    return re.search(word, text) is not None


@cache
def _tables_beside(path: Path) -> str:
    text = path.read_text("utf-8")
    tables = [one for one in path.parent.glob("*.py") if not one.name.startswith("test_")]
    tables += [one for one in path.parent.glob("*/*.json") if f'"{one.name}"' in text]
    return "\n".join(file.read_text("utf-8") for file in tables)


def _preference(function: str) -> tuple[int, str]:
    folder = function.split("/")[1]
    return (_ORDER.index(folder) if folder in _ORDER else len(_ORDER), function)
