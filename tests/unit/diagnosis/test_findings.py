"""Findings and what they amount to."""

import pytest

from sottovoce.diagnosis import Finding, Report, Status
from sottovoce.errors import Fault


def of(*statuses: Status) -> Report:
    return Report(
        tuple(
            Finding(id=f"check-{number}", group="Some", status=status, message="A.")
            for number, status in enumerate(statuses)
        )
    )


@pytest.mark.parametrize(
    ("statuses", "worst", "first"),
    [
        ((), Status.FINE, ""),
        ((Status.FINE, Status.SKIPPED), Status.FINE, ""),
        ((Status.FINE, Status.WARNING), Status.WARNING, "check-1"),
        ((Status.WARNING, Status.UNTOLD), Status.UNTOLD, "check-1"),
        ((Status.UNTOLD, Status.WARNING, Status.FAULT, Status.FAULT), Status.FAULT, "check-2"),
    ],
)
def test_the_worst_counts_and_its_first_comes_first(
    statuses: tuple[Status, ...], worst: Status, first: str
) -> None:
    report = of(*statuses)
    assert report.worst is worst
    assert (report.first.id if report.first else "") == first
    assert sum(report.counts.values()) == len(statuses)


def test_a_fault_gets_the_words_of_the_catalogue_where_it_has_none() -> None:
    fault = Fault(code="connection-refused", why="")
    found = Finding.of_fault(
        fault, check="connection-lui-hub", group="Connections",
        facts={"own": "lui.test", "peer": "HUB", "port": "1099"},
    )  # fmt: skip
    assert found.status is Status.FAULT
    assert found.message.startswith("lui.test could not reach HUB")
    assert "1099" in found.next_step
    assert (found.anchor, found.id) == ("connection-refused", "connection-lui-hub")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(code="name-mismatch", why="A."), Status.FAULT),
        (Fault(code="name-mismatch", why="A.", warning=True), Status.WARNING),
        (Fault(code="same-key", why="A."), Status.WARNING),
        (Fault(code="no-such-code", why="A."), Status.FAULT),
    ],
)
def test_a_fault_warns_when_it_or_its_entry_does(fault: Fault, status: Status) -> None:
    assert Finding.of_fault(fault, check="c", group="g").status is status
