"""TRK as a whole over real sockets: collecting while HUB is down, HTTPS, a clean end, a kill."""

import asyncio
import http.client
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sottovoce import keystore
from sottovoce.contracts import (
    Caller,
    Heartbeat,
    HeartbeatReply,
    HubHello,
    HubWelcome,
    LinkKind,
    PullEvents,
    PutJob,
    TokenCodec,
    TrkCalls,
    link_path,
)
from sottovoce.errors import ConnectFailed, IntegrityError, SettingsError
from sottovoce.ini import Secret
from sottovoce.net.clock import utc_now
from sottovoce.policy import Component
from sottovoce.trk import TrkApp, TrkSettings, create_home
from sottovoce.trk.app import database_path

KEY = bytes(range(32))
SETTINGS = TrkSettings(
    hub_host="hub.test", lui_host="lui.test", heartbeat_interval=0.01, requests_per_second=0
)
JOB = PutJob(
    job_ref="job--1",
    key=KEY,
    digest="d" * 64,
    links=("https://example.org/first?a=1",),
    track=True,
    identify=True,
    sender="Example Ltd",
    list_name="Monthly News",
)

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def path_of(kind: LinkKind, recipient: int = 7) -> str:
    token = TokenCodec(KEY, "job--1").seal(kind, recipient, 0, b"salt")
    return link_path(kind, "job--1", token)


def self_signed() -> keystore.PrivateKeyEntry:
    """Return a new key with a certificate for trk.test that is its own root."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trk.test")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("trk.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return keystore.PrivateKeyEntry(key=key, chain=(certificate,))


def keystore_of(entry: keystore.PrivateKeyEntry) -> bytes:
    return keystore.dumps(keystore.Keystore(entries={"srv": entry}), "changeit")


@dataclass
class Hub:
    """HUB as TRK sees it: away until it is up."""

    up: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    beaten: asyncio.Event = field(default_factory=asyncio.Event)
    hellos: list[HubHello] = field(default_factory=list)
    beats: list[Heartbeat] = field(default_factory=list)

    async def hello(self, request: HubHello, /) -> HubWelcome:
        self.asked.set()
        if not self.up.is_set():
            raise ConnectFailed("Nothing accepts on hub.test:1099.")
        self.hellos.append(request)
        return HubWelcome(
            install_id="i", settings_rev=0, heartbeat_interval=15, hub_time=datetime.now(UTC)
        )

    async def heartbeat(self, request: Heartbeat, /) -> HeartbeatReply:
        self.beats.append(request)
        self.beaten.set()
        return HeartbeatReply(settings_rev=0)


@dataclass
class KeptLog:
    actions: list[str] = field(default_factory=list)
    text: str = ""

    def info(self, event: str, /, **fields: Any) -> None:
        self.actions.append(fields["action"])
        self.text += f"{event} {fields}\n"

    warning = error = info


@dataclass
class Running:
    app: TrkApp
    hub: Hub
    log: KeptLog
    calls: TrkCalls

    async def curl(self, *options: str, path: str, base: str = "") -> str:
        process = await asyncio.create_subprocess_exec(
            "curl", "-s", *options, (base or f"http://127.0.0.1:{self.app.public_port}") + path,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _none = await process.communicate()
        return output.decode("utf-8", "replace")

    async def pulled(self) -> Any:
        return await self.calls.pull(PullEvents(epoch="", after=0, wait=5.0))


@asynccontextmanager
async def running(home: Path, **changes: Any) -> AsyncIterator[Running]:
    hub, log = Hub(), KeptLog()
    app = await TrkApp.open(
        home,
        replace(SETTINGS, **changes),
        hub=hub,  # type: ignore[arg-type]
        own_name="trk.test",
        secured=True,
        clock=utc_now,
        log=log,
    )
    try:
        await app.start()
        caller = Caller(component=Component.LUI, server="lui.test", secured=True)
        yield Running(app, hub, log, app.calls(caller))
    finally:
        await app.aclose()


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    await create_home(tmp_path, now=utc_now())
    return tmp_path


@needs_curl
async def test_trk_collects_while_hub_is_down_and_reports_in_when_it_is_back(home: Path) -> None:
    async with running(home) as trk:
        await trk.hub.asked.wait()
        await trk.calls.put_job(JOB)
        answer = await trk.curl("-i", path=path_of(LinkKind.CLICK))
        assert answer.startswith("HTTP/1.1 302")
        assert "location: https://example.org/first?a=1\r\n" in answer
        await trk.curl("-d", "List-Unsubscribe=One-Click", path=path_of(LinkKind.UNSUBSCRIBE))
        batch = await trk.pulled()
        assert [event.kind for event in batch.events] == ["click", "unsubscribe"]
        assert trk.hub.hellos == []
        assert trk.log.actions == ["trk-started", "hub-lost"]
        trk.hub.up.set()
        await trk.hub.beaten.wait()
        [hello] = trk.hub.hellos
        assert hello.listens == (f"127.0.0.1:{trk.app.public_port}",)
        assert hello.secured
        assert trk.hub.beats[0].instance == hello.instance
        assert trk.hub.beats[0].status.queue == 2
        assert trk.hub.beats[0].status.disk_free > 0


@needs_curl
async def test_no_log_line_holds_a_token(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with running(home) as trk:
        await trk.calls.put_job(JOB)
        for kind in LinkKind:
            await trk.curl(path=path_of(kind))
        await trk.curl(path="/c/job--1" + "A" * 38)
    for text in (trk.log.text, caplog.text):
        assert "/c/job" not in text
        assert path_of(LinkKind.CLICK)[-38:] not in text
    assert "trk-started" in trk.log.text


async def test_every_bad_link_gets_the_same_bytes_whichever_way_it_is_answered(home: Path) -> None:
    """E3, over the wire: nothing tells a forged token from a path that never was one."""

    def raw(port: int, path: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
        return re.sub(rb"date: [^\r]*\r\n", b"", answer)

    async with running(home) as trk:
        await trk.calls.put_job(JOB)
        good = path_of(LinkKind.CLICK)
        paths = [
            "/", "/robots.txt", "/c/", good + "x", good[:-1] + "-", good.replace("/c/", "/u/"),
            good.replace("/c/", "/p/"), good.replace("job--1", "nobody"), "/%63/x", "/u/",
        ]  # fmt: skip
        answers = {await asyncio.to_thread(raw, trk.app.public_port, path) for path in paths}
        assert len(answers) == 1
        assert answers.pop().startswith(b"HTTP/1.1 404 Not Found\r\n")
        assert trk.app.status().queue == 0


async def test_the_public_url_follows_the_port_or_the_setting(home: Path) -> None:
    async with running(home) as trk:
        assert trk.app.public_url == f"http://trk.test:{trk.app.public_port}"
        assert trk.app.public_port > 0
    async with running(home, public_url="https://t.example.org") as trk:
        assert trk.app.public_url == "https://t.example.org"


@needs_curl
async def test_behind_an_https_proxy_browsers_are_told_to_insist_on_it(home: Path) -> None:
    async with running(home, public_url="https://t.example.org") as trk:
        answer = await trk.curl("-i", path="/")
        assert "strict-transport-security: max-age=31536000\r\n" in answer


@needs_curl
@pytest.mark.parametrize("secured_inside", [True, False])
async def test_https_for_people_is_independent_of_the_traffic_inside(
    home: Path, secured_inside: bool
) -> None:
    """W6, W12: from a keystore file, whatever the mode between components."""
    entry = self_signed()
    file, root = home / "server.p12", home / "root.pem"
    file.write_bytes(keystore_of(entry))
    root.write_bytes(entry.chain[0].public_bytes(Encoding.PEM))
    settings = replace(SETTINGS, web_keystore_path=file, web_keystore_password=Secret("changeit"))
    log = KeptLog()
    app = await TrkApp.open(
        home, settings, hub=Hub(), own_name="trk.test", secured=secured_inside,  # type: ignore[arg-type]
        clock=utc_now, log=log,
    )  # fmt: skip
    await app.start()
    try:
        port = app.public_port
        assert app.public_url == f"https://trk.test:{port}"
        trk = Running(
            app, Hub(), log, app.calls(Caller(component=Component.LUI, server="", secured=True))
        )
        answer = await trk.curl(
            "-i", "--cacert", str(root), "--connect-to", f"trk.test:{port}:127.0.0.1:{port}",
            base=app.public_url, path="/",
        )  # fmt: skip
        assert answer.startswith("HTTP/1.1 404")
        assert "strict-transport-security" in answer
    finally:
        await app.aclose()


async def test_a_changed_keystore_is_shown_to_who_comes_next_and_a_bad_one_is_not(
    home: Path,
) -> None:
    """W6, W12; a renewal by ACME or by hand needs no restart, and a slip changes nothing."""
    file = home / "server.p12"
    first, second = self_signed(), self_signed()
    file.write_bytes(keystore_of(first))
    changed = {"web_keystore_path": file, "web_keystore_password": Secret("changeit")}
    async with running(home, **changed) as trk:
        web, look = trk.app._web, trk.app._certificate.look
        assert web is not None

        async def shown() -> x509.Certificate:
            address = ("127.0.0.1", trk.app.public_port)
            pem = await asyncio.to_thread(ssl.get_server_certificate, address)
            return x509.load_pem_x509_certificate(pem.encode())

        assert await shown() == first.certificate
        for slip in (b"half of", keystore_of(keystore.PrivateKeyEntry(second.key, first.chain))):
            file.write_bytes(slip)
            await look(web)
            assert await shown() == first.certificate
        file.unlink()
        await look(web)
        assert await shown() == first.certificate
        assert trk.log.actions.count("web-certificate-refused") == 3
        file.write_bytes(keystore_of(second))
        await look(web)
        assert await shown() == second.certificate


async def test_a_keystore_that_does_not_open_is_said_before_any_port_is(home: Path) -> None:
    entry_file = home / "server.p12"
    entry_file.write_bytes(keystore_of(self_signed()))
    with pytest.raises(IntegrityError):
        async with running(
            home, web_keystore_path=entry_file, web_keystore_password=Secret("wrong-one")
        ):
            pass


async def test_a_keystore_for_https_that_is_not_there_is_a_named_fault(home: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        async with running(
            home, web_keystore_path=home / "gone.p12", web_keystore_password=Secret("changeit")
        ):
            pass
    (fault,) = caught.value.faults
    assert (fault.code, fault.key) == ("web-certificate", "WebKeystorePath")
    assert str(home / "gone.p12") in fault.presented


async def test_a_full_disk_is_kept_for_unsubscribes_and_said_loudly(home: Path) -> None:
    async with running(home, reserved_space=2**60) as trk:
        await trk.calls.put_job(JOB)
        assert "disk-nearly-full" in trk.log.actions
        assert trk.app.status().lost_events == 0

        def follow() -> list[int]:
            connection = http.client.HTTPConnection("127.0.0.1", trk.app.public_port)
            statuses = []
            for method, kind in (("GET", LinkKind.CLICK), ("POST", LinkKind.UNSUBSCRIBE)):
                connection.request(method, path_of(kind), body=b"" if method == "POST" else None)
                with connection.getresponse() as response:
                    response.read()
                    statuses.append(response.status)
            connection.close()
            return statuses

        assert await asyncio.to_thread(follow) == [302, 200]
        batch = await trk.pulled()
        assert [event.kind for event in batch.events] == ["unsubscribe"]
        assert batch.lost == 1
        assert trk.app.status().lost_events == 1


async def test_a_stop_loses_nothing_that_was_answered(home: Path) -> None:
    async with running(home) as trk:
        await trk.calls.put_job(JOB)

        def click(count: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", trk.app.public_port)
            for recipient in range(count):
                connection.request("GET", path_of(LinkKind.CLICK, recipient))
                connection.getresponse().read()
            connection.close()

        await asyncio.to_thread(click, 100)
    async with running(home) as trk:
        events = (await trk.pulled()).events
        assert [event.recipient for event in events] == list(range(100))
        assert len({event.seq for event in events}) == 100


SERVE = """
import asyncio, sys
from pathlib import Path
import uvloop
from sottovoce.contracts import Caller, PutJob
from sottovoce.errors import ConnectFailed
from sottovoce.net.clock import utc_now
from sottovoce.policy import Component
from sottovoce.trk import TrkApp, TrkSettings

class Away:
    async def hello(self, request):
        raise ConnectFailed("away")

class Quiet:
    def info(self, *a, **k): pass
    warning = error = info

async def main():
    app = await TrkApp.open(
        Path(sys.argv[1]),
        TrkSettings(hub_host="hub.test", lui_host="lui.test", requests_per_second=0),
        hub=Away(), own_name="trk.test", secured=True, clock=utc_now, log=Quiet())
    await app.start()
    calls = app.calls(Caller(component=Component.LUI, server="lui.test", secured=True))
    await calls.put_job(PutJob(job_ref="job--1", key=bytes(range(32)), digest="d" * 64,
                               links=("https://example.org/",), track=True, identify=True))
    print(app.public_port, flush=True)
    await asyncio.sleep(3600)

uvloop.run(main())
"""


@pytest.mark.slow
async def test_every_unsubscribe_that_was_answered_survives_a_kill(home: Path) -> None:
    """E5: a real process, killed in the middle of its writing, more than once."""
    answered: set[int] = set()
    for attempt in range(2):
        answered |= await asyncio.to_thread(_hammer_and_kill, home, attempt)
    stored = await asyncio.to_thread(_stored, home)
    recipients = [recipient for _id, kind, recipient in stored if kind == "unsubscribe"]
    assert len(answered) > 60
    assert answered <= set(recipients)
    assert [number for number, _kind, _recipient in stored] == list(range(1, len(stored) + 1))
    async with running(home) as trk:
        batch = await trk.calls.pull(PullEvents(epoch="", after=0, limit=10_000))
        assert answered <= {event.recipient for event in batch.events}


def _hammer_and_kill(home: Path, attempt: int) -> set[int]:
    """Unsubscribe from several threads until the process is killed; return who was answered."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVE), str(home)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        answered: set[int] = set()
        enough = threading.Event()

        def unsubscribe(worker: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            for n in range(100_000):
                recipient = attempt * 10_000_000 + worker * 1_000_000 + n
                try:
                    connection.request("GET", path_of(LinkKind.CLICK, recipient))
                    connection.getresponse().read()
                    connection.request("POST", path_of(LinkKind.UNSUBSCRIBE, recipient), body=b"")
                    response = connection.getresponse()
                    response.read()
                except (OSError, http.client.HTTPException):
                    return
                if response.status == 200:
                    answered.add(recipient)
                if len(answered) > 30:
                    enough.set()

        threads = [threading.Thread(target=unsubscribe, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        try:
            assert enough.wait(30)
        finally:
            process.kill()
            for thread in threads:
                thread.join()
    return answered


def _stored(home: Path) -> list[Any]:
    connection = sqlite3.connect(database_path(home))
    try:
        return connection.execute("SELECT id, kind, recipient FROM event ORDER BY id").fetchall()
    finally:
        connection.close()
