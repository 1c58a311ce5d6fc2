"""Typed key tables: every fault of a file at once, and the values when there is none."""

import json
from pathlib import Path

import pytest

from sottovoce import ini
from sottovoce.errors import Fault, SettingsError

NAME = ini.Key("ServerName", ini.HostName(), required=True, help="Who this server is.")
PORT = ini.Key("InternalPort", ini.PORT, default=1099)
HOME = ini.Key("Home", ini.AbsolutePath())
EXPLAIN = ini.Key("ExplainRefusals", ini.Boolean(), default=True)
PARTS = ini.Key("Components", ini.ListOf(ini.Choice(("hub", "lui", "trk"))), default=("hub", "lui"))
TITLE = ini.Key("Title", ini.Text())
WAIT = ini.Key("Wait", ini.Duration(maximum=60), default=1.5)
PASSWORD = ini.Key("Password", ini.SecretText())

OPEN_KEYS = (NAME, PORT, HOME, EXPLAIN, PARTS, TITLE, WAIT)
ALL_KEYS = (*OPEN_KEYS, PASSWORD)


def _read(text: str, keys: tuple[ini.AnyKey, ...] = ALL_KEYS) -> ini.Settings:
    return ini.read_table(ini.survey(text.encode()), keys, file="x.ini")


def _faults(text: str, keys: tuple[ini.AnyKey, ...] = ALL_KEYS) -> tuple[Fault, ...]:
    with pytest.raises(SettingsError) as caught:
        _read(text, keys)
    return caught.value.faults


def _places(faults: tuple[Fault, ...]) -> list[tuple[str, int | None, str | None]]:
    assert all(fault.file == "x.ini" and not fault.warning for fault in faults)
    return [(fault.code, fault.line, fault.key) for fault in faults]


def test_values_come_typed_and_absent_keys_as_their_defaults() -> None:
    settings = _read("ServerName=HUB.test\nHome=/srv/a\nComponents=trk\nPassword=p w\n")

    assert dict(settings) == {
        "ServerName": "hub.test",
        "InternalPort": 1099,
        "Home": Path("/srv/a"),
        "ExplainRefusals": True,
        "Components": ("trk",),
        "Title": None,
        "Wait": 1.5,
        "Password": ini.Secret("p w"),
    }
    assert settings.of(NAME) == "hub.test"
    assert settings.find(TITLE) is None
    assert (settings.line_of("Home"), settings.line_of("Title")) == (2, None)
    assert settings.warnings == ()
    assert len(settings) == 8


def test_a_value_without_default_that_is_asked_for_is_a_mistake_in_the_program() -> None:
    with pytest.raises(LookupError, match="Title is absent"):
        _read("ServerName=a\n").of(TITLE)


def test_settings_may_be_printed() -> None:
    """W20."""
    assert repr(_read("ServerName=a\nPassword=geheim\n")) == (
        "Settings('x.ini', keys=ServerName, Password)"
    )


def test_every_fault_is_reported_at_once_in_the_order_of_the_lines() -> None:
    """W17: unknown, repeated, missing and bad, each with its line."""
    faults = _faults(
        "\ufeffServerNam=hub.test\nInternalPort=70000\nInternalPort=x\nHome=conf\nPassword=\n"
        "ExplainRefusals=perhaps\nComponents=hub, lui\nWait=2m\nTitl\\e=C:\\users"
    )

    assert _places(faults) == [
        ("ini-byte-order-mark", 1, None),
        ("ini-unknown-key", 1, "ServerNam"),
        ("ini-repeated-key", 3, "InternalPort"),
        ("ini-bad-value", 3, "InternalPort"),
        ("ini-relative-path", 4, "Home"),
        ("ini-empty-value", 5, "Password"),
        ("ini-bad-value", 6, "ExplainRefusals"),
        ("ini-list-blanks", 7, "Components"),
        ("ini-bad-value", 8, "Wait"),
        ("ini-malformed-escape", 9, "Title"),
        ("ini-single-backslash", 9, "Title"),
        ("ini-missing-key", None, "ServerName"),
    ]


def test_the_message_says_first_what_does_not_happen() -> None:
    with pytest.raises(SettingsError) as caught:
        ini.read_table(ini.parse(b"Port=1\n"), [], file="x.ini", message="Not starting.")

    assert (
        str(caught.value)
        == "Not starting.\nx.ini:1: “Port” is no key of this file. Remove the line."
    )


def test_the_documents_own_name_is_used_where_none_is_given() -> None:
    document = ini.parse(b"Port=1\n", file="y.ini")

    assert [fault.file for fault in ini.examine_table(document, []).faults] == ["y.ini"]


def test_an_unknown_key_comes_with_the_one_that_was_meant() -> None:
    (fault,) = _faults("ServerName=a\ninternalport=1\n")

    assert fault.hint == "Did you mean InternalPort?"
    assert fault.presented == "internalport"
    assert "InternalPort" in fault.expected


def test_a_bad_value_says_what_was_expected_and_what_stands_there() -> None:
    (fault,) = _faults("ServerName=a\nInternalPort=70000\n")

    assert fault.why == "InternalPort is out of range."
    assert (fault.expected, fault.presented) == ("a port number, 1 to 65535", "70000")


def test_a_missing_key_comes_with_the_line_to_write() -> None:
    (fault,) = _faults("InternalPort=1\n")

    assert fault.hint == "Add the line ServerName=… (a host name)."


def test_a_missing_key_is_found_inside_a_continued_value() -> None:
    faults = _faults("Home=C:\\srv\\\nServerName=a\n")

    missing = faults[-1]
    assert (missing.code, missing.key) == ("ini-missing-key", "ServerName")
    assert "inside the value of line 1, which a backslash at its end joins" in missing.hint


def test_a_missing_key_is_found_behind_another_on_one_line() -> None:
    (fault,) = _faults("Title=x ServerName=a\n")

    assert fault.hint.endswith("inside the value of line 1: each key begins a line of its own.")


def test_single_backslashes_in_a_path_are_one_fault_with_both_spellings() -> None:
    """W17, catalogue C2: what they garbled is not reported a second time."""
    faults = _faults("ServerName=a\nHome=/srv\\new\\x\n")

    assert _places(faults) == [("ini-single-backslash", 2, "Home")]
    assert faults[0].hint == r"Write /srv\\new\\x or /srv/new/x."


def test_what_java_writes_has_no_single_backslash() -> None:
    """``Properties.store`` escapes ``:`` ``=`` ``#`` ``!`` and leading blanks."""
    assert _read("ServerName=a\nTitle=\\ a\\=b\\:c\\#\\!\n").of(TITLE) == " a=b:c#!"


@pytest.mark.parametrize("text", ["Title=a ", "Title=a\\\\ ", "Title=a\\  "])
def test_a_blank_at_the_end_of_a_text_is_a_warning(text: str) -> None:
    settings = _read(f"ServerName=a\n{text}\n")

    assert [(fault.code, fault.line, fault.warning) for fault in settings.warnings] == [
        ("ini-trailing-blank", 2, True)
    ]


def test_a_blank_at_the_end_that_is_written_out_is_meant() -> None:
    settings = _read("ServerName=a\nTitle=a\\ \nPassword=b\\u0020\n")

    assert settings.of(TITLE) == "a "
    assert settings.warnings == ()


@pytest.mark.parametrize(
    "text", ["ServerName=a ", "ServerName=a\nHome=/x ", "ServerName=a\nHome=/x\\ "]
)
def test_a_blank_at_the_end_of_a_name_or_path_is_a_fault(text: str) -> None:
    assert [fault.code for fault in _faults(text)] == ["ini-trailing-blank"]


def test_half_a_surrogate_pair_is_no_character() -> None:
    faults = _faults("ServerName=a\nPassword=\\uD83D\nTitle=\\uDE00\n")

    assert _places(faults) == [("ini-bad-value", 2, "Password"), ("ini-bad-value", 3, "Title")]


def test_the_encoding_is_only_a_warning() -> None:
    settings = ini.read_table(ini.parse(b"ServerName=a\nTitle=caf\xe9\n"), ALL_KEYS, file="x.ini")

    assert settings.of(TITLE) == "café"
    assert [fault.code for fault in settings.warnings] == ["ini-encoding"]


@pytest.mark.parametrize(
    "text",
    [
        "Password=geheim\\w\n",
        "Password=geheim\\t\n",
        "Password=geheim \nInternalPort=x\n",
        "Password=geheim\\uD83D\n",
        "Password=geheim\\u12\n",
        "Password=a\nPassword=geheim\n",
        "Password=\ngeheim\n",
        "Password\ngeheim\ngeheim\n",
        "Password=\ngeheim==\n",
        "Password=\ngeheim more\\u12\n",
        "Password=\ngeh\\eim\n",
        "Home=C:\\srv\\\nPassword=geheim\n",
        "Home=relative Password=geheim\n",
        "InternalPort=1\\\npassword geheim\n",
        "Components=hub, lui,\\\nPassword=geheim\n",
        "ServerName=hub\\\ngeheim,x\n",
        "Passwordgeh\n",
        "Passwordgeheim=x\n",
        "Passwordgeheim x\n",
        "Titlegeh\n",
        "Password=\ngeheim=x\n",
        "Home=conf/xPasswrd=geheim\n",
    ],
)
def test_no_fault_shows_a_password(text: str) -> None:
    """W20, catalogue C4: not even one that a slip has put where it does not belong."""
    with pytest.raises(SettingsError) as caught:
        ini.read_table(ini.survey(text.encode()), ALL_KEYS, file="x.ini")

    told = f"{caught.value} {caught.value.faults!r}"
    assert "geh" not in told
    assert "eim" not in told


def test_a_line_that_was_meant_as_a_key_is_shown_also_beside_a_secret() -> None:
    (fault,) = _faults("ServerName=a\nColour=blue\n")

    assert fault.presented == "Colour"


def test_in_a_table_without_secrets_every_unknown_key_is_shown() -> None:
    (fault,) = _faults("ServerName=a\nstray words\n", OPEN_KEYS)

    assert fault.presented == "stray"


def test_faults_can_be_written_as_json_whatever_stands_in_the_file() -> None:
    faults = _faults("\\uD83D\\u0000\n=1\n\\uD83D\\u0000=2\n", OPEN_KEYS)

    texts = [f"{fault}{fault.key}{fault.presented}{fault.expected}" for fault in faults]
    assert json.dumps(texts, ensure_ascii=False).encode()
    assert all("\0" not in text for text in texts)


def test_a_file_of_another_kind_gives_a_bounded_number_of_faults() -> None:
    faults = _faults("".join(f"Key{number}=1\n" for number in range(5000)))

    assert len(faults) == ini.MOST_FAULTS + 1


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (NAME, ""),
        (PORT, "1099"),
        (EXPLAIN, "yes"),
        (PARTS, "hub,lui"),
        (WAIT, "1.5"),
        (ini.Key("Log", ini.Boolean(), default=False), "no"),
        (ini.Key("P", ini.SecretText(), default=ini.Secret("geheim")), "•••"),
    ],
)
def test_a_table_can_be_listed_for_the_reference(key: ini.AnyKey, text: str) -> None:
    assert key.default_text == text
    assert key.kind.label


def test_a_key_has_its_help() -> None:
    assert NAME.help == "Who this server is."
