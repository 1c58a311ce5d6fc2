"""``sottovoce demo``: the whole installation once, on real input, with four intruders turned away.

This package plays everybody outside of the installation: the administrator at the command line, the
mail relay, the recipients, the intruders. What runs in between are the real servers.
"""

import argparse

__all__ = ["register", "run"]


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``demo`` to the commands."""
    parser = commands.add_parser(
        "demo",
        help="run a whole installation once, on real input, and show what happened",
        description="Make one, two or three servers on loopback with certificates of their own "
        "authority, start them, send an example campaign through a real SMTP server, let the "
        "recipients open, click and unsubscribe, show the report and the map of connections, and "
        "turn four intruders away. It ends by itself within a minute and cleans up. Exit status: "
        "0 everything held, 2 something did not.",
    )
    parser.add_argument(
        "--servers", type=int, choices=(1, 2, 3), default=3, help="default: %(default)s"
    )
    parser.add_argument("--plain", action="store_true", help="without encryption")
    parser.add_argument(
        "--recipients", type=int, metavar="N", help="default: all of the example list"
    )
    parser.add_argument(
        "--keep", metavar="DIR", help="make the installation in DIR and leave it there"
    )
    parser.add_argument(
        "--json", action="store_true", help="end with one JSON object on the last line"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry the demonstration through; return the exit status."""
    from sottovoce.cli.demo.scenario import run_demo

    return run_demo(args)
