"""What ``sottovoce check`` prints: marks, widths, anchors, the closing line, exit statuses."""

import io
import json
from pathlib import Path

import pytest

from sottovoce.cli import main
from sottovoce.cli.check_printing import Printer, closing_line
from sottovoce.diagnosis import Finding, Report, Status
from sottovoce.testing.homes import Premises


def finding(status: Status, message: str = "One thing.", **more: str) -> Finding:
    return Finding(id="some-check", group="Some", status=status, message=message, **more)  # type: ignore[arg-type]


def printed(*findings: Finding, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    printer = Printer(stream, width=width)
    for one in findings:
        printer.show(one)
    printer.sum_up(Report(findings))
    return raw.getvalue().decode(encoding)


FAULTY = finding(
    Status.FAULT,
    "Asked for hub.test, the certificate is for old.test → “old”.",
    code="name-mismatch",
    expected="hub.test",
    presented="old.test",
    next_step="Reissue it.",
)


def test_each_status_has_its_mark_and_a_fault_its_values_and_next_step() -> None:
    text = printed(
        finding(Status.FINE), FAULTY, finding(Status.WARNING), finding(Status.UNTOLD),
        finding(Status.SKIPPED),
    )  # fmt: skip
    assert text.splitlines() == [
        "Some",
        "----",
        "√ One thing. [some-check]",
        "× Asked for hub.test, the certificate is for old.test → “old”. [name-mismatch]",
        "    expected:  hub.test",
        "    presented: old.test",
        "    next:      Reissue it.",
        "‼ One thing. [some-check]",
        "? One thing. [some-check]",
        "· One thing. [some-check]",
        "",
        "1 fault, 1 thing that could not be looked at, 1 warning; 1 check is fine, 1 not",
        "looked at because of what is above. Begin with: sottovoce explain name-mismatch",
    ]


def test_a_terminal_without_these_letters_gets_others() -> None:
    text = printed(finding(Status.FINE), FAULTY, encoding="ascii")
    assert "ok One thing." in text
    assert 'xx Asked for hub.test, the certificate is for old.test -> "old".' in text


@pytest.mark.parametrize("width", [40, 60, 80, 120, 300])
def test_no_line_is_wider_than_the_terminal_and_no_path_is_broken(width: int) -> None:
    path = "/" + "a" * 18 + "/b.ini"
    text = printed(finding(Status.FAULT, f"{path}: " + "word " * 60, next_step="do " * 60),
                   width=width)  # fmt: skip
    assert max(map(len, text.splitlines())) < width
    assert path in text


def test_the_closing_line_of_a_server_that_is_right() -> None:
    assert closing_line(Report((finding(Status.FINE), finding(Status.FINE)))) == (
        "All is right: 2 checks are fine."
    )


def test_a_whole_run_in_a_terminal(
    home: Premises, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both forms of one run have the same findings in the same order."""
    home.write_identity(home.authority.issue("other.sottovoce.test"))
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["check", "--home", str(home.path)]) == 2
    text = capsys.readouterr().out
    assert main(["check", "--home", str(home.path), "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    anchors = [each["code"] or each["id"] for each in report["checks"]]
    shown = [word[1:-1] for word in text.split() if word.startswith("[") and word.endswith("]")]
    assert shown == anchors
    assert "× " in text
    assert home.password not in text


def test_wrong_usage_is_64(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        main(["check", "--home", str(tmp_path), "--parners"])
    assert end.value.code == 64
    assert "--parners" in capsys.readouterr().err


def test_without_a_home_the_usage_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SOTTOVOCE_HOME", raising=False)
    assert main(["check"]) == 64
    assert "--home" in capsys.readouterr().err
