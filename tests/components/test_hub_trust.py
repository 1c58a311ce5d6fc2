"""HUB gives out whom to trust, and renews certificates for their bearers and for nobody else."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import LogCapture

from sottovoce.contracts import (
    RENEW,
    Caller,
    Heartbeat,
    HubHello,
    RenewalRequest,
    Status,
    TrustSince,
)
from sottovoce.errors import CallRefused
from sottovoce.hub import HubApp, HubSettings, bundle_of, create_home, new_set_up_code
from sottovoce.hub.authority import (
    AuthorityFolder,
    Issuer,
    OpenRoot,
    create_issuing,
    create_root,
)
from sottovoce.ini import Secret
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import utc_now
from sottovoce.pki import (
    KeyAlgorithm,
    PrivateKey,
    dns_names,
    fingerprint,
    generate_key,
    make_request,
    parse_name,
    uri_names,
)
from sottovoce.policy import AllowedClients, Component
from sottovoce.tls import Trust, TrustGeneration

SETTINGS = HubSettings(
    lui_host="lui.test",
    tracker_host="trk.test",
    certificate_lifetime=timedelta(days=9).total_seconds(),
)


def request_for(key: PrivateKey, *names: str) -> x509.CertificateSigningRequest:
    return make_request(key, subject=parse_name("CN=whatever"), names=names)


@dataclass
class Hub:
    """A HUB that holds the issuing authority, and LUI's first certificate of it."""

    app: HubApp
    issuer: Issuer
    trust: Trust
    log: LogCapture
    key: PrivateKey
    chain: tuple[x509.Certificate, ...]

    def caller(self, *, prints: str = "", component: Component = Component.LUI) -> Caller:
        return Caller(
            component=component,
            server=f"{component}.test",
            secured=True,
            fingerprint=prints or fingerprint(self.chain[0]),
            connection_id="c1",
        )

    def generation(self, number: int) -> TrustGeneration:
        return generation_of(self.issuer, utc_now(), number)


def generation_of(issuer: Issuer, now: datetime, number: int) -> TrustGeneration:
    key = generate_key(KeyAlgorithm.EC_P256)
    chain = issuer.sign(
        request_for(key), names=["hub.test"], roles=[Component.HUB.role_uri], now=now
    )
    return TrustGeneration.make(
        number=number,
        own_name="hub.test",
        identity=PrivateKeyEntry(key, chain),
        roots=issuer.roots,
        allowed=AllowedClients(("hub.test", "lui.test", "trk.test")),
        crls=issuer.revocation_lists(now),
    )


def built(folder: Path) -> tuple[Issuer, TrustGeneration]:
    now, password = utc_now(), Secret("a root's own password")
    root = AuthorityFolder(folder / "root")
    create_root(root, "Test Root", password=password, now=now)
    home = folder / "home"
    names = ["hub.test", "lui.test", "trk.test"]
    issuer = create_issuing(OpenRoot(root, password), home, names, now=now)
    return issuer, generation_of(issuer, now, 1)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    home, logged = tmp_path / "home", LogCapture()
    await asyncio.to_thread(home.mkdir)
    await create_home(home, set_up_code=new_set_up_code(secrets.token_bytes), now=utc_now())
    issuer, generation = await asyncio.to_thread(built, tmp_path)
    trust = Trust(generation)
    log = structlog.wrap_logger(None, processors=[logged])
    app = await HubApp.open(
        home, SETTINGS, own_name="hub.test", trust=trust, clock=utc_now, log=log
    )
    key = generate_key(KeyAlgorithm.EC_P256)
    chain = await asyncio.to_thread(
        issuer.sign,
        request_for(key),
        names=["lui.test"],
        roles=[Component.LUI.role_uri],
        now=utc_now(),
    )
    yield Hub(app, issuer, trust, logged, key, chain)
    await app.aclose()


async def test_a_heartbeat_tells_the_revision_of_what_hub_has_in_force(hub: Hub) -> None:
    lui, now = hub.app.calls(hub.caller()), utc_now()
    await lui.hello(
        HubHello(instance="i", version="1", started=now, listens=(), secured=True, now=now)
    )
    beat = Heartbeat(instance="i", status=Status())
    first = await lui.heartbeat(beat)
    bundle = await lui.trust(TrustSince())
    repeated = await lui.trust(TrustSince(rev=bundle.rev))
    hub.trust.current = await asyncio.to_thread(hub.generation, 2)
    second = await lui.heartbeat(beat)

    assert hub.trust.current is not None
    assert first.trust_rev == bundle.rev != ""
    assert bundle.roots == tuple(root.public_bytes(Encoding.DER) for root in hub.issuer.roots)
    assert len(bundle.crls) == 2
    assert bundle.allowed == ("hub.test", "lui.test", "trk.test")
    assert (repeated.rev, repeated.roots) == (bundle.rev, ())
    assert second.trust_rev == bundle_of(hub.trust.current).rev


async def test_the_bearer_gets_the_same_names_and_roles_for_a_new_key(hub: Hub) -> None:
    key = generate_key(KeyAlgorithm.EC_P256)
    request = request_for(key, "hub.test").public_bytes(Encoding.DER)
    renewed = await hub.app.calls(hub.caller()).renew(RenewalRequest(request=request))

    leaf, *above = [x509.load_der_x509_certificate(data) for data in renewed.chain]
    assert leaf.public_key() == key.public_key()
    assert dns_names(leaf) == ("lui.test",)
    assert uri_names(leaf) == (Component.LUI.role_uri,)
    assert timedelta(days=8) < leaf.not_valid_after_utc - utc_now() <= timedelta(days=9)
    assert tuple(above) == hub.chain[1:]
    assert [line["action"] for line in hub.log.entries] == ["certificate-renewed"]


@pytest.mark.parametrize("why", ["same key", "no proof", "unknown", "revoked", "garbage", "plain"])
async def test_nobody_else_gets_a_certificate(hub: Hub, why: str) -> None:
    request = request_for(generate_key(KeyAlgorithm.EC_P256), "lui.test").public_bytes(Encoding.DER)
    caller, words = hub.caller(), ""
    match why:
        case "same key":
            request, words = request_for(hub.key).public_bytes(Encoding.DER), "key"
        case "no proof":
            request, words = request[:-1] + bytes([request[-1] ^ 1]), "possession"
        case "unknown":
            caller, words = hub.caller(prints="AA:BB"), "not issued here"
        case "revoked":
            await asyncio.to_thread(
                hub.issuer.revoke,
                hub.chain[0].serial_number,
                x509.ReasonFlags.key_compromise,
                utc_now(),
            )
            words = "revoked"
        case "garbage":
            request, words = b"\x30\x03\x02\x01\x01", "request"
        case "plain":
            caller = Caller(component=Component.LUI, server="lui.test", secured=False)
            words = "renews no certificates"
    issued = len(hub.issuer.certificates())

    with pytest.raises(CallRefused) as caught:
        await hub.app.calls(caller).renew(RenewalRequest(request=request))

    assert caught.value.code == "renewal-refused"
    assert words in caught.value.message
    assert len(hub.issuer.certificates()) == issued


async def test_a_hub_without_the_authority_gives_out_nothing(hub: Hub, tmp_path: Path) -> None:
    home = tmp_path / "other"
    await asyncio.to_thread(home.mkdir)
    await create_home(home, set_up_code=new_set_up_code(secrets.token_bytes), now=utc_now())
    log = structlog.wrap_logger(None, processors=[LogCapture()])
    app = await HubApp.open(
        home, SETTINGS, own_name="hub.test", trust=hub.trust, clock=utc_now, log=log
    )
    try:
        lui = app.calls(hub.caller())
        with pytest.raises(CallRefused) as trust:
            await lui.trust(TrustSince())
        with pytest.raises(CallRefused) as renewal:
            await lui.renew(RenewalRequest(request=b""))
    finally:
        await app.aclose()

    assert (trust.value.code, renewal.value.code) == ("trust-not-given", "renewal-refused")


async def test_a_server_under_an_older_issuing_certificate_is_told_to_renew(hub: Hub) -> None:
    lui, now = hub.app.calls(hub.caller()), utc_now()
    await lui.hello(
        HubHello(instance="i", version="1", started=now, listens=(), secured=True, now=now)
    )
    rev = (await lui.trust(TrustSince())).rev
    current = fingerprint(hub.issuer.certificate)

    async def told(issuer: str, trust_rev: str) -> list[str]:
        status = Status(issuer=issuer, trust_rev=trust_rev)
        reply = await lui.heartbeat(Heartbeat(instance="i", status=status))
        return [command.verb for command in reply.commands]

    assert await told("AA:BB", rev) == [RENEW]
    assert await told("AA:BB", "not yet HUB's") == []
    assert await told(current, rev) == []
    assert await told("", rev) == []
