"""How findings look in a terminal: a mark, a sentence, an anchor; below a bad one what to do.

The form is that of ``linkerd check``. Owns marks, widths and the closing line; judges nothing.
"""

import shutil
import sys
import textwrap
from typing import TextIO

from sottovoce.diagnosis import Finding, Report, Status

__all__ = ["Printer", "closing_line"]

_MARKS = {
    Status.FINE: ("√", "ok"),
    Status.WARNING: ("‼", "!!"),
    Status.FAULT: ("×", "xx"),
    Status.UNTOLD: ("?", "??"),
    Status.SKIPPED: ("·", "--"),
}
#: Columns: wide enough for a sentence with two host names, narrow enough to be read in one sweep.
_NARROWEST, _WIDEST = 30, 110


class Printer:
    """Prints findings as they are made.

    Args:
        file: standard output by default.
        width: of the terminal; measured by default.
    """

    def __init__(self, file: TextIO | None = None, *, width: int | None = None) -> None:
        self._file = file or sys.stdout
        columns = width or shutil.get_terminal_size().columns
        self._width = max(_NARROWEST, min(columns - 1, _WIDEST))
        self._plain = not _can_say(self._file, "√‼×·")
        self._group = ""

    def show(self, finding: Finding) -> None:
        """Print one finding, under its heading."""
        if finding.group != self._group:
            lead = "\n" if self._group else ""
            self._say(f"{lead}{finding.group}\n{'-' * len(finding.group)}")
            self._group = finding.group
        mark = _MARKS[finding.status][1 if self._plain else 0]
        self._paragraph(f"{mark} ", f"{finding.message} [{finding.anchor}]")
        if finding.status in (Status.FAULT, Status.WARNING):
            for label, value in (
                ("expected", finding.expected),
                ("presented", finding.presented),
                ("next", finding.next_step),
            ):
                if value:
                    self._paragraph(f"    {label + ':':<11}", value)

    def sum_up(self, report: Report) -> None:
        """Print the closing line."""
        self._say("")
        self._paragraph("", closing_line(report))
        self._file.flush()

    def _paragraph(self, lead: str, text: str) -> None:
        """Print *text* after *lead*, its further lines below its first; paths are never broken."""
        wrapped = textwrap.wrap(
            text,
            self._width,
            initial_indent=lead,
            subsequent_indent=" " * len(lead),
            break_long_words=False,
            break_on_hyphens=False,
        )
        self._say("\n".join(wrapped) or lead)

    def _say(self, text: str) -> None:
        if self._plain:
            encoding = self._file.encoding or "ascii"
            text = text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
        print(text, file=self._file)


#: What our sentences use beyond ASCII, for terminals that have nothing else.
_ASCII = str.maketrans({"→": "->", "…": "...", "“": '"', "”": '"', "–": "-", "—": "-", "•": "*"})


def _can_say(file: TextIO, letters: str) -> bool:
    try:
        letters.encode(file.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def closing_line(report: Report) -> str:
    """Return the one sentence that says what all of it amounts to."""
    counts, first = report.counts, report.first
    count = counts[Status.FINE]
    fine = f"{count} check{' is' if count == 1 else 's are'} fine"
    if first is None:
        return f"All is right: {fine}."
    parts = [
        _counted(counts[Status.FAULT], "fault"),
        _counted(counts[Status.UNTOLD], "thing that could not be looked at", "things"),
        _counted(counts[Status.WARNING], "warning"),
    ]
    found = ", ".join(part for part in parts if part)
    skipped = counts[Status.SKIPPED]
    left = f", {skipped} not looked at because of what is above" if skipped else ""
    return f"{found}; {fine}{left}. Begin with: sottovoce explain {first.anchor}"


def _counted(count: int, noun: str, plural: str = "") -> str:
    if not count:
        return ""
    many = noun.replace("thing", plural, 1) if plural else f"{noun}s"
    return f"{count} {noun if count == 1 else many}"
