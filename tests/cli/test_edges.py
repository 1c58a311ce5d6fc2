"""``sottovoce edges``: HUB's map of the three connections, its history, who was not let in."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sottovoce.cli import edges_printing as printing
from sottovoce.contracts import CertificateFacts, EdgePosture, Refusal, RefusedCaller
from sottovoce.hub.home import open_database
from sottovoce.hub.service import ChangeKind, EdgeChange, Refused, SecurityReport, history
from sottovoce.hub.service.installation import Installation
from sottovoce.hub.service.refused import keep_refused
from sottovoce.hub.service.report import ComponentFacts
from sottovoce.net import utc_now
from sottovoce.policy import CONNECTIONS, Component
from sottovoce.testing.homes import Premises

if TYPE_CHECKING:
    from tests.cli.conftest import Run

LUI, HUB, TRK = Component.LUI, Component.HUB, Component.TRK
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PRINT = ":".join(f"{number:02X}" for number in range(200, 232))


def certificate(name: str, *, days: float = 61, fingerprint: str = PRINT) -> CertificateFacts:
    return CertificateFacts(
        names=(name,),
        fingerprint=fingerprint,
        begins=AT - timedelta(days=30),
        ends=AT + timedelta(days=days, hours=1),
    )


def edge(caller: Component, called: Component, **parts: object) -> EdgePosture:
    secured: dict[str, object] = {
        "state": "secured",
        "since": AT - timedelta(hours=2),
        "caller_certificate": certificate(f"{caller}.example.org", fingerprint=f"{caller}:{PRINT}"),
        "called_certificate": certificate(f"{called}.example.org"),
        "tls": "TLSv1.3",
        "group": "X25519MLKEM768",
    }
    given = parts if "state" in parts else secured | parts
    return EdgePosture(
        caller=caller,
        called=called,
        port=7000 if called is TRK else 1099,
        name=f"{called}.example.org",
        **given,  # type: ignore[arg-type]
    )


def report(*edges: EdgePosture, **parts: object) -> SecurityReport:
    given: dict[str, object] = {"refused": (), "changes": (), "components": ()} | parts
    return SecurityReport(at=AT, edges=edges, **given)  # type: ignore[arg-type]


REFUSED = edge(
    LUI,
    TRK,
    state="refused",
    since=AT - timedelta(minutes=5),
    code="name-mismatch",
    message="The certificate is for other.example.org, not for trk.example.org, which was dialled.",
    known="AA:AA",
    called_certificate=certificate("other.example.org", fingerprint="BB:BB"),
    refusal=Refusal(
        at=AT - timedelta(minutes=1),
        code="name-mismatch",
        message="The certificate is for other.example.org.",
        next_step="Give TRK's server a certificate for trk.example.org.",
        by="caller",
    ),
)
STRANGER = Refused(
    HUB,
    RefusedCaller(
        at=AT - timedelta(hours=3),
        port=1099,
        address="203.0.113.9",
        code="plaintext-peer",
        message="203.0.113.9 spoke without encryption to port 1099.",
        attempts=4,
    ),
)


def test_a_fresh_installation_has_three_connections_that_are_not_up(
    home: Premises, sottovoce: "Run"
) -> None:
    """W4: the map has them all from the beginning, and says that HUB does not run."""
    printed = sottovoce("edges", "--home", home.path, "--json")
    assert printed.status == 2
    found = json.loads(printed.out)
    assert found["hub_runs"] is False
    assert [(each["from"], each["to"]) for each in found["edges"]] == list(CONNECTIONS)
    assert {each["code"] for each in found["edges"]} == {"never-seen"}
    assert "changes" not in found
    text = sottovoce("edges", "--home", home.path)
    assert text.status == 2
    assert text.out.startswith("Secured: none of the 3 connections.")
    assert "HUB does not run on this home" in text.out
    assert sottovoce("edges", "--home", home.path, "--history").out.strip() == (
        "No change has been noted yet."
    )


def test_history_and_refused_callers_are_read_from_hubs_registry(
    home: Premises, sottovoce: "Run"
) -> None:
    stranger = RefusedCaller(
        at=utc_now(), port=1099, address="203.0.113.9", code="plaintext-peer", message="No TLS."
    )
    asyncio.run(_write(home.path, stranger))
    found = json.loads(sottovoce("edges", "--home", home.path, "--history", "1", "--json").out)
    assert [each["address"] for each in found["refused"]] == ["203.0.113.9"]
    assert [(each["kind"], each["after"]) for each in found["changes"]] == [("state", "down")]
    assert "203.0.113.9 at HUB's port 1099" in sottovoce("edges", "--home", home.path).out
    text = sottovoce("edges", "--home", home.path, "--history").out
    assert "TRK → HUB: plain → down (silent)" in text


async def _write(home: Path, stranger: RefusedCaller) -> None:
    """Let HUB note a stranger and a component that came and fell silent."""
    from sottovoce.contracts import Caller, HubHello
    from sottovoce.hub.service import RosterKeeper

    installation = Installation(
        own_name="h.test", secured=False, servers={LUI: "l.test", TRK: "t.test"},
        heartbeat_interval=10,
    )  # fmt: skip
    hour = timedelta(hours=1)
    async with await open_database(home) as database:
        caller = Caller(component=TRK, server="t.test", secured=False)
        then = utc_now() - hour
        hello = HubHello(
            instance="i", version="1", started=then, listens=(), secured=False, now=then
        )
        await RosterKeeper(database, installation=installation, clock=lambda: then).hello(
            caller, hello
        )
        async with database.write() as connection:
            await keep_refused(connection, HUB, [stranger])
            await history.note(connection, installation, utc_now())


@pytest.mark.parametrize("number", ["0", "-1", "10001", "many"])
def test_a_history_has_a_sensible_length(number: str, home: Premises, sottovoce: "Run") -> None:
    assert sottovoce("edges", "--home", home.path, "--history", number).status == 64


def test_every_line_fits_a_terminal_and_says_what_the_issue_asks_for() -> None:
    """Identity expected and seen, fingerprint, TLS version and group, days left, last refusal."""
    long = edge(LUI, HUB, caller_certificate=certificate("a-very-long-name." * 9 + "example.org"))
    printed = printing.overview(
        report(long, edge(TRK, HUB), REFUSED, refused=(STRANGER,)), running=True
    )
    assert all(len(line) <= 80 for line in printed.splitlines())
    flat = " ".join(printed.split())
    for words in (
        "LUI → HUB, port 1099: secured since 2026-11-23 10:00:00 UTC",
        "expected hub.example.org",
        "HUB has hub.example.org, expires in 61 days SHA-256 C8:C9:CA:CB:CC:CD:CE:CF…",
        "tls TLSv1.3, X25519MLKEM768",
        "LUI → TRK, port 7000: refused (name-mismatch) since 2026-11-23 11:55:00 UTC",
        "shown other.example.org, expires in 61 days SHA-256 BB:BB…",
        "was SHA-256 AA:AA…",
        "refused 2026-11-23 11:59:00 UTC by LUI, name-mismatch: The certificate is for other",
        "Give TRK's server a certificate for trk.example.org.",
        "203.0.113.9 at HUB's port 1099",
        "plaintext-peer, 4 times: 203.0.113.9 spoke",
    ):
        assert words in flat, words
    assert "does not run" not in flat


def test_json_has_everything() -> None:
    found = printing.fields(
        report(edge(LUI, HUB), edge(TRK, HUB), REFUSED, refused=(STRANGER,)),
        running=True,
        history=None,
    )
    assert json.loads(json.dumps(found)) == found
    first, _, last = found["edges"]
    assert (first["fingerprint"], first["days_left"]) == (PRINT, 61)
    assert (first["name"], first["seen"]) == ("hub.example.org", ["hub.example.org"])
    assert [each["of"] for each in first["certificates"]] == ["lui", "hub"]
    assert first["expires"] == (AT + timedelta(days=61, hours=1)).isoformat()
    assert last["seen"] == ["other.example.org"]
    assert (last["last_refusal"]["by"], last["last_refusal"]["code"]) == ("caller", last["code"])
    assert found["refused"][0]["attempts"] == 4


def test_a_replaced_certificate_is_said_to_be_replaced() -> None:
    new = certificate("hub.example.org", days=89, fingerprint="NEW")
    hub = ComponentFacts(component=HUB, server="hub.example.org", certificates=(new,))
    old = edge(LUI, HUB, called_certificate=certificate("hub.example.org", days=5))
    found = report(old, components=(hub,))
    assert "hub.example.org, expires in 5 days; a new one is in force" in " ".join(
        printing.overview(found, running=True).split()
    )
    fields = printing.fields(found, running=True, history=None)
    assert fields["level"] == "fine"
    assert [each["replaced"] for each in fields["edges"][0]["certificates"]] == [False, True]


def test_only_so_many_strangers_are_printed_and_none_of_last_week() -> None:
    def stranger(number: int, at: datetime) -> Refused:
        caller = RefusedCaller(at=at, port=1099, address=f"203.0.113.{number}", code="http-peer")
        return Refused(HUB, caller)

    many = (*(stranger(n, AT) for n in range(14)), stranger(99, AT - timedelta(days=7)))
    printed = printing.overview(report(edge(LUI, HUB), refused=many), running=True)
    assert printed.count("http-peer") == printing.MOST_STRANGERS
    assert "and 4 more" in printed
    assert "203.0.113.99" not in printed


def test_the_history_tells_what_changed_newest_first() -> None:
    def change(kind: ChangeKind, before: str, after: str, code: str, message: str) -> EdgeChange:
        return EdgeChange(
            at=AT, caller=LUI, called=TRK, kind=kind, before=before, after=after, code=code,
            message=message,
        )  # fmt: skip

    printed = printing.history(
        report(
            changes=(
                change(ChangeKind.REFUSAL, "", "caller", "revoked", "It is revoked."),
                change(ChangeKind.CERTIFICATE, "AA:BB", "CC:DD", "trk", "trk.example.org"),
                change(ChangeKind.STATE, "down", "secured", "", ""),
                change(ChangeKind.STATE, "", "down", "silent", "No sign of life."),
            )
        )
    )
    assert " ".join(printed.split()) == " ".join(
        f"2026-11-23 12:00:00 UTC LUI → TRK: {words}"
        for words in (
            "an attempt was refused (revoked) It is revoked.",
            "another certificate of TRK: trk.example.org, SHA-256 CC:DD…",
            "down → secured",
            "down (silent) No sign of life.",
        )
    )


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
