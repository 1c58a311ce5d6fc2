"""Evidence → diagnosis; the catalogue as data; rendering as text and JSON."""

from sottovoce.diagnosis.catalogue import CATALOGUE, FAMILIES, entry_of
from sottovoce.diagnosis.entry import Alert, Diagnosis, Entry, Says, Severity, Side, When
from sottovoce.diagnosis.explaining import CONTEXT_FIELDS, describe, explain, explain_alert
from sottovoce.diagnosis.findings import Finding, Report, Status
from sottovoce.diagnosis.rendering import render_json, render_line, render_text
from sottovoce.diagnosis.retelling import retell

__all__ = [
    "CATALOGUE",
    "CONTEXT_FIELDS",
    "FAMILIES",
    "Alert",
    "Diagnosis",
    "Entry",
    "Finding",
    "Report",
    "Says",
    "Severity",
    "Side",
    "Status",
    "When",
    "describe",
    "entry_of",
    "explain",
    "explain_alert",
    "render_json",
    "render_line",
    "render_text",
    "retell",
]
