"""When a certificate is renewed, what is refused of what comes back, and how failing is told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sottovoce.errors import ConnectFailed, Fault, SettingsError, SottovoceError
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, PrivateKeyEntry, StoreFormat, dumps, loads
from sottovoce.pki import Authority, dns_names, load_request, uri_names
from sottovoce.policy import Component
from sottovoce.server.renewing import LOOK_EVERY, Renewer, due, grade, retry_pause
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import Trust, TrustGeneration

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PASSWORD = Secret("correct horse battery staple")
DAYS_30 = timedelta(days=30)


class Enough(Exception):
    """Ends a loop that runs for ever."""


@dataclass
class Server:
    """A server whose certificate is renewed by an authority in memory, with a clock set by hand."""

    path: Path
    authority: ThrowAwayAuthority = field(default_factory=lambda: ThrowAwayAuthority(at=NOW))
    now: datetime = NOW
    lines: list[tuple[str, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    faults: tuple[Fault, ...] = ()
    names: tuple[str, ...] = ("lui.test",)
    failure: SottovoceError | None = None
    most_waits: int = 50

    def __post_init__(self) -> None:
        begin = NOW - timedelta(hours=1)
        self.old = self.authority.issue(
            "lui.test", roles=[Component.LUI], not_before=begin, not_after=begin + DAYS_30
        )
        store = Keystore(entries={"server": self.old})
        self.path.write_bytes(dumps(store, PASSWORD, format=StoreFormat.PKCS12))
        self.trust = Trust(self.generation(self.old))
        self.renewer = Renewer(
            trust=self.trust,
            place=lambda: (self.path, PASSWORD),
            issue=self.issue,
            reload=self.reload,
            clock=lambda: self.now,
            log=self,
            chance=lambda: 0.0,
            waiter=self.wait,
        )

    def generation(self, identity: PrivateKeyEntry) -> TrustGeneration:
        return self.authority.generation(
            identity, own_name="lui.test", allowed=("hub.test", "lui.test")
        )

    @property
    def on_disk(self) -> PrivateKeyEntry:
        return loads(self.path.read_bytes(), PASSWORD).key_entry("server")

    async def issue(self, request: bytes) -> tuple[x509.Certificate, ...]:
        if self.failure is not None:
            raise self.failure
        authority: Authority = self.authority.authority
        leaf = authority.sign_request(
            load_request(request, source="test"),
            names=self.names,
            roles=[Component.LUI.role_uri],
            serial=x509.random_serial_number(),
            not_before=self.now - timedelta(hours=1),
            not_after=self.now - timedelta(hours=1) + DAYS_30,
        )
        return authority.issued_chain(leaf)

    async def reload(self, reason: str) -> tuple[Fault, ...]:
        assert reason == "renewal"
        if not self.faults:
            self.trust.current = self.generation(self.on_disk)
        return self.faults

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) > self.most_waits:
            raise Enough
        self.now += timedelta(seconds=max(seconds, 3600 if seconds == LOOK_EVERY else 0))

    def _say(self, level: str) -> Callable[..., None]:
        def say(_message: str, **fields: Any) -> None:
            self.lines.append((level, f"{fields['action']} {fields.get('code', '')}".strip()))

        return say

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name in {"info", "warning", "error"}:
            return self._say(name)
        raise AttributeError(name)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "server.p12")


def ran(work: Awaitable[None]) -> None:
    async def run() -> None:
        await work

    asyncio.run(run())


def test_a_certificate_is_renewed_at_two_thirds_of_its_life_or_a_little_before() -> None:
    latest = due(NOW, NOW + timedelta(days=30), 0.0)
    earliest = due(NOW, NOW + timedelta(days=30), 1.0)

    assert latest == NOW + timedelta(days=20)
    assert earliest == NOW + timedelta(days=18)


def test_a_renewal_brings_a_new_key_and_the_same_names_and_roles(server: Server) -> None:
    ran(server.renewer.renew())

    new = server.on_disk
    assert new.chain[0].public_key() != server.old.chain[0].public_key()
    assert new.key.public_key() == new.chain[0].public_key()
    assert dns_names(new.chain[0]) == ("lui.test",)
    assert uri_names(new.chain[0]) == ("urn:sottovoce:role:lui",)
    assert server.trust.current is not None
    assert server.trust.current.identity.chain == new.chain
    assert (server.renewer.renewed, server.renewer.failure) == (1, "")


def test_it_is_renewed_again_and_again_before_a_third_is_left(server: Server) -> None:
    server.most_waits = 1500
    with pytest.raises(Enough):
        ran(server.renewer.run())

    days = (server.now - NOW).days
    assert server.renewer.renewed == days // 20
    assert server.renewer.failed == 0
    assert set(server.lines) == {("info", "certificate-renewed")}


def test_a_certificate_for_another_name_is_not_taken(server: Server) -> None:
    server.names = ("other.test",)
    before = server.path.read_bytes()

    with pytest.raises(SettingsError) as caught:
        ran(server.renewer.renew())

    assert "name-mismatch" in {fault.code for fault in caught.value.faults}
    assert server.path.read_bytes() == before


def test_a_name_may_come_and_goes_only_when_it_is_on_no_list(server: Server) -> None:
    """Issue 5 (7): a server that is renamed has both names for a while."""
    server.names = ("lui.test", "hub.test", "x.test")
    ran(server.renewer.renew())
    assert dns_names(server.on_disk.chain[0]) == server.names

    server.names = ("lui.test",)
    with pytest.raises(SettingsError) as caught:
        ran(server.renewer.renew())
    (fault,) = caught.value.faults
    assert (fault.code, fault.expected, fault.presented) == (
        "reload-refused",
        "hub.test, lui.test",
        "lui.test",
    )
    assert len(dns_names(server.on_disk.chain[0])) == 3

    server.names = ("lui.test", "hub.test")
    ran(server.renewer.renew())
    assert dns_names(server.on_disk.chain[0]) == server.names


def test_what_a_reload_refuses_is_put_back(server: Server) -> None:
    server.faults = (Fault(code="root-not-spread", why="hub.test does not know the new CA."),)
    before = server.path.read_bytes()

    with pytest.raises(SettingsError) as caught:
        ran(server.renewer.renew())

    assert [fault.code for fault in caught.value.faults] == ["root-not-spread"]
    assert server.path.read_bytes() == before
    assert server.trust.current is not None
    assert server.trust.current.identity is server.old


def test_a_key_that_is_no_longer_in_the_keystore_is_told_and_nothing_is_written(
    server: Server,
) -> None:
    other = Keystore(entries={"server": server.authority.issue("lui.test")})
    server.path.write_bytes(dumps(other, PASSWORD, format=StoreFormat.PKCS12))
    before = server.path.read_bytes()

    with pytest.raises(SettingsError) as caught:
        ran(server.renewer.renew())

    assert [fault.code for fault in caught.value.faults] == ["reload-incomplete"]
    assert server.path.read_bytes() == before


def test_failing_is_told_once_for_each_grade_and_in_the_end_that_it_is_too_late(
    server: Server,
) -> None:
    server.failure = ConnectFailed("HUB is away.", peer="hub.test", code="no-answer")
    server.most_waits = 2000
    with pytest.raises(Enough):
        ran(server.renewer.run())

    assert server.lines == [
        ("warning", "renewal-failing no-answer"),
        ("error", "renewal-failing no-answer"),
        ("error", "renewal-failing no-answer"),
        ("error", "renewal-failing renewal-too-late"),
    ]
    assert server.on_disk.chain == server.old.chain


def test_a_renewal_that_is_waited_for_is_tried_again_soon(server: Server) -> None:
    """HUB, which asked for it, was restarted at that moment."""
    away = ConnectFailed("HUB is away", peer="hub.test", phase="connect", code="connection-refused")
    server.failure, server.most_waits = away, 12
    server.renewer.renew_soon("it is to be for two names")
    with pytest.raises(Enough):
        ran(server.renewer.run())
    usual = retry_pause(DAYS_30, 0.0)
    assert server.waits == [min(usual, 5.0 * 2**n) for n in range(13)]
    assert (usual, server.renewer.failed) == (1800.0, 13)

    server.failure, server.waits, server.most_waits = None, [], 0
    with pytest.raises(Enough):
        ran(server.renewer.run())
    assert server.renewer.renewed == 1


def test_whoever_wants_it_sooner_gets_it_once(server: Server) -> None:
    server.renewer.renew_soon("a new issuing certificate")
    server.renewer.renew_soon("a new issuing certificate")
    server.most_waits = 10
    with pytest.raises(Enough):
        ran(server.renewer.run())

    assert server.renewer.renewed == 1
    assert server.lines == [("info", "renewal"), ("info", "certificate-renewed")]


@pytest.mark.parametrize(
    ("share", "wanted"), [(0.5, 0), (0.33, 1), (0.2, 1), (0.16, 2), (0.09, 3), (0.0, 3)]
)
def test_how_bad_a_failing_renewal_is(share: float, wanted: int) -> None:
    assert grade(share) == wanted


def test_attempts_are_spaced_by_the_life_and_never_by_more_than_an_hour() -> None:
    assert retry_pause(timedelta(days=30), 1.0) == 3600
    assert retry_pause(timedelta(seconds=90), 1.0) == 3
    assert retry_pause(timedelta(seconds=1), 0.0) == 0.5
