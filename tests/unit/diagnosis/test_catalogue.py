"""The catalogue is whole: every row, every code, every template."""

import inspect

import pytest

from sottovoce import errors
from sottovoce.diagnosis import CATALOGUE, CONTEXT_FIELDS, FAMILIES, Entry, entry_of
from sottovoce.diagnosis.alerts import ALERTS
from sottovoce.diagnosis.entry import ABSENT, fields_of, fill
from sottovoce.diagnosis.matching import prepare, search

#: The rows of the failure catalogue.
ROWS = (
    *(f"N{number}" for number in range(1, 10)),
    *(f"T{number}" for number in range(1, 12)),
    *(f"A{number}" for number in range(1, 8)),
    *(f"V{number}" for number in range(1, 7)),
    *(f"R{number}" for number in range(1, 6)),
    *(f"P{number}" for number in range(1, 10)),
    *(f"X{number}" for number in range(1, 9)),
    *(f"K{number}" for number in range(1, 15)),
    *(f"C{number}" for number in range(1, 7)),
    *(f"O{number}" for number in range(1, 8)),
)

ENTRIES = tuple(CATALOGUE.values())


@pytest.mark.parametrize("row", ROWS)
def test_every_row_of_the_failure_catalogue_has_an_entry(row: str) -> None:
    """Issue 4 (1): each row is an entry with a stable code."""
    assert [entry.code for entry in ENTRIES if row in entry.rows]


def test_no_entry_names_a_row_that_does_not_exist() -> None:
    assert {row for entry in ENTRIES for row in entry.rows} <= set(ROWS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_an_entry_reads_well_when_nothing_is_known(entry: Entry) -> None:
    """Each template is a sentence without values, and none is left unfilled."""
    for template in (entry.message, entry.next_step):
        text = fill(template, {})
        assert text[0].isupper() or text.startswith("sottovoce "), text
        assert text.endswith((".", "?", ")", "”")) or "chmod" in text, text
        for wrong in ("{", "}", "  ", " ,", " .", " :", " ;", "..", "()", "''"):
            assert wrong not in text, (wrong, text)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_every_field_has_a_wording(entry: Entry) -> None:
    """A field without an own wording is one of those that have a common one."""
    bare = {
        name
        for template in (entry.message, entry.next_step)
        for name in fields_of(template)
        if "{" + name + "}" in template
    }
    assert bare <= set(ABSENT)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_a_code_is_kebab_case_and_every_weight_a_share(entry: Entry) -> None:
    assert entry.code == entry.code.lower().strip("-")
    assert entry.code.replace("-", "").isalnum()
    assert all(0 < says.weight < 1 for says in entry.says)
    assert all(0 < alert.weight < 1 for alert in entry.alerts)
    assert all(alert.name in ALERTS for alert in entry.alerts)
    assert all(when.factor >= 0 and when.value == when.value.casefold() for when in entry.when)
    assert len({says.text for says in entry.says}) == len(entry.says)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_every_text_of_an_entry_is_found_in_itself(entry: Entry) -> None:
    """A text with its gaps filled in is recognised: no pattern is dead."""
    for says in entry.says:
        spoken = says.text.replace("{expected:address}", "192.0.2.1")
        for name in fields_of(says.text):
            spoken = spoken.replace("{" + name + "}", "x")
        found = search(prepare(spoken.replace("{}", "y z")), says.text)
        assert found is not None, says.text


def test_circumstances_are_documented() -> None:
    used = {when.field for entry in ENTRIES for when in entry.when}
    assert used <= set(CONTEXT_FIELDS)


def test_every_error_class_has_an_entry() -> None:
    """STYLE: `code` is stable, documented, unique."""
    classes = [
        one
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, errors.SottovoceError)
    ]
    assert len(classes) > 20
    assert [one.code for one in classes if entry_of(one.code) is None] == []


def test_families_keep_the_order_of_the_failure_catalogue() -> None:
    assert list(FAMILIES)[:4] == ["names", "trust", "allowed list", "validity"]
    assert sum(len(entries) for entries in FAMILIES.values()) == len(CATALOGUE)
