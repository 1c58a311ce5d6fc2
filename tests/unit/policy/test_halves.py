"""All or nothing: what a half-secured installation loses (P9, SPEC W4)."""

from itertools import product

import pytest

from sottovoce.policy import CONNECTIONS, Component, broken_connections, half_secured

HUB, LUI, TRK = Component.HUB, Component.LUI, Component.TRK


@pytest.mark.parametrize("modes", list(product([True, False, None], repeat=3)))
def test_a_connection_breaks_exactly_between_two_known_and_different_modes(
    modes: tuple[bool | None, ...],
) -> None:
    known = dict(zip((HUB, LUI, TRK), modes, strict=True))
    expected = tuple(
        (caller, called)
        for caller, called in CONNECTIONS
        if {known[caller], known[called]} == {True, False}
    )
    assert broken_connections(known) == expected
    assert (half_secured(known) is None) is (expected == ())


def test_the_sentence_names_both_halves_and_counts_the_connections() -> None:
    fault = half_secured({HUB: True, TRK: True, LUI: False})
    assert fault is not None
    assert fault.code == "half-secured"
    assert fault.why == ("Secured: HUB, TRK. Not secured: LUI. 2 of 3 connections cannot work.")
    assert fault.hint.startswith("Finish LUI")


def test_what_is_not_known_is_said() -> None:
    fault = half_secured({HUB: True, LUI: False})
    assert fault is not None
    assert fault.why == (
        "Secured: HUB. Not secured: LUI. Not known: TRK. 1 of 3 connections cannot work."
    )
