"""How many connections a second can be set up: handshake, gate, greeting, Ready? (P3)

    python -m benchmarks.connections [--rounds N] [--connections N]

Sixteen at once on loopback, server and caller in processes of their own. The peer in the same run
is asyncio's TLS of the standard library on uvloop, mutual and without tickets: handshake only, and
one byte back, since a TLS 1.3 caller knows only then that it was taken.
"""

import argparse
import asyncio
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.common import (
    destination,
    endpoint,
    generation,
    identities,
    in_process,
    pem,
    report,
    run,
)
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import connect, listen
from sottovoce.pki import dump_certificates
from sottovoce.policy import Component
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import TrustGeneration

AT_ONCE = 16


async def _serve_ours(ready: Callable[[int], None], trust: TrustGeneration | None) -> None:
    listener = await listen(
        endpoint("hub.test", trust),
        address="127.0.0.1",
        port=0,
        offers=[],
        on_error=print,
    )
    ready(listener.port)
    await asyncio.Event().wait()


def _stdlib_context(
    authority: ThrowAwayAuthority, own: PrivateKeyEntry, *, server: bool
) -> ssl.SSLContext:
    kind = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
    context = ssl.SSLContext(kind)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    if server:
        context.num_tickets = 0
    context.load_verify_locations(cadata=dump_certificates([authority.root]).decode())
    with tempfile.TemporaryDirectory() as folder:
        chain, key = pem(own)
        path = Path(folder, "identity.pem")
        path.write_bytes(key + chain)
        context.load_cert_chain(path)
    return context


async def _serve_stdlib(ready: Callable[[int], None], context: ssl.SSLContext) -> None:
    async def welcome(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"!")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(welcome, "127.0.0.1", 0, ssl=context, backlog=512)
    ready(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


async def _rate(dial: Callable[[], Awaitable[None]], connections: int) -> float:
    async def worker(count: int) -> None:
        for _ in range(count):
            await dial()

    began = time.perf_counter()
    await asyncio.gather(*(worker(connections // AT_ONCE) for _ in range(AT_ONCE)))
    return connections / (time.perf_counter() - began)


async def _measure(
    dials: dict[str, Callable[[], Awaitable[None]]], rounds: int, connections: int
) -> None:
    rates: dict[str, list[float]] = {name: [] for name in dials}
    for _ in range(rounds):
        for name, dial in dials.items():
            rates[name].append(await _rate(dial, connections))
    found = report(f"connections set up a second, {AT_ONCE} at once", rates, "1/s")
    print(f"  secured ÷ standard library: {found['secured'] / found['standard library']:.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=320)
    args = parser.parse_args()
    authority, hub, lui = identities()
    ours = in_process(_serve_ours, generation(authority, hub, "hub.test"))
    peer = in_process(_serve_stdlib, _stdlib_context(authority, hub, server=True))
    caller = endpoint("lui.test", generation(authority, lui, "lui.test"))
    context = _stdlib_context(authority, lui, server=False)

    async def dial_ours() -> None:
        channel = await connect(caller, destination(ours[1]), component=Component.LUI)
        channel.wire.abort()

    async def dial_stdlib() -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", peer[1], ssl=context, server_hostname="hub.test"
        )
        await reader.readexactly(1)
        writer.transport.abort()

    try:
        dials = {"secured": dial_ours, "standard library": dial_stdlib}
        run(_measure(dials, args.rounds, args.connections))
    finally:
        ours[0].kill()
        peer[0].kill()


if __name__ == "__main__":
    main()
