"""The pages: links lead somewhere, made parts are current, commands and programs are real."""

import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sottovoce.cli import COMMANDS, build_parser
from sottovoce.errors import WrongUsage
from sottovoce.keytool import parse_command

ROOT = Path(__file__).resolve().parents[2]
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")
PAGES = [*(ROOT / name for name in TOP), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^(?:```(?:sh|console)\n(.*?)^```|((?: {4}.*\n)+))", re.DOTALL | re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every ``sottovoce`` command in a page's examples, placeholders as are."""
    for fenced, indented in SHELL.findall(page.read_text("utf-8")):
        text = (fenced or indented).replace("\\\n", " ").replace("$name", "hub")
        for line in text.splitlines():
            found = re.match(r"\s*(?:\$ |! )?(?:[A-Z_]+=\S+ )*sottovoce (.+)", line)
            if found:
                yield words(found.group(1))


def words(text: str) -> list[str]:
    """Split as a shell does, up to a pipe, a redirection or a comment."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    result = []
    for word in lexer:
        if word in {"|", ">", ">>", "2>&1", "&", ";", "&&", "||", "<"}:
            break
        if word != "$@":
            result.append(word)
    return result


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    broken = []
    for target in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_index() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        targets = LINK.findall(CODE.sub("", page.read_text("utf-8")))
        local = [target.partition("#")[0] for target in targets if ":" not in target]
        waiting += [(page.parent / target).resolve() for target in local if target]
    assert sorted(set((ROOT / "docs").rglob("*.md")) - seen) == []


def test_the_parts_that_are_made_from_the_code_are_current() -> None:
    """Also that every test that a requirement names exists: the names are read from the tests."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "pages.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("number", range(1, 21))
def test_every_requirement_has_a_section(number: int) -> None:
    page = (ROOT / "docs/reference/requirements.md").read_text("utf-8")
    assert f"## W{number}\n" in page
    assert f"<!-- made: w{number} -->" in page


def test_every_maker_is_used_on_a_page() -> None:
    makers: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "pages.py"))["MAKERS"]
    used = {
        name
        for page in PAGES
        for name in re.findall(r"<!-- made: ([a-z0-9-]+) -->", page.read_text("utf-8"))
    }
    assert used == set(makers)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    page = (ROOT / "docs/reference/commands.md").read_text("utf-8")
    assert f"\n## {command}\n" in page


def test_the_readme_tells_of_every_command() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [
        command for command in COMMANDS if f"`{command}" not in text.replace("`sottovoce ", "`")
    ] == []


@pytest.mark.parametrize("page", [page for page in PAGES if list(commands(page))], ids=name_of)
def test_the_commands_in_examples_are_commands(page: Path) -> None:
    for line in commands(page):
        if line == ["--version"]:
            continue
        if line[0] == "keytool":
            try:
                parse_command([word for word in line[1:] if word != "-VERB"])
            except WrongUsage as error:
                pytest.fail(f"{line}: {error}")
        else:
            build_parser([COMMANDS[line[0]]]).parse_args(line)


def test_only_one_page_has_a_program_and_that_is_run() -> None:
    pages = [name_of(page) for page in PAGES if "```python" in page.read_text("utf-8")]
    assert pages == ["docs/howto/use-the-channel.md"]


def test_the_program_that_uses_the_channel_shows_both_outcomes() -> None:
    page = (ROOT / "docs/howto/use-the-channel.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "bob.test asks: why?\n" in done.stdout
    assert "alice.test refused not-in-allowed-list\n" in done.stdout
    assert "['not-in-allowed-list']\n" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_speaks_of_anybodys_machine(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"/(?:root|home|tmp|work)/\S*|localhost:\d+", text) == []


def test_the_licence_is_the_whole_of_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert text.split("\n")[1].strip() == "Apache License"
    assert "END OF TERMS AND CONDITIONS" in text
    assert len(text.split()) == 1581


def test_the_readme_has_one_screen_and_a_bit() -> None:
    assert 100 <= len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 110
