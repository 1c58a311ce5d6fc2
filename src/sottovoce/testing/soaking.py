"""An installation under constant calls and hits while its certificates are renewed over and over.

What is promised (issue 5): no call fails, no event is lost, whatever the certificates do; and
nothing grows. Owns the run and its count; who calls is in :mod:`sottovoce.testing.soak_caller`.
"""

import asyncio
import gc
import http.client
import itertools
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from OpenSSL import SSL

from sottovoce.cli.demo.campaign import define, deliver, report
from sottovoce.cli.demo.layout import Ports, choose_layout
from sottovoce.cli.demo.readers import Reaction, reactions, request
from sottovoce.cli.demo.relay import MaildirRelay, read_maildir
from sottovoce.errors import SottovoceError
from sottovoce.net import utc_now
from sottovoce.policy import Component
from sottovoce.testing.managed import ManagedInstallation
from sottovoce.testing.soak_caller import Caller, borrowed
from sottovoce.testing.soaked import Soak, Soaked

__all__ = ["soak"]

_PATIENCE = 120.0


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
        home = borrowed(self._installation)
        began = time.monotonic()
        asyncio.run(Caller(home, self._plan, self._found, self._over).run())
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
