"""A diagnosis as text for people and as plain data for programs.

This module owns the layout. It decides nothing.
"""

import textwrap

from sottovoce.diagnosis.entry import Diagnosis

__all__ = ["render_json", "render_line", "render_text"]

_NARROWEST = 30


def _paragraph(label: str, text: str, width: int) -> str:
    indent = " " * 2
    return textwrap.fill(
        f"{label}{text}",
        width=max(width, _NARROWEST),
        initial_indent=indent,
        subsequent_indent=indent + " " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def render_text(diagnosis: Diagnosis, *, width: int = 80) -> str:
    """Render a diagnosis for a terminal.

    Args:
        diagnosis: the diagnosis.
        width: of the terminal, in characters; at least 30 are used.

    Returns:
        several lines, without a line end at the end.
    """
    head = f"{diagnosis.code} ({diagnosis.severity.value}): {diagnosis.title}"
    lines = [head, _paragraph("", diagnosis.message, width)]
    if diagnosis.next_step:
        lines.append(_paragraph("Next: ", diagnosis.next_step, width))
    if diagnosis.apart:
        lines.append(_paragraph("Tell apart: ", diagnosis.apart, width))
    lines += [_paragraph("Seen: ", one, width) for one in diagnosis.evidence]
    return "\n".join(lines)


def render_line(diagnosis: Diagnosis) -> str:
    """Render a diagnosis as one line for a log: ``code: message next step``."""
    return str(diagnosis)


def render_json(diagnosis: Diagnosis) -> dict[str, object]:
    """Render a diagnosis as plain data: strings, one number, lists of strings."""
    return {
        "code": diagnosis.code,
        "title": diagnosis.title,
        "message": diagnosis.message,
        "next_step": diagnosis.next_step,
        "severity": diagnosis.severity.value,
        "side": diagnosis.side.value,
        "rows": list(diagnosis.rows),
        "likelihood": diagnosis.likelihood,
        "evidence": list(diagnosis.evidence),
        "apart": diagnosis.apart,
    }
