"""What a request on a tracking link means: whose job, what happened, whether it is recorded.

It decides on paths and facts; it knows no HTTP framework, and no recipient but by index. A path
that is not a valid link costs the same work as one that is, and leaves no trace (E3).
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from sottovoce.contracts import (
    JOB_REF_LENGTH,
    NEW_JOB_KEY_SIZE,
    EndMode,
    EventFacts,
    EventKind,
    LinkKind,
    TokenCodec,
    parse_path,
)
from sottovoce.trk.service.jobs import Job, JobTable
from sottovoce.trk.service.writer import EventWriter

__all__ = ["Hit", "Tracker"]

#: Seconds that a pixel or a redirect waits for its event to reach the disk (E5).
STORING_LIMIT = 0.05

_EVENT_OF = {LinkKind.OPEN: EventKind.OPEN.value, LinkKind.CLICK: EventKind.CLICK.value}


@dataclass(frozen=True, slots=True)
class Hit:
    """A request on a valid link.

    Args:
        kind: what the link is for.
        job: whose it is.
        recipient: index in the job.
        target: for a click, where to; empty otherwise.
        link: the link's number, for a click.
    """

    kind: LinkKind
    job: Job
    recipient: int
    target: str = ""
    link: int | None = None


class Tracker:
    """Resolves links and records what was done with them.

    Args:
        jobs: the jobs known.
        writer: takes the events.
        clock: milliseconds since 1970 UTC.
    """

    def __init__(self, jobs: JobTable, writer: EventWriter, clock: Callable[[], int]) -> None:
        self._jobs = jobs
        self._writer = writer
        self._clock = clock
        self._encode = msgspec.msgpack.Encoder().encode
        # Opened in place of the token of an unknown job or a strange path: the same work.
        self._decoy = TokenCodec(secrets.token_bytes(NEW_JOB_KEY_SIZE), "A" * JOB_REF_LENGTH)
        self._decoy_token = TokenCodec(
            secrets.token_bytes(NEW_JOB_KEY_SIZE), "A" * JOB_REF_LENGTH
        ).seal(LinkKind.CLICK, 0, 0, bytes(4))

    def resolve(self, path: str) -> Hit | None:
        """Return what *path* stands for, or None when it is not one of our links or is gone."""
        parsed = parse_path(path)
        if parsed is None:
            self._decoy.open(self._decoy_token)
            return None
        kind, job_ref, text = parsed
        job = self._jobs.get(job_ref)
        token = (job.codec if job is not None else self._decoy).open(text)
        if job is None or token is None or token.kind is not kind:
            return None
        if kind is not LinkKind.CLICK:
            return Hit(kind, job, token.recipient)
        if job.ended is EndMode.GONE or token.link >= len(job.links):
            return None
        return Hit(kind, job, token.recipient, job.links[token.link], token.link)

    async def note(self, hit: Hit, facts: EventFacts) -> None:
        """Record an open or a click, if this job and recipient are recorded.

        It is on the disk when this returns, unless the disk takes longer than ``STORING_LIMIT``
        (E5: a redirect does not wait longer) or refuses, which is counted as lost.
        """
        job = hit.job
        if not job.records_at(self._clock()):
            return
        if self._jobs.is_revoked(job.job_ref, hit.recipient):
            return
        recipient = hit.recipient if job.identify else None
        kept = self._encode(facts) if job.identify and job.keep_facts else self._bare(facts)
        stored = self._writer.add(_EVENT_OF[hit.kind], job.job_ref, recipient, hit.link, kept)
        if stored is not None:
            await asyncio.wait([stored], timeout=STORING_LIMIT)

    def _bare(self, facts: EventFacts) -> bytes | None:
        """Return what a job without facts keeps: nothing, or that no person asked (E5, E12)."""
        if facts.method == "GET" and not facts.prefetch:
            return None
        return self._encode(EventFacts(method=facts.method, prefetch=facts.prefetch))

    async def unsubscribe(self, hit: Hit, facts: EventFacts) -> None:
        """Record an unsubscribe; it is on the disk when this returns. Repeating is harmless.

        Raises:
            StoreError: it is not.
        """
        await self._writer.add_durably(
            EventKind.UNSUBSCRIBE.value, hit.job.job_ref, hit.recipient, self._kept(hit, facts)
        )

    async def choose(self, hit: Hit, facts: EventFacts, *, allow: bool) -> None:
        """Record a tracking choice; a refusal holds for this job at once.

        Raises:
            StoreError: it is not on the disk; a refusal holds until a restart all the same.
        """
        if not allow:
            self._jobs.withdraw(hit.job.job_ref, hit.recipient)
        kind = EventKind.CONSENT_ON if allow else EventKind.CONSENT_OFF
        await self._writer.add_durably(
            kind.value, hit.job.job_ref, hit.recipient, self._kept(hit, facts)
        )

    def _kept(self, hit: Hit, facts: EventFacts) -> bytes:
        """Return the facts as stored: without a trace of the browser where the job keeps none."""
        if not (hit.job.identify and hit.job.keep_facts):
            facts = EventFacts(method=facts.method, one_click=facts.one_click)
        return self._encode(facts)
