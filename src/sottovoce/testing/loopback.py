"""Servers on loopback for tests: a party with a name, its trust and a log that is kept.

Owns no assertion; what both sides logged is read from :attr:`Party.records`.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sottovoce.contracts import Caller, Record, call
from sottovoce.errors import CallRefused
from sottovoce.net import (
    LIMITS,
    Channel,
    Clock,
    Destination,
    Endpoint,
    Limits,
    Listener,
    Offer,
    Outcome,
    SecurityRecord,
    connect,
    listen,
    utc_now,
)
from sottovoce.policy import Component
from sottovoce.tls import Trust, TrustGeneration

__all__ = ["EchoCalls", "Echoing", "Party", "Text", "listening"]


class Text(Record, frozen=True, kw_only=True):
    """Any text."""

    text: str = ""


class EchoCalls(Protocol):
    """Calls whose outcome a test can foretell."""

    @call("echo.say", roles=[Component.LUI, Component.TRK])
    async def say(self, request: Text) -> Text:
        """Say the same."""

    @call("echo.refuse", roles=[Component.LUI])
    async def refuse(self, request: Text) -> Text:
        """Refuse with the code given."""

    @call("echo.break", roles=[Component.LUI])
    async def break_down(self, request: Text) -> Text:
        """Meet an error of its own."""

    @call("echo.wait", roles=[Component.LUI])
    async def wait(self, request: Text) -> Text:
        """Answer when the test says so."""

    @call("echo.late", roles=[Component.LUI], deadline=0.05)
    async def late(self, request: Text) -> Text:
        """The same, with a short deadline."""

    @call("echo.fill", roles=[Component.LUI])
    async def fill(self, request: Text) -> Text:
        """Answer with as many characters as the text says."""

    @call("echo.tracker", roles=[Component.TRK])
    async def tracker(self, request: Text) -> Text:
        """Only TRK may."""


@dataclass
class Echoing:
    """Implements :class:`EchoCalls`; remembers what happened to it."""

    caller: Caller | None = None
    go: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most_waiting: int = 0

    def for_caller(self, caller: Caller) -> "Echoing":
        """Take note of the caller; there is one implementation for all."""
        self.caller = caller
        return self

    async def say(self, request: Text) -> Text:
        """Say the same."""
        return request

    async def refuse(self, request: Text) -> Text:
        """Refuse with the code given."""
        raise CallRefused(request.text, "declined")

    async def break_down(self, request: Text) -> Text:
        """Meet an error of its own."""
        raise ZeroDivisionError(request.text)

    async def wait(self, request: Text) -> Text:
        """Answer when the test says so."""
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            self.waiting -= 1
        return request

    async def late(self, request: Text) -> Text:
        """The same, with a short deadline."""
        return await self.wait(request)

    async def fill(self, request: Text) -> Text:
        """Answer with as many characters as the text says."""
        return Text(text="x" * int(request.text))

    async def tracker(self, request: Text) -> Text:
        """Only TRK may."""
        return request


@dataclass
class Party:
    """One server: its name, whom it trusts, what it logged.

    Args:
        name: by which it introduces itself.
        generation: None for plain.
        limits: replaced in tests of time limits.
        explain_refusals: as in ``server.ini``.
        clock: UTC.

    ``trust`` points to what is in force; a test may put something else there.
    """

    name: str
    generation: TrustGeneration | None = None
    limits: Limits = LIMITS
    explain_refusals: bool = True
    clock: Clock = utc_now
    records: list[SecurityRecord] = field(default_factory=list)
    trust: Trust = field(init=False)
    _waiters: list[Callable[[], bool]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.trust = Trust(self.generation)

    @property
    def endpoint(self) -> Endpoint:
        """Its end of channels."""
        return Endpoint(
            own_name=self.name,
            version="test",
            trust=self.trust,
            log=self._log,
            clock=self.clock,
            new_id=lambda: secrets.token_hex(8),
            limits=self.limits,
            explain_refusals=self.explain_refusals,
        )

    def _log(self, record: SecurityRecord) -> None:
        self.records.append(record)
        self._waiters = [wake for wake in self._waiters if not wake()]

    async def logged(self, outcome: Outcome, *, code: str | None = None) -> SecurityRecord:
        """Return the first record of that kind, waiting for it."""
        found: asyncio.Future[SecurityRecord] = asyncio.get_running_loop().create_future()

        def wake() -> bool:
            for record in self.records:
                if record.outcome is outcome and code in (None, record.code):
                    if not found.done():
                        found.set_result(record)
                    return True
            return False

        if not wake():
            self._waiters.append(wake)
        return await found

    def of(self, outcome: Outcome) -> list[SecurityRecord]:
        """Return what was logged of that kind so far."""
        return [record for record in self.records if record.outcome is outcome]

    async def connect(
        self,
        port: int,
        *,
        dial: str = "hub.test",
        address: str = "127.0.0.1",
        component: Component = Component.LUI,
    ) -> Channel:
        """Open a channel to a port on loopback."""
        destination = Destination(name=dial, port=port, address=address, component=Component.HUB)
        return await connect(self.endpoint, destination, component=component)


@asynccontextmanager
async def listening(
    party: Party,
    *,
    echo: Echoing | None = None,
    offers: Sequence[Offer] | None = None,
    errors: list[tuple[str, BaseException]] | None = None,
    address: str = "127.0.0.1",
    grace: float = 0.0,
) -> AsyncIterator[Listener]:
    """A port of *party* that offers :class:`EchoCalls`; closed afterwards.

    Args:
        party: whose.
        echo: the implementation; offers: other contracts instead.
        errors: gets what no refusal stands for; with None such an error fails the test.
        address: to bind.
        grace: for the end.
    """
    unexpected: list[tuple[str, BaseException]] = []
    kept = unexpected if errors is None else errors
    implementation = echo or Echoing()
    listener = await listen(
        party.endpoint,
        address=address,
        port=0,
        offers=offers if offers is not None else [Offer(EchoCalls, implementation.for_caller)],
        on_error=lambda name, error: kept.append((name, error)),
    )
    try:
        yield listener
    finally:
        await listener.aclose(grace=grace)
    assert not unexpected, unexpected
