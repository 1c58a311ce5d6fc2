"""The entry points that stay put (DESIGN §9), as other programs use them: checked, never executed.

What this file promises to callers is the types; mypy reads it with everything else.
"""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import assert_type

from cryptography import x509

from sottovoce.diagnosis import Diagnosis, explain
from sottovoce.errors import (
    ChannelError,
    Fault,
    FormatError,
    IniSyntaxError,
    KeystoreError,
    SottovoceError,
)
from sottovoce.ini import Document, Secret, parse
from sottovoce.keystore import (
    Keystore,
    PrivateKeyEntry,
    TrustedCertificateEntry,
    dumps,
    loads,
)
from sottovoce.net import Channel, Destination, Endpoint, Listener, Offer, connect, listen
from sottovoce.pki import ChainVerdict, Purpose, verify
from sottovoce.policy import Component, PeerIdentity
from sottovoce.tls import Evidence, TrustGeneration, Verdict
from sottovoce.tls.gate import judge


def ini_files(data: bytes) -> None:
    document = parse(data)
    assert_type(document, Document)
    for key, value in document.items():
        assert_type(key, str)
        assert_type(value, str)
    assert_type(document.faults, tuple[Fault, ...])


def keystores(data: bytes, word: str, secret: Secret) -> bytes:
    store = loads(data, word)
    assert_type(store, Keystore)
    loads(data, secret)
    loads(data, None)
    for alias, entry in store.entries.items():
        assert_type(alias, str)
        if isinstance(entry, TrustedCertificateEntry):
            assert_type(entry.certificate, x509.Certificate)
        if isinstance(entry, PrivateKeyEntry):
            chain: Sequence[x509.Certificate] = entry.chain
            assert chain
    assert_type(store.key_entry(), PrivateKeyEntry)
    assert_type(store.key_entry("server", password=secret), PrivateKeyEntry)
    return dumps(store, word, format="pkcs12")


def chains(
    chain: list[x509.Certificate],
    roots: list[x509.Certificate],
    lists: list[x509.CertificateRevocationList],
    at: datetime,
) -> None:
    name: str | IPv4Address | IPv6Address | None
    for name in ("hub.example.org", IPv4Address("192.0.2.1"), None):
        verdict = verify(chain, roots=roots, purpose=Purpose.SERVER, name=name, at=at, crls=lists)
        assert_type(verdict, ChainVerdict)
        assert_type(verdict.valid, bool)
        for fault in verdict.faults:
            assert_type(fault.code, str)
            assert_type(fault.depth, int | None)
            assert_type(fault.expected, str)
            assert_type(fault.presented, str)
    verify(chain, roots=roots, purpose=Purpose.CLIENT, name=None, at=at)


def gate(evidence: Evidence, generation: TrustGeneration) -> None:
    verdict = judge(evidence, generation)
    assert_type(verdict, Verdict)
    assert_type(verdict.accepted, bool)
    assert_type(verdict.identity, PeerIdentity | None)
    assert_type(verdict.codes, tuple[str, ...])


def explanations(text: str) -> None:
    found = explain(text)
    assert_type(found, list[Diagnosis])
    explain(text, {"side": "caller"})
    assert_type(found[0].next_step, str)


async def channels(endpoint: Endpoint, offer: Offer, destination: Destination) -> None:
    def on_error(name: str, error: BaseException) -> None:
        raise RuntimeError(name) from error

    listener = await listen(
        endpoint, address="127.0.0.1", port=1099, offers=[offer], on_error=on_error
    )
    assert_type(listener, Listener)
    try:
        channel = await connect(endpoint, destination, component=Component.LUI)
    except ChannelError as error:
        assert_type(error.faults, tuple[Fault, ...])
        assert_type(error.connection_id, str)
    else:
        assert_type(channel, Channel)
    await listener.aclose()


def errors(error: SottovoceError) -> str:
    if isinstance(error, IniSyntaxError):
        assert_type(error.faults, tuple[Fault, ...])
    if isinstance(error, FormatError):
        value_error: ValueError = error
        raise value_error
    if isinstance(error, KeystoreError):
        assert_type(error.hint, str)
    return error.code
