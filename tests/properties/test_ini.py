"""INI text: what is written is read back, and garbage is read or refused, nothing else (W17)."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sottovoce import ini
from sottovoce.errors import IniSyntaxError
from sottovoce.ini import AnyKey, Key

any_text = st.text(st.characters(codec="utf-8") | st.sampled_from("\\ \t\f\r\n=:#!\0ux"))
items = st.lists(st.tuples(any_text, any_text))
#: Mostly what the grammar turns on, sometimes any byte.
ini_bytes = st.lists(
    st.sampled_from(
        [b"\\", b"\n", b"\r", b" ", b"=", b":", b"#", b"\\u00", b"e9", b"\\uD83D", b"a"]
    )
    | st.binary(max_size=3)
).map(b"".join)

KEYS: tuple[AnyKey, ...] = (
    Key("a", ini.HostName(), required=True),
    Key("e9", ini.ListOf(ini.PORT)),
    Key("u", ini.AbsolutePath()),
    Key("x", ini.SecretText()),
    Key("", ini.Duration()),
)


@given(items, st.lists(any_text, max_size=3))
def test_what_is_written_is_read_back(pairs: list[tuple[str, str]], comments: list[str]) -> None:
    """In order and with repetitions, whatever the comments say."""
    document = ini.parse(ini.dumps(pairs, comments=comments))

    assert document.items() == pairs
    assert {fault.code for fault in document.faults} <= {"ini-repeated-key"}
    assert all(ini.single_backslashes(entry.raw) == () for entry in document.entries)


@given(ini_bytes)
def test_garbage_is_read_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        document = ini.parse(data, file="x.ini")
    except IniSyntaxError:
        return
    lines = [entry.line for entry in document.entries]
    assert lines == sorted(set(lines))
    assert ini.parse(ini.dumps(document.items())).items() == document.items()


@given(ini_bytes)
def test_a_survey_agrees_with_the_parser_wherever_that_reads(data: bytes) -> None:
    document = ini.survey(data)
    malformed = any(fault.code == "ini-malformed-escape" for fault in document.faults)
    try:
        assert ini.parse(data) == document
    except IniSyntaxError:
        assert malformed
    else:
        assert not malformed


@given(ini_bytes)
def test_a_table_gives_settings_or_faults_with_their_place(data: bytes) -> None:
    examined = ini.examine_table(ini.survey(data), KEYS, file="x.ini")

    assert set(examined.settings) == {key.name for key in KEYS}
    for fault in (*examined.faults, *examined.settings.warnings):
        assert fault.code.startswith("ini-")
        assert fault.line or fault.code == "ini-missing-key"
        assert str(fault).encode().decode().isprintable()


@given(st.text(max_size=300))
def test_a_normal_host_name_is_its_own_normal_form(text: str) -> None:
    try:
        normal = ini.normalise_host_name(text)
    except ValueError:
        return
    assert ini.normalise_host_name(normal) == normal
    assert normal.isascii()
    assert len(normal) <= 253


words = st.text("abcX.", max_size=8)


@given(words, words, words)
def test_the_number_of_slips_is_a_measure(one: str, other: str, third: str) -> None:
    apart: Callable[[str, str], int] = ini.distance

    assert apart(one, other) == apart(other, one)
    assert (apart(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= apart(one, other) <= max(len(one), len(other))
    assert apart(one + third, other + third) <= apart(one, other)
