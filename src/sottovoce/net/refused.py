"""Who was not let in at a port, for HUB's map: the last time for each, a bounded number of them.

Fed with what the security log is told. What a stranger claims of itself is data: bounded and
printable, believed by nobody.
"""

from collections import OrderedDict

import msgspec

from sottovoce.contracts import RefusedCaller
from sottovoce.ini import shown
from sottovoce.net.posture import LONGEST_MESSAGE, MOST_NAMES
from sottovoce.net.security import Outcome, SecurityRecord
from sottovoce.tls import Side

__all__ = ["RefusedCallers", "host_of"]

#: Strangers that are remembered; the one that came longest ago is forgotten first.
MOST_REMEMBERED = 32


class RefusedCallers:
    """The book of one port."""

    def __init__(self) -> None:
        self._callers: OrderedDict[tuple[str, ...], RefusedCaller] = OrderedDict()

    def note(self, record: SecurityRecord) -> bool:
        """Take what the security log was told; return whether that was a refused caller."""
        if record.side is not Side.ACCEPTING or record.outcome is not Outcome.REFUSED:
            return False
        caller = _described(record)
        key = (caller.address, caller.code, caller.component, *caller.names)
        before = self._callers.pop(key, None)
        if before is not None:
            caller = msgspec.structs.replace(caller, attempts=before.attempts + 1)
        self._callers[key] = caller
        while len(self._callers) > MOST_REMEMBERED:
            self._callers.popitem(last=False)
        return True

    @property
    def latest(self) -> tuple[RefusedCaller, ...]:
        """Everyone remembered, the newest last."""
        return tuple(self._callers.values())


def _described(record: SecurityRecord) -> RefusedCaller:
    names = dict.fromkeys(name for name in (record.announced, *record.names) if name)
    return RefusedCaller(
        at=record.at,
        port=record.port,
        address=host_of(record.address),
        code=record.code,
        message=shown(record.faults[0].why if record.faults else "", limit=LONGEST_MESSAGE),
        names=tuple(shown(name) for name in list(names)[:MOST_NAMES]),
        component=record.component,
        fingerprint=record.fingerprint,
        by="caller" if record.refused_by == "peer" else "called",
    )


def host_of(address: str) -> str:
    """Return the host of ``host:port`` or ``[host]:port``."""
    return address.rpartition(":")[0].strip("[]")
