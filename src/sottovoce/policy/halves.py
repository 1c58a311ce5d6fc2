"""All or nothing: which connections cannot work because one server is secured and another is not.

Owns the map of the three connections against the two modes and its sentence (catalogue P9, SPEC
W4). How a server's mode was learnt is not its matter.
"""

from collections.abc import Mapping

from sottovoce.errors import Fault
from sottovoce.policy.component import CONNECTIONS, Component

__all__ = ["broken_connections", "half_secured"]


def broken_connections(
    modes: Mapping[Component, bool | None],
) -> tuple[tuple[Component, Component], ...]:
    """Return the connections, caller and called, whose two servers are in different modes.

    Args:
        modes: component → whether its server is secured; None or absent = not known.
    """
    return tuple(
        (caller, called)
        for caller, called in CONNECTIONS
        if None not in (modes.get(caller), modes.get(called))
        and modes.get(caller) is not modes.get(called)
    )


def half_secured(modes: Mapping[Component, bool | None]) -> Fault | None:
    """Return the fault of an installation of which a part is secured, or None.

    Args:
        modes: component → whether its server is secured; None or absent = not known.
    """
    broken = broken_connections(modes)
    if not broken:
        return None
    secured, plain, unknown = (_labels(modes, mode) for mode in (True, False, None))
    why = f"Secured: {secured}. Not secured: {plain}. "
    if unknown:
        why += f"Not known: {unknown}. "
    why += f"{len(broken)} of {len(CONNECTIONS)} connections cannot work."
    return Fault(
        code="half-secured",
        why=why,
        expected="all servers secured, or none",
        presented="cannot work: "
        + ", ".join(f"{caller.label} → {called.label}" for caller, called in broken),
        hint=f"Finish {plain}: write commands/ssl.ini there and restart; or roll back by removing "
        f"it from {secured}.",
    )


def _labels(modes: Mapping[Component, bool | None], mode: bool | None) -> str:
    return ", ".join(one.label for one in Component if modes.get(one) is mode)
