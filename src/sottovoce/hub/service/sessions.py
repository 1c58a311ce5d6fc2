"""Log-ins and the tickets that they give: checked, limited, expiring; stored as hashes only."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import Login, Ticket
from sottovoce.errors import AccountRefused, CallRefused
from sottovoce.hub import schema
from sottovoce.hub.service import audit
from sottovoce.hub.service.names import AccountName, parse_name
from sottovoce.hub.service.passwords import PASSWORD_LONGEST, PasswordHasher
from sottovoce.hub.service.rights import AccountState
from sottovoce.ini import Secret
from sottovoce.net.clock import Clock
from sottovoce.store import Database

__all__ = [
    "FAILURES_FORGOTTEN",
    "FREE_FAILURES",
    "LOCK_FIRST",
    "LOCK_LONGEST",
    "TICKET_LIFETIME",
    "Sessions",
]

#: A working day; OWASP Session Management: absolute time-out of 4 to 8 hours for office work.
TICKET_LIFETIME = timedelta(hours=8)
TICKET_BYTES = 32

#: Failures in a row before a name is locked; then each further one doubles the lock. With the
#: longest lock a guesser has fewer than 100 tries a day (NIST SP 800-63B-4 §3.2.2: at most 100).
FREE_FAILURES = 5
LOCK_FIRST = timedelta(seconds=30)
LOCK_LONGEST = timedelta(minutes=15)
FAILURES_FORGOTTEN = timedelta(days=1)

_BAD = "The name, the group or the password is wrong."


@dataclass(frozen=True, slots=True)
class _Stored:
    """An account as a log-in needs it."""

    number: int
    password: str
    state: AccountState


class Sessions:
    """Log-ins and tickets.

    Args:
        database: HUB's.
        hasher: for passwords.
        clock: UTC.
        random: gives that many random bytes.
    """

    def __init__(
        self,
        database: Database,
        *,
        hasher: PasswordHasher,
        clock: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._clock = clock
        self._random = random

    async def login(self, request: Login) -> Ticket:
        """Give a ticket for a name and its password.

        An attempt is counted *before* it is judged, so that many at once gain nothing, and by name
        whether or not an account has it, so that a lock tells nobody which names exist. That an
        account is disabled is told only to who knows its password.

        Raises:
            CallRefused: ``login-bad``, ``login-locked`` or ``login-disabled``.
        """
        try:
            who = parse_name(request.account, request.group)
        except AccountRefused:
            raise CallRefused("login-bad", _BAD) from None
        if len(request.password.encode("utf-8", "surrogatepass")) > PASSWORD_LONGEST:
            raise CallRefused("login-bad", _BAD)
        password = Secret(request.password)
        async with self._database.write() as connection:
            failed = await self._count_attempt(connection, who)
            stored = await _stored(connection, who)
        if not await self._hasher.matches(stored.password if stored else None, password):
            await self._note_lock(who, failed, request.origin)
            raise CallRefused("login-bad", _BAD)
        assert stored is not None, "nothing matches an account that does not exist"
        renewed = await self._renewed(stored.password, password)
        async with self._database.write() as connection:
            return await self._admit(connection, who, stored, renewed, request.origin)

    async def check(self, ticket: str) -> Ticket:
        """Say whose *ticket* is and what it allows now.

        Raises:
            CallRefused: ``ticket-bad``: unknown, expired, given back, or its account disabled.
        """
        tickets, accounts = schema.ticket, schema.account
        query = (
            sa.select(accounts.c.id, accounts.c.grp, accounts.c.name, tickets.c.expires)
            .join(accounts, accounts.c.id == tickets.c.account_id)
            .where(
                tickets.c.hash == _hash(ticket),
                tickets.c.expires > self._clock(),
                accounts.c.state == AccountState.ENABLED.value,
            )
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
            if row is None:
                raise CallRefused(
                    "ticket-bad", "The session is unknown or has ended. Log in again."
                )
            rights = await _rights(connection, row.id)
        name = str(AccountName(row.name, row.grp))
        return Ticket(ticket=ticket, account=name, rights=rights, expires=row.expires)

    async def logout(self, ticket: str) -> None:
        """Give *ticket* back; an unknown one is no error."""
        async with self._database.write() as connection:
            await connection.execute(
                sa.delete(schema.ticket).where(schema.ticket.c.hash == _hash(ticket))
            )

    async def purge(self) -> int:
        """Delete expired tickets and forgotten failures; return how many rows went."""
        now = self._clock()
        failures = schema.login_failure
        async with self._database.write() as connection:
            old = await connection.execute(
                sa.delete(schema.ticket).where(schema.ticket.c.expires <= now)
            )
            stale = await connection.execute(
                sa.delete(failures).where(failures.c.last <= now - FAILURES_FORGOTTEN)
            )
        return old.rowcount + stale.rowcount

    async def _count_attempt(self, connection: AsyncConnection, who: AccountName) -> int:
        """Count one more failure in a row, until it turns out to be none; return how many."""
        now, table = self._clock(), schema.login_failure
        row = (
            await connection.execute(
                sa.select(table).where(table.c.grp == who.group, table.c.name == who.name)
            )
        ).first()
        if row is not None and row.locked_until is not None and row.locked_until > now:
            raise CallRefused(
                "login-locked",
                "Too many failed log-ins under this name. Try again after "
                f"{row.locked_until:%H:%M:%S} UTC.",
            )
        remembered = row is not None and row.last > now - FAILURES_FORGOTTEN
        failed = (row.failed if row is not None and remembered else 0) + 1
        lock = _lock_after(failed)
        values = {
            "grp": who.group,
            "name": who.name,
            "failed": failed,
            "last": now,
            "locked_until": now + lock if lock else None,
        }
        await connection.execute(sa.insert(table).prefix_with("OR REPLACE").values(values))
        return failed

    async def _note_lock(self, who: AccountName, failed: int, origin: str) -> None:
        lock = _lock_after(failed)
        if lock is None:
            return
        detail = f"failure {failed} in a row, for {lock.total_seconds():.0f} s, from {origin!r}"
        act = audit.Act(
            at=self._clock(),
            actor="HUB",
            verb="login-locked",
            subject=f"account {who}",
            detail=detail,
        )
        async with self._database.write() as connection:
            await audit.record(connection, act)

    async def _renewed(self, encoded: str, password: Secret) -> str:
        """Return a hash with today's parameters: the stored one when it has them."""
        if self._hasher.is_current(encoded):
            return encoded
        return await self._hasher.hash(password)

    async def _admit(
        self,
        connection: AsyncConnection,
        who: AccountName,
        stored: _Stored,
        renewed: str,
        origin: str,
    ) -> Ticket:
        now, failures = self._clock(), schema.login_failure
        await connection.execute(
            sa.delete(failures).where(failures.c.grp == who.group, failures.c.name == who.name)
        )
        current = await _stored(connection, who)
        if current is None or current.password != stored.password:
            raise CallRefused("login-bad", _BAD)  # changed while the old one was being checked
        if current.state is AccountState.DISABLED:
            raise CallRefused(
                "login-disabled", f"The account {who} is disabled. Ask an administrator."
            )
        if renewed != stored.password:
            await connection.execute(
                sa.update(schema.account)
                .where(schema.account.c.id == stored.number)
                .values(password=renewed)
            )
        ticket = base64.urlsafe_b64encode(self._random(TICKET_BYTES)).rstrip(b"=").decode()
        await connection.execute(
            sa.insert(schema.ticket).values(
                hash=_hash(ticket),
                account_id=stored.number,
                issued=now,
                expires=now + TICKET_LIFETIME,
            )
        )
        act = audit.Act(
            at=now,
            actor=f"account {who}",
            verb="login",
            subject=f"account {who}",
            detail=f"from {origin!r}" if origin else "",
        )
        await audit.record(connection, act)
        return Ticket(
            ticket=ticket,
            account=str(who),
            rights=await _rights(connection, stored.number),
            expires=now + TICKET_LIFETIME,
        )


def _lock_after(failed: int) -> timedelta | None:
    """Return how long a name is locked after *failed* failures in a row."""
    if failed < FREE_FAILURES:
        return None
    doublings = min(failed - FREE_FAILURES, 10)
    return min(LOCK_LONGEST, LOCK_FIRST * (1 << doublings))


async def _stored(connection: AsyncConnection, who: AccountName) -> _Stored | None:
    table = schema.account
    query = sa.select(table).where(table.c.grp == who.group, table.c.name == who.name)
    row = (await connection.execute(query)).first()
    return None if row is None else _Stored(row.id, row.password, AccountState(row.state))


async def _rights(connection: AsyncConnection, number: int) -> tuple[str, ...]:
    table = schema.account_right
    query = sa.select(table.c.name).where(table.c.account_id == number).order_by(table.c.name)
    return tuple((await connection.execute(query)).scalars().all())


def _hash(ticket: str) -> str:
    """Return what is stored of a ticket: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).hexdigest()
