"""How errors and faults are printed: every fault at once, each with its place and the next step."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from sottovoce.errors import Fault, SettingsError, SottovoceError

__all__ = ["print_error", "print_fault", "print_removed"]


def print_fault(fault: Fault, *, file: TextIO | None = None) -> None:
    """Print one fault over a few lines: place and sentence, both values, the next step."""
    out = file or sys.stderr
    kind = "warning" if fault.warning else "fault"
    place = ":".join(str(part) for part in (fault.file, fault.line) if part is not None)
    print(f"{kind} {fault.code}{f' in {place}' if place else ''}", file=out)
    print(f"    {fault.why}", file=out)
    for label, value in (("expected", fault.expected), ("presented", fault.presented)):
        if value:
            print(f"    {label}: {value}", file=out)
    if fault.hint:
        print(f"    next: {fault.hint}", file=out)


def print_error(error: SottovoceError, *, file: TextIO | None = None) -> None:
    """Print an error; one that carries faults as those."""
    out = file or sys.stderr
    if isinstance(error, SettingsError) and error.faults:
        first = error.message.split("\n")[0]
        if not first.startswith(str(error.faults[0])[:20]):
            print(first, file=out)
        for fault in error.faults:
            print_fault(fault, file=out)
        return
    print(f"{error.code}: {error.message}", file=out)
    if error.hint:
        print(f"    next: {error.hint}", file=out)


def print_removed(paths: Iterable[Path]) -> None:
    """Print what was cleared up that an earlier attempt had left."""
    for path in paths:
        print(f"Removed {path}, left by an attempt that was cut short.")
