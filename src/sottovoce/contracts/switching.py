"""What plain servers tell each other before they are secured together, in heartbeats.

A plain channel proves nothing, so nothing here is trusted with anything: it serves to compute
beforehand which connections would work. What they are worth is decided by mutual TLS afterwards.
"""

import msgspec

from sottovoce.contracts.calling import Record
from sottovoce.policy import Component

__all__ = ["PreparedSwitch", "SwitchWord", "dial_key"]


class PreparedSwitch(Record, frozen=True, kw_only=True):
    """What a plain server has ready for being secured.

    Args:
        rev: a digest of the rest but *moved*; changes with everything that partners would see.
        server: the name by which the server will announce itself.
        moved: the switch is in its place, and a restart away from being on.
        chain: its certificate and those above it, the trusted anchor among them; DER.
        roots: SHA-256 of each root that it will trust.
        allowed: its allowed clients.
        dials: ``lui-hub`` and the like → the name that it dials on that connection.
        expects: component → the server on which it expects that one to run.
        code: of the first fault that would keep it from starting secured; empty when none does.
        message: that fault as a sentence.
    """

    rev: str = ""
    server: str = ""
    moved: bool = False
    chain: tuple[bytes, ...] = ()
    roots: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    dials: dict[str, str] = msgspec.field(default_factory=dict)
    expects: dict[str, str] = msgspec.field(default_factory=dict)
    code: str = ""
    message: str = ""


class SwitchWord(Record, frozen=True, kw_only=True):
    """HUB's word on the whole installation, for a server that has a prepared switch.

    Args:
        rev: of the prepared switch for which it is said.
        ready: every connection is computed to work.
        why: else, a sentence for each one that would not.
        lists: the revocation lists of the installation's own authority, DER: what is prepared
            stays good while the switch waits.
    """

    rev: str
    ready: bool
    why: tuple[str, ...] = ()
    lists: tuple[bytes, ...] = ()


def dial_key(caller: Component, called: Component) -> str:
    """Return the key of a connection in :class:`PreparedSwitch`'s *dials*."""
    return f"{caller}-{called}"
