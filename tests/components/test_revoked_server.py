"""A server is cut off: by one command, everywhere, with the reason on both sides."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sottovoce.net import utc_now
from sottovoce.pki import dump_certificates
from sottovoce.policy import Component
from sottovoce.server import read_plan
from sottovoce.testing.managed import ManagedInstallation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

#: Seconds that anything may take that is waited for.
PATIENCE = 60.0


def lines(
    installation: ManagedInstallation, component: Component, **wanted: object
) -> list[dict[str, Any]]:
    return [line for line in installation.security_log(component) if wanted.items() <= line.items()]


class Thief:
    """Somebody with the tracker's key and certificate, and openssl."""

    def __init__(self, installation: ManagedInstallation, folder: Path) -> None:
        generation = read_plan(installation.home_of(Component.TRK), at=utc_now()).generation
        assert generation is not None
        key, chain = generation.identity.key, generation.identity.chain
        folder.mkdir()
        self.key, self.chain = folder / "key.pem", folder / "chain.pem"
        self.session = folder / "session"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.key.write_bytes(pem)
        self.chain.write_bytes(dump_certificates(chain))
        layout = installation.layout
        self.place = f"{layout.seat_of(Component.HUB).address}:{layout.internal_port}"

    def call(self, *session: str | Path) -> str:
        """Call HUB; return what openssl printed. The greeting keeps it open until we end it."""
        done = subprocess.run(
            [
                *(
                    "openssl",
                    "s_client",
                    "-connect",
                    self.place,
                    "-servername",
                    "hub.sottovoce.test",
                ),
                *("-key", self.key, "-cert", self.chain, "-cert_chain", self.chain),
                *("-alpn", "sottovoce/1", "-ign_eof", *session),
            ],
            input=b"",
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return (done.stdout + done.stderr).decode("utf-8", "replace")


@pytest.mark.parametrize("installation", [3], indirect=True)
def test_a_revoked_server_is_cut_off_everywhere_and_told_why(
    installation: ManagedInstallation,
    eventually: Callable[[Callable[[], Any]], Any],
    tmp_path: Path,
) -> None:
    eventually(
        lambda: (
            len(lines(installation, Component.HUB, outcome="accepted", side="accepting")) >= 2
            and lines(installation, Component.TRK, outcome="accepted", side="accepting")
        )
    )
    thief = Thief(installation, tmp_path / "thief")
    before = thief.call("-sess_out", thief.session)
    assert "New, TLSv1.3" in before
    assert "alert" not in before

    revoked = installation.run_json(
        "ca", "revoke", "--home", installation.hub_home, "--server", "trk.sottovoce.test",
        "--reason", "keyCompromise",
    )  # fmt: skip

    # HUB, which TRK called, and LUI, which called TRK, both close what is open.
    assert revoked
    sentence = "Closed 1 open connection of trk.sottovoce.test (revoked)"
    eventually(lambda: sentence in log(installation, "hub"))
    eventually(lambda: sentence in log(installation, "lui"))
    closed = eventually(
        lambda: lines(installation, Component.HUB, outcome="closed", announced="trk.sottovoce.test")
    )
    assert "revoked" in json.dumps(closed)

    # The next attempt is refused, and both sides know why, under one connection id.
    refused = eventually(
        lambda: lines(
            installation, Component.HUB, outcome="refused", side="accepting", code="revoked"
        )
    )
    told = eventually(
        lambda: [
            line
            for line in lines(installation, Component.TRK, outcome="refused", side="calling")
            if line["refused_by"] == "peer" and "revoked" in line["codes"]
        ]
    )
    assert {line["connection"] for line in told} & {line["connection"] for line in refused}
    mine = eventually(
        lambda: lines(
            installation, Component.LUI, outcome="refused", side="calling", code="revoked"
        )
    )
    assert mine[0]["dialled"] == "trk.sottovoce.test"

    # Whoever holds the stolen key is refused as well, with or without an old session.
    for session in ((), ("-sess_in", thief.session)) if thief.session.exists() else ((),):
        printed = thief.call(*session)
        assert "certificate revoked" in printed
        assert "Reused" not in printed

    # HUB says so on its map.
    eventually(lambda: "refused" in states(installation))
    assert "secured" in states(installation)


def log(installation: ManagedInstallation, label: str) -> str:
    seat = next(seat for seat in installation.layout.seats if seat.label == label)
    return (installation.home(seat) / "logs" / "server.log").read_text("utf-8")


def states(installation: ManagedInstallation) -> list[str]:
    found = installation.run_json("edges", "--home", installation.hub_home, good=(0, 1, 2))
    edges = found["edges"]
    return [edge["state"] for edge in edges]
