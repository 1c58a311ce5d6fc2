"""``sottovoce init``: a whole home or nothing, and every reason when it is nothing."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sottovoce.hub.settings import WebPlace
from sottovoce.ini import Secret
from sottovoce.keystore import loads
from sottovoce.net import utc_now
from sottovoce.server import Home, read_plan
from sottovoce.server.public_roots import SYSTEM_LISTS

if TYPE_CHECKING:
    from tests.cli.conftest import Run

NAME = ("--name", "a.sottovoce.test")


def test_a_new_home_is_whole_private_and_ready_to_be_read(tmp_path: Path, sottovoce: "Run") -> None:
    """W3, W15, W16, W20: no ssl.ini, no public root, a password of its own for the roots."""
    path = tmp_path / "deep" / "home"
    printed = sottovoce("init", "--home", path, *NAME, "--smtp-host", "mail.test")
    assert (printed.status, printed.err) == (0, "")
    plan = read_plan(path, at=utc_now())
    assert (plan.secured, plan.settings.server_name) == (False, "a.sottovoce.test")
    assert (plan.settings.internal_port, plan.settings.tracker_port) == (1099, 7000)
    for each in (path, *path.rglob("*")):
        assert each.stat().st_mode & 0o077 == 0, each
    password = Home(path).conf / "cacerts.password"
    roots = loads((path / "conf" / "cacerts").read_bytes(), Secret(password.read_text().strip()))
    assert roots.trusted == ()
    assert "changeit" not in password.read_text()


def test_the_set_up_code_is_shown_once_and_stands_in_no_file(
    tmp_path: Path, sottovoce: "Run"
) -> None:
    """W20: HUB keeps only what verifies it."""
    path = tmp_path / "home"
    printed = sottovoce(
        "init", "--home", path, *NAME, "--components", "hub", "--lui", "b.test", "--json"
    )
    code = json.loads(printed.out)["set_up_code"]
    assert len(code) > 10
    for file in path.rglob("*"):
        if file.is_file():
            assert code.encode() not in file.read_bytes()


def test_a_server_without_hub_has_no_set_up_code(tmp_path: Path, sottovoce: "Run") -> None:
    path = tmp_path / "home"
    printed = sottovoce(
        "init", "--home", path, *NAME, "--components", "trk", "--hub", "h.test", "--lui", "l.test"
    )
    assert printed.status == 0
    assert "Set-up code" not in printed.out
    assert (path / "trk" / "tracker.ini").exists()
    assert not (path / "hub").exists()


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ((), WebPlace(port=8090)),
        (("--bind", "127.0.0.2"), WebPlace(port=8090, address="127.0.0.2")),
        (("--bind", "10.0.0.1"), WebPlace(port=8090)),
        (("--web-port", "9000", "--web-address", "::1"), WebPlace(port=9000, address="::1")),
        (("--web-port", "none"), None),
    ],
)
def test_hubs_pages_are_on_this_machine_only(
    words: tuple[str, ...], place: WebPlace | None, tmp_path: Path, sottovoce: "Run"
) -> None:
    path = tmp_path / "home"
    printed = sottovoce("init", "--home", path, *NAME, "--smtp-host", "m.test", *words)
    assert printed.status == 0, printed.err
    hub = read_plan(path, at=utc_now()).hub
    assert hub is not None
    assert hub.web == place
    assert ("/set-up" in printed.out) is (place is not None)
    if place is not None and ":" in place.address:
        assert "http://[::1]:9000/set-up" in printed.out


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ((*NAME, "--web-address", "10.0.0.1"), ["ini-bad-value"]),
        ((*NAME, "--web-port", "many"), ["ini-bad-value"]),
        (("--name", "not a name"), ["ini-bad-value"]),
        ((*NAME, "--internal-port", "0"), ["ini-bad-value"]),
        ((*NAME, "--bind", "localhost"), ["ini-bad-value"]),
        ((*NAME, "--set", "lui/lui.ini:SmtpHots=x"), ["ini-unknown-key"]),
        (
            (*NAME, "--internal-port", "many", "--public-url", "/x", "--hub-address", "h"),
            ["ini-bad-value"] * 3,
        ),
    ],
)
def test_values_that_cannot_stand_are_all_told_and_nothing_is_made(
    words: tuple[str, ...], codes: list[str], tmp_path: Path, sottovoce: "Run"
) -> None:
    path = tmp_path / "home"
    printed = sottovoce("init", "--home", path, "--smtp-host", "m.test", *words)
    assert printed.status == 2
    assert printed.codes() == codes
    assert printed.err.count("    next: ") == len(printed.codes())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--components", "hub,lui,lui"),
        ("--components", "hub,tracker"),
        ("--components", ""),
        ("--set", "lui/lui.ini"),
        ("--set", "lui/nosuch.ini:Key=1"),
        ("--components", "hub", "--set", "lui/lui.ini:SmtpHost=x"),
    ],
)
def test_wrong_usage_makes_nothing(
    words: tuple[str, ...], tmp_path: Path, sottovoce: "Run"
) -> None:
    path = tmp_path / "home"
    printed = sottovoce("init", "--home", path, *NAME, "--smtp-host", "m.test", *words)
    assert printed.status == 64
    assert "    next: " in printed.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "setting",
    ["lui/lui.ini:SmtpPassword=geheim", "SmtpPassword=geheim", "trk/x:WebKeystorePassword=geheim"],
)
def test_a_password_is_not_taken_from_the_command_line_and_not_repeated(
    tmp_path: Path, sottovoce: "Run", setting: str
) -> None:
    """W20: a command line stands in the process list."""
    path = tmp_path / "home"
    printed = sottovoce("init", "--home", path, *NAME, "--set", setting)
    assert printed.status == 64
    assert not path.exists()
    assert "geheim" not in printed.text
    assert "--set" in printed.err


def test_without_a_mail_relay_the_missing_setting_is_named(
    tmp_path: Path, sottovoce: "Run"
) -> None:
    printed = sottovoce("init", "--home", tmp_path / "home", *NAME)
    assert printed.status == 2
    assert printed.codes() == ["ini-missing-key"]
    assert "SmtpHost" in printed.err
    assert "--smtp-host" in printed.err


@pytest.mark.parametrize("there", ["home", "file"])
def test_what_is_there_is_never_touched(there: str, tmp_path: Path, sottovoce: "Run") -> None:
    path = tmp_path / "home"
    if there == "file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "mine").write_text("mine")
    printed = sottovoce("init", "--home", path, *NAME, "--smtp-host", "m.test")
    assert printed.status == 64
    assert "not empty" in printed.err
    kept = path if there == "file" else path / "mine"
    assert kept.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_had_is_told(tmp_path: Path, sottovoce: "Run") -> None:
    (tmp_path / "file").write_text("")
    printed = sottovoce(
        "init", "--home", tmp_path / "file" / "home", *NAME, "--smtp-host", "m.test"
    )
    assert printed.status == 64
    assert "cannot be made" in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.skipif(
    not any(path.is_file() for path in SYSTEM_LISTS), reason="this system has no list of roots"
)
def test_public_roots_are_those_of_the_operating_system(tmp_path: Path, sottovoce: "Run") -> None:
    """W16: on demand only, each under an alias that ``-list`` shows."""
    path = tmp_path / "home"
    words = (*NAME, "--components", "hub", "--lui", "b.test", "--tracker", "c.test")
    made = sottovoce("init", "--home", path, *words, "--public-roots", "--json")
    assert made.status == 0
    number = json.loads(made.out)["public_roots"]
    assert number > 50
    listed = sottovoce("keytool", "--home", path, "-list", "-cacerts")
    assert listed.out.count("trustedCertEntry") == number
