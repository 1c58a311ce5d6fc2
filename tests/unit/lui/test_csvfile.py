from pathlib import Path

import pytest

from sottovoce.errors import FormatError, SettingsError
from sottovoce.lui.schema import Consent
from sottovoce.lui.service import csvfile
from sottovoce.lui.service.csvfile import CsvReader, ImportRow, Reject


def read(data: str | bytes) -> tuple[list[ImportRow], list[Reject]]:
    rows: list[ImportRow] = []
    rejects: list[Reject] = []
    for row in CsvReader(data.encode() if isinstance(data, str) else data, name="people.csv"):
        if isinstance(row, ImportRow):
            rows.append(row)
        else:
            rejects += row
    return rows, rejects


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_marks_and_line_ends_are_recognised(separator: str, mark: str, end: str) -> None:
    text = f'{mark}Email{separator}First Name{end}a@example.org{separator}"Lee{separator} Ann"{end}'
    ((row,), rejects) = read(text)
    assert rejects == []
    assert row.address.mailbox == "a@example.org"
    assert row.fields == {"first_name": f"Lee{separator} Ann"}


def test_consent_is_granted_denied_or_unknown() -> None:
    rows, rejects = read(
        "email,tracking\na@example.org,granted\nb@example.org,DENIED\nc@example.org,\nd@example.org,maybe\n"
    )
    assert [row.consent for row in rows] == [Consent.GRANTED, Consent.DENIED, Consent.UNKNOWN]
    assert rejects == [
        Reject(5, "tracking", "maybe", "Tracking consent is 'granted', 'denied' or empty.")
    ]


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [
        (b"email,a\nx@example.org\n", 2, "", "1 cells, the header has 2"),
        (b"email,a\nx@example.org,1,2\n", 2, "", "3 cells"),
        (b"email,a\n,1\n", 2, "email", "There is no address"),
        (b"email,a\nx@example.org,a\x00b\n", 2, "a", "U+0000"),
        (b"email,a\nx@example.org,\xe9t\xe9\n", 2, "a", "not UTF-8 (byte 0xE9)"),
        (b"email,a\nx@example.org," + b"y" * 3000 + b"\n", 2, "a", "3,000 characters"),
        (b"email,a\nx@example.org,1\nX@example.org,2\n", 3, "email", "stands in line 2 already"),
        (b'email,a\nx@example.org,"open\n', 2, "", "cannot be read"),
        (b'email,a\n\n\nx@example.org,"two\nlines"\nbad,1\n', 6, "email", "@-sign"),
    ],
)
def test_a_broken_row_is_told_with_line_column_and_reason(
    data: bytes, line: int, column: str, words: str
) -> None:
    _, rejects = read(data)
    assert [(reject.line, reject.column) for reject in rejects] == [(line, column)]
    assert words in rejects[0].why


def test_all_broken_cells_of_a_row_are_told_and_the_next_row_follows() -> None:
    rows, rejects = read("email,tracking\nbad,worse\ngood@example.org,granted\n")
    assert [(reject.line, reject.column) for reject in rejects] == [(2, "email"), (2, "tracking")]
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("name,city", "no column 'email' (found: name, city)"),
        ("email,,x", "column 2 has no name"),
        ("email,a b,A-B", "column 3 repeats the name 'a_b'"),
        ("email,1st", "cannot be used as a field's name"),
        ("email,unsubscribe_url", "cannot be used as a field's name"),
        ("email," + ",".join(f"c{n}" for n in range(100)), "101 columns"),
    ],
)
def test_a_header_that_cannot_be_used_is_a_fault(header: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(f"{header}\n")
    assert any(words in fault.why for fault in caught.value.faults)
    assert {fault.code for fault in caught.value.faults} == {"import-header"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"PK\x03\x04rest", "ZIP or spreadsheet"),
        ("email\na@example.org\n".encode("utf-16"), "UTF-16"),
        ("email\na@example.org\n".encode("utf-16-le"), "UTF-16"),
    ],
)
def test_a_file_that_is_no_csv_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words) as caught:
        read(data)
    assert caught.value.code == "import-unreadable"


def test_a_file_beyond_the_bounds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(b"email\n" + b"".join(b"p%d@example.org\n" % n for n in range(10)))
    monkeypatch.setattr(csvfile, "MAX_ROWS", 9)
    with CsvReader(file) as reader, pytest.raises(FormatError, match="more than 9 rows"):
        list(reader)
    monkeypatch.setattr(csvfile, "MAX_BYTES", 20)
    with pytest.raises(FormatError, match="20 are allowed"):
        CsvReader(file)
