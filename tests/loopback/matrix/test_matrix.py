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
    settings,
    trust,
    validity,
)
from tests.loopback.matrix.rows import Row
from tests.loopback.matrix.stage import Stage

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
