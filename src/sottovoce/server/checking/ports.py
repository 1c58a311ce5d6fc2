"""The sixth checks: the ports of this server: free, open by this server, or somebody else's.

A port is tried by binding it and letting it go; nothing ever listens there. Who holds a port is
read from ``/proc`` where there is one (Linux), and only of processes of the same user.
"""

import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from sottovoce.errors import Fault, SettingsError
from sottovoce.policy import Component
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.home import Faults

__all__ = ["check_ports", "running_process"]

_PROC = Path("/proc")
_TCP_TABLES = ("net/tcp", "net/tcp6")
#: State LISTEN in ``/proc/net/tcp``.
_LISTENING = "0A"


def running_process(home: Path) -> int:
    """Return the id of the server that runs on a home, or 0 when none does.

    The lock itself is not tried: for that moment it would keep a server from starting.
    """
    lock = home / "server.lock"
    try:
        process = int(lock.read_text("ascii").strip() or "0")
        if process <= 0:
            return 0
        os.kill(process, 0)
    except PermissionError:
        return process
    except (OSError, ValueError, OverflowError):
        return 0
    try:
        held = {str(link.readlink()) for link in (_PROC / str(process) / "fd").iterdir()}
    except OSError:
        return process  # not ours to look at, or no /proc: its word counts
    return process if str(lock.resolve()) in held else 0


def check_ports(notebook: Notebook, known: Examination) -> None:
    """Check each port that this server opens."""
    notebook.group = "Ports"
    if known.settings is None:
        notebook.skip("ports", "No port was tried: mend server.ini first.")
        return
    for check, what, address, port in _ports(known):
        notebook.look(check, partial(_try, known, what, address, port), fine=str)


def _ports(known: Examination) -> Iterator[tuple[str, str, str, int]]:
    settings = known.settings
    assert settings is not None
    address = settings.bind_address
    if not known.secured and not ipaddress.ip_address(address).is_loopback:
        address = "127.0.0.1"  # what is plain listens on loopback only (SPEC W3)
    if Component.HUB in known.components:
        yield "port-internal", "internal port", address, settings.internal_port
    if Component.TRK in known.components:
        yield "port-tracker", "tracker port", address, settings.tracker_port
    if known.hub is not None and known.hub.web is not None:
        yield "port-web", "port of HUB's pages", known.hub.web.address, known.hub.web.port
    if known.trk is not None and known.trk.public_port:
        yield "port-public", "public web port", known.trk.public_address, known.trk.public_port


def _try(known: Examination, what: str, address: str, port: int, _: Faults) -> str:
    """Return what is to be said of a port that is right."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            place = f"{address}:{port}"
            if error.errno == errno.EADDRINUSE:
                return _in_use(known, what, place, port)
            raise SettingsError([_refused(known, what, place, error)]) from error
    if known.process:
        raise SettingsError([_not_open(known, what, f"{address}:{port}")])
    return f"The {what} {address}:{port} is free."


def _in_use(known: Examination, what: str, place: str, port: int) -> str:
    holders = _holders(port)
    if known.process and (known.process in holders or not holders):
        return f"The {what} {place} is open, by this server (process {known.process})."
    others = ", ".join(f"process {each} ({_name(each)})" for each in sorted(holders))
    who = others or "another program"
    raise SettingsError(
        [
            Fault(
                code="port-in-use",
                why=f"{known.own_name} cannot listen on its {what} {place}: {who} listens there.",
                expected=f"{place} free, or open by this server",
                presented=who,
                hint="Stop the other program (ss -ltnp shows it), or set another port.",
            )
        ]
    )


def _not_open(known: Examination, what: str, place: str) -> Fault:
    return Fault(
        code="port-unavailable",
        why=f"This server runs (process {known.process}), and its {what} {place} is not open: it "
        "was started with other settings, or is still starting.",
        expected=f"{place} open",
        presented="nobody listens there",
        hint="Restart the server, so that it reads its settings anew.",
        warning=True,
    )


def _refused(known: Examination, what: str, place: str, error: OSError) -> Fault:
    if error.errno == errno.EACCES:
        return Fault(
            code="port-not-allowed",
            why=f"{known.own_name} may not open its {what} {place}: user {os.geteuid()} has no "
            "right to ports below 1024.",
            expected="a port from 1024 on, or the right to lower ones",
            presented=place,
            hint="Give the service the right CAP_NET_BIND_SERVICE, or set another port.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return Fault(
            code="address-not-here",
            why=f"{known.own_name} cannot listen on {place} (its {what}): this machine does not "
            "have that address.",
            expected="an address of this machine",
            presented=place,
            hint="Correct BindAddress in server.ini (PublicAddress in trk/tracker.ini, "
            "WebAddress in hub/hub.ini); "
            "'ip address' shows those of this machine.",
        )
    return Fault(
        code="port-unavailable",
        why=f"{known.own_name} cannot open its {what} {place}: {error.strerror}.",
        presented=place,
        hint="Set another address or port.",
    )


def _holders(port: int) -> set[int]:
    """Return the processes that listen on a port, as far as this user may see them."""
    inodes = set(_inodes(port))
    if not inodes:
        return set()
    return {process for process in _processes() if inodes & set(_sockets(process))}


def _inodes(port: int) -> Iterator[str]:
    for table in _TCP_TABLES:
        with suppress(OSError):
            for line in (_PROC / table).read_text("ascii").splitlines()[1:]:
                columns = line.split()
                if columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                    yield f"socket:[{columns[9]}]"


def _processes() -> Iterator[int]:
    with suppress(OSError):
        for each in _PROC.iterdir():
            if each.name.isdigit():
                yield int(each.name)


def _sockets(process: int) -> Iterator[str]:
    with suppress(OSError):
        for link in (_PROC / str(process) / "fd").iterdir():
            with suppress(OSError):
                yield str(link.readlink())


def _name(process: int) -> str:
    try:
        return (_PROC / str(process) / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return "unknown"
