"""``sottovoce edges``: HUB's map of the three connections."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sottovoce.cli import edges
from sottovoce.contracts import CertificateFacts, EdgePosture
from sottovoce.policy import Component
from sottovoce.testing.homes import Premises

if TYPE_CHECKING:
    from tests.cli.conftest import Run

LUI, HUB, TRK = Component.LUI, Component.HUB, Component.TRK
ENDS = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
PAIRS = ((LUI, HUB), (TRK, HUB), (LUI, TRK))


def edge(caller: Component, called: Component, state: str, fingerprint: str = "") -> EdgePosture:
    secured = state == "secured"
    return EdgePosture(
        caller=caller,
        called=called,
        port=7000 if called is TRK else 1099,
        state=state,
        name=f"{called}.test",
        called_certificate=CertificateFacts(
            names=(f"{called}.test",),
            fingerprint=fingerprint,
            begins=ENDS - timedelta(days=90),
            ends=ENDS,
        )
        if secured
        else None,
        code="" if secured or state == "plain" else "peer-not-secured",
    )


def test_a_fresh_installation_has_three_connections_that_are_not_up(
    home: Premises, sottovoce: "Run"
) -> None:
    """W4: the map has them all from the beginning."""
    printed = sottovoce("edges", "--home", home.path, "--json")
    assert printed.status == 2
    found = json.loads(printed.out)
    assert {(each["from"], each["to"]) for each in found} == {
        ("lui", "hub"),
        ("trk", "hub"),
        ("lui", "trk"),
    }
    assert {each["state"] for each in found}.isdisjoint({"secured", "plain"})
    assert sottovoce("edges", "--home", home.path).status == 2


def test_a_fingerprint_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Not as a picture: ``:AB:`` and the like are names of such in the library that prints."""
    value = ":".join(["F0", "AB", "CL", "ID", "ON", "UP", "A", "B"])
    edges._print(tuple(edge(*pair, "secured", value) for pair in PAIRS))
    printed = "".join(capsys.readouterr().out.split())
    assert value[:8] in printed


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        (["secured"] * 3, "Secured: all 3 connections. The first certificate ends 2027-03-01"),
        (["plain"] * 3, "NOT secured: no connection is encrypted. Secure all servers, or none."),
        (
            ["secured", "refused", "plain"],
            "NOT all secured: TRK → HUB is refused, LUI → TRK is plain.",
        ),
    ],
)
def test_one_sentence_says_whether_all_of_it_is_secured(states: list[str], sentence: str) -> None:
    """W4."""
    found = tuple(edge(*pair, state) for pair, state in zip(PAIRS, states, strict=True))
    assert edges.summary(found).startswith(sentence)


def test_only_hubs_server_knows(tmp_path: Path, sottovoce: "Run") -> None:
    path = tmp_path / "trk"
    words = ["init", "--home", path, "--name", "t.test", "--components", "trk"]
    assert sottovoce(*words, "--hub", "h.test", "--lui", "l.test").status == 0
    printed = sottovoce("edges", "--home", path)
    assert printed.status == 64
    assert "Run this on HUB's server." in printed.err


def test_what_is_no_home_is_said_to_be_none(tmp_path: Path, sottovoce: "Run") -> None:
    printed = sottovoce("edges", "--home", tmp_path)
    assert (printed.status, printed.codes()) == (2, ["file-missing"])
