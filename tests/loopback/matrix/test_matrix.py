"""The failure matrix: every row of the catalogue, made for real; both sides know why.

Issue 4: the code on the accepting side, on the calling side, and in what was told.
"""

import pytest
from tests.loopback.matrix import (
    allowed,
    installation,
    keystores,
    names,
    network,
    protocol,
    running,
    settings,
    trust,
    validity,
)
from tests.loopback.matrix.rows import CATALOGUE, Row
from tests.loopback.matrix.stage import Stage

from sottovoce.diagnosis import CATALOGUE as DIAGNOSES

ROWS: tuple[Row, ...] = (
    *names.ROWS,
    *trust.ROWS,
    *allowed.ROWS,
    *validity.ROWS,
    *network.ROWS,
    *installation.ROWS,
    *protocol.ROWS,
    *keystores.ROWS,
    *settings.ROWS,
    *running.ROWS,
)


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_both_sides_know_why(row: Row, stage: Stage) -> None:
    seen = await row.made(stage)
    assert seen.codes == row.codes
    for word in row.says:
        assert word in seen.text
    for fault in seen.faults:
        assert fault.why.isprintable()
        assert fault.why[-1] in ".?"
        assert fault.hint, "nobody is left without a next step"
    for fault in seen.faults[:1]:
        assert fault.presented, "who found it says what was met"
        assert fault.expected, "and what would have been right"


def test_every_row_of_the_catalogue_is_made() -> None:
    """Issue 4 asks for 90 % of them; no reason was found to leave one out."""
    assert {row.id for row in ROWS} == set(CATALOGUE)
    assert len(CATALOGUE) == 82
    assert len({str(row) for row in ROWS}) == len(ROWS)


def test_every_row_has_an_entry_in_the_catalogue_of_diagnoses() -> None:
    known = {row for entry in DIAGNOSES.values() for row in entry.rows}
    assert set(CATALOGUE) <= known


def test_what_is_foretold_are_codes_of_the_catalogue() -> None:
    for row in ROWS:
        told = {each for each in row.told if not each.startswith(("alert ", "sottovoce"))}
        codes = {*row.accepting, row.calling, *row.found, *told} - {""}
        assert codes <= set(DIAGNOSES), row
