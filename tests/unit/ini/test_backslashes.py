r"""Single backslashes in a natural value (catalogue C2, C4)."""

import pytest

from sottovoce import ini


@pytest.mark.parametrize(
    ("raw", "places"),
    [
        ("", ()),
        ("/opt/server.p12", ()),
        (r"C:\\security\\new", ()),
        (r"a\t\n\r\f\"\'\ \u00e9", ()),
        (r"C\:\\a\=b\#c\!", ()),
        (r"C:\security\new\keystore.p12", (2, 15)),
        (r"C:\users", (2,)),
        (r"\\server\share", (8,)),
        (r"a\\\b", (3,)),
    ],
)
def test_swallowed_backslashes_are_found(raw: str, places: tuple[int, ...]) -> None:
    """W17: a backslash that doubles, or introduces a documented escape, is none."""
    assert ini.single_backslashes(raw) == places


def test_in_a_path_control_characters_are_slips_too() -> None:
    assert ini.single_backslashes(r"C:\security\new\x", controls=True) == (2, 11, 15)


def test_the_hint_shows_both_right_spellings() -> None:
    """W17, catalogue C2."""
    fault = ini.single_backslash_fault(
        "SSLKeystorePath", r"C:\security\new\keystore.p12", controls=True, secret=False
    )

    assert fault is not None
    assert fault.code == "ini-single-backslash"
    assert fault.presented == r"C:\security\new\keystore.p12"
    assert r"C:\\security\\new\\keystore.p12 or C:/security/new/keystore.p12" in fault.hint
    assert "3 single backslashes" in fault.why


def test_what_is_doubled_already_stays_doubled_in_the_hint() -> None:
    fault = ini.single_backslash_fault("Path", r"C:\\a\b", controls=True, secret=False)

    assert fault is not None
    assert fault.hint == r"Write C:\\a\\b or C:/a/b."


@pytest.mark.parametrize(
    ("raw", "effect"),
    [
        (r"p\w", "a single backslash, which this format drops"),
        (r"p\t", "reads as a control character together with the letter"),
        (r"p\w\t", "drops or reads as a control character"),
    ],
)
def test_a_secret_is_described_and_never_shown(raw: str, effect: str) -> None:
    """W20, catalogue C4."""
    fault = ini.single_backslash_fault("Password", raw, controls=True, secret=True)

    assert fault is not None
    assert effect in fault.why
    assert raw not in repr(fault)
    assert fault.presented == "a value that is not shown"


def test_no_slip_no_fault() -> None:
    assert ini.single_backslash_fault("Path", "/a", controls=True, secret=False) is None
