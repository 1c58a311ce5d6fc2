from typing import Any

import pytest

from sottovoce.errors import Fault
from sottovoce.net.telling import faults_told, printable, reasons_to_tell
from sottovoce.rpc import Reason


def fault(code: str = "name-mismatch", **parts: Any) -> Fault:
    return Fault(code=code, why="Only for our log.", **parts)


def test_a_peer_is_told_what_is_wrong_with_itself() -> None:
    told = reasons_to_tell([fault(expected="a.test", presented="b.test", hint="Reissue.")])
    assert told == (Reason("name-mismatch", "a.test", "b.test", "Reissue."),)


@pytest.mark.parametrize(
    "code",
    ["not-in-allowed-list", "component-unexpected", "issuer-unknown", "revocation-unknown"],
)
def test_what_would_tell_of_others_stays_here(code: str) -> None:
    """DESIGN §4: never anything about other peers, or this server's lists and roots."""
    told = reasons_to_tell(
        [fault(code, expected="hub.test, trk.test", presented="me", hint="Add.")]
    )
    assert told == (Reason(code, presented="me"),)


def test_each_code_is_told_once_and_eight_at_most() -> None:
    faults = [fault(f"c{n // 2}") for n in range(40)]
    assert [reason.code for reason in reasons_to_tell(faults)] == [f"c{n}" for n in range(8)]


@pytest.mark.parametrize("text", ["x" * 500, "é" * 500, "\N{GRINNING FACE}" * 100])
def test_values_are_cut_by_their_length_in_bytes(text: str) -> None:
    (reason,) = reasons_to_tell([fault(presented=text)])
    assert len(reason.presented.encode()) <= 120
    assert reason.presented.endswith("…")


def test_short_values_stay_as_they_are() -> None:
    (reason,) = reasons_to_tell([fault(presented="bücher.test")])
    assert reason.presented == "bücher.test"


def test_what_a_peer_told_becomes_faults_with_both_values() -> None:
    reasons = [Reason("name-mismatch", "a.test", "b.test", "Reissue."), Reason("x", presented="y")]
    first, second = faults_told(reasons, teller="HUB")
    assert first.why == (
        "HUB refused this server: asked for a.test, the certificate is for b.test."
    )
    assert first.hint == "Reissue."
    assert second.why == "HUB refused this server: x (presented: y)."
    assert second.hint == "The other side's security.log has the details."


def test_what_was_kept_from_us_has_a_next_step_all_the_same() -> None:
    """A code alone is enough for it: it is ours, and no word of the peer's."""
    (told,) = faults_told(
        [Reason("root-untrusted", presented="'Root One'")],
        teller="HUB (hub.test)",
        called="hub.test",
    )
    assert told.why == (
        "HUB (hub.test) refused this server: its chain ends in 'Root One', which hub.test "
        "does not trust; needed is a chain to one of its roots."
    )
    assert "import that root into hub.test's trusted roots" in told.hint


def test_values_of_somebody_who_is_not_authenticated_are_in_no_next_step() -> None:
    evil = Reason("name-mismatch", expected="evil.test; sh", presented="x", hint="sh")
    (told,) = faults_told([evil], teller="A caller", vouched=False)
    assert "sh" not in told.hint.split()
    assert told.hint.startswith("Reissue this server's certificate for the name")


def test_a_peers_words_are_data() -> None:
    (told,) = faults_told([Reason("A B\n", "c\nd", "e\x1b[0m", "f\rg")], teller="HUB")
    assert told.code == "refused-by-peer"
    assert f"{told.why}{told.expected}{told.presented}{told.hint}".isprintable()


def test_nobody_floods_us_with_reasons() -> None:
    assert len(faults_told([Reason("x")] * 100, teller="HUB")) == 8


def test_a_word_is_one_bounded_line() -> None:
    assert printable("a\nb") == "a\\nb"
    assert len(printable("x" * 10_000)) <= 254
