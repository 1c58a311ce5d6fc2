"""The program that calls without a pause while certificates are renewed, as LUI's server would.

It has LUI's files and follows them: partners are left before their certificates end, and contexts
are freed. What it finds is noted; see :mod:`sottovoce.testing.soaking`.
"""

import asyncio
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sottovoce import __version__
from sottovoce.contracts import HubCalls, Nothing, TrkCalls
from sottovoce.errors import SottovoceError
from sottovoce.net import Destination, Endpoint, Outcome, Peer, SecurityRecord, TaskOwner, utc_now
from sottovoce.net.log import Log
from sottovoce.policy import Component
from sottovoce.server import read_plan
from sottovoce.server.keeper import TrustKeeper
from sottovoce.testing.managed import ManagedInstallation
from sottovoce.testing.soaked import Soak, Soaked

__all__ = ["Caller", "borrowed"]

#: Callers at once on each of the two connections.
_CALLERS = 4


def borrowed(installation: ManagedInstallation) -> Path:
    """Return a home with LUI's files and logs of its own, for the program that calls."""
    real = installation.home_of(Component.LUI)
    home = installation.folder / "caller"
    home.mkdir(mode=0o700)
    for name in ("server.ini", "commands", "conf", "hub", "lui", "trk"):
        if (real / name).exists():
            (home / name).symlink_to(real / name)
    return home


class Caller:
    """Calls HUB and TRK as LUI does, for ever, following LUI's files."""

    def __init__(self, home: Path, plan: Soak, found: Soaked, over: threading.Event) -> None:
        self._home = home
        self._plan = plan
        self._found = found
        self._over = over

    async def run(self) -> None:
        """Call until the time is over."""
        server = await asyncio.to_thread(read_plan, self._home, at=utc_now())
        assert server.lui is not None or server.hub is not None
        endpoint = Endpoint(
            own_name=server.settings.server_name,
            version=__version__,
            trust=server.trust,
            log=self._note,
            clock=utc_now,
            new_id=lambda: secrets.token_hex(8),
        )
        lui = server.lui
        assert lui is not None
        hub, trk = (
            Peer(
                endpoint,
                component=Component.LUI,
                destination=Destination(
                    name=name, port=port, address=address or "", component=called
                ),
            )
            for name, port, address, called in (
                (lui.hub_host, lui.hub_port, lui.hub_address, Component.HUB),
                (lui.tracker_host, lui.tracker_port, lui.tracker_address, Component.TRK),
            )
        )
        log: Log = _Silent()
        keeper = TrustKeeper(server, endpoint, listeners={}, peers=[hub, trk], log=log)
        tasks = TaskOwner(self._failed)
        tasks.spawn(keeper.run(), name="keeper")
        calls: list[Callable[[], Any]] = [
            lambda: hub.stub(HubCalls).roster(Nothing()),
            lambda: trk.stub(TrkCalls).hello(Nothing()),
        ]
        workers = [self._work(call) for call in calls for _ in range(_CALLERS)]
        try:
            await asyncio.gather(*workers)
        finally:
            await tasks.aclose()
            await asyncio.gather(hub.aclose(), trk.aclose())

    async def _work(self, call: Callable[[], Any]) -> None:
        pace = 2 * _CALLERS / self._plan.calls_per_second
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._over.is_set():
            try:
                await call()
                self._found.calls += 1
            except SottovoceError as error:
                self._found.failed(f"call: {error.code}", error.message)
            due += pace
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _note(self, record: SecurityRecord) -> None:
        if record.outcome is Outcome.ACCEPTED:
            self._found.channels += 1

    def _failed(self, name: str, error: BaseException) -> None:
        self._found.broken.append(f"{name} ended: {error!r}")


class _Silent:
    """The caller's log; the servers' own are what counts."""

    def info(self, event: str, /, **fields: Any) -> None:
        """Nothing."""

    warning = error = info
