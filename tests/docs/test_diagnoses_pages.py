"""Every diagnosis has a page: its head is the catalogue's, its body is written."""

import re
from pathlib import Path

import pytest

from sottovoce.cli import COMMANDS
from sottovoce.diagnosis import CATALOGUE, Entry
from sottovoce.diagnosis.pages import body_of, index, page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference" / "diagnoses"

ENTRIES = tuple(CATALOGUE.values())


def text_of(code: str) -> str:
    return (FOLDER / f"{code}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_a_code_has_a_page_with_a_current_head(entry: Entry) -> None:
    """Issue 4 (7). When this fails: scripts/diagnosis-pages."""
    text = text_of(entry.code)
    assert text == page(entry, body_of(text))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_a_page_has_a_body_of_a_few_sentences(entry: Entry) -> None:
    body = body_of(text_of(entry.code))
    assert 1 <= len(re.findall(r"[.!?](?:\s|$)", body)) <= 9
    assert len(body) >= 40


def test_no_page_is_left_over_and_the_index_is_current() -> None:
    names = {path.stem for path in FOLDER.glob("*.md")}
    assert names == {*CATALOGUE, "index"}
    assert (FOLDER / "index.md").read_text(encoding="utf-8") == index()


def test_every_link_between_pages_leads_somewhere() -> None:
    links = {
        (path.name, target)
        for path in FOLDER.glob("*.md")
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    }
    assert len(links) > len(CATALOGUE)
    assert [(name, target) for name, target in links if not (FOLDER / target).is_file()] == []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_a_next_step_names_only_commands_that_there_are(entry: Entry) -> None:
    """A next step that cannot be typed is none."""
    text = f"{entry.message} {entry.next_step} {entry.apart} {body_of(text_of(entry.code))}"
    flat = " ".join(text.split())
    named = set(re.findall(r"(?<![`\w/.])`?sottovoce ([a-z]+)\b", flat))
    assert named <= set(COMMANDS)
