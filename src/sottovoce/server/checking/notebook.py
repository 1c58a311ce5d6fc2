"""Where checks write what they find: each timed, none able to break the others.

This module owns the form of a check: read something, note its faults, and say one sentence when
there is none. What is looked at, and in which order, is the matter of the modules beside it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sottovoce.diagnosis import Finding, Report, Status
from sottovoce.errors import Fault, SettingsError, SottovoceError
from sottovoce.server.home import Faults

__all__ = ["Notebook"]

Value = TypeVar("Value")


@dataclass(kw_only=True)
class Notebook:
    """The findings of one run, in their order.

    Args:
        monotonic: seconds on a clock that never steps.
        facts: what the catalogue's sentences may name: ``own``.
        on_finding: is given each finding at once, for who shows them one by one.
    """

    monotonic: Callable[[], float]
    facts: Mapping[str, str] = field(default_factory=dict)
    on_finding: Callable[[Finding], None] = lambda _: None
    group: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def report(self) -> Report:
        """Everything found so far."""
        return Report(tuple(self.findings))

    @property
    def is_faulty(self) -> bool:
        """Whether a fault was found so far."""
        return any(finding.status is Status.FAULT for finding in self.findings)

    def look(
        self,
        check: str,
        read: Callable[[Faults], Value | None],
        *,
        fine: Callable[[Value], str],
    ) -> Value | None:
        """Carry out one check.

        Args:
            check: its id.
            read: does the work; raises or notes faults and warnings. What it returns goes on to
                the next check even when there were some; None = there is nothing to go on with.
            fine: the sentence for the case that nothing is wrong.

        Returns:
            What *read* returned; None after an error.
        """
        began = self.monotonic()
        faults = Faults()
        try:
            value = self._attempt(faults, read)
            good = value is not None and not faults.found and not faults.warnings
            message = fine(value) if good and value is not None else ""
        except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
            self.untold(check, f"This could not be looked at ({type(error).__name__}).")
            return None
        seconds = self.monotonic() - began
        for fault in (*faults.found, *(replace(each, warning=True) for each in faults.warnings)):
            self.fault(check, fault, seconds=seconds)
        if message:
            self._note(check, Status.FINE, message, seconds=seconds)
        return value

    @staticmethod
    def _attempt(faults: Faults, read: Callable[[Faults], Value | None]) -> Value | None:
        try:
            return faults.attempt(lambda: read(faults))
        except SettingsError:
            raise
        except SottovoceError as error:
            faults.found.append(error.as_fault())
            return None

    def faults(
        self,
        check: str,
        found: Iterable[Fault],
        *,
        fine: str,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        """Note the faults of one check, or that there is none.

        Args:
            check: its id.
            found: faults and warnings, the most telling first.
            fine: the sentence for the case that there is none.
            facts: for the catalogue's sentences, beside those of the notebook.
        """
        try:
            told = list(dict.fromkeys(found))
        except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
            self.untold(check, f"This could not be looked at ({type(error).__name__}).")
            return
        for fault in told:
            self.fault(check, fault, facts=facts)
        if not told:
            self.fine(check, fine)

    def fault(
        self,
        check: str,
        fault: Fault,
        *,
        facts: Mapping[str, str] | None = None,
        seconds: float = 0.0,
        phases: Mapping[str, float] | None = None,
    ) -> None:
        """Note one fault or warning."""
        known = {**self.facts, **(facts or {})}
        finding = Finding.of_fault(fault, check=check, group=self.group, facts=known)
        self._add(replace(finding, seconds=seconds, phases=phases or {}))

    def fine(
        self,
        check: str,
        message: str,
        *,
        seconds: float = 0.0,
        phases: Mapping[str, float] | None = None,
    ) -> None:
        """Note that nothing is wrong."""
        self._note(check, Status.FINE, message, seconds=seconds, phases=phases or {})

    def untold(self, check: str, message: str, *, code: str = "internal-error") -> None:
        """Note that a check could not be carried out, and under which code one reads on."""
        finding = Finding(
            id=check, group=self.group, status=Status.UNTOLD, message=message, code=code
        )
        self._add(finding)

    def skip(self, check: str, message: str) -> None:
        """Note that something was not looked at because of a fault that stands above."""
        self._note(check, Status.SKIPPED, message)

    def _note(
        self,
        check: str,
        status: Status,
        message: str,
        *,
        seconds: float = 0.0,
        phases: Mapping[str, float] | None = None,
    ) -> None:
        finding = Finding(
            id=check, group=self.group, status=status, message=message, seconds=seconds
        )
        self._add(replace(finding, phases=phases or {}))

    def _add(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.on_finding(finding)
