"""Rows P: plain text, strangers, silence; and what asyncio or TLS would have swallowed (O5, O6)."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from tests.loopback.matrix.rows import Made, Row, Seen
from tests.loopback.matrix.stage import (
    HUB,
    IMPATIENT,
    LUI,
    TRK,
    Stage,
    calls,
    channel,
    seen_by_both,
    swallowing,
    words,
)

from sottovoce.errors import ChannelError
from sottovoce.net import LIMITS, Limits, Outcome
from sottovoce.policy import Component
from sottovoce.testing import Party, listening

__all__ = ["ROWS"]

TOLD_IN_PLAIN = (
    "sottovoce: this port speaks only to its partners, and only over mutual TLS. "
    "Secure that server too: security is all or nothing."
)
TOLD = "sottovoce: this port speaks only to its partners, and only over mutual TLS."


def _plain(name: str) -> Callable[[Stage], Party]:
    return lambda _: Party(name)


# Somebody else at the other end.

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def somebody(talk: Talk) -> AsyncIterator[int]:
    """A port of a program that is not ours."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def says(banner: bytes) -> Talk:
    """Say one thing and wait to be hung up on."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(banner)
        await reader.read()

    return talk


def dialled(talk: Talk, *, limits: Limits = LIMITS) -> Made:
    """Return a row's play: LUI calls somebody who is not ours."""

    async def made(stage: Stage) -> Seen:
        async with somebody(talk) as port:
            return await calls(replace(stage.lui(), limits=limits), port)

    return made


def said(data: bytes, *, secured: bool = True, end: bool = False) -> Made:
    """Return a row's play: somebody says *data* to HUB.

    Args:
        data: what it says.
        secured: whether HUB is.
        end: whether it leaves then.
    """

    async def made(stage: Stage) -> Seen:
        hub = stage.hub() if secured else Party(HUB)
        async with listening(hub) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(data)
            if end:
                writer.write_eof()
            heard = await reader.read()
            writer.close()
            refusal = await hub.logged(Outcome.REFUSED)
        told = (refusal.told[0],) if refusal.told else ()
        assert all(line.encode() in heard for line in told if not line.startswith("alert "))
        return Seen(
            accepting=(refusal.code,),
            told=told,
            faults=refusal.faults[:1],
            text=words(refusal.faults),
        )

    return made


async def _nobody(stage: Stage) -> Seen:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        return await calls(stage.lui(), held.getsockname()[1])


async def _swallowed(stage: Stage) -> Seen:
    with swallowing() as port:
        return await calls(replace(stage.lui(), limits=IMPATIENT), port)


async def _unresolved(stage: Stage) -> Seen:
    return await calls(stage.lui(), 1099, dial="hub.invalid", address="")


async def _scanned(stage: Stage) -> Seen:
    """Twenty visits of a scanner are one line."""
    hub = stage.hub()
    async with listening(hub) as listener:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.close()
            await writer.wait_closed()
        refusal = await hub.logged(Outcome.REFUSED)
    assert len(hub.of(Outcome.REFUSED)) == 1
    return Seen(accepting=(refusal.code,), faults=refusal.faults, text=words(refusal.faults))


async def _reason_never_lost(stage: Stage) -> Seen:
    """Six refusals, and six times the reason arrives and not a broken pipe."""
    hub = stage.hub()
    async with listening(hub) as listener:
        for _ in range(6):
            lui = stage.lui(stage.issue(LUI, by=stage.stranger))
            hub.records.clear()
            try:
                await lui.connect(listener.port)
            except ChannelError as error:
                seen = await seen_by_both(hub, lui, error)
            assert seen.calling == "root-untrusted"
    return seen


ROWS = (
    Row(
        id="P1",
        cause="an unsecured LUI calls a secured HUB",
        made=channel(lui=_plain(LUI)),
        accepting=("plaintext-peer",),
        calling="mode-mismatch",
        told=(TOLD_IN_PLAIN,),
        says=("sottovoce/1 plain", "security is all or nothing"),
    ),
    Row(
        id="P1",
        cause="a browser",
        made=said(b"GET / HTTP/1.1\r\nHost: hub.test\r\n\r\n"),
        accepting=("http-peer",),
        told=(f"{TOLD[:-1]}; HTTP belongs to the web port.",),
        says=("GET / HTTP/1.1", "web port"),
    ),
    Row(
        id="P1",
        cause="an old component",
        made=said(b"JRMI\x00\x02\x4b"),
        accepting=("plaintext-peer",),
        told=(TOLD,),
        says=("JRMI",),
    ),
    Row(
        id="P2",
        cause="a secured LUI calls an unsecured HUB",
        made=channel(hub=_plain(HUB)),
        accepting=("secured-caller",),
        calling="peer-not-secured",
        told=("sottovoce/1 plain",),
        says=("ssl.ini",),
    ),
    Row(
        id="P3",
        cause="SSH answers",
        made=dialled(says(b"SSH-2.0-OpenSSH_9.2p1\r\n")),
        calling="foreign-service",
        says=("SSH-2.0-OpenSSH_9.2p1", "the port is the right one"),
    ),
    Row(
        id="P3",
        cause="a web server answers",
        made=dialled(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        calling="foreign-service",
        says=("HTTP/1.1 400",),
    ),
    Row(
        id="P3",
        cause="the component that calls is expected on another server",
        made=channel(hub=lambda at: at.hub(hosts={Component.LUI: TRK})),
        accepting=("component-unexpected",),
        calling="component-unexpected",
        told=("component-unexpected",),
        says=(TRK, LUI),
    ),
    Row(
        id="P4",
        cause="nothing listens",
        made=_nobody,
        calling="connection-refused",
        says=("refused at once", "Is it running?"),
    ),
    Row(
        id="P5",
        cause="nobody answers",
        made=_swallowed,
        calling="no-answer",
        says=("firewall",),
    ),
    Row(
        id="P6",
        cause="somebody accepts and is silent",
        made=dialled(says(b""), limits=IMPATIENT),
        calling="tls-not-started",
        says=("silent",),
    ),
    Row(
        id="P7",
        cause="a port scan",
        made=_scanned,
        accepting=("closed-early",),
        says=("port scan", "one line an address and minute"),
    ),
    Row(
        id="P8",
        cause="a name that nobody knows",
        made=_unresolved,
        calling="name-not-resolved",
        says=("hub.invalid", LUI),
    ),
    Row(
        id="O5",
        cause="TLS that begins and breaks is in the log",
        made=said(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", end=True),
        accepting=("handshake-failed",),
        told=("alert decode_error",),
    ),
    Row(
        id="O6",
        cause="the reason arrives, every time",
        made=_reason_never_lost,
        accepting=("root-untrusted",),
        calling="root-untrusted",
        told=("alert unknown_ca", "root-untrusted"),
    ),
)
