"""An installation that is its own CA: HUB is made with a root, the other servers join it.

Made by the real commands and run as real processes, as the demonstration's installations are.
"""

import time
from pathlib import Path

from sottovoce.cli.demo.installation import Installation, RunningServer
from sottovoce.cli.demo.layout import Layout, Seat
from sottovoce.policy import Component

__all__ = ["ManagedInstallation"]


class ManagedInstallation(Installation):
    """One to three homes below *folder*, secured by the installation's own authority.

    Args:
        folder: empty.
        layout: what runs where.
        smtp_port: of the relay on 127.0.0.1.
        lifetime: of certificates, as ``CertificateLifetime`` takes it.
    """

    def __init__(
        self, folder: Path, layout: Layout, *, smtp_port: int, lifetime: str = "30d"
    ) -> None:
        super().__init__(folder, layout, secured=True, smtp_port=smtp_port)
        self.lifetime = lifetime
        self.waited = 0.0

    @property
    def root(self) -> Path:
        """The folder of the root, outside every home."""
        return self.folder / "root"

    @property
    def hub_home(self) -> Path:
        """Where HUB and the issuing authority live."""
        return self.home_of(Component.HUB)

    def make(self) -> None:
        """Make HUB's home with the root and start it; every other server joins."""
        hub = self.layout.seat_of(Component.HUB)
        lui, trk = self.layout.seat_of(Component.LUI), self.layout.seat_of(Component.TRK)
        words: list[str | Path] = ["init", "--home", self.home(hub), "--name", hub.host]
        words += ["--components", ",".join(hub.components), "--own-ca", self.root]
        words += ["--lui", lui.host, "--tracker", trk.host]
        words += ["--set", f"hub/hub.ini:CertificateLifetime={self.lifetime}"]
        words += ["--set", "hub/hub.ini:HeartbeatInterval=1"]
        words += ["--hub-port", str(self.layout.internal_port)]
        words += ["--web-port", str(self.layout.web_port)]
        self.run(*words, *self._settings(hub))
        self.running[hub.label] = RunningServer(self.home(hub))
        self.running[hub.label].wait_ready()
        for seat in self.layout.seats:
            if seat is not hub:
                self.join(seat)

    def join(self, seat: Seat) -> None:
        """Invite a server and have it join."""
        hub = self.layout.seat_of(Component.HUB)
        began = time.monotonic()
        invited = self.run_json(
            "invite", "--home", self.home(hub), "--components", ",".join(seat.components),
            "--name", seat.host, "--address", hub.address,
        )  # fmt: skip
        code = self.folder / f"{seat.label}.code"
        code.write_text(f"{invited['code']}\n", encoding="utf-8")
        code.chmod(0o600)
        self.run("join", "--home", self.home(seat), "--code-file", code, *self._settings(seat))
        code.unlink()
        self.waited += time.monotonic() - began

    def start(self) -> None:
        """Start every server that does not run yet, and wait until all are ready."""
        for seat in self.layout.seats:
            if seat.label not in self.running:
                self.running[seat.label] = RunningServer(self.home(seat))
        for server in self.running.values():
            if "ready" not in server.output:
                server.wait_ready()

    def _settings(self, seat: Seat) -> list[str]:
        """Return the options for a seat on loopback."""
        layout = self.layout
        hub, trk = layout.seat_of(Component.HUB), layout.seat_of(Component.TRK)
        words = ["--bind", seat.address, "--internal-port", str(layout.internal_port)]
        words += ["--tracker-port", str(layout.tracker_port)]
        if set(seat.components) - {Component.HUB}:
            words += ["--hub-address", hub.address]
        if Component.LUI in seat.components:
            words += ["--tracker-address", trk.address]
            words += ["--smtp-host", "127.0.0.1", "--smtp-port", str(self.smtp_port)]
            words += ["--set", "lui/lui.ini:EventTransferInterval=0.5"]
        if Component.TRK in seat.components:
            words += ["--public-address", trk.address, "--public-port", str(layout.public_port)]
            words += ["--public-url", f"http://{trk.address}:{layout.public_port}"]
        return words
