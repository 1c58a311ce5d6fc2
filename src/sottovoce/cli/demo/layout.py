"""Which components of the demonstration run where: one, two or three servers on loopback."""

import socket
import sys
from dataclasses import dataclass

from sottovoce.errors import WrongUsage
from sottovoce.policy import Component

__all__ = ["Layout", "Ports", "Seat", "choose_layout"]

#: The white paper's ports (SPEC W2), and the one of HUB's pages.
INTERNAL_PORT, TRACKER_PORT, WEB_PORT = 1099, 7000, 8090

_HUB, _LUI, _TRK = Component.HUB, Component.LUI, Component.TRK

#: Components by server; with two, the public one stands apart (the recommended layout).
_DISTRIBUTIONS = {
    1: (("all", (_HUB, _LUI, _TRK), "127.0.0.2"),),
    2: (("inner", (_HUB, _LUI), "127.0.0.2"), ("outer", (_TRK,), "127.0.0.4")),
    3: (
        ("hub", (_HUB,), "127.0.0.2"),
        ("lui", (_LUI,), "127.0.0.3"),
        ("trk", (_TRK,), "127.0.0.4"),
    ),
}


@dataclass(frozen=True, slots=True)
class Seat:
    """One server: its short name, its host name, where it listens, what runs there."""

    label: str
    components: tuple[Component, ...]
    address: str

    @property
    def host(self) -> str:
        """The name by which the server identifies itself; ``.test`` never resolves (RFC 6761)."""
        return f"{self.label}.sottovoce.test"


@dataclass(frozen=True, slots=True)
class Layout:
    """All servers and the ports that they share."""

    seats: tuple[Seat, ...]
    internal_port: int
    tracker_port: int
    public_port: int
    web_port: int

    def seat_of(self, component: Component) -> Seat:
        """Return the server on which *component* runs."""
        return next(seat for seat in self.seats if component in seat.components)


class Ports:
    """Keeps the ports that were chosen for those who will open them; a context manager.

    A kept port is bound and not listened on: the kernel gives it to nobody else by itself, and a
    server, which allows reuse, can open it. A second demonstration at the same time is told of
    the fixed ones by names in the abstract socket space (Linux), which end with the process.
    """

    def __init__(self) -> None:
        self._kept: list[socket.socket] = []

    def __enter__(self) -> "Ports":
        return self

    def __exit__(self, *_: object) -> None:
        while self._kept:
            self._kept.pop().close()

    def take(self, address: str, wanted: int = 0) -> int:
        """Return *wanted* when it can be had on *address*, else a free port, and keep it.

        Raises:
            WrongUsage: the machine has no such address.
        """
        if wanted and not self._claim(address, wanted):
            wanted = 0
        for port in dict.fromkeys((wanted, 0)):
            probe = socket.socket()
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                probe.close()
                continue
            self._kept.append(probe)
            number: int = probe.getsockname()[1]
            return number
        raise WrongUsage(
            f"No port can be had on {address}.",
            hint="The demonstration needs the loopback addresses 127.0.0.2 to 127.0.0.4, as Linux "
            "has them.",
        )

    def _claim(self, address: str, port: int) -> bool:
        if sys.platform != "linux":
            return True
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0sottovoce demo {address}:{port}")
        except OSError:
            claim.close()
            return False
        self._kept.append(claim)
        return True


def choose_layout(servers: int, ports: Ports) -> Layout:
    """Return the layout for *servers* (1, 2 or 3), with the default ports where they are free."""
    seats = tuple(Seat(*seat) for seat in _DISTRIBUTIONS[servers])
    hub, trk = (
        next(seat.address for seat in seats if component in seat.components)
        for component in (_HUB, _TRK)
    )
    return Layout(
        seats,
        internal_port=ports.take(hub, INTERNAL_PORT),
        tracker_port=ports.take(trk, TRACKER_PORT),
        public_port=ports.take(trk),
        web_port=ports.take(hub, WEB_PORT),
    )
