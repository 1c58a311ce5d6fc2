"""One server as a process: everything read and checked, then ports opened, components started.

The order is the promise: no port is opened before every file is right, no component is started
before all ports are there, and at the end everything closes in the reverse order: callers before
those whom they call.
"""

import ipaddress
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from sottovoce import __version__
from sottovoce.contracts import EdgePosture, HubCalls, TrkCalls
from sottovoce.errors import Fault
from sottovoce.hub import HubApp, HubSettings
from sottovoce.lui import LuiApp, LuiSettings
from sottovoce.net import Destination, Endpoint, Listener, Offer, Peer, listen, utc_now
from sottovoce.policy import Component
from sottovoce.server.home import Faults, Home, read_ini
from sottovoce.server.logs import Logs
from sottovoce.server.settings import ServerSettings
from sottovoce.server.trust import is_secured, load_generation
from sottovoce.tls import Trust, TrustGeneration
from sottovoce.trk import TrkApp, TrkSettings

__all__ = ["Plan", "Server", "read_plan"]

Value = TypeVar("Value")

#: Seconds that calls under way get to finish when the server stops.
GRACE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A server's files, read and found right; nothing is opened yet.

    Args:
        home: where they are.
        settings: of ``server.ini``.
        hub, lui, trk: of the components that run here, else None.
        hosts: on which server each component is expected.
        generation: whom to trust; None = not secured.
        warnings: what was noticed and refuses nothing.
    """

    home: Home
    settings: ServerSettings
    hub: HubSettings | None
    lui: LuiSettings | None
    trk: TrkSettings | None
    hosts: Mapping[Component, str]
    generation: TrustGeneration | None
    warnings: tuple[Fault, ...] = ()

    @property
    def secured(self) -> bool:
        """Whether the switch is on."""
        return self.generation is not None


def read_plan(path: Path, *, at: datetime) -> Plan:
    """Read and check every file of the home at *path*.

    Args:
        path: the home folder.
        at: UTC, for the dates of certificates.

    Raises:
        SettingsError: with every fault of every file.
    """
    home = Home(path.absolute())
    settings = home.settings()
    faults = Faults(warnings=list(settings.warnings))
    here = settings.components
    hub = lui = trk = None
    if Component.HUB in here:
        hub = faults.attempt(lambda: _read(home, Component.HUB, HubSettings.read))
    if Component.LUI in here:
        lui = faults.attempt(lambda: _read(home, Component.LUI, LuiSettings.read))
    if Component.TRK in here:
        trk = faults.attempt(lambda: _read(home, Component.TRK, TrkSettings.read))
    hosts = _hosts(hub, trk, faults, home)
    generation = None
    if is_secured(home):
        loaded = faults.attempt(lambda: load_generation(home, settings, hosts=hosts, at=at))
        if loaded is not None:
            generation = loaded[0]
            faults.warnings += loaded[1]
    faults.check("The server does not start.")
    return Plan(
        home=home,
        settings=settings,
        hub=hub,
        lui=lui,
        trk=trk,
        hosts=MappingProxyType(hosts),
        generation=generation,
        warnings=tuple(faults.warnings),
    )


def _read(home: Home, component: Component, read: Callable[..., Value]) -> Value:
    path = home.component_ini(component)
    return read(read_ini(path), file=str(path))


def _hosts(
    hub: HubSettings | None, trk: TrkSettings | None, faults: Faults, home: Home
) -> dict[Component, str]:
    """Return where LUI and TRK are expected; HUB and TRK on one server must agree on LUI."""
    hosts: dict[Component, str] = {}
    if hub is not None:
        hosts = {Component.LUI: hub.lui_host, Component.TRK: hub.tracker_host}
    if trk is not None:
        known = hosts.setdefault(Component.LUI, trk.lui_host)
        if known.lower() != trk.lui_host.lower():
            faults.found.append(
                Fault(
                    code="component-unexpected",
                    why="HUB and TRK on this server expect LUI on different servers.",
                    expected=f"LuiHost={known} as in {home.component_ini(Component.HUB)}",
                    presented=f"LuiHost={trk.lui_host}",
                    file=str(home.component_ini(Component.TRK)),
                    key="LuiHost",
                    hint="Correct one of the two files.",
                )
            )
    return hosts


@dataclass(kw_only=True)
class Server:
    """A server under way; use :meth:`start` and :meth:`stop`.

    Args:
        plan: what was read.
        logs: the open log files.
        unsafe_plain_network: in plain mode, listen on other than loopback addresses too.
    """

    plan: Plan
    logs: Logs
    unsafe_plain_network: bool = False
    peers: list[Peer] = field(default_factory=list)
    listeners: dict[Component, Listener] = field(default_factory=dict)
    startup: list[str] = field(default_factory=list)
    hub: HubApp | None = None
    lui: LuiApp | None = None
    trk: TrkApp | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Open databases and ports, the called before their callers; then start the components.

        Raises:
            SottovoceError: something cannot be had; what was opened before is closed again.
        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Close everything in the reverse order; calls under way may finish."""
        await self._stack.aclose()

    async def _start(self) -> None:
        plan = self.plan
        self._say_mode()
        endpoint = self._endpoint()
        here = plan.settings.components
        if plan.hub is not None:
            self.hub = await self._open_hub(plan.hub)
            offer = Offer(HubCalls, self.hub.calls)
            await self._listen(endpoint, Component.HUB, plan.settings.internal_port, offer)
        if plan.trk is not None:
            self.trk = await self._open_trk(plan.trk, endpoint)
            offer = Offer(TrkCalls, self.trk.calls)
            await self._listen(endpoint, Component.TRK, plan.settings.tracker_port, offer)
        if plan.lui is not None:
            self.lui = await self._open_lui(plan.lui, endpoint)
        for component in here:
            app = {Component.HUB: self.hub, Component.LUI: self.lui, Component.TRK: self.trk}
            running = app[component]
            assert running is not None
            await running.start()

    def _say_mode(self) -> None:
        """Write W19's line for each component, or warn that nothing is encrypted (W3)."""
        plan, log = self.plan, self.logs.server()
        for fault in plan.warnings:
            log.warning(str(fault), code=fault.code)
        for component in plan.settings.components:
            if plan.secured:
                self.startup.append(self.logs.startup(component))
            else:
                self.logs.component(component).warning(
                    f"{component.label}: component communication is NOT encrypted: there is no "
                    f"{plan.home.ssl_ini}. Secure all servers of the installation, or none.",
                    code="not-secured",
                )
        if not plan.secured and self.unsafe_plain_network:
            log.warning(
                "Unencrypted ports are open to the network, as --unsafe-plain-network demands.",
                code="unsafe-plain-network",
            )

    def _endpoint(self) -> Endpoint:
        plan = self.plan
        return Endpoint(
            own_name=plan.settings.server_name,
            version=__version__,
            trust=Trust(plan.generation),
            log=self.logs.security,
            clock=utc_now,
            new_id=lambda: secrets.token_hex(8),
            explain_refusals=plan.settings.explain_refusals,
        )

    @property
    def bind_address(self) -> str:
        """Where the two ports listen: plain ones on loopback only, unless told otherwise (W3)."""
        address = self.plan.settings.bind_address
        if self.plan.secured or self.unsafe_plain_network:
            return address
        return address if ipaddress.ip_address(address).is_loopback else "127.0.0.1"

    async def _listen(
        self, endpoint: Endpoint, component: Component, port: int, offer: Offer
    ) -> None:
        log = self.logs.component(component)

        def on_error(name: str, error: BaseException) -> None:
            log.error("A call failed.", call=name, exc_info=error)

        listener = await listen(
            endpoint, address=self.bind_address, port=port, offers=[offer], on_error=on_error
        )
        self._stack.push_async_callback(listener.aclose, grace=GRACE)
        self.listeners[component] = listener

    def _peer(self, endpoint: Endpoint, component: Component, destination: Destination) -> Peer:
        peer = Peer(endpoint, component=component, destination=destination)
        self._stack.push_async_callback(peer.aclose)
        self.peers.append(peer)
        return peer

    def _edges_of(self, component: Component) -> Callable[[], tuple[EdgePosture, ...]]:
        def edges() -> tuple[EdgePosture, ...]:
            return tuple(peer.posture for peer in self.peers if peer.component is component)

        return edges

    async def _open_hub(self, settings: HubSettings) -> HubApp:
        plan = self.plan
        app = await HubApp.open(
            plan.home.path,
            settings,
            own_name=plan.settings.server_name,
            secured=plan.secured,
            clock=utc_now,
            log=self.logs.component(Component.HUB),
        )
        self._stack.push_async_callback(app.aclose)
        return app

    async def _open_trk(self, settings: TrkSettings, endpoint: Endpoint) -> TrkApp:
        plan = self.plan
        hub = self._peer(
            endpoint,
            Component.TRK,
            Destination(
                name=settings.hub_host,
                port=settings.hub_port,
                address=settings.hub_address or "",
                component=Component.HUB,
            ),
        )
        app = await TrkApp.open(
            plan.home.path,
            settings,
            hub=hub.stub(HubCalls),
            own_name=plan.settings.server_name,
            secured=plan.secured,
            clock=utc_now,
            log=self.logs.component(Component.TRK),
            edges=self._edges_of(Component.TRK),
        )
        self._stack.push_async_callback(app.aclose)
        return app

    async def _open_lui(self, settings: LuiSettings, endpoint: Endpoint) -> LuiApp:
        plan = self.plan
        hub = self._peer(
            endpoint,
            Component.LUI,
            Destination(
                name=settings.hub_host,
                port=settings.hub_port,
                address=settings.hub_address or "",
                component=Component.HUB,
            ),
        )
        tracker = self._peer(
            endpoint,
            Component.LUI,
            Destination(
                name=settings.tracker_host,
                port=settings.tracker_port,
                address=settings.tracker_address or "",
                component=Component.TRK,
            ),
        )
        app = await LuiApp.open(
            plan.home.path,
            settings,
            hub=hub.stub(HubCalls),
            tracker=tracker.stub(TrkCalls),
            own_name=plan.settings.server_name,
            secured=plan.secured,
            clock=utc_now,
            log=self.logs.component(Component.LUI),
            edges=self._edges_of(Component.LUI),
        )
        self._stack.push_async_callback(app.aclose)
        return app

    def describe(self) -> list[tuple[str, str]]:
        """Return where things are, as label and value, for the console."""
        plan = self.plan
        rows = [
            ("server", plan.settings.server_name),
            ("components", ", ".join(c.label for c in plan.settings.components)),
            ("security", "mutual TLS 1.3" if plan.secured else "none: NOT encrypted"),
        ]
        for component, listener in self.listeners.items():
            what = "internal port" if component is Component.HUB else "tracker port"
            rows.append((what, f"{listener.address}:{listener.port}"))
        if self.trk is not None:
            rows.append(("public web", self.trk.public_url))
        rows += [("home", str(plan.home.path)), ("logs", str(plan.home.logs))]
        return rows
