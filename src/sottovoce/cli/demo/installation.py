"""A whole installation in a folder, made by the real commands and run as real processes.

Nothing here reaches around the command line: what the demonstration shows is what an administrator
would type. ``commands`` keeps every line that was run; with ``--keep`` they lie beside the homes.
"""

import contextlib
import io
import json
import queue
import secrets
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from sottovoce.cli import main
from sottovoce.cli.demo.layout import Layout, Seat
from sottovoce.errors import SottovoceError
from sottovoce.ini import Secret, dumps
from sottovoce.keystore import PrivateKeyEntry, loads
from sottovoce.policy import Component
from sottovoce.store import write_atomically

__all__ = ["Installation", "RunningServer"]

#: Seconds that a server may take to become ready, and to stop.
_READY_LIMIT, _STOP_LIMIT = 90.0, 30.0
#: With which a command ends that Ctrl-C interrupted.
_INTERRUPTED = 130


class _Caught(io.TextIOWrapper):
    """A stream in memory that has a ``buffer``, as a terminal's has."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    @property
    def text(self) -> str:
        """What was written so far."""
        self.seek(0)
        return self.read()


class RunningServer:
    """One ``sottovoce start`` as a process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.output: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        command = [sys.executable, "-m", "sottovoce", "start", "--home", str(home)]
        self.process = self.begin(command)
        assert self.process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    @staticmethod
    def begin(command: Sequence[str]) -> "subprocess.Popen[str]":
        """Begin the process; tests replace this by one that need not import the program."""
        return subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_ready(self) -> None:
        """Wait until the server says that it is ready.

        Raises:
            SottovoceError: it ended, or took too long; with what it printed.
        """
        while True:
            try:
                line = self._lines.get(timeout=_READY_LIMIT)
            except queue.Empty:
                line = None
            if line is None:
                raise SottovoceError(
                    f"The server in {self.home} did not start:\n" + "\n".join(self.output),
                    hint="Look at its logs.",
                )
            self.output.append(line)
            if line == "ready":
                return

    def stop(self) -> int:
        """End it by SIGTERM and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return self._ended()

    def kill(self) -> int:
        """End it by SIGKILL, as a crash would."""
        self.process.kill()
        return self._ended()

    def _ended(self) -> int:
        """Wait for the end, take the last lines, and return the exit status."""
        status = self.process.wait(_STOP_LIMIT)
        self._reader.join(_STOP_LIMIT)
        while not self._lines.empty():
            line = self._lines.get()
            self.output += [line] if line is not None else []
        return status


class Installation:
    """One to three server homes below *folder*.

    Args:
        folder: empty.
        layout: what runs where.
        secured: mutual TLS, or plain.
        smtp_port: of the relay on 127.0.0.1.
    """

    def __init__(self, folder: Path, layout: Layout, *, secured: bool, smtp_port: int) -> None:
        self.folder = folder
        self.layout = layout
        self.secured = secured
        self.smtp_port = smtp_port
        self.commands: list[str] = []
        self.running: dict[str, RunningServer] = {}

    def home(self, seat: Seat) -> Path:
        """Return the home of *seat*'s server."""
        return self.folder / seat.label

    def home_of(self, component: Component) -> Path:
        """Return the home of the server on which *component* runs."""
        return self.home(self.layout.seat_of(component))

    def run(self, *words: str | Path, good: Sequence[int] = (0,)) -> str:
        """Run one ``sottovoce`` command and return what it printed.

        It runs in this process, by the same entry point as at a prompt: forty starts of an
        interpreter would be most of the demonstration's time.

        Raises:
            SottovoceError: it ended with a status that is not in *good*.
            KeyboardInterrupt: it was interrupted.
        """
        line = [str(word) for word in words]
        self.commands.append(shlex.join(["sottovoce", *line]))
        out, problems = _Caught(), _Caught()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(problems):
            status = main(line)
        if status == _INTERRUPTED:
            # The signal was for the whole; the command was only under way when it came.
            raise KeyboardInterrupt
        if status not in good:
            raise SottovoceError(
                f"{self.commands[-1]} ended with status {status}:\n{problems.text or out.text}"
            )
        return out.text

    def run_json(self, *words: str | Path, good: Sequence[int] = (0,)) -> Any:
        """Run a command with ``--json`` and return the object that it printed."""
        return json.loads(self.run(*words, "--json", good=good))

    # Making it.

    def make(self) -> None:
        """Make every home, and secure all of them unless the installation is plain."""
        for seat in self.layout.seats:
            self._init(seat)
        if self.secured:
            self._create_authority()
            for seat in self.layout.seats:
                self._secure(seat)

    def _init(self, seat: Seat) -> None:
        layout = self.layout
        hub, lui, trk = (layout.seat_of(component) for component in Component)
        words = ["init", "--home", str(self.home(seat)), "--name", seat.host]
        words += ["--components", ",".join(seat.components), "--bind", seat.address]
        words += ["--internal-port", str(layout.internal_port)]
        words += ["--tracker-port", str(layout.tracker_port)]
        words += ["--hub", hub.host, "--lui", lui.host, "--tracker", trk.host]
        words += ["--hub-port", str(layout.internal_port), "--hub-address", hub.address]
        words += ["--tracker-address", trk.address]
        words += ["--public-address", trk.address, "--public-port", str(layout.public_port)]
        words += ["--public-url", f"http://{trk.address}:{layout.public_port}"]
        words += ["--web-port", str(layout.web_port)]
        words += ["--smtp-host", "127.0.0.1", "--smtp-port", str(self.smtp_port)]
        if Component.HUB in seat.components:
            words += ["--set", "hub/hub.ini:HeartbeatInterval=1"]
        if Component.LUI in seat.components:
            words += ["--set", "lui/lui.ini:EventTransferInterval=0.5"]
        self.run(*words)

    @property
    def authority(self) -> Path:
        """The folder of the installation's own certificate authority."""
        return self.folder / "ca"

    def _create_authority(self) -> None:
        password = self.folder / "ca.password"
        write_atomically(password, f"{secrets.token_urlsafe(18)}\n".encode())
        name = "sottovoce demonstration root"
        self.run(
            "ca", "create", "--dir", self.authority, "--name", name, "--password-file", password
        )

    def _secure(self, seat: Seat) -> None:
        """Key, request, signature, root, reply, ``ssl.ini``: the white paper's steps (W13, W14)."""
        home = self.home(seat)
        conf, keystore = home / "conf", home / "conf" / "server.p12"
        password = secrets.token_urlsafe(18)
        secret = conf / "server.password"
        write_atomically(secret, f"{password}\n".encode())
        self._trust_root(home)
        self._certify(seat.host, keystore, secret, tuple(seat.components), home=home)
        names = ",".join(other.host for other in self.layout.seats)
        entries = [
            ("SSLAllowedClients", names),
            ("SSLKeystorePath", str(keystore)),
            ("SSLKeystorePassword", password),
        ]
        write_atomically(home / "commands" / "ssl.ini", dumps(entries))
        secret.unlink()

    def _trust_root(self, home: Path) -> None:
        """Import the authority's root into the home's keystore of trusted roots (W16)."""
        root = self.authority / "root.pem"
        self.run("keytool", "--home", home, "-importcert", "-noprompt", "-cacerts", "-alias",
                 "installation-root", "-file", root)  # fmt: skip

    def _certify(
        self,
        name: str,
        keystore: Path,
        password: Path,
        components: Sequence[str],
        *,
        home: Path | None = None,
    ) -> None:
        """Key, request, signature, reply (SPEC W13, W14)."""
        request, reply = keystore.with_suffix(".csr"), keystore.with_suffix(".pem")
        store = ("-alias", "server", "-keystore", keystore, "-storepass:file", password)
        tool = ("keytool", "--home", home or self.home(self.layout.seats[0]))
        san = ("-ext", f"SAN=dns:{name}")
        self.run(*tool, "-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1",
                 "-dname", f"CN={name}", *san, *store)  # fmt: skip
        self.run(*tool, "-certreq", "-file", request, *san, *store)
        roles = [word for component in components for word in ("--component", str(component))]
        self.run("ca", "sign", "--dir", self.authority, "--request", request, "--out", reply,
                 "--password-file", self.folder / "ca.password", *roles)  # fmt: skip
        self.run(*tool, "-importcert", "-noprompt", "-trustcacerts", "-file", reply, *store)

    def outsider(self, name: str) -> PrivateKeyEntry:
        """Return a key with a certificate by the installation's authority for an unlisted *name*.

        It is what somebody has who got hold of a signature, but belongs to no server of the list.
        """
        folder = self.folder / "outsider"
        folder.mkdir(mode=0o700)
        password = self.folder / "outsider.password"
        write_atomically(password, f"{secrets.token_urlsafe(18)}\n".encode())
        keystore = folder / "outsider.p12"
        self._certify(name, keystore, password, ("lui",))
        secret = Secret(password.read_text("utf-8").strip())
        return loads(keystore.read_bytes(), secret).key_entry()

    # Running it.

    def start(self) -> None:
        """Start every server and wait until all are ready."""
        for seat in self.layout.seats:
            self.running[seat.label] = RunningServer(self.home(seat))
        for server in self.running.values():
            server.wait_ready()

    def restart(self, label: str) -> None:
        """Start one server again after it was stopped or killed."""
        seat = next(seat for seat in self.layout.seats if seat.label == label)
        self.running[label] = RunningServer(self.home(seat))
        self.running[label].wait_ready()

    def stop(self) -> None:
        """Stop every server: those that call before those that are called."""
        for server in reversed(list(self.running.values())):
            server.stop()

    def startup_lines(self) -> list[str]:
        """Return W19's lines as they stand in the components' logs."""
        lines = []
        for component in Component:
            log = self.home_of(component) / "logs" / f"{component}.log"
            if log.exists():
                text = log.read_text(encoding="utf-8")
                lines += [line for line in text.splitlines() if "Secure Sockets Layer" in line]
        return lines

    def security_log(self, component: Component) -> list[dict[str, Any]]:
        """Return the lines of the ``security.log`` of *component*'s server."""
        path = self.home_of(component) / "logs" / "security.log"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
