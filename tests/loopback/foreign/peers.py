"""The foreign programs: openssl and curl, a process for each case; Java, one process for all.

What each printed comes back as text. Nothing is asserted here.
"""

import asyncio
import queue
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "java" / "ForeignPeer.java"

_NO_PATH = "unable to find valid certification path to requested target"
_NO_ISSUER = "unable to get local issuer certificate"
#: What OpenSSL (and so curl), and what Java finds wrong with a certificate; by our code for it.
SAID = {
    "no-certificate": ("peer did not return a certificate", "Empty client certificate chain"),
    "self-signed": ("self-signed certificate", _NO_PATH),
    "root-untrusted": ("self-signed certificate in certificate chain", _NO_PATH),
    "intermediate-missing": (_NO_ISSUER, _NO_PATH),
    "issuer-unknown": (_NO_ISSUER, _NO_PATH),
    "signature-mismatch": (_NO_ISSUER, "Path does not chain with any of the trust anchors"),
    "not-a-ca": ("invalid CA certificate", "keyCertSign bit is not set"),
    "path-too-long": ("path length constraint exceeded", "pathLenConstraint violated"),
    "name-constraint": ("permitted subtree violation", "name constraints check failed"),
    "certificate-expired": ("certificate has expired", "CertificateExpiredException: NotAfter:"),
    "issuer-expired": ("certificate has expired", "CertificateExpiredException: NotAfter:"),
    "not-yet-valid": ("certificate is not yet valid", "CertificateNotYetValidException"),
    "issuer-not-yet-valid": ("certificate is not yet valid", "CertificateNotYetValidException"),
    "purpose-server-missing": (
        "unsuitable certificate purpose",
        "Extended key usage does not permit use for TLS server authentication",
    ),
    "purpose-client-missing": (
        "unsuitable certificate purpose",
        "Extended key usage does not permit use for TLS client authentication",
    ),
    "key-usage": ("unsuitable certificate purpose", "KeyUsage does not allow digital signatures"),
    "unknown-critical-extension": ("unhandled critical extension", "unrecognized critical ext"),
    "weak-signature": ("CA signature digest algorithm too weak", ""),
    "weak-key": ("EE certificate key too weak", ""),
    "revoked": ("certificate revoked", "Certificate has been revoked"),
    "revocation-unknown": ("unable to get certificate CRL", "Could not determine revocation"),
    "revocation-list-expired": ("CRL has expired", "Could not determine revocation status"),
}


async def run(*command: str | Path, stdin: bytes = b"") -> str:
    """Run a program to its end; return all that it prints."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(stdin)
    return said.decode("utf-8", "replace")


async def s_client(port: int, *options: str | Path) -> str:
    """Call with openssl; it stays until the other side closes."""
    return await run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof", *options)


async def curl(url: str, *options: str | Path) -> str:
    """Call with curl."""
    return await run("curl", "-sS", "--max-time", "20", *options, url)


@dataclass
class Printing:
    """A server of somebody else's: its port, and at its end what it printed."""

    port: int
    said: str = ""


@asynccontextmanager
async def s_server(*options: str | Path) -> AsyncIterator[Printing]:
    """Listen with openssl on a port of its choice until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *("openssl", "s_server", "-accept", "127.0.0.1:0"),
        *map(str, options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    heard = b""
    while not heard.startswith(b"ACCEPT") and b"\nACCEPT" not in heard:
        line = await process.stdout.readline()
        assert line, heard
        heard += line
    printing = Printing(int(heard.split(b"ACCEPT ")[-1].rpartition(b":")[2]))
    try:
        yield printing
    finally:
        process.terminate()
        rest, _ = await process.communicate()
        printing.said = (heard + rest).decode("utf-8", "replace")


@dataclass
class JavaCase:
    """One case under way in the Java process."""

    port: int = 0
    _words: "queue.Queue[tuple[str, str]]" = field(default_factory=queue.Queue)

    async def next(self) -> tuple[str, str]:
        return await asyncio.to_thread(self._words.get, timeout=30)

    async def said(self) -> str:
        """Return what a Java program would print about it."""
        what, text = await self.next()
        assert what == "said", (what, text)
        return text

    def put(self, what: str, text: str) -> None:
        self._words.put((what, text))


class Java:
    """One virtual machine that serves all cases (``ForeignPeer.java``, compiled as it starts)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", str(SOURCE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._cases: dict[str, JavaCase] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, what, text = line.rstrip("\n").split("\t", 2)
            self._cases[name].put(what, text.replace("\\n", "\n").replace("\\r", "\r"))

    def _begin(self, act: str, wanted: dict[str, str | Path | int]) -> JavaCase:
        case, name = JavaCase(), str(len(self._cases))
        self._cases[name] = case
        fields = "\t".join(f"{key}={value}" for key, value in wanted.items())
        line = f"id={name}\tact={act}\t{fields}".replace("\r", "\\r").replace("\n", "\\n")
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return case

    async def call(self, **wanted: str | Path | int) -> str:
        """Call; return what is printed about it."""
        return await self._begin("call", wanted).said()

    async def listen(self, **wanted: str | Path | int) -> JavaCase:
        """Listen for one connection."""
        case = self._begin("listen", wanted)
        what, text = await case.next()
        assert what == "listening", (what, text)
        case.port = int(text)
        return case

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
