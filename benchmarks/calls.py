"""How many typed calls a second does one connection carry, and what does securing it cost? (P1, P2)

    python -m benchmarks.calls [--rounds N] [--calls N]

A server process and a calling process on loopback; secured and plain in turn. The call is small
(a ticket of 100 characters in, a session out), 64 are in flight, then one at a time.
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks.common import (
    destination,
    endpoint,
    generation,
    identities,
    in_process,
    report,
    run,
)
from sottovoce.contracts import Caller, HubCalls, Ticket, TicketHolder
from sottovoce.net import Offer, connect, listen
from sottovoce.policy import Component
from sottovoce.tls import TrustGeneration

IN_FLIGHT = 64
_ANSWER = Ticket(
    ticket="t" * 100,
    account="somebody",
    rights=("define", "deliver", "report"),
    expires=datetime(2030, 1, 1, tzinfo=UTC),
)


class _Implementation:
    """Answers one call; the others are not asked."""

    def __init__(self, _caller: Caller) -> None:
        pass

    async def check(self, _request: TicketHolder) -> Ticket:
        return _ANSWER

    def __getattr__(self, name: str) -> Any:
        return None


async def _serve(ready: Callable[[int], None], trust: TrustGeneration | None) -> None:
    listener = await listen(
        endpoint("hub.test", trust),
        address="127.0.0.1",
        port=0,
        offers=[Offer(HubCalls, _Implementation)],
        on_error=print,
    )
    ready(listener.port)
    await asyncio.Event().wait()


async def _many(hub: HubCalls, calls: int) -> float:
    request = TicketHolder(ticket="t" * 100)

    async def worker(count: int) -> None:
        for _ in range(count):
            await hub.check(request)

    began = time.perf_counter()
    await asyncio.gather(*(worker(calls // IN_FLIGHT) for _ in range(IN_FLIGHT)))
    return calls / (time.perf_counter() - began)


async def _one_at_a_time(hub: HubCalls, calls: int) -> float:
    request, times = TicketHolder(ticket="t" * 100), []
    for _ in range(calls):
        began = time.perf_counter()
        await hub.check(request)
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2] * 1e6


async def _measure(ports: dict[str, int], trusts: dict[str, Any], rounds: int, calls: int) -> None:
    rates: dict[str, list[float]] = {name: [] for name in ports}
    medians: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(rounds):
        for name, port in ports.items():
            channel = await connect(
                endpoint("lui.test", trusts[name]), destination(port), component=Component.LUI
            )
            hub = channel.stub(HubCalls)
            await _many(hub, 2_000)
            rates[name].append(await _many(hub, calls))
            medians[name].append(await _one_at_a_time(hub, 2_000))
            await channel.aclose()
    found = report(f"calls a second, one connection, {IN_FLIGHT} in flight", rates, "calls/s")
    print(f"  secured ÷ plain: {found['secured'] / found['plain']:.2f}")
    report("one call at a time, p50", medians, "µs")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=30_000)
    args = parser.parse_args()
    authority, hub, lui = identities()
    secured = generation(authority, hub, "hub.test")
    servers = {"secured": in_process(_serve, secured), "plain": in_process(_serve, None)}
    trusts = {"secured": generation(authority, lui, "lui.test"), "plain": None}
    ports = {name: port for name, (_process, port) in servers.items()}
    try:
        run(_measure(ports, trusts, args.rounds, args.calls))
    finally:
        for process, _port in servers.values():
            process.kill()


if __name__ == "__main__":
    main()
