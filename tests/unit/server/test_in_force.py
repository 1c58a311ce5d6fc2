"""What a server has written of what it serves, against its files; a server's writing itself."""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from sottovoce.diagnosis import Finding, Status
from sottovoce.errors import Fault
from sottovoce.net import monotonic, utc_now
from sottovoce.pki import dump_crl
from sottovoce.policy import Component
from sottovoce.server import InUse, read_in_use, read_plan
from sottovoce.server.checking import Notebook, check_home
from sottovoce.server.home import Home, occupy
from sottovoce.server.in_use import LastReload, Told
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

NAME = "lui.test"
DAY = dt.timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path, authority: ThrowAwayAuthority) -> Iterator[Premises]:
    made = Premises.make(
        tmp_path / "home",
        name=NAME,
        components=[Component.LUI],
        authority=authority,
        allowed=(NAME, "hub.test"),
        values={"lui/lui.ini": {"HubHost": "hub.test", "TrackerHost": "hub.test"}},
    ).secure()
    with occupy(Home(made.path)):
        yield made


def in_use(home: Premises) -> InUse:
    """Return what a server writes that was started with the files as they are."""
    generation = read_plan(home.path, at=utc_now()).generation
    return InUse.of(generation, process=os.getpid(), server=NAME, since=utc_now())


def found(home: Premises, *checks: str) -> list[Finding]:
    notebook = Notebook(monotonic=monotonic)
    check_home(home.path, notebook, at=utc_now())
    return [each for each in notebook.findings if each.id in checks]


def another_root(home: Premises, stranger: ThrowAwayAuthority) -> None:
    home.write_roots(home.authority.root, stranger.root)


def a_list(home: Premises, _: ThrowAwayAuthority) -> None:
    folder = home.path / "conf" / "revocation"
    folder.mkdir()
    at = home.authority.at
    crl = home.authority.authority.revocation_list(
        [], this_update=at - DAY, next_update=at + DAY, number=1
    )
    (folder / "root.crl").write_bytes(dump_crl(crl))
    home.set("server.ini", "RevocationLists", str(folder))


CHANGES: dict[str, tuple[Callable[[Premises, ThrowAwayAuthority], object], str]] = {
    "certificate": (
        lambda home, _: home.write_identity(home.authority.issue(NAME)),
        "In use: certificate ",
    ),
    "list": (
        lambda home, _: home.write_ssl(SSLAllowedClients=f"{NAME},trk.test"),
        "another list than the one on disk",
    ),
    "roots": (another_root, "1 are new there, 0 are gone"),
    "revocation": (a_list, "The revocation lists in use"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_differs_is_told(
    home: Premises, stranger: ThrowAwayAuthority, change: str
) -> None:
    """A6, O3."""
    in_use(home).write(Home(home.path))
    [fine] = found(home, "in-force")
    assert (fine.status, "trust generation 1" in fine.message) == (Status.FINE, True)
    act, said = CHANGES[change]
    act(home, stranger)
    [told] = found(home, "in-force")
    assert (told.code, told.status) == ("not-reloaded", Status.WARNING)
    assert said in told.message
    assert "sottovoce reload" in told.next_step


def test_a_refused_reload_is_told_with_its_reasons(home: Premises) -> None:
    fault = Fault(code="root-not-spread", why="HUB does not know the new CA.", hint="Import it.")
    last = LastReload(
        at=utc_now(), reason="files changed", outcome="refused", faults=Told.of([fault])
    )
    msgspec.structs.replace(in_use(home), reloads=3, last=last).write(Home(home.path))
    [told] = found(home, "last-reload")
    assert (told.code, told.next_step) == ("root-not-spread", "Import it.")
    assert "HUB does not know the new CA." in told.message


def test_a_moved_switch_is_told(home: Premises) -> None:
    """W18."""
    InUse.of(None, process=os.getpid(), server=NAME, since=utc_now()).write(Home(home.path))
    [told] = found(home, "in-force")
    assert told.code == "restart-needed"
    home.ssl_ini.unlink()
    [fine] = found(home, "in-force")
    assert "is plain since" in fine.message


def test_what_another_process_wrote_is_of_the_past(home: Premises) -> None:
    path = Home(home.path).serving
    for write in (
        lambda: None,
        lambda: msgspec.structs.replace(in_use(home), process=1).write(Home(home.path)),
        lambda: path.write_bytes(b"{"),
    ):
        write()
        [skipped] = found(home, "in-force")
        assert skipped.status is Status.SKIPPED
    assert read_in_use(Home(home.path)) is None


def test_a_fault_comes_back_as_it_was_told() -> None:
    fault = Fault(
        code="ini-bad-value", why="No.", expected="a", presented="b", hint="Mend it.", file="f",
        line=3,
    )  # fmt: skip
    [told] = Told.of([fault])
    assert told.as_fault() == fault
    assert told.as_fault(warning=True) == replace(fault, warning=True)
