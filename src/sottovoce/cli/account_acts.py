"""What the verbs of ``sottovoce account`` do.

They act on HUB's database directly, whether or not its server runs; whoever may write the home's
files may do this. Passwords come from the terminal or from a file, never from an argument, which
every user of the machine could read (SPEC W20).
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sottovoce.cli.asking import secret_from
from sottovoce.errors import WrongUsage
from sottovoce.hub import open_accounts
from sottovoce.hub.service import (
    AccountFacts,
    AccountName,
    Accounts,
    AccountState,
    Right,
    parse_name,
    parse_rights,
)
from sottovoce.ini import Secret
from sottovoce.net.clock import utc_now

__all__ = ["ACTS"]

#: What an act does with the accounts; its result is what ``--json`` prints.
Act = Callable[[Accounts], Awaitable[dict[str, Any]]]


def _set_up(args: argparse.Namespace) -> int:
    """Make the first account, for whoever shows the set-up code that ``init`` printed."""
    code = secret_from(args.code_file, "Set-up code: ")
    name = args.name if args.name is not None else _ask("Name of the first account: ")
    password = _new_password(args.password_file)

    async def act(accounts: Accounts) -> dict[str, Any]:
        who = await accounts.set_up(code, name, password)
        return {"account": str(who), "done": "set-up"}

    return _carry_out(args, act, "The account {account} is there and has every right.")


def _add(args: argparse.Namespace) -> int:
    who, rights = _who(args), _parse_rights(args.rights)
    password = _new_password(args.password_file)

    async def act(accounts: Accounts) -> dict[str, Any]:
        await accounts.add(who, password, rights, actor=_actor())
        return {"account": str(who), "done": "added", "rights": sorted(rights)}

    return _carry_out(args, act, "The account {account} is there.")


def _list(args: argparse.Namespace) -> int:
    async def act(accounts: Accounts) -> dict[str, Any]:
        return {"accounts": [_described(facts) for facts in await accounts.list_all()]}

    result = _work(args, act)
    if args.json:
        print(json.dumps(result))
    elif result["accounts"]:
        _print_table(result["accounts"])
    else:
        print("There is no account yet. 'sottovoce account set-up' makes the first one.")
    return 0


def _disable(args: argparse.Namespace) -> int:
    return _set_state(args, AccountState.DISABLED)


def _enable(args: argparse.Namespace) -> int:
    return _set_state(args, AccountState.ENABLED)


def _set_state(args: argparse.Namespace, state: AccountState) -> int:
    who = _who(args)

    async def act(accounts: Accounts) -> dict[str, Any]:
        await accounts.set_state(who, state, actor=_actor())
        return {"account": str(who), "done": state.value}

    return _carry_out(args, act, "The account {account} is {done}.")


def _password(args: argparse.Namespace) -> int:
    who = _who(args)
    password = _new_password(args.password_file)

    async def act(accounts: Accounts) -> dict[str, Any]:
        await accounts.set_password(who, password, actor=_actor())
        return {"account": str(who), "done": "password"}

    return _carry_out(args, act, "The account {account} has its new password.")


def _rights(args: argparse.Namespace) -> int:
    who, rights = _who(args), _parse_rights(args.rights)

    async def act(accounts: Accounts) -> dict[str, Any]:
        await accounts.set_rights(who, rights, actor=_actor())
        return {"account": str(who), "done": "rights", "rights": sorted(rights)}

    return _carry_out(args, act, "The rights of {account} are replaced.")


def _carry_out(args: argparse.Namespace, act: Act, sentence: str) -> int:
    result = _work(args, act)
    print(json.dumps(result) if args.json else sentence.format(**result))
    return 0


def _work(args: argparse.Namespace, act: Act) -> dict[str, Any]:
    """Open the accounts, let *act* do its work, close them."""
    home = _home(args)

    async def work() -> dict[str, Any]:
        async with open_accounts(home, clock=utc_now) as accounts:
            return await act(accounts)

    return asyncio.run(work())


def _home(args: argparse.Namespace) -> Path:
    if args.home is None:
        raise WrongUsage("No home folder is named.", hint="Add --home DIR, or set SOTTOVOCE_HOME.")
    return Path(args.home)


def _who(args: argparse.Namespace) -> AccountName:
    return parse_name(args.name, args.group)


def _parse_rights(text: str) -> frozenset[Right]:
    if text in {"", "none"}:
        return frozenset()
    return parse_rights(text.split(","))


def _actor() -> str:
    return f"command line (uid {os.getuid()})"


def _new_password(file: str | None) -> Secret:
    """Return a new password: from *file*, or typed twice."""
    if file is not None:
        return secret_from(file, "")
    password = secret_from(None, "New password: ")
    if password != secret_from(None, "The same once more: "):
        raise WrongUsage("The two passwords differ.", hint="Run the command again.")
    return password


def _ask(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise WrongUsage(
            "The account's name cannot be asked for: there is no terminal.",
            hint="Give it by --name NAME.",
        )
    return input(prompt)


def _described(facts: AccountFacts) -> dict[str, Any]:
    return {
        "name": facts.name.name,
        "group": facts.name.group,
        "state": facts.state.value,
        "rights": sorted(facts.rights),
        "created": facts.created.isoformat(),
        "locked_until": facts.locked_until.isoformat() if facts.locked_until else None,
    }


def _print_table(accounts: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Account", "Group", "State", "Rights", box=None, pad_edge=False)
    for account in accounts:
        locked = account["locked_until"]
        state = f"{account['state']}, locked until {locked[11:19]} UTC" if locked else None
        cells = (
            account["name"],
            account["group"],
            state or account["state"],
            ", ".join(account["rights"]) or "none",
        )
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


#: The acts by their verbs.
ACTS: Mapping[str, Callable[[argparse.Namespace], int]] = MappingProxyType(
    {
        "set-up": _set_up,
        "add": _add,
        "list": _list,
        "disable": _disable,
        "enable": _enable,
        "password": _password,
        "rights": _rights,
    }
)
