"""The keeper of trust: it notices changed files and puts in force what they say, or says why not.

Owns the pointer to the generation in force; nobody else moves it. A reload is one act: the files
are read once, validated as a set, tried against the partners that are known, and put in force by
one assignment; then every live connection is judged again. Whatever is wrong, the old generation
stays. The switch itself (``ssl.ini`` there or not) takes effect at a start only (SPEC W18).
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from sottovoce.errors import Fault
from sottovoce.net import Channel, Endpoint, Listener, Peer, ServingChannel, monotonic
from sottovoce.net.log import Log
from sottovoce.policy import Component
from sottovoce.server.home import Faults
from sottovoce.server.in_use import InUse
from sottovoce.server.list_ages import ListAges
from sottovoce.server.plan import Plan
from sottovoce.server.reading import Mark, Place, Reading, reading_once
from sottovoce.server.reloading import (
    SIGNAL,
    Closed,
    ReloadOutcome,
    ReloadResult,
    say_closed,
    say_reload,
)
from sottovoce.server.settings import ServerSettings
from sottovoce.server.sweeping import Sweep
from sottovoce.server.trial import Trial
from sottovoce.server.trust import is_secured, load_generation
from sottovoce.tls import TrustGeneration

__all__ = ["TrustKeeper"]

#: Seconds between two looks at the files. A change is read once it has been quiet that long.
LOOK_EVERY = 1.0

#: Seconds until refused files are tried again although they are the same: a partner may have got
#: the new root meanwhile, a date may have come. Doubled from the first to the longest.
FIRST_RETRY = 5.0
LONGEST_RETRY = 300.0

_LIST_ENDED = "a revocation list has ended"


class TrustKeeper:
    """Keeps one server's trust; see :meth:`reload`, and :meth:`run` for the watch over the files.

    Args:
        plan: what the server was started with.
        endpoint: its end of channels, with the pointer.
        listeners, peers: its connections, as they come and go.
        log: the server's.
    """

    def __init__(
        self,
        plan: Plan,
        endpoint: Endpoint,
        *,
        listeners: Mapping[Component, Listener],
        peers: Sequence[Peer],
        log: Log,
    ) -> None:
        self._plan = plan
        self._endpoint = endpoint
        self._listeners = listeners
        self._peers = peers
        self._log = log
        self._lock = asyncio.Lock()
        self._read = plan.reading
        self._said: tuple[object, ...] = ()
        self._since = endpoint.clock()
        #: How old the lists in force are, for whoever reports it.
        self.lists = ListAges(log, self._since, managed=plan.settings.trust_from_hub)
        self._reloads = self._signals = 0
        self._retry = FIRST_RETRY
        self._retry_at: float | None = None
        self._asked = asyncio.Event()

    @property
    def _current(self) -> TrustGeneration | None:
        return self._endpoint.trust.current

    @property
    def channels(self) -> tuple[Channel | ServingChannel, ...]:
        """Every live channel of this server, accepted or called."""
        return tuple(self._all_channels())

    def _all_channels(self) -> Iterator[Channel | ServingChannel]:
        yield from self._accepted()
        for peer in self._peers:
            yield from peer.channels

    def _accepted(self) -> Iterator[ServingChannel]:
        for listener in self._listeners.values():
            yield from listener.channels

    # Reloading.

    async def reload(self, reason: str) -> ReloadResult:
        """Read the files anew and put them in force, or say why not; one reload at a time.

        Args:
            reason: why now, in a few words, for the log.
        """
        async with self._lock:
            result = await self._reload(reason)
            self._reloads += 1
            self._signals += reason == SIGNAL
            self._say(result)
            self._plan_retry(result)
            result = await self._judge_when_a_list_has_ended(result)
            await self.write_down(result)
        return result

    async def _reload(self, reason: str) -> ReloadResult:
        current = self._current
        loaded = await asyncio.to_thread(self._load)
        self._read = loaded.reading
        if current is None or loaded.generation is None:
            outcome = ReloadOutcome.REFUSED if loaded.faults else ReloadOutcome.UNCHANGED
            return self._result(outcome, reason, loaded)
        if loaded.generation.says_the_same(current):
            return self._result(ReloadOutcome.UNCHANGED, reason, loaded)
        trial = Trial(
            current=current,
            candidate=loaded.generation,
            endpoint=self._endpoint,
            channels=self.channels,
            peers=tuple(self._peers),
            warnings=list(loaded.warnings),
        )
        await trial.run()
        loaded = replace(loaded, faults=tuple(trial.faults), warnings=tuple(trial.warnings))
        if loaded.faults:
            return self._result(ReloadOutcome.REFUSED, reason, loaded)
        closed = await self._put_in_force(trial.candidate)
        self._since = self._endpoint.clock()
        return replace(self._result(ReloadOutcome.ACCEPTED, reason, loaded), closed=closed)

    def _result(self, outcome: ReloadOutcome, reason: str, loaded: "_Loaded") -> ReloadResult:
        return ReloadResult(
            outcome=outcome,
            reason=reason,
            at=self._endpoint.clock(),
            generation=self._current.number if self._current is not None else 0,
            faults=loaded.faults,
            warnings=loaded.warnings,
        )

    def _load(self) -> "_Loaded":
        """Read and validate everything; in a thread of its own."""
        home, faults = self._plan.home, Faults()
        with reading_once() as reading:
            reading.note(home.server_ini)
            reading.note(home.ssl_ini)
            if (fault := self._switched(is_secured(home))) is not None:
                return _Loaded(reading, faults=(fault,))
            if self._current is None:
                return _Loaded(reading)
            settings = faults.attempt(home.settings)
            if settings is None:
                return _Loaded(reading, faults=tuple(faults.found))
            number = self._current.number + 1
            loaded = faults.attempt(
                lambda: load_generation(
                    home,
                    replace(settings, server_name=self._plan.settings.server_name),
                    hosts=self._plan.hosts,
                    at=self._endpoint.clock(),
                    number=number,
                )
            )
        if loaded is None:
            return _Loaded(reading, faults=tuple(faults.found))
        return _Loaded(reading, loaded[0], warnings=(*self._renamed(settings), *loaded[1]))

    def _switched(self, on: bool) -> Fault | None:
        """Tell of a switch that was moved: it takes effect at the next start (SPEC W18)."""
        runs = self._current is not None
        if on is runs:
            return None
        here, goes_on = ("gone", "secured") if runs else ("there now", "plain")
        return Fault(
            code="restart-needed",
            why=f"{self._plan.home.ssl_ini} is {here}; this server runs {goes_on} until it is "
            "started again.",
            expected="the switch as it was at the start",
            presented="secured" if on else "plain",
            hint="Switch all servers of the installation together, then restart them; or undo it.",
            file=str(self._plan.home.ssl_ini),
        )

    def _renamed(self, settings: ServerSettings) -> Iterator[Fault]:
        running = self._plan.settings.server_name
        if settings.server_name != running:
            yield Fault(
                code="restart-needed",
                why=f"ServerName={settings.server_name} takes effect at the next start; this "
                f"server is {running} until then.",
                expected=running,
                presented=settings.server_name,
                hint="Restart the server when its certificate and its partners know the new name.",
                file=str(self._plan.home.server_ini),
                key="ServerName",
                warning=True,
            )

    async def _put_in_force(self, candidate: TrustGeneration) -> tuple[Closed, ...]:
        """Swap the pointer and judge every live connection again, in one turn of the loop."""
        sweep = self._sweep(candidate)
        self._endpoint.trust.current = candidate
        return await self._swept(sweep)

    def _sweep(self, by: TrustGeneration) -> Sweep:
        assert self._current is not None, "on a plain server there is nobody to judge"
        return Sweep(
            previous=self._current,
            current=by,
            accepted=self._accepted,
            peers=self._peers,
            tell=self._endpoint.explain_refusals,
        )

    async def _swept(self, sweep: Sweep) -> tuple[Closed, ...]:
        self.lists.judged(self._endpoint.clock())
        sweep.judge()
        return await sweep.finish()

    async def _judge_when_a_list_has_ended(self, result: ReloadResult) -> ReloadResult:
        """Judge every live connection as a new one is judged now, if that may have changed.

        What came of the reload is known by then: a newer list that lay there is in force, and has
        judged everybody.
        """
        current, now = self._current, self._endpoint.clock()
        if current is None or not self.lists.has_turned(current, now):
            return result
        self.lists.say_ended(current, now)
        closed = await self._swept(self._sweep(current))
        say_closed(closed, self._log)
        return replace(result, closed=(*result.closed, *closed))

    # Telling.

    def _say(self, result: ReloadResult) -> None:
        """Write what is new into the log; the same refusal is written once."""
        asked, refused = result.reason == SIGNAL, result.outcome is ReloadOutcome.REFUSED
        # By what is wrong where, not by the sentence: that may tell the time.
        said = tuple((each.code, each.file or each.hint, each.key) for each in result.faults)
        if refused and said == self._said and not asked:
            return
        self._said = said
        if result.outcome is ReloadOutcome.ACCEPTED or refused or asked:
            say_reload(result, self._log, current=self._current, left=self._left_behind())

    def _left_behind(self) -> int:
        """Return how many live connections no judgement under the newest generation has borne."""
        number = self._current.number if self._current is not None else 0
        return sum(
            channel.generation != number and not channel.dismissed for channel in self.channels
        )

    async def write_down(self, result: ReloadResult | None = None) -> None:
        """Write what is in force for those who ask from outside."""
        home = self._plan.home
        described = InUse.of(
            self._current,
            process=os.getpid(),
            server=self._plan.settings.server_name,
            since=self._since,
        )
        last = None if result is None else result.as_last()
        described = msgspec.structs.replace(
            described,
            reloads=self._reloads,
            signals=self._signals,
            last=last,
            naming=self._plan.naming,
        )
        try:
            await asyncio.to_thread(described.write, home)
        except OSError as error:
            why = f"{home.serving} cannot be written: {error.strerror}."
            self._log.warning(why, code="file-unwritable")

    # Watching.

    def ask(self) -> None:
        """Ask for a reload by signal; call it in the loop's own thread."""
        self._asked.set()

    async def run(self, *, every: float = LOOK_EVERY) -> None:
        """Watch over the files, and reload when they have changed or somebody asks; for ever.

        Args:
            every: seconds between two looks.
        """
        before = None
        while True:
            try:
                before = await self._look(before, every)
            except Exception as error:  # noqa: BLE001 - one bad look must not end the watch
                self._log.error("A look at the files of trust failed.", exc_info=error)

    async def _look(
        self, before: Mapping[Place, Mark] | None, every: float
    ) -> Mapping[Place, Mark] | None:
        """Wait, look once, and reload if it is time; return what was seen."""
        if await self._asked_within(every):
            await self.reload(SIGNAL)
            return None
        if self._a_list_has_ended():
            await self.reload(_LIST_ENDED)
            return None
        now = await asyncio.to_thread(self._read.marks_now)
        if now == self._read.marks:
            if self._retry_at is not None and monotonic() >= self._retry_at:
                await self.reload("tried again")
        elif now == before:  # quiet since the last look
            await self.reload("files changed")
        return now

    def _a_list_has_ended(self) -> bool:
        """Look at the ages of the lists in force."""
        current, now = self._current, self._endpoint.clock()
        if current is None:
            return False
        self.lists.tell(current, now)
        return self.lists.has_turned(current, now)

    async def _asked_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            return False
        self._asked.clear()
        return True

    def _plan_retry(self, result: ReloadResult) -> None:
        if result.outcome is not ReloadOutcome.REFUSED:
            self._retry, self._retry_at = FIRST_RETRY, None
            return
        self._retry_at = monotonic() + self._retry
        self._retry = min(LONGEST_RETRY, self._retry * 2)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What the files say."""

    reading: Reading
    generation: TrustGeneration | None = None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
