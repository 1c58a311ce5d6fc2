"""Invitations: who may join, until when, and what came of it.

An invitation is for one server's names and components, is good once and for a short time, and only
a hash of its secret is kept. It is used up in the very transaction in which the certificate is
issued, so that of two who show it at once one is refused. The key that used it may fetch the same
certificate again while the invitation lasts: an answer that was lost is not a server that is lost.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from cryptography import x509
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import SECRET_SIZE, secret_hash
from sottovoce.errors import Fault, SettingsError
from sottovoce.hub import schema
from sottovoce.hub.service import audit
from sottovoce.net.clock import Clock
from sottovoce.pki import dump_certificates, load_certificates
from sottovoce.policy import Component
from sottovoce.store import Database

__all__ = [
    "LATECOMERS",
    "InvitationFacts",
    "InvitationState",
    "Invitations",
    "Invited",
    "Redemption",
]

#: How long after an invitation's end HUB still listens to who shows it, to say that it has ended.
LATECOMERS = timedelta(hours=1)

#: Issues a certificate: the chain, leaf first. Nothing is used up when it raises.
Issue = Callable[[], Awaitable[tuple[x509.Certificate, ...]]]


class InvitationState(StrEnum):
    """What an invitation is worth."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationFacts:
    """One invitation as HUB keeps it; nobody could join by what stands here.

    Args:
        id: a number for people.
        names: for the certificate; the first is the server's.
        components: that may run there.
        created, created_by: when and by whom it was made.
        expires: its end, UTC.
        withdrawn, used: when; None for not.
        key: SHA-256 of the public key that used it.
        address: from where it was used.
    """

    id: int
    names: tuple[str, ...]
    components: tuple[Component, ...]
    created: datetime
    created_by: str
    expires: datetime
    withdrawn: datetime | None = None
    used: datetime | None = None
    key: str = ""
    address: str = ""

    @property
    def name(self) -> str:
        """The server's name."""
        return self.names[0]

    def state(self, now: datetime) -> InvitationState:
        """Return what it is worth at *now*."""
        if self.used is not None:
            return InvitationState.USED
        if self.withdrawn is not None:
            return InvitationState.WITHDRAWN
        return InvitationState.EXPIRED if now >= self.expires else InvitationState.OPEN

    def refusal(self, key: str, now: datetime) -> Fault | None:
        """Return why the bearer of *key* gets nothing for it, or None.

        Args:
            key: SHA-256 of its public key.
            now: UTC.
        """
        state = self.state(now)
        if state is InvitationState.USED and (key != self.key or now >= self.expires):
            assert self.used is not None
            return Fault(
                code="join-code-used",
                why=f"The invitation of {self.name} was used already, by another key, from "
                f"{self.address}.",
                expected="an invitation that nobody has used",
                presented=f"one that was used at {self.used:%Y-%m-%d %H:%M:%S} UTC",
                hint="Make a new one on HUB: sottovoce invite. If it was not you who used it, "
                "revoke that certificate: sottovoce ca revoke.",
            )
        if state is InvitationState.WITHDRAWN:
            assert self.withdrawn is not None
            return Fault(
                code="join-code-withdrawn",
                why=f"The invitation of {self.name} was withdrawn, or replaced by a newer one.",
                presented=f"one that was withdrawn at {self.withdrawn:%Y-%m-%d %H:%M:%S} UTC",
                hint="Use the newest one, or make one on HUB: sottovoce invite.",
            )
        if state is InvitationState.EXPIRED:
            return Fault(
                code="join-code-expired",
                why=f"The invitation of {self.name} has ended.",
                expected=f"one used before {self.expires:%Y-%m-%d %H:%M:%S} UTC",
                presented=f"{now:%Y-%m-%d %H:%M:%S} UTC",
                hint="Make a new one on HUB: sottovoce invite.",
            )
        return None


@dataclass(frozen=True, slots=True)
class Invited:
    """A new invitation; its secret is shown once and kept nowhere.

    Args:
        facts: what is kept.
        secret: what the code carries.
        replaced: how many open ones for the same server it takes the place of.
    """

    facts: InvitationFacts
    secret: bytes
    replaced: int

    def __repr__(self) -> str:
        return f"Invited(facts={self.facts!r}, secret='•••')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """Who shows an invitation.

    Args:
        secret: as shown.
        key: SHA-256 of its public key, which it has proved.
        address: ``host:port``.
        issue: makes the certificate.
    """

    secret: bytes
    key: str
    address: str
    issue: Issue


class Invitations:
    """Makes invitations, lists them, takes them back, and lets each be used once.

    Args:
        database: HUB's.
        clock: UTC.
        random: gives that many random bytes.
    """

    def __init__(self, database: Database, *, clock: Clock, random: Callable[[int], bytes]) -> None:
        self._database = database
        self._clock = clock
        self._random = random

    async def make(
        self,
        names: Sequence[str],
        components: Sequence[Component],
        *,
        valid: timedelta,
        actor: str,
    ) -> Invited:
        """Invite a server; an open invitation for the same one ends.

        Args:
            names: for its certificate; the first is the server's.
            components: that are to run there.
            valid: from now on.
            actor: who invites, for the audit trail.
        """
        now, table = self._clock(), schema.invitation
        secret = self._random(SECRET_SIZE)
        values = {
            "hash": secret_hash(secret),
            "names": json.dumps(list(names)),
            "components": ",".join(components),
            "created": now,
            "created_by": actor,
            "expires": now + valid,
        }
        async with self._database.write() as connection:
            replaced = await self._end(connection, names[0], now)
            result = await connection.execute(sa.insert(table).values(values))
            (number,) = result.inserted_primary_key or (0,)
            act = audit.Act(
                at=now,
                actor=actor,
                verb="server-invited",
                subject=names[0],
                detail=f"{', '.join(names)} as {_labels(components)} until "
                f"{now + valid:%Y-%m-%d %H:%M:%S} UTC",
            )
            await audit.record(connection, act)
            facts = await self._one(connection, table.c.id == number)
        assert facts is not None, "it was stored just now"
        return Invited(facts, secret, replaced)

    async def withdraw(self, name: str, *, actor: str) -> InvitationFacts:
        """Take back the open invitation of the server *name*.

        Raises:
            SettingsError: ``invitation-missing``: there is none.
        """
        now = self._clock()
        for facts in await self.list_all():
            if facts.name == name and facts.state(now) is InvitationState.OPEN:
                break
        else:
            raise SettingsError([_missing(name)])
        async with self._database.write() as connection:
            await self._end(connection, name, now)
            act = audit.Act(at=now, actor=actor, verb="invitation-withdrawn", subject=name)
            await audit.record(connection, act)
        return facts

    async def list_all(self) -> tuple[InvitationFacts, ...]:
        """Return every invitation that was ever made, the newest first."""
        table = schema.invitation
        async with self._database.read() as connection:
            rows = (await connection.execute(sa.select(table).order_by(table.c.id.desc()))).all()
        return tuple(map(_facts, rows))

    async def anybody_expected(self) -> bool:
        """Whether somebody may show an invitation now, be it too late by a little."""
        table, now = schema.invitation, self._clock()
        query = sa.select(table.c.id).where(table.c.expires > now - LATECOMERS).limit(1)
        async with self._database.read() as connection:
            return (await connection.execute(query)).first() is not None

    async def find(self, secret: bytes) -> InvitationFacts | None:
        """Return the invitation with that secret."""
        async with self._database.read() as connection:
            return await self._one(connection, schema.invitation.c.hash == secret_hash(secret))

    async def redeem(self, shown: Redemption) -> tuple[x509.Certificate, ...] | Fault:
        """Have the certificate issued and the invitation used up, both or neither.

        Returns:
            The chain, leaf first, the same for the same key; or why not.

        Raises:
            SottovoceError: what *issue* raised; the invitation is as good as before.
        """
        table, now = schema.invitation, self._clock()
        place = table.c.hash == secret_hash(shown.secret)
        async with self._database.write() as connection:
            row = (await connection.execute(sa.select(table).where(place))).first()
            if row is None:
                return unknown()
            facts = _facts(row)
            if (refusal := facts.refusal(shown.key, now)) is not None:
                return refusal
            if row.chain is not None:
                return tuple(load_certificates(row.chain.encode(), source="the stored chain"))
            chain = await shown.issue()
            values = {
                "used": now,
                "key": shown.key,
                "address": shown.address,
                "chain": dump_certificates(list(chain)).decode("ascii"),
            }
            await connection.execute(sa.update(table).where(place).values(values))
            act = audit.Act(
                at=now,
                actor=f"invitation by {facts.created_by}",
                verb="server-joined",
                subject=facts.name,
                detail=f"as {_labels(facts.components)} from {shown.address}, serial "
                f"{chain[0].serial_number:x}, key {shown.key}",
            )
            await audit.record(connection, act)
        return chain

    @staticmethod
    async def _one(
        connection: AsyncConnection, place: sa.ColumnElement[bool]
    ) -> InvitationFacts | None:
        row = (await connection.execute(sa.select(schema.invitation).where(place))).first()
        return _facts(row) if row is not None else None

    @staticmethod
    async def _end(connection: AsyncConnection, name: str, now: datetime) -> int:
        """End the open invitations for a server; return how many there were."""
        table = schema.invitation
        unused = table.c.used.is_(None) & table.c.withdrawn.is_(None) & (table.c.expires > now)
        rows = (await connection.execute(sa.select(table).where(unused))).all()
        ended = [row.id for row in rows if _facts(row).name == name]
        if ended:
            change = sa.update(table).where(table.c.id.in_(ended)).values(withdrawn=now)
            await connection.execute(change)
        return len(ended)


def unknown() -> Fault:
    """Return the fault of a secret that belongs to no invitation."""
    return Fault(
        code="join-code-unknown",
        why="The code is of no invitation that was made here.",
        expected="a code that this HUB has printed",
        hint="Make one on HUB: sottovoce invite.",
    )


def _facts(row: "sa.Row[tuple[object, ...]]") -> InvitationFacts:
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's documented accessor
    return InvitationFacts(
        id=fields["id"],
        names=tuple(json.loads(fields["names"])),
        components=tuple(Component(name) for name in fields["components"].split(",")),
        created=fields["created"],
        created_by=fields["created_by"],
        expires=fields["expires"],
        withdrawn=fields["withdrawn"],
        used=fields["used"],
        key=fields["key"] or "",
        address=fields["address"] or "",
    )


def _labels(components: Sequence[Component]) -> str:
    return ", ".join(component.label for component in components)


def _missing(name: str) -> Fault:
    return Fault(
        code="invitation-missing",
        why=f"There is no open invitation for {name}.",
        presented=name,
        hint="See which there are: sottovoce invite --list.",
    )
