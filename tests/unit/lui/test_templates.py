import pytest

from sottovoce.errors import Fault, SettingsError
from sottovoce.lui.service.templates import (
    MAX_SIZE,
    Field,
    If,
    Source,
    Text,
    parse,
    unknown_fields,
)


def faults_of(text: str) -> tuple[Fault, ...]:
    with pytest.raises(SettingsError) as caught:
        parse(Source(text, "letter.html"))
    return caught.value.faults


def test_text_without_tags_is_one_constant() -> None:
    assert parse(Source("just text", "t")) == (Text(0, 9),)


def test_fields_and_fallbacks_are_read_with_their_places() -> None:
    assert parse(Source("Dear {{ first_name | friend of ours }}!", "t")) == (
        Text(0, 5),
        Field("first_name", "friend of ours", 5, 38),
        Text(38, 39),
    )


def test_conditions_nest() -> None:
    (node,) = parse(Source("{{#if a}}x{{#if b}}y{{else}}z{{/if}}{{/if}}", "t"))
    assert isinstance(node, If)
    assert node.name == "a"
    inner = node.then[1]
    assert isinstance(inner, If)
    assert inner.name == "b"
    assert inner.then == (Text(19, 20),)
    assert inner.otherwise == (Text(28, 29),)
    assert node.marks == (0, 36)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n{{#if x}}b", 2, "never closed"),
        ("{{else}}", 1, "outside a condition"),
        ("{{/if}}", 1, "closes nothing"),
        ("{{#if x}}{{else}}{{else}}{{/if}}", 1, "second {{else}}"),
        ("one\ntwo {{person.name}}", 2, "is no tag"),
        ("{{call()}}", 1, "is no tag"),
        ("{{ }}", 1, "is no tag"),
        ("{{#each x}}", 1, "is no tag"),
        ("x {{ y", 1, "not followed by"),
        ("{{" + "a" * 400 + "}}", 1, "not followed by"),
    ],
)
def test_what_is_no_tag_is_a_fault_with_its_line(text: str, line: int, words: str) -> None:
    (fault,) = faults_of(text)
    assert (fault.code, fault.file, fault.line) == ("template-malformed", "letter.html", line)
    assert words in fault.why


def test_every_fault_of_a_template_is_told_at_once() -> None:
    faults = faults_of("{{/if}}\n{{a.b}}\n{{#if x}}")
    assert [fault.line for fault in faults] == [1, 2, 3]


def test_a_template_beyond_the_bounds_is_refused() -> None:
    assert faults_of("x" * (MAX_SIZE + 1))[0].code == "template-too-large"
    assert faults_of("{{a}}" * 2001)[0].code == "template-too-large"
    assert "deep" in faults_of("{{#if a}}" * 17 + "{{/if}}" * 17)[0].why


def test_an_unknown_field_is_named_with_its_place_and_the_nearest_ones() -> None:
    source = Source("Dear {{firstname}},\n  in {{#if town}}{{city}}{{/if}}", "letter.html")
    first, second = unknown_fields(source, parse(source), ["first_name", "city", "email"])
    assert (first.code, first.file, first.line, first.key) == (
        "template-unknown-field",
        "letter.html",
        1,
        "firstname",
    )
    assert first.why.startswith("column 6: ")
    assert first.hint == "Did you mean first_name?"
    assert (second.line, second.key) == (2, "town")
    assert "column 6" in second.why
