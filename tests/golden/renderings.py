"""How each diagnosis reads: with nothing known, with values, and as the refused side retells it.

The texts are kept beside this module, one file a family. Whoever changes a text of the catalogue
writes them anew, and reads aloud what has changed: ``.venv/bin/python -m tests.golden``.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sottovoce.diagnosis import FAMILIES, Entry, Severity, describe, render_text
from sottovoce.errors import Fault
from sottovoce.net.telling import faults_told, reasons_to_tell

__all__ = ["FOLDER", "SAMPLES", "family_file", "rendered"]

FOLDER = Path(__file__).parent

#: Code → values as the product gives them; see ``samples.toml``.
SAMPLES: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    (FOLDER / "samples.toml").read_text("utf-8")
)

#: Families of which a refused peer may be told.
_TOLD = ("names", "trust", "allowed list", "validity", "protocol")

#: What a fault carries; other values of a sample are facts of who found it.
_OF_A_FAULT = ("why", "expected", "presented", "file", "line", "key")


def family_file(family: str) -> Path:
    """Return where the renderings of a family are kept."""
    return FOLDER / f"{family.replace(' ', '-')}.txt"


def rendered(family: str) -> str:
    """Return the renderings of all codes of a family."""
    told = family in _TOLD
    return "\n".join(
        text
        for entry in FAMILIES[family]
        for text in _of(entry, told=told and entry.severity is Severity.FAULT)
    )


def _of(entry: Entry, *, told: bool) -> Iterator[str]:
    sample = SAMPLES.get(entry.code, {})
    yield f"## {entry.code}\n\n{_text(entry.code, {})}\n"
    if sample:
        yield f"As found:\n\n{_text(entry.code, sample)}\n"
    if told and "{own}" in entry.message:
        yield f"As the refused server reads it:\n\n{_retold(entry.code, sample)}\n"


def _fault(code: str, sample: Mapping[str, Any]) -> Fault:
    return Fault(code=code, **{"why": "", **{k: sample[k] for k in _OF_A_FAULT if k in sample}})


def _text(code: str, sample: Mapping[str, Any]) -> str:
    """Fill in the catalogue's own sentence, also where the product has a closer one."""
    sides = {"own": "hub.test", "peer": "lui.test", "port": "1099"} if sample else {}
    facts = sides | {name: str(value) for name, value in sample.items()}
    bare = {name: value for name, value in sample.items() if name != "why"}
    return render_text(describe(_fault(code, bare), facts))


def _retold(code: str, sample: Mapping[str, Any]) -> str:
    reasons = reasons_to_tell([_fault(code, sample)])
    told = faults_told(reasons, teller="HUB (hub.test:1099)", called="hub.test")
    return "\n".join(f"  {fault.why}\n  {fault.hint}" for fault in told)
