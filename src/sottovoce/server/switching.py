"""The prepared switch: ``commands/ssl.ini.prepared``, which secures nothing until it is moved.

Owns where it lies, what a server would be with it, and what HUB has been told and has said of that.
Whether a server is prepared is read from its files each time; nothing
of it is stored, except HUB's word, which nobody else could say.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.contracts import PreparedSwitch, SwitchWord
from sottovoce.errors import Fault, SettingsError
from sottovoce.pki import Purpose, fingerprint, verify
from sottovoce.server.existing import disk_faults
from sottovoce.server.home import Home
from sottovoce.server.plan import Plan, read_plan_of
from sottovoce.server.trust import is_secured
from sottovoce.store import write_atomically

__all__ = [
    "PREPARED",
    "HeardWord",
    "PreparedHome",
    "Ready",
    "Stage",
    "examine",
    "heard_word",
    "keep_word",
    "move_back",
    "move_switch",
    "ready_of",
    "report_of",
    "secured_already",
    "stage_of",
]

#: Where the switch waits, within the home.
PREPARED = Path("commands") / "ssl.ini.prepared"

#: Where a running plain server writes down HUB's word.
_WORD = Path("run") / "switch.json"

_REV_LENGTH = 32
_NOT_SWITCHED = "The switch was not moved."


class Stage(StrEnum):
    """How far a server's files are; what its process does is another matter."""

    PLAIN = "plain"
    PREPARED = "prepared"
    #: The switch is in its place.
    SWITCHED = "switched"


@dataclass(frozen=True, slots=True)
class PreparedHome(Home):
    """A home as it would be with the prepared switch in its place."""

    @property
    def ssl_ini(self) -> Path:
        """The prepared switch."""
        return self.path / PREPARED


def stage_of(home: Home) -> Stage:
    """Return how far the files of a home are."""
    if is_secured(home):
        return Stage.SWITCHED
    prepared = is_secured(PreparedHome(home.path))
    return Stage.PREPARED if prepared else Stage.PLAIN


def examine(home: Home, *, at: datetime) -> Plan | None:
    """Read a home as it would start secured: with its switch, or with the one that waits.

    Args:
        home: any.
        at: UTC.

    Returns:
        None when there is neither.

    Raises:
        SettingsError: it would not start, with every reason.
    """
    stage = stage_of(home)
    if stage is Stage.PLAIN:
        return None
    return read_plan_of(home if stage is Stage.SWITCHED else PreparedHome(home.path), at=at)


@dataclass(frozen=True, slots=True)
class Ready:
    """What a server has ready, and until when that would start.

    Args:
        report: what HUB is told of it.
        until: when the first certificate of its chain ends, UTC; None when it would not start.
        lists_until: when the first of its revocation lists ends; None without lists.
    """

    report: PreparedSwitch
    until: datetime | None = None
    lists_until: datetime | None = None


def ready_of(home: Home, *, at: datetime) -> Ready | None:
    """Return what a server has ready; None when it has no switch.

    Args:
        home: of the server.
        at: UTC.
    """
    moved = stage_of(home) is Stage.SWITCHED
    try:
        plan = examine(home, at=at)
    except SettingsError as error:
        fault = error.faults[0] if error.faults else Fault(code=error.code, why=error.message)
        return Ready(_sealed(PreparedSwitch(moved=moved, code=fault.code, message=fault.why)))
    if plan is None or plan.generation is None:
        return None
    generation = plan.generation
    ends = [crl.next_update_utc for crl in generation.crls if crl.next_update_utc is not None]
    return Ready(
        _sealed(_described(plan, at, moved=moved)),
        until=min(each.not_valid_after_utc for each in generation.identity.chain),
        lists_until=min(ends, default=None),
    )


def report_of(home: Home, *, at: datetime) -> PreparedSwitch | None:
    """Return what a plain server tells HUB of its prepared switch; None when it has none."""
    ready = ready_of(home, at=at)
    return None if ready is None else ready.report


def _described(plan: Plan, at: datetime, *, moved: bool) -> PreparedSwitch:
    generation = plan.generation
    assert generation is not None, "its switch is there"
    path = verify(
        list(generation.identity.chain),
        roots=generation.roots,
        purpose=Purpose.CLIENT,
        name=None,
        at=at,
        crls=generation.revocations,
    ).path
    return PreparedSwitch(
        server=plan.settings.server_name,
        moved=moved,
        chain=tuple(each.public_bytes(Encoding.DER) for each in path),
        roots=tuple(sorted(fingerprint(root) for root in generation.roots)),
        allowed=tuple(sorted(generation.allowed.names)),
        dials=plan.dials,
        expects={component.value: host for component, host in plan.hosts.items()},
    )


def _sealed(report: PreparedSwitch) -> PreparedSwitch:
    """Give the report its revision, which is the same before and after the switch is moved."""
    still = msgspec.structs.replace(report, moved=False)
    digest = hashlib.sha256(msgspec.msgpack.encode(still, order="sorted")).hexdigest()
    return msgspec.structs.replace(report, rev=digest[:_REV_LENGTH])


# What HUB has said.


class HeardWord(msgspec.Struct, frozen=True, kw_only=True):
    """HUB's word, and when it came."""

    at: datetime
    word: SwitchWord


def heard_word(home: Home) -> HeardWord | None:
    """Return what HUB said last to the running server of *home*; None when nothing is known."""
    try:
        return msgspec.json.decode((home.path / _WORD).read_bytes(), type=HeardWord)
    except (OSError, msgspec.DecodeError):
        return None


def keep_word(home: Home, heard: HeardWord) -> None:
    """Write down what HUB has said.

    Raises:
        OSError: the disk declined.
    """
    path = home.path / _WORD
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomically(path, msgspec.json.encode(heard))


# The switch itself.


def move_switch(home: Home) -> None:
    """Put the prepared switch in its place; it is on at the next start (SPEC W18).

    Raises:
        SettingsError: there is none, or its place is taken, or the disk declines.
    """
    if stage_of(home) is Stage.SWITCHED:
        raise SettingsError([secured_already(home)], message=_NOT_SWITCHED)
    if stage_of(home) is Stage.PLAIN:
        raise SettingsError([_missing(home.path / PREPARED)], message=_NOT_SWITCHED)
    _move(home, home.path / PREPARED, home.ssl_ini)


def move_back(home: Home) -> None:
    """Put the switch aside, so that the next start is plain.

    Raises:
        SettingsError: there is none, or something prepared lies where it would go.
    """
    aside = home.path / PREPARED
    if stage_of(home) is not Stage.SWITCHED:
        raise SettingsError([_missing(home.ssl_ini)], message=_NOT_SWITCHED)
    if os.path.lexists(aside):
        fault = Fault(
            code="switch-refused",
            why="Another switch is prepared, and would be lost.",
            expected=f"no {aside.name}",
            presented="one",
            hint=f"Move {aside} away, then repeat this.",
            file=str(aside),
        )
        raise SettingsError([fault], message=_NOT_SWITCHED)
    _move(home, home.ssl_ini, aside)


def _missing(path: Path) -> Fault:
    return Fault(
        code="switch-refused",
        why="There is no switch to be moved.",
        expected=path.name,
        presented="no such file",
        hint="Where this server stands: sottovoce secure --home DIR",
        file=str(path),
    )


def _move(home: Home, origin: Path, target: Path) -> None:
    with disk_faults(home, message=_NOT_SWITCHED, then="repeat this"):
        origin.rename(target)
        descriptor = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def secured_already(home: Home) -> Fault:
    """Return the fault of a step that is for a server whose switch is not in its place yet."""
    return Fault(
        code="switch-refused",
        why="The switch of this server is in its place already.",
        expected="no commands/ssl.ini",
        presented="one",
        hint="Where the installation stands: sottovoce secure --home DIR",
        file=str(home.ssl_ini),
    )
