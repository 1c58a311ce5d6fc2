"""A campaign during which one server is killed, and everything that must hold all the same.

What is promised (DESIGN §5): no mail goes out twice; who got none is accepted or listed as
uncertain, and those are few; an unsubscribe that was answered is counted; so is an open or a click
that was answered within the time that TRK waits for its disk. One that was answered later may have
been answered unstored; but groups reach the disk in the order of their events, so whatever was
answered before an answered unsubscribe began is there too.
"""

import http.client
import itertools
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sottovoce.cli.demo.campaign import JOB, define, deliver, report
from sottovoce.cli.demo.installation import Installation
from sottovoce.cli.demo.layout import Ports, choose_layout
from sottovoce.cli.demo.readers import Reaction, reactions, request
from sottovoce.cli.demo.relay import MaildirRelay, read_maildir
from sottovoce.errors import SottovoceError
from sottovoce.lui.delivery import BATCH
from sottovoce.net.clock import utc_now
from sottovoce.policy import Component
from sottovoce.trk.service.tracking import STORING_LIMIT

__all__ = ["Kill", "Survived", "survive"]

#: Seconds that anything may take that is waited for.
PATIENCE = 120.0

#: Mails that may be uncertain after one crash: the claims of LUI's four connections.
MOST_UNCERTAIN = 4 * BATCH

_PLAYERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Which server is killed when.

    Args:
        servers: of the installation, 1 to 3.
        victim: the component whose server is killed.
        phase: ``delivery`` (counted in mails delivered) or ``reactions`` (in requests answered).
        after: how many of them.
        recipients: of the job.
        secured: mutual TLS, or plain.
        by: the signal; any other than SIGKILL is a stop in order, after which nothing is uncertain.
    """

    servers: int
    victim: Component
    phase: str
    after: int
    recipients: int = 400
    secured: bool = True
    by: signal.Signals = signal.SIGKILL


@dataclass(kw_only=True)
class Survived:
    """What was found after it: figures, and every promise that did not hold."""

    mails_at_kill: int = 0
    mails: int = 0
    accepted: int = 0
    uncertain: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    certain: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def check(self, holds: object, text: str) -> None:
        """Note *text* when something does not hold."""
        if not holds:
            self.broken.append(text)


@dataclass
class _Attempt:
    reaction: Reaction
    begun: int = 0
    answered: int = 0
    seconds: float = 0.0
    sent: bool = False


class _Readers:
    """Recipients who react while servers come and go; each open and click is sent once at most."""

    def __init__(self, work: Iterable[Reaction]) -> None:
        self.attempts = [_Attempt(reaction) for reaction in work]
        self.unexpected: list[str] = []
        self._ticks = itertools.count(1)
        self._until = time.monotonic() + PATIENCE
        self._killed = self._back = 0

    @property
    def answered(self) -> int:
        """How many requests were answered so far."""
        return sum(1 for attempt in self.attempts if attempt.answered)

    def play(self) -> None:
        """Make every request; return when each was answered, or went unanswered for good."""
        with ThreadPoolExecutor(_PLAYERS) as pool:
            list(pool.map(self._react, self.attempts))

    def _react(self, attempt: _Attempt) -> None:
        def connected() -> None:
            attempt.sent = True

        while time.monotonic() < self._until:
            attempt.begun = next(self._ticks)
            began = time.monotonic()
            try:
                status = request(attempt.reaction, connected=connected)
            except (OSError, http.client.HTTPException):
                # Whoever could not connect comes again; so does who wants to leave the list.
                if attempt.sent and not attempt.reaction.post:
                    return
                time.sleep(0.05)
                continue
            if status == attempt.reaction.wanted:
                attempt.seconds = time.monotonic() - began
                attempt.answered = next(self._ticks)
            else:
                self.unexpected.append(f"{attempt.reaction.kind} answered with {status}")
            return
        self.unexpected.append(f"{attempt.reaction.kind} never answered")

    @contextmanager
    def killing(self) -> Iterator[None]:
        """Take note of when the kill began and when the server was back."""
        self._killed = next(self._ticks)
        yield
        self._back = next(self._ticks)

    def certain(self) -> Counter[str]:
        """Return how many reactions of each kind are on the disk for certain.

        Unsubscribes that were answered; whatever was answered sooner than TRK's limit, or before an
        unsubscribe began that was answered before the kill; whatever began after it.
        """
        barrier = max(
            (
                each.begun
                for each in self.attempts
                if each.reaction.post and 0 < each.answered < self._killed
            ),
            default=0,
        )
        return Counter(
            each.reaction.kind
            for each in self.attempts
            if each.answered
            and (
                each.reaction.post
                or each.seconds < STORING_LIMIT
                or each.answered < barrier
                or each.begun > self._back
            )
        )


def survive(folder: Path, kill: Kill) -> Survived:
    """Run a campaign through which one server is killed and started again; return what was found.

    Args:
        folder: empty; homes and mails are made there.
        kill: which, and when.

    Raises:
        SottovoceError: the run itself did not come about.
    """
    found = Survived()
    with Ports() as ports:
        layout = choose_layout(kill.servers, ports)
        smtp = ports.take("127.0.0.1")
        installation = Installation(folder, layout, secured=kill.secured, smtp_port=smtp)
        installation.make()
        with MaildirRelay(folder / "maildir", smtp):
            try:
                installation.start()
                _react(installation, kill, found, _deliver(installation, kill, found))
            finally:
                installation.stop()
        for label, server in installation.running.items():
            status = server.process.returncode
            found.check(status == 0, f"{label} ended with {status}")
            text = "\n".join(server.output)
            found.check("Traceback" not in text, f"{label} printed a traceback")
    return found


def _strike(installation: Installation, kill: Kill, found: Survived) -> None:
    label = installation.layout.seat_of(kill.victim).label
    server = installation.running[label]
    server.process.send_signal(kill.by)
    server.process.wait(PATIENCE)
    status = server.stop()
    wanted = -kill.by if kill.by is signal.SIGKILL else 0
    found.check(status == wanted, f"{label} ended with {status} on {kill.by.name}")
    installation.restart(label)


def _wait(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise SottovoceError(f"Waited in vain for {what}.")
        time.sleep(0.002)


def _deliver(installation: Installation, kill: Kill, found: Survived) -> list[EmailMessage]:
    """Send the job, through the kill if it comes now; return all mails that went out."""
    new = installation.folder / "maildir" / "new"
    define(installation, installation.folder, kill.recipients)
    deliver(installation)
    if kill.phase == "delivery":
        _wait(lambda: _count(new) >= kill.after, f"{kill.after} mails")
        found.mails_at_kill = _count(new)
        _strike(installation, kill, found)
    _wait(lambda: _state(installation) == "completed", "the job's end")
    mails = read_maildir(installation.folder / "maildir")
    _check_mails(installation, kill, found, mails)
    return mails


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def _state(installation: Installation) -> str:
    time.sleep(0.1)
    return str(report(installation)["status"]["state"])


def _check_mails(
    installation: Installation, kill: Kill, found: Survived, mails: Sequence[EmailMessage]
) -> None:
    people = Counter(str(mail["Delivered-To"]) for mail in mails)
    numbers = Counter(str(mail["Message-ID"]) for mail in mails)
    home = installation.home_of(Component.LUI)
    doubtful = installation.run_json("job", "uncertain", JOB, "--home", home, good=(0, 1))
    ledger = report(installation)["status"]["ledger"]
    names = {row["mailbox"] for row in doubtful["uncertain"]}
    everybody = _recipients(installation)
    found.mails, found.accepted, found.uncertain = len(mails), ledger["accepted"], len(names)
    found.check(max(people.values()) == 1, f"mails sent twice: {_twice(people)}")
    found.check(max(numbers.values()) == 1, f"Message-IDs twice: {_twice(numbers)}")
    found.check(
        found.accepted + found.uncertain == kill.recipients,
        f"{found.accepted} accepted and {found.uncertain} uncertain of {kill.recipients}: {ledger}",
    )
    found.check(set(people) <= everybody, "mails to people who are not on the list")
    without = everybody - set(people) - names
    found.check(not without, f"accepted, and no mail is there: {sorted(without)[:3]}")
    layout = installation.layout
    hit = layout.seat_of(kill.victim) == layout.seat_of(Component.LUI)
    crashed = hit and kill.phase == "delivery" and kill.by is signal.SIGKILL
    most = MOST_UNCERTAIN if crashed else 0
    found.check(found.uncertain <= most, f"{found.uncertain} uncertain, at most {most} promised")


def _twice(counted: Counter[str]) -> list[str]:
    return [name for name, times in counted.items() if times > 1][:3]


def _recipients(installation: Installation) -> set[str]:
    database = installation.home_of(Component.LUI) / "lui" / "lui.db"
    return {str(row[0]) for row in _rows(database, "SELECT email FROM contact")}


def _rows(database: Path, statement: str) -> Sequence[Any]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def _react(
    installation: Installation, kill: Kill, found: Survived, mails: Sequence[EmailMessage]
) -> None:
    layout = installation.layout
    tracker = f"http://{layout.seat_of(Component.TRK).address}:{layout.public_port}"
    readers = _Readers(each for mail in mails for each in reactions(mail, tracker=tracker))
    playing = threading.Thread(target=readers.play)
    playing.start()
    try:
        if kill.phase == "reactions":
            _wait(lambda: readers.answered >= kill.after, f"{kill.after} answers")
            with readers.killing():
                _strike(installation, kill, found)
    finally:
        playing.join()
    done = utc_now().isoformat()
    _wait(lambda: _complete(installation) > done, "the events' arrival")
    _check_events(installation, readers, found)


def _complete(installation: Installation) -> str:
    time.sleep(0.1)
    return str(report(installation)["complete_until"] or "").replace("Z", "+00:00")


def _check_events(installation: Installation, readers: _Readers, found: Survived) -> None:
    trk = installation.home_of(Component.TRK) / "trk" / "trk.db"
    lui = installation.home_of(Component.LUI) / "lui" / "lui.db"
    at_trk = _rows(trk, "SELECT id, at, kind, recipient, link FROM event ORDER BY id")
    at_lui = _rows(lui, "SELECT seq, at, kind, idx, link_n FROM event ORDER BY seq")
    counted = report(installation)
    attempts = readers.attempts
    found.certain = readers.certain()
    found.answered = Counter(each.reaction.kind for each in attempts if each.answered)
    found.stored = Counter(row[2] for row in at_trk)
    sent = Counter(each.reaction.kind for each in attempts if each.sent)
    found.check(not readers.unexpected, f"answers not expected: {readers.unexpected[:3]}")
    found.check(at_trk == at_lui, f"{len(at_trk)} events at TRK, {len(at_lui)} other ones at LUI")
    found.check(
        [row[0] for row in at_trk] == list(range(1, len(at_trk) + 1)), "event numbers with gaps"
    )
    for kind in ("open", "click"):
        low, here, high = found.certain[kind], found.stored[kind], sent[kind]
        found.check(low <= here <= high, f"{kind}: {here} stored, {low} to {high} possible")
        told = counted[f"{kind}s"]["total"]
        found.check(told == here, f"{kind}: {told} in the report, {here} stored")
    gone = len({each.reaction.who for each in attempts if each.reaction.post})
    told = counted["unsubscribes"]
    found.check(told == gone, f"{told} unsubscribed in the report, {gone} were answered")
    found.check(counted["lost"] == 0, f"{counted['lost']} events lost")
    found.check(counted["duplicated"] == 0, f"{counted['duplicated']} events duplicated")
