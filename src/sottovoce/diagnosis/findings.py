"""What a check found, as values: one finding a check, and the report over all of them.

This module owns the order of severity and what the whole amounts to. It reads no file, measures no
time and prints nothing.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from sottovoce.diagnosis.entry import Severity, clean
from sottovoce.diagnosis.explaining import describe
from sottovoce.errors import Fault

__all__ = ["Finding", "Report", "Status"]


class Status(StrEnum):
    """What a check says; the worst comes first in :attr:`Report.worst`."""

    #: Something is or will be refused.
    FAULT = "fault"
    #: The check could not be carried out.
    UNTOLD = "untold"
    #: Works today; somebody should look.
    WARNING = "warning"
    #: Nothing is wrong.
    FINE = "fine"
    #: Not looked at, because of a fault that stands above it.
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Args:
        id: of the check, stable and kebab-case.
        group: the heading that it stands under.
        status: what it says.
        message: one sentence; never a secret.
        code: of the diagnosis; empty when nothing is wrong.
        expected, presented: the two values, where there are two.
        next_step: the one next step; empty when there is none.
        seconds: how long the check took.
        phases: of a connection that was tried: phase → seconds, in order.
    """

    id: str
    group: str
    status: Status
    message: str
    code: str = ""
    expected: str = ""
    presented: str = ""
    next_step: str = ""
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)

    @property
    def anchor(self) -> str:
        """What ``sottovoce explain`` and the documentation know it by."""
        return self.code or self.id

    @classmethod
    def of_fault(
        cls,
        fault: Fault,
        *,
        check: str,
        group: str,
        facts: Mapping[str, str] = MappingProxyType({}),
    ) -> "Finding":
        """Return what a fault says, in the words of the catalogue where it has none of its own.

        Args:
            fault: what was found.
            check: the id of the check that found it; group: its heading.
            facts: see :func:`~sottovoce.diagnosis.describe`.
        """
        found = describe(fault, facts)
        warns = fault.warning or found.severity is not Severity.FAULT
        return cls(
            id=check,
            group=group,
            status=Status.WARNING if warns else Status.FAULT,
            message=found.message,
            code=found.code,
            expected=clean(fault.expected),
            presented=clean(fault.presented),
            next_step=found.next_step,
        )

    def as_fields(self) -> dict[str, object]:
        """Return the finding as JSON-ready fields, all of them always there."""
        return {
            "id": self.id,
            "group": self.group,
            "status": self.status.value,
            "code": self.code,
            "message": self.message,
            "expected": self.expected,
            "presented": self.presented,
            "next": self.next_step,
            "seconds": round(self.seconds, 4),
            "phases": {phase: round(seconds, 4) for phase, seconds in self.phases.items()},
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order in which they were made: causes before what follows from them."""

    findings: tuple[Finding, ...]

    def of(self, status: Status) -> tuple[Finding, ...]:
        """Return the findings of that status, in their order."""
        return tuple(finding for finding in self.findings if finding.status is status)

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many findings there are of each status; all statuses are there."""
        counted = Counter(finding.status for finding in self.findings)
        return MappingProxyType({status: counted[status] for status in Status})

    @property
    def worst(self) -> Status:
        """What all of it amounts to: fault, untold, warning or fine."""
        ranked = (Status.FAULT, Status.UNTOLD, Status.WARNING)
        return next((status for status in ranked if self.of(status)), Status.FINE)

    @property
    def first(self) -> Finding | None:
        """The finding to begin with: the first of the worst; None when all is fine."""
        worst = self.worst
        return None if worst is Status.FINE else self.of(worst)[0]
