"""Where a server, and on HUB's server the whole installation, stands on the way to being secured.

Everything is computed from files, from what the running server has written, and from what HUB has
been told; nothing of it is stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sottovoce.contracts import EdgePosture, PreparedSwitch, Roster
from sottovoce.errors import Fault
from sottovoce.hub import HubSettings, open_report, open_roster, open_switch_plan
from sottovoce.hub.service import SwitchPlan
from sottovoce.hub.service.switching import ServerStanding
from sottovoce.net import Clock
from sottovoce.policy import Component
from sottovoce.server.checking.ports import running_process
from sottovoce.server.home import Faults, Home
from sottovoce.server.in_use import read_in_use
from sottovoce.server.plan import read_hub
from sottovoce.server.settings import ServerSettings
from sottovoce.server.switching import HeardWord, Stage, heard_word, ready_of, stage_of

__all__ = ["STEPS", "OwnState", "Standing", "SwitchState", "Whole", "own_state", "whole_state"]

#: The named states, in their order; each includes those before it.
STEPS = ("plain", "prepared", "checked", "switched", "proved")

#: How long HUB's word counts: it comes anew with each heartbeat until HUB itself is restarted as
#: secured; whoever follows later than a day begins with a new look.
WORD_LASTS = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnState:
    """One server, by its own files and process.

    Args:
        home, settings: of the server.
        stage: how far its files are.
        report: what it has ready, or would start with.
        process: the id of the running server; 0 = none runs.
        in_force: whether that server is secured.
        word: what HUB has said last, if it is about what is ready now.
        until, lists_until: when the first of its certificates, and of its revocation lists, ends;
            None when nothing is ready, or there are no lists.
    """

    home: Home
    settings: ServerSettings
    stage: Stage
    report: PreparedSwitch | None
    process: int
    in_force: bool
    word: HeardWord | None
    until: datetime | None = None
    lists_until: datetime | None = None

    @property
    def name(self) -> str:
        """Of the server."""
        return self.settings.server_name

    @property
    def fault(self) -> Fault | None:
        """Why it would not start secured; None when it would, or nothing is prepared."""
        if self.report is None or not self.report.code:
            return None
        return Fault(code=self.report.code, why=self.report.message)


@dataclass(frozen=True, slots=True)
class Standing:
    """One server in one line: its state, and what else is to be said."""

    server: str
    components: tuple[Component, ...]
    state: str
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The installation as HUB knows it.

    Args:
        plan: what was computed from prepared files; edges of servers that are secured already
            are not in question there.
        edges: the connections as they are.
        servers: each server's state.
    """

    plan: SwitchPlan
    edges: tuple[EdgePosture, ...]
    servers: tuple[Standing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchState:
    """A server's state, and on HUB's server that of the whole installation."""

    own: OwnState
    whole: Whole | None = None

    @property
    def reached(self) -> str:
        """The last of the named states that is reached without a gap."""
        reached = STEPS[0]
        for step in STEPS[1:]:
            if not self.done(step):
                break
            reached = step
        return reached

    def done(self, step: str) -> bool:
        """Tell whether one of the named states is reached."""
        states = (
            [each.state for each in self.whole.servers] if self.whole else [_own_word(self.own)]
        )
        match step:
            case "prepared":
                return all(state in {"prepared", "switched", "secured"} for state in states)
            case "checked":
                return self.own.in_force or self._is_checked
            case "switched":
                return all(state in {"switched", "secured"} for state in states)
            case "proved":
                return self.whole is not None and _proved(self.whole)
        return True

    @property
    def _is_checked(self) -> bool:
        if self.whole is not None:
            return self.whole.plan.ready
        return self.own.word is not None and self.own.word.word.ready

    @property
    def obstacles(self) -> tuple[Fault, ...]:
        """Why the switch may not be moved on this server now; empty when it may.

        On HUB's server every connection is computed to work. Elsewhere HUB has said so, of exactly
        the files that are ready here.
        """
        own = self.own
        if own.stage is Stage.SWITCHED:
            return ()
        if own.report is None or own.fault is not None:
            return (own.fault or _nothing_prepared(own),)
        if self.whole is not None:
            return tuple(self._broken(self.whole.plan))
        if own.word is None:
            return (_no_word(own),)
        return tuple(
            Fault(
                code="switch-not-cleared",
                why=f"HUB says: {why}",
                expected="every connection computed to work",
                presented=f"HUB's word of {own.word.at:%Y-%m-%d %H:%M:%S} UTC",
                hint="On HUB's server: sottovoce secure check --home DIR",
            )
            for why in own.word.word.why
        )

    @staticmethod
    def _broken(plan: SwitchPlan) -> Iterator[Fault]:
        for edge in plan.edges:
            for fault in edge.faults:
                named = f"{edge.caller.label} → {edge.called.label}: {fault.why}"
                yield replace(fault, why=named)


def _own_word(own: OwnState) -> str:
    if own.in_force:
        return "secured"
    if own.stage is Stage.PLAIN or own.fault is not None:
        return "plain"
    return own.stage.value


def _nothing_prepared(own: OwnState) -> Fault:
    return Fault(
        code="switch-not-prepared",
        why=f"{own.name} has no prepared switch.",
        expected="commands/ssl.ini.prepared",
        presented="no such file",
        hint="Prepare it: sottovoce secure prepare --home DIR",
        file=str(own.home.path),
    )


def _no_word(own: OwnState) -> Fault:
    running = "it runs" if own.process else "it does not run"
    return Fault(
        code="switch-not-cleared",
        why="HUB has not said of what is prepared here that every connection would work "
        f"({own.name} hears it with its heartbeats; {running}).",
        expected="HUB's word on what is prepared here",
        presented="none",
        hint="Start this server and HUB's, wait for two heartbeats, and repeat this; on HUB's "
        "server 'sottovoce secure check' says what is missing.",
        file=str(own.home.path),
    )


def _proved(whole: Whole) -> bool:
    return bool(whole.edges) and all(edge.state == "secured" for edge in whole.edges)


def own_state(home: Home, *, at: datetime) -> OwnState:
    """Read one server's state.

    Args:
        home: its home.
        at: UTC.

    Raises:
        SettingsError: it is no home, or its ``server.ini`` is not right.
    """
    settings = home.settings()
    process, in_use = running_process(home.path), read_in_use(home)
    current = in_use is not None and in_use.process == process and process != 0
    ready, heard = ready_of(home, at=at), heard_word(home)
    report = ready.report if ready is not None else None
    fits = heard is not None and report is not None and heard.word.rev == report.rev
    young = heard is not None and at - heard.at < WORD_LASTS
    return OwnState(
        home=home,
        settings=settings,
        stage=stage_of(home),
        report=report,
        process=process,
        in_force=current and in_use is not None and in_use.generation > 0,
        word=heard if fits and young else None,
        until=ready.until if ready is not None else None,
        lists_until=ready.lists_until if ready is not None else None,
    )


async def whole_state(home: Home, *, clock: Clock) -> SwitchState:
    """Read the state of a server, and of the installation where HUB runs there.

    Args:
        home: its home.
        clock: UTC.

    Raises:
        SettingsError: settings cannot be read.
        StoreError: HUB's database cannot be used.
    """
    own = own_state(home, at=clock())
    if Component.HUB not in own.settings.components:
        return SwitchState(own=own)
    faults = Faults()
    hub = read_hub(home, faults)
    if hub is None:
        raise faults.error("HUB's settings cannot be read.")
    return SwitchState(own=own, whole=await _whole(own, hub, clock))


async def _whole(own: OwnState, hub: HubSettings, clock: Clock) -> Whole:
    path = own.home.path
    plan = await open_switch_plan(
        path, hub, own.report, own_name=own.name, secured=own.in_force, clock=clock
    )
    secured, name = own.in_force, own.name
    report = await open_report(path, hub, own_name=name, secured=secured, clock=clock)
    roster = await open_roster(path, hub, own_name=name, secured=secured, clock=clock)
    servers = tuple(_standing(each, own, roster) for each in plan.servers)
    return Whole(plan=plan, edges=report.edges, servers=servers)


def _standing(server: ServerStanding, own: OwnState, roster: Roster) -> Standing:
    name, here = server.name, server.components
    if Component.HUB in here:
        remark = own.fault.why if own.fault is not None else ""
        if own.stage is Stage.SWITCHED and not own.in_force:
            remark = "restart it" if own.process else "start it"
        return Standing(name, here, _own_word(own), remark)
    rows = [row for row in roster.rows if row.component in here]
    if own.in_force and server.heard and all(row.secured for row in rows):
        return Standing(name, here, "secured")
    report = server.report
    if report is not None and report.moved and not report.code:
        silent = "" if server.heard else "not heard since: restarted, it is secured"
        return Standing(name, here, "switched", silent or "restart it")
    if not server.heard:
        return Standing(name, here, "plain", "not heard lately")
    if report is not None and not report.code:
        return Standing(name, here, "prepared")
    return Standing(name, here, "plain", server.fault.why if report and server.fault else "")
