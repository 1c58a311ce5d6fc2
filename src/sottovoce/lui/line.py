"""One connection's work on one job: claim, send, and say of every claimed mail what became of it.

Owns what an answer of the relay means for the ledger. Knows no database and no tracker; when to
begin, and what follows when it ends, is the delivery worker's.
"""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from sottovoce.errors import SottovoceError
from sottovoce.lui.relay import Answer, Handed, RelayDown, Session
from sottovoce.lui.schema import LedgerState, to_ms
from sottovoce.lui.service.composer import Composer, Recipient
from sottovoce.lui.service.jobs import Job
from sottovoce.lui.service.ledger import Claimed, Outcome

if TYPE_CHECKING:
    from sottovoce.lui.delivery import Delivery

__all__ = ["BATCH", "Line"]

#: Recipients that one connection has inflight at most; with 4 connections 32 mails can be
#: uncertain after a crash. (Smaller costs a transaction per few mails: 8 → about 0.1 ms each.)
BATCH = 8
#: Multiples of the retry delay before each new try; after the last one the mail counts as refused.
RETRIES = (1, 5, 15, 60, 240)


class Line:
    """One connection's work on one job."""

    def __init__(
        self, delivery: "Delivery", job: Job, composer: Composer, session: Session | None = None
    ) -> None:
        self._delivery = delivery
        self._job = job
        self._composer = composer
        self._session = session

    async def run(self) -> None:
        """Claim and send until nobody is due, the worker stops, or something is missing."""
        delivery = self._delivery
        try:
            if self._session is None:
                self._session = await delivery.relay.connect()
            while not delivery.stopping.is_set() and not delivery.is_stale():
                claimed = await delivery.ledger.claim(self._job, BATCH)
                if claimed is None:
                    return
                await self._send_all(claimed)
        finally:
            if self._session is not None:
                await self._session.aclose()

    async def _send_all(self, claimed: list[Claimed]) -> None:
        """Send *claimed*; whatever is not begun goes back to planned."""
        note = self._delivery.ledger.note
        rest = iter(claimed)
        try:
            for row in rest:
                if self._delivery.stopping.is_set():
                    self._put_back(row)
                    break
                note(self._job, await self._send(row))
        finally:
            for row in rest:
                self._put_back(row)

    def _put_back(self, row: Claimed) -> None:
        self._delivery.ledger.note(self._job, Outcome(row.idx, LedgerState.PLANNED, row.attempts))

    async def _send(self, row: Claimed) -> Outcome:
        delivery = self._delivery
        assert self._session is not None
        recipient = Recipient(row.idx, row.mailbox, row.fields, row.tier)
        try:
            mail = self._composer.compose(recipient, at=delivery.clock())
        except BaseException:
            self._put_back(row)
            raise
        try:
            answer = await self._session.send(self._composer.envelope_from, row.mailbox, mail)
        except BaseException:
            why = "the program ended while the mail was under way"
            delivery.ledger.note(
                self._job, Outcome(row.idx, LedgerState.UNCERTAIN, row.attempts, why)
            )
            raise
        outcome = self._judged(row, answer)
        if answer.closing or answer.handed is Handed.SENDER_REFUSED:
            delivery.ledger.note(self._job, outcome)
            await self._broken(answer, row.mailbox)
        return outcome

    def _judged(self, row: Claimed, answer: Answer) -> Outcome:
        """Return what an answer means for the ledger."""
        match answer.handed:
            case Handed.ACCEPTED:
                state = LedgerState.ACCEPTED
            case Handed.REFUSED:
                state = LedgerState.REFUSED
            case Handed.BROKEN_IN_DATA:
                state = LedgerState.UNCERTAIN
            case Handed.DEFERRED:
                return self._deferred(row, answer)
            case Handed.BROKEN_BEFORE | Handed.SENDER_REFUSED:
                # Behind all who were not tried yet: one at whom the relay always breaks off must
                # not keep the others waiting.
                due = to_ms(self._delivery.clock())
                return Outcome(row.idx, LedgerState.PLANNED, row.attempts, answer.reply, due)
        return Outcome(row.idx, state, row.attempts + 1, answer.reply)

    def _deferred(self, row: Claimed, answer: Answer) -> Outcome:
        if row.attempts >= len(RETRIES):
            reply = f"given up after {row.attempts + 1} tries: {answer.reply}"
            return Outcome(row.idx, LedgerState.REFUSED, row.attempts + 1, reply)
        delay = timedelta(seconds=self._delivery.settings.smtp_retry_delay * RETRIES[row.attempts])
        due = to_ms(self._delivery.clock() + delay)
        return Outcome(row.idx, LedgerState.DEFERRED, row.attempts + 1, answer.reply, due)

    async def _broken(self, answer: Answer, mailbox: str) -> None:
        """End this line: the relay closed it, or refuses the sender altogether."""
        place = self._delivery.relay.place
        # What follows is logged, and a log holds no recipient's address.
        reply = re.sub(re.escape(mailbox), "(the recipient)", answer.reply, flags=re.IGNORECASE)
        if answer.handed is Handed.SENDER_REFUSED:
            raise SottovoceError(
                f"The mail relay {place} refuses the sender "
                f"{self._composer.envelope_from}: {reply}.",
                hint="Choose a sender that the relay takes, or allow it there.",
                code="smtp-sender-refused",
            )
        raise RelayDown(
            f"The mail relay {place} broke the connection off: {reply}.",
            hint="Its log says why; the job goes on by itself when it takes mail again.",
            code="smtp-broken-off",
        )
