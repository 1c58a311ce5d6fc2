import pytest

from sottovoce.tls import alert_name
from sottovoce.tls.alerts import ALERT_NAMES, CODE_OF_VERIFY_ERROR, LEFT_TO_THE_GATE


@pytest.mark.parametrize(
    ("number", "name"), [(48, "unknown_ca"), (116, "certificate_required"), (0x230, "unknown_ca")]
)
def test_an_alert_has_the_name_of_rfc_8446(number: int, name: str) -> None:
    assert alert_name(number) == name


def test_an_unknown_alert_keeps_its_number() -> None:
    assert alert_name(199) == "alert-199"


def test_names_and_codes_are_unambiguous() -> None:
    assert len(set(ALERT_NAMES.values())) == len(ALERT_NAMES)
    assert all(code == code.lower() for code in CODE_OF_VERIFY_ERROR.values())


def test_only_questions_of_revocation_lists_are_left_to_the_gate() -> None:
    """3, 11, 12: no list, one not yet valid, one too old; never 23, revoked."""
    assert sorted(LEFT_TO_THE_GATE) == [3, 11, 12]
