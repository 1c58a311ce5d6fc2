"""Finding texts: the same words in any dress, bounded, in linear time."""

import pytest

from sottovoce.diagnosis.matching import GAP, TEXT_LIMIT, longest, prepare, search


@pytest.mark.parametrize(
    "text",
    [
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "sslv3  alert\tbad certificate",
        "… sslv3 alert bad\n    certificate (x)",
        "\x1b[31msslv3 alert\x1b[0m bad certificate",
    ],
)
def test_the_same_words_are_found_in_any_dress(text: str) -> None:
    assert search(prepare(text), "sslv3 alert bad certificate") is not None


def test_quotation_marks_do_not_count() -> None:
    found = search(prepare("not valid for “trk.test”"), "not valid for '{expected}'")
    assert found is not None
    assert found.fields == {"expected": "trk.test"}


def test_a_piece_of_longer_words_is_no_find() -> None:
    assert search(prepare("unreadable read timed outside"), "read timed out") is None
    assert search(prepare("num=200:"), "num=20") is None


def test_a_word_before_a_gap_may_go_on() -> None:
    found = search(prepare("record: 474554202f20"), "record: 474554{}")
    assert found is not None


def test_a_gap_keeps_what_stood_there() -> None:
    found = search(prepare("x509: certificate is valid for a, b, not c"), "valid for {p}, not {e}")
    assert found is not None
    assert found.fields == {"p": "a, b", "e": "c"}


def test_a_gap_does_not_leave_its_line() -> None:
    assert search(prepare("valid for a\nnot b"), "valid for {p} not b") is not None
    assert search(prepare("valid for a\nb\nnot c"), "valid for {p} not c") is None


def test_a_gap_is_bounded() -> None:
    text = "from " + "x" * (GAP - 2) + " to"
    assert search(prepare(text), "from {a} to") is not None
    assert search(prepare("from " + "x" * (GAP + 10) + " to"), "from {a} to") is None


def test_a_second_place_is_tried_when_the_first_goes_nowhere() -> None:
    found = search(prepare("valid for a\nvalid for b, not c"), "valid for {p}, not {e}")
    assert found is not None
    assert found.fields == {"p": "b", "e": "c"}


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    text = "first words " + "x" * (2 * TEXT_LIMIT) + " last words"
    ready = prepare(text)
    assert len(ready.kept) <= TEXT_LIMIT + 1
    assert search(ready, "first words") is not None
    assert search(ready, "last words") is not None


def test_folding_keeps_every_place() -> None:
    ready = prepare("İstanbul ß „A” X_Y\nZ")
    assert len(ready.kept) == len(ready.flat)


def test_the_longer_of_two_finds_wins() -> None:
    assert longest([(0, 10), (2, 5), (0, 10), (8, 12)]) == {(0, 10), (8, 12)}
    assert longest([(5, 9), (0, 9)]) == {(0, 9)}
