"""HUB's trust becomes a server's own files, whole or not at all."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sottovoce.contracts import HeartbeatReply, TrustBundle, TrustSince
from sottovoce.errors import ConnectFailed, Fault, SettingsError, SottovoceError
from sottovoce.hub import bundle_of
from sottovoce.net import utc_now
from sottovoce.pki import Revocation
from sottovoce.policy import AllowedClients, Component
from sottovoce.server import Home, read_plan
from sottovoce.server.following import Follower, Prepared, prepare
from sottovoce.store import write_atomically
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises
from sottovoce.tls import Trust, TrustGeneration


@dataclass
class Place:
    """A server that follows, and the HUB that it follows, as values."""

    premises: Premises
    authority: ThrowAwayAuthority
    folder: Path
    lines: list[tuple[str, str]] = field(default_factory=list)
    reloads: list[str] = field(default_factory=list)
    refused: tuple[Fault, ...] = ()
    bundle: TrustBundle | None = None
    failure: SottovoceError | None = None

    def __post_init__(self) -> None:
        self.home = Home(self.premises.path)
        self.trust = Trust(self.on_disk())
        self.follower = Follower(
            home=self.home,
            settings=self.home.settings(),
            trust=self.trust,
            fetch=self.fetch,
            reload=self.reload,
            clock=utc_now,
            log=self,
        )

    def on_disk(self) -> TrustGeneration:
        generation = read_plan(self.premises.path, at=utc_now()).generation
        assert generation is not None
        return generation

    async def fetch(self, asked: TrustSince) -> TrustBundle:
        if self.failure is not None:
            raise self.failure
        assert self.bundle is not None
        assert asked.rev == self.follower.rev
        return self.bundle

    async def reload(self, reason: str) -> tuple[Fault, ...]:
        self.reloads.append(reason)
        if not self.refused:
            self.trust.current = await asyncio.to_thread(self.on_disk)
        return self.refused

    def info(self, _event: str, /, **fields: Any) -> None:
        self.lines.append(("info", fields["action"]))

    def warning(self, _event: str, /, **fields: Any) -> None:
        self.lines.append(("warning", fields["code"]))

    error = warning

    def crl(self, number: int, *serials: int) -> x509.CertificateRevocationList:
        now = utc_now()
        return self.authority.authority.revocation_list(
            [Revocation(serial=serial, date=now) for serial in serials],
            this_update=now - timedelta(hours=1),
            next_update=now + timedelta(days=2),
            number=number,
        )

    def given(
        self,
        *allowed: str,
        roots: tuple[x509.Certificate, ...] = (),
        crls: tuple[x509.CertificateRevocationList, ...] = (),
    ) -> TrustBundle:
        """Return what HUB gives out when it has this in force."""
        current = self.on_disk()
        return bundle_of(
            TrustGeneration.make(
                number=1,
                own_name="hub.test",
                identity=current.identity,
                roots=(self.authority.root, *roots),
                allowed=AllowedClients(allowed),
                crls=crls or (self.crl(2),),
            )
        )

    def files(self) -> dict[str, bytes]:
        path = self.premises.path
        found = [path / "conf" / "cacerts", self.home.ssl_ini, *self.folder.iterdir()]
        return {str(file.relative_to(path)): file.read_bytes() for file in found}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    authority = ThrowAwayAuthority(at=utc_now())
    path = tmp_path / "home"
    folder = path / "conf" / "revocation"
    premises = Premises.make(
        path,
        name="trk.test",
        components=[Component.TRK],
        authority=authority,
        allowed=("hub.test", "trk.test"),
        values={
            "server.ini": {"RevocationLists": str(folder)},
            "trk/tracker.ini": {"HubHost": "hub.test", "LuiHost": "lui.test"},
        },
    ).secure()
    folder.mkdir()
    now = utc_now()
    empty = authority.authority.revocation_list(
        [], this_update=now - timedelta(hours=1), next_update=now + timedelta(days=1), number=1
    )
    from sottovoce.pki import dump_crl

    (folder / "first.crl").write_bytes(dump_crl(empty))
    return Place(premises, authority, folder)


def test_equal_trust_has_an_equal_revision_and_any_change_another(place: Place) -> None:
    crl = place.crl(7)
    one = place.given("hub.test", "trk.test", crls=(crl,))
    other = ThrowAwayAuthority("Other", at=utc_now()).root

    assert one == place.given("trk.test", "hub.test", crls=(crl,))
    assert one.rev != place.given("hub.test", "trk.test", "lui.test", crls=(crl,)).rev
    assert one.rev != place.given("hub.test", "trk.test", roots=(other,), crls=(crl,)).rev
    assert one.rev != place.given("hub.test", "trk.test", crls=(place.crl(8),)).rev


async def test_what_hub_gives_out_is_in_force_and_in_the_files(place: Place) -> None:
    ini = await asyncio.to_thread(place.home.ssl_ini.read_bytes)
    other = ThrowAwayAuthority("Next root", at=utc_now()).root
    place.bundle = place.given("hub.test", "lui.test", "trk.test", roots=(other,))
    before = place.follower.rev

    place.follower.heard(HeartbeatReply(settings_rev=1, trust_rev=place.bundle.rev))
    await place.follower.follow()

    generation = place.trust.current
    assert generation is not None
    assert place.follower.rev == place.bundle.rev != before
    assert set(generation.roots) == {place.authority.root, other}
    assert generation.allowed.names == ("hub.test", "lui.test", "trk.test")
    assert not (place.folder / "first.crl").exists()
    assert place.home.ssl_ini.stat().st_mode & 0o777 == 0o600
    kept = [line for line in ini.splitlines() if not line.startswith(b"SSLAllowedClients")]
    after = await asyncio.to_thread(place.home.ssl_ini.read_bytes)
    assert [x for x in after.splitlines() if not x.startswith(b"SSLAllowedClients")] == kept
    assert place.lines == [("info", "trust-taken-over")]
    assert place.reloads == ["trust from HUB"]


@pytest.mark.parametrize(
    ("allowed", "code"),
    [(("hub.test", "lui.test"), "own-name-missing"), (("hub.test", "-bad-"), "trust-not-applied")],
)
async def test_a_list_without_this_server_or_that_cannot_be_read_changes_nothing(
    place: Place, allowed: tuple[str, ...], code: str
) -> None:
    good = place.given("hub.test", "trk.test")
    place.bundle = TrustBundle(rev="x", roots=good.roots, crls=good.crls, allowed=allowed)
    before = place.files()

    with pytest.raises(SettingsError) as caught:
        await place.follower.follow()

    assert [fault.code for fault in caught.value.faults] == [code]
    assert place.files() == before
    assert place.reloads == []


async def test_roots_under_which_this_server_is_a_stranger_change_nothing(place: Place) -> None:
    stranger = ThrowAwayAuthority("Stranger", at=utc_now())
    good = place.given("hub.test", "trk.test")
    place.bundle = TrustBundle(
        rev="x", roots=bundle_of_roots(stranger.root), crls=good.crls, allowed=good.allowed
    )
    before = place.files()

    with pytest.raises(SettingsError) as caught:
        await place.follower.follow()

    assert caught.value.faults[0].code in {"issuer-unknown", "root-untrusted"}
    assert place.files() == before


def bundle_of_roots(*roots: x509.Certificate) -> tuple[bytes, ...]:
    from cryptography.hazmat.primitives.serialization import Encoding

    return tuple(root.public_bytes(Encoding.DER) for root in roots)


async def test_a_certificate_of_this_server_that_is_revoked_is_told_and_nothing_changes(
    place: Place,
) -> None:
    generation = place.trust.current
    assert generation is not None
    serial = generation.identity.chain[0].serial_number
    place.bundle = place.given("hub.test", "trk.test", crls=(place.crl(3, serial),))

    with pytest.raises(SettingsError) as caught:
        await place.follower.follow()

    assert [fault.code for fault in caught.value.faults] == ["revoked"]


async def test_what_is_not_taken_into_force_is_put_back(place: Place) -> None:
    place.bundle = place.given("hub.test", "lui.test", "trk.test")
    place.refused = (Fault(code="reload-refused", why="A partner would refuse."),)
    before = place.files()

    with pytest.raises(SettingsError):
        await place.follower.follow()

    assert place.files() == before
    assert place.follower.rev != place.bundle.rev


@pytest.mark.parametrize("steps", range(4))
async def test_a_kill_between_two_files_leaves_a_server_that_starts_and_trusts_hub(
    place: Place, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ThrowAwayAuthority("Next root", at=utc_now()).root
    place.bundle = place.given("hub.test", "lui.test", "trk.test", roots=(other,))
    current = place.trust.current
    assert current is not None
    prepared: Prepared = prepare(
        place.bundle,
        home=place.home,
        settings=place.home.settings(),
        generation=current,
        at=utc_now(),
    )
    assert len(prepared.lists) + len(prepared.rest) == 3

    class Killed(BaseException):
        pass

    done = 0

    def until_killed(path: Path, data: bytes, **more: Any) -> None:
        nonlocal done
        if done == steps:
            raise Killed
        done += 1
        write_atomically(path, data, **more)

    monkeypatch.setattr("sottovoce.server.following.write_atomically", until_killed)
    if steps < 3:
        with pytest.raises(Killed):
            prepared.write()
    else:
        prepared.write()

    generation = await asyncio.to_thread(place.on_disk)
    assert place.authority.root in generation.roots
    assert "hub.test" in generation.allowed


async def test_why_it_was_not_taken_over_is_told_once_and_tried_again(place: Place) -> None:
    place.bundle = place.given("hub.test", "lui.test", "trk.test")
    place.failure = ConnectFailed("HUB is away.", peer="hub.test", code="no-answer")
    place.follower._pause = 0.01
    tries = 0
    fetch = place.follower._fetch

    async def counted(asked: TrustSince) -> TrustBundle:
        nonlocal tries
        tries += 1
        if tries == 4:
            place.failure = None
        return await fetch(asked)

    place.follower._fetch = counted
    place.follower.heard(HeartbeatReply(settings_rev=1, trust_rev=place.bundle.rev))
    task = asyncio.ensure_future(place.follower.run())
    async with asyncio.timeout(20):
        while place.follower.rev != place.bundle.rev:  # noqa: ASYNC110 - a fact, not an event
            await asyncio.sleep(0.01)
    task.cancel()

    assert place.lines == [("warning", "no-answer"), ("info", "trust-taken-over")]
    assert (tries, place.follower.failure) == (4, "")


async def test_a_new_revision_is_fetched_at_once_and_one_in_force_never(place: Place) -> None:
    fetched: list[str] = []
    place.bundle = place.given("hub.test", "trk.test")

    async def counted(asked: TrustSince) -> TrustBundle:
        fetched.append(asked.rev)
        raise ConnectFailed("HUB is away.", peer="hub.test", code="no-answer")

    place.follower._fetch = counted
    task = asyncio.ensure_future(place.follower.run())
    for rev in (place.follower.rev, "", "one", "one", "two"):
        place.follower.heard(HeartbeatReply(settings_rev=1, trust_rev=rev))
        await asyncio.sleep(0.02)
    task.cancel()

    assert len(fetched) == 2
