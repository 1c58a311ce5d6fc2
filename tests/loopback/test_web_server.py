"""The web shell over real sockets, with curl and openssl as strangers (W6, W12)."""

import asyncio
import ctypes
import datetime
import email.utils
import os
import re
import shutil
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sottovoce import keystore
from sottovoce.errors import SettingsError
from sottovoce.web import Answer, WebServer, protocol, serve

#: The first port that everybody may open.
LOW_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed"
)


@dataclass(frozen=True)
class Entry:
    """A key and a self-signed certificate for web.test, as a keystore would give them."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]


@pytest.fixture(scope="module")
def entry() -> Entry:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "web.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("web.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Entry(key, (certificate,))


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with what was asked, after the body is whole."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    body = f"{scope['scheme']} {scope['method']} {scope['path']} {size}".encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def plain() -> AsyncIterator[WebServer]:
    server = await serve(echo, address="127.0.0.1", port=0)
    yield server
    await server.aclose()


@pytest.fixture
async def secured(entry: Entry) -> AsyncIterator[WebServer]:
    server = await serve(echo, address="127.0.0.1", port=0, keystore_entry=entry)
    yield server
    await server.aclose()


async def run(*command: str) -> tuple[int, str]:
    """Run a program; return its status and everything it wrote."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _none = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode("utf-8", "replace")


async def exchange(server: WebServer, *pieces: bytes) -> bytes:
    """Send bytes as they are, piece by piece; return all that comes until the end."""
    reader, writer = await asyncio.open_connection(server.address, server.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@needs_curl
async def test_curl_gets_an_answer_with_a_date_and_no_word_of_the_program(
    plain: WebServer,
) -> None:
    """E8."""
    status, text = await run("curl", "-si", f"{plain.url}/a%20path?x=1")
    head, _blank, body = text.partition("\r\n\r\n")
    assert (status, body) == (0, "http GET /a path 0")
    headers = {
        name.lower(): value
        for name, _colon, value in (line.partition(": ") for line in head.split("\r\n")[1:])
    }
    assert email.utils.parsedate_to_datetime(headers["date"]).tzinfo is not None
    assert "server" not in headers
    assert "uvicorn" not in text.lower()


@needs_curl
async def test_https_with_a_keystores_entry_is_what_curl_expects(
    secured: WebServer, entry: Entry, tmp_path: Path
) -> None:
    """W6: judged by curl, with the name verified."""
    root = tmp_path / "root.pem"
    root.write_bytes(entry.chain[0].public_bytes(Encoding.PEM))
    place = f"web.test:{secured.port}"
    status, text = await run(
        "curl", "-s", "--cacert", str(root), "--connect-to", f"{place}:127.0.0.1:{secured.port}",
        f"https://{place}/",
    )  # fmt: skip
    assert (status, text) == (0, "https GET / 0")


@needs_openssl
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-tls1_3"], "TLSv1.3"),
        (["-tls1_2"], "TLSv1.2"),
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ""),
        (["-tls1_2", "-cipher", "AES128-SHA:AES128-GCM-SHA256"], ""),
    ],
    ids=["1.3", "1.2", "1.1", "1.2 without forward secrecy"],
)
async def test_openssl_gets_tls_1_2_and_1_3_with_sound_ciphers_only(
    secured: WebServer, options: list[str], expected: str
) -> None:
    _status, text = await run(
        "openssl", "s_client", "-connect", f"127.0.0.1:{secured.port}", "-brief", *options
    )
    if expected:
        assert f"Protocol version: {expected}" in text
    else:
        assert "Protocol version" not in text
        assert ":error:" in text


async def test_the_same_keystore_file_serves_https(entry: Entry) -> None:
    """W12: from the bytes of a PKCS#12 file, as for the internal traffic."""
    store = keystore.Keystore(
        entries={"srv": keystore.PrivateKeyEntry(key=entry.key, chain=entry.chain)}
    )
    data = keystore.dumps(store, "changeit")
    again = keystore.loads(data, "changeit").key_entry()
    server = await serve(echo, address="127.0.0.1", port=0, keystore_entry=again)
    try:
        context = ssl.create_default_context(
            cadata=entry.chain[0].public_bytes(Encoding.PEM).decode()
        )
        _reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=context, server_hostname="web.test"
        )
        seen = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        assert seen == entry.chain[0].public_bytes(Encoding.DER)
    finally:
        await server.aclose()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="no memfd on this system")
async def test_the_key_reaches_no_file_on_disk(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W20 in spirit: a key in a temporary file could be read, backed up, or left behind."""

    def refused(*_arguments: Any, **_options: Any) -> Any:
        raise AssertionError("a temporary file was made")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refused)
    server = await serve(echo, address="127.0.0.1", port=0, keystore_entry=entry)
    await server.aclose()


async def test_a_key_that_does_not_fit_its_certificate_is_a_named_fault(entry: Entry) -> None:
    other = Entry(ec.generate_private_key(ec.SECP256R1()), entry.chain)
    with pytest.raises(SettingsError) as caught:
        await serve(echo, address="127.0.0.1", port=0, keystore_entry=other)
    assert [fault.code for fault in caught.value.faults] == ["web-certificate"]


async def test_a_port_in_use_is_a_named_fault(plain: WebServer) -> None:
    with pytest.raises(SettingsError) as caught:
        await serve(echo, address="127.0.0.1", port=plain.port)
    [fault] = caught.value.faults
    assert (fault.code, fault.presented) == ("port-in-use", f"127.0.0.1:{plain.port}")
    assert str(plain.port) in fault.hint


async def test_an_address_of_another_machine_is_a_named_fault() -> None:
    with pytest.raises(SettingsError) as caught:
        await serve(echo, address="192.0.2.1", port=0)
    assert [fault.code for fault in caught.value.faults] == ["address-not-here"]


async def test_an_address_that_the_system_declines_is_a_named_fault() -> None:
    """A link-local address means nothing without its link, or there is no IPv6 here at all."""
    with pytest.raises(SettingsError) as caught:
        await serve(echo, address="fe80::1", port=0)
    assert [fault.code for fault in caught.value.faults] == ["port-not-opened"]


@contextmanager
def without_low_ports() -> Iterator[None]:
    """Take from this thread the right to open ports below 1024, by capset(2), and give it back."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    rights = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, rights) == 0
    had = rights[0]
    rights[0] = had & ~(1 << 10)  # CAP_NET_BIND_SERVICE
    assert libc.capset(header, rights) == 0
    try:
        yield
    finally:
        rights[0] = had
        assert libc.capset(header, rights) == 0


@pytest.mark.skipif(
    not LOW_PORTS.exists() or int(LOW_PORTS.read_text()) < 1024, reason="every port is everybody's"
)
async def test_a_port_that_this_user_may_not_open_is_a_named_fault() -> None:
    with without_low_ports(), pytest.raises(SettingsError) as caught:
        await serve(echo, address="127.0.0.1", port=1023)
    assert [fault.code for fault in caught.value.faults] == ["port-not-allowed"]


async def test_a_port_is_free_again_at_once_after_closing(plain: WebServer) -> None:
    await exchange(plain, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await plain.aclose()
    again = await serve(echo, address="127.0.0.1", port=plain.port)
    assert again.port == plain.port
    await again.aclose()
    await again.aclose()
    with pytest.raises(ConnectionRefusedError), socket.socket() as dialling:
        dialling.connect(("127.0.0.1", plain.port))


async def test_an_answer_under_way_is_finished_before_closing() -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        began.set()
        await may_end.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    server = await serve(slow, address="127.0.0.1", port=0)
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(exchange(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        await began.wait()
        group.create_task(server.aclose())
        may_end.set()
    assert answer.result().startswith(b"HTTP/1.1 204")


async def test_requests_sent_at_once_are_answered_in_their_order(plain: WebServer) -> None:
    one = b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
    two = b"POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await exchange(plain, one + two + last)
    assert [part in answer for part in (b"GET /1 0", b"POST /2 3", b"GET /3 0")] == [True] * 3


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000],
        [b"GET /" + b"a" * 20_000],
        [b"GET / HTTP/1.1\r\n", *[b"X: " + b"a" * 1000 + b"\r\n"] * 20],
    ],
    ids=["one header without end", "a path without end", "headers without end"],
)
async def test_a_head_without_end_is_cut_off(plain: WebServer, pieces: list[bytes]) -> None:
    answer = await exchange(plain, *pieces)
    assert answer == b"" or answer[9:12] in (b"431", b"400")
    assert (await exchange(plain, b"GET / HTTP/1.0\r\n\r\n")).endswith(b"http GET / 0")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: 1\r\n" * 101 + b"\r\n",
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=["too large", "too many headers", "nonsense", "TLS"],
)
async def test_a_head_that_is_too_much_or_no_http_gets_400(plain: WebServer, head: bytes) -> None:
    answer = await exchange(plain, head)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"GET / HTTP/1.1\r\nHost:"],
        [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"],
        [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP"],
    ],
    ids=["nothing", "half a head", "half a body", "half a second head"],
)
async def test_whoever_is_slow_is_cut_off(
    plain: WebServer, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    """Slow requests must not hold connections; the limits are shortened here, nothing is timed."""
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 0.05)
    monkeypatch.setattr(protocol, "REQUEST_TIMEOUT", 0.05)
    # IDLE_TIMEOUT, as the server has it.
    monkeypatch.setattr(plain._server.config, "timeout_keep_alive", 0.05)
    await exchange(plain, *pieces)  # it returns, so the server has closed
    assert not plain._server.server_state.connections


async def long_answer(_scope: dict[str, Any], _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(32 * 1024 * 1024)})


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"], ids=["kept", "closing"])
async def test_whoever_takes_no_answer_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, more: bytes
) -> None:
    """Else one who sends and never reads holds a connection, its memory and its task for ever."""
    monkeypatch.setattr(protocol, "ANSWER_TIMEOUT", 0.05)
    monkeypatch.setattr(protocol, "IDLE_TIMEOUT", 0.05)
    server = await serve(long_answer, address="127.0.0.1", port=0)
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, (server.address, server.port))
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
        await loop.sock_recv(client, 1)
        async with asyncio.timeout(15):
            while server._server.server_state.connections:  # noqa: ASYNC110 - uvicorn's own set
                await asyncio.sleep(0.01)
    await server.aclose()


class HalfAtOnce:
    """Answers /now/… at once and everything else over ASGI, saying which."""

    def at_once(self, method: str, path: str, _headers: Any, address: str) -> Answer | None:
        if not path.startswith("/now/"):
            return None
        return Answer(200, [], f"now {method} {path} {address}".encode())

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await echo(scope, receive, send)


@pytest.fixture
async def half() -> AsyncIterator[WebServer]:
    server = await serve(HalfAtOnce(), address="127.0.0.1", port=0)
    yield server
    await server.aclose()


async def test_answers_at_once_and_others_keep_their_order_on_one_connection(
    half: WebServer,
) -> None:
    asked = b"".join(
        b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path
        for path in (b"/now/1", b"/2", b"/now/3", b"/4", b"/now/5?q#f")
    )
    last = b"GET /now/6 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = (await exchange(half, asked + last)).decode()
    assert re.findall(r"GET /(?:now/)?(\d)", answer) == ["1", "2", "3", "4", "5", "6"]
    assert answer.count("HTTP/1.1 200 OK\r\n") == 6
    assert "now GET /now/1 127.0.0.1" in answer


@pytest.mark.parametrize(
    ("request_bytes", "ending"),
    [
        (b"GET /now/a HTTP/1.0\r\n\r\n", b"now GET /now/a 127.0.0.1"),
        (b"HEAD /now/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"\r\n\r\n"),
        (
            b"POST /now/a HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde",
            b"now POST /now/a 127.0.0.1",
        ),
    ],
    ids=["HTTP/1.0", "HEAD", "with a body that nobody reads"],
)
async def test_an_answer_at_once_is_whole_and_closes_when_told(
    half: WebServer, request_bytes: bytes, ending: bytes
) -> None:
    answer = await exchange(half, request_bytes)
    head, _blank, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
    assert b"connection: close" in head
    assert answer.endswith(ending)
    if request_bytes.startswith(b"HEAD"):
        assert body == b""


async def test_a_body_after_an_answer_at_once_does_not_become_a_request(half: WebServer) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await exchange(
        half,
        b"POST /now/a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(smuggled) + smuggled,
        b"GET /now/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    assert b"smuggled" not in answer
    assert answer.count(b"HTTP/1.1 200") == 2


async def test_a_percent_encoded_path_takes_the_long_way(half: WebServer) -> None:
    answer = await exchange(half, b"GET /n%6fw/a HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"http GET /now/a 0")
