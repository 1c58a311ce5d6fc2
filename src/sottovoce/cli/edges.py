"""``sottovoce edges``: who may talk to whom, who does, until when; read from HUB's registry."""

import argparse
import asyncio
import json
from pathlib import Path

from sottovoce.cli.options import add_home, home_of
from sottovoce.contracts import EdgePosture
from sottovoce.errors import WrongUsage
from sottovoce.policy import Component

__all__ = ["edge_fields", "register", "run"]


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``edges`` to the commands."""
    parser = commands.add_parser(
        "edges",
        help="show the installation's connections: who may talk to whom, who does, until when",
        description="Show the three connections of the installation as HUB knows them: state "
        "(secured, plain, down, refused), the partner's name and certificate, and when the first "
        "certificate ends. Exit status: 0 all in one state and up, 2 anything else.",
    )
    add_home(parser, of="HUB's server")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.set_defaults(run=run)


def edge_fields(edge: EdgePosture) -> dict[str, str | int]:
    """Return a connection as JSON-ready fields."""
    return {
        "from": edge.caller.value,
        "to": edge.called.value,
        "port": edge.port,
        "state": edge.state,
        "name": edge.name,
        "fingerprint": edge.fingerprint,
        "expires": edge.expires.isoformat() if edge.expires is not None else "",
        "code": edge.code,
    }


def run(args: argparse.Namespace) -> int:
    """Print the map; return the exit status."""
    edges = asyncio.run(_edges(home_of(args)))
    if args.json:
        print(json.dumps([edge_fields(edge) for edge in edges]))
    else:
        _print(edges)
    states = {edge.state for edge in edges}
    return 0 if states in ({"secured"}, {"plain"}) else 2


async def _edges(path: Path) -> tuple[EdgePosture, ...]:
    from sottovoce.hub import HubSettings, open_posture
    from sottovoce.net import utc_now
    from sottovoce.server import Home, is_secured
    from sottovoce.server.home import read_ini

    home = Home(path)
    settings = home.settings()
    if Component.HUB not in settings.components:
        raise WrongUsage(
            f"HUB does not run on {settings.server_name}, and only HUB knows all connections.",
            hint="Run this on HUB's server.",
        )
    ini = home.component_ini(Component.HUB)
    hub = HubSettings.read(read_ini(ini), file=str(ini))
    return await open_posture(
        path,
        hub,
        own_name=settings.server_name,
        secured=is_secured(home),
        clock=utc_now,
    )


def _print(edges: tuple[EdgePosture, ...]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, emoji=False, markup=False)
    console.print(summary(edges))
    table = Table(box=box.SIMPLE, padding=(0, 1))
    for title in ("from", "to", "port", "state", "name", "expires", "SHA-256"):
        table.add_column(title, overflow="fold")
    for edge in edges:
        state = f"{edge.state} ({edge.code})" if edge.code else edge.state
        ends = edge.expires.strftime("%Y-%m-%d") if edge.expires is not None else ""
        table.add_row(
            edge.caller.label,
            edge.called.label,
            str(edge.port),
            state,
            edge.name,
            ends,
            # The beginning is enough to compare by eye; --json has all of it.
            f"{edge.fingerprint[:11]}…" if edge.fingerprint else "",
        )
    console.print(table)


def summary(edges: tuple[EdgePosture, ...]) -> str:
    """Return the one sentence that says whether all of it is secured."""
    states = {edge.state for edge in edges}
    if states == {"secured"}:
        first = min((edge.expires for edge in edges if edge.expires is not None), default=None)
        until = f" The first certificate ends {first:%Y-%m-%d %H:%M} UTC." if first else ""
        return f"Secured: all {len(edges)} connections.{until}"
    if states == {"plain"}:
        return "NOT secured: no connection is encrypted. Secure all servers, or none."
    bad = [
        f"{edge.caller.label} → {edge.called.label} is {edge.state}"
        for edge in edges
        if edge.state != "secured"
    ]
    return f"NOT all secured: {', '.join(bad)}."
