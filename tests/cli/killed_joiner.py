"""A program: writes what joining writes again and again, killed one call later each time.

``killed_joiner.py TEMPLATE RUNS`` does to a copy of the folder TEMPLATE what ``sottovoce join``
does to the home ``home`` in it, or makes that home where TEMPLATE has none; HUB's answer was given
before (``killed_writer.py`` has the rest). With ``--killed-late`` it does so once in RUNS, with
SIGKILL when everything is written and nothing has taken its place. Nothing is counted before the
answer is there: until then nothing that lasts is written.
"""

import asyncio
import functools
import json
import os
import secrets
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, StoreFormat, dumps
from sottovoce.net import Welcome, utc_now
from sottovoce.policy import Component
from sottovoce.server import Joining, creating, following, join_home, joining, securing
from sottovoce.testing.welcomes import HubAnswer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.cli.killed_writer import runs


def once_each(databases: Path, hub: HubAnswer) -> None:
    """Have what takes longest made once: databases and keystores; how they are written is tried."""
    asyncio.run(creating.make_databases(databases, hub.invitation.components, utc_now()))
    stores: dict[tuple[str, ...], bytes] = {}

    async def copied(folder: Path, *_: Any) -> None:
        shutil.copytree(databases, folder, dirs_exist_ok=True)

    def made(store: Keystore, password: Secret, *, format: StoreFormat) -> bytes:  # noqa: A002
        key = (*store.entries, password.reveal())
        if key not in stores:
            stores[key] = dumps(store, password, format=format)
        return stores[key]

    textwrap.wrap = functools.cache(textwrap.wrap)
    secrets.token_urlsafe = lambda size: "p" * size  # type: ignore[assignment,misc]
    setattr(joining, "make_databases", copied)  # noqa: B010 - mypy knows its type
    for module in (securing, creating, following):
        setattr(module, "write_keystore", made)  # noqa: B010


def main(template: Path, place: Path) -> list[str]:
    """Return before which call each run was killed; the last run of all came through."""
    hub, databases = HubAnswer(Component.TRK, at=utc_now()), place / "databases"
    databases.mkdir()
    once_each(databases, hub)

    def act(begin: Callable[[], None]) -> int:
        async def ask() -> Welcome:
            begin()
            return await hub()

        wanted = Joining(path=Path("home"), invitation=hub.invitation)
        asyncio.run(join_home(wanted, ask, now=utc_now()))
        return 0

    # A new home has one moment only, the renaming of its folder: a few of the many before will do.
    every = 1 if (template / "home").exists() else 6
    return runs(template, place, act, every=every)


def killed_late(place: Path) -> None:
    """Make the home in *place*, and be killed just before it would take its place."""
    place.mkdir()
    hub = HubAnswer(Component.TRK, at=utc_now())

    def late(self: Path, target: Path) -> Path:
        os.kill(os.getpid(), signal.SIGKILL)
        return target

    setattr(Path, "rename", late)  # noqa: B010 - mypy knows its type
    wanted = Joining(path=place / "home", invitation=hub.invitation)
    asyncio.run(join_home(wanted, hub, now=utc_now()))


if __name__ == "__main__":
    if sys.argv[3:] == ["--killed-late"]:
        killed_late(Path(sys.argv[2]))
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
