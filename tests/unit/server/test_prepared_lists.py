"""What is prepared stays good while it waits: HUB's lists are renewed, and given to the others."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.cli import main
from sottovoce.contracts import HeartbeatReply, SwitchWord
from sottovoce.errors import ConnectFailed, Fault, SettingsError
from sottovoce.hub.authority import LIST_LIFETIME, Issuer
from sottovoce.net import utc_now
from sottovoce.pki import KeyAlgorithm, generate_key
from sottovoce.policy import Component
from sottovoce.server import Home, read_plan, renew_before_start
from sottovoce.server.healing import ListHealer
from sottovoce.server.list_ages import ListAges
from sottovoce.server.prepared_lists import publish_lists, take_lists
from sottovoce.server.preparing import accept_reply, ask_for, reply_print, sign_request
from sottovoce.server.switch_watch import SwitchWatch
from sottovoce.server.switching import Stage, examine, move_switch, ready_of, stage_of
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import own_faults

HUB, LUI = "hub.example", "lui.example"
DAY = timedelta(days=1)


@dataclass
class Pair:
    """HUB's and LUI's homes, plain and prepared."""

    hub: Home
    lui: Home
    now: datetime

    @property
    def issuer(self) -> Issuer:
        issuer = Issuer.open(self.hub.path)
        assert issuer is not None
        return issuer

    def lists(self) -> tuple[bytes, ...]:
        found = self.issuer.revocation_lists(self.now)
        return tuple(crl.public_bytes(Encoding.DER) for crl in found)


@dataclass
class Silent:
    """A log that is kept."""

    warnings: list[str] = field(default_factory=list)

    def info(self, event: str, /, **_: Any) -> None:
        """Not kept."""

    error = info

    def warning(self, event: str, /, **_: Any) -> None:
        self.warnings.append(event)


@pytest.fixture(scope="module")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    now, place = utc_now(), tmp_path_factory.mktemp("pair") / "now"
    hub, lui = Home(place / "hub"), Home(place / "lui")
    places = {"--lui": LUI, "--tracker": HUB, "--hub": HUB}
    for home, name, components, words in (
        (hub, HUB, "hub,trk", ("--lui", "--tracker")),
        (lui, LUI, "lui", ("--hub", "--tracker")),
    ):
        line = ["init", "--home", str(home.path), "--name", name, "--components", components]
        line += ["--smtp-host", "127.0.0.1"] if "lui" in components else []
        assert main([*line, *(each for word in words for each in (word, places[word]))]) == 0
    prepare = ("secure", "prepare", "--home", str(hub.path))
    assert main([*prepare, "--own-ca", str(place / "root")]) == 0
    made = Pair(hub, lui, now)
    request = ask_for(lui, lui.settings(), now)
    data = sign_request(
        request,
        made.issuer,
        places={Component.HUB: HUB, Component.LUI: LUI, Component.TRK: HUB},
        lifetime=30 * DAY,
        now=now,
    ).data()
    accept_reply(lui, lui.settings(), data, expected=reply_print(data), now=now)
    shutil.copytree(place, place.with_name("kept"))
    return made


@pytest.fixture
def pair(_prepared: Pair) -> Iterator[Pair]:
    """The homes as they were prepared; they stay at their place, which stands in their files."""
    yield _prepared
    place = _prepared.hub.path.parent
    shutil.rmtree(place)
    shutil.copytree(place.with_name("kept"), place)


def codes(home: Home, at: datetime) -> list[str]:
    """Why a server would not start secured then."""
    try:
        examine(home, at=at)
    except SettingsError as error:
        return [fault.code for fault in error.faults]
    return []


def test_what_was_prepared_a_week_ago_still_starts(pair: Pair) -> None:
    """HUB's server signs its lists anew; LUI's takes them from HUB's word, signature and all."""
    ready = ready_of(pair.lui, at=pair.now)
    assert ready is not None
    assert ready.until is not None
    assert ready.until > pair.now + 29 * DAY
    assert ready.lists_until is not None
    assert ready.lists_until <= utc_now() + LIST_LIFETIME
    later = pair.now + 7 * DAY
    for home in (pair.hub, pair.lui):
        assert set(codes(home, later)) == {"revocation-list-expired"}
    assert publish_lists(pair.hub, later)
    assert not publish_lists(pair.hub, later)
    assert codes(pair.hub, later) == []
    lists = replace(pair, now=later).lists()
    # Another authority's list, one that is cut, and none at all change nothing.
    stranger = ThrowAwayAuthority(at=later).authority
    theirs = stranger.revocation_list([], this_update=later, next_update=later + DAY, number=9)
    for other in ((theirs.public_bytes(Encoding.DER),), (lists[0][:-9],), ()):
        assert not take_lists(pair.lui, other, later)
    assert take_lists(pair.lui, lists, later)
    assert not take_lists(pair.lui, lists, later)
    assert codes(pair.lui, later) == []
    # Switched, and not restarted for another week.
    move_switch(pair.lui)
    move_switch(pair.hub)
    latest = later + 7 * DAY
    assert take_lists(pair.lui, replace(pair, now=latest).lists(), latest)
    assert codes(pair.lui, latest) == []
    with pytest.raises(SettingsError):
        read_plan(pair.hub.path, at=latest)
    renew_before_start(pair.hub.path, now=latest)
    assert read_plan(pair.hub.path, at=latest).secured


def test_an_old_list_does_not_come_back(pair: Pair) -> None:
    """Whoever stands between HUB and LUI may show an old word; it is not taken."""
    old = pair.lists()
    later = pair.now + DAY
    assert take_lists(pair.lui, replace(pair, now=later).lists(), later)
    assert not take_lists(pair.lui, old, later)


@dataclass
class Healing:
    """LUI's healer, whose clock and HUB are moved by hand."""

    home: Home
    at: datetime
    given: tuple[bytes, ...] = ()
    away: Exception | None = None
    reloads: list[str] = field(default_factory=list)
    log: Silent = field(default_factory=Silent)

    def healer(self) -> ListHealer:
        return ListHealer(
            home=self.home,
            lists=ListAges(self.log, self.at, managed=True),
            fetch=self.fetch,
            reload=self.reload,
            clock=lambda: self.at,
            log=self.log,
        )

    async def fetch(self) -> tuple[bytes, ...]:
        if self.away is not None:
            raise self.away
        return self.given

    async def reload(self, reason: str) -> tuple[Fault, ...]:
        self.reloads.append(reason)
        return ()


def test_what_is_forged_old_or_overdue_heals_nothing(pair: Pair) -> None:
    """Whoever stands between can give nothing but HUB's own newer lists."""
    old = pair.lists()
    later = pair.now + DAY
    assert take_lists(pair.lui, replace(pair, now=later).lists(), later)
    move_switch(pair.lui)
    at = later + 7 * DAY
    folder = pair.lui.settings().revocation_lists
    assert folder is not None
    before = {path: path.read_bytes() for path in folder.iterdir()}
    # One of the same name, signed by another key: HUB's own issuer is named in it.
    real = pair.issuer.certificate
    forger = generate_key(KeyAlgorithm.EC_P256)
    forged, unreadable = (
        (
            x509.CertificateRevocationListBuilder()
            .issuer_name(real.subject)
            .last_update(at)
            .next_update(at + DAY)
            .add_extension(extension, critical=False)
            .sign(forger, hashes.SHA256())
        ).public_bytes(Encoding.DER)
        for extension in (
            x509.CRLNumber(10**6),
            x509.UnrecognizedExtension(x509.AuthorityKeyIdentifier.oid, b"\xff"),
        )
    )
    stranger = ThrowAwayAuthority(at=at).authority
    theirs = stranger.revocation_list([], this_update=at, next_update=at + DAY, number=9)
    case = Healing(pair.lui, at)
    healer = case.healer()
    for given, reason in (
        ((forged,), "not signed by the authority that it names"),
        ((theirs.public_bytes(Encoding.DER),), "no authority that counts here"),
        (old, "it ended"),
        (replace(pair, now=later).lists(), "it ended"),
        ((unreadable,), "the list cannot be read"),
        ((forged[:-9],), "no newer list that counts here"),
    ):
        case.given, known = given, len(case.log.warnings)
        asyncio.run(healer.heal())
        asyncio.run(healer.heal())  # said once
        assert len(case.log.warnings) == known + (2 if given == (forged,) else 1)
        assert reason in case.log.warnings[-1]
    case.away = ConnectFailed("nobody there", peer="HUB", phase="connect", faults=())
    asyncio.run(healer.heal())
    assert "nobody there" in case.log.warnings[-1]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert case.reloads == []
    # A forged one beside HUB's own keeps nobody from healing.
    case.away, case.given = None, (forged, *replace(pair, now=at).lists())
    asyncio.run(healer.heal())
    assert case.reloads == ["revocation lists fetched from HUB"]
    assert codes(pair.lui, at) == []


def test_a_server_starts_with_overdue_lists_only_where_hub_is_elsewhere(pair: Pair) -> None:
    """It lets nobody in before it has new ones; HUB's own server has no need of it."""
    move_switch(pair.lui)
    move_switch(pair.hub)
    at = pair.now + 7 * DAY
    plan = read_plan(pair.lui.path, at=at, starting=True)
    assert [each.code for each in plan.warnings if each.code == "revocation-list-expired"]
    assert plan.generation is not None
    refused = own_faults(plan.generation, at=at)
    assert [fault.code for fault in refused] == ["revocation-list-expired"]
    for path, starting in ((pair.lui.path, False), (pair.hub.path, True)):
        with pytest.raises(SettingsError):
            read_plan(path, at=at, starting=starting)


def test_the_watch_of_a_plain_server_looks_after_its_lists(pair: Pair) -> None:
    """On HUB's server by itself, elsewhere with HUB's word; the report follows."""
    later, log = pair.now + 3 * DAY, Silent()
    hub, lui = (SwitchWatch(home, clock=lambda: later, log=log) for home in (pair.hub, pair.lui))
    hub.look()
    assert hub.report is not None
    assert hub.report.code == ""
    lui.look()
    assert lui.report is not None
    assert lui.report.code == "revocation-list-expired"
    word = SwitchWord(rev="1", ready=True, lists=replace(pair, now=later).lists())
    lui.heard(HeartbeatReply(settings_rev=1, switch=word))
    lui.look()
    assert lui.report.code == ""
    assert log.warnings == []
    assert b"lists" not in (pair.lui.path / "run" / "switch.json").read_bytes().replace(
        b'"lists":[]', b""
    )


def test_a_plain_server_has_no_lists_to_look_after(pair: Pair, tmp_path: Path) -> None:
    pair.lui.ssl_ini.with_suffix(".ini.prepared").unlink()
    assert stage_of(pair.lui) is Stage.PLAIN
    assert not take_lists(pair.lui, pair.lists(), pair.now)
    renew_before_start(tmp_path / "nowhere", now=pair.now)
    assert not (tmp_path / "nowhere").exists()
