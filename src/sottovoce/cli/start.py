"""``sottovoce start``: run one server's components in the foreground until told to stop."""

import argparse
import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

from sottovoce.cli.options import add_home, home_of

__all__ = ["register", "run"]


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``start`` to the commands."""
    parser = commands.add_parser(
        "start",
        help="run this server's components in the foreground",
        description="Run this server's components in the foreground. SIGTERM or Ctrl-C stops "
        "them: calls and mails under way are finished. SIGHUP, or 'sottovoce reload', has it read "
        "keystore, roots, lists and ssl.ini anew; it notices changes by itself, too. The server "
        "does not start, and says every reason at once, when a file of its home is wrong.",
    )
    add_home(parser)
    parser.add_argument(
        "--unsafe-plain-network",
        action="store_true",
        help="without ssl.ini, listen on other addresses than loopback ones, unencrypted",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read and check everything, then run until a signal comes; return the exit status."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(home_of(args), unsafe=args.unsafe_plain_network))


async def _run(home: Path, *, unsafe: bool) -> int:
    from sottovoce.net import utc_now
    from sottovoce.server import Logs, Server, fetch_before_start, read_plan, renew_before_start

    await asyncio.to_thread(renew_before_start, home, now=utc_now())
    not_fetched = await fetch_before_start(home, clock=utc_now)
    plan = await asyncio.to_thread(read_plan, home, at=utc_now(), starting=True)
    plan = replace(plan, warnings=(*plan.warnings, *not_fetched))
    settings = plan.settings
    logs = Logs(plan.home.logs, level=settings.log_level, components=settings.components)
    server = Server(plan=plan, logs=logs, unsafe_plain_network=unsafe)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, server.reload)
    try:
        await server.start()
        try:
            _say(server)
            await stop.wait()
        finally:
            print("stopping", flush=True)
            await server.stop()
    finally:
        logs.close()
    return 0


def _say(server: "object") -> None:
    from sottovoce.server import Server

    assert isinstance(server, Server)
    for line in server.startup:
        print(line)
    for label, value in server.describe():
        print(f"{label:>14}: {value}")
    print("ready", flush=True)
    sys.stdout.flush()
