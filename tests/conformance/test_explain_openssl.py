"""The OpenSSL that this program runs on is asked for its own texts; each leads to its entry."""

import pytest
from OpenSSL._util import ffi, lib

from sottovoce.diagnosis import CATALOGUE, explain

NUMBERS = sorted({number for entry in CATALOGUE.values() for number in entry.verify_codes})

#: The numbers of the failure catalogue, B.0, B.2 and B.4.
ASKED_FOR = {2, 3, 7, 9, 10, 12, 18, 19, 20, 23, 25, 26, 47, 62, 64, 66, 68, 79, 85, 89, 92}


def text_of(number: int) -> str:
    return bytes(ffi.string(lib.X509_verify_cert_error_string(number))).decode("ascii")


@pytest.mark.parametrize("number", NUMBERS)
def test_the_text_of_a_verify_code_leads_to_an_entry_of_that_code(number: int) -> None:
    found = explain(text_of(number))
    assert number in CATALOGUE[found[0].code].verify_codes


@pytest.mark.parametrize("number", NUMBERS)
def test_the_line_of_s_client_leads_there_too(number: int) -> None:
    found = explain(f"verify error:num={number}:{text_of(number)}\nverify return:1")
    assert number in CATALOGUE[found[0].code].verify_codes
    assert found[0].likelihood > 0.7


def test_no_number_of_the_failure_catalogue_is_left_out() -> None:
    assert set(NUMBERS) >= ASKED_FOR
