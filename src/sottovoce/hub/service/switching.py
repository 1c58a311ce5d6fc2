"""Whether the plain installation would work secured: computed, connection by connection.

The verdict on each connection is the gate's own, asked in both directions over what the servers
have reported of their prepared files. A report has crossed a plain channel: it is good for
foretelling which connection would break, and for nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from sqlalchemy.ext.asyncio import AsyncConnection

from sottovoce.contracts import PreparedSwitch, SwitchWord, dial_key
from sottovoce.errors import Fault, FormatError
from sottovoce.hub.service.installation import Installation, plain_name, seen, status_of
from sottovoce.pki import RevocationEvidence, fingerprint, load_certificates
from sottovoce.policy import CONNECTIONS, AllowedClients, Component
from sottovoce.tls import Evidence, Side, judge

__all__ = ["Forecast", "ServerStanding", "SwitchPlan", "foretell", "read_switch_plan"]

#: The code of a connection that cannot be computed because an end of it is not prepared.
NOT_PREPARED = "switch-not-prepared"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServerStanding:
    """One server of the plain installation.

    Args:
        name: by which HUB's settings know it.
        components: that run there.
        heard: whether it gave a sign of life lately.
        report: what it has ready; None when nothing, or when that is not known.
    """

    name: str
    components: tuple[Component, ...]
    heard: bool
    report: PreparedSwitch | None

    @property
    def fault(self) -> Fault | None:
        """What keeps the server from being secured, whoever its partners are."""
        report = self.report
        if report is not None and report.code:
            return Fault(
                code=report.code,
                why=f"{self.name} would not start secured: {report.message}",
                expected="a prepared switch that would start",
                presented=report.code,
                hint="On that server: sottovoce secure check --home DIR",
            )
        # Whoever has moved its switch and then fell silent has been restarted: it is secured.
        if report is not None and (self.heard or report.moved):
            return None
        presented = "nothing" if self.heard else "no sign of life"
        return Fault(
            code=NOT_PREPARED,
            why=f"{self.name} has not told HUB of a prepared switch.",
            expected="commands/ssl.ini.prepared there, and the server running",
            presented=presented,
            hint="On that server: sottovoce secure --home DIR says its next step.",
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """One connection, and why it would not work; no faults = it would."""

    caller: Component
    called: Component
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        first = f": {self.faults[0].why}" if self.faults else " would work."
        return f"{self.caller.label} → {self.called.label}{first}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPlan:
    """The whole installation: every server, and every connection as it would be."""

    servers: tuple[ServerStanding, ...]
    edges: tuple[Forecast, ...]

    @property
    def ready(self) -> bool:
        """Whether every connection would work."""
        return not any(edge.faults for edge in self.edges)

    def word(self, rev: str) -> SwitchWord:
        """Return what a server is told whose prepared switch has that revision."""
        why = tuple(str(edge) for edge in self.edges if edge.faults)
        return SwitchWord(rev=rev, ready=self.ready, why=why)


async def read_switch_plan(
    connection: AsyncConnection,
    installation: Installation,
    own: PreparedSwitch | None,
    now: datetime,
) -> SwitchPlan:
    """Return the installation's plan, from what its servers have reported last.

    Args:
        connection: a snapshot of HUB's database.
        installation: what HUB's configuration says.
        own: what HUB's own server has ready.
        now: UTC.
    """
    known = await seen(connection)
    places = {Component.HUB: installation.own_name, **installation.servers}
    servers = []
    for name in dict.fromkeys(plain_name(place) for place in places.values()):
        here = tuple(each for each, place in places.items() if plain_name(place) == name)
        rows = [known[each] for each in here if each in known]
        last = max((row.last_seen for row in rows), default=None)
        reports = [s.prepared for row in rows if (s := status_of(row)) is not None]
        is_own = Component.HUB in here
        servers.append(
            ServerStanding(
                name=name,
                components=here,
                heard=is_own or (last is not None and last >= now - installation.silent_after),
                report=own if is_own else next((each for each in reports if each), None),
            )
        )
    return foretell(servers, now)


def foretell(servers: Iterable[ServerStanding], now: datetime) -> SwitchPlan:
    """Compute every connection of the installation.

    Args:
        servers: all of them.
        now: UTC.
    """
    found = tuple(servers)
    seats = {component: server for server in found for component in server.components}
    chains = {server.name: _chain(server.report) for server in found}
    certificates = {fingerprint(each): each for chain in chains.values() for each in chain}
    sides = {
        server.name: _Side(server, chains[server.name], certificates)
        for server in found
        if server.fault is None
    }
    edges = []
    for caller, called in CONNECTIONS:
        ends = (seats[caller], seats[called])
        faults = [each.fault for each in dict.fromkeys(ends) if each.fault is not None]
        if not faults:
            calling, accepting = (sides[end.name] for end in ends)
            faults += _faults((caller, called), calling, accepting, now)
        edges.append(Forecast(caller, called, tuple(faults)))
    return SwitchPlan(servers=found, edges=tuple(edges))


class _Side:
    """One server as far as HUB knows it; what the gate asks of a generation."""

    def __init__(
        self,
        server: ServerStanding,
        chain: tuple[x509.Certificate, ...],
        known: Mapping[str, x509.Certificate],
    ) -> None:
        assert server.report is not None, "a server without a fault has reported"
        self.report = server.report
        self.chain = chain
        # A root whose certificate nobody has shown is nobody's anchor either.
        self.roots = tuple(known[root] for root in self.report.roots if root in known)
        self.revocations = RevocationEvidence()
        self.allowed = AllowedClients(self.report.allowed)
        self.hosts = {Component(key): name for key, name in self.report.expects.items()}


def _chain(report: PreparedSwitch | None) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a report; what cannot be read is none."""
    try:
        return tuple(
            each
            for data in (report.chain if report is not None else ())
            for each in load_certificates(data, source="a report")
        )
    except FormatError:
        return ()


def _faults(
    edge: tuple[Component, Component], calling: _Side, accepting: _Side, now: datetime
) -> Iterator[Fault]:
    """Ask the gate of both ends, as they will ask it themselves."""
    caller, _ = edge
    dialled = calling.report.dials.get(dial_key(*edge), "")
    if not dialled:
        yield Fault(
            code=NOT_PREPARED,
            why=f"{calling.report.server} has not said which server it calls there.",
            hint="Look whether all servers run the same version.",
        )
        return
    shown = Evidence(
        side=Side.ACCEPTING,
        chain=calling.chain,
        at=now,
        announced_name=calling.report.server,
        announced_component=caller,
    )
    met = Evidence(
        side=Side.CALLING,
        chain=accepting.chain,
        at=now,
        dialled_name=dialled,
        announced_name=accepting.report.server,
    )
    for side, evidence, partner in ((accepting, shown, calling), (calling, met, accepting)):
        for fault in judge(evidence, side).faults:
            yield Fault(
                code=fault.code,
                why=f"{side.report.server} would refuse {partner.report.server}: {fault.why}",
                expected=fault.expected,
                presented=fault.presented,
                hint=fault.hint,
            )
