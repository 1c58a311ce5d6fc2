"""``sottovoce explain`` through the entry point: output and exit status."""

import io
import json

import pytest

from sottovoce.cli import main


def run(*words: str) -> int:
    return main(["explain", *words])


def test_a_text_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("keystore password was incorrect") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("keystore-wrong-password (fault): ")
    assert "Next: " in shown


def test_words_need_no_quotation_marks(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("certificate", "has", "expired") == 0
    assert capsys.readouterr().out.startswith("certificate-expired ")


def test_a_code_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("peer-not-secured") == 0
    assert capsys.readouterr().out.startswith("peer-not-secured ")


@pytest.mark.parametrize("words", [(), ("-",)])
def test_standard_input_is_read(
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = b"one line\nssl.SSLError: no shared cipher \xff\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(log)))
    assert run(*words) == 0
    assert capsys.readouterr().out.startswith("no-common-cipher ")


def test_json_is_an_array_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "no shared cipher") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in found][:2] == ["no-common-cipher", "keystore-no-key"]


def test_what_is_known_besides_changes_the_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--context", "key-count=0", "--json", "no shared cipher") == 0
    assert json.loads(capsys.readouterr().out)[0]["code"] == "keystore-no-key"


def test_the_status_is_3_when_it_cannot_tell(capsys: pytest.CaptureFixture[str]) -> None:
    """DESIGN §7: 3 could not tell; what to collect next is said."""
    assert run("all is well") == 3
    assert "Collect" in capsys.readouterr().out


def test_a_pasted_escape_sequence_does_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("certificate is not valid for '\x1b]0;owned\x07\x1b[2J'")
    assert "\x1b" not in capsys.readouterr().out
