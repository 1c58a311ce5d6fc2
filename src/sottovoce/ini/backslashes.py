r"""Finds single backslashes in a value as it stands in the file (catalogue C2, C4).

In this format ``C:\security\new`` is ``C:security``, a line break and ``ew``. Owns the recognition
of such slips and their wording; refuses to change a value.
"""

import re

from sottovoce.errors import Fault
from sottovoce.ini.show import shown

__all__ = ["single_backslash_fault", "single_backslashes"]

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
#: What the manual lists, and ``\: \= \# \!``, which Java's own ``Properties.store`` writes.
_MEANT = frozenset("tnrf\\\"' :=#!")
_CONTROLS = frozenset("tnrf")


def single_backslashes(raw: str, *, controls: bool = False) -> tuple[int, ...]:
    r"""Return where single backslashes stand that were probably meant as characters.

    Args:
        raw: the value as it stands in the file (``Entry.raw``).
        controls: also count ``\t \n \r \f``: in a path or a password they are slips, too.

    Returns:
        Offsets in ``raw``, rising. A backslash that doubles or introduces one of the documented
        escapes is not counted.
    """
    return tuple(
        match.start()
        for match in _ESCAPE.finditer(raw)
        if len(match[1]) == 1 and (match[1] not in _MEANT or (controls and match[1] in _CONTROLS))
    )


def single_backslash_fault(name: str, raw: str, *, controls: bool, secret: bool) -> Fault | None:
    """Return the fault for single backslashes in a value, or None where there are none.

    Args:
        name: the key.
        raw: the value as it stands in the file.
        controls: as in :func:`single_backslashes`.
        secret: describe the value, never show it.
    """
    places = single_backslashes(raw, controls=controls)
    if not places:
        return None
    count = "a single backslash" if len(places) == 1 else f"{len(places)} single backslashes"
    effects = _effects(raw, places)
    return Fault(
        code="ini-single-backslash",
        why=f"{name} has {count}, which {effects}.",
        expected="every backslash doubled, or none",
        presented="a value that is not shown" if secret else shown(raw),
        hint="Write every backslash twice, or choose a value without one."
        if secret
        else f"Write {_doubled(raw, places)} or {_slashed(raw)}.",
        key=name,
    )


def _effects(raw: str, places: tuple[int, ...]) -> str:
    broken = sum(raw[place + 1] in _CONTROLS for place in places)
    if broken == len(places):
        return "this format reads as a control character together with the letter after it"
    if broken:
        return "this format drops or reads as a control character"
    return "this format drops"


def _doubled(raw: str, places: tuple[int, ...]) -> str:
    wanted = set(places)
    return shown("".join("\\\\" if at in wanted else char for at, char in enumerate(raw)))


def _slashed(raw: str) -> str:
    return shown(raw.replace("\\\\", "/").replace("\\", "/"))
