"""Options that several commands have."""

import argparse
import os
from pathlib import Path

from sottovoce.errors import WrongUsage
from sottovoce.policy import Component

__all__ = ["add_home", "components_of", "home_of"]


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


def components_of(text: str | None) -> tuple[Component, ...]:
    """Return the components of a comma list.

    Raises:
        WrongUsage: it is none.
    """
    names = [name for name in (text or "").lower().split(",") if name]
    known = {component.value: component for component in Component}
    if not names or any(name not in known for name in names) or len(set(names)) < len(names):
        raise WrongUsage(
            f"--components {text or ''!r} is not a list of components.",
            hint="Name each of hub, lui, trk at most once, separated by commas.",
        )
    return tuple(known[name] for name in names)
