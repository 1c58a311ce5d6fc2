"""What only several servers together show: a half-secured installation, one key on two servers."""

from collections.abc import Iterable, Iterator

from sottovoce.errors import Fault
from sottovoce.net import Probe
from sottovoce.net.security import identity_of
from sottovoce.policy import CONNECTIONS, Component, half_secured
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.history import Event
from sottovoce.server.checking.incoming import last_words
from sottovoce.server.checking.notebook import Notebook

__all__ = ["check_installation", "modes"]

#: What a refusal says of the other server's mode; every other refusal within TLS says “secured”.
_PLAIN_CODES = frozenset({"peer-not-secured", "plaintext-peer"})
#: What says that it is in the other one of the two modes.
_OTHER_MODE = frozenset({"mode-mismatch", "secured-caller"})


def check_installation(notebook: Notebook, known: Examination, probes: Iterable[Probe]) -> None:
    """Check what concerns all servers: one mode, and a key of its own for each."""
    tried = tuple(probes)
    found = modes(known, tried)
    half = half_secured(found)
    mode = "secured" if known.secured else "plain"
    labels = ", ".join(each.label for each in Component if found.get(each) is known.secured)
    notebook.faults(
        "one-mode",
        [half] if half is not None else [],
        fine=f"One mode everywhere: {labels} {mode}.",
    )
    if known.secured:
        notebook.faults(
            "own-keys",
            _same_keys(known, tried),
            fine="No two servers seen from here have the same key.",
        )


def modes(known: Examination, probes: Iterable[Probe]) -> dict[Component, bool | None]:
    """Return which servers are secured, as far as it is known here; None = not known.

    Args:
        known: this server, whose mode is the switch's.
        probes: what the servers that it calls have shown.
    """
    found: dict[Component, bool | None] = dict.fromkeys(Component)
    for caller, _ in CONNECTIONS:
        event = last_words(known, caller)
        if event is not None:
            found[caller] = _mode_of(event.code, secured=known.secured, spoke=event.secured)
    for tried in probes:
        called = tried.destination.component
        if called is not None:
            found[called] = _mode_met(tried, known)
    for component in known.components:
        found[component] = known.secured
    return found


def _mode_met(tried: Probe, known: Examination) -> bool | None:
    if tried.error is None:
        return known.secured
    fault = tried.error.faults[0] if tried.error.faults else None
    code = fault.code if fault is not None else tried.error.code
    if code in _PLAIN_CODES | _OTHER_MODE:
        return not known.secured
    return True if tried.trace.chain or tried.trace.told else None


def _mode_of(code: str, *, secured: bool, spoke: bool) -> bool | None:
    if code in _PLAIN_CODES:
        return False
    if code in _OTHER_MODE:
        return not spoke
    return secured if not code else None


def _same_keys(known: Examination, probes: Iterable[Probe]) -> Iterator[Fault]:
    """Find two servers that present one key (catalogue N8); a server is who it announces to be."""
    first: dict[str, str] = {}
    told: set[frozenset[str]] = set()
    for name, key in _keys(known, probes):
        other = first.setdefault(key, name)
        if other == name or frozenset((other, name)) in told:
            continue
        told.add(frozenset((other, name)))
        yield Fault(
            code="same-key",
            why=f"{other} and {name} present the same key (SHA-256 {key[:23]}…). Whoever steals it "
            "is both of them, and no allowed list can tell them apart.",
            expected="a key of its own on each server",
            presented=key,
            hint=f"Make a new key on {name} and have it certified.",
        )


def _keys(known: Examination, probes: Iterable[Probe]) -> Iterator[tuple[str, str]]:
    own = identity_of(known.identity.chain) if known.identity is not None else None
    if own is not None:
        yield known.own_name, own.key
    for tried in probes:
        peer = identity_of(tried.trace.chain)
        if peer is not None and peer.key:
            yield tried.trace.announced or tried.destination.name, peer.key
    for event in _accepted(known):
        yield event.announced, event.key


def _accepted(known: Examination) -> Iterator[Event]:
    """Return the newest accepted caller of each name."""
    told: set[str] = set()
    for event in known.history.of(side="accepting", outcome="accepted"):
        if event.announced and event.key and event.announced not in told:
            told.add(event.announced)
            yield event
