import pytest

from sottovoce.errors import Fault, SettingsError
from sottovoce.lui.service.content import (
    Branch,
    Content,
    Escape,
    JobLink,
    LinkPiece,
    PixelPiece,
    Slot,
    UnsubscribePiece,
    compile_content,
)
from sottovoce.lui.service.templates import Source


def compiled(html: str = "<p>x</p>", text: str = "x", subject: str = "s") -> Content:
    return compile_content(
        Source(subject, "subject"),
        Source(html, "letter.html"),
        Source(text, "letter.txt"),
        fields=["email", "name", "city"],
    )


def faults_of(**sources: str) -> tuple[Fault, ...]:
    with pytest.raises(SettingsError) as caught:
        compiled(**sources)
    return caught.value.faults


def test_links_are_cut_out_and_numbered_by_target_over_both_parts() -> None:
    content = compiled(
        '<a href="https://example.org/?a=1&amp;b=2">One</a><a href="https://example.org/2">Two</a>',
        "https://example.org/2 https://example.org/3 https://example.org/?a=1&b=2",
    )
    assert content.links == (
        JobLink(0, "https://example.org/?a=1&b=2", "One"),
        JobLink(1, "https://example.org/2", "Two"),
        JobLink(2, "https://example.org/3", "https://example.org/3"),
    )
    assert content.html[:3] == (
        '<a href="',
        LinkPiece(0, "https://example.org/?a=1&amp;b=2"),
        '">One</a><a href="',
    )
    assert [piece.n for piece in content.text if isinstance(piece, LinkPiece)] == [1, 2, 0]


def test_values_are_escaped_for_where_they_stand() -> None:
    content = compiled(
        '{{name|you}}<a href="https://example.org/{{city}}">x</a>', "{{name}}", "{{name}}"
    )
    slots = [piece for piece in content.html if isinstance(piece, Slot)]
    assert slots == [Slot("name", "you", Escape.HTML), Slot("city", "", Escape.URL)]
    assert content.text[0] == Slot("name", "", Escape.PLAIN)
    assert content.subject == (Slot("name", "", Escape.PLAIN),)


def test_a_way_to_unsubscribe_is_added_before_the_end_of_the_body() -> None:
    content = compiled("<body><p>x</p></body></html>", "x")
    assert isinstance(content.html[2], UnsubscribePiece)
    assert isinstance(content.html[4], PixelPiece)
    assert content.html[5] == "</body></html>"
    assert any(isinstance(piece, UnsubscribePiece) for piece in content.text)


def test_a_way_to_unsubscribe_that_is_there_is_used() -> None:
    content = compiled('<a href="{{unsubscribe_url}}">off</a>', "{{unsubscribe_url}}")
    assert [type(piece) for piece in content.html].count(UnsubscribePiece) == 1
    assert [type(piece) for piece in content.text].count(UnsubscribePiece) == 1


def test_one_that_only_some_would_see_does_not_count() -> None:
    content = compiled(text="{{#if name}}{{unsubscribe_url}}{{/if}}")
    assert isinstance(content.text[0], Branch)
    assert any(isinstance(piece, UnsubscribePiece) for piece in content.text[1:])


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ('<a href="{{name}}">x</a>', "choose where a link leads"),
        ("<script>{{name}}</script>", "no value can be made safe"),
        ("<p {{name}}>", "no value can be made safe"),
        ('<p title="{{#if name}}x">{{/if}}', "different places"),
        ("{{#if name}}<!-- {{else}} -->{{/if}}", "different places"),
    ],
)
def test_a_value_where_none_is_safe_is_refused(html: str, words: str) -> None:
    assert any(
        fault.code == "template-unsafe-place" and words in fault.why and fault.file == "letter.html"
        for fault in faults_of(html=html)
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://user:pw@example.org/", "user name or password"),
        ("https:///path", "names no host"),
        ("https://example.org:99999/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https://example.org/" + "x" * 2000, "longer than"),
        ("https://example.org/a b", "white space"),
        ("https://exämple.org/", "percent-encoded"),
        ("https://example.org/größe", "percent-encoded"),
        ("https://example.org/\\evil", "percent-encoded"),
    ],
)
def test_a_target_that_the_tracker_would_refuse_is_a_fault_with_its_line(
    url: str, words: str
) -> None:
    (fault,) = faults_of(html=f'<p>\n<a href="{url}">x</a>')
    assert (fault.code, fault.line) == ("link-unusable", 2)
    assert words in fault.why


def test_the_faults_of_all_three_templates_come_together() -> None:
    faults = faults_of(html="{{nam}}", text="\n{{towm}}", subject="{{unsubscribe_url}}")
    assert [(fault.file, fault.line, fault.code) for fault in faults] == [
        ("letter.html", 1, "template-unknown-field"),
        ("letter.txt", 2, "template-unknown-field"),
        ("subject", 1, "template-unsafe-place"),
    ]
