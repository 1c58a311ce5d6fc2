"""Numbers count as the names that they stand for, in any language and either notation."""

import pytest

from sottovoce.diagnosis import explain
from sottovoce.diagnosis.matching import prepare
from sottovoce.diagnosis.numbers import NUMBERS, names_in


@pytest.mark.parametrize("number", NUMBERS)
def test_each_number_leads_to_an_entry(number: int) -> None:
    """No number stands for a name that the catalogue does not know."""
    text = hex(number) if number > 0 else str(number)
    (found, *_) = explain(f"Fehler {text}")
    assert found.code != "unrecognised"
    assert found.evidence == (f"{text} ({NUMBERS[number]})",)


def test_a_signed_decimal_is_the_same_number() -> None:
    assert [name for name, _ in names_in(prepare("ONCLOSEEVENT -2146893019"))] == [
        "SEC_E_UNTRUSTED_ROOT"
    ]


@pytest.mark.parametrize("text", ["0x8009030", "1-8179", "a-8179", "-81790", "0x12345678", "8179"])
def test_other_numbers_stand_for_nothing(text: str) -> None:
    assert list(names_in(prepare(text))) == []
