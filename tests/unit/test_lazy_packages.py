"""Packages that load a name at its first use have every name that they promise, and no other."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

LAZY = (
    "sottovoce.hub",
    "sottovoce.hub.service",
    "sottovoce.lui",
    "sottovoce.net",
    "sottovoce.policy",
    "sottovoce.server",
    "sottovoce.server.checking",
    "sottovoce.store",
    "sottovoce.trk",
    "sottovoce.web",
)


@pytest.mark.parametrize("package", LAZY)
def test_every_name_is_there_and_is_no_module(package: str) -> None:
    """A module of the same name would take its place as soon as it is imported."""
    found = importlib.import_module(package)
    assert found.__file__ is not None
    beside = {path.stem for path in Path(found.__file__).parent.iterdir()}
    assert not beside & set(found.__all__)
    for name in found.__all__:
        assert getattr(found, name) is getattr(found, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing_of_the_kind'"):
        _ = found.nothing_of_the_kind


#: Command → what its start has no need of. Whoever adds an import that takes a third of a second
#: for everybody sees it here.
_HEAVY = ("sqlalchemy", "uvicorn", "jinja2", "structlog", "rich", "aiosmtplib")
_COMMANDS = {
    "--help": _HEAVY,
    "ca list --home HOME": _HEAVY,
    "reload --home HOME": _HEAVY,
    "check --home HOME": ("uvicorn", "structlog", "aiosmtplib"),
}


def test_a_command_loads_only_what_it_needs(tmp_path: Path) -> None:
    """One process after the other, each of which prints what it has loaded at its end."""
    program = tmp_path / "loaded.py"
    program.write_text(
        "import sys, contextlib, os\n"
        "from sottovoce.cli import main\n"
        "with open(os.devnull, 'w') as nothing, contextlib.suppress(SystemExit),"
        " contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):\n"
        "    main(sys.argv[1:])\n"
        "print(*sys.modules)\n"
    )
    for words, unwanted in _COMMANDS.items():
        line = [word.replace("HOME", str(tmp_path / "home")) for word in words.split()]
        done = subprocess.run(
            [sys.executable, str(program), *line],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "COVERAGE_PROCESS_START": ""},
        )
        assert not set(unwanted) & set(done.stdout.split()), words
