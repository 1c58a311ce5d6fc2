"""Every phase has its end: silence, foreign services, floods, and callers out of turn."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from sottovoce.errors import ChannelError, ConnectFailed, HandshakeFailed, PhaseTimeout
from sottovoce.net import LIMITS, Limits, Outcome
from sottovoce.rpc import Bye, Call, Greeting, Hello, Ready, decode
from sottovoce.testing import Party, listening
from sottovoce.testing.playbook import frames
from sottovoce.tls import PLAIN_PREAMBLE, AlpnPath, Engine, Side

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def hub(world: SimpleNamespace, quick: Limits) -> Party:
    return Party("hub.test", world.hub, limits=patient(quick))


@pytest.fixture
def lui(world: SimpleNamespace, quick: Limits) -> Party:
    return Party("lui.test", world.lui, limits=patient(quick))


def patient(quick: Limits, **shorter: Any) -> Limits:
    """Limits that a busy machine does not meet, but for those that a test is about."""
    return replace(LIMITS, linger=quick.linger, **shorter)


@asynccontextmanager
async def service(talk: Talk) -> AsyncIterator[int]:
    """Any service that is not one of ours."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        with suppress(ConnectionError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def says(data: bytes, *, at_once: bool = True) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not at_once:
            await reader.read(1)
        writer.write(data)
        await reader.read()

    return talk


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


HTTP = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
FOREIGN = [
    (
        "P3 an HTTP server",
        says(HTTP, at_once=False),
        HandshakeFailed,
        "foreign-service",
        "HTTP/1.1",
    ),
    (
        "P3 an SSH server",
        says(b"SSH-2.0-OpenSSH_9.2\r\n"),
        HandshakeFailed,
        "foreign-service",
        "SSH-2.0",
    ),
    (
        "P3 a database",
        says(b"J\x00\x00\x00\x0a8.0.36\x00"),
        HandshakeFailed,
        "foreign-service",
        "J\\x00",
    ),
    (
        "P2 an unsecured server",
        says(PLAIN_PREAMBLE),
        HandshakeFailed,
        "peer-not-secured",
        "sottovoce/1",
    ),
    ("P6 nobody speaks", silent, PhaseTimeout, "tls-not-started", ""),
    ("P7 closed without a word", closes, HandshakeFailed, "closed-early", "no bytes"),
    ("half a word and silence", says(b"\x16"), PhaseTimeout, "tls-not-started", ""),
    (
        "an alert",
        says(b"\x15\x03\x03\x00\x02\x02\x28"),
        HandshakeFailed,
        "refused-by-peer",
        "handshake_failure",
    ),
    ("a broken record", says(b"\x16\x03\x03\xff\xffxxxx"), HandshakeFailed, "handshake-failed", ""),
]


@pytest.mark.parametrize(("what", "talk", "kind", "code", "shown"), FOREIGN)
async def test_a_foreign_service_is_named_by_what_it_says(
    what: str,
    talk: Talk,
    kind: type[ChannelError],
    code: str,
    shown: str,
    lui: Party,
    quick: Limits,
) -> None:
    if kind is PhaseTimeout:
        lui.limits = quick
    async with service(talk) as port:
        with pytest.raises(ChannelError) as caught:
            await lui.connect(port)
    assert (type(caught.value), caught.value.code) == (kind, code), what
    assert caught.value.faults[0].presented.startswith(shown)
    (record,) = lui.records
    assert record.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("talk", "code", "phase"),
    [
        (says(HTTP), "foreign-service", "preamble"),
        (silent, "phase-timeout", "preamble"),
        (closes, "closed-early", "preamble"),
        (says(PLAIN_PREAMBLE), "phase-timeout", "greeting"),
        (says(PLAIN_PREAMBLE + frames(Ready("1"))), "protocol-error", "greeting"),
        (says(PLAIN_PREAMBLE + b"\x00\x00\x10\x01"), "protocol-error", "greeting"),
        (says(b"\x16\x03\x03\x00\x01x"), "mode-mismatch", "preamble"),
    ],
)
async def test_an_unsecured_caller_names_them_too(
    talk: Talk, code: str, phase: str, quick: Limits
) -> None:
    async with service(talk) as port:
        limits = quick if code == "phase-timeout" else patient(quick)
        with pytest.raises(ChannelError) as caught:
            await Party("lui.test", limits=limits).connect(port)
    assert (caught.value.code, caught.value.phase) == (code, phase)


async def test_nothing_listens(lui: Party) -> None:
    """Catalogue P4."""
    async with service(silent) as port:
        pass
    with pytest.raises(ConnectFailed) as caught:
        await lui.connect(port)
    assert (caught.value.code, caught.value.phase) == ("connection-refused", "connect")
    assert lui.records[0].code == "connection-refused"


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 70 + ".test", "bü\udc00.x"])
async def test_a_name_that_does_not_resolve(name: str, lui: Party) -> None:
    """Catalogue P8; also names that are none: they used to raise UnicodeError."""
    with pytest.raises(ConnectFailed) as caught:
        await lui.connect(1, dial=name, address="")
    assert (caught.value.code, caught.value.phase) == ("name-not-resolved", "resolve")


@pytest.mark.parametrize("name", ["bücher.test", "a..b", "", "127.0.0.1", "x" * 300])
async def test_an_odd_name_with_an_address_is_refused_by_the_gate(
    name: str, world: SimpleNamespace, lui: Party
) -> None:
    async with listening(Party("hub.test", world.hub)) as port:
        with pytest.raises(ChannelError) as caught:
            await lui.connect(port.port, dial=name)
    assert caught.value.phase == "greeting"


# A caller that is slow in each phase.


async def test_a_caller_that_says_nothing(hub: Party, raw: Any) -> None:
    hub.limits = patient(hub.limits, first_bytes=0.05)
    async with listening(hub) as port:
        caller = await (await raw(port.port)).to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    assert (record.code, record.phase) == ("phase-timeout", "preamble")
    assert caller.received == b""


async def test_a_caller_that_begins_tls_and_stops(hub: Party, raw: Any) -> None:
    hub.limits = patient(hub.limits, first_bytes=0.3, handshake=0.3)
    async with listening(hub) as port:
        caller = await raw(port.port)
        caller.say_bytes(b"\x16\x03\x01\x02\x00\x01")
        await caller.to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    assert (record.code, record.phase) == ("phase-timeout", "tls")
    assert caller.received == b""


async def test_a_caller_that_says_no_hello(hub: Party, raw: Any, world: SimpleNamespace) -> None:
    hub.limits = patient(hub.limits, greeting=0.2)
    async with listening(hub) as port:
        caller = await (await (await raw(port.port)).secure(world.lui)).to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    assert (record.code, record.phase) == ("phase-timeout", "greeting")
    assert isinstance(decode(caller.data[4:]), Greeting)


async def test_a_caller_that_asks_why_and_stays(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    hub.limits = patient(hub.limits, greeting=0.2)
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui_foreign, path=AlpnPath.WHY)
        await caller.to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    assert (record.code, record.phase) == ("phase-timeout", "why")


@pytest.mark.parametrize("size", [0, 1])
async def test_a_caller_that_goes_at_once(size: int, hub: Party, raw: Any) -> None:
    """Catalogue P7."""
    async with listening(hub) as port:
        caller = await raw(port.port)
        caller.say_bytes(b"\x16"[:size])
        await caller.close()
        record = await hub.logged(Outcome.REFUSED)
    assert record.code == "closed-early"


async def test_scans_fill_no_log(hub: Party, raw: Any) -> None:
    """One line an address and minute."""
    async with listening(hub) as port:
        for _ in range(5):
            await (await raw(port.port)).close()
        await hub.logged(Outcome.REFUSED)
    assert [record.code for record in hub.records] == ["closed-early"]


async def test_too_many_unfinished_connections_of_one_address(
    world: SimpleNamespace, quick: Limits, raw: Any
) -> None:
    limits = replace(quick, unfinished_per_address=3, first_bytes=5.0)
    hub = Party("hub.test", world.hub, limits=limits)
    async with listening(hub) as port:
        waiting = [await raw(port.port) for _ in range(3)]
        for _ in range(3):
            await (await raw(port.port)).to_the_end()
        assert [record.code for record in hub.records] == ["too-many-handshakes"]
        await waiting[0].close()
        await hub.logged(Outcome.REFUSED, code="closed-early")
        partner = Party("lui.test", world.lui)
        await (await partner.connect(port.port)).aclose()
    assert hub.of(Outcome.ACCEPTED)


async def test_all_addresses_together_have_a_limit_too(
    world: SimpleNamespace, quick: Limits, raw: Any
) -> None:
    hub = Party("hub.test", world.hub, limits=replace(quick, unfinished=1, first_bytes=5.0))
    async with listening(hub) as port:
        await raw(port.port)
        await (await raw(port.port)).to_the_end()
        assert [record.code for record in hub.records] == ["too-many-handshakes"]


async def test_questions_are_limited_per_address_and_minute(
    world: SimpleNamespace, quick: Limits
) -> None:
    hub = Party("hub.test", world.hub, limits=replace(quick, why_per_minute=2, greeting=5.0))
    lui = Party("lui.test", world.lui_foreign)
    firsts = []
    async with listening(hub) as port:
        for _ in range(4):
            with pytest.raises(HandshakeFailed) as caught:
                await lui.connect(port.port)
            firsts.append("refused this server: its chain ends in" in caught.value.faults[0].why)
    assert firsts == [True, True, False, False]
    assert len(hub.of(Outcome.EXPLAINED)) == 2


# A caller out of turn.

OUT_OF_TURN = [
    b"\x00\x00\x14\x00" + bytes(5 * 1024),
    frames(Bye(), Bye()),
    frames(Ready("1")),
    b"\x00\x00\x00\x01\xc0",
    b"\x00\x00\x0f\xa5\x95\x0a\x01\xa1m\x05" + b"\x91" * 3999,
    b"\x00\x00\x00\x05\x92\x03\xa2\xff\xfe",
]


@pytest.mark.parametrize("said", OUT_OF_TURN)
async def test_a_caller_that_breaks_the_protocol_before_ready(
    said: bytes, hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    """5 KiB before Ready, messages out of turn, garbage: one refusal, not one word more."""
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        caller.say_bytes(said)
        await caller.to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    assert (record.code, record.phase) == ("protocol-error", "greeting")
    greeting = decode(caller.data[4:])
    assert isinstance(greeting, Greeting)
    assert not hub.of(Outcome.ACCEPTED)


async def test_calls_before_ready_are_never_carried_out(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    """W8: no traffic of any component before both sides are authorised."""
    import msgspec

    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        caller.say(
            Hello("lui.test", "lui", "1", hub.clock()),
            Call(1, "echo.say", 1000, msgspec.Raw(b"\x80")),
        )
        await caller.to_the_end()
        record = await hub.logged(Outcome.REFUSED)
        assert not port.channels
    assert record.code == "protocol-error"


async def test_a_caller_that_talks_on_without_waiting_is_refused_not_collected(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    async with listening(hub) as port:
        caller = await raw(port.port)
        caller.engine = Engine(world.lui, side=Side.CALLING)
        caller.engine.start()
        while not caller.engine.secured:
            await caller._turn()
        caller.engine.send(bytes(2**16))
        await caller.to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    assert record.code in {"protocol-error", "closed-early"}


async def test_asking_why_does_not_hide_the_refusal_behind_a_time_limit(
    world: SimpleNamespace, quick: Limits
) -> None:
    """A server that refuses, then is silent on the why path: it used to be ``tls-not-started``."""
    calls = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            await reader.read()
            return
        engine = Engine(world.hub, side=Side.ACCEPTING)
        engine.start()
        while data := await reader.read(2**16):
            engine.receive_data(data)
            writer.write(engine.data_to_send())

    async with service(talk) as port:
        limits = patient(quick, handshake=0.5)
        with pytest.raises(HandshakeFailed) as caught:
            await Party("lui.test", world.lui_foreign, limits=limits).connect(port)
    assert caught.value.code == "refused-by-peer"
    assert "with the alert unknown_ca" in caught.value.faults[0].why
    assert calls == 2


async def test_a_dial_that_is_cancelled_leaves_nothing(lui: Party, quick: Limits) -> None:
    lui.limits = replace(quick, handshake=60)
    begun = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reader.read()

    async with service(talk) as port:
        dialling = asyncio.ensure_future(lui.connect(port))
        await begun.wait()
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling


async def test_a_port_in_use_is_named(hub: Party) -> None:
    from sottovoce.net import listen

    async with listening(hub) as port:
        with pytest.raises(ChannelError) as caught:
            await listen(
                hub.endpoint,
                address="127.0.0.1",
                port=port.port,
                offers=[],
                on_error=lambda *_: None,
            )
        assert caught.value.code == "port-in-use"
    with pytest.raises(ChannelError) as caught:
        await listen(
            hub.endpoint, address="203.0.113.1", port=0, offers=[], on_error=lambda *_: None
        )
    assert caught.value.code == "port-unavailable"


async def test_stopping_ends_admissions_under_way(
    world: SimpleNamespace, raw: Any, quick: Limits
) -> None:
    hub = Party("hub.test", world.hub, limits=replace(quick, first_bytes=60))
    async with listening(hub) as port:
        caller = await raw(port.port)
        caller.say_bytes(b"\x16")
        await asyncio.sleep(0)
    await caller.to_the_end()
    assert hub.records == []
