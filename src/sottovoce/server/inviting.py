"""Inviting a server: everything that would make its joining fail is found before a code is given.

What is kept of an invitation, and how it is used, is HUB's matter; here HUB's files are looked at:
is it secured, has it an authority that may certify the name, would the new server recognise it, and
is the component expected there at all.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sottovoce.contracts import Invitation
from sottovoce.errors import Fault, SettingsError, WrongUsage
from sottovoce.hub import open_invitations
from sottovoce.hub.authority import Issuer
from sottovoce.hub.service import Invited
from sottovoce.net import Clock
from sottovoce.pki import Purpose, verify
from sottovoce.policy import Component
from sottovoce.server.plan import Plan, read_plan
from sottovoce.tls import TrustGeneration

__all__ = ["Guest", "invite"]

_NOT_INVITED = "No invitation was made."


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Who is to be invited.

    Args:
        names: for the certificate, in their normal form; the first is the server's. Empty: where
            ``hub.ini`` expects the components.
        components: that are to run there.
        valid: how long the invitation is good.
        address: of HUB, where the new server should not resolve its name; empty otherwise.
    """

    names: tuple[str, ...]
    components: tuple[Component, ...]
    valid: timedelta
    address: str = ""


async def invite(
    home: Path, guest: Guest, *, actor: str, clock: Clock
) -> tuple[Invitation, Invited]:
    """Invite a server.

    Args:
        home: of HUB's server, which may be running.
        guest: who.
        actor: who invites, for the audit trail.
        clock: UTC.

    Returns:
        What the code says, and what is kept of it.

    Raises:
        SettingsError: with every reason why joining would fail; no invitation was made.
        WrongUsage: the components cannot run on one further server.
        StoreError: a file of HUB's cannot be used.
    """
    plan, issuer, root = await asyncio.to_thread(_read, home, clock())
    expected = {plan.hosts[each].lower() for each in guest.components if each in plan.hosts}
    if not guest.names and len(expected) != 1:
        raise WrongUsage(
            f"These components are not expected on one server, but on {', '.join(expected)}.",
            hint="Invite one server after the other, or name the server with --name.",
        )
    names = guest.names or tuple(expected)
    if names[0] == plan.settings.server_name:
        raise WrongUsage(
            f"{names[0]} is HUB's own server: nobody has to join there.",
            hint="Set LuiHost and TrackerHost in hub.ini to the servers that are to join.",
        )
    faults = [*_misplaced(plan, names[0], guest.components), *_not_permitted(names, issuer)]
    if faults:
        raise SettingsError(faults, message=_NOT_INVITED)
    async with open_invitations(home, clock=clock) as invitations:
        made = await invitations.make(names, guest.components, valid=guest.valid, actor=actor)
    invitation = Invitation(
        secret=made.secret,
        root=root.fingerprint(hashes.SHA256()),
        hub=plan.settings.server_name,
        port=plan.settings.internal_port,
        address=guest.address,
        name=names[0],
        components=guest.components,
    )
    return invitation, made


def _read(home: Path, now: datetime) -> tuple[Plan, Issuer, x509.Certificate]:
    """Read HUB's files, and find the root by which a new server will recognise it."""
    plan = read_plan(home, at=now)
    if plan.hub is None:
        raise WrongUsage(
            f"HUB does not run on the server of {plan.home.path}.",
            hint="Name the home of HUB's server with --home.",
        )
    if plan.generation is None:
        raise SettingsError([_not_secured(plan)], message=_NOT_INVITED)
    issuer = Issuer.open(home)
    if issuer is None:
        raise SettingsError([_no_authority(plan)], message=_NOT_INVITED)
    return plan, issuer, _root(plan, plan.generation, issuer, now)


def _root(
    plan: Plan, generation: TrustGeneration, issuer: Issuer, now: datetime
) -> x509.Certificate:
    """Return the root that HUB's own certificate leads to; in a rollover there are two."""
    name, chain = plan.settings.server_name, list(generation.identity.chain)
    faults: list[Fault] = []
    for root in issuer.roots:
        verdict = verify(chain, roots=[root], purpose=Purpose.SERVER, name=name, at=now)
        if verdict.valid:
            return root
        faults += verdict.faults
    raise SettingsError(
        [
            replace(fault, why=f"A new server would not recognise this HUB: {fault.why}")
            for fault in faults
        ],
        message=_NOT_INVITED,
    )


def _misplaced(plan: Plan, name: str, components: Iterable[Component]) -> Iterable[Fault]:
    """A component on another server than ``hub.ini`` says would be refused after it has joined."""
    for component in components:
        expected = plan.hosts.get(component, plan.settings.server_name)
        if expected.lower() != name:
            key = {Component.LUI: "LuiHost", Component.TRK: "TrackerHost"}.get(component)
            yield Fault(
                code="component-unexpected",
                why=f"{component.label} is expected on {expected}, not on {name}.",
                expected=expected,
                presented=name,
                hint=f"Invite {expected}, or set {key}={name} and restart HUB."
                if key
                else "HUB runs here; invite the servers of the others.",
                file=str(plan.home.component_ini(Component.HUB)),
                key=key,
            )


def _not_permitted(names: Iterable[str], issuer: Issuer) -> Iterable[Fault]:
    permitted = issuer.names
    for name in names:
        if not any(name == each or name.endswith(f".{each}") for each in permitted):
            yield Fault(
                code="name-not-permitted",
                why=f"The installation's authority may not certify {name}.",
                expected=", ".join(permitted),
                presented=name,
                hint=f"Extend its names under the root: sottovoce ca issuing --dir ROOT --home "
                f"HOME --add-host {name}",
            )


def _not_secured(plan: Plan) -> Fault:
    return Fault(
        code="not-secured",
        why="This HUB is not secured: nobody can join an installation that encrypts nothing.",
        expected="an ssl.ini",
        presented="none",
        file=str(plan.home.ssl_ini),
        hint="Secure HUB's server first, with an authority of its own.",
    )


def _no_authority(plan: Plan) -> Fault:
    return Fault(
        code="ca-missing",
        why="This HUB has no issuing authority: its certificates come from outside.",
        expected="an issuing authority",
        presented="none",
        file=str(plan.home.path / "hub" / "ca"),
        hint="Make one under your root: sottovoce ca issuing --dir ROOT --home HOME; or secure the "
        "new server with the CA that you have.",
    )
