"""Tokens: every number survives, and nothing but the one true spelling opens (E2, E3)."""

from hypothesis import given
from hypothesis import strategies as st

from sottovoce.contracts import (
    MAX_LINK,
    MAX_RECIPIENT,
    TOKEN_LENGTH,
    LinkKind,
    Token,
    TokenCodec,
    link_path,
    parse_path,
)

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CODEC = TokenCodec(bytes(range(32)), "job-_1")

kinds = st.sampled_from(list(LinkKind))
recipients = st.integers(0, MAX_RECIPIENT)
links = st.integers(0, MAX_LINK)
salts = st.binary(min_size=4, max_size=4)
job_refs = st.text(ALPHABET, min_size=6, max_size=6)
keys = st.sampled_from([32, 64]).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@given(keys, job_refs, kinds, recipients, links, salts)
def test_what_was_sealed_opens_again(
    key: bytes, job_ref: str, kind: LinkKind, recipient: int, link: int, salt: bytes
) -> None:
    """Round trip, at the length that the URL budget counts on."""
    codec = TokenCodec(key, job_ref)
    token = codec.seal(kind, recipient, link, salt)
    assert len(token) == TOKEN_LENGTH
    assert codec.open(token) == Token(kind, recipient, link, salt)
    assert parse_path(link_path(kind, job_ref, token)) == (kind, job_ref, token)


@given(kinds, recipients, links, salts, st.data())
def test_no_changed_token_opens(
    kind: LinkKind, recipient: int, link: int, salt: bytes, data: st.DataObject
) -> None:
    """One character replaced, anywhere, the unused bits of the last one included."""
    token = CODEC.seal(kind, recipient, link, salt)
    place = data.draw(st.integers(0, TOKEN_LENGTH - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda char: char != token[place]))
    assert CODEC.open(token[:place] + other + token[place + 1 :]) is None


@given(kinds, recipients, links, salts, st.data())
def test_a_token_cut_or_lengthened_does_not_open(
    kind: LinkKind, recipient: int, link: int, salt: bytes, data: st.DataObject
) -> None:
    token = CODEC.seal(kind, recipient, link, salt)
    cut = data.draw(st.integers(0, TOKEN_LENGTH - 1))
    assert CODEC.open(token[:cut]) is None
    assert CODEC.open(token + data.draw(st.text(min_size=1, max_size=4))) is None


@given(keys, job_refs, kinds, recipients, links, salts)
def test_another_job_or_another_key_does_not_open_it(
    key: bytes, job_ref: str, kind: LinkKind, recipient: int, link: int, salt: bytes
) -> None:
    token = CODEC.seal(kind, recipient, link, salt)
    if key != bytes(range(32)):
        assert TokenCodec(key, "job-_1").open(token) is None
    if job_ref != "job-_1":
        assert TokenCodec(bytes(range(32)), job_ref).open(token) is None


@given(st.one_of(st.text(), st.text(ALPHABET, min_size=TOKEN_LENGTH, max_size=TOKEN_LENGTH)))
def test_garbage_neither_opens_nor_raises(text: str) -> None:
    assert CODEC.open(text) is None


@given(st.one_of(st.text(), st.from_regex(r"/[a-z]/[\w.\-/]{30,60}")))
def test_any_path_parses_or_is_none_and_what_parses_is_spelt_that_way(path: str) -> None:
    parsed = parse_path(path)
    assert parsed is None or link_path(*parsed) == path
