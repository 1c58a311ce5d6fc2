"""The judge of what is composed is the standard library's parser."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from sottovoce.contracts.tokens import LinkKind, TokenCodec, parse_path
from sottovoce.lui.schema import Tier
from sottovoce.lui.service.composer import ComposedJob, Composer, Recipient
from sottovoce.lui.service.content import compile_content
from sottovoce.lui.service.templates import Source

KEY = bytes(range(32))
AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
HTML = (
    "<html><body><h1>Héllo {{name|friend}}</h1>{{#if city}}<p>{{city}} = far</p>{{else}}<p>-</p>"
    '{{/if}}<a href="https://example.org/?a=1&amp;b=2">A</a><a href="mailto:a@example.org">m</a>'
    '<a href="https://example.org/for/{{city}}">C</a></body></html>'
)
TEXT = "Héllo {{name|friend}},\n\nsee https://example.org/?a=1&b=2.\n.dot\nFrom here\n"


def composer(
    html: str = HTML, text: str = TEXT, subject: str = "Hé {{name}}", **job: str
) -> Composer:
    content = compile_content(
        Source(subject, "s"), Source(html, "h"), Source(text, "t"), fields=["name", "city"]
    )
    return Composer(
        ComposedJob(
            job_ref="abc-_1",
            key=KEY,
            public_url=job.get("public_url", "https://t.example.org"),
            sender=job.get("sender", "Ünser Team <team@example.org>"),
            list_name=job.get("list_name", "News & more"),
            mail_domain="lui.example.org",
            content=content,
        )
    )


def judged(mail: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    for part in parsed.walk():
        assert not part.defects
    return parsed


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def person(tier: Tier = Tier.PERSONAL, idx: int = 7, **fields: str) -> Recipient:
    return Recipient(idx, "ann@example.org", fields, tier)


def test_headers_say_what_they_should() -> None:
    mail = judged(composer().compose(person(name="Ärn"), at=AT))
    assert mail["From"] == "Ünser Team <team@example.org>"
    assert mail["To"] == "ann@example.org"
    assert mail["Subject"] == "Hé Ärn"
    assert mail["Date"].datetime == AT
    assert mail["Message-ID"] == "<abc-_1.7@lui.example.org>"
    assert mail["List-Id"] == "News & more <news-more.lui.example.org>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_content_type() == "multipart/alternative"


def test_list_unsubscribe_is_one_line_with_the_recipients_own_token() -> None:
    raw = composer().compose(person(Tier.DIRECT, idx=41), at=AT)
    (line,) = [line for line in raw.split(b"\r\n") if line.startswith(b"List-Unsubscribe:")]
    url = line.decode().removeprefix("List-Unsubscribe: <").removesuffix(">")
    parsed = parse_path(url.removeprefix("https://t.example.org"))
    assert parsed is not None
    kind, job_ref, text = parsed
    token = TokenCodec(KEY, job_ref).open(text)
    assert token is not None
    assert (kind, job_ref, token.recipient) == (LinkKind.UNSUBSCRIBE, "abc-_1", 41)


def test_bodies_carry_values_escaped_for_their_place() -> None:
    mail = judged(composer().compose(person(name='<b>"&=', city="Köln/Ost"), at=AT))
    html = body(mail, "html")
    assert "<h1>Héllo &lt;b&gt;&quot;&amp;=</h1><p>Köln/Ost = far</p>" in html
    assert 'href="https://example.org/for/K%C3%B6ln%2FOst"' in html
    assert 'href="mailto:a@example.org"' in html
    assert body(mail, "plain").startswith('Héllo <b>"&=,\n\nsee https://t.example.org/c/abc-_1')


def test_a_missing_value_takes_the_fallback_and_the_other_branch() -> None:
    mail = judged(composer().compose(person(), at=AT))
    assert "<h1>Héllo friend</h1><p>-</p>" in body(mail, "html")


def tokens_in(text: str) -> list[tuple[LinkKind, int, int]]:
    codec = TokenCodec(KEY, "abc-_1")
    found = []
    for piece in text.replace('"', " ").split():
        place = piece.find("https://t.example.org")
        parsed = (
            parse_path(piece[place:].removeprefix("https://t.example.org").rstrip("."))
            if (place >= 0)
            else None
        )
        if parsed is not None:
            token = codec.open(parsed[2])
            assert token is not None
            found.append((token.kind, token.recipient, token.link))
    return found


def test_a_personal_mail_carries_the_index_everywhere() -> None:
    mail = judged(composer().compose(person(Tier.PERSONAL, idx=9), at=AT))
    assert tokens_in(body(mail, "html")) == [
        (LinkKind.CLICK, 9, 0),
        (LinkKind.UNSUBSCRIBE, 9, 0),
        (LinkKind.OPEN, 9, 0),
    ]


def test_a_direct_mail_has_direct_links_no_pixel_and_still_a_way_out() -> None:
    mail = judged(composer().compose(person(Tier.DIRECT, idx=9), at=AT))
    html = body(mail, "html")
    assert 'href="https://example.org/?a=1&amp;b=2"' in html
    assert "<img" not in html
    assert tokens_in(html) == [(LinkKind.UNSUBSCRIBE, 9, 0)]
    assert "see https://example.org/?a=1&b=2.\n" in body(mail, "plain")


def test_blind_mails_have_the_same_links_for_everybody() -> None:
    one = tokens_in(body(judged(composer().compose(person(Tier.BLIND, 1), at=AT)), "html"))
    two = tokens_in(body(judged(composer().compose(person(Tier.BLIND, 2), at=AT)), "html"))
    assert one[0] == two[0] == (LinkKind.CLICK, 0, 0)
    assert (one[1], two[1]) == ((LinkKind.UNSUBSCRIBE, 1, 0), (LinkKind.UNSUBSCRIBE, 2, 0))


def test_unique_mails_carry_a_random_number_but_for_unsubscribing() -> None:
    job = composer()
    numbers = set()
    for idx in range(1, 21):
        found = tokens_in(body(judged(job.compose(person(Tier.UNIQUE, idx), at=AT)), "html"))
        clicked, left, opened = (number for _, number, _ in found)
        assert left == idx
        assert clicked == opened
        numbers.add(clicked)
    assert len(numbers) == 20
    assert min(numbers) > 1000  # of 2**40; the chance of being wrong is one in 50 millions


def test_no_line_is_longer_than_a_reader_takes() -> None:
    raw = composer(html="<p>" + "wörd" * 4000, text="x" * 5000 + "{{name}}" * 50).compose(
        person(name="ü" * 300), at=AT
    )
    head, _, bodies = raw.partition(b"\r\n\r\n")
    assert max(len(line) for line in head.split(b"\r\n")) <= 998
    assert max(len(line) for line in bodies.split(b"\r\n")) <= 76


def test_every_line_ends_by_crlf() -> None:
    raw = composer().compose(person(name="a\nb\rc\r\nd"), at=AT)
    assert "a\nb\nc\nd" in body(judged(raw), "plain")
    assert raw.replace(b"\r\n", b"").isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_content_far_from_ascii_goes_as_base64_and_reads_the_same() -> None:
    text = "親愛的 {{name|朋友}}：\n" + "今年冬天，我們在船屋唱歌。\n" * 40
    mail = judged(
        composer(html=f"<body>{text}</body>", text=text).compose(person(name="美玲"), at=AT)
    )
    part = mail.get_body(("plain",))
    assert part is not None
    assert part["Content-Transfer-Encoding"] == "base64"
    assert body(mail, "plain").startswith("親愛的 美玲：\n今年冬天")
    assert tokens_in(body(mail, "html"))[0][0] is LinkKind.UNSUBSCRIBE


def test_a_value_cannot_add_a_header() -> None:
    mail = judged(composer().compose(person(name="x\r\nBcc: all@example.org\x00"), at=AT))
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hé x Bcc: all@example.org"


def test_the_tracker_may_be_reached_by_plain_http() -> None:
    mail = judged(composer(public_url="http://127.0.0.4:8080").compose(person(), at=AT))
    assert mail["List-Unsubscribe"].startswith("<http://127.0.0.4:8080/u/abc-_1")


def test_a_mail_composed_again_is_the_same_but_for_its_date() -> None:
    job = composer()
    assert job.compose(person(), at=AT) == job.compose(person(), at=AT)


@pytest.mark.parametrize(
    "subject", ["x" * 200, "word " * 60, "ä" * 300, "=?utf-8?q?no?=", "", " a "]
)
def test_any_subject_reads_back(subject: str) -> None:
    assert judged(composer(subject=subject).compose(person(), at=AT))["Subject"] == subject.strip()


def test_against_the_standard_librarys_own_message() -> None:
    text = "Grüße an alle, = und so.\n\nÄhnlich bleibt es\n"
    ours = judged(composer(html=f"<p>{text}</p>", text=text).compose(person(), at=AT))
    theirs = EmailMessage()
    theirs["Subject"] = "Hé"
    theirs.set_content(text)
    theirs.add_alternative(f"<p>{text}</p>", subtype="html")
    reread = judged(theirs.as_bytes(policy=email.policy.SMTP))
    assert [part.get_content_type() for part in ours.walk()] == [
        part.get_content_type() for part in reread.walk()
    ]
    assert body(ours, "plain").startswith(body(reread, "plain"))
    assert body(ours, "html").startswith(f"<p>{text}</p>")
