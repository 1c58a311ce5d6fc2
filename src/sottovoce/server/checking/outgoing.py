"""What came of trying a connection, told: phases, the partner's certificate and clock, or why not.

Two causes get more than the dialler's own sentence: a root that is missing (on which server, which
one; SPEC W11) and a host that does not answer (a firewall, or down; catalogue P5).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sottovoce.errors import Fault
from sottovoce.net import Probe
from sottovoce.pki import fingerprint, short_name
from sottovoce.policy import skew_fault
from sottovoce.server.checking.certificates import lifetimes
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.checking.renamed import renamed_called
from sottovoce.server.trust import import_root

__all__ = ["edge_id", "tell_probe"]

#: Refusals that another root among the trusted ones would end.
_ROOTS = frozenset({"issuer-unknown", "root-untrusted"})


def edge_id(caller: str, called: str) -> str:
    """Return the id of the check of a connection: ``connection-lui-hub``."""
    return f"connection-{caller}-{called}"


def tell_probe(notebook: Notebook, known: Examination, tried: Probe) -> None:
    """Note what came of one connection."""
    called = tried.destination.component
    assert called is not None
    check = edge_id(tried.component.value, called.value)
    phases = _phases(tried)
    facts = {"peer": called.label, "port": str(tried.destination.port)}
    if tried.error is None:
        notebook.fine(check, _fine(tried), seconds=tried.seconds, phases=phases)
    else:
        first, *_ = _why_not(tried, known)
        notebook.fault(check, first, facts=facts, seconds=tried.seconds, phases=phases)
    for fault in _beside(tried, known):
        notebook.fault(f"partner-{called}", fault, facts=facts)


def _phases(tried: Probe) -> Mapping[str, float]:
    return {step.phase: step.seconds for step in tried.trace.steps}


def _timed(tried: Probe) -> str:
    """Return the phases with their milliseconds."""
    return ", ".join(
        f"{step.phase} {step.seconds * 1000:.{0 if step.seconds >= 0.01 else 1}f} ms"
        for step in tried.trace.steps
    )


def _fine(tried: Probe) -> str:
    assert tried.facts is not None
    tunnel = tried.facts.tunnel
    how = f"secured ({tunnel.version}, {tunnel.group})" if tunnel is not None else "plain"
    return f"{tried.component.label} → {tried.destination}: {how}; {_timed(tried)}."


def _why_not(tried: Probe, known: Examination) -> Iterator[Fault]:
    """Return why there is no channel, in the words that help most."""
    error = tried.error
    assert error is not None
    faults = error.faults or (error.as_fault(),)
    first = replace(faults[0], why=error.message, hint=error.hint or faults[0].hint)
    if error.code == "no-answer":
        yield _silent(first, tried)
    elif first.code == "name-mismatch" and (renamed := renamed_called(tried, known)) is not None:
        yield renamed
    elif first.code in _ROOTS and error.code == "refused-by-peer":
        yield _root_missing_there(first, tried, known)
    elif first.code in _ROOTS:
        yield _root_missing_here(first, tried, known)
    else:
        reached = f" It came as far as this: {_timed(tried)}." if tried.trace.steps else ""
        yield replace(first, why=f"{first.why}{reached}")


def _silent(fault: Fault, tried: Probe) -> Fault:
    """Tell a firewall from a host that is down by the other ports (catalogue P5)."""
    alive = [other for other in tried.others if other.answer]
    if alive:
        told = " and ".join(
            f"port {other.port} on that host "
            + ("does answer" if other.answer == "open" else "refuses at once")
            for other in alive
        )
        return replace(
            fault,
            why=f"{fault.why} But {told}: the host is up, and something drops what goes to port "
            f"{tried.destination.port}.",
            hint=f"Let the firewalls on the way pass port {tried.destination.port}.",
        )
    ports = ", ".join(str(other.port) for other in tried.others)
    more = f" Neither does it answer on {ports}." if ports else ""
    return replace(
        fault,
        why=f"{fault.why}{more}",
        hint="Is the host up, and is its address right? Else a firewall drops everything to it.",
    )


def _root_missing_here(fault: Fault, tried: Probe, known: Examination) -> Fault:
    return replace(
        fault,
        why=f"A root is missing on {known.own_name} (this server). {fault.why}",
        hint="If you know that CA, compare the fingerprint and import its root: "
        f"{import_root(known.home)}",
    )


def _root_missing_there(fault: Fault, tried: Probe, known: Examination) -> Fault:
    """Say which root the partner lacks: it says only that it does not know this server's CA."""
    name, called = tried.destination.name, tried.destination.component
    label = called.label if called is not None else "it"
    path = known.verdict.path if known.verdict is not None else ()
    root = (
        f"'{short_name(path[-1].subject)}' (SHA-256 {fingerprint(path[-1])})"
        if path
        else "of this server's CA"
    )
    return Fault(
        code=fault.code,
        why=f"A root is missing on {name} ({label}): it does not trust {root}, which signed this "
        f"server's certificate, and refused {tried.component.label}.",
        expected=f"that root among the trusted ones of {name}",
        presented="it is not there",
        hint=f"Import it on {name}: sottovoce keytool --home DIR -importcert -cacerts -alias root "
        "-file ROOT.pem",
    )


def _beside(tried: Probe, known: Examination) -> Iterator[Fault]:
    """Return what was noticed besides: the other side's missing root, its clock, its dates."""
    if tried.error is not None and tried.error.code != "refused-by-peer":
        for told in tried.trace.told:
            if told.code in _ROOTS:
                yield _root_missing_there(told, tried, known)
    difference = tried.trace.clock_difference
    name = tried.trace.announced or tried.destination.name
    if difference is not None:
        fault = skew_fault(known.own_name, name, difference)
        if fault is not None:
            yield fault
    if tried.error is None:
        yield from _running_out(tried, known)


def _running_out(tried: Probe, known: Examination) -> Iterator[Fault]:
    called = tried.destination.component
    label = called.label if called is not None else tried.destination.name
    for one in lifetimes(tried.trace.chain[:1], owner=f"{label}'s"):
        hint = f"Renew {label}'s certificate on {tried.destination.name}."
        fault = one.warning(known.at, code="certificate-expiring", hint=hint)
        if fault is not None:
            yield fault
