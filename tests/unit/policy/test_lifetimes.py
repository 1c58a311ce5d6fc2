"""How much of a certificate's life is left: shares, not days (V5)."""

from datetime import UTC, datetime, timedelta

import pytest

from sottovoce.policy import Lifetime, first_to_end, span

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def life(days: float, what: str = "It") -> Lifetime:
    return Lifetime(what=what, begin=BEGIN, end=BEGIN + timedelta(days=days))


@pytest.mark.parametrize(
    ("day", "runs_out"), [(-1, False), (0, False), (59, False), (61, True), (89, True), (90, False)]
)
def test_below_a_third_it_should_be_renewed_and_afterwards_it_is_over(
    day: int, *, runs_out: bool
) -> None:
    assert life(90).is_running_out(BEGIN + timedelta(days=day)) is runs_out


def test_the_warning_says_when_and_how_much_is_left() -> None:
    fault = life(90, "HUB's certificate").warning(
        BEGIN + timedelta(days=75), code="certificate-expiring", hint="Renew it."
    )
    assert fault is not None
    assert fault.warning
    assert fault.why == (
        "HUB's certificate ends in 15 days, on 2026-04-01 00:00 UTC: 17% of its lifetime of "
        "90 days is left."
    )
    assert life(90).warning(BEGIN, code="x", hint="") is None


def test_a_life_that_ends_before_it_begins_has_nothing_left() -> None:
    assert life(-1).share_left(BEGIN) == 0


def test_the_first_to_end() -> None:
    assert first_to_end([life(9), life(3), life(5)]) == life(3)
    assert first_to_end([]) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (-90, "90 seconds"),
        (120, "2 minutes"),
        (7200, "2 hours"),
        (86400, "24 hours"),
        (61 * 86400, "61 days"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(seconds: int, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text
