"""Options that several commands have."""

import argparse
import os
from pathlib import Path

from sottovoce.errors import WrongUsage

__all__ = ["add_home", "home_of"]


def add_home(parser: argparse.ArgumentParser, *, of: str = "the server") -> None:
    """Add ``--home DIR``, which ``$SOTTOVOCE_HOME`` may stand for."""
    home = os.environ.get("SOTTOVOCE_HOME")
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        default=Path(home) if home else None,
        help=f"the home folder of {of} (default: $SOTTOVOCE_HOME)",
    )


def home_of(args: argparse.Namespace) -> Path:
    """Return the home that was named.

    Raises:
        WrongUsage: none was.
    """
    if args.home is None:
        raise WrongUsage("No server home is named.", hint="Give --home DIR or set SOTTOVOCE_HOME.")
    home: Path = args.home
    return home.absolute()
