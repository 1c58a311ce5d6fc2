"""The fourth checks: the allowed list against the partners of the settings and of the log."""

from collections.abc import Iterator

from sottovoce.errors import Fault
from sottovoce.ini import nearest_host, shown
from sottovoce.policy import Component
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.notebook import Notebook

__all__ = ["check_allowed_list"]

#: Names refused of old that are told at most.
_MOST_TOLD = 5


def check_allowed_list(notebook: Notebook, known: Examination) -> None:
    """Check that every partner is listed, and that every name listed belongs to somebody."""
    notebook.group = "Allowed list"
    if known.allowed is None or known.settings is None:
        notebook.skip("allowed-partners", "The allowed list was not judged: mend ssl.ini first.")
        return
    others = sorted(set(known.partners.values()) - {known.own_name})
    notebook.faults(
        "allowed-partners",
        _partners_missing(known),
        fine=f"It has every partner that the settings name: {', '.join(others) or 'none'}.",
    )
    notebook.faults(
        "allowed-names",
        [*_refused_of_old(known), *_unused(known)],
        fine="Every name in it belongs to a server of the installation.",
    )


def _partners_missing(known: Examination) -> Iterator[Fault]:
    """A partner that is named and not listed is refused, in both directions (catalogue A1, A4)."""
    assert known.allowed is not None
    told: set[str] = set()
    named = dict.fromkeys((component, name) for component, name, _ in known.sayings)
    for component, name in named:
        decision = known.allowed.decide(name)
        if decision.allowed or name in told or name == known.own_name:
            continue
        told.add(name)
        yield Fault(
            code=decision.code,
            why=f"{component.label} runs on {name} by this server's settings, and {name} is not in "
            f"SSLAllowedClients ({decision.expected}): it will be refused.",
            expected=f"a list with {name} in it",
            presented=decision.expected,
            hint=decision.hint,
            file=str(known.home.ssl_ini),
            key="SSLAllowedClients",
        )


def _refused_of_old(known: Examination) -> Iterator[Fault]:
    """Tell of names that were refused and look like one that is listed (catalogue A4)."""
    assert known.allowed is not None
    told: set[str] = set()
    for event in known.history.of(side="accepting", outcome="refused"):
        if event.code != "not-in-allowed-list" or len(told) == _MOST_TOLD:
            continue
        for name in event.names:
            if name in told or name in known.allowed:
                continue
            told.add(name)
            meant = nearest_host(name, _never_seen(known))
            if meant is None:
                continue
            yield Fault(
                code="not-in-allowed-list",
                why=f"{shown(name)} was refused on {event.at:%Y-%m-%d %H:%M} UTC: not listed. "
                f"{meant} is listed and was never seen: was that meant to be {shown(name)}?",
                expected=meant,
                presented=shown(name),
                hint=f"Correct {meant} in SSLAllowedClients if both are the same server.",
                file=str(known.home.ssl_ini),
                key="SSLAllowedClients",
                warning=True,
            )


def _never_seen(known: Examination) -> list[str]:
    assert known.allowed is not None
    return [name for name in known.allowed.names if not known.history.has_seen(name)]


def _unused(known: Examination) -> Iterator[Fault]:
    """Tell of names that are listed and belong to nobody: doors that are open for no reason."""
    assert known.allowed is not None
    if len(known.partners) < len(Component):
        return  # where another component runs is not known here
    named = {name.rstrip(".").lower() for name in known.partners.values()}
    # The misspelt name of a partner was told already, with the right one.
    meant = {nearest_host(name, known.allowed.names) for name in named}
    for name in _never_seen(known):
        if name in named or name in meant:
            continue
        yield Fault(
            code="allowed-name-unused",
            why=f"{name} is in SSLAllowedClients, no setting names it, and it was never seen.",
            expected=", ".join(sorted(named)),
            presented=name,
            hint=f"Remove {name}, or correct it if it was meant to be another.",
            file=str(known.home.ssl_ini),
            key="SSLAllowedClients",
            warning=True,
        )
