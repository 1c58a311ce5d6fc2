"""Entries → INI text, as it stands in the file."""

from sottovoce import ini


def test_entries_are_written_one_a_line_below_the_comments() -> None:
    data = ini.dumps([("a", "1"), ("b", "x = y : z # !")], comments=["one\ntwo", "", "drei ä"])

    assert data == "# one\n# two\n#\n# drei ä\na=1\nb=x = y : z # !\n".encode()


def test_what_the_grammar_turns_on_is_escaped() -> None:
    data = ini.dumps([("k =:#!\\", " \t\n\r\f\\ "), ("", ""), ("b", "   ")])

    assert data == rb"k\ \=\:\#\!\\=\ \t\n\r\f\\\ " + b"\n=\n" + rb"b=\ \ \ " + b"\n"


def test_values_are_ascii_so_that_every_reader_takes_them_alike() -> None:
    assert (
        ini.dumps([("é", "€😀\0\x7f\ud800")])
        == rb"\u00e9=\u20ac\ud83d\ude00\u0000\u007f\ud800" + b"\n"
    )


def test_a_comment_cannot_become_an_entry() -> None:
    data = ini.dumps([], comments=["a\rb=1\r\nc=2\\", "\udc80"])

    assert ini.parse(data).items() == []


def test_what_is_written_has_no_fault_when_read_back() -> None:
    items = [("SSLKeystorePath", "C:\\security\\new"), ("SSLKeystorePassword", "p\\w ")]

    document = ini.parse(ini.dumps(items))

    assert (document.items(), document.faults) == (items, ())
    assert [ini.single_backslashes(entry.raw) for entry in document.entries] == [(), ()]
