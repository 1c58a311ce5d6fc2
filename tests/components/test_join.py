"""``invite`` and ``join`` against a HUB that runs as a process: three servers from nothing."""

import json
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sottovoce.cli import main
from sottovoce.cli.demo.installation import RunningServer
from sottovoce.cli.demo.layout import Ports
from sottovoce.hub.authority import Issuer
from sottovoce.net import utc_now
from sottovoce.pki import dns_names, dump_crl, key_fingerprint, uri_names
from sottovoce.policy import Component
from sottovoce.server import read_plan
from sottovoce.server.following import list_name

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HUB, LUI, TRK = (f"{component.value}.sottovoce.test" for component in Component)
ADDRESS = {HUB: "127.0.0.2", LUI: "127.0.0.3", TRK: "127.0.0.4"}


@dataclass(frozen=True)
class Printed:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def codes(self) -> list[str]:
        heads = [line for line in self.err.splitlines() if line.startswith("fault ")]
        return [head.removeprefix("fault ").partition(" in ")[0] for head in heads]


Run = Callable[..., Printed]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: str | Path) -> Printed:
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as end:
            status = int(end.code or 0)
        caught = capsys.readouterr()
        return Printed(status, caught.out, caught.err)

    return command


@dataclass
class Inviting:
    """A HUB that runs, and its files."""

    home: Path
    server: RunningServer
    ports: Ports
    port: int
    seconds: float

    def security(self, **wanted: object) -> list[dict[str, Any]]:
        lines = (self.home / "logs" / "security.log").read_text("utf-8").splitlines()
        return [line for line in map(json.loads, lines) if wanted.items() <= line.items()]

    def log(self, name: str) -> str:
        return (self.home / "logs" / name).read_text("utf-8")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inviting]:
    """Made by one command, and started; shared, since each test invites for itself."""
    place = tmp_path_factory.mktemp("installation")
    home = place / "hub"
    with Ports() as ports:
        port = ports.take(ADDRESS[HUB])
        begun = time.monotonic()
        words = ("--name", HUB, "--components", "hub", "--lui", LUI, "--tracker", TRK)
        places = ("--bind", ADDRESS[HUB], "--internal-port", str(port))
        beat = ("--set", "hub/hub.ini:HeartbeatInterval=1")
        own = ("--own-ca", str(place / "root"), "--web-port", "none")
        assert main(["init", "--home", str(home), *words, *places, *beat, *own]) == 0
        # As if the others were not expected yet: HUB's list and theirs have to follow.
        ssl_ini = home / "commands" / "ssl.ini"
        text = ssl_ini.read_text().replace(f"{HUB},{LUI},{TRK}", HUB)
        ssl_ini.write_text(f"# ours\n\n{text}# the end\n")
        server = RunningServer(home)
        try:
            server.wait_ready()
            yield Inviting(home, server, ports, port, time.monotonic() - begun)
            assert server.stop() == 0
        finally:
            server.kill()


@pytest.fixture
def invited(hub: Inviting, run: Run) -> Callable[..., str]:
    """Return a new code."""

    def code(components: str = "trk", *words: str) -> str:
        made = run(
            *("invite", "--home", hub.home, "--components", components),
            *("--address", ADDRESS[HUB], "--json", *words),
        )
        assert made.status == 0, made.err
        found: str = made.json["code"]
        return found

    return code


def private(home: Path) -> bool:
    """Whether everything in a home is its owner's only."""
    return all(not stat.S_IMODE(each.stat().st_mode) & 0o077 for each in (home, *home.rglob("*")))


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else None
        for each in sorted(folder.rglob("*"))
    }


def test_three_fresh_servers_are_secured_with_one_command_on_each(
    hub: Inviting, run: Run, invited: Callable[..., str], tmp_path: Path, eventually: Any
) -> None:
    """Issue 5, done when: init and invite, then join twice; every edge secured; W1, W4, W11.

    TRK joins while nobody knows LUI, so it must learn of it before that edge can stand.
    """
    tracker, public = hub.ports.take(ADDRESS[TRK]), hub.ports.take(ADDRESS[TRK])
    options = {
        "trk": (
            *("--bind", ADDRESS[TRK], "--tracker-port", str(tracker)),
            *("--public-address", ADDRESS[TRK], "--public-port", str(public)),
        ),
        "lui": (
            *("--bind", ADDRESS[LUI], "--tracker-port", str(tracker)),
            *("--tracker-address", ADDRESS[TRK], "--smtp-host", "127.0.0.1"),
        ),
    }
    begun, waited = time.monotonic(), hub.seconds
    running: list[RunningServer] = []
    try:
        for component in ("trk", "lui"):
            home = tmp_path / component
            joined = run("join", invited(component), "--home", home, *options[component], "--json")
            assert joined.status == 0, joined.err
            assert {HUB, joined.json["name"]} <= {*joined.json["allowed"]}
            running.append(RunningServer(home))
            running[-1].wait_ready()

        def secured() -> bool:
            found = run("edges", "--home", hub.home, "--json").json
            return [edge["state"] for edge in found["edges"]] == ["secured"] * 3

        eventually(secured)
        waited += time.monotonic() - begun
        listed = (hub.home / "commands" / "ssl.ini").read_text()
        assert (listed.startswith("# ours\n\n"), listed.endswith("# the end\n")) == (True, True)
        for component in ("trk", "lui"):
            home = tmp_path / component
            plan = read_plan(home, at=utc_now())
            assert private(home)
            assert plan.settings.trust_from_hub
            assert plan.generation is not None
            leaf = plan.generation.identity.chain[0]
            assert dns_names(leaf) == (f"{component}.sottovoce.test",)
            assert uri_names(leaf) == (Component(component).role_uri,)
            assert len(plan.generation.crls) == 2
            assert {*plan.generation.allowed.names} == {HUB, LUI, TRK}
        checked = run("check", "--home", tmp_path / "lui")
        assert checked.status == 0, checked.out + checked.err
    finally:
        for server in reversed(running):
            server.stop()
    print(f"waited {waited:.1f} s in all")
    assert len(hub.security(outcome="joined")) >= 2
    assert "lui.sottovoce.test has joined as LUI." in hub.log("hub.log")


# What is refused, and changes nothing.


def test_what_can_be_found_wrong_offline_asks_nobody(
    hub: Inviting, run: Run, invited: Callable[..., str], tmp_path: Path
) -> None:
    """A slip, another name, a home that is taken, an option that is missing or HUB's to decide."""
    code, before = invited("lui"), len(hub.security())
    slip = code[:60] + ("a" if code[60] != "a" else "b") + code[61:]
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("something")
    smtp = ("--smtp-host", "127.0.0.1")
    cases: list[tuple[int, str, tuple[str | Path, ...]]] = [
        (2, "join-code-malformed", ("join", slip, "--home", tmp_path / "new")),
        (2, "join-code-malformed", ("join", code[:-1], "--home", tmp_path / "new")),
        (2, "join-code-version", ("join", "svj9" + code[4:], "--home", tmp_path / "new")),
        (2, "join-name-mismatch", ("join", code, "--home", tmp_path / "new", "--name", TRK)),
        (2, "Give --smtp-host.", ("join", code, "--home", tmp_path / "new")),
        (2, "SmtpPort", ("join", code, "--home", tmp_path / "new", *smtp, "--smtp-port", "x")),
        (64, "is not empty", ("join", code, "--home", tmp_path / "taken", *smtp)),
        (64, "given twice", ("join", code, "--home", tmp_path / "new", "--code-file", "x")),
        (
            64,
            "decided by HUB",
            ("join", code, "--home", tmp_path / "new", *smtp, "--set", "lui/lui.ini:HubHost=x"),
        ),
    ]
    for status, said, words in cases:
        refused = run(*words)
        assert (refused.status, said in refused.err) == (status, True), (words, refused.err)
        assert code[4:] not in refused.err + refused.out
    assert len(hub.security()) == before
    assert {each.name for each in tmp_path.iterdir()} == {"taken"}
    assert run("join", code, "--home", tmp_path / "new", *smtp).status == 0


def test_a_code_is_good_once(
    hub: Inviting, run: Run, invited: Callable[..., str], tmp_path: Path
) -> None:
    code = invited()
    assert run("join", code, "--home", tmp_path / "first", "--name", TRK.upper()).status == 0
    again = run("join", code, "--home", tmp_path / "second")
    assert again.status == 2
    assert again.codes == ["join-code-used"]
    assert "The server has not joined; nothing was changed." in again.err
    assert {each.name for each in tmp_path.iterdir()} == {"first"}
    assert hub.security(code="join-code-used", outcome="refused")[-1]["announced"] == TRK
    listed = run("invite", "--home", hub.home, "--list", "--json").json["invitations"]
    assert code not in json.dumps(listed)
    assert next(each for each in listed if each["name"] == TRK)["state"] == "used"
    assert f"{TRK}  TRK  used" in run("invite", "--home", hub.home, "--list").out
    assert code not in "".join(path.read_text("utf-8") for path in (hub.home / "logs").iterdir())


def key_of(home: Path) -> str:
    generation = read_plan(home, at=utc_now()).generation
    assert generation is not None
    return key_fingerprint(generation.identity.certificate.public_key())


def test_a_secured_server_joins_again_when_its_switch_is_put_aside(
    run: Run, invited: Callable[..., str], tmp_path: Path
) -> None:
    """V6: what a server does whose certificate has ended, or whose issuer's key was lost."""
    home = tmp_path / "home"
    assert run("join", invited(), "--home", home).status == 0
    before = key_of(home)
    assert run("join", invited(), "--home", home).codes == ["join-home-unfit"]
    assert run("secure", "back", "--home", home).status == 0
    again = run("join", invited(), "--home", home)
    assert again.status == 0, again.err
    assert key_of(home) != before


def test_a_code_is_read_from_a_file_or_the_standard_input(
    run: Run, invited: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W20: a word of the command line could be read by every user of the machine."""
    (tmp_path / "code").write_text(invited().upper() + "\n")
    other = ("--home", tmp_path / "new", "--name", LUI)
    assert run("join", "--code-file", tmp_path / "code", *other).codes == ["join-name-mismatch"]
    with (tmp_path / "code").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert run("join", "-", *other).codes == ["join-name-mismatch"]
        asked = run("join", *other)
    assert (asked.status, "cannot be asked for" in asked.err) == (64, True)


def test_an_unreachable_hub_changes_nothing(
    hub: Inviting, run: Run, invited: Callable[..., str], tmp_path: Path
) -> None:
    code = invited()
    away = run("join", code, "--home", tmp_path / "new", "--hub-address", "127.0.0.99")
    assert away.codes == ["connection-refused"]
    assert not list(tmp_path.iterdir())
    assert run("join", code, "--home", tmp_path / "new").status == 0


def test_an_invitation_is_withdrawn(hub: Inviting, run: Run, invited: Callable[..., str]) -> None:
    invited("lui", "--valid", "5m")
    assert run("invite", "--home", hub.home, "--withdraw", LUI.upper()).status == 0
    listed = run("invite", "--home", hub.home, "--list", "--json").json["invitations"]
    assert next(each for each in listed if each["name"] == LUI)["state"] == "withdrawn"
    missing = run("invite", "--home", hub.home, "--withdraw", LUI)
    assert (missing.status, missing.codes) == (2, ["invitation-missing"])


def test_no_invitation_is_made_that_could_not_be_used(
    hub: Inviting, run: Run, tmp_path: Path
) -> None:
    """Each reason at once, and nothing is kept."""
    base = ("invite", "--home", hub.home, "--components")
    count = len(run("invite", "--home", hub.home, "--list", "--json").json["invitations"])
    elsewhere = run(*base, "trk", "--name", "trk.elsewhere.org", "--name", "a.trk.test")
    assert elsewhere.codes == ["component-unexpected", "name-not-permitted", "name-not-permitted"]
    for words, said in (
        (("lui,trk",), "not expected on one server"),
        (("hub", "--name", HUB), "HUB's own server"),
        (("xyz",), "is not a list of components"),
        (("trk", "--valid", "8d"), "no such time"),
        (("trk", "--valid", "soon"), "no such time"),
        (("trk", "--address", "hub"), "is no IP address"),
        (("trk", "--name", "http://trk"), "address of the web"),
    ):
        refused = run(*base, *words)
        assert (refused.status, said in refused.err) == (64, True), refused.err
    assert run(*base, "hub", "--name", TRK).codes == ["component-unexpected"]
    assert run("invite", "--home", tmp_path, "--components", "trk").status == 2
    after = run("invite", "--home", hub.home, "--list", "--json").json["invitations"]
    assert len(after) == count


def test_who_has_no_authority_or_no_hub_invites_nobody(run: Run, tmp_path: Path) -> None:
    plain, lui = tmp_path / "plain", tmp_path / "lui"
    run(
        "init",
        "--home",
        plain,
        "--name",
        HUB,
        "--components",
        "hub",
        "--lui",
        LUI,
        "--tracker",
        TRK,
    )
    run("init", "--home", lui, "--name", LUI, "--components", "lui", "--smtp-host", "127.0.0.1")
    assert run("invite", "--home", plain, "--components", "trk").codes == ["not-secured"]
    other = run("invite", "--home", lui, "--components", "trk")
    assert (other.status, "HUB does not run" in other.err) == (64, True)
    assert "There is no invitation" in run("invite", "--home", plain, "--list").out


# A home that is there.


@pytest.fixture
def plain(run: Run, tmp_path: Path) -> Path:
    """TRK's home as it was made without security."""
    home = tmp_path / "trk"
    words = ("--name", TRK, "--components", "trk", "--hub", HUB, "--lui", LUI)
    assert run("init", "--home", home, *words, "--hub-address", ADDRESS[HUB]).status == 0
    return home


def test_a_plain_home_is_secured_and_nothing_else_of_it_changes(
    run: Run, invited: Callable[..., str], plain: Path
) -> None:
    """The keystore that is there stays (W12): it may serve HTTPS."""
    keystore = plain / "conf" / "server.p12"
    words = ("-alias", "web", "-keyalg", "EC", "-dname", "CN=web", "-storepass", "changeit")
    assert run("keytool", "-genkeypair", *words, "-keystore", keystore).status == 0
    before = snapshot(plain)
    joined = run("join", invited(), "--home", plain, "--json")
    assert joined.status == 0, joined.err
    after = snapshot(plain)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed - {"conf/revocation"} == {*joined.json["files"]}
    assert before.keys() <= after.keys()
    assert after["conf/server.p12"] == before["conf/server.p12"]
    old, new = before["server.ini"], after["server.ini"]
    assert old is not None
    assert new is not None
    assert new.startswith(old)
    plan = read_plan(plain, at=utc_now())
    assert plan.secured
    assert plan.settings.trust_from_hub
    assert private(plain)
    assert run("join", invited(), "--home", plain).codes == ["join-home-unfit"]


def test_a_home_with_the_keystores_password_elsewhere_keeps_it_there(
    run: Run, invited: Callable[..., str], plain: Path
) -> None:
    """W20."""
    secret = plain / "conf" / "keystore.password"
    secret.write_text("canary of my own\n")
    secret.chmod(0o600)
    with (plain / "server.ini").open("a") as file:
        file.write(f"KeystorePasswordFile={secret}\n")
    assert run("join", invited(), "--home", plain).status == 0
    assert "SSLKeystorePassword" not in (plain / "commands" / "ssl.ini").read_text()
    assert read_plan(plain, at=utc_now()).secured


def test_a_home_that_does_not_fit_is_told_every_reason(
    run: Run, invited: Callable[..., str], plain: Path
) -> None:
    before = snapshot(plain)
    other = run("join", invited("lui"), "--home", plain, "--smtp-host", "127.0.0.1")
    assert other.codes == ["join-home-unfit"] * 3
    for said in ("options do not change", "another server", "other components"):
        assert said in other.err
    text = (plain / "trk" / "tracker.ini").read_text()
    (plain / "trk" / "tracker.ini").write_text(text.replace(f"HubHost={HUB}", "HubHost=other.test"))
    assert "another HUB" in run("join", invited(), "--home", plain).err
    (plain / "trk" / "tracker.ini").write_text(text)
    assert snapshot(plain) == before


def test_a_server_whose_lists_are_overdue_refuses_hub_and_heals_by_itself(
    hub: Inviting, run: Run, invited: Callable[..., str], tmp_path: Path, eventually: Any
) -> None:
    """It was off as long as its lists live, starts, and is connected without anybody's hand.

    No clock is moved: what lies there is HUB's list as it was signed three days ago.
    """
    home, public = tmp_path / "trk", hub.ports.take(ADDRESS[TRK])
    words = [*("--bind", ADDRESS[TRK]), *("--tracker-port", str(hub.ports.take(ADDRESS[TRK])))]
    words += ["--public-address", ADDRESS[TRK], "--public-port", str(public)]
    assert run("join", invited("trk"), "--home", home, *words).status == 0
    issuer = Issuer.open(hub.home)
    assert issuer is not None
    # HUB's own server finds it too old within a second, and signs the next.
    overdue = issuer.revocation_lists(utc_now() - timedelta(days=3))
    folder = home / "conf" / "revocation"
    for crl in overdue:
        assert (folder / list_name(crl)).exists()
        (folder / list_name(crl)).write_bytes(dump_crl(crl))
    server = RunningServer(home)
    try:
        server.wait_ready()

        def dialled() -> list[str]:
            lines = (home / "logs" / "security.log").read_text("utf-8").splitlines()
            calls = [each for each in map(json.loads, lines) if each.get("dialled") == HUB]
            return [each.get("code") or each["outcome"] for each in calls]

        eventually(lambda: "accepted" in dialled())
        assert dialled()[0] == "revocation-list-expired"
    finally:
        server.stop()
    told = (home / "logs" / "server.log").read_text("utf-8")
    assert told.count("lists-healing") == told.count("lists-healed") == 1
    assert "127.0.0.1 fetched 2 revocation lists" in hub.log("hub.log")
