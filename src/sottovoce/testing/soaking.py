"""An installation under constant calls and hits while its certificates are renewed over and over.

What is promised (issue 5): no call fails, no event is lost, whatever the certificates do; and
nothing grows. The calls are made by a program of its own that has LUI's files and follows them as
LUI's server does: partners that are left before their certificates end, contexts that are freed.
"""

import asyncio
import gc
import http.client
import itertools
import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from OpenSSL import SSL

from sottovoce import __version__
from sottovoce.cli.demo.campaign import define, deliver, report
from sottovoce.cli.demo.layout import Ports, choose_layout
from sottovoce.cli.demo.readers import Reaction, reactions, request
from sottovoce.cli.demo.relay import MaildirRelay, read_maildir
from sottovoce.contracts import HubCalls, Nothing, TrkCalls
from sottovoce.errors import SottovoceError
from sottovoce.net import Destination, Endpoint, Outcome, Peer, SecurityRecord, TaskOwner, utc_now
from sottovoce.net.log import Log
from sottovoce.policy import Component
from sottovoce.server import read_plan
from sottovoce.server.keeper import TrustKeeper
from sottovoce.testing.managed import ManagedInstallation

__all__ = ["Soak", "Soaked", "soak"]

_PATIENCE = 120.0
#: Callers at once on each of the two connections.
_CALLERS = 4
#: Failures of which the words are kept.
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What is done.

    Args:
        seconds: how long.
        lifetime: of certificates, in seconds.
        servers: 1 to 3.
        calls_per_second: to be made in all.
        hits_per_second: opens and clicks.
        recipients: of the job.
        rollover: replace the root and the issuing key meanwhile.
    """

    seconds: float
    lifetime: float = 90.0
    servers: int = 3
    calls_per_second: float = 600.0
    hits_per_second: float = 20.0
    recipients: int = 200
    rollover: bool = False


@dataclass(kw_only=True)
class Soaked:
    """What was found: figures, and every promise that did not hold.

    Args:
        calls, hits: that were answered.
        call_rate: calls a second.
        failures: calls and hits that were not answered, by reason.
        first_failures: the first of them, with the time and what was said.
        renewals: by server.
        events: stored at TRK, and the same at LUI.
        channels: that the caller opened, one after the other.
        contexts: OpenSSL contexts in the caller's memory, at a third of the time and at its end.
        memory: KiB in use by each server, at a third of the time and at its end.
        descriptors: open files of each server, likewise.
        rollover: the steps that were taken, with the seconds since the beginning.
        broken: promises that did not hold.
    """

    calls: int = 0
    hits: int = 0
    call_rate: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)
    first_failures: list[str] = field(default_factory=list)
    renewals: dict[str, int] = field(default_factory=dict)
    events: int = 0
    channels: int = 0
    contexts: list[int] = field(default_factory=list)
    memory: dict[str, list[int]] = field(default_factory=dict)
    descriptors: dict[str, list[int]] = field(default_factory=dict)
    rollover: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def check(self, holds: object, text: str) -> None:
        """Note *text* when something does not hold."""
        if not holds:
            self.broken.append(text)

    def failed(self, what: str, why: str) -> None:
        """Note a call or a hit that was not answered."""
        self.failures[what] = self.failures.get(what, 0) + 1
        if len(self.first_failures) < _SHOWN:
            self.first_failures.append(f"{utc_now():%H:%M:%S.%f} {what}: {why}")

    def as_json(self) -> str:
        """Return everything as one line of JSON."""
        return json.dumps(asdict(self))


def soak(folder: Path, plan: Soak, *, say: Callable[[str], None] = lambda _: None) -> Soaked:
    """Run an installation as *plan* says; return what was found.

    Args:
        folder: empty.
        plan: what is done.
        say: is told how it goes, about once a minute.

    Raises:
        SottovoceError: the run itself did not come about.
    """
    found = Soaked()
    with Ports() as ports:
        layout = choose_layout(plan.servers, ports)
        smtp = ports.take("127.0.0.1")
        installation = ManagedInstallation(
            folder, layout, smtp_port=smtp, lifetime=f"{plan.lifetime:g}s"
        )
        with MaildirRelay(folder / "maildir", smtp):
            try:
                installation.make()
                installation.start()
                _Run(installation, plan, found, say).run()
            finally:
                installation.stop()
    for label, server in installation.running.items():
        status = server.process.returncode
        found.check(status == 0, f"{label} ended with {status}")
        text = "\n".join(server.output)
        found.check("Traceback" not in text, f"{label} printed a traceback")
    return found


class _Run:
    """The time between the start and the stop of the servers."""

    def __init__(
        self,
        installation: ManagedInstallation,
        plan: Soak,
        found: Soaked,
        say: Callable[[str], None],
    ) -> None:
        self._installation = installation
        self._plan = plan
        self._found = found
        self._say = say
        self._began = time.monotonic()
        self._over = threading.Event()

    def run(self) -> None:
        """Send a job, then call and click until the time is over; count at the end."""
        work = self._mails()
        self._began = time.monotonic()
        hitting = threading.Thread(target=self._hit, args=(work,))
        calling = threading.Thread(target=self._call)
        for thread in (hitting, calling):
            thread.start()
        try:
            self._watch()
        finally:
            self._over.set()
            for thread in (hitting, calling):
                thread.join(_PATIENCE)
        self._count()

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _mails(self) -> list[Reaction]:
        installation, plan = self._installation, self._plan
        define(installation, installation.folder, plan.recipients)
        deliver(installation)
        self._wait(lambda: report(installation)["status"]["state"] == "completed", "the job's end")
        layout = installation.layout
        tracker = f"http://{layout.seat_of(Component.TRK).address}:{layout.public_port}"
        mails = read_maildir(installation.folder / "maildir")
        found = (each for mail in mails for each in reactions(mail, tracker=tracker))
        return [each for each in found if not each.post]

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        until = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > until:
                raise SottovoceError(f"Waited in vain for {what}.")
            time.sleep(0.1)

    # The load.

    def _hit(self, work: list[Reaction]) -> None:
        """Open and click at an even pace; every answer that is right is one event."""
        for number, reaction in enumerate(itertools.cycle(work)):
            pause = number / self._plan.hits_per_second - self._elapsed
            if self._over.wait(max(0.0, pause)):
                return
            try:
                status = request(reaction)
            except (OSError, http.client.HTTPException) as error:
                self._found.failed(f"hit: {type(error).__name__}", str(error))
                continue
            if status == reaction.wanted:
                self._found.hits += 1
            else:
                self._found.failed(f"hit: status {status}", reaction.kind)

    def _call(self) -> None:
        home = _borrowed(self._installation)
        began = time.monotonic()
        asyncio.run(_Caller(home, self._plan, self._found, self._over).run())
        self._found.call_rate = round(self._found.calls / (time.monotonic() - began), 1)

    # What is looked at meanwhile.

    def _watch(self) -> None:
        plan, minute = self._plan, 0
        marks = [plan.seconds / 3, plan.seconds]
        rolling = _Rollover(self._installation, self._found) if plan.rollover else None
        while self._elapsed < plan.seconds or _goes_on(rolling, self._elapsed - plan.seconds):
            time.sleep(0.2)
            if marks and self._elapsed >= marks[0]:
                marks.pop(0)
                self._measure()
            if rolling is not None and self._elapsed > plan.seconds / 6:
                rolling.go_on(self._elapsed)
            if self._elapsed // 60 > minute:
                minute += 1
                self._say(
                    f"{minute} min: {self._found.calls} calls, {self._found.hits} hits, "
                    f"{sum(self._found.failures.values())} failed"
                )
        self._measure()
        if rolling is not None:
            self._found.check(rolling.done, f"the rollover stopped before {rolling.why}")

    def _measure(self) -> None:
        for label, server in self._installation.running.items():
            process = Path("/proc") / str(server.process.pid)
            used = next(
                int(line.split()[1])
                for line in (process / "status").read_text().splitlines()
                if line.startswith("VmRSS")
            )
            self._found.memory.setdefault(label, []).append(used)
            files = len(os.listdir(process / "fd"))  # noqa: PTH208 - only their number
            self._found.descriptors.setdefault(label, []).append(files)
        self._found.contexts.append(_contexts())

    def _count(self) -> None:
        installation, found, plan = self._installation, self._found, self._plan
        done = utc_now().isoformat()

        def complete() -> bool:
            until = report(installation)["complete_until"] or ""
            return str(until).replace("Z", "+00:00") > done

        self._wait(complete, "the events' arrival")
        counted = report(installation)
        found.events = counted["opens"]["total"] + counted["clicks"]["total"]
        for seat in installation.layout.seats:
            log = installation.home(seat) / "logs" / "server.log"
            text = log.read_text(encoding="utf-8")
            found.renewals[seat.label] = text.count("action=certificate-renewed")
        # At most one renewal's time is lost at each end of the run.
        least = int(plan.seconds / plan.lifetime) - 1
        found.check(found.events == found.hits, f"{found.events} events of {found.hits} hits")
        found.check(counted["lost"] == 0, f"{counted['lost']} events lost")
        found.check(counted["duplicated"] == 0, f"{counted['duplicated']} events duplicated")
        found.check(not found.failures, f"not answered: {found.failures}")
        for label, times in found.renewals.items():
            found.check(times >= least, f"{label} renewed {times} times, at least {least} expected")
        found.check(found.channels >= 2 * least, f"{found.channels} channels were opened")
        _check_growth(found)


def _check_growth(found: Soaked) -> None:
    """Compare the end with a third of the time: by then, everything that is kept is there."""
    found.check(
        found.contexts[-1] <= found.contexts[0] + 4, f"OpenSSL contexts grow: {found.contexts}"
    )
    for label, used in found.memory.items():
        found.check(used[-1] <= used[0] * 1.1 + 4096, f"{label}'s memory grows: {used} KiB")
    for label, files in found.descriptors.items():
        found.check(files[-1] <= files[0] + 8, f"{label}'s open files grow: {files}")


def _contexts() -> int:
    gc.collect()
    return sum(1 for each in gc.get_objects() if isinstance(each, SSL.Context))


def _borrowed(installation: ManagedInstallation) -> Path:
    """Return a home with LUI's files and logs of its own, for the program that calls."""
    real = installation.home_of(Component.LUI)
    home = installation.folder / "caller"
    home.mkdir(mode=0o700)
    for name in ("server.ini", "commands", "conf", "hub", "lui", "trk"):
        if (real / name).exists():
            (home / name).symlink_to(real / name)
    return home


class _Caller:
    """Calls HUB and TRK as LUI does, for ever, following LUI's files."""

    def __init__(self, home: Path, plan: Soak, found: Soaked, over: threading.Event) -> None:
        self._home = home
        self._plan = plan
        self._found = found
        self._over = over

    async def run(self) -> None:
        """Call until the time is over."""
        server = await asyncio.to_thread(read_plan, self._home, at=utc_now())
        assert server.lui is not None or server.hub is not None
        endpoint = Endpoint(
            own_name=server.settings.server_name,
            version=__version__,
            trust=server.trust,
            log=self._note,
            clock=utc_now,
            new_id=lambda: secrets.token_hex(8),
        )
        lui = server.lui
        assert lui is not None
        hub, trk = (
            Peer(
                endpoint,
                component=Component.LUI,
                destination=Destination(
                    name=name, port=port, address=address or "", component=called
                ),
            )
            for name, port, address, called in (
                (lui.hub_host, lui.hub_port, lui.hub_address, Component.HUB),
                (lui.tracker_host, lui.tracker_port, lui.tracker_address, Component.TRK),
            )
        )
        log: Log = _Silent()
        keeper = TrustKeeper(server, endpoint, listeners={}, peers=[hub, trk], log=log)
        tasks = TaskOwner(self._failed)
        tasks.spawn(keeper.run(), name="keeper")
        calls: list[Callable[[], Any]] = [
            lambda: hub.stub(HubCalls).roster(Nothing()),
            lambda: trk.stub(TrkCalls).hello(Nothing()),
        ]
        workers = [self._work(call) for call in calls for _ in range(_CALLERS)]
        try:
            await asyncio.gather(*workers)
        finally:
            await tasks.aclose()
            await asyncio.gather(hub.aclose(), trk.aclose())

    async def _work(self, call: Callable[[], Any]) -> None:
        pace = 2 * _CALLERS / self._plan.calls_per_second
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._over.is_set():
            try:
                await call()
                self._found.calls += 1
            except SottovoceError as error:
                self._found.failed(f"call: {error.code}", error.message)
            due += pace
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _note(self, record: SecurityRecord) -> None:
        if record.outcome is Outcome.ACCEPTED:
            self._found.channels += 1

    def _failed(self, name: str, error: BaseException) -> None:
        self._found.broken.append(f"{name} ended: {error!r}")


class _Silent:
    """The caller's log; the servers' own are what counts."""

    def info(self, event: str, /, **fields: Any) -> None:
        """Nothing."""

    warning = error = info


def _goes_on(rolling: "_Rollover | None", over: float) -> bool:
    """Tell whether a rollover has not come to its end in time, and is waited for."""
    return rolling is not None and not rolling.done and over < _PATIENCE


class _Rollover:
    """Takes the steps of a rollover, each as soon as it may be taken."""

    def __init__(self, installation: ManagedInstallation, found: Soaked) -> None:
        self._installation = installation
        self._found = found
        self._asked = 0.0
        self.done = False
        self.why = "it began"

    def go_on(self, elapsed: float) -> None:
        """Try the next step, at most once a second."""
        if self.done or elapsed < self._asked + 1.0:
            return
        self._asked = elapsed
        home, root = self._installation.hub_home, self._installation.root
        words: list[str | Path] = ["ca", "rollover", "--dir", root, "--home", home]
        if not self._found.rollover:
            words += ["--name", "The next root"]
        try:
            taken = self._installation.run_json(*words)["taken"]
        except SottovoceError as error:
            self.why = error.message
            return
        self._found.rollover.append(f"{taken} at {elapsed:.1f} s")
        self.done = taken == "removed"
