"""The kinds of values: what each takes, what it answers, what it says of the rest."""

from pathlib import Path
from typing import Any

import pytest

from sottovoce import ini

BY_NAME = "servers are known by the DNS names in their certificates"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ini.Text(), "a b é", "a b é"),
        (ini.Integer(-5, 5), "-5", -5),
        (ini.Integer(0, 10), "+007", 7),
        (ini.PORT, "65535", 65535),
        (ini.AbsolutePath(), "/opt/a b/server.p12", Path("/opt/a b/server.p12")),
        (ini.HostName(), "HUB.test.", "hub.test"),
        (ini.IpAddress(), "127.0.0.2", "127.0.0.2"),
        (ini.IpAddress(), "0:0::1", "::1"),
        (ini.Boolean(), "Yes", True),
        (ini.Boolean(), "off", False),
        (ini.Choice(("debug", "info")), "info", "info"),
        (ini.Duration(), "90", 90.0),
        (ini.Duration(), "1.5s", 1.5),
        (ini.Duration(), "250ms", 0.25),
        (ini.Duration(), "5m", 300.0),
        (ini.Duration(), "2h", 7200.0),
        (ini.Duration(), "35d", 35 * 86400.0),
        (ini.ListOf(ini.HostName()), "Hub.test,lui.test", ("hub.test", "lui.test")),
        (ini.ListOf(ini.PORT), "1,2", (1, 2)),
    ],
)
def test_right_values_are_read(kind: ini.Kind[Any], text: str, value: object) -> None:
    assert kind.read(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "code", "why"),
    [
        (ini.Text(longest=3), "abcd", "ini-bad-value", "has 4 characters"),
        (ini.Text(), "a\0", "ini-bad-value", "has a control character"),
        (ini.Integer(0, 9), "ten", "ini-bad-value", "is not a whole number"),
        (ini.Integer(0, 9), "1.0", "ini-bad-value", "is not a whole number"),
        (ini.Integer(0, 9), "1_0", "ini-bad-value", "is not a whole number"),
        (ini.Integer(0, 9), "٣", "ini-bad-value", "is not a whole number"),
        (ini.Integer(0, 9), "9" * 5000, "ini-bad-value", "is not a whole number"),
        (ini.PORT, "0", "ini-bad-value", "is out of range"),
        (ini.PORT, "65536", "ini-bad-value", "is out of range"),
        (ini.AbsolutePath(), "conf/x", "ini-relative-path", "is relative"),
        (ini.AbsolutePath(), "./x", "ini-relative-path", "is relative"),
        (ini.AbsolutePath(), "~/x", "ini-relative-path", "not expanded"),
        (ini.AbsolutePath(), "C:\\x", "ini-relative-path", "Windows path"),
        (ini.AbsolutePath(), "c:/x", "ini-relative-path", "Windows path"),
        (ini.AbsolutePath(), "\\\\server\\share", "ini-relative-path", "Windows path"),
        (ini.AbsolutePath(), "/a\nb", "ini-bad-value", "has a control character"),
        (ini.HostName(), "10.0.0.1", "ini-bad-value", "is an IP address"),
        (ini.IpAddress(), "localhost", "ini-bad-value", "is not an IP address"),
        (ini.Boolean(), "maybe", "ini-bad-value", "is neither yes nor no"),
        (ini.Choice(("debug", "info")), "Info", "ini-bad-value", "is none of the words"),
        (ini.Choice(("debug", "info")), "zzz", "ini-bad-value", "is none of the words"),
        (ini.Duration(), "5 m", "ini-bad-value", "is not a length of time"),
        (ini.Duration(), "-5", "ini-bad-value", "is not a length of time"),
        (ini.Duration(), "1e9", "ini-bad-value", "is not a length of time"),
        (ini.Duration(minimum=1, maximum=60), "2m", "ini-bad-value", "is out of range"),
        (ini.Duration(minimum=1), "0", "ini-bad-value", "is out of range"),
    ],
)
def test_wrong_values_are_refused_with_the_reason(
    kind: ini.Kind[Any], text: str, code: str, why: str
) -> None:
    with pytest.raises(ini.Unfit) as caught:
        kind.read(text)

    (objection,) = caught.value.objections
    assert objection.code == code
    assert why in objection.why
    assert text not in objection.why or len(text) == 1
    assert objection.presented == ini.shown(text)


def test_a_choice_names_the_word_that_was_meant() -> None:
    with pytest.raises(ini.Unfit) as caught:
        ini.Choice(("debug", "info")).read("Debg")

    assert caught.value.objections[0].hint == "Did you mean debug?"


def test_a_list_reports_everything_that_is_wrong_with_it() -> None:
    """W17, catalogue A3: blanks, empty items, repetitions and bad items, all at once."""
    with pytest.raises(ini.Unfit) as caught:
        ini.ListOf(ini.HostName(), noun="name").read("hub.test, lui.test,,10.0.0.1,HUB.test.")

    objections = caught.value.objections
    assert [(each.code, each.why) for each in objections] == [
        ("ini-list-blanks", "has blanks"),
        ("ini-bad-value", "has nothing between two commas: name 3 is empty"),
        (
            "ini-bad-value",
            "is not right in name 4: it is an IP address; " + BY_NAME,
        ),
        ("ini-bad-value", "is not right in name 5: it repeats name 1"),
    ]
    assert objections[0].hint == "Remove them: hub.test,lui.test,10.0.0.1,HUB.test."


def test_a_secret_is_read_as_a_secret() -> None:
    assert ini.SecretText().read("p w") == ini.Secret("p w")
    assert ini.SecretText().secret


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        (ini.Text(longest=5), "text of at most 5 characters"),
        (ini.SecretText(), "a password"),
        (ini.PORT, "a port number, 1 to 65535"),
        (ini.AbsolutePath(), "an absolute path, beginning with /"),
        (ini.HostName(), "a host name"),
        (ini.IpAddress(), "an IP address"),
        (ini.Boolean(), "yes or no"),
        (ini.Choice(("a", "b")), "one of a, b"),
        (
            ini.Duration(minimum=1, maximum=86400),
            "a length of time, 1s to 1d (units ms, s, m, h, d; without one: seconds)",
        ),
        (
            ini.Duration(minimum=0.5, maximum=90),
            "a length of time, 0.5s to 90s (units ms, s, m, h, d; without one: seconds)",
        ),
        (
            ini.ListOf(ini.HostName(), noun="name"),
            "a list separated by commas, without blanks; each name a host name",
        ),
    ],
)
def test_each_kind_says_in_words_what_it_takes(kind: ini.Kind[Any], label: str) -> None:
    assert kind.label == label


def test_the_base_of_all_kinds_reads_nothing() -> None:
    kind: ini.Kind[str] = ini.Kind()

    with pytest.raises(NotImplementedError):
        kind.read("x")
    with pytest.raises(NotImplementedError):
        assert kind.label
