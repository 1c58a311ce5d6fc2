"""``list``, ``job`` and ``report`` through the entry point: what is printed, with which status."""

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sottovoce.cli import campaign, main
from sottovoce.lui import create_home, open_database
from sottovoce.lui.schema import TrackingType
from sottovoce.lui.service.sql import sql

EXAMPLES = Path(__file__).parents[2] / "examples"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made")
    asyncio.run(create_home(home, now=datetime(2026, 11, 1, tzinfo=UTC)))
    return home


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(made_home, copy)
    return copy


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line with words and the home; give status, standard output and error."""

    def running(*words: str | Path) -> tuple[int, str, str]:
        status = main([*(str(word) for word in words), "--home", str(home)])
        out, err = capsys.readouterr()
        return status, out, err

    return running


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text("email,first_name\na@example.org,Ann\nb@example.org,Bo\n")
    return file


def define_words(**changes: str | Path) -> list[str | Path]:
    values: dict[str, str | Path] = {
        "name": "Letter",
        "list": "News",
        "subject": "Hello {{first_name|you}}",
        "from": "Choir <choir@example.org>",
        "html": EXAMPLES / "newsletter.html",
        "text": EXAMPLES / "newsletter.txt",
        **changes,
    }
    words: list[str | Path] = ["job", "define"]
    for key, value in values.items():
        words += [f"--{key}", value]
    return words


def as_json(text: str) -> Any:
    return json.loads(text.splitlines()[-1])


def test_the_example_goes_from_import_to_delivery(run: Run) -> None:
    status, out, _ = run("list", "import", EXAMPLES / "recipients.csv", "--list", "News", "--json")
    imported = as_json(out)
    assert status == 0
    assert imported["added"] >= 240
    assert imported["rejected"] == 0
    status, out, _ = run(*define_words(), "--json")
    assert status == 0
    links = as_json(out)["links"]
    assert 4 <= len(links) <= 6
    assert all(link["url"].startswith("https://www.example.org/") for link in links)
    status, out, _ = run("job", "authorise", "Letter", "--json")
    assert (status, as_json(out)["recipients"]) == (0, imported["added"])
    assert "key" not in as_json(out)
    status, out, _ = run("job", "deliver", "Letter", "--json")
    assert (status, as_json(out)["state"]) == (0, "delivering")
    status, out, _ = run("report", "Letter", "--json")
    found = as_json(out)
    assert (status, found["lost"], found["duplicated"]) == (0, 0, 0)
    assert found["status"]["ledger"]["planned"] == imported["added"]


def test_the_same_in_words(run: Run, people: Path) -> None:
    _, out, _ = run("list", "import", people, "--list", "News")
    assert "2 new people" in out
    assert "import 1" in out
    _, out, _ = run("list", "show")
    assert "News" in out
    assert "first_name" in out
    html, text = people.with_name("l.html"), people.with_name("l.txt")
    html.write_text('<a href="https://example.org/a">[bold]Read[/bold]</a>')
    text.write_text("Hi")
    _, out, _ = run(*define_words(html=html, text=text))
    assert "1 links are tracked" in out
    _, out, _ = run("job", "authorise", "Letter")
    assert "authorised for 2 recipients" in out
    _, out, _ = run("job", "deliver", "Letter")
    assert "is delivering: 2 planned" in out
    _, out, _ = run("job", "uncertain", "Letter")
    assert "No mail of the job 'Letter' is uncertain." in out
    status, out, _ = run("report", "Letter")
    assert status == 0
    assert "[bold]Read[/bold]" in out
    assert "complete until never" in out


def test_broken_rows_are_warnings_with_line_and_reason(run: Run, people: Path) -> None:
    people.write_text("email,tracking\na@example.org,granted\n=bad,maybe\n")
    rejects = people.with_name("rejects.csv")
    status, out, _ = run("list", "import", people, "--list", "News", "--rejects", rejects)
    assert status == 1
    assert "1 rows could not be taken" in out
    assert "=bad" in out
    written = rejects.read_text(encoding="utf-8-sig")
    assert written.splitlines()[0] == "line,column,value,why"
    assert written.splitlines()[1].startswith("3,email,'=bad,")


def test_a_dry_run_says_what_would_be_done(run: Run, people: Path) -> None:
    _, out, _ = run("list", "import", people, "--list", "News", "--dry-run")
    assert "would have 2 new people" in out
    _, out, _ = run("list", "show", "--json")
    assert as_json(out) == {"lists": []}
    _, out, _ = run("list", "show")
    assert "no list yet" in out


def test_an_import_can_be_undone(run: Run, people: Path) -> None:
    run("list", "import", people, "--list", "News")
    assert run("list", "undo", "1")[1] == "Import 1 is undone: 2 people left the list.\n"
    status, _, err = run("list", "undo", "1")
    assert status == 2
    assert "no import 1 that could be undone" in err


def test_every_fault_of_the_templates_is_told_with_its_place(run: Run, people: Path) -> None:
    run("list", "import", people, "--list", "News")
    html = people.with_name("broken.html")
    html.write_text("<p>\nDear {{frist_name}},\n<script>{{email}}</script>")
    status, out, err = run(*define_words(html=html))
    assert (status, out) == (2, "")
    assert f"{html}:2" in err.replace("\n", "")
    assert "Did you mean first_name?" in " ".join(err.split())
    assert "no value can be made safe" in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list", "import", "/nowhere.csv", "--list", "News"], 2),
        (["list", "show", "Nope"], 2),
        (["job", "status", "Nope"], 2),
        (["job", "resolve", "Nope", "1", "sent"], 2),
        (["report", "Nope"], 2),
        (define_words(html="/nowhere.html"), 2),
    ],
)
def test_what_is_not_there_is_a_fault_without_a_traceback(
    run: Run, words: list[str], code: int
) -> None:
    status, out, err = run(*words)
    assert (status, out) == (code, "")
    assert err
    assert "Traceback" not in err


def test_a_template_that_is_not_utf_8_is_refused(run: Run, people: Path) -> None:
    run("list", "import", people, "--list", "News")
    html = people.with_name("latin.html")
    html.write_bytes("<p>Grüße".encode("latin-1"))
    status, _, err = run(*define_words(html=html))
    assert status == 2
    assert err.startswith("template-encoding: ")
    assert "is not UTF-8 text (byte 5)" in " ".join(err.split())


def test_a_home_without_lui_and_no_home_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOTTOVOCE_HOME", raising=False)
    assert main(["list", "show", "--home", str(tmp_path)]) == 2
    assert "no server home with a LUI" in capsys.readouterr().err
    assert main(["list", "show"]) == 64


def test_uncertain_mails_are_listed_and_decided(run: Run, home: Path, people: Path) -> None:
    run("list", "import", people, "--list", "News")
    run(*define_words(html=people, text=people))
    run("job", "authorise", "Letter")
    run("job", "deliver", "Letter")

    async def crash() -> None:
        database = await open_database(home)
        async with database.write() as connection:
            await sql(connection, "UPDATE job_recipient SET state = 'uncertain' WHERE idx = 1")
        await database.aclose()

    asyncio.run(crash())
    status, out, _ = run("job", "uncertain", "Letter")
    assert status == 1
    assert "a@example.org" in out
    assert run("job", "status", "Letter")[0] == 1
    assert run("job", "resolve", "Letter", "1", "sent")[1] == (
        "The mail of recipient 1 counts as sent.\n"
    )
    status, out, _ = run("job", "status", "Letter", "--json")
    assert (status, as_json(out)["ledger"]["accepted"]) == (0, 1)
    assert run("job", "resolve", "Letter", "1", "resend")[0] == 2


def test_the_grammar_knows_every_tracking_type() -> None:
    assert set(campaign.TRACKING) == {each.value for each in TrackingType}


def test_the_example_holds_many_scripts_and_every_kind_of_consent() -> None:
    text = (EXAMPLES / "recipients.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.splitlines()[1:]]
    assert len(rows) >= 240
    assert {row[-1] for row in rows} == {"granted", "denied", ""}
    domains = {row[0].partition("@")[2] for row in rows}
    assert domains == {"example.org", "example.net", "example.com"}
    assert len({row[4] for row in rows}) >= 20
