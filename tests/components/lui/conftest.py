"""A running LUI between partners in memory and a real SMTP server on loopback.

The tracker and the hub here keep their contracts honestly, in memory; the real ones are tested with
LUI where the whole is tested.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from blockbuster import BlockBuster, blockbuster_ctx

from sottovoce.contracts import (
    Acknowledge,
    AuditReceipt,
    AuditRows,
    EndJob,
    EventBatch,
    EventFacts,
    EventKind,
    Heartbeat,
    HeartbeatReply,
    HubHello,
    HubWelcome,
    JobStored,
    Login,
    PullEvents,
    PutJob,
    RenewalRequest,
    Renewed,
    Revoke,
    Revoked,
    Roster,
    SettingsReply,
    SettingsSince,
    Ticket,
    TicketHolder,
    TrackedEvent,
    TrkHello,
    TrkStatistics,
    TrustBundle,
    TrustSince,
)
from sottovoce.contracts.hub import Nothing
from sottovoce.errors import ConnectFailed, RemoteFault
from sottovoce.lui import LuiApp, LuiSettings, create_home, open_database
from sottovoce.lui.schema import JobState, TrackingType
from sottovoce.lui.service.jobs import Definition, Template, authorise, define, deliver
from sottovoce.lui.service.lists import import_csv
from sottovoce.lui.service.report import JobStatus, job_status
from sottovoce.net.clock import utc_now
from sottovoce.store import Database


class MemoryTracker:
    """TRK's calls over events in memory."""

    def __init__(self) -> None:
        self.epoch = "first"
        self.events: list[TrackedEvent] = []
        self.oldest = 1
        self.jobs: dict[str, PutJob] = {}
        self.acknowledged = 0
        self.revoked: set[tuple[str, int]] = set()
        self.down = False
        self.refuses = ""
        self.called: list[str] = []

    def happen(
        self, kind: EventKind, recipient: int | None, link: int | None = None, job: str = ""
    ) -> None:
        """Something is done with a mail of the only job, or of *job*."""
        job_ref = job or next(iter(self.jobs))
        seq = self.oldest + len(self.events)
        now = int(utc_now().timestamp() * 1000)
        self.events.append(TrackedEvent(seq, now, kind, job_ref, recipient, link, EventFacts()))

    def _answer(self, call: str) -> None:
        self.called.append(call)
        if self.down:
            raise ConnectFailed("Nobody listens at trk.test:7000.", peer="trk.test")

    async def hello(self, _: Nothing, /) -> TrkHello:
        self._answer("hello")
        return TrkHello(
            instance="memory",
            version="1",
            epoch=self.epoch,
            oldest_seq=self.oldest,
            next_seq=self.oldest + len(self.events),
            public_url="http://trk.test:8080",
            now=utc_now(),
        )

    async def put_job(self, request: PutJob, /) -> JobStored:
        self._answer("put_job")
        if self.refuses:
            raise RemoteFault("job-invalid", self.refuses)
        known = self.jobs.setdefault(request.job_ref, request)
        if known.digest != request.digest:
            raise RemoteFault("job-conflict", "another digest")
        return JobStored(outcome="stored" if known is request else "same")

    async def pull(self, request: PullEvents, /) -> EventBatch:
        self._answer("pull")
        after = request.after if request.epoch == self.epoch else 0
        found = [event for event in self.events if event.seq > after][: request.limit]
        return EventBatch(
            epoch=self.epoch,
            events=tuple(found),
            next_seq=self.oldest + len(self.events),
            oldest_seq=self.oldest,
            complete_until=utc_now(),
        )

    async def acknowledge(self, request: Acknowledge, /) -> Nothing:
        self._answer("acknowledge")
        if request.epoch != self.epoch:
            raise RemoteFault("epoch-changed", "another epoch")
        self.acknowledged = max(self.acknowledged, request.upto)
        return Nothing()

    async def revoke(self, request: Revoke, /) -> Revoked:
        self._answer("revoke")
        new = {(request.job_ref, idx) for idx in request.recipients} - self.revoked
        self.revoked |= new
        return Revoked(applied=len(new))

    async def end_job(self, _: EndJob, /) -> Nothing:
        raise NotImplementedError

    async def statistics(self, _: Nothing, /) -> TrkStatistics:
        raise NotImplementedError


class MemoryHub:
    """As much of HUB's calls as LUI makes by itself."""

    def __init__(self) -> None:
        self.hellos: list[HubHello] = []
        self.heartbeats: list[Heartbeat] = []
        self.down = False

    async def hello(self, request: HubHello, /) -> HubWelcome:
        if self.down:
            raise ConnectFailed("Nobody listens at hub.test:1099.", peer="hub.test")
        self.hellos.append(request)
        return HubWelcome(
            install_id="x", settings_rev=1, heartbeat_interval=60.0, hub_time=utc_now()
        )

    async def heartbeat(self, request: Heartbeat, /) -> HeartbeatReply:
        self.heartbeats.append(request)
        return HeartbeatReply(settings_rev=1)

    async def settings(self, _: SettingsSince, /) -> SettingsReply:
        raise NotImplementedError

    async def login(self, _: Login, /) -> Ticket:
        raise NotImplementedError

    async def check(self, _: TicketHolder, /) -> Ticket:
        raise NotImplementedError

    async def logout(self, _: TicketHolder, /) -> Nothing:
        raise NotImplementedError

    async def audit(self, _: AuditRows, /) -> AuditReceipt:
        raise NotImplementedError

    async def roster(self, _: Nothing, /) -> Roster:
        raise NotImplementedError

    async def trust(self, _: TrustSince, /) -> TrustBundle:
        raise NotImplementedError

    async def renew(self, _: RenewalRequest, /) -> Renewed:
        raise NotImplementedError


@dataclass
class Postbox:
    """A real SMTP server's handler, and its moods.

    Args:
        refuse: recipients refused for good.
        defer: recipients refused for now, and how often.
        cut_off: recipients at whose name the connection is cut.
        refuse_sender: whether the sender is refused.
        die_after: after that many mails the connection is cut instead of the reply.
        kept: whether the mail at which it dies was kept (nobody can know).
        on_mail: called with the number of mails so far.
    """

    refuse: set[str] = field(default_factory=set)
    defer: dict[str, int] = field(default_factory=dict)
    cut_off: set[str] = field(default_factory=set)
    refuse_sender: bool = False
    die_after: int | None = None
    kept: bool = True
    on_mail: Callable[[int], None] | None = None
    mails: list[tuple[str, bytes]] = field(default_factory=list)
    hold: asyncio.Event | None = None
    in_data: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse_sender:
            return "550 5.7.1 not from you"
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.cut_off:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "250 never arrives"
        if address in self.refuse:
            return "550 5.1.1 no such person"
        if self.defer.get(address, 0) > 0:
            self.defer[address] -= 1
            return "450 4.2.0 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.in_data.set()
        if self.hold is not None:
            await self.hold.wait()
        dies = self.die_after is not None and len(self.mails) >= self.die_after
        if not dies or self.kept:
            self.mails.append((envelope.rcpt_tos[0], content))
        if self.on_mail is not None:
            self.on_mail(len(self.mails))
        if dies:
            self.die_after = None
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 taken"

    def messages(self) -> list[EmailMessage]:
        parsed = [message_from_bytes(raw, policy=policy.default) for _, raw in self.mails]
        return [mail for mail in parsed if isinstance(mail, EmailMessage)]

    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.mails]


class Lines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, event: str, /, **fields: Any) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, /, **fields: Any) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, /, **fields: Any) -> None:
        self.lines.append(("error", event, fields))

    def actions(self) -> list[str]:
        return [str(fields.get("action")) for _, _, fields in self.lines]


@dataclass
class Office:
    """A LUI with everything around it."""

    home: Path
    database: Database
    tracker: MemoryTracker
    hub: MemoryHub
    postbox: Postbox
    log: Lines
    settings: LuiSettings
    apps: list[LuiApp] = field(default_factory=list)

    async def open_app(self) -> LuiApp:
        app = await LuiApp.open(
            self.home,
            self.settings,
            hub=self.hub,
            tracker=self.tracker,
            own_name="lui.test",
            secured=True,
            clock=utc_now,
            log=self.log,
        )
        self.apps.append(app)
        return app

    async def start(self) -> LuiApp:
        app = await self.open_app()
        await app.start()
        return app

    async def make_job(
        self,
        people: int = 20,
        *,
        tracking: TrackingType = TrackingType.PERSONAL_BY_PERMISSION,
        name: str = "Letter",
    ) -> None:
        """Import people, define a job, authorise it and hand it over."""
        consents = ("granted", "granted", "denied", "")
        rows = "".join(f"p{n}@example.org,P{n},{consents[n % 4]}\n" for n in range(1, people + 1))
        data = f"email,first_name,tracking\n{rows}".encode()
        await import_csv(self.database, "News", data, now=utc_now())
        await define(
            self.database,
            Definition(
                name=name,
                list_name="News",
                subject="Hi {{first_name}}",
                sender="Team <team@example.org>",
                html=Template('<body><a href="https://example.org/a">A</a></body>', "l.html"),
                text=Template("Hi {{first_name}} https://example.org/b", "l.txt"),
                tracking=tracking,
            ),
            now=utc_now(),
        )
        await authorise(self.database, name, now=utc_now())
        await deliver(self.database, name, now=utc_now())

    async def status(self) -> JobStatus:
        return await job_status(self.database, "Letter")

    async def states(self) -> dict[str, int]:
        ledger = (await self.status()).ledger
        return {state.value: count for state, count in ledger.items() if count}

    async def until(self, state: JobState) -> None:
        """Wait until the job is in *state*."""

        async def there() -> bool:
            return (await self.status()).state is state

        await self.eventually(there)

    async def noted(self, code: str) -> JobStatus:
        """Wait until the job waits for the reason *code*."""

        async def there() -> bool:
            return (await self.status()).note_code == code

        await self.eventually(there)
        return await self.status()

    async def eventually(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Look again and again until *condition* holds."""
        async with asyncio.timeout(50):
            while not await condition():  # noqa: ASYNC110 - what is waited for is in a database
                await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    with blockbuster_ctx("sottovoce") as blockbuster:
        # SQLAlchemy asks for it when an engine is made; it touches no disk.
        blockbuster.functions["os.path.abspath"].deactivate()
        yield blockbuster


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
async def smtp_port(postbox: Postbox) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(postbox, hostname="relay.test", loop=loop), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    asyncio.run(create_home(home, now=datetime(2026, 11, 1, tzinfo=UTC)))
    return home


@pytest.fixture
async def office(
    empty_home: Path, tmp_path: Path, postbox: Postbox, smtp_port: int
) -> AsyncIterator[Office]:
    home = tmp_path / "home"
    shutil.copytree(empty_home, home)
    settings = LuiSettings(
        hub_host="hub.test",
        tracker_host="trk.test",
        smtp_host="127.0.0.1",
        smtp_port=smtp_port,
        smtp_retry_delay=0.1,
        event_transfer_interval=0.2,
        mail_domain="lui.test",
    )
    database = await open_database(home)
    made = Office(home, database, MemoryTracker(), MemoryHub(), postbox, Lines(), settings)
    yield made
    for app in made.apps:
        await app.aclose()
    await database.aclose()
