"""How far the renaming of a server is, as the servers have reported it to HUB.

On HUB's server its registry is read; every other server asks HUB over the authenticated channel.
About itself a server is asked directly: what its process has written down, else its files.
"""

import secrets
from collections.abc import Iterator
from dataclasses import replace

from sottovoce import __version__
from sottovoce.contracts import HubCalls, Naming, Nothing, Roster, RosterRow
from sottovoce.errors import CallError, ChannelError, Fault, SettingsError
from sottovoce.hub import open_roster
from sottovoce.hub.authority import Issuer, permits
from sottovoce.hub.service import NamedServer, Renaming
from sottovoce.net import Clock, Endpoint, connect, monotonic, probe
from sottovoce.pki import dns_names
from sottovoce.policy import Component
from sottovoce.server.checking.ports import running_process
from sottovoce.server.in_use import read_in_use
from sottovoce.server.plan import Plan

__all__ = ["check_reachable", "read_renaming"]


async def read_renaming(
    plan: Plan, old: str, new: str, *, issuer: Issuer | None, clock: Clock
) -> Renaming:
    """Return how far a renaming is.

    Args:
        plan: of this server's files.
        old, new: host names in their normal form.
        issuer: the installation's issuing authority, where it lies in this home.
        clock: UTC.

    Raises:
        StoreError: HUB's registry or authority cannot be read.
        SettingsError: HUB cannot be asked.
    """
    roster = await (_registry(plan, clock) if plan.hub is not None else _ask_hub(plan, clock))
    renaming = Renaming(
        old=old,
        new=new,
        secured=plan.secured,
        permitted=permits(issuer.names, new) if issuer is not None else None,
        may_certify=issuer.names if issuer is not None else (),
        servers=tuple(_servers(roster, plan, old, new)),
    )
    server, recorded = renaming.server, issuer.folder.index().rename if issuer is not None else None
    if server is None or recorded is None or not recorded.is_of(old, new):
        return renaming
    return replace(renaming, coming=recorded.names(server.certified))


async def _registry(plan: Plan, clock: Clock) -> Roster:
    assert plan.hub is not None, "HUB runs here"
    return await open_roster(
        plan.home.path,
        plan.hub,
        own_name=plan.settings.server_name,
        secured=plan.secured,
        clock=clock,
    )


async def _ask_hub(plan: Plan, clock: Clock) -> Roster:
    caller = Component.LUI if plan.lui is not None else Component.TRK
    destination = plan.destinations[caller, Component.HUB]
    try:
        async with await connect(_endpoint(plan, clock), destination, component=caller) as channel:
            return await channel.stub(HubCalls).roster(Nothing())
    except (ChannelError, CallError) as error:
        faults = getattr(error, "faults", ()) or (error.as_fault(),)
        raise SettingsError(
            faults, message=f"HUB on {destination.name} cannot be asked how far the renaming is."
        ) from error


def _endpoint(plan: Plan, clock: Clock) -> Endpoint:
    return Endpoint(
        own_name=plan.settings.server_name,
        version=__version__,
        trust=plan.trust,
        log=lambda _: None,
        clock=clock,
        new_id=lambda: secrets.token_hex(8),
    )


def _servers(roster: Roster, plan: Plan, old: str, new: str) -> Iterator[NamedServer]:
    """Yield each server of the installation once, whichever components run there."""
    here = [row for row in roster.rows if row.component in plan.settings.components]
    # Each component here may have a name of its own (SPEC W10): the one in question counts.
    name = next((row.server for row in here if row.server in {old, new}), here[0].server)
    yield _own(plan, name)
    rest = [row for row in roster.rows if row not in here]
    for server in dict.fromkeys(row.server for row in rest):
        yield _reported([row for row in rest if row.server == server])


def _reported(rows: list[RosterRow]) -> NamedServer:
    spoken = [row.status for row in rows if row.status is not None]
    namings = [status.naming for status in spoken if status.naming is not None]
    shown = [status.certificates[0].names for status in spoken if status.certificates]
    return NamedServer(
        name=rows[0].server,
        components=tuple(row.component for row in rows),
        naming=namings[0] if len(namings) == len(rows) else None,
        certified=shown[0] if shown else (),
        managed=any(status.trust_rev for status in spoken),
    )


def _own(plan: Plan, name: str) -> NamedServer:
    """Describe this server: by what its process has in force, else by its files."""
    in_use, process = read_in_use(plan.home), running_process(plan.home.path)
    runs = in_use is not None and process != 0 and in_use.process == process
    naming: Naming = plan.naming
    certified = dns_names(plan.generation.identity.chain[0]) if plan.generation is not None else ()
    if runs and in_use is not None and in_use.naming is not None:
        naming = in_use.naming
        certified = in_use.certificates[0].names if in_use.certificates else ()
    return NamedServer(
        name=name,
        components=plan.settings.components,
        naming=naming,
        written=plan.naming,
        certified=certified,
        managed=plan.settings.trust_from_hub,
    )


async def check_reachable(plan: Plan, old: str, new: str, *, clock: Clock) -> None:
    """Try each connection of this server by the new name of its partner; they are real ones.

    Args:
        plan: of this server's files.
        old, new: names of the partner.
        clock: UTC.

    Raises:
        SettingsError: the partner is not reached by the new name, or is refused, with the reasons.
    """
    faults: list[Fault] = []
    for (caller, called), destination in plan.destinations.items():
        if destination.name != old:
            continue
        tried = await probe(
            _endpoint(plan, clock),
            replace(destination, name=new),
            component=caller,
            monotonic=monotonic,
        )
        if tried.error is not None:
            why = f"{caller.label} → {called.label} by the name {new}: "
            found = tried.error.faults or (tried.error.as_fault(),)
            faults += [replace(fault, why=f"{why}{fault.why}") for fault in found]
    if faults:
        raise SettingsError(
            faults, message="No setting was changed: the new name does not work from here yet."
        )
