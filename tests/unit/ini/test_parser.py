"""INI text → entries: the grammar by example, each example confirmed by the JDK elsewhere."""

import pytest

from sottovoce import ini
from sottovoce.errors import Fault, FormatError, IniSyntaxError

#: Large enough for anything quadratic to miss the test's time limit by far.
HOSTILE_SIZE = ini.LARGEST_FILE // 4


def _items(text: str) -> list[tuple[str, str]]:
    return ini.parse(text.encode()).items()


def _codes(faults: tuple[Fault, ...]) -> list[tuple[str, int | None]]:
    return [(fault.code, fault.line) for fault in faults]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", []),
        ("a=1", [("a", "1")]),
        ("a=1\nb=2\r\nc=3\rd=4", [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]),
        ("a 1\nb:2\nc = 3\nd\t:\f4", [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]),
        ("a==1\nb:=2\nc =:3", [("a", "=1"), ("b", "=2"), ("c", ":3")]),
        ("a\nb=\nc :", [("a", ""), ("b", ""), ("c", "")]),
        ("=1\n:2\n=", [("", "1"), ("", "2"), ("", "")]),
        ("  # x\n\f!y\n\t\n \f a=1", [("a", "1")]),
        ("a=1 # no comment", [("a", "1 # no comment")]),
        ("# a comment is never continued\\\na=1", [("a", "1")]),
        ("a=trailing \t", [("a", "trailing \t")]),
        (r"a=\t\n\r\f\\\"\'\ ", [("a", "\t\n\r\f\\\"' ")]),
        (r"a=\b\x\0\=\:\#\!", [("a", "bx0=:#!")]),
        (r"a\=b\:c\ d=1", [("a=b:c d", "1")]),
        (r"a=\u00e9\u20AC\u0000", [("a", "é€\0")]),
        (r"a=\uD83D\uDE00", [("a", "😀")]),
        ("a=\\uD83D\\\n\\uDE00", [("a", "😀")]),
        (r"a=\uDE00\uD83D", [("a", "\ude00\ud83d")]),
        (r"a=\\u00", [("a", r"\u00")]),
        ("a=1\\\n  2", [("a", "12")]),
        ("a=1\\\r\n\t\f2\\\r3", [("a", "123")]),
        ("a=1\\\\\nb=2", [("a", "1\\"), ("b", "2")]),
        ("a=1\\\\\\\nb=2", [("a", "1\\b=2")]),
        ("a=1\\\n\nb=2", [("a", "1"), ("b", "2")]),
        ("a=1\\\n# 2", [("a", "1# 2")]),
        ("a\\\n=1", [("a", "1")]),
        ("a=1\\", [("a", "1")]),
        ("a=1\\\n", [("a", "1")]),
        ("\\", [("", "")]),
        ("\\\n", [("", "")]),
        ("\\\r\n", []),
        ("a\\\r\n", [("a", "")]),
        ("\\\n ", []),
        ("\\\n#x\na=1", [("a", "1")]),
        ("a=\x85\u2028\x0b\xa0b", [("a", "\x85\u2028\x0b\xa0b")]),
        ("a=1\na=2", [("a", "1"), ("a", "2")]),
    ],
)
def test_text_is_taken_apart_as_java_does(text: str, items: list[tuple[str, str]]) -> None:
    """W17: separators, comments, escapes and continued lines."""
    assert items == _items(text)


def test_entries_know_their_lines_and_their_natural_text() -> None:
    document = ini.parse(b"# c\r\n\r\na=1\r\nb = x\\\r\n   \\\r\n  y\\\\z\r\n c\r\n")

    assert [(entry.line, entry.last_line) for entry in document.entries] == [(3, 3), (4, 6), (7, 7)]
    assert [entry.raw for entry in document.entries] == ["1", "xy\\\\z", ""]
    assert [entry.continued for entry in document.entries] == [False, True, False]
    assert [entry.separated for entry in document.entries] == [True, True, False]


def test_the_last_of_repeated_keys_is_in_force_and_the_repetition_is_a_fault() -> None:
    """W17: a repeated key is a fault that names both lines."""
    document = ini.parse(b"a=1\nb=2\na=3\n\na=4\n", file="x.ini")

    assert document.get("a") == "4"
    assert document.get("c") is None
    assert document.entry("c") is None
    assert _codes(document.faults) == [("ini-repeated-key", 3)]
    first = document.faults[0]
    assert first.why == "a stands on lines 1, 3 and 5."
    assert (first.file, first.key, first.warning) == ("x.ini", "a", False)


def test_a_repeated_empty_key_is_named_in_words() -> None:
    (fault,) = ini.parse(b"=1\n=2").faults

    assert fault.why == "The empty key stands on lines 1 and 2."


def test_a_byte_order_mark_is_removed_and_reported() -> None:
    """W17: the first key is what it looks like, and the mark is a fault on line 1."""
    document = ini.parse(b"\xef\xbb\xbfKey=1\n", file="x.ini")

    assert document.items() == [("Key", "1")]
    assert _codes(document.faults) == [("ini-byte-order-mark", 1)]
    assert not document.faults[0].warning


def test_only_one_byte_order_mark_is_removed() -> None:
    assert _items("\ufeff\ufeffa=1") == [("\ufeffa", "1")]


def test_what_is_not_utf_8_is_read_as_iso_8859_1_with_a_warning() -> None:
    document = ini.parse(b"a=1\r\nb=caf\xe9\n", file="x.ini")

    assert document.items() == [("a", "1"), ("b", "café")]
    (fault,) = document.faults
    assert (fault.code, fault.line, fault.warning) == ("ini-encoding", 2, True)
    assert "E9 at offset 10" in fault.why


def test_utf_16_is_named() -> None:
    (fault,) = ini.parse("a=é".encode("utf-16")).faults

    assert (fault.code, fault.presented) == ("ini-encoding", "UTF-16")


@pytest.mark.parametrize(
    "text", [r"a=\u", r"a=\u12", r"a=\u123", r"a=\u123g", r"\u=1", r"a=\u+123", "a=\\u12\\\n3"]
)
def test_an_escape_without_four_hexadecimal_digits_is_refused(text: str) -> None:
    with pytest.raises(IniSyntaxError) as caught:
        ini.parse(text.encode())

    assert caught.value.code == "ini-malformed"
    assert _codes(caught.value.faults) == [("ini-malformed-escape", 1)]


def test_every_malformed_escape_is_reported_with_its_own_line() -> None:
    """W17: all faults at once, also across continued lines, without any value."""
    text = "a=1\nPath=C:\\users\\\n  \\more\\\n \\unit\nb=\\u12\n\\uxxxx secret"

    with pytest.raises(IniSyntaxError) as caught:
        ini.parse(text.encode(), file="x.ini")

    error = caught.value
    assert [fault.line for fault in error.faults] == [2, 4, 5, 6]
    assert [fault.key for fault in error.faults] == ["Path", "Path", "b", None]
    assert str(error) == "x.ini cannot be read: malformed \\u escape on lines 2, 4, 5 and 6."
    assert "unit" not in "".join(f"{fault}{fault.presented}" for fault in error.faults)


def test_many_malformed_escapes_are_counted_in_the_summary() -> None:
    with pytest.raises(IniSyntaxError, match=r"lines 1, 2, .*, 10 and 15 more\.$") as caught:
        ini.parse(b"a=\\u\n" * 25)

    assert [fault.line for fault in caught.value.faults[:25]] == [*range(1, 26)]
    assert _codes(caught.value.faults[25:]) == [("ini-repeated-key", 2)]


def test_the_faults_of_a_file_that_is_no_settings_file_are_bounded() -> None:
    with pytest.raises(IniSyntaxError) as caught:
        ini.parse(b"a=\\u\n" * 100_000)

    assert len(caught.value.faults) == 1001


def test_other_faults_come_with_the_malformed_escapes() -> None:
    with pytest.raises(IniSyntaxError) as caught:
        ini.parse(b"\xef\xbb\xbfa=1\na=\\u\n")

    assert {code for code, _ in _codes(caught.value.faults)} == {
        "ini-byte-order-mark",
        "ini-malformed-escape",
        "ini-repeated-key",
    }


def test_a_malformed_escape_names_the_line_on_which_it_stands() -> None:
    with pytest.raises(IniSyntaxError) as caught:
        ini.parse(b"a=1\\\n2\\\n\\u00\\\n4\n")

    assert _codes(caught.value.faults) == [("ini-malformed-escape", 3)]


def test_a_survey_reports_malformed_escapes_without_raising() -> None:
    document = ini.survey(b"a=C:\\users\nb=1\n")

    assert _codes(document.faults) == [("ini-malformed-escape", 1)]
    assert document.get("b") == "1"


def test_a_file_over_the_limit_is_refused_before_it_is_read() -> None:
    assert ini.parse(b" " * ini.LARGEST_FILE).items() == []
    with pytest.raises(FormatError) as caught:
        ini.parse(b" " * (ini.LARGEST_FILE + 1), file="x.ini")

    assert caught.value.code == "ini-too-large"
    assert str(caught.value).startswith("x.ini has 1048577 bytes")


@pytest.mark.parametrize(
    "piece",
    [
        b"\\",
        b"\\\n",
        b"\\\r\n ",
        b"a\n",
        b"=",
        b" ",
        b"#\n",
        b"\\u0041",
        b"\\uD83D",
        b"a\\\n",
        b"\xff",
    ],
)
def test_hostile_repetition_is_read(piece: bytes) -> None:
    """Linear time: the test's own time limit is the judge."""
    data = piece * (HOSTILE_SIZE // len(piece))

    document = ini.parse(data)

    assert len(document.entries) <= len(data)
    assert all(1 <= entry.line <= entry.last_line for entry in document.entries)


@pytest.mark.parametrize("piece", [b"\\u", b"\\u\n", b"\\u\\\n", b"a=\\uD83D\\u"])
def test_hostile_repetition_of_malformed_escapes_is_refused(piece: bytes) -> None:
    """Linear time, and a bounded number of faults."""
    with pytest.raises(IniSyntaxError) as caught:
        ini.parse(piece * (HOSTILE_SIZE // len(piece)))

    assert 1 <= len(caught.value.faults) <= 2 * ini.MOST_FAULTS


def test_entries_never_show_their_values() -> None:
    """W20: a document may be printed."""
    document = ini.parse(b"SSLKeystorePassword=geheim\n")

    assert "geheim" not in repr(document)
