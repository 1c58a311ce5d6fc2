"""Log-ins: limited by name before they are judged; tickets: hashed, expiring, revocable."""

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from sottovoce.contracts import Login
from sottovoce.errors import CallRefused
from sottovoce.hub import schema
from sottovoce.hub.service import (
    CHEAPEST,
    OWASP_MINIMUM,
    AccountName,
    AccountState,
    PasswordHasher,
    Right,
    Sessions,
)
from sottovoce.hub.service.sessions import (
    FREE_FAILURES,
    LOCK_FIRST,
    LOCK_LONGEST,
    TICKET_LIFETIME,
)
from sottovoce.ini import Secret

if TYPE_CHECKING:
    from tests.unit.hub.conftest import Hub

PASSWORD = "correct horse battery staple"
ANN, BOB = AccountName("ann"), AccountName("bob", "sales")


@pytest.fixture
async def staffed(hub: "Hub") -> "Hub":
    await hub.accounts.set_up(hub.code, "ann", Secret(PASSWORD))
    await hub.accounts.add(BOB, Secret(PASSWORD), [Right.REPORT, Right.DEFINE], actor="test")
    return hub


async def _refusal(hub: "Hub", account: str, password: str = "wrong", group: str = "") -> str:
    with pytest.raises(CallRefused) as caught:
        await hub.sessions.login(Login(account=account, password=password, group=group))
    return caught.value.code


async def _check_refusal(hub: "Hub", ticket: str) -> str:
    with pytest.raises(CallRefused) as caught:
        await hub.sessions.check(ticket)
    return caught.value.code


async def test_a_log_in_gives_a_ticket_with_the_rights(staffed: "Hub") -> None:
    ticket = await staffed.sessions.login(Login(account="BOB", group="Sales", password=PASSWORD))

    assert ticket.account == "sales/bob"
    assert ticket.rights == ("define", "report")
    assert ticket.expires == staffed.clock() + TICKET_LIFETIME
    assert await staffed.sessions.check(ticket.ticket) == ticket


async def test_every_ticket_is_another_and_none_stands_in_the_database(staffed: "Hub") -> None:
    login = Login(account="ann", password=PASSWORD)
    tickets = [(await staffed.sessions.login(login)).ticket for _ in range(3)]
    async with staffed.database.read() as connection:
        stored = (await connection.execute(sa.select(schema.ticket.c.hash))).scalars().all()

    assert len(set(tickets)) == 3
    assert min(len(ticket) for ticket in tickets) == 43, "32 bytes of base64url"
    assert len(stored) == 3
    assert not set(stored) & set(tickets)


@pytest.mark.parametrize(
    ("account", "password", "group"),
    [
        ("ann", "wrong", ""),
        ("ann", "", ""),
        ("ann", PASSWORD, "sales"),
        ("bob", PASSWORD, ""),
        ("nobody", PASSWORD, ""),
        ("a b", PASSWORD, ""),
        ("ann", "x" * 5000, ""),
        ("ann", "\ud800" * 20, ""),
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(
    staffed: "Hub", account: str, password: str, group: str
) -> None:
    with pytest.raises(CallRefused) as caught:
        await staffed.sessions.login(Login(account=account, password=password, group=group))

    assert caught.value.code == "login-bad"
    assert caught.value.message == "The name, the group or the password is wrong."


@pytest.mark.parametrize("name", ["ann", "nobody"])
async def test_failures_lock_a_name_whether_or_not_it_exists(staffed: "Hub", name: str) -> None:
    """A lock must not tell which accounts exist."""
    codes = [await _refusal(staffed, name) for _ in range(FREE_FAILURES + 1)]

    assert codes == ["login-bad"] * FREE_FAILURES + ["login-locked"]


async def test_a_lock_holds_against_the_right_password_and_names_its_end(staffed: "Hub") -> None:
    for _ in range(FREE_FAILURES):
        await _refusal(staffed, "ann")

    with pytest.raises(CallRefused, match="12:00:30 UTC") as caught:
        await staffed.sessions.login(Login(account="ann", password=PASSWORD))
    staffed.clock.advance(seconds=LOCK_FIRST.total_seconds() + 1)
    ticket = await staffed.sessions.login(Login(account="ann", password=PASSWORD))

    assert caught.value.code == "login-locked"
    assert ticket.account == "ann"


async def test_locks_double_up_to_the_longest(staffed: "Hub") -> None:
    locks = []
    for attempt in range(FREE_FAILURES + 7):
        await _refusal(staffed, "ann")
        async with staffed.database.read() as connection:
            query = sa.select(schema.login_failure.c.locked_until)
            until = (await connection.execute(query)).scalar_one()
        if attempt >= FREE_FAILURES - 1:
            locks.append(until - staffed.clock())
            staffed.clock.now = until

    assert locks[:3] == [LOCK_FIRST, 2 * LOCK_FIRST, 4 * LOCK_FIRST]
    assert locks[-2:] == [LOCK_LONGEST, LOCK_LONGEST]
    assert locks == sorted(locks)
    assert timedelta(days=1) / LOCK_LONGEST <= 100, "NIST SP 800-63B-4 §3.2.2"


async def test_a_good_log_in_forgets_the_failures(staffed: "Hub") -> None:
    for _ in range(3):
        for _ in range(FREE_FAILURES - 1):
            assert await _refusal(staffed, "ann") == "login-bad"
        await staffed.sessions.login(Login(account="ann", password=PASSWORD))


async def test_failures_are_forgotten_after_a_day(staffed: "Hub") -> None:
    for _ in range(FREE_FAILURES - 1):
        await _refusal(staffed, "ann")
    staffed.clock.advance(days=1, seconds=1)

    assert await _refusal(staffed, "ann") == "login-bad"
    async with staffed.database.read() as connection:
        query = sa.select(schema.login_failure.c.failed)
        assert (await connection.execute(query)).scalar_one() == 1


async def test_many_attempts_at_once_gain_nothing(staffed: "Hub") -> None:
    """An attempt is counted before it is judged."""
    codes = await asyncio.gather(*(_refusal(staffed, "ann") for _ in range(30)))

    assert codes.count("login-bad") == FREE_FAILURES
    assert codes.count("login-locked") == 30 - FREE_FAILURES


async def test_a_lock_is_audited_with_its_origin(staffed: "Hub") -> None:
    for _ in range(FREE_FAILURES):
        with pytest.raises(CallRefused):
            await staffed.sessions.login(Login(account="ann", password="no", origin="192.0.2.7"))
    async with staffed.database.read() as connection:
        query = sa.select(schema.audit.c.detail).where(schema.audit.c.verb == "login-locked")
        details = (await connection.execute(query)).scalars().all()

    assert details == ["failure 5 in a row, for 30 s, from '192.0.2.7'"]


@pytest.mark.parametrize("act", ["enable", "password"])
async def test_an_administrator_can_lift_a_lock(staffed: "Hub", act: str) -> None:
    for _ in range(FREE_FAILURES):
        await _refusal(staffed, "ann")
    locked = (await staffed.accounts.list_all())[0].locked_until
    if act == "enable":
        await staffed.accounts.set_state(ANN, AccountState.ENABLED, actor="test")
    else:
        await staffed.accounts.set_password(ANN, Secret(PASSWORD), actor="test")
    lifted = (await staffed.accounts.list_all())[0].locked_until

    assert locked == staffed.clock() + LOCK_FIRST
    assert lifted is None
    assert (await staffed.sessions.login(Login(account="ann", password=PASSWORD))).account == "ann"


async def test_that_an_account_is_disabled_is_told_only_with_its_password(staffed: "Hub") -> None:
    await staffed.accounts.set_state(BOB, AccountState.DISABLED, actor="test")

    assert await _refusal(staffed, "bob", "wrong", "sales") == "login-bad"
    assert await _refusal(staffed, "bob", PASSWORD, "sales") == "login-disabled"


@pytest.mark.parametrize("act", ["disable", "password", "logout", "expiry"])
async def test_a_session_ends(staffed: "Hub", act: str) -> None:
    login = Login(account="bob", group="sales", password=PASSWORD)
    ticket = (await staffed.sessions.login(login)).ticket
    match act:
        case "disable":
            await staffed.accounts.set_state(BOB, AccountState.DISABLED, actor="test")
        case "password":
            await staffed.accounts.set_password(BOB, Secret("another long one"), actor="test")
        case "logout":
            await staffed.sessions.logout(ticket)
        case _:
            staffed.clock.advance(seconds=TICKET_LIFETIME.total_seconds())

    assert await _check_refusal(staffed, ticket) == "ticket-bad"


async def test_changed_rights_hold_from_the_next_check_on(staffed: "Hub") -> None:
    login = Login(account="bob", group="sales", password=PASSWORD)
    ticket = (await staffed.sessions.login(login)).ticket
    await staffed.accounts.set_rights(BOB, [Right.LISTS], actor="test")

    assert (await staffed.sessions.check(ticket)).rights == ("lists",)


@pytest.mark.parametrize("ticket", ["", "x" * 43, "\ud800", "' OR 1=1 --"])
async def test_an_invented_ticket_is_refused(staffed: "Hub", ticket: str) -> None:
    assert await _check_refusal(staffed, ticket) == "ticket-bad"
    await staffed.sessions.logout(ticket)


async def test_a_log_in_renews_a_hash_of_an_older_preset(staffed: "Hub") -> None:
    stronger = Sessions(
        staffed.database,
        hasher=PasswordHasher(OWASP_MINIMUM, random=secrets.token_bytes),
        clock=staffed.clock,
        random=secrets.token_bytes,
    )
    await stronger.login(Login(account="ann", password=PASSWORD))
    async with staffed.database.read() as connection:
        query = sa.select(schema.account.c.password).where(schema.account.c.name == "ann")
        encoded = (await connection.execute(query)).scalar_one()

    assert encoded.startswith(OWASP_MINIMUM.prefix)
    assert (await staffed.sessions.login(Login(account="ann", password=PASSWORD))).account == "ann"


async def test_a_password_changed_while_the_old_one_is_checked_wins(staffed: "Hub") -> None:
    """Whoever knew the old one must not come out of the race with a session."""

    class Slow(PasswordHasher):
        async def matches(self, encoded: str | None, password: Secret) -> bool:
            right = await super().matches(encoded, password)
            await staffed.accounts.set_password(ANN, Secret("another long one"), actor="test")
            return right

    sessions = Sessions(
        staffed.database,
        hasher=Slow(CHEAPEST, random=secrets.token_bytes),
        clock=staffed.clock,
        random=secrets.token_bytes,
    )
    with pytest.raises(CallRefused) as caught:
        await sessions.login(Login(account="ann", password=PASSWORD))

    assert caught.value.code == "login-bad"


async def test_the_sweep_takes_what_is_over_and_nothing_else(staffed: "Hub") -> None:
    old = (await staffed.sessions.login(Login(account="ann", password=PASSWORD))).ticket
    await _refusal(staffed, "nobody")
    staffed.clock.advance(days=1, seconds=1)
    new = (await staffed.sessions.login(Login(account="ann", password=PASSWORD))).ticket
    await _refusal(staffed, "somebody")

    assert await staffed.sessions.purge() == 2
    assert await staffed.sessions.purge() == 0
    assert (await staffed.sessions.check(new)).account == "ann"
    assert await _check_refusal(staffed, old) == "ticket-bad"


async def test_passwords_and_tickets_do_not_show_in_what_is_printed(staffed: "Hub") -> None:
    """W20, for people's secrets."""
    login = Login(account="ann", password=PASSWORD)
    ticket = await staffed.sessions.login(login)

    assert PASSWORD not in repr(login)
    assert ticket.ticket not in repr(ticket)
