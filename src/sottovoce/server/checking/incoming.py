"""Who should call this server, by what its security log says: connected, refused, never seen.

HUB never dials and TRK never dials LUI, so these connections cannot be tried from here.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from sottovoce.errors import Fault
from sottovoce.policy import CONNECTIONS, Component, span
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.history import Event
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.checking.outgoing import edge_id
from sottovoce.server.checking.renamed import renamed_caller

__all__ = ["check_callers", "last_words"]

#: Refusals of callers that could not say who they are: known by their address.
_NAMELESS = frozenset({"plaintext-peer", "secured-caller", "no-certificate", "protocol-version"})


def check_callers(notebook: Notebook, known: Examination) -> None:
    """Tell of each partner on another server that should call a component here."""
    due = [edge for edge in CONNECTIONS if edge[1] in known.components]
    if due and not known.process:
        labels = " and ".join(dict.fromkeys(caller.label for caller, _ in due))
        notebook.fault("running", _not_running(known, labels))
    for caller, called in due:
        if caller not in known.components:
            _tell(notebook, known, caller, called)


def _not_running(known: Examination, labels: str) -> Fault:
    return Fault(
        code="server-not-running",
        why=f"No server runs on {known.home.path}, so {labels} cannot call it.",
        expected="a running server",
        presented="none",
        hint=f"Start it: sottovoce start --home {known.home.path}",
        warning=True,
    )


def _tell(notebook: Notebook, known: Examination, caller: Component, called: Component) -> None:
    check = edge_id(caller.value, called.value)
    name = known.partners.get(caller, "")
    who = f"{caller.label} on {name}" if name else caller.label
    last = last_words(known, caller)
    facts = {"peer": caller.label}
    renamed = renamed_caller(known, caller)
    if renamed is not None and (last is None or not _is_open(last, known)):
        notebook.fault(check, renamed, facts=facts)
        return
    if last is None:
        if known.process:
            notebook.fault(check, _never_seen(known, who, called), facts=facts)
        return
    if last.outcome == "refused":
        notebook.fault(check, _refused(last, known, who), facts=facts)
        return
    how = f"secured ({last.tls})" if last.tls else "plain"
    when = f"{last.at:%Y-%m-%d %H:%M:%S} UTC"
    if _is_open(last, known):
        notebook.fine(check, f"{who} → {called.label}: connected since {when}, {how}.")
    elif known.process:
        notebook.fault(check, _gone(last, known, who, called), facts=facts)
    else:
        notebook.fine(check, f"{who} → {called.label}: last accepted on {when}, {how}.")


def last_words(known: Examination, caller: Component) -> Event | None:
    """Return the newest acceptance or refusal of a component that calls this server.

    An acceptance that still holds goes before any refusal: somebody else may have tried.
    """
    name = known.partners.get(caller, "")
    if not name or caller in known.components:
        return None
    accepted = list(_accepted(known, name, caller))
    held = next((event for event in accepted if _is_open(event, known)), None)
    if held is not None:
        return held
    hosts = {event.host for event in accepted}
    refused = next(_refusals(known, name, hosts), None)
    last = accepted[0] if accepted else None
    if last is None or (refused is not None and refused.at >= last.at):
        return refused
    return last


def _accepted(known: Examination, name: str, caller: Component) -> Iterator[Event]:
    for event in known.history.of(side="accepting", outcome="accepted"):
        if event.component == caller.value and event.is_of(name):
            yield event


def _refusals(known: Examination, name: str, hosts: set[str]) -> Iterator[Event]:
    """Return refusals of that partner: by its name, or, when it had none, by its address."""
    for event in known.history.of(side="accepting", outcome="refused"):
        if event.is_of(name) or (event.code in _NAMELESS and event.host in hosts):
            yield event


def _is_open(event: Event, known: Examination) -> bool:
    """Tell whether an accepted connection still stands: not closed, and of this very process."""
    if not known.process or event.at < _started(known):
        return False
    return event.connection not in known.history.closed


def _started(known: Examination) -> datetime:
    """Return when the running server started: then it wrote its lock."""
    try:
        moment = (known.home.path / "server.lock").stat().st_mtime
    except OSError:
        return known.at
    return datetime.fromtimestamp(moment, UTC)


def _never_seen(known: Examination, who: str, called: Component) -> Fault:
    return Fault(
        code="partner-never-seen",
        why=f"{who} has never called {called.label} here, as far as security.log goes back.",
        expected="a connection from it",
        presented="none",
        hint=f"Is it running? Check it there: sottovoce check --partners; {known.own_name} must be "
        "the name that it dials.",
        warning=True,
    )


def _refused(event: Event, known: Examination, who: str) -> Fault:
    ago = span(known.at - event.at)
    return Fault(
        code=event.code or "refused-by-peer",
        why=f"{who} was refused {ago} ago, on {event.at:%Y-%m-%d %H:%M:%S} UTC: {event.why}",
        presented=", ".join(event.all_names),
        hint=event.next_step,
    )


def _gone(event: Event, known: Examination, who: str, called: Component) -> Fault:
    return Fault(
        code="channel-closed",
        why=f"{who} is not connected to {called.label} now; it was last accepted on "
        f"{event.at:%Y-%m-%d %H:%M:%S} UTC.",
        expected="a connection that stands",
        presented="none",
        hint="Is it running? It calls again by itself; run sottovoce check --partners there.",
        warning=True,
    )
