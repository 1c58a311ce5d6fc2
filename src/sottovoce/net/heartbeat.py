"""A component's sign of life to HUB: hello once per connection, then a heartbeat every interval.

HUB never dials, so its commands ride on the heartbeat's reply. This loop owns when to report, when
to try again, and that only changes are logged; it knows neither a socket nor what a status means.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sottovoce.contracts import (
    Command,
    Heartbeat,
    HeartbeatReply,
    HubCalls,
    HubHello,
    HubWelcome,
    Status,
)
from sottovoce.errors import (
    CallError,
    CallRefused,
    ChannelError,
    NoSuchMethod,
    RemoteFault,
    SottovoceError,
)
from sottovoce.net.clock import Clock
from sottovoce.net.log import Log

__all__ = ["FIRST_RETRY", "LONGEST_RETRY", "HeartbeatLoop", "Reporting"]

#: Seconds before the first new attempt, doubled at each further one up to the longest.
FIRST_RETRY = 0.5
LONGEST_RETRY = 30.0

#: The fault by which HUB says that it does not know this instance (it was restarted).
HELLO_FIRST = "hello-first"


def _as_it_is(status: Status) -> Status:
    return status


def _unheard(_reply: HeartbeatReply) -> None:
    """Nobody listens: a component by itself, without its server."""


async def _unknown(_command: Command) -> None:
    """Nobody obeys, likewise."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """What a component's server has to do with its reports.

    Args:
        complete: adds to a status what the server knows and the component does not: connections,
            certificates, whom it trusts.
        heard: is told of each reply of HUB.
        obey: awaited for each command of HUB, in their order; an error of ours in it is logged and
            does not end the loop.
    """

    complete: Callable[[Status], Status] = _as_it_is
    heard: Callable[[HeartbeatReply], None] = _unheard
    obey: Callable[[Command], Awaitable[None]] = _unknown


class HeartbeatLoop:
    """Reports one component to HUB for as long as :meth:`run` is awaited.

    Args:
        hub: the calls on HUB; they raise the ``ChannelError`` or ``CallError`` family when it is
            away, and may be called again at once.
        make_hello: gives the hello of this moment; its ``instance`` is used for heartbeats too.
        make_status: gives the status of this moment.
        interval: seconds between heartbeats until HUB says otherwise in its welcome;
            None takes HUB's from the first welcome on, and 15 until then.
        reporting: the server's part in it.
        log: state changes go here, with a stable ``action``.
        clock: UTC.
        waiter: waits that many seconds; a test's own in place of the event loop's.

    ``connected``, ``since`` (when that last changed) and ``welcome`` (HUB's last) may be read.
    """

    def __init__(  # noqa: PLR0913 - one reporter has exactly these partners, all but two by name
        self,
        hub: HubCalls,
        make_hello: Callable[[], HubHello],
        make_status: Callable[[], Status],
        *,
        interval: float | None = None,
        reporting: Reporting = Reporting(),
        log: Log,
        clock: Clock,
        waiter: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._hub = hub
        self._make_hello = make_hello
        self._make_status = make_status
        self._interval = interval
        self._reporting = reporting
        self._log = log
        self._clock = clock
        self._wait = waiter
        self._said = ""
        self._attempt = 0
        self.connected = False
        self.since: datetime = clock()
        self.welcome: HubWelcome | None = None
        self.settings_rev = 0

    @property
    def interval(self) -> float:
        """Seconds between heartbeats: the one set here, else HUB's, else 15."""
        if self._interval is not None:
            return self._interval
        return self.welcome.heartbeat_interval if self.welcome is not None else 15.0

    async def run(self) -> None:
        """Report in and keep reporting, for ever; ends by cancellation only."""
        self._attempt = 0
        while True:
            try:
                await self._keep_reporting(await self._report_in())
            except (ChannelError, CallError) as error:
                self._lost(error)
            await self._wait(_backoff(self._attempt))
            self._attempt += 1

    async def _report_in(self) -> str:
        """Say hello; return the instance under which HUB now knows this component."""
        hello = self._make_hello()
        welcome = await self._hub.hello(hello)
        self.welcome = welcome
        self.settings_rev = welcome.settings_rev
        if not self.connected:
            self.connected, self.since, self._said = True, self._clock(), ""
            self._log.info(
                "HUB reached: reported in",
                action="hub-connected",
                install_id=welcome.install_id,
                instance=hello.instance,
            )
        return hello.instance

    async def _keep_reporting(self, instance: str) -> None:
        """Send heartbeats until one fails, or HUB has forgotten *instance* and wants a hello."""
        while True:
            try:
                status = self._reporting.complete(self._make_status())
                reply = await self._hub.heartbeat(Heartbeat(instance=instance, status=status))
            except CallError as fault:
                if fault.code == HELLO_FIRST:
                    return
                raise
            self._attempt = 0
            self.settings_rev = reply.settings_rev
            self._reporting.heard(reply)
            for command in reply.commands:
                await self._obey(command)
            await self._wait(self.interval)

    async def _obey(self, command: Command) -> None:
        try:
            await self._reporting.obey(command)
        except SottovoceError as error:
            self._log.warning(
                f"HUB's command {command.verb!r} could not be carried out: {error.message}",
                action="hub-command-failed",
                verb=command.verb,
                code=error.code,
            )

    def _lost(self, error: ChannelError | CallError) -> None:
        """Note that HUB is away or refuses; say so when that is new."""
        if self.connected:
            self.connected, self.since = False, self._clock()
        if self._said == error.code:
            return
        self._said = error.code
        refused = isinstance(error, RemoteFault | CallRefused | NoSuchMethod)
        self._log.warning(
            f"HUB {'refuses this component' if refused else 'is not reachable'}: {error.message} "
            "Work goes on without it; it is tried again by itself.",
            action="hub-refused" if refused else "hub-lost",
            code=error.code,
        )


def _backoff(attempt: int) -> float:
    """Return seconds to wait before the next attempt, spread so that not all come at once."""
    ceiling = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(attempt, 10))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
