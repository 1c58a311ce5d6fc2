"""One server as a process: everything read and checked, then ports opened, components started.

The order is the promise: no port is opened before every file and database is right, no component is
started before all ports are there, and at the end callers close before those whom they call.
"""

import ipaddress
import secrets
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from cryptography import x509

from sottovoce import __version__
from sottovoce.contracts import Command, HeartbeatReply, HubCalls, Status, TrkCalls
from sottovoce.errors import Fault, SettingsError, SottovoceError
from sottovoce.hub import HubApp, HubSettings
from sottovoce.lui import LuiApp, LuiSettings
from sottovoce.net import (
    Endpoint,
    Listener,
    Offer,
    Peer,
    Reception,
    RefusedCallers,
    Reporting,
    SecurityRecord,
    TaskOwner,
    listen,
    utc_now,
)
from sottovoce.policy import Component
from sottovoce.server.admitting import admitting
from sottovoce.server.caring import Care
from sottovoce.server.home import Faults, occupy
from sottovoce.server.keeper import TrustKeeper
from sottovoce.server.logs import Logs
from sottovoce.server.opening import open_hub, open_lui, open_trk
from sottovoce.server.plan import Plan
from sottovoce.server.switch_watch import SwitchWatch
from sottovoce.tls import Side
from sottovoce.trk import TrkApp, TrkSettings

__all__ = ["Server"]

_DOES_NOT_START = "The server does not start."

#: Seconds that calls under way get to finish when the server stops.
GRACE = 5.0


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
    keeper: TrustKeeper | None = None
    care: Care | None = None
    switch: SwitchWatch | None = None
    _refused: RefusedCallers = field(default_factory=RefusedCallers)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _parts: dict[Component, AsyncExitStack] = field(default_factory=dict)

    async def start(self) -> None:
        """Open databases, then ports, then start the components.

        Raises:
            SettingsError: something cannot be had, with every reason; what was opened before is
                closed again.
        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    def reload(self) -> None:
        """Ask for a reload, as SIGHUP does; while the server starts it reads its files anyway."""
        if self.keeper is not None:
            self.keeper.ask()

    async def stop(self) -> None:
        """Close callers before those whom they call; calls and mails under way may finish."""
        await self._stack.aclose()

    async def _start(self) -> None:
        self._stack.enter_context(occupy(self.plan.home))
        for component in (Component.HUB, Component.TRK, Component.LUI):
            part = await self._stack.enter_async_context(AsyncExitStack())
            self._parts[component] = part
        self._say_mode()
        endpoint = self._endpoint()
        await self._open_components(endpoint)
        self._look_after(endpoint)
        faults = Faults()
        await self._open_ports(endpoint, faults)
        if self.hub is not None:
            await _attempt(faults, self.hub.start())
        if self.trk is not None:
            await _attempt(faults, self.trk.start())
        faults.check(_DOES_NOT_START)
        if self.lui is not None:
            await self.lui.start()
        await self._keep_trust()

    def _look_after(self, endpoint: Endpoint) -> None:
        """Make what keeps this server's trust and, when it is secured, its certificate."""
        self.keeper = TrustKeeper(
            self.plan,
            endpoint,
            listeners=self.listeners,
            peers=self.peers,
            log=self.logs.server(),
        )
        if not self.plan.secured:
            self.switch = watch = SwitchWatch(self.plan.home, clock=utc_now, log=self.logs.server())
            if self.hub is not None:
                self.hub.switch.own = lambda: watch.report
            return
        to_hub = (peer for peer in self.peers if peer.destination.component is Component.HUB)
        hub = next(to_hub, None)
        self.care = Care(
            plan=self.plan,
            endpoint=endpoint,
            keeper=self.keeper,
            issuer=self.hub.issuer if self.hub is not None else None,
            hub=hub.stub(HubCalls) if hub is not None else None,
            log=self.logs.server(),
        )

    async def _keep_trust(self) -> None:
        """Watch over the files of trust from now on; the watch ends before anything else does."""
        log = self.logs.server()

        def on_error(name: str, error: BaseException) -> None:
            log.error("The watch over this server's trust has ended.", task=name, exc_info=error)

        assert self.keeper is not None
        await self.keeper.write_down()
        tasks = TaskOwner(on_error)
        self._stack.push_async_callback(tasks.aclose)
        tasks.spawn(self.keeper.run(), name="trust-keeper")
        if self.care is not None:
            self.care.start(tasks)
        if self.switch is not None:
            tasks.spawn(self.switch.run(), name="prepared-switch")

    def _unknown(self, chain: tuple[x509.Certificate, ...]) -> None:
        """Let somebody look for what is missing about a peer."""
        if self.care is not None and self.care.fetcher is not None:
            self.care.fetcher.saw(chain)

    async def _open_components(self, endpoint: Endpoint) -> None:
        """Open the databases, with every reason why one cannot be."""
        plan, faults = self.plan, Faults()
        if plan.hub is not None:
            await _attempt(faults, self._open_hub(plan.hub, endpoint))
        if plan.trk is not None:
            await _attempt(faults, self._open_trk(plan.trk, endpoint))
        if plan.lui is not None:
            await _attempt(faults, self._open_lui(plan.lui, endpoint))
        faults.check(_DOES_NOT_START)

    async def _open_ports(self, endpoint: Endpoint, faults: Faults) -> None:
        settings = self.plan.settings
        if self.hub is not None:
            offer = Offer(HubCalls, self.hub.calls)
            port = settings.internal_port
            reception = self._reception(self.hub)
            await _attempt(faults, self._listen(endpoint, Component.HUB, port, offer, reception))
        if self.trk is not None:
            offer = Offer(TrkCalls, self.trk.calls)
            port = settings.tracker_port
            await _attempt(faults, self._listen(endpoint, Component.TRK, port, offer))

    def _reception(self, hub: HubApp) -> Reception | None:
        """Return where new servers may join: on a secured HUB with an authority of its own."""
        if self.plan.hub is None or not self.plan.secured:
            return None

        async def reload(reason: str) -> tuple[Fault, ...]:
            assert self.keeper is not None, "it is there before anybody is served"
            return (await self.keeper.reload(reason)).faults

        lifetime = timedelta(seconds=self.plan.hub.certificate_lifetime)
        return hub.reception(admitting(self.plan.home, reload), lifetime=lifetime)

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
            fault = Fault(
                code="unsafe-plain-network",
                why="Unencrypted ports are open to the network, as --unsafe-plain-network demands.",
                warning=True,
            )
            log.warning(fault.why, code=fault.code)
        elif self.bind_address != plan.settings.bind_address:
            held_back = (
                f"BindAddress={plan.settings.bind_address} is not used: without ssl.ini the ports "
                f"listen on {self.bind_address} only. Secure the server, or start it with "
                "--unsafe-plain-network."
            )
            log.warning(held_back, code="not-secured")

    def _security(self, record: SecurityRecord) -> None:
        """Log a peer; HUB learns who came to its port, and from TRK who was refused at TRK's."""
        self.logs.security(record)
        if record.side is Side.CALLING:
            return
        ports = {component: listener.port for component, listener in self.listeners.items()}
        if self.hub is not None and record.port == ports.get(Component.HUB):
            self.hub.noticed(record)
        elif record.port == ports.get(Component.TRK):
            self._refused.note(record)

    def _endpoint(self) -> Endpoint:
        plan = self.plan
        return Endpoint(
            own_name=plan.settings.server_name,
            version=__version__,
            trust=plan.trust,
            log=self._security,
            clock=utc_now,
            new_id=lambda: secrets.token_hex(8),
            explain_refusals=plan.settings.explain_refusals,
            unknown=self._unknown,
        )

    @property
    def bind_address(self) -> str:
        """Where the two ports listen: plain ones on loopback only, unless told otherwise (W3)."""
        address = self.plan.settings.bind_address
        if self.plan.secured or self.unsafe_plain_network:
            return address
        return address if ipaddress.ip_address(address).is_loopback else "127.0.0.1"

    async def _listen(
        self,
        endpoint: Endpoint,
        component: Component,
        port: int,
        offer: Offer,
        reception: Reception | None = None,
    ) -> None:
        log = self.logs.component(component)

        def on_error(name: str, error: BaseException) -> None:
            log.error("A call failed.", call=name, exc_info=error)

        listener = await listen(
            endpoint,
            address=self.bind_address,
            port=port,
            offers=[offer],
            on_error=on_error,
            reception=reception,
        )
        self._parts[component].push_async_callback(listener.aclose, grace=GRACE)
        self.listeners[component] = listener

    def _peer(self, endpoint: Endpoint, caller: Component, called: Component) -> Peer:
        destination = self.plan.destinations[caller, called]
        peer = Peer(endpoint, component=caller, destination=destination)
        self._parts[caller].push_async_callback(peer.aclose)
        self.peers.append(peer)
        return peer

    def _reporting(self, component: Component) -> Reporting:
        def complete(status: Status) -> Status:
            edges = tuple(peer.posture for peer in self.peers if peer.component is component)
            refused = self._refused.latest if component is Component.TRK else ()
            known = msgspec.structs.replace(
                status, edges=edges, refused=refused, naming=self.plan.naming
            )
            part = self.care or self.switch
            return part.complete(known) if part is not None else known

        def heard(reply: HeartbeatReply) -> None:
            part = self.care or self.switch
            if part is not None:
                part.heard(reply)

        async def obey(command: Command) -> None:
            if self.care is not None:
                await self.care.obey(command)

        return Reporting(complete=complete, heard=heard, obey=obey)

    async def _open_hub(self, settings: HubSettings, endpoint: Endpoint) -> None:
        log = self.logs.component(Component.HUB)
        self.hub = await open_hub(self.plan, settings, endpoint=endpoint, log=log)
        self._parts[Component.HUB].push_async_callback(self.hub.aclose)

    async def _open_trk(self, settings: TrkSettings, endpoint: Endpoint) -> None:
        self.trk = await open_trk(
            self.plan,
            settings,
            hub=self._peer(endpoint, Component.TRK, Component.HUB),
            log=self.logs.component(Component.TRK),
            reporting=self._reporting(Component.TRK),
        )
        self._parts[Component.TRK].push_async_callback(self.trk.aclose)

    async def _open_lui(self, settings: LuiSettings, endpoint: Endpoint) -> None:
        self.lui = await open_lui(
            self.plan,
            settings,
            hub=self._peer(endpoint, Component.LUI, Component.HUB),
            tracker=self._peer(endpoint, Component.LUI, Component.TRK),
            log=self.logs.component(Component.LUI),
            reporting=self._reporting(Component.LUI),
        )
        self._parts[Component.LUI].push_async_callback(self.lui.aclose)

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
        if self.hub is not None and self.hub.web is not None:
            rows.append(("security page", f"{self.hub.web.url}/"))
        if self.trk is not None:
            rows.append(("public web", self.trk.public_url))
        rows += [("home", str(plan.home.path)), ("logs", str(plan.home.logs))]
        return rows


async def _attempt(faults: Faults, work: Awaitable[None]) -> None:
    """Do *work*, or take note of why it could not be done."""
    try:
        await work
    except SettingsError as error:
        faults.found += error.faults or [error.as_fault()]
    except SottovoceError as error:
        faults.found.append(error.as_fault())
