"""A program: carries out one keytool command again and again, killed one call later each time.

``killed_writer.py TEMPLATE RUNS WORD...`` copies the folder TEMPLATE to ``RUNS/0``, ``RUNS/1`` and
so on; in each copy it runs ``sottovoce keytool WORD...`` in a child that gets SIGKILL before its
n-th call to the operating system; octets are written in three calls. It ends with the first child
that comes through, and prints as JSON before which call each of the others was killed.
"""

import fcntl
import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from sottovoce.cli import main

#: What is done in each copy, given what begins the counting; returns the exit status.
Act = Callable[[Callable[[], None]], int]

CALLS = (
    *("open", "close", "write", "fsync", "fchmod", "fchown", "link", "replace", "rename"),
    *("unlink", "remove", "mkdir", "rmdir", "ftruncate", "truncate", "symlink"),
)
#: More than any verb makes; a command that never ends is a finding, too.
MOST = 500


class Pieces:
    """A file whose octets go to the system in three calls."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __enter__(self) -> "Pieces":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def write(self, data: bytes) -> None:
        third = len(data) // 3
        for part in (data[:third], data[third : 2 * third], data[2 * third :]):
            os.write(self.descriptor, part)

    def flush(self) -> None:
        """Nothing is held back."""


def count_down(until: int, tell: int) -> None:
    """Have this process killed before its call number *until*; say through *tell* which it was."""
    made = 0
    write, kill, own = os.write, os.kill, os.getpid()

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal made
            if made == until:
                write(tell, name.encode())
                kill(own, signal.SIGKILL)
            made += 1
            return real(*arguments, **options)

        return call

    # A kill takes no file away from the kernel, so nothing has to be on the disk here.
    os.fsync = lambda fd: None
    for name in CALLS:
        setattr(os, name, counted(name, getattr(os, name)))
    fcntl.flock = counted("flock", fcntl.flock)
    os.fdopen = lambda descriptor, mode: Pieces(descriptor)  # type: ignore[assignment]


def run(folder: Path, act: Act, until: int) -> str | None:
    """Do it in a child; return before which call that was killed, None when it ended."""
    read, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        with open(os.devnull, "w") as nothing:  # noqa: PTH123 - before the calls are counted
            sys.stdout = sys.stderr = nothing
            status = act(lambda: count_down(until, tell))
            os._exit(status)
    os.close(tell)
    _, status = os.waitpid(child, 0)
    said = os.read(read, 100).decode()
    os.close(read)
    if os.WIFSIGNALED(status):
        return said
    if os.WEXITSTATUS(status):
        raise SystemExit(f"the command itself failed: {os.WEXITSTATUS(status)}")
    return None


def warm_up(template: Path, folder: Path, act: Act) -> None:
    """Do it once here, so that no child has to import anything."""
    shutil.copytree(template, folder)
    os.chdir(folder)
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):  # noqa: PTH123
        act(lambda: None)
    shutil.rmtree(folder)


def runs(template: Path, place: Path, act: Act, *, every: int = 1) -> list[str]:
    """Return before which call each run was killed; the last run of all came through.

    Args:
        template: copied for each run.
        place: for the copies.
        act: what is killed.
        every: kill before each call, or before each second, third …
    """
    warm_up(template, place / "warm", act)
    gc.freeze()  # what is there by now is not copied by each child
    gc.disable()
    killed: list[str] = []
    while len(killed) * every < MOST:
        folder = place / str(len(killed))
        shutil.copytree(template, folder)
        said = run(folder, act, len(killed) * every)
        if said is None:
            return killed
        killed.append(said)
    raise SystemExit("the command never ends")


def keytool(begin: Callable[[], None]) -> int:
    """Carry out the verb of the command line."""
    begin()
    return main(["keytool", *sys.argv[3:]])


if __name__ == "__main__":
    print(json.dumps(runs(Path(sys.argv[1]), Path(sys.argv[2]), keytool)))
