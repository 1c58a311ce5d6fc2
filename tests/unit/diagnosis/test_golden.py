"""Each code has a golden rendering, and reads as it was read when it was written."""

import re

import pytest
from tests.golden.renderings import FOLDER, SAMPLES, family_file, rendered

from sottovoce.diagnosis import CATALOGUE, FAMILIES
from sottovoce.diagnosis.entry import fields_of


@pytest.mark.parametrize("family", FAMILIES)
def test_the_renderings_of_a_family_are_the_golden_ones(family: str) -> None:
    """Issue 4 (7). When this fails: ``.venv/bin/python -m tests.golden``, and read the change."""
    assert rendered(family) == family_file(family).read_text("utf-8")


def test_every_code_has_a_rendering_and_no_file_is_left_over() -> None:
    texts = [path.read_text("utf-8") for path in FOLDER.glob("*.txt")]
    codes = [code for text in texts for code in re.findall(r"(?m)^## (\S+)$", text)]
    assert sorted(codes) == sorted(CATALOGUE)
    assert len(texts) == len(FAMILIES)


def test_each_code_whose_texts_have_fields_is_shown_with_values() -> None:
    """And no sample is left over."""
    templates = {code: entry.message + entry.next_step for code, entry in CATALOGUE.items()}
    assert set(SAMPLES) == {code for code, text in templates.items() if fields_of(text)}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_rendering_has_a_slip_of_a_template(family: str) -> None:
    """A hole left open, two stops, two blanks, a word twice."""
    text = re.sub(r"\s+", " ", rendered(family))
    assert "{" not in text
    assert not re.findall(r"[^.]\.\.(?!\.)|\s[,.;:)]|\(\)|,,|;;", text)
    assert not re.findall(r"\b(a|an|the|is|has|of|to|in|valid|least|most|mode) \1\b", text)
