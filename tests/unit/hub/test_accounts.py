"""Accounts: set up once, changed with an audit row each, never without an administrator."""

import asyncio
import secrets
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from sottovoce.contracts import Login
from sottovoce.errors import AccountRefused, CallRefused
from sottovoce.hub import new_set_up_code, schema
from sottovoce.hub.service import AccountName, AccountState, Right, audit, parse_name, parse_rights
from sottovoce.ini import Secret

if TYPE_CHECKING:
    from tests.unit.hub.conftest import Hub

PASSWORD = Secret("correct horse battery staple")
ANN, BOB = AccountName("ann"), AccountName("bob", "sales")


async def _audited(hub: "Hub") -> list[tuple[str, str, str]]:
    table = schema.audit
    async with hub.database.read() as connection:
        query = sa.select(table.c.actor, table.c.verb, table.c.subject).order_by(table.c.seq)
        return [tuple(row) for row in (await connection.execute(query)).all()]


async def test_the_first_account_has_every_right(hub: "Hub") -> None:
    """No default password (SPEC, facts of HUB): the set-up code makes the first account."""
    who = await hub.accounts.set_up(hub.code, "Ann", PASSWORD)
    (facts,) = await hub.accounts.list_all()

    assert who == ANN
    assert facts.name == ANN
    assert facts.rights == frozenset(Right)
    assert facts.state is AccountState.ENABLED
    assert facts.created == hub.clock()


async def test_a_new_installation_has_no_account_and_no_password_opens_it(hub: "Hub") -> None:
    assert await hub.accounts.list_all() == ()
    with pytest.raises(CallRefused) as caught:
        await hub.sessions.login(Login(account="admin", password="admin"))
    assert caught.value.code == "login-bad"


async def test_the_set_up_code_works_once(hub: "Hub") -> None:
    await hub.accounts.set_up(hub.code, "ann", PASSWORD)

    with pytest.raises(AccountRefused) as caught:
        await hub.accounts.set_up(hub.code, "eve", PASSWORD)

    assert caught.value.code == "set-up-done"
    assert "2026-11-23 12:00 UTC" in caught.value.message
    assert [facts.name for facts in await hub.accounts.list_all()] == [ANN]


async def test_of_two_who_show_the_code_at_once_one_is_served(hub: "Hub") -> None:
    results = await asyncio.gather(
        hub.accounts.set_up(hub.code, "ann", PASSWORD),
        hub.accounts.set_up(hub.code, "eve", PASSWORD),
        return_exceptions=True,
    )

    assert sorted(type(result).__name__ for result in results) == ["AccountName", "AccountRefused"]
    assert len(await hub.accounts.list_all()) == 1


@pytest.mark.parametrize("typed", ["", "nonsense", None])
async def test_a_wrong_code_makes_nothing_and_stays_usable(hub: "Hub", typed: str | None) -> None:
    wrong = Secret(typed) if typed is not None else new_set_up_code(secrets.token_bytes)

    with pytest.raises(AccountRefused) as caught:
        await hub.accounts.set_up(wrong, "eve", PASSWORD)

    assert caught.value.code == "set-up-code-bad"
    assert "sottovoce init" in caught.value.hint
    assert await hub.accounts.set_up(hub.code, "ann", PASSWORD) == ANN


async def test_a_weak_password_does_not_use_the_code_up(hub: "Hub") -> None:
    with pytest.raises(AccountRefused, match="at least 15"):
        await hub.accounts.set_up(hub.code, "ann", Secret("admin"))

    assert await hub.accounts.set_up(hub.code, "ann", PASSWORD) == ANN


async def test_neither_code_nor_password_stands_in_the_database(hub: "Hub") -> None:
    await hub.accounts.set_up(hub.code, "ann", PASSWORD)
    async with hub.database.write():
        pass
    content = b"".join(
        path.read_bytes() for path in hub.database.path.parent.iterdir() if path.is_file()
    )

    assert PASSWORD.reveal().encode() not in content
    assert hub.code.reveal().encode() not in content
    assert hub.code.reveal().replace("-", "").encode() not in content


async def test_every_change_leaves_an_audit_row_with_who_did_it(hub: "Hub") -> None:
    await hub.accounts.set_up(hub.code, "ann", PASSWORD)
    await hub.accounts.add(BOB, PASSWORD, [Right.REPORT], actor="account ann")
    await hub.accounts.set_rights(BOB, [Right.REPORT, Right.DEFINE], actor="account ann")
    await hub.accounts.set_password(BOB, Secret("another long password"), actor="account ann")
    await hub.accounts.set_state(BOB, AccountState.DISABLED, actor="account ann")
    await hub.accounts.set_state(BOB, AccountState.ENABLED, actor="account ann")

    assert await _audited(hub) == [
        ("set-up-code", "set-up", "account ann"),
        ("account ann", "account-added", "account sales/bob"),
        ("account ann", "rights-changed", "account sales/bob"),
        ("account ann", "password-changed", "account sales/bob"),
        ("account ann", "account-disabled", "account sales/bob"),
        ("account ann", "account-enabled", "account sales/bob"),
    ]
    async with hub.database.read() as connection:
        details = (
            await connection.execute(
                sa.select(schema.audit.c.detail).where(schema.audit.c.verb == "rights-changed")
            )
        ).scalar_one()
        assert (await audit.verify(connection)).intact
    assert details == "report -> define,report"


async def test_a_refused_change_leaves_no_audit_row(hub: "Hub") -> None:
    await hub.accounts.set_up(hub.code, "ann", PASSWORD)
    before = await _audited(hub)

    with pytest.raises(AccountRefused):
        await hub.accounts.set_state(ANN, AccountState.DISABLED, actor="account ann")

    assert await _audited(hub) == before


async def test_the_same_name_may_exist_once_in_each_group(hub: "Hub") -> None:
    await hub.accounts.add(AccountName("ann"), PASSWORD, [], actor="test")
    await hub.accounts.add(AccountName("ann", "sales"), PASSWORD, [], actor="test")

    with pytest.raises(AccountRefused) as caught:
        await hub.accounts.add(parse_name("ANN", "Sales"), PASSWORD, [], actor="test")

    assert caught.value.code == "account-taken"
    assert "sales/ann" in caught.value.message


@pytest.mark.parametrize("change", ["disable", "rights"])
async def test_the_last_administrator_stays_one(hub: "Hub", change: str) -> None:
    await hub.accounts.set_up(hub.code, "ann", PASSWORD)
    await hub.accounts.add(BOB, PASSWORD, [Right.ADMIN], actor="test")
    await hub.accounts.set_state(BOB, AccountState.DISABLED, actor="test")

    if change == "disable":
        attempt = hub.accounts.set_state(ANN, AccountState.DISABLED, actor="test")
    else:
        attempt = hub.accounts.set_rights(ANN, [Right.REPORT], actor="test")
    with pytest.raises(AccountRefused) as caught:
        await attempt

    assert caught.value.code == "account-last-admin"
    facts = {entry.name: entry for entry in await hub.accounts.list_all()}
    assert facts[ANN].state is AccountState.ENABLED
    assert Right.ADMIN in facts[ANN].rights


@pytest.mark.parametrize("act", ["state", "password", "rights"])
async def test_an_account_that_is_not_there_is_named(hub: "Hub", act: str) -> None:
    match act:
        case "state":
            attempt = hub.accounts.set_state(BOB, AccountState.ENABLED, actor="test")
        case "password":
            attempt = hub.accounts.set_password(BOB, PASSWORD, actor="test")
        case _:
            attempt = hub.accounts.set_rights(BOB, [], actor="test")
    with pytest.raises(AccountRefused) as caught:
        await attempt

    assert caught.value.code == "account-missing"
    assert "sales/bob" in caught.value.message


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "a/b", "x" * 65, "a\nb", "<script>"])
def test_a_name_that_people_cannot_type_is_refused(name: str) -> None:
    with pytest.raises(AccountRefused) as caught:
        parse_name(name)

    assert caught.value.code == "account-name-bad"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("Ann", "ann"), ("ＡＮＮ", "ann"), ("Straße", "strasse"), ("ann@x.test", "ann@x.test")],
)
def test_case_and_compatibility_forms_make_no_difference_to_a_name(typed: str, stored: str) -> None:
    assert parse_name(typed) == AccountName(stored)


def test_every_unknown_right_is_named() -> None:
    with pytest.raises(AccountRefused, match="No such right: fly, swim") as caught:
        parse_rights(["report", "swim", "fly"])

    assert caught.value.code == "right-unknown"
