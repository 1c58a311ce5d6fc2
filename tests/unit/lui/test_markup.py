import pytest

from sottovoce.lui.service.markup import Context, scan_html, scan_text


def context_of(source: str) -> Context:
    (place,) = scan_html(source).places.values()
    return place.context


@pytest.mark.parametrize(
    ("source", "context"),
    [
        ("<p>{{x}}</p>", Context.HTML),
        ("{{x}}", Context.HTML),
        ('<p title="{{x}}">', Context.HTML),
        ("<p title='a {{x}} b'>", Context.HTML),
        ('<a href="https://example.org/?q={{x}}">', Context.URL),
        ('<a href="/{{x}}">', Context.URL),
        ('<a href="{{x}}">', Context.URL_START),
        ('<img src="{{x}}">', Context.URL_START),
        ("<a href={{x}}>", Context.UNSAFE),
        ("<p {{x}}>", Context.UNSAFE),
        ('<p onclick="{{x}}">', Context.UNSAFE),
        ('<p style="color: {{x}}">', Context.UNSAFE),
        ("<!-- {{x}} -->", Context.UNSAFE),
        ("<script>var a = '{{x}}'</script>", Context.UNSAFE),
        ("<STYLE>p { {{x}} }</STYLE>", Context.UNSAFE),
        ("<!DOCTYPE {{x}}>", Context.UNSAFE),
        ("<script>1</script><p>{{x}}", Context.HTML),
        ("<p>1 < 2 {{x}}</p>", Context.HTML),
        ('<p title="{{x}}', Context.HTML),
        ("<p title='>' id=\"{{x}}\">", Context.HTML),
    ],
)
def test_the_surroundings_of_a_value_are_recognised(source: str, context: Context) -> None:
    assert context_of(source) is context


def test_links_are_found_with_target_and_label_exactly_where_they_stand() -> None:
    source = (
        '<A HREF="https://example.org/?a=1&amp;b=2">Read <b>on</b></A> '
        "<a class=x href='http://example.net/'><img alt=\"Logo\"></a> <area href=https://e.com/m>"
    )
    links = scan_html(source).links
    assert [(link.url, link.label) for link in links] == [
        ("https://example.org/?a=1&b=2", "Read on"),
        ("http://example.net/", "Logo"),
        ("https://e.com/m", ""),
    ]
    assert source[links[0].start : links[0].end] == "https://example.org/?a=1&amp;b=2"


@pytest.mark.parametrize(
    "source",
    [
        '<a href="mailto:a@example.org">m</a>',
        '<a href="tel:+49">t</a>',
        '<a href="#top">t</a>',
        '<a href="/relative">r</a>',
        '<!-- <a href="https://example.org/">c</a> -->',
        "<script>\"<a href='https://example.org/'>\"</script>",
        '<link href="https://example.org/style.css">',
        '<img src="https://example.org/logo.png">',
        '<a href="https://example.org/{{x}}">personal</a>',
        "<p title=\"<a href='https://example.org/'>\">",
    ],
)
def test_what_is_no_trackable_link_is_left_alone(source: str) -> None:
    assert scan_html(source).links == ()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("See https://example.org/a.", "https://example.org/a"),
        ("(https://example.org/a)", "https://example.org/a"),
        ("https://example.org/a_(b)", "https://example.org/a_(b)"),
        ("<https://example.org/?x=1&y=2>", "https://example.org/?x=1&y=2"),
        ('"https://example.org/a", then', "https://example.org/a"),
        ("Really, HTTPS://Example.org/A?!", "HTTPS://Example.org/A"),
    ],
)
def test_a_link_in_text_ends_before_the_punctuation(text: str, url: str) -> None:
    (link,) = scan_text(text).links
    assert (link.url, text[link.start : link.end]) == (url, url)


def test_a_personalised_link_in_text_is_not_tracked() -> None:
    assert scan_text("https://example.org/{{x}}/y").links == ()
    assert scan_text("a{{x}}b https://example.org/").links[0].url == "https://example.org/"


def test_the_end_of_the_body_is_known() -> None:
    source = "<body>x</BODY></html>"
    assert source[scan_html(source).body_end :] == "</BODY></html>"
    assert scan_html("no body").body_end == 7


def test_a_link_s_text_made_to_be_slow_is_read_all_the_same() -> None:
    """Looking for tags in it would take hours: each of these brackets might begin one."""
    (link,) = scan_html(f'<a href="https://example.org/">{"<" * 500_000}</a>').links
    assert link.url == "https://example.org/"
