"""``sottovoce rename`` on one server: what it writes, prints and refuses, and how it ends."""

import json
from pathlib import Path

import pytest

from sottovoce.cli import main
from sottovoce.net import utc_now
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

OLD, NEW = "one.test", "two.test"


@pytest.fixture(scope="module")
def authority() -> ThrowAwayAuthority:
    return ThrowAwayAuthority(at=utc_now())


@pytest.fixture
def premises(tmp_path: Path, authority: ThrowAwayAuthority) -> Premises:
    return Premises.make(tmp_path / "home", name=OLD, authority=authority)


def settings(premises: Premises) -> str:
    files = ("server.ini", "hub/hub.ini", "lui/lui.ini", "trk/tracker.ini")
    return "".join((premises.path / name).read_text() for name in files)


def test_a_plain_server_is_renamed_in_one_step(
    premises: Premises, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing runs here, so what the files say is what will be."""
    words = ["rename", OLD, NEW, "--home", str(premises.path)]
    assert main(words) == 1
    said = capsys.readouterr().out
    assert f"HUB, LUI, TRK's server calls itself {OLD}." in said
    assert settings(premises).count(OLD) == 7

    assert main([*words, "--apply"]) == 0
    said = capsys.readouterr().out
    assert "next: restart this server, all servers together" in said
    assert f"HUB, LUI, TRK's server is {NEW} everywhere." in said
    assert "keep that name in the DNS" in said
    assert (settings(premises).count(OLD), settings(premises).count(NEW)) == (0, 7)

    assert main([*words, "--apply", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "old": OLD,
        "new": NEW,
        "components": ["hub", "lui", "trk"],
        "steps": [{"step": "named", "done": True, "missing": []}],
        "next": "",
        "told": [],
    }


def test_one_of_several_names_of_a_server_is_changed(
    tmp_path: Path, authority: ThrowAwayAuthority, capsys: pytest.CaptureFixture[str]
) -> None:
    """SPEC W10: each component here is called by a name of its own; the server's stays."""
    called = {"LuiHost": "lui.test"}
    premises = Premises.make(
        tmp_path / "home",
        name=OLD,
        authority=authority,
        values={"hub/hub.ini": called, "trk/tracker.ini": called},
    )
    words = ["rename", "lui.test", NEW, "--home", str(premises.path)]
    assert main(words) == 1
    assert "still calls LUI lui.test." in capsys.readouterr().out
    assert main([*words, "--apply"]) == 0
    found = settings(premises)
    assert (found.count(f"LuiHost={NEW}"), found.count(OLD), found.count("lui.test")) == (2, 5, 0)
    assert f"ServerName={OLD}" in found


def test_a_name_with_which_the_server_would_not_start_changes_nothing(
    premises: Premises, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its keystore for HTTPS has a key for the old name and one for another, none for the new."""
    issue = premises.authority.issue
    premises.write_identity(issue(OLD), issue("pages.test"))
    premises.set("hub/hub.ini", "WebKeystorePath", str(premises.keystore))
    premises.set("hub/hub.ini", "WebKeystorePassword", premises.password)
    premises.set("hub/hub.ini", "WebPort", "8090")
    (premises.path / "server.ini").chmod(0o640)
    before = settings(premises)

    assert main(["rename", OLD, NEW, "--home", str(premises.path), "--apply"]) == 2

    said = capsys.readouterr().err
    assert f"No setting was changed: this server would not start with {NEW} in them." in said
    assert "keystore-several-keys" in said
    assert settings(premises) == before

    premises.write_identity(issue(OLD, NEW), issue("pages.test"))
    assert main(["rename", OLD, NEW, "--home", str(premises.path), "--apply"]) == 0
    assert f"MailDomain={OLD} in {premises.path / 'lui' / 'lui.ini'}" in capsys.readouterr().out
    assert (premises.path / "server.ini").stat().st_mode & 0o777 == 0o640


def test_with_an_outside_ca_the_certificate_is_for_people_to_get(
    premises: Premises, capsys: pytest.CaptureFixture[str]
) -> None:
    premises.secure()
    words = ["rename", OLD, NEW, "--home", str(premises.path), "--apply"]

    assert main([*words, "--step", "allowed"]) == 1
    assert f"SSLAllowedClients={OLD},{NEW}" in premises.ssl_ini.read_text()
    capsys.readouterr()
    before = settings(premises)
    assert main(words) == 1
    assert f"-ext san=dns:{OLD},dns:{NEW}" in capsys.readouterr().out
    assert main([*words, "--step", "named"]) == 2
    assert f"'named' is not next: The certificate of {OLD} is for {OLD} only." in (
        capsys.readouterr().err
    )
    assert settings(premises) == before

    premises.write_identity(premises.authority.issue(OLD, NEW))
    assert main([*words, "--step", "named"]) == 2  # HUB does not run, so its new name is not proved
    assert f"LUI → HUB by the name {NEW}: " in capsys.readouterr().err
    assert settings(premises) == before


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        ((OLD, OLD), 2, f"The old name and the new one are the same: {OLD}."),
        (("x.test", NEW), 2, f"there are {OLD} (HUB, LUI, TRK)."),
        ((OLD, "two test"), 64, "'two test'"),
        ((OLD, NEW, "--step", "named"), 64, "--step goes with --apply."),
        ((OLD, NEW, "--apply", "--step", "allowed"), 2, "'allowed' is no step of this renaming."),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    premises: Premises,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    status: int,
    why: str,
) -> None:
    before = settings(premises)
    assert main(["rename", *words, "--home", str(premises.path)]) == status
    said = capsys.readouterr().err
    assert why in said
    if status == 2:
        assert all(each in said for each in ("expected: ", "presented: ", "next: "))
    assert settings(premises) == before
