"""Finding texts: the same words in any dress, bounded, in linear time."""

import pytest

from sottovoce.diagnosis.matching import GAP, TEXT_LIMIT, prepare, search, surest_around


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


def test_a_find_knows_the_surest_one_that_it_is_a_part_of() -> None:
    spans = {(0, 10): 0.5, (2, 5): 0.9, (3, 4): 0.2, (8, 12): 0.7}
    assert surest_around(spans) == {(0, 10): 0, (2, 5): 0.5, (3, 4): 0.9, (8, 12): 0}
    assert surest_around({(5, 9): 0.3, (0, 9): 0.4}) == {(5, 9): 0.4, (0, 9): 0}


def test_a_word_broken_at_its_underscore_is_put_together_again() -> None:
    assert search(prepare("error: SEC_E_UNTRUSTED_\r\n  ROOT)"), "sec e untrusted root") is not None


def test_of_a_very_long_log_each_kind_of_line_is_kept() -> None:
    """The cause stands in the middle, the lines before and after it differ in their figures."""
    line = "2026-01-02T03:04:{0:02} [{0}] connect to 10.0.0.{0}:7000 (0x{0:x})\n"
    noise = [line.format(number) for number in range(5000)]
    ready = prepare("".join([*noise[:2500], "certificate has expired\n", *noise[2500:]]))
    assert len(noise) * len(line) > 2 * TEXT_LIMIT
    assert search(ready, "certificate has expired") is not None


def test_a_gap_for_an_address_takes_nothing_else() -> None:
    assert search(prepare("valid for a, not 10.0.2.15"), "not {expected:address}") is not None
    found = search(prepare("not 10.0.2.15.\nmore"), "not {expected:address}")
    assert found is not None
    assert found.fields == {"expected": "10.0.2.15"}
    assert search(prepare("not trk.test"), "not {expected:address}") is None
