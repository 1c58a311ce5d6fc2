"""The sentence on top: “secured” is said of all, or what is not is named."""

from datetime import UTC, datetime, timedelta

import pytest

from sottovoce.contracts import CertificateFacts, EdgePosture
from sottovoce.hub.service.words import (
    Headline,
    Level,
    certificate_lives,
    headline,
    time_left,
    trouble,
)
from sottovoce.policy import CONNECTIONS, Component

LUI, HUB, TRK = Component.LUI, Component.HUB, Component.TRK
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

#: Days left of the certificates of three servers; each lives 90 days.
DAYS = {HUB: 70.5, LUI: 75.5, TRK: 61.5}


def certificate(owner: str, days: float) -> CertificateFacts:
    ends = AT + timedelta(days=days)
    return CertificateFacts(
        names=(f"{owner}.test",), fingerprint=owner, begins=ends - timedelta(days=90), ends=ends
    )


def edges(
    states: str = "secured secured secured",
    *,
    days: dict[Component, float] = DAYS,
    servers: dict[Component, str] | None = None,
) -> tuple[EdgePosture, ...]:
    """Return three postures; a state may have a code after a colon."""
    on = servers or {each: each.value for each in Component}
    found = []
    for (caller, called), words in zip(CONNECTIONS, states.split(), strict=True):
        state, _, code = words.partition(":")
        certain = state == "secured" and bool(days)
        found.append(
            EdgePosture(
                caller=caller,
                called=called,
                port=1,
                state=state,
                code=code,
                caller_certificate=certificate(on[caller], days[caller]) if certain else None,
                called_certificate=certificate(on[called], days[called]) if certain else None,
            )
        )
    return tuple(found)


@pytest.mark.parametrize(
    ("found", "level", "sentence"),
    [
        (
            edges(),
            Level.FINE,
            "Secured: all 3 connections. First certificate to expire: TRK's, in 61 days.",
        ),
        (edges(days={}), Level.FINE, "Secured: all 3 connections."),
        (
            edges(days=DAYS | {TRK: 3.5}),
            Level.WARNING,
            "Secured: all 3 connections. TRK's certificate expires in 3 days: renew it.",
        ),
        (
            edges(days={TRK: 3.5, HUB: 4.0, LUI: 5.0}),
            Level.WARNING,
            (
                "Secured: all 3 connections. TRK's certificate expires in 3 days: renew it. "
                "2 more should be renewed."
            ),
        ),
        (
            edges(days=DAYS | {LUI: -0.25}),
            Level.FAULT,
            "Secured: all 3 connections. LUI's certificate expired 6 hours ago: renew it now.",
        ),
        (
            edges(
                days={HUB: 61.5, LUI: 61.5, TRK: 70.0}, servers={HUB: "in", LUI: "in", TRK: "out"}
            ),
            Level.FINE,
            "Secured: all 3 connections. First certificate to expire: HUB's and LUI's, in 61 days.",
        ),
        (
            edges("plain plain plain"),
            Level.WARNING,
            "NOT secured: no connection is encrypted. Secure all servers, or none.",
        ),
        (
            edges("plain refused:mode-mismatch refused:peer-not-secured"),
            Level.FAULT,
            (
                "NOT secured: LUI → HUB is plain. TRK → HUB is refused (mode-mismatch); LUI → TRK "
                "is refused (peer-not-secured). All servers must be secured."
            ),
        ),
        (
            edges("secured secured plain"),
            Level.FAULT,
            "NOT secured: LUI → TRK is plain. All servers must be secured.",
        ),
        (
            edges("secured secured down:connection-refused"),
            Level.FAULT,
            (
                "Secured: 2 of the 3 connections. LUI → TRK is down (connection-refused). First "
                "certificate to expire: TRK's, in 61 days."
            ),
        ),
        (
            edges("down:never-seen down:never-seen down:never-seen"),
            Level.FAULT,
            (
                "Secured: none of the 3 connections. LUI → HUB and TRK → HUB are down "
                "(never-seen); LUI → TRK is not known to stand (never-seen)."
            ),
        ),
        (
            edges("down:silent secured down:silent", days=DAYS | {TRK: 3.5}),
            Level.FAULT,
            (
                "Secured: 1 of the 3 connections. LUI → HUB is down (silent); LUI → TRK is not "
                "known to stand (silent). TRK's certificate expires in 3 days: renew it."
            ),
        ),
        (
            edges("refused:revoked refused:revoked secured"),
            Level.FAULT,
            (
                "Secured: 1 of the 3 connections. LUI → HUB and TRK → HUB are refused (revoked). "
                "First certificate to expire: TRK's, in 61 days."
            ),
        ),
    ],
)
def test_one_sentence_says_whether_all_of_it_is_secured(
    found: tuple[EdgePosture, ...], level: Level, sentence: str
) -> None:
    """W4: any other sentence than the good one, if that is not true."""
    said = headline(found, AT)
    assert (said.sentence, said.level) == (sentence, level)


def test_a_certificate_that_was_replaced_is_no_reason_to_worry() -> None:
    """A called server's new certificate is seen on its connections only when they are next made."""
    old, new = edges(days=DAYS | {TRK: 6.5}), certificate("trk-new", 88.5)
    said = headline(old, AT, shown={TRK: (new,), LUI: (), HUB: (certificate("hub", 70.5),)})
    assert said == Headline(
        Level.FINE,
        "Secured: all 3 connections. First certificate to expire: HUB's, in 70 days.",
    )
    lives = certificate_lives(old, AT, {TRK: (new,)})
    assert [life.facts.fingerprint for life in lives] == ["hub", "lui", "trk-new"]
    other = {TRK: (new, certificate("trk", 6.5))}
    assert headline(old, AT, shown=other).level is Level.WARNING, "several keys, both in use (W10)"


def test_the_threshold_is_a_share_of_the_lifetime_and_not_a_number_of_days() -> None:
    """Thirty days are late for a certificate of ninety and early for one of thirty."""
    for days, level in ((30.1, Level.FINE), (29.9, Level.WARNING), (0.0, Level.FAULT)):
        assert time_left(certificate("x", days), AT)[0] is level
    month = CertificateFacts(
        names=(), fingerprint="m", begins=AT - timedelta(days=1), ends=AT + timedelta(days=29)
    )
    assert time_left(month, AT) == (Level.FINE, "in 29 days")
    assert time_left(certificate("x", -3), AT) == (Level.FAULT, "3 days ago")


def test_certificates_are_told_once_each_with_every_component_of_their_server() -> None:
    lives = certificate_lives(edges(servers=dict.fromkeys(Component, "all")), AT)
    assert [life.owners for life in lives] == [(HUB, LUI, TRK)]
    assert lives[0].whose == "HUB's, LUI's and TRK's"
    assert [life.owners[0] for life in certificate_lives(edges(), AT)] == [TRK, HUB, LUI]


def test_a_certificate_that_was_refused_is_none_by_which_a_connection_stands() -> None:
    refused = EdgePosture(
        caller=LUI,
        called=TRK,
        port=7000,
        state="refused",
        code="expired",
        called_certificate=certificate("trk", -1),
    )
    assert certificate_lives([refused], AT) == ()
    assert refused.expires is None
    assert trouble(refused) == "refused (expired)"
