"""Strangers as independent judges: what nobody gets out of our port, and whom we do not wait for.

What each cause looks like to openssl, curl and Java, on both sides, is in ``foreign``.
"""

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from sottovoce.errors import ChannelError
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import Limits, Outcome
from sottovoce.testing import Party, ThrowAwayAuthority, listening

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command here")


@pytest.fixture(scope="module")
def files(
    tmp_path_factory: pytest.TempPathFactory,
    authority: ThrowAwayAuthority,
    stranger: ThrowAwayAuthority,
    independent_ca: trustme.CA,
    world: SimpleNamespace,
) -> SimpleNamespace:
    """Certificates and keys as files for the judges' commands."""
    folder = tmp_path_factory.mktemp("judges")

    def pem(name: str, identity: PrivateKeyEntry) -> Path:
        path = folder / f"{name}.pem"
        key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = b"".join(cert.public_bytes(Encoding.PEM) for cert in identity.chain)
        path.write_bytes(key + chain)
        return path

    root = folder / "root.pem"
    root.write_bytes(authority.root.public_bytes(Encoding.PEM))
    independent = folder / "independent.pem"
    leaf = independent_ca.issue_cert("lui.test")
    independent.write_bytes(
        leaf.private_key_pem.bytes() + b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    )
    return SimpleNamespace(
        folder=folder,
        root=root,
        lui=pem("lui", world.lui.identity),
        foreign_hub=pem("foreign-hub", world.hub_foreign.identity),
        independent=independent,
    )


async def run(*command: str | Path, stdin: bytes = b"") -> tuple[int, str]:
    """Run a judge; return its status and all that it says."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(stdin)
    return process.returncode or 0, said.decode("utf-8", "replace")


@pytest.fixture
def hub(world: SimpleNamespace) -> Party:
    return Party("hub.test", world.hub)


def s_client(port: int, *options: str | Path) -> list[str | Path]:
    return ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof", *options]


@needs_openssl
async def test_a_stranger_gets_an_alert_and_not_one_byte_more(
    hub: Party, files: SimpleNamespace
) -> None:
    """DESIGN §4: strict first."""
    async with listening(hub) as port:
        _, said = await run(*s_client(port.port, "-cert", files.independent, "-msg"))
        record = await hub.logged(Outcome.REFUSED)
    assert "tlsv1 alert unknown ca" in said
    assert (record.code, record.told) == ("issuer-unknown", ("alert unknown_ca",))
    assert "sottovoce" not in said.lower().replace("/sottovoce", "")
    assert "<<< TLS 1.3, ApplicationData" not in said


@needs_openssl
async def test_openssl_with_a_good_certificate_hears_our_greeting_first(
    hub: Party, files: SimpleNamespace
) -> None:
    """The accepting side speaks first; without a Hello nothing else is said."""
    hub.limits = replace(hub.limits, greeting=0.2)
    async with listening(hub) as port:
        _, said = await run(*s_client(port.port, "-cert", files.lui, "-CAfile", files.root))
        record = await hub.logged(Outcome.REFUSED)
    assert "Verify return code: 0 (ok)" in said
    assert "hub.test" in said
    assert (record.code, record.phase) == ("phase-timeout", "greeting")


@needs_openssl
async def test_openssl_cannot_resume_a_session(
    hub: Party, files: SimpleNamespace, tmp_path: Path
) -> None:
    """R2: -sess_out, then -sess_in; a resumed session would escape revocation."""
    kept = tmp_path / "session"
    hub.limits = replace(hub.limits, greeting=0.2)
    async with listening(hub) as port:
        client = s_client(port.port, "-cert", files.lui, "-CAfile", files.root)
        _, first = await run(*client, "-sess_out", kept)
        _, second = await run(*client, "-sess_in", kept)
        _, early = await run(*client, "-sess_in", kept, "-early_data", files.root)
    assert kept.stat().st_size > 0
    assert "New, TLSv1.3" in first
    for said in (second, early):
        assert "Reused" not in said
        assert "New, TLSv1.3" in said
    assert "Early data was accepted" not in early


@needs_openssl
async def test_renegotiation_and_key_updates_open_nothing(
    hub: Party, files: SimpleNamespace
) -> None:
    async with listening(hub) as port:
        client = s_client(port.port, "-cert", files.lui, "-CAfile", files.root)
        # Without -ign_eof the letters are commands: K asks for a key update, R to renegotiate.
        _, said = await run(*[word for word in client if word != "-ign_eof"], stdin=b"K\nR\nQ\n")
        record = await hub.logged(Outcome.REFUSED)
    assert "KEYUPDATE" in said
    assert record.code in {"closed-early", "protocol-error"}
    assert not hub.of(Outcome.ACCEPTED)


# Our dialer against servers of others.


@asynccontextmanager
async def judge_server(*command: str | Path, port: int) -> AsyncIterator[None]:
    """A server of somebody else's, until the end of the test."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        while True:  # until it listens; the test's own time limit bounds it
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                assert process.returncode is None, "the judge's server did not start"
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            break
        yield
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def dialled(world: SimpleNamespace, quick: Limits, port: int) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await Party("lui.test", world.lui, limits=quick).connect(port)
    return caught.value


async def test_python_s_own_http_server(
    world: SimpleNamespace, quick: Limits, free_port: int
) -> None:
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(free_port)]
    async with judge_server(*command, port=free_port):
        error = await dialled(world, replace(quick, handshake=10.0), free_port)
    assert error.code == "foreign-service"
    assert error.faults[0].presented.lstrip().startswith("<!DOCTYPE HTML")


@needs_openssl
async def test_a_foreign_server_is_not_waited_for_on_the_why_path(
    world: SimpleNamespace, quick: Limits, files: SimpleNamespace, free_port: int
) -> None:
    """It completes the handshake of that path and never answers: its ALPN tells so at once."""
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{free_port}", "-cert"]
    async with judge_server(*command, files.foreign_hub, port=free_port), asyncio.timeout(30):
        error = await dialled(world, replace(quick, handshake=600.0), free_port)
    assert error.code == "issuer-unknown"
