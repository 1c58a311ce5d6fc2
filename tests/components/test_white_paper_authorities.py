"""Three servers under three CAs (W11); a server with several keys in one keystore (W10, W12)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.cli import main
from sottovoce.keystore import Keystore
from sottovoce.policy import Component
from sottovoce.testing import ThrowAwayAuthority

if TYPE_CHECKING:
    from tests.components.conftest import Estate

Eventually = Callable[[Callable[[], Any]], Any]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SEATS = (("hub", [Component.HUB]), ("lui", [Component.LUI]), ("trk", [Component.TRK]))
LABELS = tuple(label for label, _ in SEATS)
_DAY, _YEAR = timedelta(days=1), timedelta(days=365)
#: Who calls whom (DESIGN §5).
EDGES = (("lui", "hub"), ("lui", "trk"), ("trk", "hub"))


def keytool(home: Path, *words: str) -> None:
    assert main(["keytool", "--home", str(home), *words]) == 0


@pytest.fixture
def authorities(moment: datetime) -> dict[str, ThrowAwayAuthority]:
    return {label: ThrowAwayAuthority(f"CA of {label}", at=moment) for label in LABELS}


@pytest.fixture
def three(estate: "Estate", authorities: dict[str, ThrowAwayAuthority], tmp_path: Path) -> "Estate":
    """Each server certified by a CA of its own; every root imported everywhere: nine imports."""
    estate.build(*SEATS)
    for label, authority in authorities.items():
        pem = authority.root.public_bytes(Encoding.PEM)
        (tmp_path / f"{label}.pem").write_bytes(pem)
    for label, component in SEATS:
        home = estate.homes[label]
        home.write_identity(authorities[label].issue(home.name, roles=component))
        home.write_ssl()
        for other in LABELS:
            import_root(estate, label, other)
    return estate


def import_root(estate: "Estate", on: str, of: str) -> None:
    words = ("-importcert", "-cacerts", "-noprompt", "-alias", f"root-{of}")
    keytool(estate.homes[on].path, *words, "-file", str(estate.folder / f"{of}.pem"))


def latest(estate: "Estate", caller: str, called: str, since: int) -> str:
    """Return what the caller last made of that connection since a line of its log."""
    lines = estate.security(caller, side="calling", dialled=estate.host(called))
    outcomes = [each["outcome"] for each in lines[since:] if each["outcome"] != "closed"]
    return str(outcomes[-1]) if outcomes else ""


def settled(
    estate: "Estate", eventually: Eventually, since: dict[tuple[str, str], int]
) -> dict[tuple[str, str], str]:
    """Return the outcome of each connection once all of them have one."""
    found: dict[tuple[str, str], str] = {}

    def known() -> bool:
        found.update({edge: latest(estate, *edge, since.get(edge, 0)) for edge in EDGES})
        return all(found.values())

    eventually(known)
    return found


def made_so_far(estate: "Estate") -> dict[tuple[str, str], int]:
    return {
        (caller, called): len(estate.security(caller, side="calling", dialled=estate.host(called)))
        for caller, called in EDGES
    }


def start(estate: "Estate") -> None:
    """Start those that are called before those that call: nobody knocks at a closed door."""
    for label in ("hub", "trk", "lui"):
        estate.start(label)


def test_with_all_nine_roots_every_connection_is_secured(
    three: "Estate", eventually: Eventually
) -> None:
    start(three)
    assert set(settled(three, eventually, {}).values()) == {"accepted"}
    for caller, called in EDGES:
        (line, *_) = three.security(caller, side="calling", dialled=three.host(called))
        assert line["secured"]
        assert line["tls"] == "TLSv1.3"
    assert three.stop_all() == [0, 0, 0]


@pytest.mark.parametrize(("on", "of"), list(permutations(LABELS, 2)))
def test_without_one_root_exactly_one_connection_fails_and_both_logs_name_the_ca(
    on: str, of: str, three: "Estate", eventually: Eventually
) -> None:
    """W11, T2, T3: whichever side lacks the root, both are told which CA it is."""
    keytool(three.homes[on].path, "-delete", "-cacerts", "-alias", f"root-{of}")
    start(three)
    failing = next(edge for edge in EDGES if set(edge) == {on, of})
    outcomes = settled(three, eventually, {})
    assert {edge for edge, outcome in outcomes.items() if outcome == "refused"} == {failing}
    caller, called = failing

    def named(label: str, side: str) -> bool:
        lines = three.security(label, side=side)
        return any(f"CA of {of}" in str(line) for line in lines if line["outcome"] != "accepted")

    eventually(lambda: named(caller, "calling") and named(called, "accepting"))
    # Importing it mends exactly that.
    import_root(three, on, of)
    three.stop(on)
    since = made_so_far(three)
    three.start(on)
    eventually(lambda: latest(three, *failing, since[failing]) == "accepted")
    three.stop_all()


@pytest.mark.parametrize("label", LABELS)
def test_a_server_that_lacks_its_own_root_does_not_start_and_says_which(
    label: str, three: "Estate", capfd: pytest.CaptureFixture[str]
) -> None:
    """W11: the other three of the nine; found before any port is open."""
    keytool(three.homes[label].path, "-delete", "-cacerts", "-alias", f"root-{label}")
    capfd.readouterr()
    assert main(["start", "--home", str(three.homes[label].path)]) == 2
    said = capfd.readouterr().err
    assert f"CA of {label}" in said
    assert "-importcert -cacerts" in said


def test_several_keys_in_one_keystore_each_for_its_name(
    estate: "Estate", authority: ThrowAwayAuthority, eventually: Eventually
) -> None:
    """W10, W12: HUB is called by two names, and its keystore holds a key for each and one more.

    TRK dials ``desk``, LUI dials ``hub``; each gets the certificate for the name it dialled.
    """
    desk = estate.host("desk")
    estate.build(*SEATS, values={"trk/tracker.ini": {"HubHost": desk}})
    names = (*(estate.host(label) for label in LABELS), desk)
    for label, component in SEATS:
        home = estate.homes[label]
        home.secure()
        home.write_ssl(SSLAllowedClients=",".join(names))
        if label == "hub":
            entries = {
                "pages": authority.issue("www.example.test"),
                "desk": authority.issue(desk, roles=component),
                "hub": authority.issue(home.name, roles=component),
                "old": authority.issue(
                    "old.example.test",
                    not_before=authority.at - _YEAR,
                    not_after=authority.at - _DAY,
                ),
            }
            home.write_keystore(Keystore(entries=entries))
    start(estate)
    for caller, dialled in (("lui", estate.host("hub")), ("trk", desk)):
        wanted = {"side": "calling", "dialled": dialled, "outcome": "accepted"}
        (line,) = eventually(partial(estate.security, caller, **wanted))
        assert line["names"] == [dialled]
        assert line["announced"] == dialled
    assert "The key 'old' is not used" in estate.homes["hub"].log("server.log")
    assert estate.stop_all() == [0, 0, 0]


def test_several_keys_without_one_for_the_server_are_listed(
    estate: "Estate", authority: ThrowAwayAuthority, capfd: pytest.CaptureFixture[str]
) -> None:
    """K7."""
    estate.build(*SEATS)
    home = estate.homes["hub"].secure()
    home.write_identity(authority.issue("one.test"), authority.issue("two.test"))
    assert main(["start", "--home", str(home.path)]) == 2
    said = capfd.readouterr().err
    assert "keystore-several-keys" in said
    assert f"None of them has a certificate for {home.name}" in said
