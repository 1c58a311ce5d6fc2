"""The demonstration's campaign: an example list and letter, and how its progress is watched."""

import csv
import io
import itertools
import time
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from sottovoce.cli.demo.installation import Installation
from sottovoce.cli.demo.readers import Played
from sottovoce.errors import SottovoceError
from sottovoce.policy import Component

__all__ = ["JOB", "define", "deliver", "example", "recipients", "wait_for_report"]

JOB = "winter letter"
_LIST = "friends"
_SENDER = "Quiet Harbour Choir <choir@example.org>"
_SUBJECT = "{{first_name|Dear friend}}, three evenings by lantern light"

#: Seconds within which every event must have come to LUI.
_PATIENCE = 30.0


def example(name: str) -> Path:
    """Return an example file, from the installed package or from the source tree."""
    packaged = Path(str(files("sottovoce"))) / "examples" / name
    source = Path(__file__).parents[4] / "examples" / name
    for path in (packaged, source):
        if path.is_file():
            return path
    raise SottovoceError(
        f"The example file {name} is missing.", hint="Install sottovoce again, or clone it whole."
    )


def recipients(count: int | None) -> str:
    """Return the example list as CSV, cut or continued to *count* recipients."""
    rows = list(csv.DictReader(io.StringIO(example("recipients.csv").read_text("utf-8"))))
    wanted = len(rows) if count is None else count
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for number in range(wanted):
        row = dict(rows[number % len(rows)])
        if number >= len(rows):
            local, _, domain = row["email"].partition("@")
            row["email"] = f"{local}+{number // len(rows)}@{domain}"
        writer.writerow(row)
    return out.getvalue()


def define(installation: Installation, folder: Path, count: int | None) -> None:
    """Import the list, define the job and authorise it, by the real commands."""
    home = installation.home_of(Component.LUI)
    path = folder / "recipients.csv"
    path.write_text(recipients(count), encoding="utf-8")
    installation.run("list", "import", path, "--list", _LIST, "--home", home)
    installation.run(
        "job", "define", "--name", JOB, "--list", _LIST, "--from", _SENDER, "--subject", _SUBJECT,
        "--html", example("newsletter.html"), "--text", example("newsletter.txt"), "--home", home,
    )  # fmt: skip
    installation.run("job", "authorise", JOB, "--home", home)


def deliver(installation: Installation) -> None:
    """Hand the job over for delivery; the server takes it up by itself."""
    home = installation.home_of(Component.LUI)
    installation.run("job", "deliver", JOB, "--home", home)


def report(installation: Installation) -> dict[str, Any]:
    """Return the report as JSON."""
    home = installation.home_of(Component.LUI)
    found: dict[str, Any] = installation.run_json("report", JOB, "--home", home, good=(0, 1))
    return found


def wait_for_report(
    installation: Installation,
    enough: Callable[[Mapping[str, Any]], bool],
    *,
    watch: Callable[[Mapping[str, Any]], None],
    patience: float = _PATIENCE,
) -> dict[str, Any]:
    """Ask for the report until it is *enough* or *patience* seconds are over; return the last."""
    until = time.monotonic() + patience
    for _ in itertools.count():
        found = report(installation)
        watch(found)
        if enough(found) or time.monotonic() > until:
            return found
        time.sleep(0.2)
    raise AssertionError("unreachable")


def counted(found: Mapping[str, Any]) -> Played:
    """Return what LUI's report says of opens, clicks and unsubscribes."""
    return Played(
        open=found["opens"]["total"],
        click=found["clicks"]["total"],
        unsubscribe=found["unsubscribes"],
    )
