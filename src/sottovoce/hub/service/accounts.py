"""Accounts: made, changed and listed; every change leaves an audit row in the same transaction.

Who may call this is for the caller to know: the command line trusts whoever owns the files, a page
checks rights first. Sessions are the business of ``sessions``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.errors import AccountRefused
from sottovoce.hub import schema
from sottovoce.hub.service import audit
from sottovoce.hub.service.names import AccountName, parse_name
from sottovoce.hub.service.passwords import PasswordHasher, check_new_password
from sottovoce.hub.service.rights import AccountState, Right
from sottovoce.hub.service.setup_code import canonical_code, code_hash
from sottovoce.ini import Secret
from sottovoce.net.clock import Clock
from sottovoce.store import Database

__all__ = ["AccountFacts", "Accounts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """An account as an administrator sees it."""

    name: AccountName
    state: AccountState
    rights: frozenset[Right]
    created: datetime
    locked_until: datetime | None


class Accounts:
    """The accounts of an installation.

    Args:
        database: HUB's.
        hasher: for passwords.
        clock: UTC.
    """

    def __init__(self, database: Database, *, hasher: PasswordHasher, clock: Clock) -> None:
        self._database = database
        self._hasher = hasher
        self._clock = clock

    async def needs_set_up(self) -> bool:
        """Say whether the set-up code is still to be used."""
        unused = sa.select(schema.set_up_code).where(schema.set_up_code.c.used.is_(None))
        async with self._database.read() as connection:
            return (await connection.execute(unused)).first() is not None

    async def set_up(self, code: Secret, name: str, password: Secret) -> AccountName:
        """Make the first account, with every right, for whoever shows the set-up code.

        The code works once. It is checked before the password is hashed and used up in the
        transaction that makes the account.

        Raises:
            AccountRefused: ``set-up-done``, ``set-up-code-bad``, or a bad name or password.
        """
        who = parse_name(name)
        check_new_password(password, account=who.name)
        async with self._database.read() as connection:
            await _check_code(connection, code)
        encoded = await self._hasher.hash(password)
        now = self._clock()
        async with self._database.write() as connection:
            hashed = await _check_code(connection, code)
            await connection.execute(
                sa.update(schema.set_up_code)
                .where(schema.set_up_code.c.hash == hashed)
                .values(used=now)
            )
            await self._insert(connection, who, encoded, frozenset(Right), now)
            await self._record(connection, "set-up-code", now, "set-up", who, _names(Right))
        return who

    async def add(
        self, who: AccountName, password: Secret, rights: Iterable[Right], *, actor: str
    ) -> None:
        """Make an account, and its group when it is new.

        Raises:
            AccountRefused: ``account-taken``, or a bad password.
        """
        check_new_password(password, account=who.name)
        encoded = await self._hasher.hash(password)
        now, granted = self._clock(), frozenset(rights)
        async with self._database.write() as connection:
            await self._insert(connection, who, encoded, granted, now)
            await self._record(connection, actor, now, "account-added", who, _names(granted))

    async def list_all(self) -> tuple[AccountFacts, ...]:
        """Return every account, by group and name."""
        table, failures, now = schema.account, schema.login_failure, self._clock()
        join = table.outerjoin(
            failures, (failures.c.grp == table.c.grp) & (failures.c.name == table.c.name)
        )
        query = (
            sa.select(table, failures.c.locked_until)
            .select_from(join)
            .order_by(table.c.grp, table.c.name)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
            rights = await _all_rights(connection)
        return tuple(
            AccountFacts(
                name=AccountName(row.name, row.grp),
                state=AccountState(row.state),
                rights=rights.get(row.id, frozenset()),
                created=row.created,
                locked_until=_still(row.locked_until, now),
            )
            for row in rows
        )

    async def set_state(self, who: AccountName, state: AccountState, *, actor: str) -> None:
        """Enable or disable an account.

        Disabling ends its sessions; enabling forgets its failed log-ins.

        Raises:
            AccountRefused: ``account-missing``, or ``account-last-admin``.
        """
        now = self._clock()
        async with self._database.write() as connection:
            number = await _find(connection, who)
            await _change(connection, number, now, state=state.value)
            if state is AccountState.DISABLED:
                await _keep_an_admin(connection)
                await _end_sessions(connection, number)
            else:
                await _forget_failures(connection, who)
            await self._record(connection, actor, now, f"account-{state.value}", who)

    async def set_password(self, who: AccountName, password: Secret, *, actor: str) -> None:
        """Give an account a new password, end its sessions and forget its failed log-ins.

        Raises:
            AccountRefused: ``account-missing``, or a bad password.
        """
        check_new_password(password, account=who.name)
        encoded = await self._hasher.hash(password)
        now = self._clock()
        async with self._database.write() as connection:
            number = await _find(connection, who)
            await _change(connection, number, now, password=encoded)
            await _end_sessions(connection, number)
            await _forget_failures(connection, who)
            await self._record(connection, actor, now, "password-changed", who)

    async def set_rights(self, who: AccountName, rights: Iterable[Right], *, actor: str) -> None:
        """Replace an account's rights; its sessions have them from the next check on.

        Raises:
            AccountRefused: ``account-missing``, or ``account-last-admin``.
        """
        now, granted = self._clock(), frozenset(rights)
        async with self._database.write() as connection:
            number = await _find(connection, who)
            before = (await _all_rights(connection)).get(number, frozenset())
            await _replace_rights(connection, number, granted)
            await _change(connection, number, now)
            await _keep_an_admin(connection)
            detail = f"{_names(before)} -> {_names(granted)}"
            await self._record(connection, actor, now, "rights-changed", who, detail)

    async def _insert(
        self,
        connection: AsyncConnection,
        who: AccountName,
        encoded: str,
        rights: frozenset[Right],
        now: datetime,
    ) -> None:
        await connection.execute(
            sa.insert(schema.group).prefix_with("OR IGNORE").values(name=who.group, created=now)
        )
        table = schema.account
        taken = sa.select(table.c.id).where(table.c.grp == who.group, table.c.name == who.name)
        if (await connection.execute(taken)).first() is not None:
            raise AccountRefused(
                f"There is an account {who} already.",
                hint="Choose another name, or give that account a new password.",
                code="account-taken",
            )
        result = await connection.execute(
            sa.insert(table)
            .values(
                grp=who.group,
                name=who.name,
                password=encoded,
                state=AccountState.ENABLED.value,
                created=now,
                changed=now,
            )
            .returning(table.c.id)
        )
        await _replace_rights(connection, result.scalar_one(), rights)

    async def _record(
        self,
        connection: AsyncConnection,
        actor: str,
        now: datetime,
        verb: str,
        who: AccountName,
        detail: str = "",
    ) -> None:
        act = audit.Act(at=now, actor=actor, verb=verb, subject=f"account {who}", detail=detail)
        await audit.record(connection, act)


async def _check_code(connection: AsyncConnection, typed: Secret) -> str:
    """Return the stored hash of the code that *typed* is, when it is unused."""
    table = schema.set_up_code
    rows = (await connection.execute(sa.select(table))).all()
    if rows and all(row.used is not None for row in rows):
        raise AccountRefused(
            "This installation is set up already; its set-up code was used "
            f"{max(row.used for row in rows):%Y-%m-%d %H:%M} UTC.",
            hint="Log in, or use 'sottovoce account add' on HUB's server.",
            code="set-up-done",
        )
    canonical = canonical_code(typed)
    if canonical is None:
        raise AccountRefused(
            "That is no set-up code: it has five groups of four letters and digits.",
            hint="Type the code that 'sottovoce init' printed.",
            code="set-up-code-bad",
        )
    hashed = code_hash(canonical)
    if hashed not in {row.hash for row in rows if row.used is None}:
        raise AccountRefused(
            "That is not the set-up code of this installation.",
            hint="Type the code that 'sottovoce init' printed for this home.",
            code="set-up-code-bad",
        )
    return hashed


async def _find(connection: AsyncConnection, who: AccountName) -> int:
    table = schema.account
    query = sa.select(table.c.id).where(table.c.grp == who.group, table.c.name == who.name)
    number = (await connection.execute(query)).scalar_one_or_none()
    if number is None:
        raise AccountRefused(
            f"There is no account {who}.",
            hint="'sottovoce account list' names them.",
            code="account-missing",
        )
    return int(number)


async def _change(connection: AsyncConnection, number: int, now: datetime, **values: str) -> None:
    table = schema.account
    await connection.execute(
        sa.update(table).where(table.c.id == number).values(changed=now, **values)
    )


async def _replace_rights(
    connection: AsyncConnection, number: int, rights: frozenset[Right]
) -> None:
    table = schema.account_right
    await connection.execute(sa.delete(table).where(table.c.account_id == number))
    if rights:
        rows = [{"account_id": number, "name": right.value} for right in sorted(rights)]
        await connection.execute(sa.insert(table), rows)


async def _all_rights(connection: AsyncConnection) -> dict[int, frozenset[Right]]:
    gathered: dict[int, set[Right]] = {}
    for row in (await connection.execute(sa.select(schema.account_right))).all():
        gathered.setdefault(row.account_id, set()).add(Right(row.name))
    return {number: frozenset(rights) for number, rights in gathered.items()}


async def _keep_an_admin(connection: AsyncConnection) -> None:
    """Refuse a change after which nobody could manage the accounts."""
    table, rights = schema.account, schema.account_right
    query = (
        sa.select(table.c.id)
        .join(rights, rights.c.account_id == table.c.id)
        .where(rights.c.name == Right.ADMIN.value, table.c.state == AccountState.ENABLED.value)
        .limit(1)
    )
    if (await connection.execute(query)).first() is None:
        raise AccountRefused(
            "After this no enabled account would have the right 'admin'.",
            hint="Give that right to another account first.",
            code="account-last-admin",
        )


async def _end_sessions(connection: AsyncConnection, number: int) -> None:
    await connection.execute(sa.delete(schema.ticket).where(schema.ticket.c.account_id == number))


async def _forget_failures(connection: AsyncConnection, who: AccountName) -> None:
    table = schema.login_failure
    await connection.execute(
        sa.delete(table).where(table.c.grp == who.group, table.c.name == who.name)
    )


def _still(locked_until: datetime | None, now: datetime) -> datetime | None:
    return locked_until if locked_until is not None and locked_until > now else None


def _names(rights: Iterable[Right]) -> str:
    return ",".join(sorted(rights)) or "none"
