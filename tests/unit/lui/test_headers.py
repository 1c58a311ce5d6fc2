import email
import email.policy
from email.header import decode_header, make_header

import pytest

from sottovoce.errors import SettingsError
from sottovoce.lui.service.headers import (
    Sender,
    encode_phrase,
    encode_text,
    list_id,
    message_id,
    parse_sender,
)


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("a@example.org", Sender("", "a@example.org")),
        ("Ann Lee <a@Example.ORG>", Sender("Ann Lee", "a@example.org")),
        ('"Lee, Ann" <a@example.org>', Sender("Lee, Ann", "a@example.org")),
        ("Zoë <a@bücher.example>", Sender("Zoë", "a@xn--bcher-kva.example")),
    ],
)
def test_a_sender_is_a_name_and_a_mailbox(text: str, sender: Sender) -> None:
    assert parse_sender(text) == sender


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "A <not an address>",
        "A\r\nBcc: x@y.de <a@example.org>",
        "A\x00 <a@b.de>",
        # What the tracker would refuse for its pages, once the job is to go out.
        "A\N{NO-BREAK SPACE}B <a@example.org>",
        f"{'A' * 190} <a@example.org>",
    ],
)
def test_a_sender_that_cannot_be_used_is_a_fault(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_sender(text)
    assert [fault.code for fault in caught.value.faults] == ["sender-malformed"]


@pytest.mark.parametrize(
    "name",
    ["Ann", "Lee, Ann", 'Ann "A" Lee\\', "Zoë", "山田 太郎", "x" * 70, "=?utf-8?q?x?=", "a.b"],
)
def test_a_phrase_reads_back(name: str) -> None:
    raw = f"From: {encode_phrase(name)} <a@example.org>\r\n\r\n"
    parsed = email.message_from_string(raw, policy=email.policy.default)
    assert parsed["From"].addresses[0].display_name == name


def test_lines_of_a_long_text_are_short_and_encoded_words_are_cut_between_characters() -> None:
    folded = encode_text("äöü" * 100, used=9)
    for line in folded.split("\r\n "):
        assert len(line) <= 75
        assert str(make_header(decode_header(line))).strip("äöü") == ""


def test_control_characters_become_spaces() -> None:
    assert encode_text("a\r\nBcc: b\x00c\u2028d", used=9) == "a Bcc: b c d"


def test_ids_are_derived_and_well_formed() -> None:
    assert message_id("abc-_1", 12, "example.org") == "<abc-_1.12@example.org>"
    assert list_id("Friends of the choir", "example.org") == (
        "Friends of the choir <friends-of-the-choir.example.org>"
    )
    assert list_id("合唱団", "example.org").endswith("<list.example.org>")
