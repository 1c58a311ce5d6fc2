import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sottovoce.net import LIMITS, Limits
from sottovoce.pki import Revocation
from sottovoce.policy import AllowedClients, Component
from sottovoce.rpc import Message
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.playbook import frames
from sottovoce.tls import Arrived, Broken, Engine, Side, TrustGeneration
from sottovoce.tls.contexts import calling_context

ALLOWED = ("hub.test", "lui.test", "trk.test")
HOSTS = {Component.LUI: "lui.test", Component.TRK: "trk.test"}


@pytest.fixture(scope="session")
def quick() -> Limits:
    """Limits so short that a test meets them; nothing is asserted about the time itself."""
    return replace(
        LIMITS, first_bytes=0.05, handshake=0.1, greeting=0.1, connect=0.5, linger=0.1, resolve=1.0
    )


@pytest.fixture(scope="session")
def world(
    authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority, moment: datetime
) -> SimpleNamespace:
    """Generations of HUB and LUI, right and wrong; every cause of a refusal is in ``matrix/``."""

    def made(
        name: str,
        *,
        issuer: ThrowAwayAuthority = authority,
        trusts: ThrowAwayAuthority | None = None,
    ) -> TrustGeneration:
        role = Component.HUB if name.startswith("hub") else Component.LUI
        identity = issuer.issue(name, roles=[role])
        return (trusts or authority).generation(
            identity, own_name=name, allowed=ALLOWED, hosts=HOSTS
        )

    def revoking(one: TrustGeneration, other: TrustGeneration) -> TrustGeneration:
        """The same server, with a list that revokes the other one."""
        day = timedelta(days=1)
        gone = Revocation(serial=other.identity.certificate.serial_number, date=moment - day)
        crl = authority.authority.revocation_list(
            [gone], this_update=moment - day, next_update=moment + day, number=1
        )
        return authority.generation(
            one.identity, own_name=one.own_name, allowed=ALLOWED, hosts=HOSTS, crls=(crl,)
        )

    hub, lui = made("hub.test"), made("lui.test")
    return SimpleNamespace(
        hub=hub,
        hub_revoking=revoking(hub, lui),
        lui_revoking=revoking(lui, hub),
        hub_elsewhere=replace(hub, hosts={Component.LUI: "trk.test"}),
        hub_foreign=made("hub.test", issuer=stranger),
        hub_lonely=replace(hub, allowed=AllowedClients(["hub.test", "trk.test"])),
        lui=lui,
        lui_foreign=made("lui.test", issuer=stranger, trusts=authority),
        lui_lonely=replace(lui, allowed=AllowedClients(["lui.test"])),
        lui_bare=replace(lui, calling=calling_context(None, (authority.root,))),
    )


class RawCaller:
    """A caller that says what a test wants it to, over TLS or without."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.engine: Engine | None = None
        self.events: list[Any] = []
        #: Plain bytes; with TLS see ``data``.
        self.received = b""
        self._said = bytearray()

    async def secure(self, generation: TrustGeneration | None, **options: Any) -> "RawCaller":
        """Complete a handshake, or meet its end."""
        self.engine = Engine(generation, side=Side.CALLING, **options)
        self.engine.start()
        while not self.engine.secured and not self.engine.over:
            if not await self._turn():
                break
        self._flush()
        return self

    def say(self, *messages: Message) -> None:
        """Say messages, whether it is their turn or not."""
        self.say_bytes(frames(*messages))

    def say_bytes(self, data: bytes) -> None:
        """Say anything inside TLS, or plain."""
        if self.engine is None:
            self.writer.write(data)
        else:
            self.engine.send(data)
            self._flush()

    async def heard(self, size: int) -> bytes:
        """Return the application data, once there are *size* bytes of it."""
        while len(self._said) < size and await self._turn():
            pass
        return self.data

    async def to_the_end(self) -> "RawCaller":
        """Read until the other side closes."""
        while await self._turn():
            pass
        return self

    @property
    def data(self) -> bytes:
        """What was said to us inside TLS."""
        return bytes(self._said)

    @property
    def alert(self) -> str:
        """The alert that refused us."""
        return next((e.alert_received for e in self.events if isinstance(e, Broken)), "")

    def _flush(self) -> None:
        assert self.engine is not None
        self.writer.write(self.engine.data_to_send())

    async def _turn(self) -> bool:
        if self.engine is not None:
            self._flush()
        try:
            data = await self.reader.read(2**16)
        except ConnectionError:
            data = b""
        if self.engine is None:
            self.received += data
        if self.engine is not None:
            if data:
                self.engine.receive_data(data)
            else:
                self.engine.receive_eof()
            events = self.engine.events()
            self.events += [event for event in events if not isinstance(event, Arrived)]
            for event in events:
                if isinstance(event, Arrived):
                    self._said += event.data
        return bool(data)

    async def close(self) -> None:
        """Go away."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@pytest.fixture
async def raw() -> AsyncIterator[Any]:
    """Open a raw caller: ``await raw(port)``."""
    opened: list[RawCaller] = []

    async def open_one(port: int) -> RawCaller:
        caller = RawCaller(*await asyncio.open_connection("127.0.0.1", port))
        opened.append(caller)
        return caller

    yield open_one
    for caller in opened:
        await caller.close()


@pytest.fixture(autouse=True)
async def nothing_is_left(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """No task and no socket survives a test of the channel."""
    if not request.module.__name__.rpartition(".")[2].startswith(
        ("test_channel", "test_strangers")
    ):
        yield
        return
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    yield
    tasks: set[Any] = set()
    for _ in range(1000):
        tasks = asyncio.all_tasks() - before - {asyncio.current_task()}
        sockets = len(loop._selector.get_map()) - 1  # type: ignore[attr-defined]
        if not tasks and not sockets:
            return
        await asyncio.sleep(0)
    assert not tasks, tasks
    assert not sockets, "an open socket was left behind"
