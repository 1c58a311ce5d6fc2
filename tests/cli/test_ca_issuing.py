"""``sottovoce ca`` with the two authorities of an installation: the root, and HUB's issuing one."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from sottovoce.contracts import Status
from sottovoce.hub import schema
from sottovoce.hub.authority import STEPS, Issuer
from sottovoce.hub.home import open_database
from sottovoce.ini import Secret
from sottovoce.keystore import loads
from sottovoce.net import utc_now
from sottovoce.pki import (
    KeyAlgorithm,
    common_name,
    dns_names,
    dump_request,
    fingerprint,
    generate_key,
    load_certificates,
    load_crls,
    make_request,
    parse_name,
)
from sottovoce.server import Plan, read_plan

if TYPE_CHECKING:
    from tests.cli.conftest import Printed, Run


class Estate:
    """HUB's home, secured by its own root, at a place that stays; each test gets it anew."""

    def __init__(self, place: Path, run: "Run") -> None:
        self.home = place / "home"
        self.root = place / "root"
        self._run = run

    def ca(self, verb: str, *words: str | Path, root: bool = True, home: bool = True) -> "Printed":
        places = [*(("--dir", self.root) if root else ()), *(("--home", self.home) if home else ())]
        return self._run("ca", verb, *places, *words)

    def made(self, verb: str, *words: str, root: bool = True, home: bool = True) -> Any:
        printed = self.ca(verb, *words, "--json", root=root, home=home)
        assert printed.status == 0, printed.text
        return json.loads(printed.out)

    @property
    def issuer(self) -> Issuer:
        found = Issuer.open(self.home)
        assert found is not None
        return found

    @property
    def plan(self) -> Plan:
        """HUB's server as a start would find it: also that all is right with its files."""
        return read_plan(self.home, at=utc_now())

    @property
    def leaf(self) -> Any:
        generation = self.plan.trust.current
        assert generation is not None
        return generation.identity.chain

    def reported(self, server: str, **facts: Any) -> None:
        """Have a component on *server* report, as its heartbeats do."""
        asyncio.run(_report(self.home, server, Status(**facts)))


async def _report(home: Path, server: str, status: Status) -> None:
    import msgspec

    now = utc_now()
    values = {
        "name": server.partition(".")[0],
        "server": server,
        "instance": "i",
        "version": "1",
        "started": now,
        "listens": "",
        "secured": True,
        "fingerprint": "",
        "connection_id": "",
        "clock_offset": 0.0,
        "hello_at": now,
        "last_seen": now,
        "status": msgspec.json.encode(status).decode(),
    }
    async with await open_database(home) as database, database.write() as connection:
        insert = sa.insert(schema.component).prefix_with("OR REPLACE")
        await connection.execute(insert.values(values))


@pytest.fixture(scope="module")
def _place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sottovoce.cli import main

    place = tmp_path_factory.mktemp("estate")
    words = ["--name", "hub.test", "--components", "hub", "--lui", "lui.test"]
    words += ["--tracker", "trk.test", "--ca-name", "Example Root"]
    line = ["init", "--home", str(place / "now" / "home"), *words]
    assert main([*line, "--own-ca", str(place / "now" / "root")]) == 0
    shutil.copytree(place / "now", place / "kept")
    return place


@pytest.fixture
def estate(_place: Path, sottovoce: "Run") -> Iterator[Estate]:
    yield Estate(_place / "now", sottovoce)
    shutil.rmtree(_place / "now")
    shutil.copytree(_place / "kept", _place / "now")


def request_file(path: Path, name: str) -> Path:
    key = generate_key(KeyAlgorithm.EC_P256)
    made = make_request(key, subject=parse_name(f"CN={name}"), names=[name])
    path.write_bytes(dump_request(made))
    return path


def test_a_request_from_outside_is_signed_by_either(estate: Estate, tmp_path: Path) -> None:
    """W13: the keytool round trip goes on under both authorities; the issuing one has limits."""
    out, request = tmp_path / "reply.pem", request_file(tmp_path / "r", "trk.test")
    words = ("--request", request, "--out", out, "--component", "trk")

    by_hub = estate.ca("sign", *words, root=False)
    leaf, issuing, root = load_certificates(out.read_bytes())
    by_root = estate.ca("sign", *words, home=False)
    foreign = request_file(tmp_path / "f", "evil.test")
    refused = estate.ca("sign", "--request", foreign, "--out", tmp_path / "no", root=False)

    assert (by_hub.status, by_root.status, refused.status) == (0, 0, 2)
    assert dns_names(leaf) == ("trk.test",)
    assert (issuing, (root,)) == (estate.issuer.certificate, estate.issuer.roots)
    assert len(load_certificates(out.read_bytes())) == 2
    assert "may not certify" in refused.err
    assert not (tmp_path / "no").exists()


def test_one_authority_is_meant(estate: Estate, tmp_path: Path) -> None:
    words = ("--request", tmp_path / "r", "--out", tmp_path / "o")

    for places in ({}, {"root": False, "home": False}):
        printed = estate.ca("sign", *words, **places)
        assert (printed.status, "Name one authority" in printed.err) == (64, True)


def test_the_list_shows_both(estate: Estate) -> None:
    (issuing,) = estate.made("list", home=False)
    (own,) = estate.made("list", root=False)
    lines = estate.ca("list").out.splitlines()

    assert (issuing["authority"], issuing["names"]) == (True, ["hub.test", "lui.test", "trk.test"])
    assert (own["authority"], own["names"]) == (False, ["hub.test"])
    assert [line.rpartition("  ")[2] for line in lines] == ["issuing", "hub"]
    assert estate.made("list") == [issuing, own]


def _lists(estate: Estate) -> dict[str, set[int]]:
    found = {}
    for path in (estate.home / "conf" / "revocation").iterdir():
        (crl,) = load_crls(path.read_bytes())
        found[path.name.split("-")[1].partition(".")[0]] = {item.serial_number for item in crl}
    return found


def test_a_revocation_lies_where_hub_gives_it_out(estate: Estate, tmp_path: Path) -> None:
    """R1: no second command is needed."""
    for name in ("a", "b"):
        request = request_file(tmp_path / name, "trk.test")
        estate.ca("sign", "--request", request, "--out", tmp_path / "out", root=False)
    first, second = (
        int(entry["serial"], 16)
        for entry in estate.made("list", root=False)
        if entry["names"] == ["trk.test"]
    )

    one = estate.ca("revoke", f"{first:x}", "--reason", "superseded", root=False)
    rest = estate.made("revoke", "--server", "trk.test", "--reason", "keyCompromise", root=False)

    assert (one.status, "every server with its next heartbeat" in one.out) == (0, True)
    assert [int(entry["serial"], 16) for entry in rest["revoked"]] == [second]
    assert _lists(estate)["issuing"] == {first, second}
    assert estate.plan.secured


def test_without_revocation_lists_a_revocation_is_said_to_be_in_vain(estate: Estate) -> None:
    """R5: soft by omission is said loudly."""
    ini = estate.home / "server.ini"
    lines = [
        line for line in ini.read_text().splitlines() if not line.startswith("RevocationLists")
    ]
    ini.write_text("\n".join(lines))

    printed = estate.ca("revoke", "--server", "hub.test", root=False)

    assert printed.status == 1
    assert "nobody learns it" in printed.err


@pytest.mark.parametrize(
    "words",
    [(), ("abcd", "--server", "x.test"), ("--issuing", "--server", "x.test")],
)
def test_what_to_revoke_is_said_once(estate: Estate, words: tuple[str, ...]) -> None:
    assert estate.ca("revoke", *words).status == 64


def test_names_are_added_under_the_root(estate: Estate) -> None:
    made = estate.made("issuing", "--add-host", "new.test")

    assert made["hosts"] == ["hub.test", "lui.test", "trk.test", "new.test"]
    assert estate.made("issuing", "--host", "hub.test", "--host", "x.test")["hosts"] == [
        "hub.test",
        "x.test",
    ]
    assert estate.plan.secured


def test_a_stolen_issuing_key_is_replaced_by_two_commands(estate: Estate) -> None:
    before = estate.leaf

    revoked = estate.ca("revoke", "--issuing", "--reason", "cACompromise")
    made = estate.made("issuing", "--new-key")

    assert revoked.status == 0, revoked.text
    assert "ca issuing --new-key" in revoked.out
    assert made["own_certificate"] == fingerprint(estate.leaf[0]) != fingerprint(before[0])
    assert estate.leaf[1] == estate.issuer.certificate != before[1]
    assert dns_names(estate.leaf[0]) == dns_names(before[0])
    assert estate.ca("issuing", "--new-key").status == 2


def test_create_makes_both_authorities(tmp_path: Path, sottovoce: "Run") -> None:
    """A plain home keeps its mode: it only trusts the new root, and HUB can issue."""
    home, root = tmp_path / "home", tmp_path / "root"
    hub = ("--name", "hub.test", "--components", "hub", "--lui", "lui.test", "--tracker", "t.test")
    sottovoce("init", "--home", home, *hub)
    words = ("--name", "Example Root", "--home", home, "--json")

    inside = sottovoce("ca", "create", "--dir", home / "conf" / "ca", *words)
    printed = sottovoce("ca", "create", "--dir", root, *words)
    again = sottovoce("ca", "issuing", "--dir", root, "--home", home)

    assert (inside.status, printed.status, again.status) == (2, 0, 0)
    assert not (home / "conf" / "ca").exists()
    made = json.loads(printed.out)
    assert made["issuing"]["hosts"] == ["hub.test", "lui.test", "t.test"]
    secret = Secret((home / "conf" / "cacerts.password").read_text().strip())
    (trusted,) = loads((home / "conf" / "cacerts").read_bytes(), secret).trusted
    assert fingerprint(trusted) == made["fingerprint"]
    assert not read_plan(home, at=utc_now()).secured


def test_a_home_gets_its_issuing_authority_later(tmp_path: Path, sottovoce: "Run") -> None:
    home, root = tmp_path / "home", tmp_path / "root"
    sottovoce("init", "--home", home, "--name", "a.test", "--smtp-host", "m.test")
    sottovoce("ca", "create", "--dir", root, "--name", "Example Root")
    places = ("--dir", root, "--home", home)

    without = sottovoce("ca", "list", "--home", home)
    early = sottovoce("ca", "issuing", *places, "--new-key")
    made = sottovoce("ca", "issuing", *places, "--add-host", "b.test")
    trk = tmp_path / "trk"
    sottovoce("init", "--home", trk, "--name", "t.test", "--components", "trk", "--hub", "a.test",
              "--lui", "a.test")  # fmt: skip
    wrong = sottovoce("ca", "issuing", "--dir", root, "--home", trk)

    assert [each.status for each in (without, early, made, wrong)] == [2, 64, 0, 64]
    assert "ca issuing --dir" in without.err
    assert "a.test, b.test" in made.out


def _all_follow(estate: Estate) -> None:
    """LUI and TRK do as HUB does, and report so."""
    roots = tuple(fingerprint(root) for root in estate.issuer.roots)
    above = fingerprint(estate.issuer.certificate)
    for server in ("lui.test", "trk.test"):
        estate.reported(server, roots=roots, issuer=above)


def test_the_root_is_replaced_from_the_command_line(estate: Estate) -> None:
    """Issue 5 (7): each step in its turn, held back by name while a server is not there yet."""
    assert estate.ca("rollover").status == 64
    shown = estate.ca("rollover", "--show")
    assert "No rollover is under way; the root is 'Example Root'" in shown.out
    _all_follow(estate)
    begun = estate.made("rollover", "--name", "Example Root 2")
    assert (begun["taken"], begun["next"]) == ("made", "trusted")
    assert begun["servers"]["hub.test"] == {"trusts": True, "renewed": False}

    held = estate.ca("rollover")
    assert held.status == 2
    assert "not trusted yet by lui.test, trk.test" in held.err
    _all_follow(estate)
    assert [estate.made("rollover")["taken"] for _ in range(2)] == ["trusted", "issuing"]
    late = estate.ca("rollover")
    assert "certificate of hub.test, lui.test, trk.test is not from the new" in late.err
    _renew_hub(estate)
    _all_follow(estate)
    assert "√ renewed" in estate.ca("rollover", "--step", "renewed").out
    done = estate.ca("rollover")

    assert "'Example Root 2' is the installation's root" in done.out
    (root,) = estate.issuer.roots
    assert common_name(root) == "Example Root 2"
    generation = estate.plan.trust.current
    assert generation is not None
    assert tuple(generation.roots) == (root,)
    assert set(_lists(estate)) == {"issuing", "root"}
    assert len(STEPS) == 5


def test_a_rollover_is_left_from_the_command_line(estate: Estate) -> None:
    """HUB's server drops the new root and its lists; later, the reason against it is told."""
    assert estate.ca("rollover", "--abandon", "--show").status == 64
    none = estate.ca("rollover", "--abandon")
    assert (none.status, "nothing to leave" in none.err) == (2, True)
    before, lists = estate.issuer.roots, set(_lists(estate))
    estate.made("rollover", "--name", "Example Root 2")
    _all_follow(estate)
    assert estate.made("rollover")["taken"] == "trusted"
    trusted = estate.plan.trust.current
    assert trusted is not None
    assert len(trusted.roots) == 2

    done = estate.ca("rollover", "--abandon")

    assert done.status == 0
    assert "'Example Root' stays the installation's root" in done.out
    generation = estate.plan.trust.current
    assert generation is not None
    assert generation.roots == estate.issuer.roots == before
    assert set(_lists(estate)) == lists

    estate.made("rollover", "--name", "Example Root 3")
    _all_follow(estate)
    assert [estate.made("rollover")["taken"] for _ in range(2)] == ["trusted", "issuing"]
    _renew_hub(estate)
    held = estate.ca("rollover", "--abandon")
    assert held.status == 2
    assert "without the new root, partners would refuse what is in use: certificate" in held.err
    assert "hub.test reported a certificate under it" in held.err


def _renew_hub(estate: Estate) -> None:
    """What HUB's running server does by itself when its certificate is due."""
    from datetime import timedelta

    from sottovoce.server.own_trust import certify_anew

    plan = estate.plan
    now: datetime = utc_now()
    certify_anew(plan.home, plan.settings, estate.issuer, lifetime=timedelta(days=30), now=now)
