"""One server in this process: what it opens, says and leaves, secured and plain."""

import asyncio
import gc
import json
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from blockbuster import BlockBuster
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import SettingsError
from sottovoce.net import utc_now
from sottovoce.policy import Component
from sottovoce.server import Logs, Plan, Server, read_plan
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

NAME = "whole.sottovoce.test"
LINE = "{}: Initializing Secure Sockets Layer (SSL) for component communication"

Serving = Callable[..., AsyncIterator[Server]]


@pytest.fixture(autouse=True)
def logs_may_write(blockbuster: BlockBuster | None) -> None:
    """A line of a log is written at once; nothing else of ours may block the loop."""
    if blockbuster is not None:
        for name in ("os.write", "os.stat"):
            blockbuster.functions[name].can_block_in("sottovoce/server/logs.py", {"write"})


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, authority: ThrowAwayAuthority) -> Premises:
    """A home whose ports are free ones, drawn when they are opened (the tests know them then)."""
    return Premises.make(
        tmp_path_factory.mktemp("server") / "home",
        name=NAME,
        authority=authority,
        values={"trk/tracker.ini": {"PublicAddress": "127.0.0.1"}},
    )


@pytest.fixture
def home(template: Premises, tmp_path: Path) -> Premises:
    path = tmp_path / "home"
    shutil.copytree(template.path, path)
    found = Premises(
        path=path,
        name=NAME,
        components=tuple(Component),
        authority=template.authority,
        allowed=(NAME,),
    )
    from sottovoce.cli.demo.layout import Ports

    with Ports() as ports:
        internal, tracker, public = (str(ports.take("127.0.0.1")) for _ in range(3))
    for file, key, value in (
        ("server.ini", "InternalPort", internal),
        ("server.ini", "TrackerPort", tracker),
        ("lui/lui.ini", "HubPort", internal),
        ("lui/lui.ini", "HubAddress", "127.0.0.1"),
        ("lui/lui.ini", "TrackerPort", tracker),
        ("lui/lui.ini", "TrackerAddress", "127.0.0.1"),
        ("trk/tracker.ini", "HubPort", internal),
        ("trk/tracker.ini", "HubAddress", "127.0.0.1"),
        ("trk/tracker.ini", "PublicPort", public),
        ("trk/tracker.ini", "HeartbeatInterval", "1"),
    ):
        found.set(file, key, value)
    return found


def plan_of(home: Premises) -> Plan:
    return read_plan(home.path, at=utc_now())


@asynccontextmanager
async def serving(home: Premises, *, unsafe: bool = False) -> AsyncIterator[Server]:
    """Start the server of a home as ``sottovoce start`` does, and stop it."""
    plan = await asyncio.to_thread(plan_of, home)
    logs = await asyncio.to_thread(lambda: Logs(plan.home.logs, level="info", echo=None))
    server = Server(plan=plan, logs=logs, unsafe_plain_network=unsafe)
    try:
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
    finally:
        logs.close()


async def run(*words: str | Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *map(str, words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def presented(port: int) -> bytes:
    """Return the certificate that a port presents to somebody who has none, in DER."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["sottovoce/1"])
    # A stranger on purpose: the standard library's TLS, not ours.
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    del reader
    assert isinstance(found, bytes)
    return found


async def met(server: Server) -> set[tuple[str, str]]:
    """Wait until every connection of the server is up; return component and state of each."""

    def states() -> set[tuple[str, str]]:
        return {(peer.component.value, peer.posture.state) for peer in server.peers}

    async with asyncio.timeout(30):
        while any(state not in {"secured", "plain"} for _, state in states()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return states()


async def test_without_ssl_ini_the_ports_are_on_loopback_and_every_start_warns(
    home: Premises,
) -> None:
    """W3, W19: whatever BindAddress says; no line about security that is not there."""
    home.set("server.ini", "BindAddress", "0.0.0.0")
    for starts in (1, 2):
        async with serving(home) as server:
            addresses = [listener.address for listener in server.listeners.values()]
            assert addresses == ["127.0.0.1", "127.0.0.1"]
            assert await met(server) == {("lui", "plain"), ("trk", "plain")}
        for component in Component:
            log = home.log(f"{component}.log")
            assert log.count("communication is NOT encrypted") == starts
            assert LINE.format(component.label) not in log
        assert home.log("server.log").count("BindAddress=0.0.0.0 is not used") == starts


@pytest.mark.parametrize(
    ("secured", "unsafe", "address"),
    [(False, False, "127.0.0.1"), (False, True, "0.0.0.0"), (True, False, "0.0.0.0")],
)
def test_where_the_ports_listen(home: Premises, secured: bool, unsafe: bool, address: str) -> None:
    """W3: on the network only when it is secured, or demanded by its loud name."""
    home.set("server.ini", "BindAddress", "0.0.0.0")
    if secured:
        home.secure()
    logs = Logs(home.path / "logs", level="info", echo=None)
    server = Server(plan=plan_of(home), logs=logs, unsafe_plain_network=unsafe)
    assert server.bind_address == address
    logs.close()


async def test_plain_ports_opened_by_demand_are_warned_of(home: Premises) -> None:
    """W3."""
    async with serving(home, unsafe=True):
        assert "--unsafe-plain-network" in home.log("server.log")
        assert "code=unsafe-plain-network" in home.log("server.log")


async def test_secured_there_is_one_identity_and_one_line_in_each_log(home: Premises) -> None:
    """W5, W19, W2: both ports present the certificate of the one keystore."""
    home.secure()
    async with serving(home) as server:
        assert await met(server) == {("lui", "secured"), ("trk", "secured")}
        expected = server.plan.generation.identity.chain[0] if server.plan.generation else None
        assert expected is not None
        ports = [listener.port for listener in server.listeners.values()]
        assert len(set(ports)) == 2
        for port in ports:
            assert await presented(port) == expected.public_bytes(Encoding.DER)
    for component in Component:
        lines = home.log(f"{component}.log").splitlines()
        assert lines.count(LINE.format(component.label)) == 1
        assert sum("Secure Sockets Layer" in line for line in lines) == 1
    names = {
        line["fingerprint"]
        for line in map(json.loads, home.log("security.log").splitlines())
        if line["outcome"] == "accepted"
    }
    assert len(names) == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is the judge here")
@pytest.mark.parametrize("https", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("secured", [False, True], ids=["plain", "secured"])
async def test_pages_for_people_are_independent_of_the_traffic_inside(
    home: Premises, secured: bool, https: bool
) -> None:
    """W6, W12: all four combinations; the keystore of the traffic inside serves HTTPS as well."""
    home.secure()
    if https:
        home.set("trk/tracker.ini", "WebKeystorePath", str(home.keystore))
        home.set("trk/tracker.ini", "WebKeystorePassword", home.password)
    if not secured:
        home.ssl_ini.unlink()
    root = home.path / "root.pem"
    root.write_bytes(home.authority.root.public_bytes(Encoding.PEM))
    async with serving(home) as server:
        assert {state for _, state in await met(server)} == {"secured" if secured else "plain"}
        assert server.trk is not None
        port = server.trk.public_port
        base = ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code} %{ssl_verify_result}"]
        base += ["--max-time", "20", "--cacert", str(root), "--resolve", f"{NAME}:{port}:127.0.0.1"]
        right, wrong = ("https", "http") if https else ("http", "https")
        assert await run(*base, f"{right}://{NAME}:{port}/o/nothing") == (0, "404 0")
        status, told = await run(*base, f"{wrong}://{NAME}:{port}/o/nothing")
        assert (status != 0, told[:3]) == (True, "000")


def test_ssl_ini_changes_nothing_about_the_mail_relay_or_the_databases(home: Premises) -> None:
    """W7."""
    home.set("lui/lui.ini", "SmtpSecurity", "starttls")
    plain = plan_of(home)
    secured = plan_of(home.secure())
    assert (plain.secured, secured.secured) == (False, True)
    assert (plain.lui, plain.hub, plain.trk) == (secured.lui, secured.hub, secured.trk)


async def test_the_switch_takes_effect_at_the_next_start_only(home: Premises) -> None:
    """W18: removed, or broken, while the server runs; then put back."""
    home.secure()
    async with serving(home) as server:
        await met(server)
        for change in (home.ssl_ini.unlink, lambda: home.write_ssl("SSLAllowedClients=\n")):
            await asyncio.to_thread(change)
            assert await presented(server.listeners[Component.HUB].port)
            assert server.plan.secured
    with pytest.raises(SettingsError):
        await asyncio.to_thread(plan_of, home)
    await asyncio.to_thread(home.ssl_ini.unlink)
    async with serving(home) as server:
        assert {state for _, state in await met(server)} == {"plain"}
        await asyncio.to_thread(home.write_ssl)
        assert not server.plan.secured
    async with serving(home) as server:
        assert {state for _, state in await met(server)} == {"secured"}
    assert home.log("hub.log").count(LINE.format("HUB")) == 2


def descriptors() -> set[str]:
    """Return what the open descriptors of this process point to, sockets and files alike."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{path.name} {path.readlink()}")
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc tells the descriptors")
async def test_after_a_stop_nothing_is_left(home: Premises) -> None:
    """Descriptors, tasks and the lock on the home are gone; a second start finds all free."""
    home.secure()
    async with serving(home) as server:
        await met(server)
    before = await asyncio.to_thread(descriptors)
    async with serving(home) as server:
        await met(server)
        assert len(await asyncio.to_thread(descriptors)) > len(before)
    gc.collect()
    assert await asyncio.to_thread(descriptors) - before == set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_stop_at_once_after_the_start_ends(home: Premises) -> None:
    """Tasks are cancelled in the middle of a transaction then; no loop waits for ever."""

    async def start_and_stop() -> None:
        async with serving(home):
            pass

    for _ in range(8):
        asyncio.run(start_and_stop())
    assert home.log("server.log").count("Traceback") == 0


async def test_a_second_server_on_one_home_is_refused(home: Premises) -> None:
    """Two would both send its mails; the first is not disturbed, and the lock ends with it."""
    async with serving(home) as first:
        with pytest.raises(SettingsError) as refused:
            async with serving(home):
                pass
        assert [fault.code for fault in refused.value.faults] == ["home-in-use"]
        assert str(os.getpid()) in refused.value.faults[0].why
        await met(first)
    async with serving(home) as server:
        await met(server)


async def test_every_line_of_the_security_log_is_one_object(home: Premises) -> None:
    """W8: an accepted line for both sides of each connection, and what a stranger got."""
    home.secure()
    async with serving(home) as server:
        await met(server)
        await presented(server.listeners[Component.TRK].port)
        port = server.listeners[Component.TRK].port

        def refused() -> list[str]:
            lines = map(json.loads, home.log("security.log").splitlines())
            return [x["code"] for x in lines if x["outcome"] == "refused" and x["port"] == port]

        async with asyncio.timeout(20):
            while not await asyncio.to_thread(refused):  # noqa: ASYNC110 - it is in a file
                await asyncio.sleep(0.02)
        assert refused() == ["no-certificate"]
    lines = [json.loads(line) for line in home.log("security.log").splitlines()]
    sides = [line["side"] for line in lines if line["outcome"] == "accepted"]
    assert sorted(sides) == ["accepting"] * 3 + ["calling"] * 3
    closed = [line["connection"] for line in lines if line["outcome"] == "closed"]
    opened = [line["connection"] for line in lines if line["outcome"] == "accepted"]
    assert sorted(closed) == sorted(opened)
