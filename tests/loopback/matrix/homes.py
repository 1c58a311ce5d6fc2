"""Rows that lie in one server's files, or that only its check can see: damaged homes, real stores.

The prepared faults of ``tests/cli/test_check.py`` are played again here: what ``sottovoce check``
says first, and what keeps the server from starting.
"""

import asyncio
import io
import json
import os
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

from tests.cli.test_check import NAME, PREPARED, Case
from tests.components.test_check_partners import street
from tests.loopback.matrix.rows import Made, Seen
from tests.loopback.matrix.stage import ALLOWED, HUB, IMPATIENT, LUI, TRK, Stage, swallowing

from sottovoce.cli import main
from sottovoce.diagnosis import Finding, Report
from sottovoce.errors import Fault, SettingsError
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import LIMITS, Limits, monotonic, utc_now
from sottovoce.policy import Component
from sottovoce.server.checking import Notebook, check_home, check_partners
from sottovoce.server.plan import read_plan
from sottovoce.testing import Party, ThrowAwayAuthority, listening
from sottovoce.testing.homes import Premises

__all__ = ["Damage", "Templates", "callers", "damaged", "keytool", "partners", "prepared"]

Damage = Callable[[Case], object]
PartyOf = Callable[[Stage], Party | None]


@dataclass(frozen=True)
class Templates:
    """Homes that rows copy and damage: of a server with all components, of LUI's, of HUB's."""

    whole: Premises
    lui: Premises
    hub: Premises

    @classmethod
    def make(cls, folder: Path, authority: ThrowAwayAuthority) -> "Templates":
        """Make both below *folder*."""
        # 127/8 is wide: no other process of the tests meets these ports on this address.
        address = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}.3"
        whole = Premises.make(
            folder / "whole",
            name=NAME,
            authority=authority,
            values={
                "server.ini": {"BindAddress": address},
                "lui/lui.ini": {"HubAddress": address, "TrackerAddress": address},
                "trk/tracker.ini": {
                    "HubAddress": address,
                    "PublicAddress": address,
                    "PublicPort": "8087",
                },
            },
        )
        partners = {"HubHost": HUB, "HubAddress": "127.0.0.1", "HubPort": "1"}
        partners |= {"TrackerHost": TRK, "TrackerAddress": "127.0.0.1", "TrackerPort": "2"}
        lui = Premises.make(
            folder / "lui",
            name=LUI,
            components=[Component.LUI],
            authority=authority,
            allowed=ALLOWED,
            values={"lui/lui.ini": partners},
        )
        hub = Premises.make(
            folder / "hub",
            name=HUB,
            components=[Component.HUB],
            authority=authority,
            allowed=ALLOWED,
            values={
                "server.ini": {"BindAddress": address},
                "hub/hub.ini": {"LuiHost": LUI, "TrackerHost": TRK},
            },
        )
        return cls(whole, lui, hub)


def prepared(name: str) -> Made:
    """Return a row's play: one of the prepared faults of check's own tests."""
    return damaged(PREPARED[name][0])


def damaged(damage: Damage) -> Made:
    """Return a row's play: a healthy home, damaged; asked by check, and started."""

    async def made(stage: Stage) -> Seen:
        return await asyncio.to_thread(_damaged, stage, damage)

    return made


def _damaged(stage: Stage, damage: Damage) -> Seen:
    case = case_of(stage, stage.templates.whole)
    damage(case)
    notebook = Notebook(monotonic=monotonic)
    check_home(case.home.path, notebook, at=stage.moment)
    first = notebook.report.first
    assert first is not None, "check has found nothing"
    started: tuple[Fault, ...] = ()
    try:
        started = read_plan(case.home.path, at=stage.moment).warnings
    except SettingsError as error:
        started = error.faults
        assert not [fault for fault in started if fault.warning]
    return Seen(
        found=(first.code, started[0].code if started else ""),
        faults=(_as_fault(first), *started[:1]),
        text=_text(notebook.report, started),
    )


def case_of(stage: Stage, template: Premises) -> Case:
    """Return a healthy home of the row's own."""
    path = stage.folder / "home"
    shutil.copytree(template.path, path)
    home = replace(template, path=path).secure()
    return Case(home, stage.authority, stage.stranger, stage.moment)


def _as_fault(found: Finding) -> Fault:
    return Fault(
        code=found.code,
        why=found.message,
        expected=found.expected,
        presented=found.presented,
        hint=found.next_step,
    )


def _text(report: Report, started: Sequence[Fault] = ()) -> str:
    first = report.first
    told = [_as_fault(first)] if first is not None else []
    return " ".join(
        f"{fault.why} {fault.expected} {fault.presented} {fault.hint}"
        for fault in (*told, *started)
    )


def partners(
    *,
    hub: PartyOf = Stage.hub,
    trk: PartyOf = Stage.trk,
    both: Callable[[Stage], Mapping[str, Party]] | None = None,
    home: Damage = lambda _: None,
    firewall: bool = False,
) -> Made:
    """Return a row's play: ``check --partners`` on LUI's server, HUB and TRK on loopback.

    Args:
        hub, trk: the two partners; None where nobody listens.
        both: the two together, instead.
        home: what is damaged in LUI's home.
        firewall: whether what goes to HUB is dropped on the way.
    """

    async def made(stage: Stage) -> Seen:
        case = await asyncio.to_thread(case_of, stage, stage.templates.lui)
        await asyncio.to_thread(home, case)
        parties = both(stage) if both is not None else {"hub": hub(stage), "trk": trk(stage)}
        with swallowing() as dropped:
            async with street(case.home, parties["hub"], parties["trk"]) as place:
                ports = place.ports | ({"HubPort": dropped} if firewall else {})
                for key, port in ports.items():
                    case.home.set("lui/lui.ini", key, str(port))
                return await _checked(case, IMPATIENT if firewall else LIMITS)

    return made


async def _checked(case: Case, limits: Limits = LIMITS) -> Seen:
    notebook = Notebook(monotonic=monotonic)
    known = await asyncio.to_thread(check_home, case.home.path, notebook, at=utc_now())
    await check_partners(known, notebook, limits=limits)
    first = notebook.report.first
    assert first is not None, "check has found nothing"
    return Seen(found=(first.code, ""), faults=(_as_fault(first),), text=_text(notebook.report))


def callers(identity: Callable[[Stage], PrivateKeyEntry]) -> Made:
    """Return a row's play: ``check --partners`` on HUB's server, whom LUI and TRK have called.

    Args:
        identity: the one that both of them have.
    """

    async def made(stage: Stage) -> Seen:
        case = await asyncio.to_thread(case_of, stage, stage.templates.hub)
        shared, hub = identity(stage), stage.hub()
        async with listening(hub) as listener:
            for name, component in ((LUI, Component.LUI), (TRK, Component.TRK)):
                party = stage.party(name, shared)
                await (await party.connect(listener.port, component=component)).aclose()
        lines = [json.dumps(record.as_fields()) for record in hub.records]
        log = case.home.path / "logs" / "security.log"
        await asyncio.to_thread(log.write_text, "\n".join(lines) + "\n", "utf-8")
        return await _checked(case)

    return made


def keytool(*lines: str) -> Made:
    """Return a row's play: keytool's commands, in the row's folder; the last one is refused."""

    async def made(stage: Stage) -> Seen:
        return await asyncio.to_thread(_keytool, stage, lines)

    return made


def _keytool(stage: Stage, lines: Sequence[str]) -> Seen:
    said = ""
    for line in lines:
        assert not said, said
        words = shlex.split(line.replace("@", f"{stage.folder}/"))
        out, errors = io.TextIOWrapper(io.BytesIO()), io.StringIO()
        with redirect_stdout(out), redirect_stderr(errors):
            status = main(["keytool", *words])
        said = errors.getvalue() if status else ""
    assert said, "nothing was refused"
    code, _, text = said.partition(": ")
    return Seen(found=("", code), text=text)
