"""A server that joins: a new home, or the security of a home that is plain; all of it or nothing.

Whatever can be found wrong here is found before the invitation is shown, because that is good once:
the files are made in memory and read back, databases are made, the place is tried. A new home is
built beside its place and moved there. In a home that exists every file is on the disk before the
first takes its place, and ``ssl.ini``, the switch, takes it last.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sottovoce.contracts import Invitation
from sottovoce.errors import Fault, SettingsError
from sottovoce.net import Welcome
from sottovoce.policy import Component
from sottovoce.server.creating import (
    HomePlan,
    ini_files,
    lay_out,
    make_databases,
    root_aliases,
    write_trusted_roots,
)
from sottovoce.server.existing import disk_faults, files_for, write_all
from sottovoce.server.following import list_name
from sottovoce.server.home import INI_FILES, Home
from sottovoce.server.plan import Plan, read_plan
from sottovoce.server.securing import Credentials, managed_settings, write_secured
from sottovoce.server.staging import clear_abandoned, clear_stray, staged
from sottovoce.server.trust import is_secured

__all__ = ["Ask", "JoinedHome", "Joining", "join_home"]

#: Asks HUB.
Ask = Callable[[], Awaitable[Welcome]]

_NOT_JOINED = "The server has not joined; nothing was changed."


def _disk_faults(home: Home) -> AbstractContextManager[None]:
    """Say what the disk declined, and that the invitation is used by now."""
    return disk_faults(home, message=_NOT_JOINED, then="ask for a new invitation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What is to become of a home.

    Args:
        path: of the home: a new one, or one that is there and plain.
        invitation: by which.
        values: of a new home, beside those that HUB tells: file → key → value as text.
    """

    path: Path
    invitation: Invitation
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedHome:
    """What was made.

    Args:
        path: the home.
        files: written, relative to it.
        new: whether the home was not there before.
        welcome: what HUB gave.
        warnings: what should be mended before it is started.
        removed: what an earlier attempt had left that was cut short.
    """

    path: Path
    files: tuple[str, ...]
    new: bool
    welcome: Welcome
    warnings: tuple[Fault, ...] = ()
    removed: tuple[Path, ...] = ()


async def join_home(joining: Joining, ask: Ask, *, now: datetime) -> JoinedHome:
    """Make the home one of the installation.

    Args:
        joining: what is to become of it.
        ask: asks HUB; called once everything else is found right.
        now: UTC.

    Raises:
        SettingsError: this home cannot join, with every reason; nothing was changed.
        WrongUsage: nothing can be made at that place, or an option says what HUB decides.
        ChannelError: what *ask* raised; nothing was changed.
    """
    home = Home(joining.path.absolute())
    if await asyncio.to_thread(home.server_ini.exists):
        joined = await _join_existing(home, joining, ask, now)
    else:
        joined = await _join_new(home, joining, ask, now)
    return replace(joined, removed=await asyncio.to_thread(_clear, home, now))


def _clear(home: Home, now: datetime) -> tuple[Path, ...]:
    """Remove what attempts have left that were killed: keys may be among it."""
    return (*clear_abandoned(home.path), *clear_stray(home.path, now=now))


def _credentials(welcome: Welcome) -> Credentials:
    return Credentials(
        entry=welcome.identity,
        roots=welcome.roots,
        crls={list_name(crl): crl for crl in welcome.crls},
        allowed=welcome.allowed.names,
    )


# A new home.


async def _join_new(home: Home, joining: Joining, ask: Ask, now: datetime) -> JoinedHome:
    anywhere = dict.fromkeys(Component, joining.invitation.hub)
    ini_files(_plan(home, joining, anywhere))
    with staged(home.path) as folder:
        await make_databases(folder, joining.invitation.components, now)
        welcome = await ask()
        files = ini_files(_plan(home, joining, welcome.hosts))
        with _disk_faults(home):
            lay_out(folder, files)
            write_trusted_roots(folder, root_aliases(welcome.roots), now)
            secured = write_secured(folder, _credentials(welcome), home=home.path)
    written = (*files, "conf/cacerts", "conf/cacerts.password", *secured)
    return JoinedHome(path=home.path, files=written, new=True, welcome=welcome)


def _plan(home: Home, joining: Joining, hosts: Mapping[Component, str]) -> HomePlan:
    """Return the plan of a new home; what the command line says goes before what HUB tells."""
    invitation = joining.invitation
    hub = {"HubHost": invitation.hub, "HubPort": str(invitation.port)}
    if invitation.address:
        hub["HubAddress"] = invitation.address
    told = {
        "server.ini": {
            "ServerName": invitation.name,
            "Components": ",".join(invitation.components),
            **managed_settings(home.path),
        },
        INI_FILES[Component.LUI]: {**hub, "TrackerHost": hosts.get(Component.TRK, "")},
        INI_FILES[Component.TRK]: {**hub, "LuiHost": hosts.get(Component.LUI, "")},
    }
    wanted = ["server.ini", *(INI_FILES[component] for component in invitation.components)]
    values: dict[str, Mapping[str, str]] = {file: told[file] for file in wanted}
    for file, given in joining.values.items():
        values[file] = {**values.get(file, {}), **given}
    return HomePlan(path=home.path, components=invitation.components, values=values)


# A home that is there.


async def _join_existing(home: Home, joining: Joining, ask: Ask, now: datetime) -> JoinedHome:
    plan = await asyncio.to_thread(_examined, home, joining, now)
    welcome = await ask()
    files = await asyncio.to_thread(files_for, home, plan.settings, _credentials(welcome), now)
    with _disk_faults(home):
        await asyncio.to_thread(write_all, files)
    return JoinedHome(
        path=home.path,
        files=tuple(_shown(path, home) for path in files),
        new=False,
        welcome=welcome,
        warnings=tuple(_other_places(home, plan, welcome)),
    )


def _examined(home: Home, joining: Joining, now: datetime) -> Plan:
    """Read a home that is to join, and refuse one that cannot."""
    if is_secured(home):
        why = "This server is secured already."
        fault = _unfit(why, str(home.ssl_ini), expected="no ssl.ini", presented="one")
        raise SettingsError([fault], message=_NOT_JOINED)
    plan = read_plan(home.path, at=now)
    faults = list(_misfits(home, plan, joining))
    if faults:
        raise SettingsError(faults, message=_NOT_JOINED)
    return plan


def _shown(path: Path, home: Home) -> str:
    return str(path.relative_to(home.path) if path.is_relative_to(home.path) else path)


def _other_places(home: Home, plan: Plan, welcome: Welcome) -> Iterator[Fault]:
    """Say where home and HUB disagree on who runs where: partners would refuse each other."""
    named = (
        (Component.LUI, Component.TRK, "TrackerHost", plan.lui and plan.lui.tracker_host),
        (Component.TRK, Component.LUI, "LuiHost", plan.trk and plan.trk.lui_host),
    )
    for component, partner, key, host in named:
        expected = welcome.hosts.get(partner)
        if host and expected and host.lower() != expected.lower():
            yield Fault(
                code="component-unexpected",
                why=f"{component.label} here expects {partner.label} on {host}, HUB on {expected}.",
                expected=expected,
                presented=host,
                hint=f"Correct {key}, here or in HUB's hub.ini.",
                file=str(home.component_ini(component)),
                key=key,
                warning=True,
            )


def _misfits(home: Home, plan: Plan, joining: Joining) -> Iterator[Fault]:
    invitation, settings = joining.invitation, plan.settings
    file = str(home.server_ini)
    if joining.values:
        yield _unfit("This home is there already; options do not change its settings.", file)
    if settings.server_name.lower() != invitation.name:
        yield _unfit(
            "The invitation is for another server.",
            file,
            expected=invitation.name,
            presented=settings.server_name,
            key="ServerName",
        )
    if set(settings.components) != set(invitation.components):
        yield _unfit(
            "The invitation is for other components.",
            file,
            expected=",".join(invitation.components),
            presented=",".join(settings.components),
            key="Components",
        )
    for component, named in ((Component.LUI, plan.lui), (Component.TRK, plan.trk)):
        if named is not None and named.hub_host.lower() != invitation.hub:
            yield _unfit(
                f"{component.label} here calls another HUB than the one that invites.",
                str(home.component_ini(component)),
                expected=invitation.hub,
                presented=named.hub_host,
                key="HubHost",
            )


def _unfit(
    why: str, file: str, *, expected: str = "", presented: str = "", key: str | None = None
) -> Fault:
    return Fault(
        code="join-home-unfit",
        why=why,
        expected=expected,
        presented=presented,
        hint="Give a --home that is not there yet; or the plain home of the invited server, "
        "without further options (sottovoce secure back makes a secured one plain).",
        file=file,
        key=key,
    )
