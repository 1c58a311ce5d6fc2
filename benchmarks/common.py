"""What the programs share: a server in a process of its own, rounds, a table and a line of JSON."""

import asyncio
import json
import multiprocessing
import os
import platform
import secrets
import statistics
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any

import uvloop
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from sottovoce import __version__
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import Destination, Endpoint, utc_now
from sottovoce.pki import dump_certificates
from sottovoce.policy import Component
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import Trust, TrustGeneration

NAMES = ("hub.test", "lui.test")


def identities() -> tuple[ThrowAwayAuthority, PrivateKeyEntry, PrivateKeyEntry]:
    """Return an authority, a server's identity and a caller's."""
    authority = ThrowAwayAuthority(at=utc_now())
    hub = authority.issue("hub.test", roles=[Component.HUB])
    lui = authority.issue("lui.test", roles=[Component.LUI])
    return authority, hub, lui


def generation(authority: ThrowAwayAuthority, own: PrivateKeyEntry, name: str) -> TrustGeneration:
    """Return a generation in which both names are allowed."""
    return authority.generation(own, own_name=name, allowed=NAMES)


def endpoint(name: str, trust: TrustGeneration | None) -> Endpoint:
    """Return an endpoint that logs nothing."""
    return Endpoint(
        own_name=name,
        version=__version__,
        trust=Trust(trust),
        log=lambda _record: None,
        clock=utc_now,
        new_id=lambda: secrets.token_hex(8),
    )


def destination(port: int) -> Destination:
    """Return the server under test."""
    return Destination(name="hub.test", port=port, address="127.0.0.1", component=Component.HUB)


def pem(entry: PrivateKeyEntry) -> tuple[bytes, bytes]:
    """Return the certificates and the key of *entry* as PEM, for peers that want files."""
    key = entry.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return dump_certificates(entry.chain), key


def in_process(serve: Callable[..., Awaitable[None]], *arguments: Any) -> tuple[Any, int]:
    """Run ``serve(report, *arguments)`` in a process of its own; return it and its port."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(serve, theirs, arguments), daemon=True)
    process.start()
    return process, ours.recv()


def _child(
    serve: Callable[..., Awaitable[None]], pipe: Connection, arguments: tuple[Any, ...]
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(pipe.send, *arguments))


def run(main: Awaitable[Any]) -> Any:
    """Run the measuring side on uvloop, as the servers do."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)  # type: ignore[arg-type]


def report(question: str, rows: dict[str, list[float]], unit: str) -> dict[str, float]:
    """Print medians and one line of JSON; return the medians."""
    medians = {name: statistics.median(values) for name, values in rows.items()}
    print(question)
    for name, values in rows.items():
        spread = f"{min(values):,.0f} … {max(values):,.0f}"
        print(f"  {name:<44} {medians[name]:>12,.1f} {unit}   ({spread})")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(json.dumps({"question": question, "unit": unit, "medians": medians, "on": machine}))
    return medians
