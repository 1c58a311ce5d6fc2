"""Strangers as independent judges: openssl, curl and Java at our port, our dialer at theirs.

What each sees, what our log says, and that nothing of ours is said before authorisation.
"""

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from sottovoce.errors import ChannelError
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import Limits, Outcome
from sottovoce.testing import Party, ThrowAwayAuthority, listening

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command here")
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="no curl command here")
needs_java = pytest.mark.skipif(not shutil.which("javac"), reason="no JDK here")

JAVA = Path(__file__).with_name("java") / "TlsJudge.java"


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

    def p12(name: str, identity: PrivateKeyEntry) -> Path:
        path = folder / f"{name}.p12"
        key: Any = identity.key
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"own",
                key,
                identity.chain[0],
                identity.chain[1:],
                BestAvailableEncryption(b"changeit"),
            )
        )
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
        hub=pem("hub", world.hub.identity),
        foreign=pem("foreign", world.lui_foreign.identity),
        foreign_hub=pem("foreign-hub", world.hub_foreign.identity),
        independent=independent,
        lui_p12=p12("lui", world.lui.identity),
        hub_p12=p12("hub", world.hub.identity),
        foreign_p12=p12("foreign", world.lui_foreign.identity),
    )


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of the Java judge, compiled once."""
    folder = tmp_path_factory.mktemp("java")
    subprocess.run(["javac", "-d", folder, JAVA], check=True)
    return ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", str(folder), "TlsJudge"]


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
@pytest.mark.parametrize(
    ("options", "alert", "code"),
    [
        ([], "tlsv13 alert certificate required", "no-certificate"),
        (["-cert", "foreign"], "tlsv1 alert unknown ca", "issuer-unknown"),
        (
            ["-cert", "foreign", "-cert_chain", "foreign"],
            "tlsv1 alert unknown ca",
            "root-untrusted",
        ),
        (["-cert", "independent"], "tlsv1 alert unknown ca", "issuer-unknown"),
        (["-tls1_2"], "tlsv1 alert protocol version", "protocol-version"),
        (["-tls1_2", "-cert", "lui"], "tlsv1 alert protocol version", "protocol-version"),
        (["-alpn", "h2,http/1.1"], "tlsv13 alert certificate required", "no-certificate"),
    ],
)
async def test_openssl_sees_the_alert_and_our_log_the_cause(
    options: list[str], alert: str, code: str, hub: Party, files: SimpleNamespace
) -> None:
    named = [getattr(files, option, option) for option in options]
    async with listening(hub) as port:
        _, said = await run(*s_client(port.port, *named, "-msg"), stdin=b"hello\n")
        record = await hub.logged(Outcome.REFUSED)
    assert alert in said
    assert record.code == code
    assert record.told[0].startswith("alert ")
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


@needs_curl
@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        (["-k", "https://127.0.0.1:{port}/"], "certificate required", "no-certificate"),
        (["-k", "--cert", "foreign", "https://127.0.0.1:{port}/"], "unknown ca", "root-untrusted"),
        (["-k", "--tls-max", "1.2", "https://127.0.0.1:{port}/"], "protocol", "protocol-version"),
        (["http://127.0.0.1:{port}/"], "only over mutual TLS", "http-peer"),
        (["--http2-prior-knowledge", "http://127.0.0.1:{port}/"], "", "http-peer"),
    ],
)  # fmt: skip
async def test_curl_sees_the_alert_or_one_readable_line(
    options: list[str], said: str, code: str, hub: Party, files: SimpleNamespace
) -> None:
    """Catalogue P1: HTTP gets an answer that a browser shows."""
    async with listening(hub) as port:
        words = [getattr(files, word, word) for word in options]
        words = [str(word).format(port=port.port) for word in words]
        _, heard = await run("curl", "-sS", "--max-time", "10", *words)
        record = await hub.logged(Outcome.REFUSED)
    assert said in heard
    assert record.code == code


@needs_curl
async def test_curl_with_a_good_certificate_is_refused_for_what_it_says(
    hub: Party, files: SimpleNamespace
) -> None:
    """HTTP inside our TLS is no conversation of ours."""
    async with listening(hub) as port:
        await run(
            *("curl", "-sS", "--max-time", "10", "--cacert", files.root, "--cert", files.lui),
            *("--resolve", f"hub.test:{port.port}:127.0.0.1", f"https://hub.test:{port.port}/"),
        )
        record = await hub.logged(Outcome.REFUSED)
    assert record.code == "protocol-error"
    assert record.names == ("lui.test",)


@pytest.mark.jdk
@pytest.mark.slow
@needs_java
@pytest.mark.parametrize(
    ("store", "sees", "code"),
    [
        ("none", "certificate_required", "no-certificate"),
        ("foreign_p12", "unknown_ca", "root-untrusted"),
        ("lui_p12", "read ", "closed-early"),
    ],
)
async def test_java_sees_the_alert_and_our_log_the_cause(
    store: str, sees: str, code: str, hub: Party, files: SimpleNamespace, java: list[str]
) -> None:
    """T3: no CA is asked for by name, so Java offers what it has, and the reason can be told."""
    async with listening(hub) as port:
        path = getattr(files, store, "none")
        _, said = await run(*java, "client", str(port.port), path)
        record = await hub.logged(Outcome.REFUSED)
    assert sees in said
    assert record.code == code, record.faults


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


@needs_openssl
@pytest.mark.parametrize(
    ("options", "code", "first"),
    [
        (["-cert", "hub"], "phase-timeout", "phase-timeout"),
        (["-cert", "foreign_hub"], "issuer-unknown", "issuer-unknown"),
        (["-cert", "lui"], "phase-timeout", "phase-timeout"),
        (["-cert", "hub", "-tls1_2"], "refused-by-peer", "refused-by-peer"),
        (["-cert", "hub", "-Verify", "1", "-verify_return_error", "-CAfile", "independent"],
         "refused-by-peer", "refused-by-peer"),
        (["-cert", "hub", "-www"], "phase-timeout", "phase-timeout"),
    ],
)  # fmt: skip
async def test_openssl_as_the_server(
    options: list[str],
    code: str,
    first: str,
    world: SimpleNamespace,
    quick: Limits,
    files: SimpleNamespace,
    free_port: int,
) -> None:
    named = [getattr(files, option, option) for option in options]
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{free_port}", "-naccept", "99"]
    seconds = 0.2 if code == "phase-timeout" else 10.0
    limits = replace(quick, handshake=10.0, greeting=seconds)
    async with judge_server(*command, *named, port=free_port):
        error = await dialled(world, limits, free_port)
    assert (error.code, error.faults[0].code) == (code, first)


async def test_python_s_own_http_server(
    world: SimpleNamespace, quick: Limits, free_port: int
) -> None:
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(free_port)]
    async with judge_server(*command, port=free_port):
        error = await dialled(world, replace(quick, handshake=10.0), free_port)
    assert error.code == "foreign-service"
    assert error.faults[0].presented.lstrip().startswith("<!DOCTYPE HTML")


@pytest.mark.jdk
@pytest.mark.slow
@needs_java
async def test_java_as_the_server(
    world: SimpleNamespace,
    quick: Limits,
    files: SimpleNamespace,
    free_port: int,
    java: list[str],
) -> None:
    """Java trusts only its own roots and refuses our certificate: we say that it was the peer."""
    command = [*java, "server", str(free_port), files.hub_p12]
    async with judge_server(*command, port=free_port):
        error = await dialled(world, replace(quick, handshake=10.0, greeting=10.0), free_port)
    assert error.code == "refused-by-peer"
    assert error.faults[0].presented == "certificate_unknown"
