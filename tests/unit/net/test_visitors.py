from dataclasses import replace

import pytest

from sottovoce.net import LIMITS
from sottovoce.net.visitors import Visitors


class SetTime:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> SetTime:
    return SetTime()


@pytest.fixture
def visitors(time: SetTime) -> Visitors:
    limits = replace(LIMITS, unfinished_per_address=2, unfinished=3, why_per_minute=2)
    return Visitors(limits, time)


def test_unfinished_connections_are_bounded_per_address_and_in_all(visitors: Visitors) -> None:
    assert [visitors.may_begin("a") for _ in range(3)] == [True, True, False]
    assert [visitors.may_begin("b") for _ in range(2)] == [True, False]
    visitors.finished("a")
    assert visitors.may_begin("b")
    assert visitors.unfinished == 3


def test_what_is_finished_is_forgotten(visitors: Visitors) -> None:
    visitors.may_begin("a")
    visitors.finished("a")
    assert visitors.unfinished == 0
    assert not visitors._unfinished


def test_questions_are_counted_by_the_minute(visitors: Visitors, time: SetTime) -> None:
    assert [visitors.may_ask_why("a") for _ in range(3)] == [True, True, False]
    assert visitors.may_ask_why("b")
    time.now = 59.9
    assert not visitors.may_ask_why("a")
    time.now = 60.0
    assert visitors.may_ask_why("a")


def test_one_line_an_address_a_code_and_a_minute(visitors: Visitors, time: SetTime) -> None:
    """Catalogue P7."""
    assert [visitors.worth_a_line("a", "closed-early") for _ in range(3)] == [True, False, False]
    assert visitors.worth_a_line("a", "phase-timeout")
    time.now = 61.0
    assert visitors.worth_a_line("a", "closed-early")


def test_a_refusal_is_remembered_for_one_question_of_the_same_certificate(
    visitors: Visitors,
) -> None:
    visitors.remember_refusal("a", "AB", "1")
    visitors.remember_refusal("a", "AB", "2")
    assert visitors.take_refusal("b", "AB") == ""
    assert visitors.take_refusal("a", "CD") == ""
    assert visitors.take_refusal("a", "AB") == "2"
    assert visitors.take_refusal("a", "AB") == ""


def test_memory_is_bounded_whoever_comes(visitors: Visitors) -> None:
    for number in range(5000):
        visitors.remember_refusal(f"h{number}", "", "1")
        visitors.worth_a_line(f"h{number}", "x")
    assert len(visitors._refusals) == len(visitors._windows) == 4096
    assert visitors.take_refusal("h0", "") == ""
    assert visitors.take_refusal("h4999", "") == "1"
