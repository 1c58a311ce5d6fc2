"""Servers as processes that need not import the program: forked from one that has.

Importing takes nine tenths of the time that a server needs to start, and tests start a hundred.
What runs is the same: the command's own entry point, with its words, in a process of its own with
its own signals, standard streams and exit status. Only what the system's list of processes says of
it is another program's: who looks there needs a server with an interpreter of its own.

``python -m sottovoce.testing.forked DESCRIPTOR`` is the process that is forked; :class:`Forkery`
starts it and asks it.
"""

import gc
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, Self

__all__ = ["Forkery"]

#: The longest request, in octets: words, folder and environment.
_LONGEST = 2**18


class _Forked(subprocess.Popen[str]):
    """A process whose end is told by *ended*, since its parent is another."""

    def __init__(self, words: Sequence[str], stdout: int, ended: socket.socket) -> None:
        # Nothing of Popen's own beginning: there is a process already.
        self._child_created = False
        self.args = [*words]
        self.stdin = self.stderr = None
        self.stdout = os.fdopen(stdout, encoding="utf-8")
        self.returncode = None
        self._ended = ended
        self.pid = int(ended.recv(64))

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        status: int | None = self.returncode
        return status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit status, or the number of the signal, negative."""
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            self.returncode = int(self._ended.recv(64))
            self._ended.close()
        status: int = self.returncode
        return status


class Forkery:
    """The process that has imported the program, and is forked for each server."""

    def __enter__(self) -> Self:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        self._process.wait()

    def begin(self, command: Sequence[str]) -> "subprocess.Popen[str]":
        """Start ``python -m sottovoce …`` as :class:`subprocess.Popen` would, its output piped."""
        words = command[command.index("sottovoce") + 1 :]
        stdout, its_stdout = os.pipe()
        ended, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {"words": words, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        with its_end:
            data = json.dumps(request).encode()
            socket.send_fds(self._ours, [data], [its_stdout, its_end.fileno()])
            os.close(its_stdout)
        return _Forked(command, stdout, ended)


def _serve(asked: socket.socket) -> None:
    """Fork for each request, until nobody asks any more."""
    # A terminal's signal is for servers, after whose ends we are told to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whoever waits for a server ends unnoticed.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        data, (*descriptors,), _, _ = socket.recv_fds(asked, _LONGEST, 2)
        if not data:
            return
        if os.fork() == 0:
            asked.close()
            _attend(json.loads(data), *descriptors)
        for each in descriptors:
            os.close(each)


def _attend(request: dict[str, Any], stdout: int, ended: int) -> NoReturn:
    """Fork the server; tell its number, wait for it, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = socket.socket(fileno=ended)
    number = os.fork()
    if number == 0:
        told.close()
        _run(request, stdout)
    os.close(stdout)
    with suppress(BrokenPipeError):
        told.send(str(number).encode())
        _, status = os.waitpid(number, 0)
        told.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _run(request: dict[str, Any], stdout: int) -> NoReturn:
    """Be the server."""
    status = 1
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        os.dup2(stdout, 1)
        os.dup2(stdout, 2)
        os.close(stdout)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        random.seed()
        status = _main(request["words"])
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def _main(words: list[str]) -> int:
    from sottovoce.cli import main

    try:
        return main(words)
    except SystemExit as end:
        return int(end.code or 0)


if __name__ == "__main__":
    # What 'start' imports when it runs: packages load a name at its first use.
    import uvloop  # noqa: F401

    import sottovoce.cli.start  # noqa: F401
    from sottovoce.server import Server, read_plan  # noqa: F401

    gc.collect()
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
