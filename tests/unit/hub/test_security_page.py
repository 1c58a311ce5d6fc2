"""What the page Security shows of a report: words and weights."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sottovoce.contracts import CertificateFacts, EdgePosture, Refusal, RefusedCaller
from sottovoce.hub.security_page import MOST_STRANGERS, SecurityView, security_view
from sottovoce.hub.service import ChangeKind, EdgeChange, Refused, SecurityReport
from sottovoce.hub.service.report import ComponentFacts
from sottovoce.policy import Component

LUI, HUB, TRK = Component.LUI, Component.HUB, Component.TRK
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def view(*edges: EdgePosture, **parts: object) -> SecurityView:
    given: dict[str, object] = {"refused": (), "changes": (), "components": ()} | parts
    return security_view(SecurityReport(at=AT, edges=edges, **given))  # type: ignore[arg-type]


def edge(called: Component = HUB, **parts: object) -> EdgePosture:
    return EdgePosture(caller=LUI, called=called, port=1, **parts)  # type: ignore[arg-type]


def certificate(days: float) -> CertificateFacts:
    ends = AT + timedelta(days=days)
    return CertificateFacts(
        names=("x.test",), fingerprint="AA", begins=ends - timedelta(days=90), ends=ends
    )


@pytest.mark.parametrize(
    ("found", "state", "level"),
    [
        (edge(state="secured", called_certificate=certificate(80)), "secured", "fine"),
        (edge(state="secured", called_certificate=certificate(6.5)), "secured", "warning"),
        (edge(state="secured", called_certificate=certificate(-1)), "secured", "fault"),
        (edge(state="plain"), "plain", "fault"),
        (edge(state="refused", code="expired"), "refused", "fault"),
        (edge(state="down", code="silent"), "down", "fault"),
        (edge(TRK, state="down", code="connection-refused"), "down", "fault"),
        (edge(TRK, state="down", code="silent"), "not known", "unknown"),
        (edge(TRK, state="down", code="never-seen"), "not known", "unknown"),
    ],
)
def test_a_connection_has_a_word_and_a_weight(found: EdgePosture, state: str, level: str) -> None:
    (shown,) = view(found).edges
    assert (shown.state, shown.level) == (state, level)


def test_a_certificate_says_how_long_it_lasts_and_what_to_do() -> None:
    words = []
    for days in (80.5, 6.5, -2.5):
        (shown,) = view(edge(state="secured", called_certificate=certificate(days))).edges
        words.append(shown.certificates[0].left)
    assert words == [
        "expires in 80 days",
        "expires in 6 days: renew it",
        "expired 2 days ago: renew it",
    ]


def test_a_replaced_certificate_is_said_to_be_replaced_and_worries_nobody() -> None:
    old, new = certificate(6.5), certificate(88.5)
    new = msgspec.structs.replace(new, fingerprint="NEW")
    facts = ComponentFacts(component=HUB, server="h.test", certificates=(new,))
    shown = view(edge(state="secured", called_certificate=old), components=(facts,))
    (found,) = shown.edges
    assert (found.level, shown.level) == ("fine", "fine")
    assert found.certificates[0].left == "expires in 6 days; a new one is in force"
    assert found.certificates[0].level == "quiet"
    assert shown.components[0].certificate is not None
    assert shown.components[0].certificate.left == "expires in 88 days"


def test_a_refused_connection_shows_what_was_there_instead_and_says_it_once() -> None:
    refusal = Refusal(
        at=AT - timedelta(minutes=3), code="name-mismatch", message="Not that name.",
        next_step="Correct it.", by="caller",
    )  # fmt: skip
    found = edge(
        TRK, state="refused", code="name-mismatch", message="Not that name.", name="trk.test",
        called_certificate=certificate(9), known="BB", refusal=refusal,
    )  # fmt: skip
    (shown,) = view(found).edges
    assert shown.certificates == ()
    assert shown.shown is not None
    assert (shown.shown.fingerprint, shown.known) == ("AA", "BB")
    assert shown.refusal is not None
    assert (shown.refusal.by, shown.refusal.ago) == ("LUI", "3 minutes ago")
    assert (shown.refusal.message, shown.refusal.next_step) == ("", "Correct it.")


def test_components_say_when_they_were_heard_and_whose_clock_differs() -> None:
    def component(**parts: object) -> ComponentFacts:
        return ComponentFacts(component=LUI, server="l.test", version="1", **parts)  # type: ignore[arg-type]

    hub = ComponentFacts(component=HUB, server="h.test", version="1", last_seen=AT)
    shown = view(
        edge(state="plain"),
        components=(
            hub,
            component(),
            component(last_seen=AT, clock_offset=0.4),
            component(last_seen=AT - timedelta(seconds=70), clock_offset=-90.0),
            component(last_seen=AT, clock_offset=200.0, renewal="renewal-refused"),
        ),
    )
    assert [(each.seen, each.clock) for each in shown.components] == [
        ("now", ""),
        ("never", ""),
        ("just now", "agrees"),
        ("70 seconds ago", "90 seconds behind"),
        ("just now", "3 minutes ahead"),
    ]
    assert shown.components[-1].renewal == "renewal-refused"
    assert "LUI's server cannot renew its certificate (renewal-refused)." in shown.sentence


def test_a_failing_renewal_is_a_warning_on_top_of_a_secured_installation() -> None:
    failing = ComponentFacts(component=TRK, server="t.test", renewal="renewal-refused")
    shown = view(edge(state="secured", called_certificate=certificate(80.5)), components=(failing,))
    assert shown.level == "warning"
    assert shown.sentence.startswith("Secured: all 1 connections.")


def test_a_list_that_nears_its_end_is_a_warning_on_top_of_a_secured_installation() -> None:
    old = ComponentFacts(component=TRK, server="t.test", lists="revocation-list-expiring")
    shown = view(edge(state="secured", called_certificate=certificate(80.5)), components=(old,))
    assert shown.level == "warning"
    assert "TRK's server gets no new revocation list (revocation-list-expiring)." in shown.sentence
    assert shown.components[-1].lists == "revocation-list-expiring"


def test_strangers_of_a_week_are_shown_and_no_more_than_fit() -> None:
    def stranger(days: float) -> Refused:
        caller = RefusedCaller(
            at=AT - timedelta(days=days), port=1099, address="192.0.2.1", code="http-peer",
            names=("a", "b"), attempts=2, fingerprint="FF",
        )  # fmt: skip
        return Refused(HUB, caller)

    shown = view(edge(state="plain"), refused=(*(stranger(1) for _ in range(15)), stranger(8)))
    assert (len(shown.refused), shown.refused_more) == (MOST_STRANGERS, 15 - MOST_STRANGERS)
    words = "192.0.2.1 at HUB's port 1099, 2 times, which claims to be a, b"
    assert (shown.refused[0].what, shown.refused[0].prints) == (words, (("SHA-256", "FF"),))


def test_each_kind_of_change_has_its_words() -> None:
    def change(kind: ChangeKind, before: str, after: str, code: str) -> EdgeChange:
        return EdgeChange(
            at=AT, caller=LUI, called=TRK, kind=kind, before=before, after=after, code=code,
            message="m",
        )  # fmt: skip

    shown = view(
        edge(state="plain"),
        changes=(
            change(ChangeKind.STATE, "secured", "refused", "revoked"),
            change(ChangeKind.STATE, "", "secured", ""),
            change(ChangeKind.CERTIFICATE, "AA", "BB", "trk"),
            change(ChangeKind.REFUSAL, "", "called", "expired"),
        ),
    )
    assert [(each.what, each.code, each.level) for each in shown.changes] == [
        ("LUI → TRK: secured → refused", "revoked", "fault"),
        ("LUI → TRK: secured", "", "fine"),
        ("LUI → TRK: another certificate of TRK", "", "quiet"),
        ("LUI → TRK: an attempt was refused", "expired", "quiet"),
    ]
    assert shown.changes[2].prints == (("was", "AA"), ("is", "BB"))
