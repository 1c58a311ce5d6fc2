"""A component's sign of life: it reports in, keeps reporting, and outlives every absence of HUB."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from sottovoce.contracts import Command, Heartbeat, HeartbeatReply, HubHello, HubWelcome, Status
from sottovoce.errors import (
    CallRefused,
    CallTimeout,
    ConnectFailed,
    RemoteFault,
    SottovoceError,
    StoreError,
)
from sottovoce.net.heartbeat import FIRST_RETRY, LONGEST_RETRY, HeartbeatLoop, Reporting

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HELLO = HubHello(
    instance="i1", version="1", started=NOW, listens=("127.0.0.4:80",), secured=True, now=NOW
)
WELCOME = HubWelcome(install_id="here", settings_rev=3, heartbeat_interval=7.0, hub_time=NOW)


class Enough(Exception):
    """Ends a loop that runs for ever."""


@dataclass
class ScriptedHub:
    """A HUB that gives its answers in order, errors included, and keeps what it was told."""

    answers: list[Any]
    told: list[Any] = field(default_factory=list)

    async def hello(self, request: HubHello, /) -> HubWelcome:
        return self._answer(request)  # type: ignore[no-any-return]

    async def heartbeat(self, request: Heartbeat, /) -> HeartbeatReply:
        return self._answer(request)  # type: ignore[no-any-return]

    def _answer(self, request: Any) -> Any:
        if not self.answers:
            raise Enough
        self.told.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, SottovoceError):
            raise answer
        return answer


@dataclass
class Loop:
    """A loop with all that it was given, and what it did."""

    hub: ScriptedHub
    loop: HeartbeatLoop
    waits: list[float]
    lines: list[tuple[str, dict[str, Any]]]
    obeyed: list[str]
    revs: list[str]

    @property
    def verbs(self) -> list[str]:
        return ["hello" if isinstance(each, HubHello) else "beat" for each in self.hub.told]

    @property
    def actions(self) -> list[str]:
        return [action for action, _fields in self.lines]


async def played(
    *answers: Any, interval: float | None = None, fail: SottovoceError | None = None
) -> Loop:
    """Run a loop against a HUB with these answers until they are used up."""
    lines: list[tuple[str, dict[str, Any]]] = []
    waits: list[float] = []
    obeyed: list[str] = []
    revs: list[str] = []

    class Log:
        def info(self, _event: str, /, **fields: Any) -> None:
            lines.append((fields.pop("action"), fields))

        warning = error = info

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def obey(command: Command) -> None:
        obeyed.append(command.verb)
        if fail is not None:
            raise fail

    def complete(status: Status) -> Status:
        return msgspec.structs.replace(status, trust_rev="ours")

    def heard(reply: HeartbeatReply) -> None:
        revs.append(reply.trust_rev)

    hub = ScriptedHub(list(answers))
    loop = HeartbeatLoop(
        hub,  # type: ignore[arg-type]
        lambda: HELLO,
        lambda: Status(queue=4),
        interval=interval,
        reporting=Reporting(complete=complete, heard=heard, obey=obey),
        log=Log(),
        clock=lambda: NOW,
        waiter=wait,
    )
    with pytest.raises(Enough):
        await loop.run()
    return Loop(hub, loop, waits, lines, obeyed, revs)


def beat(*commands: Command, rev: int = 3) -> HeartbeatReply:
    return HeartbeatReply(settings_rev=rev, commands=commands)


async def test_it_says_hello_once_and_then_beats_at_hubs_interval() -> None:
    done = await played(WELCOME, beat(), beat(rev=5))
    assert done.verbs == ["hello", "beat", "beat"]
    assert done.hub.told[1] == Heartbeat(instance="i1", status=Status(queue=4, trust_rev="ours"))
    assert done.waits == [7.0, 7.0]
    assert done.loop.connected
    assert done.loop.settings_rev == 5
    assert done.actions == ["hub-connected"]


async def test_an_interval_of_its_own_wins_over_hubs() -> None:
    done = await played(WELCOME, beat(), interval=2.0)
    assert done.waits == [2.0]


async def test_while_hub_is_away_it_tries_ever_more_rarely_and_says_so_once() -> None:
    done = await played(*[ConnectFailed("nobody")] * 12)
    assert done.actions == ["hub-lost"]
    ceilings = [min(LONGEST_RETRY, FIRST_RETRY * 2**n) for n in range(12)]
    assert all(
        ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(done.waits, ceilings, strict=True)
    )
    assert not done.loop.connected


async def test_it_reports_in_again_when_hub_is_back() -> None:
    down = ConnectFailed("nobody")
    done = await played(down, WELCOME, beat(), down, down, WELCOME, beat())
    assert done.verbs == ["hello", "hello", "beat", "beat", "hello", "hello", "beat"]
    assert done.actions == ["hub-lost", "hub-connected", "hub-lost", "hub-connected"]


@pytest.mark.parametrize("kind", [RemoteFault, CallRefused])
async def test_a_hub_that_was_restarted_gets_a_hello_without_an_alarm(kind: Any) -> None:
    done = await played(WELCOME, beat(), kind("hello-first", "who?"), WELCOME, beat())
    assert done.verbs == ["hello", "beat", "beat", "hello", "beat"]
    assert done.actions == ["hub-connected"]


async def test_a_hub_that_never_remembers_is_not_asked_without_pause() -> None:
    done = await played(*[WELCOME, RemoteFault("hello-first", "who?")] * 6)
    assert len(done.waits) == 6
    assert done.waits[-1] > done.waits[0]


async def test_a_refusal_is_told_from_an_absence() -> None:
    """W4: a HUB in the other mode refuses; that is news of another kind."""
    done = await played(
        ConnectFailed("nobody"), RemoteFault("mode-mismatch", "HUB is secured."), WELCOME
    )
    assert done.lines[:2] == [
        ("hub-lost", {"code": "connect-failed"}),
        ("hub-refused", {"code": "mode-mismatch"}),
    ]


async def test_a_call_without_an_answer_is_an_absence() -> None:
    done = await played(WELCOME, CallTimeout("no reply within 30 s"))
    assert done.actions == ["hub-connected", "hub-lost"]


async def test_commands_are_obeyed_in_their_order() -> None:
    done = await played(WELCOME, beat(Command(verb="backup"), Command(verb="rest")))
    assert done.obeyed == ["backup", "rest"]


async def test_a_command_that_fails_ends_nothing() -> None:
    failing = StoreError("The disk is full.", code="store-full")
    done = await played(WELCOME, beat(Command(verb="backup")), beat(), fail=failing)
    assert done.verbs == ["hello", "beat", "beat"]
    assert done.lines[1] == ("hub-command-failed", {"verb": "backup", "code": "store-full"})


async def test_it_ends_by_cancellation() -> None:
    class Silent:
        async def hello(self, _request: HubHello, /) -> HubWelcome:
            await asyncio.get_running_loop().create_future()
            raise AssertionError

    ignore: Callable[..., None] = lambda *_arguments, **_fields: None  # noqa: E731

    class Log:
        info = warning = error = staticmethod(ignore)

    loop = HeartbeatLoop(
        Silent(),  # type: ignore[arg-type]
        lambda: HELLO,
        Status,
        log=Log(),
        clock=lambda: NOW,
    )
    task = asyncio.get_running_loop().create_task(loop.run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_server_completes_what_is_said_and_hears_what_is_answered() -> None:
    loop = await played(
        WELCOME, HeartbeatReply(settings_rev=3, trust_rev="new"), HeartbeatReply(settings_rev=3)
    )

    beats = [each for each in loop.hub.told if isinstance(each, Heartbeat)]
    assert [(beat.status.queue, beat.status.trust_rev) for beat in beats] == [(4, "ours")] * 2
    assert loop.revs == ["new", ""]
