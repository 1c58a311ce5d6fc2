"""``sottovoce account``: what it prints, what it does, and that no secret is an argument."""

import argparse
import asyncio
import getpass
import io
import json
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from sottovoce.cli import account, account_acts, main
from sottovoce.errors import AccountRefused, SottovoceError, StoreError, WrongUsage
from sottovoce.hub import create_home, new_set_up_code
from sottovoce.hub.service import CHEAPEST, Right
from sottovoce.ini import Secret
from sottovoce.net.clock import utc_now

PASSWORD = "correct horse battery staple"

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is proved where hashes are made; here a hundred of them are."""
    monkeypatch.setattr("sottovoce.hub.home.RFC_9106_LOW_MEMORY", CHEAPEST)


@pytest.fixture
def set_up_code(tmp_path: Path) -> Secret:
    """The set-up code of a home just made in *tmp_path*."""
    code = new_set_up_code(secrets.token_bytes)
    asyncio.run(create_home(tmp_path, set_up_code=code, now=utc_now()))
    return code


@pytest.fixture
def run(tmp_path: Path, set_up_code: Secret) -> Run:
    """Run ``account`` with words, on the home just made."""
    (tmp_path / "code").write_text(set_up_code.reveal() + "\n")
    (tmp_path / "password").write_text(PASSWORD + "\n")

    def run_words(*words: str) -> int:
        parser = argparse.ArgumentParser(prog="sottovoce")
        account.register(parser.add_subparsers(required=True))
        args = parser.parse_args(["account", *words, "--home", str(tmp_path)])
        status: int = args.run(args)
        return status

    return run_words


@pytest.fixture
def set_up(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same, after ``account set-up`` for ann."""
    files = ["--code-file", str(tmp_path / "code"), "--password-file", str(tmp_path / "password")]
    run("set-up", "--name", "Ann", *files)
    capsys.readouterr()
    return run


def _type(monkeypatch: pytest.MonkeyPatch, unseen: Iterable[str], name: str = "") -> None:
    """Sit at a terminal and type *unseen* at the prompts that do not echo."""
    answers = iter(unseen)
    terminal = io.StringIO(name + "\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(answers))


def _accounts(run: Run, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run("list", "--json") == 0
    accounts: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["accounts"]
    return accounts


def _audit(home: Path) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(home / "hub" / "hub.db")
    rows = connection.execute("SELECT actor, verb, subject FROM audit ORDER BY seq").fetchall()
    connection.close()
    return rows


def test_the_first_account_is_made_from_files(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--code-file", str(tmp_path / "code"), "--password-file", str(tmp_path / "password")]

    status = run("set-up", "--name", "Ann", *files)

    assert status == 0
    assert capsys.readouterr().out == "The account ann is there and has every right.\n"
    (entry,) = _accounts(run, capsys)
    assert (entry["name"], entry["group"], entry["state"]) == ("ann", "", "enabled")
    assert set(entry["rights"]) == set(Right)


def test_the_first_account_is_made_at_a_terminal(
    run: Run,
    set_up_code: Secret,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _type(monkeypatch, [set_up_code.reveal().lower(), PASSWORD, PASSWORD], name="Ann")

    assert run("set-up") == 0
    out = capsys.readouterr().out
    assert "The account ann is there" in out
    assert PASSWORD not in out
    assert set_up_code.reveal() not in out


def test_two_different_passwords_change_nothing(
    set_up: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _type(monkeypatch, ["the first long password", "the other long password"])

    with pytest.raises(WrongUsage, match="differ"):
        set_up("add", "bob")
    assert len(_accounts(set_up, capsys)) == 1


def test_without_a_terminal_nothing_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    with pytest.raises(WrongUsage) as caught:
        run("set-up", "--name", "ann")

    assert "--code-file" in caught.value.hint


def test_a_password_may_come_from_standard_input(
    set_up: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))

    assert set_up("add", "bob", "--password-file", "-") == 0
    assert [entry["name"] for entry in _accounts(set_up, capsys)] == ["ann", "bob"]


def test_an_account_lives_through_all_verbs(
    set_up: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    password = ["--password-file", str(tmp_path / "password")]

    assert set_up("add", "Bob", "--group", "Sales", "--rights", "define,report", *password) == 0
    assert set_up("rights", "bob", "report,lists", "--group", "sales") == 0
    assert set_up("password", "bob", "--group", "sales", *password) == 0
    assert set_up("disable", "bob", "--group", "sales") == 0
    assert set_up("enable", "bob", "--group", "sales") == 0
    assert set_up("rights", "bob", "none", "--group", "sales") == 0
    assert set_up("disable", "bob", "--group", "sales") == 0

    bob = _accounts(set_up, capsys)[1]
    assert (bob["name"], bob["group"], bob["state"], bob["rights"]) == (
        "bob",
        "sales",
        "disabled",
        [],
    )
    rows = _audit(tmp_path)
    assert [verb for _, verb, _ in rows] == [
        "set-up",
        "account-added",
        "rights-changed",
        "password-changed",
        "account-disabled",
        "account-enabled",
        "rights-changed",
        "account-disabled",
    ]
    assert {subject for _, _, subject in rows[1:]} == {"account sales/bob"}
    assert all(actor.startswith("command line (uid ") for actor, _, _ in rows[1:])


def test_every_act_can_answer_in_json(
    set_up: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    password = ["--password-file", str(tmp_path / "password")]
    set_up("add", "bob", "--rights", "report", "--json", *password)
    set_up("rights", "bob", "none", "--json")
    set_up("disable", "bob", "--json")

    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert answers == [
        {"account": "bob", "done": "added", "rights": ["report"]},
        {"account": "bob", "done": "rights", "rights": []},
        {"account": "bob", "done": "disabled"},
    ]


def test_the_list_is_a_table_for_people(
    set_up: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    password = ["--password-file", str(tmp_path / "password")]
    set_up("add", "bob", "--group", "sales", *password)
    capsys.readouterr()

    assert set_up("list") == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["Account", "Group", "State", "Rights"]
    assert lines[1][0] == "ann"
    assert lines[-1] == ["bob", "sales", "enabled", "none"]
    shown = {word.rstrip(",") for line in lines for word in line}
    assert shown >= set(Right), "a narrow terminal wraps, it cuts nothing off"


def test_an_empty_list_says_what_comes_first(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    assert "account set-up" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (["add", "ann"], AccountRefused, "account-taken"),
        (["add", "a b"], AccountRefused, "account-name-bad"),
        (["add", "bob", "--rights", "fly"], AccountRefused, "right-unknown"),
        (["disable", "nobody"], AccountRefused, "account-missing"),
        (["disable", "ann"], AccountRefused, "account-last-admin"),
        (["rights", "ann", "report"], AccountRefused, "account-last-admin"),
    ],
)
def test_a_refusal_reaches_the_main_program_with_code_and_next_step(
    set_up: Run, tmp_path: Path, words: list[str], error: type[SottovoceError], code: str
) -> None:
    password = ["--password-file", str(tmp_path / "password")] if words[0] == "add" else []

    with pytest.raises(error) as caught:
        set_up(*words, *password)

    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), (b"\xff\xfe\n", "is not UTF-8")]
)
def test_a_password_file_that_cannot_be_used_is_named(
    set_up: Run, tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "other"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(WrongUsage, match=message) as caught:
        set_up("add", "bob", "--password-file", str(file))

    assert str(file) in caught.value.message


def test_a_home_without_hub_is_named(tmp_path: Path, run: Run) -> None:
    (tmp_path / "hub" / "hub.db").rename(tmp_path / "elsewhere")

    with pytest.raises(StoreError) as caught:
        run("list")

    assert caught.value.code == "hub-missing"


def test_the_home_may_come_from_the_environment(
    set_up: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(_accounts(set_up, capsys)) == 1
    monkeypatch.setenv("SOTTOVOCE_HOME", str(tmp_path))
    parser = argparse.ArgumentParser()
    account.register(parser.add_subparsers())
    args = parser.parse_args(["account", "list", "--json"])

    assert args.run(args) == 0
    assert json.loads(capsys.readouterr().out)["accounts"][0]["name"] == "ann"


def test_no_home_at_all_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOTTOVOCE_HOME", raising=False)
    parser = argparse.ArgumentParser()
    account.register(parser.add_subparsers())
    args = parser.parse_args(["account", "list"])

    with pytest.raises(WrongUsage, match="No home"):
        args.run(args)


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["list"], 0, ""),
        (["disable", "nobody"], 2, "account-missing: There is no account nobody."),
        (["add", "bob", "--password-file", "/nowhere"], 64, "wrong-usage: /nowhere cannot be read"),
        (["add", "bob", "--password", PASSWORD], 64, "give --password-file FILE"),
        (["password", "ann", f"--password={PASSWORD}"], 64, "never arguments"),
        (["set-up", "--password", PASSWORD], 64, "never arguments"),
        (["set-up", "--code", PASSWORD], 64, "give --code-file FILE"),
        (["fly"], 64, "invalid choice"),
    ],
)
def test_the_exit_status_tells_what_happened(
    set_up: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    told: str,
) -> None:
    """DESIGN §7: 0 fine, 2 faults, 64 wrong usage, never a traceback; W20: nor a secret."""
    assert len(_accounts(set_up, capsys)) == 1
    home = ["--home", str(tmp_path)] if words != ["fly"] else []
    try:
        ended = main(["account", *words, *home])
    except SystemExit as ending:
        ended = int(str(ending.code))

    printed = capsys.readouterr().err
    assert ended == status
    assert told in printed
    assert "Traceback" not in printed
    assert PASSWORD not in printed, "a secret typed in the wrong place is not repeated"


def test_every_verb_has_its_act() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    account.register(commands)
    (verbs,) = [
        action
        for action in commands.choices["account"]._actions
        if isinstance(action, argparse._SubParsersAction)
    ]

    assert set(verbs.choices) == set(account_acts.ACTS)


def test_the_help_names_exactly_the_rights_that_exist() -> None:
    assert account.RIGHTS.split(", ") == list(Right)


def test_building_the_grammar_loads_no_database() -> None:
    """A fast start: every command line builds this grammar (DESIGN §6, argparse)."""
    program = (
        "import argparse, sys; from sottovoce.cli import account; "
        "account.register(argparse.ArgumentParser().add_subparsers()); "
        "print('sqlalchemy' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50
    )

    assert result.stdout == "False\n"
