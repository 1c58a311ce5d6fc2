from hypothesis import given
from hypothesis import strategies as st

from sottovoce.net.strangers import refuse_first_answer, refuse_first_bytes
from sottovoce.tls import PEEK_LIMIT, PLAIN_PREAMBLE, Speaker, peek

first = st.binary(max_size=80) | st.sampled_from(
    [PLAIN_PREAMBLE, b"\x16\x03\x01", b"GET / "]
).flatmap(lambda head: st.binary(max_size=20).map(lambda tail: head + tail))


@given(first)
def test_any_bytes_give_a_guess_that_is_safe_to_print(data: bytes) -> None:
    seen = peek(data)
    assert seen.shown.isprintable()
    assert len(seen.shown) <= 4 * 24 + 1


@given(first, st.integers(0, 80))
def test_a_guess_once_made_is_not_changed_by_more_bytes(data: bytes, cut: int) -> None:
    early, late = peek(data[:cut]).speaker, peek(data).speaker
    if early not in (Speaker.UNCLEAR, Speaker.TEXT, Speaker.BINARY):
        assert late is early


@given(first, st.booleans())
def test_only_the_one_right_beginning_goes_on(data: bytes, secured: bool) -> None:
    """W4: a secured server takes TLS only, an unsecured one our preamble only."""
    seen = peek(data)
    goes_on = refuse_first_bytes(seen, secured=secured, address="a", port=1) is None
    answers = refuse_first_answer(seen, secured=secured, who="a") is None
    right = data[:1] in (b"\x16", b"\x15") and data[1:2] == b"\x03"
    assert goes_on is answers is (right if secured else data.startswith(PLAIN_PREAMBLE))


@given(st.binary(min_size=PEEK_LIMIT, max_size=PEEK_LIMIT + 10))
def test_when_the_limit_is_reached_it_is_clear_who_speaks(data: bytes) -> None:
    assert peek(data).speaker is not Speaker.UNCLEAR
