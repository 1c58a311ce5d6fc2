"""Trust reloaded in a running server: put in force, or refused with the reason; who is cut off.

Two servers of real files and real sockets: HUB listens, LUI calls. What they offer is an echo, so
that each case takes a moment; whole servers do the same in ``test_reload_commands``.
"""

import asyncio
import gc
import shutil
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sottovoce.contracts import Status
from sottovoce.errors import ChannelClosed, ChannelError, RemoteFault
from sottovoce.keystore import Keystore, PrivateKeyEntry
from sottovoce.net import Destination, Endpoint, Listener, Offer, Outcome, Peer, listen, utc_now
from sottovoce.pki import KeyAlgorithm, Revocation, dump_crl, generate_key
from sottovoce.policy import Component
from sottovoce.rpc import Ping
from sottovoce.server import (
    Plan,
    ReloadOutcome,
    ReloadResult,
    TrustKeeper,
    read_in_use,
    read_plan,
)
from sottovoce.server.caring import Care
from sottovoce.testing import EchoCalls, Echoing, Party, Text, ThrowAwayAuthority
from sottovoce.testing.homes import Premises

HUB, ALIAS, LUI = "hub.sottovoce.test", "alias.sottovoce.test", "lui.sottovoce.test"
DAY = timedelta(days=1)


@dataclass
class Lines:
    """A log that is kept."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def info(self, event: str, /, **_: Any) -> None:
        self.lines.append(("info", event))

    def warning(self, event: str, /, **_: Any) -> None:
        self.lines.append(("warning", event))

    def error(self, event: str, /, code: str = "", **_: Any) -> None:
        self.lines.append(("error", event))
        self.codes.append(code)

    def of(self, level: str) -> list[str]:
        return [text for found, text in self.lines if found == level]


@dataclass
class Ahead:
    """A clock that can be moved."""

    by: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.by


@dataclass
class Station:
    """One server without its components: files, an end of channels, a keeper."""

    home: Premises
    plan: Plan
    party: Party
    endpoint: Endpoint
    keeper: TrustKeeper
    log: Lines
    listeners: dict[Component, Listener]
    peers: list[Peer]
    clock: Ahead

    @classmethod
    def of(cls, home: Premises) -> "Station":
        plan, log, clock = read_plan(home.path, at=utc_now()), Lines(), Ahead()
        party = Party(home.name, clock=clock)
        endpoint = replace(party.endpoint, trust=plan.trust)
        listeners: dict[Component, Listener] = {}
        peers: list[Peer] = []
        keeper = TrustKeeper(plan, endpoint, listeners=listeners, peers=peers, log=log)
        return cls(home, plan, party, endpoint, keeper, log, listeners, peers, clock)

    @property
    def number(self) -> int:
        assert self.plan.generation is not None
        return self.plan.generation.number

    @property
    def serial(self) -> int:
        assert self.plan.generation is not None
        return self.plan.generation.identity.chain[0].serial_number

    async def reload(
        self, change: Callable[[Premises], object] = lambda _: None, *, reason: str = "a test"
    ) -> ReloadResult:
        """Change files, and have them read."""
        await asyncio.to_thread(change, self.home)
        return await self.keeper.reload(reason)

    async def renewed(self, authority: ThrowAwayAuthority, **parts: Any) -> ReloadResult:
        """Get a new key and certificate."""
        names = parts.pop("names", (self.home.name,))
        entry = authority.issue(*names, roles=self.home.components, **parts)
        return await self.reload(lambda home: home.write_identity(entry))


@dataclass
class Pair:
    """HUB, LUI, and LUI's lasting connection to HUB."""

    hub: Station
    lui: Station
    echo: Echoing
    peer: Peer
    authority: ThrowAwayAuthority
    stranger: ThrowAwayAuthority

    @property
    def stub(self) -> EchoCalls:
        return self.peer.stub(EchoCalls)

    @property
    def seen_by_hub(self) -> list[int]:
        """The serial numbers of those who are connected to HUB."""
        found = [channel.facts.identity for channel in self.hub.listeners[Component.HUB].channels]
        return [int(identity.serial, 16) for identity in found if identity is not None]

    async def say(self) -> None:
        assert await self.stub.say(Text(text="x")) == Text(text="x")


@pytest.fixture(scope="session")
def templates(
    tmp_path_factory: pytest.TempPathFactory, authority: ThrowAwayAuthority
) -> dict[str, Premises]:
    made = {}
    for name, component in ((HUB, Component.HUB), (LUI, Component.LUI)):
        values = {"hub/hub.ini": {"LuiHost": LUI}} if component is Component.HUB else {}
        made[name] = Premises.make(
            tmp_path_factory.mktemp("reload") / component,
            name=name,
            components=[component],
            authority=authority,
            allowed=(HUB, ALIAS, LUI),
            values=values,
        ).secure()
    return made


@pytest.fixture
def homes(templates: dict[str, Premises], tmp_path: Path) -> dict[str, Premises]:
    found = {}
    for name, template in templates.items():
        path = tmp_path / name.partition(".")[0]
        shutil.copytree(template.path, path)
        found[name] = replace(template, path=path)
        found[name].write_ssl()
    return found


@pytest.fixture
def connected(
    homes: dict[str, Premises], authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority
) -> Callable[..., Any]:
    """Open the pair: ``async with connected() as pair``."""

    @asynccontextmanager
    async def opened(*, dial: str = HUB) -> AsyncIterator[Pair]:
        hub, lui = [await asyncio.to_thread(Station.of, homes[name]) for name in (HUB, LUI)]
        echo = Echoing()
        listener = await listen(
            hub.endpoint,
            address="127.0.0.1",
            port=0,
            offers=[Offer(EchoCalls, echo.for_caller)],
            on_error=lambda name, error: pytest.fail(f"{name}: {error!r}"),
        )
        hub.listeners[Component.HUB] = listener
        destination = Destination(
            name=dial, port=listener.port, address="127.0.0.1", component=Component.HUB
        )
        peer = Peer(lui.endpoint, component=Component.LUI, destination=destination)
        lui.peers.append(peer)
        pair = Pair(hub, lui, echo, peer, authority, stranger)
        try:
            await pair.say()
            yield pair
        finally:
            await peer.aclose()
            await listener.aclose(grace=0)

    return opened


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def constant_calls(pair: Pair, callers: int = 16) -> AsyncIterator[list[int]]:
    """Call without a pause; a call that fails fails the test."""
    done, stop = [0], asyncio.Event()

    async def calling() -> None:
        while not stop.is_set():
            await pair.say()
            done[0] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(calling())
        yield done
        stop.set()


def _reached(done: list[int], goal: int) -> bool:
    return done[0] >= goal


async def test_certificates_of_both_sides_are_renewed_under_calls_and_none_fails(
    connected: Callable[..., Any], authority: ThrowAwayAuthority
) -> None:
    """A6, O7: a new channel is opened before the old one is left."""
    async with connected() as pair, constant_calls(pair) as done:
        shown = set()
        for round_ in range(2, 5):
            for station in (pair.hub, pair.lui):
                goal = done[0] + 100
                result = await station.renewed(authority)
                assert (result.outcome, result.generation) == (ReloadOutcome.ACCEPTED, round_)
                assert (result.faults, result.closed) == ((), ())
                await until(partial(_reached, done, goal))
            shown.add(pair.lui.serial)
            await until(lambda: pair.seen_by_hub == [pair.lui.serial])
        assert len(shown) == 3
    assert "Trust generation 4 in force; 0 connections left from generation 3." in (
        pair.hub.log.of("info")
    )
    assert pair.hub.log.of("error") == pair.lui.log.of("error") == []
    refused = [*pair.hub.party.of(Outcome.REFUSED), *pair.lui.party.of(Outcome.REFUSED)]
    assert refused == []


# What is refused.


def broken(home: Premises) -> None:
    """Half of a keystore, as a copy under way leaves it."""
    data = home.keystore.read_bytes()
    home.keystore.write_bytes(data[: len(data) // 2])


def foreign_key(home: Premises) -> None:
    entry = home.authority.issue(home.name)
    other = PrivateKeyEntry(generate_key(KeyAlgorithm.EC_P256), entry.chain)
    home.write_keystore(Keystore(entries={"server": other}))


def no_intermediate(home: Premises) -> None:
    at, authority = home.authority.at, home.authority.authority
    between = authority.issue_intermediate(
        "Between",
        key=generate_key(KeyAlgorithm.EC_P256),
        serial=4711,
        not_before=at - DAY,
        not_after=at + 2 * DAY,
    )
    key = generate_key(KeyAlgorithm.EC_P256)
    leaf = between.issue(
        key.public_key(), names=[home.name], serial=4712, not_before=at - DAY, not_after=at + DAY
    )
    home.write_identity(PrivateKeyEntry(key, (leaf,)))


def folder_instead(home: Premises) -> None:
    home.keystore.unlink()
    home.keystore.mkdir(mode=0o700)


def empty_lists(home: Premises) -> None:
    folder = home.path / "conf" / "revocation"
    folder.mkdir()
    home.set("server.ini", "RevocationLists", str(folder))


def open_to_all(home: Premises) -> None:
    home.ssl_ini.chmod(0o644)


def renewed(home: Premises, *names: str, **parts: Any) -> None:
    home.write_identity(home.authority.issue(*(names or (home.name,)), **parts))


FAULTS: dict[str, tuple[Callable[[Premises], object], str]] = {
    "half of a keystore": (broken, "keystore-truncated"),
    "an empty keystore": (lambda h: h.keystore.write_bytes(b""), "keystore-empty"),
    "the key of another certificate": (foreign_key, "keystore-key-mismatch"),
    "a missing intermediate": (no_intermediate, "issuer-unknown"),
    "a wrong password": (
        lambda h: h.write_ssl(SSLKeystorePassword="other-password"),
        "keystore-wrong-password",
    ),
    "an expired certificate": (
        lambda h: renewed(h, not_before=utc_now() - 3 * DAY, not_after=utc_now() - DAY),
        "certificate-expired",
    ),
    "a certificate of tomorrow": (
        lambda h: renewed(h, not_before=utc_now() + DAY, not_after=utc_now() + 3 * DAY),
        "not-yet-valid",
    ),
    "a certificate for another name": (lambda h: renewed(h, "x.test"), "name-mismatch"),
    "an empty folder of lists": (empty_lists, "revocation-unknown"),
    "a folder in place of the keystore": (folder_instead, "file-unreadable"),
    "no keystore": (lambda h: h.keystore.unlink(), "keystore-missing"),
    "a password that everybody may read": (open_to_all, "file-not-owner-only"),
    "half of an ssl.ini": (
        lambda h: h.write_ssl(SSLKeystorePassword=None),
        "ini-missing-key",
    ),
    "no ssl.ini": (lambda h: h.ssl_ini.unlink(), "restart-needed"),
    "a broken server.ini": (
        lambda h: (h.path / "server.ini").write_text("ServerName\n"),
        "ini-empty-value",
    ),
}


#: Where the log says that the files may be incomplete, beside what is wrong with them.
HALF_WRITTEN = dict.fromkeys(
    [
        "half of a keystore",
        "an empty keystore",
        "the key of another certificate",
        "a wrong password",
        "no keystore",
    ],
    "reload-incomplete",
)


@contextmanager
def restored(home: Premises, tmp_path: Path) -> Iterator[None]:
    """Put the home back afterwards."""
    kept = tmp_path / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(home.path, kept)
    yield
    shutil.rmtree(home.path)
    shutil.copytree(kept, home.path)


async def test_whatever_is_wrong_with_the_files_the_old_generation_stays_and_says_why(
    connected: Callable[..., Any], tmp_path: Path
) -> None:
    """O1: every fault is in the result, in the log once, and in what is written down."""
    async with connected() as pair:
        hub = pair.hub
        in_force = hub.plan.generation
        for case, (change, code) in FAULTS.items():
            hub.log.lines.clear()
            with restored(hub.home, tmp_path):
                first = await hub.reload(change)
                again = await hub.keeper.reload("tried again")
                written = read_in_use(hub.plan.home)
            assert [fault.code for fault in first.faults][:1] == [code], case
            assert (first.outcome, again.outcome) == (ReloadOutcome.REFUSED,) * 2, case
            assert (first.generation, hub.plan.generation) == (1, in_force), case
            assert len(hub.log.of("error")) == 1, case
            line = hub.log.of("error")[0]
            assert "trust generation 1 stays in force" in line, case
            assert hub.log.codes[-1] == HALF_WRITTEN.get(case, code), case
            assert ("files are incomplete" in line) is (case in HALF_WRITTEN), case
            assert first.faults[0].why in line, case
            assert written is not None, case
            assert written.last is not None, case
            assert [told.code for told in written.last.faults][:1] == [code], case
            assert (written.generation, written.last.outcome) == (1, "refused"), case
            mended = await hub.keeper.reload("mended")
            assert mended.outcome is ReloadOutcome.UNCHANGED, (case, mended)
            await pair.say()
        assert len(pair.hub.party.of(Outcome.ACCEPTED)) == 1
        result = await hub.renewed(pair.authority)
        assert (result.outcome, result.generation) == (ReloadOutcome.ACCEPTED, 2)


async def test_a_certificate_that_lacks_the_name_a_partner_uses_is_not_taken(
    connected: Callable[..., Any], homes: dict[str, Premises]
) -> None:
    """O4."""
    both = homes[HUB].authority.issue(HUB, ALIAS)
    await asyncio.to_thread(homes[HUB].write_identity, both)
    async with connected(dial=ALIAS) as pair:
        refused = await pair.hub.renewed(pair.authority)
        (fault,) = refused.faults
        assert (fault.code, fault.expected, fault.presented) == ("reload-refused", ALIAS, HUB)
        assert LUI in fault.why
        assert f"lacks the name {ALIAS}" in pair.hub.log.of("error")[0]
        # When nobody uses it, it is only worth a warning.
        await pair.peer.aclose()
        await until(lambda: not pair.hub.listeners[Component.HUB].channels)
        result = await pair.hub.reload()
        assert result.outcome is ReloadOutcome.ACCEPTED
        assert [warning.code for warning in result.warnings] == ["name-mismatch"]


async def test_a_certificate_that_a_partner_would_refuse_is_not_taken(
    connected: Callable[..., Any],
) -> None:
    """O2: the new root must be trusted everywhere before the first certificate under it."""
    async with connected() as pair, constant_calls(pair, 4):
        roots = (pair.authority.root, pair.stranger.root)
        assert (await pair.lui.reload(lambda h: h.write_roots(*roots))).outcome is (
            ReloadOutcome.ACCEPTED
        )
        refused = await pair.lui.renewed(pair.stranger)
        (fault,) = refused.faults
        assert (refused.outcome, fault.code) == (ReloadOutcome.REFUSED, "root-not-spread")
        assert "Stranger" in fault.why
        assert HUB in fault.hint
        assert pair.lui.number == 2
        # HUB has seen the trial, and said why it refused it.
        assert (await pair.hub.party.logged(Outcome.REFUSED)).code == "root-untrusted"
        assert (await pair.hub.reload(lambda h: h.write_roots(*roots))).closed == ()
        assert (await pair.lui.keeper.reload("tried again")).outcome is ReloadOutcome.ACCEPTED
        await until(lambda: len(pair.peer.channels) == 1)
        assert (await pair.hub.renewed(pair.stranger)).outcome is ReloadOutcome.ACCEPTED


async def test_a_partner_that_is_away_keeps_no_certificate_from_being_taken(
    connected: Callable[..., Any],
) -> None:
    async with connected() as pair:
        await pair.hub.listeners[Component.HUB].aclose(grace=0)
        await until(lambda: not pair.peer.channels)
        result = await pair.lui.renewed(pair.authority)
        assert result.outcome is ReloadOutcome.ACCEPTED
        assert [warning.code for warning in result.warnings] == ["connection-refused"]
        assert "could not be tried with HUB" in pair.lui.log.of("warning")[0]


# Who is cut off.


def revoke(home: Premises, *serials: int, issuer: ThrowAwayAuthority | None = None) -> None:
    at, authority = home.authority.at, (issuer or home.authority).authority
    folder = home.path / "conf" / "revocation"
    folder.mkdir(exist_ok=True)
    crl = authority.revocation_list(
        [Revocation(serial=serial, date=at - DAY) for serial in serials],
        this_update=at - DAY,
        next_update=at + DAY,
        number=1 + len(serials),
    )
    (folder / f"{authority.certificate.serial_number:x}.crl").write_bytes(dump_crl(crl))
    home.set("server.ini", "RevocationLists", str(folder))


async def test_a_revoked_peer_is_cut_off_at_once_and_told(connected: Callable[..., Any]) -> None:
    """R5, R1, O7: its call under way ends, its next attempt is refused, both logs say why."""
    async with connected() as pair:
        waiting = asyncio.ensure_future(pair.stub.wait(Text()))
        await pair.echo.begun.wait()
        serial = pair.lui.serial
        result = await pair.hub.reload(lambda home: revoke(home, serial))
        assert [(one.name, one.code) for one in result.closed] == [(LUI, "revoked")]
        with pytest.raises(ChannelError):
            await waiting
        await pair.echo.cancelled.wait()
        assert f"Closed 1 open connection of {LUI} (revoked)." in pair.hub.log.of("warning")
        assert "Trust generation 2 in force; 0 connections left from generation 1." in (
            pair.hub.log.of("info")
        )
        ours = await pair.hub.party.logged(Outcome.CLOSED)
        theirs = await pair.lui.party.logged(Outcome.CLOSED)
        assert (ours.code, theirs.detail) == ("revoked", "the peer said goodbye: revoked")
        with pytest.raises(ChannelError):
            await pair.say()
        assert (await pair.hub.party.logged(Outcome.REFUSED)).code == "revoked"
        assert pair.peer.posture.state == "refused"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda home: home.write_ssl(SSLAllowedClients=HUB), "not-in-allowed-list"),
        (lambda home: home.write_roots(home.authority.root), "root-untrusted"),
    ],
    ids=["taken from the list", "its root removed"],
)
async def test_who_is_not_admitted_any_more_is_cut_off(
    connected: Callable[..., Any],
    homes: dict[str, Premises],
    stranger: ThrowAwayAuthority,
    change: Callable[[Premises], object],
    code: str,
) -> None:
    """O7: a second root, under which LUI was certified, goes; or LUI's name goes."""
    for home in homes.values():
        await asyncio.to_thread(home.write_roots, home.authority.root, stranger.root)
    await asyncio.to_thread(homes[LUI].write_identity, stranger.issue(LUI, roles=[Component.LUI]))
    async with connected() as pair:
        result = await pair.hub.reload(change)
        assert [(one.name, one.code) for one in result.closed] == [(LUI, code)]
        assert (await pair.hub.party.logged(Outcome.CLOSED)).code == code


async def test_a_root_is_replaced_under_calls_and_none_fails(
    connected: Callable[..., Any],
) -> None:
    """The old root goes while connections stand on it whose peers have new certificates."""
    async with connected() as pair, constant_calls(pair):
        waiting = asyncio.ensure_future(pair.stub.wait(Text(text="kept")))
        await pair.echo.begun.wait()
        for station in (pair.hub, pair.lui):
            roots = (pair.authority.root, pair.stranger.root)
            await station.reload(lambda home, roots=roots: home.write_roots(*roots))
        for station in (pair.lui, pair.hub):
            assert (await station.renewed(pair.stranger)).outcome is ReloadOutcome.ACCEPTED
        await until(lambda: pair.lui.serial in pair.seen_by_hub)
        for station in (pair.lui, pair.hub):
            root = pair.stranger.root
            result = await station.reload(lambda home, root=root: home.write_roots(root))
            assert (result.outcome, result.closed) == (ReloadOutcome.ACCEPTED, ())
        pair.echo.go.set()
        assert await waiting == Text(text="kept")
        await until(lambda: pair.seen_by_hub == [pair.lui.serial])


async def test_a_caller_that_is_about_to_come_again_is_waited_for(
    connected: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HUB removes the old root before LUI, which has its new certificate, has moved over."""
    async with connected() as pair:
        roots = (pair.authority.root, pair.stranger.root)
        for station in (pair.hub, pair.lui):
            await station.reload(lambda home: home.write_roots(*roots))
        waiting = asyncio.ensure_future(pair.stub.wait(Text(text="kept")))
        await pair.echo.begun.wait()
        with monkeypatch.context() as patch:
            patch.setattr(Peer, "rotate", lambda _: None)
            await pair.lui.renewed(pair.stranger)
        reloading = asyncio.ensure_future(
            pair.hub.reload(
                lambda home: (
                    home.write_roots(pair.stranger.root),
                    home.write_identity(pair.stranger.issue(HUB)),
                )
            )
        )
        async with constant_calls(pair, 4):
            result = await reloading
        assert (result.outcome, result.closed) == (ReloadOutcome.ACCEPTED, ())
        pair.echo.go.set()
        assert await waiting == Text(text="kept")


async def test_a_server_that_has_no_certificate_under_the_new_root_is_cut_off(
    connected: Callable[..., Any], homes: dict[str, Premises], stranger: ThrowAwayAuthority
) -> None:
    """LUI removes the root under which HUB is certified; it asks HUB once more, and that is it."""
    for home in homes.values():
        await asyncio.to_thread(home.write_roots, home.authority.root, stranger.root)
    await asyncio.to_thread(homes[LUI].write_identity, stranger.issue(LUI, roles=[Component.LUI]))
    async with connected() as pair:
        waiting = asyncio.ensure_future(pair.stub.wait(Text()))
        await pair.echo.begun.wait()
        result = await pair.lui.reload(lambda home: home.write_roots(stranger.root))
        assert [(one.name, one.code) for one in result.closed] == [(HUB, "root-untrusted")]
        with pytest.raises(ChannelClosed):
            await waiting
        assert pair.peer.posture.state == "refused"


async def test_a_caller_that_has_no_other_certificate_is_not_waited_for_long(
    connected: Callable[..., Any],
    homes: dict[str, Premises],
    stranger: ThrowAwayAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its call under way is no reason to stay."""
    monkeypatch.setattr("sottovoce.server.sweeping.PATIENCE", 0.1)
    for home in homes.values():
        await asyncio.to_thread(home.write_roots, home.authority.root, stranger.root)
    await asyncio.to_thread(homes[LUI].write_identity, stranger.issue(LUI, roles=[Component.LUI]))
    async with connected() as pair:
        waiting = asyncio.ensure_future(pair.stub.wait(Text()))
        await pair.echo.begun.wait()
        root = pair.authority.root
        result = await pair.hub.reload(lambda home: home.write_roots(root))
        assert [(one.name, one.code) for one in result.closed] == [(LUI, "root-untrusted")]
        await pair.echo.cancelled.wait()
        with pytest.raises((ChannelError, RemoteFault)):
            await waiting


async def test_a_caller_cuts_off_a_server_that_was_revoked(connected: Callable[..., Any]) -> None:
    async with connected() as pair:
        serial = pair.hub.serial
        result = await pair.lui.reload(lambda home: revoke(home, serial))
        assert [(one.name, one.code) for one in result.closed] == [(HUB, "revoked")]
        assert (await pair.lui.party.logged(Outcome.CLOSED)).code == "revoked"
        with pytest.raises(ChannelError) as caught:
            await pair.say()
        assert caught.value.faults[0].code == "revoked"


async def test_a_list_that_is_missing_here_cuts_off_nobody(
    connected: Callable[..., Any], homes: dict[str, Premises], stranger: ThrowAwayAuthority
) -> None:
    """R3: not LUI's fault. HUB's own CA has a list, LUI's has none."""
    for home in homes.values():
        await asyncio.to_thread(home.write_roots, home.authority.root, stranger.root)
    await asyncio.to_thread(homes[LUI].write_identity, stranger.issue(LUI, roles=[Component.LUI]))
    async with connected() as pair:
        refused = await pair.hub.reload(revoke)
        (fault,) = refused.faults
        assert (fault.code, refused.outcome) == ("revocation-unknown", ReloadOutcome.REFUSED)
        assert f"{LUI}, connected now, would be refused" in fault.why
        await pair.say()
        result = await pair.hub.reload(lambda home: revoke(home, issuer=stranger))
        assert (result.outcome, result.closed) == (ReloadOutcome.ACCEPTED, ())
        await pair.say()


async def test_what_is_said_after_the_last_word_goes_nowhere(connected: Callable[..., Any]) -> None:
    """A call that is cut short answers when its channel has said ``close_notify`` already."""
    failed: list[dict[str, Any]] = []
    async with connected() as pair:
        asyncio.get_running_loop().set_exception_handler(lambda _, found: failed.append(found))
        (channel,) = pair.hub.listeners[Component.HUB].channels
        channel.wire.hang_up(linger=1.0)
        channel.wire.send(Ping(7))
        await until(lambda: not pair.hub.listeners[Component.HUB].channels)
    assert failed == []


# A list that ends.

HOUR = timedelta(hours=1)


def listed(home: Premises, end: datetime, *, begin: timedelta = HOUR) -> None:
    """Put the authority's list in place, which revokes nobody and ends at that moment."""
    folder = home.path / "conf" / "revocation"
    folder.mkdir(exist_ok=True)
    crl = home.authority.authority.revocation_list(
        [], this_update=utc_now() - begin, next_update=end, number=int(end.timestamp())
    )
    (folder / "authority.crl").write_bytes(dump_crl(crl))
    home.set("server.ini", "RevocationLists", str(folder))


@asynccontextmanager
async def watched(station: Station) -> AsyncIterator[None]:
    """Have the keeper look, often."""
    watch = asyncio.ensure_future(station.keeper.run(every=0.02))
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def test_a_list_that_ends_while_a_connection_stands_ends_it_and_a_new_list_mends_it(
    connected: Callable[..., Any], homes: dict[str, Premises]
) -> None:
    """R4: with real clocks, and nothing else changed; both sides know why, and so does the next."""
    end = utc_now().replace(microsecond=0) + timedelta(seconds=2)
    await asyncio.to_thread(listed, homes[HUB], end)
    async with connected() as pair, watched(pair.hub):
        waiting = asyncio.ensure_future(pair.stub.wait(Text()))
        await pair.echo.begun.wait()
        ours = await pair.hub.party.logged(Outcome.CLOSED)
        assert utc_now() > end
        with pytest.raises(ChannelError):
            await waiting
        theirs = await pair.lui.party.logged(Outcome.CLOSED)
        assert (ours.code, theirs.detail) == (
            "revocation-list-expired",
            "the peer said goodbye: revocation-list-expired",
        )
        with pytest.raises(ChannelError) as caught:
            await pair.say()
        assert caught.value.faults[0].code == "revocation-list-expired"
        # The files are refused for the same reason, and the generation that was in force stays.
        closed = f"Closed 1 open connection of {LUI} (revocation-list-expired)."
        await until(lambda: closed in pair.hub.log.of("warning"))
        assert pair.hub.number == 1
        async with pair.hub.keeper._lock:  # it is held until all is written down
            written = await asyncio.to_thread(read_in_use, pair.hub.plan.home)
        assert written is not None
        assert written.last is not None
        assert written.last.closed == (f"{LUI} (revocation-list-expired)",)
        ended = [line for line in pair.hub.log.of("error") if "and no newer one is here" in line]
        assert len(ended) == 1
        assert "every certificate of that authority is refused, on open connections" in ended[0]
        await asyncio.to_thread(listed, homes[HUB], end + DAY)
        await until(lambda: pair.hub.number == 2)
        await until(lambda: pair.hub.keeper.lists.failure == "")
        await _calls_again(pair)


async def test_when_a_list_ends_a_refused_connection_is_no_proof_for_itself(
    connected: Callable[..., Any],
    homes: dict[str, Premises],
    stranger: ThrowAwayAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another authority's list has ended, and so has LUI's certificate, while HUB slept."""
    monkeypatch.setattr("sottovoce.server.sweeping.PATIENCE", 0.1)
    now = utc_now()
    await asyncio.to_thread(homes[HUB].write_roots, homes[HUB].authority.root, stranger.root)
    await asyncio.to_thread(listed, homes[HUB], now + DAY)
    other = stranger.authority.revocation_list(
        [], this_update=now - HOUR, next_update=now + 1.5 * HOUR, number=1
    )
    (homes[HUB].path / "conf" / "revocation" / "other.crl").write_bytes(dump_crl(other))
    short = homes[LUI].authority.issue(LUI, roles=[Component.LUI], not_after=now + HOUR)
    await asyncio.to_thread(homes[LUI].write_identity, short)
    async with connected() as pair:
        waiting = asyncio.ensure_future(pair.stub.wait(Text()))
        await pair.echo.begun.wait()
        pair.hub.clock.by = 2 * HOUR
        result = await pair.hub.reload()
        assert [(one.name, one.code) for one in result.closed] == [(LUI, "certificate-expired")]
        with pytest.raises((ChannelError, RemoteFault)):
            await waiting


async def _calls_again(pair: Pair) -> None:
    """Call until the pause after a refusal is over."""
    async with asyncio.timeout(20):
        while True:
            with suppress(ChannelError):
                return await pair.say()
            await asyncio.sleep(0.02)


async def test_a_list_is_told_of_before_it_ends_and_the_newer_one_cuts_off_nobody(
    connected: Callable[..., Any], homes: dict[str, Premises]
) -> None:
    """R4: graded by the share that is left; judged again only when the rule's answer may change."""
    end = utc_now().replace(microsecond=0) + 9 * HOUR
    await asyncio.to_thread(listed, homes[HUB], end)
    async with connected() as pair:
        hub = pair.hub
        for hours, level in ((4, ""), (6.2, "warning"), (6.3, ""), (7.5, "error"), (8.5, "error")):
            hub.log.lines.clear()
            hub.clock.by = hours * HOUR
            for _ in range(2):
                await hub.keeper._look(hub.keeper._read.marks, 0)
            told = [(found, text) for found, text in hub.log.lines if "revocation list" in text]
            assert [found for found, _ in told] == [level] * bool(level), hours
            assert all("connections end" in text for _, text in told)
        care = Care(
            plan=hub.plan,
            endpoint=hub.endpoint,
            keeper=hub.keeper,
            issuer=None,
            hub=None,
            log=hub.log,
        )
        assert care.complete(Status()).lists == "revocation-list-expiring"
        assert hub.keeper._reloads == 0
        # The newer list came just then, and nobody has read it yet.
        await asyncio.to_thread(listed, homes[HUB], end + DAY)
        hub.clock.by = end - utc_now() + timedelta(seconds=2)
        await hub.keeper._look(None, 0)
        assert (hub.number, hub.keeper._reloads) == (2, 1)
        await hub.keeper._look(None, 0)
        assert hub.keeper.lists.failure == ""
        assert pair.hub.party.of(Outcome.CLOSED) == []
        await pair.say()


async def test_a_server_that_calls_leaves_when_its_own_list_has_ended(
    connected: Callable[..., Any], homes: dict[str, Premises]
) -> None:
    """LUI's list is overdue, HUB's is not: by LUI's rule HUB is not to be trusted any more."""
    end = utc_now().replace(microsecond=0) + HOUR
    await asyncio.to_thread(listed, homes[LUI], end)
    async with connected() as pair:
        pair.lui.clock.by = 2 * HOUR
        await pair.lui.keeper._look(None, 0)
        ours = await pair.lui.party.logged(Outcome.CLOSED)
        theirs = await pair.hub.party.logged(Outcome.CLOSED)
        assert ours.code == "revocation-list-expired"
        assert "revocation-list-expired" in theirs.detail
        # Set back, the clock makes the list good again; when the moment comes, it counts again.
        pair.lui.clock.by = timedelta()
        await pair.lui.keeper._look(None, 0)
        await _calls_again(pair)
        pair.lui.clock.by = 2 * HOUR
        await pair.lui.keeper._look(None, 0)
        await until(lambda: len(pair.lui.party.of(Outcome.CLOSED)) == 2)


async def test_where_revocation_fails_softly_a_list_that_ends_cuts_off_nobody(
    connected: Callable[..., Any], homes: dict[str, Premises]
) -> None:
    end = utc_now().replace(microsecond=0) + HOUR
    await asyncio.to_thread(listed, homes[HUB], end)
    await asyncio.to_thread(homes[HUB].set, "server.ini", "RevocationFailure", "soft")
    async with connected() as pair:
        pair.hub.clock.by = 2 * HOUR
        await pair.hub.keeper._look(None, 0)
        assert pair.hub.keeper._reloads == 1
        (line,) = [text for text in pair.hub.log.of("error") if "ended" in text]
        assert "let pass unchecked" in line
        await pair.say()
        assert pair.hub.party.of(Outcome.CLOSED) == []


# The watch.


async def test_changes_are_noticed_when_they_are_complete(connected: Callable[..., Any]) -> None:
    """O1, A6: half-written files are refused once and tried again; a touched file is no change."""
    async with connected() as pair:
        hub = pair.hub
        watch = asyncio.ensure_future(hub.keeper.run(every=0.02))
        try:
            whole = hub.home.keystore.read_bytes()
            await asyncio.to_thread(broken, hub.home)
            await until(lambda: hub.log.of("error"))
            await asyncio.to_thread(hub.home.keystore.write_bytes, whole)
            await until(lambda: not hub.keeper._said)
            assert (hub.number, len(hub.log.of("error"))) == (1, 1)
            entry = pair.authority.issue(HUB)
            await asyncio.to_thread(hub.home.write_identity, entry)
            await until(lambda: hub.number == 2)
            await asyncio.to_thread(hub.home.keystore.touch)
            reloads = hub.keeper._reloads
            await until(lambda: hub.keeper._reloads > reloads)
            assert hub.number == 2
            # A list more in the folder that server.ini names now.
            await asyncio.to_thread(revoke, hub.home)
            await until(lambda: hub.number == 3)
            serial = pair.lui.serial
            await asyncio.to_thread(revoke, hub.home, serial)
            await until(lambda: hub.number == 4)
            hub.keeper.ask()
            await until(lambda: any("Nothing to reload" in text for text in hub.log.of("info")))
            assert (hub.number, len(hub.log.of("error"))) == (4, 1)
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


async def test_old_generations_are_let_go(connected: Callable[..., Any]) -> None:
    """No context, and nothing else of an old generation, outlives its last connection."""
    async with connected() as pair:
        entries = [pair.authority.issue(HUB) for _ in range(2)]
        old: list[weakref.ref[object]] = []
        for number in range(15):
            for station in (pair.hub, pair.lui):
                generation = station.plan.generation
                assert generation is not None
                old += [weakref.ref(generation), weakref.ref(generation.accepting)]
                del generation
                if station is pair.hub:
                    entry = entries[number % 2]
                    await station.reload(lambda home, entry=entry: home.write_identity(entry))
                else:
                    await station.renewed(pair.authority)
            await until(lambda: pair.seen_by_hub == [pair.lui.serial])
            await pair.say()
        assert (pair.hub.number, pair.lui.number) == (16, 16)

        def gone() -> bool:
            gc.collect()
            return not any(ref() for ref in old)

        # The last closed connections linger for a second.
        await until(gone)


async def test_a_certificate_of_a_moment_is_renewed_in_time(
    connected: Callable[..., Any], homes: dict[str, Premises]
) -> None:
    """With real clocks: HUB's certificate ends; its channel is left before, and no call is lost."""
    soon = utc_now().replace(microsecond=0) + timedelta(seconds=3)
    entry = homes[HUB].authority.issue(HUB, not_after=soon)
    await asyncio.to_thread(homes[HUB].write_identity, entry)
    async with connected() as pair, constant_calls(pair, 4):
        (first,) = pair.hub.listeners[Component.HUB].channels
        assert (await pair.hub.renewed(pair.authority)).outcome is ReloadOutcome.ACCEPTED
        assert pair.hub.plan.generation is not None
        own = pair.hub.plan.generation.own_identity

        def moved() -> bool:
            found = [each.facts.identity for each in pair.peer.channels if each.is_open]
            return found == [own]

        await until(moved)
        await until(first.closed.done)


# What is beside the point, or in the way.


async def test_a_server_that_calls_itself_changes_its_authority_in_one_step(
    homes: dict[str, Premises], stranger: ThrowAwayAuthority
) -> None:
    """Both ends of that connection change at the same moment: nobody else is to be asked."""
    station = await asyncio.to_thread(Station.of, homes[HUB])
    echo = Echoing()
    listener = await listen(
        station.endpoint,
        address="127.0.0.1",
        port=0,
        offers=[Offer(EchoCalls, echo.for_caller)],
        on_error=lambda name, error: pytest.fail(f"{name}: {error!r}"),
    )
    station.listeners[Component.HUB] = listener
    destination = Destination(
        name=HUB, port=listener.port, address="127.0.0.1", component=Component.HUB
    )
    station.endpoint.trust.current = replace(
        station.plan.generation,
        hosts={Component.LUI: HUB},  # type: ignore[type-var]
    )
    station.keeper._plan = replace(station.plan, hosts={Component.LUI: HUB})
    peer = Peer(station.endpoint, component=Component.LUI, destination=destination)
    station.peers.append(peer)

    def another_authority(home: Premises) -> None:
        home.write_roots(stranger.root)
        home.write_identity(stranger.issue(HUB, roles=[Component.HUB, Component.LUI]))

    entry = station.home.authority.issue(HUB, roles=[Component.HUB, Component.LUI])
    assert (await station.reload(lambda home: home.write_identity(entry))).faults == ()
    waiting = asyncio.ensure_future(peer.stub(EchoCalls).wait(Text(text="kept")))
    await echo.begun.wait()
    result = await station.reload(another_authority)
    assert (result.outcome, result.faults) == (ReloadOutcome.ACCEPTED, ())
    # The old connection stands on a root that is trusted no more; both its ends leave it.
    assert result.closed == ()
    echo.go.set()
    assert await waiting == Text(text="kept")
    await peer.stub(EchoCalls).say(Text())
    await peer.aclose()
    await listener.aclose(grace=0)


async def test_another_name_is_for_the_next_start(homes: dict[str, Premises]) -> None:
    station = await asyncio.to_thread(Station.of, homes[LUI])

    def rename(home: Premises) -> None:
        home.set("server.ini", "ServerName", ALIAS)
        home.write_identity(home.authority.issue(LUI, ALIAS))

    result = await station.reload(rename)
    assert result.outcome is ReloadOutcome.ACCEPTED
    assert [warning.code for warning in result.warnings] == ["restart-needed"]
    assert station.plan.generation is not None
    assert station.plan.generation.own_name == LUI


async def test_a_plain_server_stays_plain(homes: dict[str, Premises]) -> None:
    """W18: ssl.ini appears while it runs."""
    home = homes[LUI]
    aside = home.ssl_ini.rename(home.ssl_ini.with_suffix(".off"))
    station = await asyncio.to_thread(Station.of, home)
    assert (await station.reload()).outcome is ReloadOutcome.UNCHANGED
    for _ in range(2):
        result = await station.reload(lambda _: aside.exists() and aside.rename(home.ssl_ini))
        assert [fault.code for fault in result.faults] == ["restart-needed"]
    assert (result.generation, station.plan.generation) == (0, None)
    (line,) = station.log.of("error")
    assert "runs plain until it is started again" in line
    written = read_in_use(station.plan.home)
    assert written is not None
    assert written.generation == 0


async def test_what_was_refused_is_tried_again_although_the_files_are_the_same(
    connected: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """O2: a partner may have got the new root meanwhile. The pauses grow."""
    seconds = [0.0]
    monkeypatch.setattr("sottovoce.server.keeper.monotonic", lambda: seconds[0])
    async with connected() as pair:
        lui, roots = pair.lui, (pair.authority.root, pair.stranger.root)
        await lui.reload(lambda home: home.write_roots(*roots))
        assert (await lui.renewed(pair.stranger)).outcome is ReloadOutcome.REFUSED
        watch = asyncio.ensure_future(lui.keeper.run(every=0.005))
        pauses = []
        for tries in (3, 4, 5):
            assert lui.keeper._retry_at is not None
            pauses.append(lui.keeper._retry_at - seconds[0])
            seconds[0] = lui.keeper._retry_at
            await until(lambda tries=tries: lui.keeper._reloads == tries)  # type: ignore[misc]
        assert pauses == [5.0, 10.0, 20.0]
        assert len(lui.log.of("error")) == 1
        await pair.hub.reload(lambda home: home.write_roots(*roots))
        assert lui.keeper._retry_at is not None
        seconds[0] = lui.keeper._retry_at
        await until(lambda: lui.keeper._retry_at is None)
        assert lui.number == 3
        watch.cancel()


async def test_that_nothing_can_be_written_down_keeps_nothing_from_being_reloaded(
    connected: Callable[..., Any],
) -> None:
    async with connected() as pair:
        serving = pair.hub.plan.home.serving
        await asyncio.to_thread(serving.parent.write_text, "a file in its way")
        result = await pair.hub.renewed(pair.authority)
        assert result.outcome is ReloadOutcome.ACCEPTED
        assert f"{serving} cannot be written: File exists." in pair.hub.log.of("warning")


async def test_a_look_that_fails_does_not_end_the_watch(
    connected: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected() as pair:
        keeper, failed = pair.hub.keeper, [0]

        async def broken(_: str) -> ReloadResult:
            failed[0] += 1
            raise ZeroDivisionError

        monkeypatch.setattr(keeper, "reload", broken)
        watch = asyncio.ensure_future(keeper.run(every=0.005))
        for count in (1, 2):
            keeper.ask()
            await until(lambda count=count: failed[0] == count)  # type: ignore[misc]
        watch.cancel()
        assert pair.hub.log.of("error") == ["A look at the files of trust failed."] * 2
