"""Rows X: versions, ciphers, keys, purposes."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.conformance.chains.forge import usage
from tests.loopback.matrix.rows import Row, Seen
from tests.loopback.matrix.stage import HUB, LUI, Stage, calls, channel, words

from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import Outcome
from sottovoce.testing import Party, listening

__all__ = ["ROWS"]

SERVER_ONLY = [ExtendedKeyUsageOID.SERVER_AUTH]
CLIENT_ONLY = [ExtendedKeyUsageOID.CLIENT_AUTH]


def _by_hub(code: str, alert: str, cause: str, says: Sequence[str] = (), **odd: Any) -> Row:
    """HUB refuses LUI's certificate for what is odd about it."""
    row = odd.pop("row")

    def lui(at: Stage) -> Any:
        return at.lui(at.odd(LUI, **{key: _of(value, at) for key, value in odd.items()}))

    return Row(
        id=row,
        cause=f"{cause} (LUI)",
        made=channel(lui=lui),
        accepting=(code,),
        calling=code,
        told=(f"alert {alert}", code),
        says=tuple(says),
    )


def _by_lui(code: str, alert: str, cause: str, says: Sequence[str] = (), **odd: Any) -> Row:
    """LUI refuses HUB's certificate for what is odd about it."""
    row = odd.pop("row")

    def hub(at: Stage) -> Any:
        return at.hub(at.odd(HUB, **{key: _of(value, at) for key, value in odd.items()}))

    return Row(
        id=row,
        cause=f"{cause} (HUB)",
        made=channel(hub=hub),
        accepting=(code, code),
        calling=code,
        told=(f"alert {alert}", code),
        says=tuple(says),
    )


def _of(value: Any, at: Stage) -> Any:
    return value(at) if callable(value) else value


def _rsa(at: Stage, name: str) -> PrivateKeyEntry:
    """What OpenSSL loads, and keeps where the weak one goes afterwards."""
    return at.odd(name, key=at.forge.key("rsa2048"))


def _weak_key(at: Stage, name: str) -> PrivateKeyEntry:
    return at.odd(name, key=at.forge.key("rsa1024"))


def _with_weak_key(party: Party, weak: PrivateKeyEntry) -> Party:
    """Let a server show a key that its own OpenSSL would refuse to load."""
    assert party.generation is not None
    for context in (party.generation.accepting, party.generation.calling):
        context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
        context.use_certificate(weak.certificate)  # first: it makes OpenSSL forget the other key
        context.use_privatekey(weak.key)  # type: ignore[arg-type]
    return party


def _odd_suites(at: Stage) -> Party:
    """A caller with a cipher suite that OpenSSL has and does not offer by itself."""
    lui = at.lui()
    assert lui.generation is not None
    lui.generation.calling.set_tls13_ciphersuites(b"TLS_AES_128_CCM_SHA256")
    return lui


def _old_client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


async def _old_caller(stage: Stage) -> Seen:
    hub = stage.hub()
    async with listening(hub) as listener:
        try:
            await asyncio.open_connection("127.0.0.1", listener.port, ssl=_old_client())
        except ssl.SSLError as error:
            heard = str(error)
        refusal = await hub.logged(Outcome.REFUSED)
    assert "alert protocol version" in heard
    return Seen(
        accepting=(refusal.code,),
        told=refusal.told,
        faults=refusal.faults[:1],
        text=words(refusal.faults),
    )


async def _old_server(stage: Stage) -> Seen:
    """A server that speaks TLS 1.2 at most."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(await asyncio.to_thread(stage.pem, stage.issue(HUB)))

    def serve() -> None:
        for _ in range(2):  # the second time it is asked why
            plain, _address = listener.accept()
            with plain, suppress(OSError):
                context.wrap_socket(plain, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.to_thread(serve)
        seen, _ = await asyncio.gather(calls(stage.lui(), listener.getsockname()[1]), serving)
    return seen


async def _resuming(stage: Stage) -> Seen:
    """A caller that was good, and is revoked by the time when it wants to resume its session."""
    good = stage.issue(LUI)
    pem = await asyncio.to_thread(stage.pem, good)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(pem)
    revoking = stage.hub(crls=stage.crl(good))
    async with listening(stage.hub()) as first, listening(revoking) as second:
        session, _ = await asyncio.to_thread(_visit, context, first.port, None)
        assert session is not None
        _, reused = await asyncio.to_thread(_visit, context, second.port, session)
        refusal = await revoking.logged(Outcome.REFUSED)
    assert not reused, "a resumed session is not verified"
    return Seen(
        accepting=(refusal.code,),
        told=refusal.told,
        faults=refusal.faults[:1],
        text=words(refusal.faults),
    )


def _visit(
    context: ssl.SSLContext, port: int, session: ssl.SSLSession | None
) -> tuple[ssl.SSLSession | None, bool | None]:
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, session=session) as secured,
    ):
        with suppress(ssl.SSLError):
            secured.recv(1)
        return secured.session, secured.session_reused


ROWS = (
    Row(
        id="R2",
        cause="a revoked caller wants to resume its session",
        made=_resuming,
        accepting=("revoked",),
        told=("alert certificate_revoked",),
        says=("no reason given",),
    ),
    Row(
        id="X1",
        cause="a caller that speaks TLS 1.2",
        made=_old_caller,
        accepting=("protocol-version",),
        told=("alert protocol_version",),
        says=("offers TLS 1.2, and this server speaks TLS 1.3 only",),
    ),
    Row(
        id="X1",
        cause="a server that speaks TLS 1.2",
        made=_old_server,
        calling="protocol-version",
        says=("protocol_version",),
    ),
    Row(
        id="X2",
        cause="a caller with another cipher suite",
        made=channel(lui=_odd_suites, linked=False),
        accepting=("no-common-cipher",),
        calling="no-common-cipher",
        told=("alert handshake_failure",),
        says=("no shared cipher",),
    ),
    Row(
        id="X4",
        cause="1024 bits (LUI)",
        made=channel(lui=lambda at: _with_weak_key(at.lui(_rsa(at, LUI)), _weak_key(at, LUI))),
        accepting=("weak-key",),
        calling="weak-key",
        told=("alert bad_certificate", "weak-key"),
        says=("1024",),
    ),
    Row(
        id="X4",
        cause="1024 bits (HUB)",
        made=channel(hub=lambda at: _with_weak_key(at.hub(_rsa(at, HUB)), _weak_key(at, HUB))),
        accepting=("refused-by-peer", "weak-key"),
        calling="weak-key",
        told=("alert bad_certificate", "weak-key"),
        says=("1024",),
    ),
    _by_hub(
        "weak-signature", "bad_certificate", "signed with SHA-1", row="X5", digest=hashes.SHA1()
    ),
    _by_lui(
        "weak-signature", "bad_certificate", "signed with SHA-1", row="X5", digest=hashes.SHA1()
    ),
    _by_lui(
        "purpose-server-missing",
        "unsupported_certificate",
        "for clients only",
        says=("serverAuth", "clientAuth"),
        row="X6",
        purposes=CLIENT_ONLY,
    ),
    _by_hub(
        "purpose-client-missing",
        "unsupported_certificate",
        "for servers only",
        says=("serverAuth", "clientAuth"),
        row="X7",
        purposes=SERVER_ONLY,
    ),
    _by_hub(
        "key-usage",
        "unsupported_certificate",
        "no digital signature",
        row="X8",
        usage=usage("key_encipherment"),
    ),
    Row(
        id="X8",
        cause="no digital signature (HUB), which OpenSSL lets pass",
        made=channel(hub=lambda at: at.hub(at.odd(HUB, usage=usage("key_encipherment")))),
        accepting=("key-usage",),
        calling="key-usage",
        told=("key-usage",),
        says=("digitalSignature",),
    ),
)
