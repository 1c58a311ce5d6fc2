"""The grammar of keytool's command lines: verbs × options, and what is refused."""

import pytest

from sottovoce.errors import WrongUsage
from sottovoce.ini import Secret
from sottovoce.keytool import VERBS, parse_command, usage


def test_a_command_line_is_understood() -> None:
    command = parse_command(
        [
            "-genkeypair",
            "-alias",
            "srv",
            "-keyalg",
            "EC",
            "-ext",
            "san=dns:a",
            "-ext",
            "bc",
            "-storepass:env",
            "PW",
            "-v",
        ]
    )

    assert command.verb.name == "genkeypair"
    assert command.values == {"alias": "srv", "keyalg": "EC"}
    assert command.extensions == ("san=dns:a", "bc")
    assert command.flags == {"v"}
    assert command.passwords["storepass"].kind == "env"
    assert command.passwords["storepass"].value == Secret("PW")


@pytest.mark.parametrize(
    ("old", "name"),
    [("-genkey", "genkeypair"), ("-import", "importcert"), ("-export", "exportcert")],
)
def test_the_old_names_of_verbs_are_known(old: str, name: str) -> None:
    assert parse_command([old]).verb.name == name


def test_verbs_and_options_are_known_in_any_case_and_order() -> None:
    assert parse_command(["-Alias", "x", "-LIST"]).value("alias") == "x"


def test_a_password_is_never_in_the_representation() -> None:
    assert "geheim" not in repr(parse_command(["-list", "-storepass", "geheim1"]))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Which verb?"),
        (["list"], "Which verb?"),
        (["-nonsense"], "Illegal option: -nonsense"),
        (["-list", "-keyalg", "EC"], "Illegal option:  -keyalg"),
        (["-list", "stray"], "Illegal option: stray"),
        (["-list", "-alias"], "Command option -alias needs an argument."),
        (["-list", "-protected"], "not supported here"),
        (["-printcert", "-sslserver", "x"], "not supported here"),
        (["-list", "-storepass:clip", "x"], "not by :clip"),
        (["-list", "-alias:env", "x"], "takes no :env"),
        (["-list", "-alias", "a", "-alias", "b"], "given twice"),
    ],
)
def test_wrong_words_are_refused_with_the_usage(words: list[str], said: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        parse_command(words)

    assert caught.value.code == "wrong-usage"
    assert said in caught.value.message
    assert "keytool" in caught.value.hint


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_each_verb_has_a_usage_that_names_its_options(verb: str) -> None:
    text = usage(VERBS[verb])

    assert text.startswith(f"sottovoce keytool -{verb}")
    assert all(f" -{name}" in text for name in VERBS[verb].options)
    assert parse_command([f"-{verb}", "--help"]).help


def test_the_verbs_of_the_white_papers_procedure_are_there() -> None:
    """W13, W15, W16."""
    assert {"genkeypair", "certreq", "importcert", "list", "storepasswd"} <= set(VERBS)
    assert len(VERBS) == 14
    assert all(f" -{name}" in usage() for name in VERBS)
