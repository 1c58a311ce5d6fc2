"""The checks of partners: each connection that this server calls, tried; who should call it, seen.

The order is that of causes: what concerns the installation as a whole (half-secured, one key on
two servers) stands before the connections that fail because of it.
"""

import asyncio
import secrets
from collections.abc import Mapping

from sottovoce import __version__
from sottovoce.diagnosis import Status
from sottovoce.errors import SettingsError
from sottovoce.net import LIMITS, Destination, Endpoint, Limits, Probe, probe, utc_now
from sottovoce.pki import RevocationEvidence
from sottovoce.policy import Component
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.incoming import check_callers
from sottovoce.server.checking.installation import check_installation
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.checking.outgoing import tell_probe
from sottovoce.server.checking.reported import check_reported
from sottovoce.tls import Trust, TrustGeneration

__all__ = ["check_partners"]

#: Groups whose faults keep no connection from being tried.
_BESIDE = frozenset({"Clock", "Ports"})


async def check_partners(
    known: Examination, notebook: Notebook, *, limits: Limits = LIMITS
) -> None:
    """Try every connection that this server calls, and look who called it.

    Args:
        known: what the checks of the server itself have read.
        notebook: gets the findings.
        limits: seconds for each phase.
    """
    notebook.group = "Installation"
    endpoint = _endpoint(known, notebook, limits)
    if endpoint is None:
        notebook.skip(
            "connections",
            "No connection was tried: what is wrong with this server itself comes first.",
        )
        return
    probes = await _try_all(known, notebook, endpoint)
    check_installation(notebook, known, probes)
    notebook.group = "Connections"
    for tried in probes:
        tell_probe(notebook, known, tried)
    check_callers(notebook, known)
    await check_reported(notebook, known)


def _endpoint(known: Examination, notebook: Notebook, limits: Limits) -> Endpoint | None:
    """Return this server's end of connections, as it would have it when it runs."""
    broken = any(
        finding.status is Status.FAULT and finding.group not in _BESIDE
        for finding in notebook.findings
    )
    if known.settings is None or broken:
        return None
    generation = None
    if known.secured:
        if known.identity is None or known.roots is None or known.allowed is None:
            return None
        evidence = known.revocations or RevocationEvidence()
        try:
            generation = TrustGeneration.make(
                number=1,
                own_name=known.own_name,
                identity=known.identity,
                roots=known.roots,
                allowed=known.allowed,
                hosts=known.hosts,
                crls=evidence.lists,
                answers=evidence.answers,
                soft=evidence.soft,
            )
        except SettingsError as error:
            notebook.faults("key-entry", error.faults, fine="")
            return None
    return Endpoint(
        own_name=known.own_name,
        version=__version__,
        trust=Trust(generation),
        log=lambda _: None,
        clock=utc_now,
        new_id=lambda: secrets.token_hex(8),
        limits=limits,
    )


async def _try_all(known: Examination, notebook: Notebook, endpoint: Endpoint) -> tuple[Probe, ...]:
    """Try all connections at once: one that is silent must not keep the others waiting."""
    edges: Mapping[tuple[Component, Component], Destination] = {
        edge: destination
        for edge, destination in known.destinations.items()
        # That this server does not run is told once, and not as each of its connections to itself.
        if known.process or edge[1] not in known.components
    }
    return tuple(
        await asyncio.gather(
            *(
                probe(
                    endpoint,
                    destination,
                    component=caller,
                    monotonic=notebook.monotonic,
                    other_ports=_other_ports(known),
                )
                for (caller, _), destination in edges.items()
            )
        )
    )


def _other_ports(known: Examination) -> tuple[int, ...]:
    """Return every port of the installation that this server knows of."""
    assert known.settings is not None
    called = [destination.port for destination in known.destinations.values()]
    own = [known.settings.internal_port, known.settings.tracker_port]
    return tuple(dict.fromkeys((*called, *own)))
