"""HUB as its server runs it: from a new home to calls, restarts, and a command beside it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, MutableMapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
import structlog
from blockbuster import blockbuster_ctx
from structlog.testing import LogCapture
from structlog.typing import Processor

from sottovoce.contracts import (
    AuditRow,
    AuditRows,
    Caller,
    Heartbeat,
    HubCalls,
    HubHello,
    Login,
    Nothing,
    SettingsSince,
    Status,
    TicketHolder,
    calls_of,
)
from sottovoce.errors import AccountRefused, CallRefused, StoreError
from sottovoce.hub import HubApp, HubSettings, create_home, new_set_up_code, open_accounts
from sottovoce.hub.service import Right, parse_name
from sottovoce.ini import Secret
from sottovoce.policy import Component
from sottovoce.store import Database
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import Trust

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
SETTINGS = HubSettings(lui_host="lui.test", tracker_host="trk.test", heartbeat_interval=10)
_AUTHORITY = ThrowAwayAuthority(at=START)
TRUST = Trust(
    _AUTHORITY.generation(
        _AUTHORITY.issue("hub.test"),
        own_name="hub.test",
        allowed=("hub.test", "lui.test", "trk.test"),
    )
)
LUI = Caller(component=Component.LUI, server="lui.test", secured=True, fingerprint="AA:BB")
TRK = Caller(component=Component.TRK, server="trk.test", secured=True, fingerprint="CC:DD")


@pytest.fixture(autouse=True)
def _no_blocking_call() -> Iterator[None]:
    """A call that blocks within a coroutine of ours is an error."""
    with blockbuster_ctx("sottovoce"):
        yield


class _Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def logged() -> LogCapture:
    return LogCapture()


@pytest.fixture
async def code(tmp_path: Path) -> Secret:
    """The set-up code of a home just made."""
    drawn = new_set_up_code(secrets.token_bytes)
    await create_home(tmp_path, set_up_code=drawn, now=START)
    return drawn


async def _open(home: Path, clock: _Clock, logged: Processor) -> HubApp:
    log = structlog.wrap_logger(
        None, processors=[logged], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    return await HubApp.open(home, SETTINGS, own_name="hub.test", trust=TRUST, clock=clock, log=log)


@pytest.fixture
async def app(
    tmp_path: Path, code: Secret, clock: _Clock, logged: LogCapture
) -> AsyncIterator[HubApp]:
    assert code
    opened = await _open(tmp_path, clock, logged)
    yield opened
    await opened.aclose()


def _hello(now: datetime = START) -> HubHello:
    return HubHello(instance="i1", version="1", started=now, listens=(), secured=True, now=now)


def test_every_call_of_the_contract_is_there() -> None:
    from sottovoce.hub.calls import HubCallsFor

    missing = [
        spec.name
        for spec in calls_of(HubCalls).values()
        if not hasattr(HubCallsFor, spec.attribute)
    ]

    assert missing == []


async def test_every_call_is_answered(app: HubApp, code: Secret) -> None:
    await app.accounts.set_up(code, "ann", Secret(PASSWORD))
    await app.registry.put(Component.TRK, "LogLevel", "debug", actor="test")
    lui, trk = app.calls(LUI), app.calls(TRK)

    welcome = await trk.hello(_hello())
    beat = await trk.heartbeat(Heartbeat(instance="i1", status=Status()))
    settings = await trk.settings(SettingsSince())
    ticket = await lui.login(Login(account="ann", password=PASSWORD))
    checked = await lui.check(TicketHolder(ticket=ticket.ticket))
    row = AuditRow(seq=1, at=START, actor="account ann", verb="job-authorised", subject="job 1")
    receipt = await lui.audit(AuditRows(rows=(row,)))
    roster = await lui.roster(Nothing())
    ended = await lui.logout(TicketHolder(ticket=ticket.ticket))

    assert welcome.settings_rev == beat.settings_rev == settings.rev == 1
    assert settings.changed == {"LogLevel": "debug"}
    assert checked == ticket
    assert set(ticket.rights) == set(Right)
    assert receipt.stored_upto == 1
    assert [row.component for row in roster.rows] == [Component.HUB, Component.LUI, Component.TRK]
    assert ended == Nothing()
    with pytest.raises(CallRefused):
        await lui.check(TicketHolder(ticket=ticket.ticket))


async def test_calls_at_the_same_time_do_not_disturb_each_other(app: HubApp) -> None:
    lui, trk = app.calls(LUI), app.calls(TRK)
    await asyncio.gather(lui.hello(_hello()), trk.hello(_hello()))
    beat = Heartbeat(instance="i1", status=Status())
    rows = [
        AuditRow(seq=number, at=START, actor="a", verb="v", subject=str(number))
        for number in range(1, 21)
    ]
    receipts = await asyncio.gather(
        *(calls.audit(AuditRows(rows=tuple(rows))) for calls in (lui, trk) * 5),
        *(calls.heartbeat(beat) for calls in (lui, trk) * 5),
    )

    assert {getattr(receipt, "stored_upto", 20) for receipt in receipts} == {20}


async def test_a_restarted_hub_knows_sessions_roster_and_instances(
    tmp_path: Path, code: Secret, clock: _Clock, logged: LogCapture
) -> None:
    first = await _open(tmp_path, clock, logged)
    await first.accounts.set_up(code, "ann", Secret(PASSWORD))
    await first.calls(LUI).hello(_hello())
    ticket = await first.calls(LUI).login(Login(account="ann", password=PASSWORD))
    await first.aclose()

    second = await _open(tmp_path, clock, logged)
    beat = await second.calls(LUI).heartbeat(Heartbeat(instance="i1", status=Status()))
    checked = await second.calls(LUI).check(TicketHolder(ticket=ticket.ticket))
    await second.aclose()

    assert beat.commands == ()
    assert checked.account == "ann"


async def test_a_command_beside_the_running_hub_is_seen_at_once(
    tmp_path: Path, app: HubApp, code: Secret, clock: _Clock
) -> None:
    async with open_accounts(tmp_path, clock=clock) as accounts:
        await accounts.set_up(code, "ann", Secret(PASSWORD))
        ticket = await app.calls(LUI).login(Login(account="ann", password=PASSWORD))
        await accounts.set_password(parse_name("ann"), Secret("another long one"), actor="test")

    with pytest.raises(CallRefused) as caught:
        await app.calls(LUI).check(TicketHolder(ticket=ticket.ticket))
    assert caught.value.code == "ticket-bad"


async def test_a_started_hub_logs_its_trail_s_head_and_ends_when_closed(
    tmp_path: Path, code: Secret, clock: _Clock, logged: LogCapture
) -> None:
    app = await _open(tmp_path, clock, logged)
    await app.accounts.set_up(code, "ann", Secret(PASSWORD))
    await app.start()
    running = {task.get_name() for task in asyncio.all_tasks()} & {"hub-sweep", "hub-watch"}
    await app.aclose()
    left = {task.get_name() for task in asyncio.all_tasks()} & {"hub-sweep", "hub-watch"}

    (line,) = [entry for entry in logged.entries if entry["action"] == "hub-open"]
    assert line["audit_seq"] == 1
    assert len(line["audit_hash"]) == 64
    assert running == {"hub-sweep", "hub-watch"}
    assert left == set()


async def test_silence_and_return_are_logged_once_each(
    app: HubApp, clock: _Clock, logged: LogCapture
) -> None:
    await app.calls(TRK).hello(_hello())
    await app.watch()
    clock.now += timedelta(seconds=31)
    await app.watch()
    await app.watch()
    await app.calls(TRK).heartbeat(Heartbeat(instance="i1", status=Status()))
    await app.watch()
    await app.watch()

    assert [(entry["action"], entry["component"]) for entry in logged.entries] == [
        ("component-reported", "trk"),
        ("component-silent", "trk"),
        ("component-back", "trk"),
    ]
    assert "trk.test" in logged.entries[1]["event"]


class _Heard:
    """A log that can be waited for."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}
        self.lines: list[dict[str, object]] = []

    def __call__(
        self, _logger: object, _method: str, line: MutableMapping[str, object]
    ) -> NoReturn:
        self.lines.append(dict(line))
        self._event(str(line["action"])).set()
        raise structlog.DropEvent

    def _event(self, action: str) -> asyncio.Event:
        return self._events.setdefault(action, asyncio.Event())

    async def wait(self, action: str) -> dict[str, object]:
        await asyncio.wait_for(self._event(action).wait(), timeout=30)
        return next(line for line in self.lines if line["action"] == action)


@pytest.fixture
async def heard(
    tmp_path: Path, code: Secret, clock: _Clock
) -> AsyncIterator[tuple[HubApp, _Heard]]:
    """A HUB whose log can be waited for."""
    assert code
    listener = _Heard()
    opened = await _open(tmp_path, clock, listener)
    yield opened, listener
    await opened.aclose()


async def test_the_background_work_goes_on_by_itself(
    heard: tuple[HubApp, _Heard], clock: _Clock
) -> None:
    app, log = heard
    await app.calls(TRK).hello(_hello())
    clock.now += timedelta(seconds=31)
    await app.start()

    line = await log.wait("component-silent")

    assert line["component"] == "trk"


async def test_a_full_disk_does_not_end_the_background_work(
    heard: tuple[HubApp, _Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, log = heard
    full = StoreError("The disk is full.", hint="Free space.", code="store-full")

    async def fail() -> int:
        raise full

    monkeypatch.setattr(app, "sweep", fail)
    await app.start()
    line = await log.wait("hub-sweep-failed")

    assert (line["event"], line["code"]) == (str(full), "store-full")
    assert "hub-sweep" in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_mistake_in_the_background_work_is_heard_of(
    heard: tuple[HubApp, _Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, log = heard

    async def fail() -> None:
        raise LookupError("a mistake in the program")

    monkeypatch.setattr(app, "watch", fail)
    await app.start()
    line = await log.wait("task-failed")

    assert line["task"] == "hub-watch"
    assert "a mistake in the program" in str(line["event"])


async def test_who_reports_in_and_who_is_refused_is_logged_when_it_changes(
    app: HubApp, clock: _Clock, logged: LogCapture
) -> None:
    """W4: HUB's log names a half-secured installation as such; so does the refusal it sends."""
    plain = Caller(component=Component.LUI, server="lui.test", secured=False, connection_id="c9")
    for _ in range(3):
        with pytest.raises(CallRefused) as caught:
            await app.calls(plain).hello(_hello())
    for _ in range(3):
        await app.calls(LUI).hello(_hello())

    refused, reported = logged.entries
    assert (refused["action"], refused["code"]) == ("component-refused", "mode-mismatch")
    assert (refused["log_level"], refused["connection_id"]) == ("warning", "c9")
    assert refused["event"] == f"LUI on lui.test is refused: {caught.value.message}"
    assert (reported["action"], reported["version"]) == ("component-reported", "1")


async def test_expired_sessions_are_swept(app: HubApp, code: Secret, clock: _Clock) -> None:
    await app.accounts.set_up(code, "ann", Secret(PASSWORD))
    await app.calls(LUI).login(Login(account="ann", password=PASSWORD))
    clock.now += timedelta(hours=9)

    assert await app.sweep() == 1


async def test_the_map_of_connections_is_at_hand(app: HubApp) -> None:
    await app.calls(TRK).hello(_hello())

    states = {(edge.caller, edge.called): edge.state for edge in (await app.report()).edges}

    assert states == {
        (Component.LUI, Component.HUB): "down",
        (Component.TRK, Component.HUB): "secured",
        (Component.LUI, Component.TRK): "down",
    }


async def test_without_a_database_hub_says_what_to_do(
    tmp_path: Path, clock: _Clock, logged: LogCapture
) -> None:
    with pytest.raises(StoreError) as caught:
        await _open(tmp_path, clock, logged)

    assert caught.value.code == "hub-missing"
    assert "sottovoce init" in caught.value.hint
    assert not (tmp_path / "hub").exists(), "nothing is made by mistake"


async def test_a_home_is_made_once(tmp_path: Path, code: Secret) -> None:
    with pytest.raises(StoreError) as caught:
        await create_home(tmp_path, set_up_code=new_set_up_code(secrets.token_bytes), now=START)

    assert caught.value.code == "hub-exists"
    async with open_accounts(tmp_path, clock=_Clock()) as accounts:
        assert str(await accounts.set_up(code, "ann", Secret(PASSWORD))) == "ann"


async def test_an_interrupted_making_is_named_and_can_be_repeated(
    tmp_path: Path, clock: _Clock, logged: LogCapture
) -> None:
    from sottovoce.hub.home import MIGRATIONS, database_path

    database_path(tmp_path).parent.mkdir()
    await (await Database.open(database_path(tmp_path), migrations=MIGRATIONS)).aclose()
    with pytest.raises(StoreError) as caught:
        await _open(tmp_path, clock, logged)
    drawn = new_set_up_code(secrets.token_bytes)
    await create_home(tmp_path, set_up_code=drawn, now=START)

    assert caught.value.code == "hub-missing"
    app = await _open(tmp_path, clock, logged)
    assert str(await app.accounts.set_up(drawn, "ann", Secret(PASSWORD))) == "ann"
    await app.aclose()


async def test_hub_s_folder_and_database_are_its_owner_s_only(tmp_path: Path, code: Secret) -> None:
    assert code
    modes = [
        path.stat().st_mode & 0o777 for path in (tmp_path / "hub", tmp_path / "hub" / "hub.db")
    ]

    assert modes == [0o700, 0o600]


async def test_a_home_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made"):
        await create_home(
            tmp_path / "nowhere", set_up_code=new_set_up_code(secrets.token_bytes), now=START
        )


async def test_another_installation_s_code_does_not_open_this_one(app: HubApp) -> None:
    with pytest.raises(AccountRefused) as caught:
        await app.accounts.set_up(new_set_up_code(secrets.token_bytes), "eve", Secret(PASSWORD))

    assert caught.value.code == "set-up-code-bad"
