"""The course of the demonstration, step by step, and whether everything held."""

import argparse
import contextlib
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from sottovoce.cli.demo import campaign, intruders, telling
from sottovoce.cli.demo.installation import Installation
from sottovoce.cli.demo.layout import Ports, choose_layout
from sottovoce.cli.demo.readers import Played, play
from sottovoce.cli.demo.relay import MaildirRelay, read_maildir
from sottovoce.errors import WrongUsage
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.policy import Component

__all__ = ["Intrusion", "Outcome", "run_demo"]

#: Seconds that the campaign may take to go out, and the events to come in.
_PATIENCE = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intrusion:
    """One attempt, and what both sides have of it.

    Args:
        attempt: what was tried.
        refused: whether it was turned away.
        code: why, as the server logged it.
        logged: whether the server has a line about it.
        told: what the intruder was told.
    """

    attempt: str
    refused: bool
    code: str
    logged: bool
    told: tuple[str, ...]


@dataclass(kw_only=True)
class Outcome:
    """Everything that a run found out; what ``--json`` prints."""

    servers: int
    secured: bool
    startup: list[str] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)
    job: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    intrusions: list[Intrusion] = field(default_factory=list)
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        """Return the one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def run_demo(args: argparse.Namespace) -> int:
    """Run the demonstration as *args* say; return 0 when everything held, else 2."""
    if args.recipients is not None and not 1 <= args.recipients <= 100_000:
        raise WrongUsage(
            f"--recipients {args.recipients} is out of range.", hint="Choose 1 to 100000."
        )
    # The stream itself: commands that run in this process have their output caught.
    stream = sys.stderr if args.json else sys.stdout
    console = Console(file=stream, highlight=False, emoji=False)
    outcome = Outcome(servers=args.servers, secured=not args.plain)
    began = time.monotonic()
    with _ended_by_sigterm(), Ports() as ports, _folder(args.keep) as folder:
        demo = _Demo(folder, args, outcome, console, ports)
        demo.run()
    outcome.seconds = round(time.monotonic() - began, 1)
    telling.print_end(console, outcome.faults, outcome.seconds, kept=args.keep)
    if args.json:
        print(outcome.as_json())
        sys.stdout.flush()
    return 2 if outcome.faults else 0


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the run as Ctrl-C does: servers are stopped, the folder is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _folder(keep: str | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="sottovoce-demo-") as name:
            yield Path(name)
        return
    folder = Path(keep).absolute()
    if folder.exists() and any(folder.iterdir()):
        raise WrongUsage(f"{folder} is not empty.", hint="Name a new folder with --keep.")
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


class _Demo:
    """One run; each step adds to the outcome and says how it went."""

    def __init__(
        self,
        folder: Path,
        args: argparse.Namespace,
        outcome: Outcome,
        console: Console,
        ports: Ports,
    ) -> None:
        self._folder = folder
        self._args = args
        self._outcome = outcome
        self._console = console
        self._layout = choose_layout(args.servers, ports)
        self._maildir = folder / "maildir"
        self._smtp_port = ports.take("127.0.0.1")
        self._installation = Installation(
            folder, self._layout, secured=not args.plain, smtp_port=self._smtp_port
        )

    def run(self) -> None:
        """Carry every step through; servers are stopped whatever happens."""
        installation = self._installation
        telling.print_layout(self._console, self._layout, secured=self._outcome.secured)
        with self._step("Homes, keys, certificates by the real commands"):
            installation.make()
        with MaildirRelay(self._maildir, self._smtp_port):
            try:
                with self._step("Servers start"):
                    installation.start()
                self._outcome.startup = installation.startup_lines()
                self._check_startup()
                self._campaign()
                self._map()
                self._intrusions()
            finally:
                with self._step("Servers stop"):
                    installation.stop()
        self._check_exit()
        commands = "\n".join(installation.commands)
        (self._folder / "commands.txt").write_text(f"{commands}\n", encoding="utf-8")

    def _fault(self, text: str) -> None:
        self._outcome.faults.append(text)
        self._console.print(f"  [red]did not hold:[/red] {text}")

    @contextlib.contextmanager
    def _step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        with self._console.status(f"{what} …"):
            yield
        self._console.print(f"{what}: {time.monotonic() - began:.1f} s")

    def _check_startup(self) -> None:
        lines = self._outcome.startup
        for line in lines:
            self._console.print(f"  {line}")
        expected = 3 if self._outcome.secured else 0
        if len(lines) != expected:
            self._fault(f"{len(lines)} start-up lines instead of {expected} (W19)")

    # The campaign.

    def _campaign(self) -> None:
        installation = self._installation
        with self._step("List imported, job defined and authorised"):
            campaign.define(installation, self._folder, self._args.recipients)
        with self._step("Campaign goes out over SMTP"):
            campaign.deliver(installation)
            found = campaign.wait_for_report(
                installation, _completed, watch=_nothing, patience=_PATIENCE
            )
        mails = read_maildir(self._maildir)
        self._check_delivery(found, len(mails))
        trk = self._layout.seat_of(Component.TRK)
        tracker = f"http://{trk.address}:{self._layout.public_port}"
        with self._step("Recipients open, click and unsubscribe"):
            played = play(mails, tracker=tracker)
        for failure in played.failed:
            self._fault(failure)
        with self._step("Events come in"):
            found = campaign.wait_for_report(
                installation,
                lambda report: campaign.counted(report) == _without_failures(played),
                watch=_nothing,
                patience=_PATIENCE,
            )
        self._check_events(found, played)
        telling.print_report(self._console, installation.run(
            "report", campaign.JOB, "--home", installation.home_of(Component.LUI), good=(0, 1)
        ))  # fmt: skip

    def _check_delivery(self, found: Mapping[str, Any], mails: int) -> None:
        status = found["status"]
        ledger = status["ledger"]
        job = {"recipients": status["recipients"]}
        job |= {state: ledger.get(state, 0) for state in ("accepted", "refused", "uncertain")}
        self._outcome.job = job
        if job["accepted"] != job["recipients"]:
            self._fault(f"{job['accepted']} of {job['recipients']} recipients accepted: {ledger}")
        if mails != job["accepted"]:
            self._fault(f"{mails} mails in the maildir, {job['accepted']} accepted")

    def _check_events(self, found: Mapping[str, Any], played: Played) -> None:
        counted = campaign.counted(found)
        self._outcome.events = {
            "open": counted.open,
            "click": counted.click,
            "unsubscribe": counted.unsubscribe,
            "lost": found["lost"],
            "duplicated": found["duplicated"],
        }
        if counted != _without_failures(played):
            self._fault(f"played {_without_failures(played)}, counted {counted}")
        if found["lost"] or found["duplicated"]:
            self._fault(f"{found['lost']} events lost, {found['duplicated']} duplicated")

    # The map.

    def _map(self) -> None:
        installation = self._installation
        home = installation.home_of(Component.HUB)
        wanted = "secured" if self._outcome.secured else "plain"
        until = time.monotonic() + 10.0
        with self._step("HUB's map of the connections"):
            while True:
                edges = installation.run_json("edges", "--home", home, good=(0, 1, 2))["edges"]
                if all(edge["state"] == wanted for edge in edges) or time.monotonic() > until:
                    break
                time.sleep(0.3)
        self._outcome.edges = edges
        if len(edges) != 3 or any(edge["state"] != wanted for edge in edges):
            self._fault(f"not all three connections are {wanted}: {edges}")
        printed = installation.run("edges", "--home", home, good=(0, 1, 2))
        telling.print_report(self._console, printed)

    # The intruders.

    def _intrusions(self) -> None:
        with self._step("Four intruders try to get in"):
            found = [self._intrude(name) for name in intruders.ATTEMPTS]
        self._outcome.intrusions = found
        telling.print_intrusions(self._console, found)
        for intrusion in found:
            if not (intrusion.refused and intrusion.logged and intrusion.code):
                self._fault(f"the attempt “{intrusion.attempt}” was not refused and logged")
            if not intrusion.told:
                self._fault(f"the attempt “{intrusion.attempt}” was told nothing")

    def _intrude(self, name: str) -> Intrusion:
        hub = self._layout.seat_of(Component.HUB)
        attempt = intruders.Attempt(
            name=name,
            address=hub.address,
            port=self._layout.internal_port,
            server_name=hub.host,
            identity=self._identity(name),
        )
        plain = name == "plain text"
        make = intruders.attempt_plain_text if plain else intruders.attempt_tls
        encounter = make(attempt)
        line = self._logged(encounter.from_port)
        return Intrusion(
            attempt=name,
            refused=not encounter.admitted,
            code=line.get("code", ""),
            logged=line.get("outcome") == "refused",
            told=encounter.told,
        )

    def _identity(self, name: str) -> PrivateKeyEntry | None:
        lui = self._layout.seat_of(Component.LUI)
        match name:
            case "stranger's CA":
                return intruders.strangers_key(lui.host)
            case "name not in the list" if self._outcome.secured:
                return self._installation.outsider("intruder.sottovoce.test")
            case "name not in the list":
                return intruders.strangers_key("intruder.sottovoce.test")
            case _:
                return None

    def _logged(self, from_port: int) -> dict[str, Any]:
        """Return the refusal's line in HUB's security log, found by the intruder's port."""
        until = time.monotonic() + 5.0
        while time.monotonic() < until:
            for line in self._installation.security_log(Component.HUB):
                if line["address"].endswith(f":{from_port}") and line["outcome"] == "refused":
                    return line
            time.sleep(0.05)
        return {}

    def _check_exit(self) -> None:
        for label, server in self._installation.running.items():
            if server.process.returncode != 0:
                self._fault(f"the server {label} ended with {server.process.returncode}")


def _completed(report: Mapping[str, Any]) -> bool:
    return bool(report["status"]["state"] in {"completed", "failed", "halted"})


def _without_failures(played: Played) -> Played:
    return Played(played.open, played.click, played.unsubscribe)


def _nothing(_report: Mapping[str, Any]) -> None:
    pass
