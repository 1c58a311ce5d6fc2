"""How the demonstration looks on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sottovoce.cli.demo.layout import Layout
from sottovoce.policy import CONNECTIONS

if TYPE_CHECKING:
    from sottovoce.cli.demo.scenario import Intrusion

__all__ = ["print_end", "print_intrusions", "print_layout", "print_report"]


def print_layout(console: Console, layout: Layout, *, secured: bool) -> None:
    """Print which components run where, and how they will speak."""
    how = "over mutual TLS" if secured else "WITHOUT encryption"
    console.print(f"{len(layout.seats)} server(s), speaking {how}:")
    for seat in layout.seats:
        names = ", ".join(component.label for component in seat.components)
        console.print(f"  {seat.host} at {seat.address}: {names}")
    for caller, called in CONNECTIONS:
        port = layout.internal_port if called.value == "hub" else layout.tracker_port
        console.print(f"  {caller.label} → {called.label}, port {port}")


def print_report(console: Console, text: str) -> None:
    """Print what a command printed, as it is."""
    console.print(Text(text.rstrip("\n")))


def print_intrusions(console: Console, found: "Sequence[Intrusion]") -> None:
    """Print the attempts, why each was refused, and what the intruder was told."""
    table = Table(title="Intruders", title_justify="left", box=box.SIMPLE)
    for title in ("attempt", "refused", "logged as", "was told"):
        table.add_column(title, overflow="fold")
    for intrusion in found:
        table.add_row(
            Text(intrusion.attempt),
            "yes" if intrusion.refused else "NO",
            Text(intrusion.code),
            Text("\n".join(intrusion.told)),
        )
    console.print(table)


def print_end(console: Console, faults: Sequence[str], seconds: float, *, kept: str | None) -> None:
    """Print the last sentence."""
    if faults:
        console.print(f"{len(faults)} thing(s) did not hold, after {seconds} s:")
        for fault in faults:
            console.print(Text(f"  {fault}"))
    else:
        console.print(f"Everything held, in {seconds} s.")
    if kept is not None:
        console.print(f"The installation is in {kept}; start a server of it again with "
                      f"'sottovoce start --home {kept}/…'.")  # fmt: skip
