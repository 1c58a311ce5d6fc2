"""What holds for any content, any value and any file."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.errors import FormatError, SettingsError
from sottovoce.lui.schema import Tier
from sottovoce.lui.service.addresses import parse_address
from sottovoce.lui.service.composer import ComposedJob, Composer, Recipient
from sottovoce.lui.service.content import compile_content
from sottovoce.lui.service.csvfile import CsvReader, ImportRow
from sottovoce.lui.service.templates import Source

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
NO_SURROGATES = st.characters(exclude_categories=["Cs"])
TEXT = st.text(NO_SURROGATES, max_size=300)
#: Constant text without what would be a tag, and without CR, which ``define`` turns into LF.
CONSTANT = TEXT.map(lambda text: text.replace("{", "(").replace("\r", " "))
ALPHABET = [
    *"<>\"'=/!- \n{}#|&;:.a",
    "{{x}}",
    "{{#if x}}",
    "{{else}}",
    "{{/if}}",
    "<a href=",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "https://example.org/",
    "{{unsubscribe_url}}",
    "style=",
    "</body>",
]
MARKUP = st.lists(st.sampled_from(ALPHABET), max_size=40).map("".join)


def composer(html: str, text: str, subject: str = "s") -> Composer:
    content = compile_content(
        Source(subject, "s"), Source(html, "h"), Source(text, "t"), fields=["x"]
    )
    job = ComposedJob(
        job_ref="abcdef",
        key=bytes(32),
        public_url="https://t.example.org",
        sender="Team <team@example.org>",
        list_name="News",
        mail_domain="example.org",
        content=content,
    )
    return Composer(job)


def judged(raw: bytes) -> EmailMessage:
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not any(part.defects for part in mail.walk())
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return bytes(part.get_payload(decode=True)).decode().replace("\r\n", "\n")


@given(CONSTANT, TEXT, CONSTANT)
def test_text_and_values_read_back_exactly(before: str, value: str, after: str) -> None:
    raw = composer("<p>x</p>", f"{before}{{{{x}}}}{after}").compose(
        Recipient(1, "a@example.org", {"x": value}, Tier.DIRECT), at=AT
    )
    read = body(judged(raw), "plain")
    expected = f"{before}{value}{after}".replace("\r\n", "\n")
    assert read.replace("\r", "\n").startswith(expected.replace("\r", "\n"))


@given(CONSTANT, TEXT)
def test_every_mail_is_well_formed_and_its_lines_are_short(constant: str, value: str) -> None:
    raw = composer(f"<p>{constant.replace('<', '(')}{{{{x}}}}", constant, "{{x}}").compose(
        Recipient(1, "a@example.org", {"x": value}, Tier.PERSONAL), at=AT
    )
    head, _, bodies = raw.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, bodies.split(b"\r\n"))) <= 76
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert raw.isascii()
    judged(raw)


@given(TEXT)
def test_no_value_gets_out_of_its_place_in_the_html(value: str) -> None:
    raw = composer('<p title="{{x}}">{{x}}</p><i>', "t").compose(
        Recipient(1, "a@example.org", {"x": value}, Tier.DIRECT), at=AT
    )
    inside = body(judged(raw), "html").partition("</p><i>")[0].removeprefix('<p title="')
    assert inside.count('"') == 1
    assert inside.count("<") == 0
    assert inside.count(">") == 1


@given(MARKUP, MARKUP)
def test_any_markup_is_compiled_or_refused_with_places(html: str, text: str) -> None:
    try:
        raw = composer(html, text).compose(
            Recipient(1, "a@example.org", {"x": "v"}, Tier.PERSONAL), at=AT
        )
    except SettingsError as error:
        places = [(fault.file, fault.line) for fault in error.faults]
    else:
        read = body(judged(raw), "html")
        assert read.count("https://t.example.org/u/") >= 1
        return
    assert places
    assert all(file in {"h", "t"} and line is not None for file, line in places)


@given(st.text(st.sampled_from("abz09._-+@"), max_size=30), st.sampled_from(["", "@example.org"]))
def test_an_address_is_taken_exactly_when_the_library_takes_it(local: str, domain: str) -> None:
    text = local + domain
    try:
        expected = validate_email(text, check_deliverability=False, strict=True).ascii_email
    except EmailNotValidError:
        expected = None
    try:
        found = parse_address(text).mailbox
    except ValueError:
        found = None
    assert found == expected


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"email,a\n", b"email;b\r\n", b"\xef\xbb\xbfemail\n"]),
)
def test_any_file_gives_rows_and_rejects_or_is_refused(data: bytes, header: bytes) -> None:
    try:
        with CsvReader(header + data, name="f") as reader:
            for row in reader:
                if isinstance(row, ImportRow):
                    assert "@" in row.address.norm
                    "".join(row.fields.values()).encode()
                else:
                    assert row
                    assert all(reject.line > 1 and reject.why for reject in row)
                    "".join(reject.value for reject in row).encode()
    except (FormatError, SettingsError):
        return
    assert reader.rows >= 0
