"""The code for joining: what goes in comes out, and whatever was mistyped is told apart offline."""

import base64
import hashlib
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.contracts import SECRET_SIZE, Invitation, secret_hash
from sottovoce.errors import FormatError
from sottovoce.ini import Secret
from sottovoce.policy import Component

SECRET, ROOT = bytes(range(16)), bytes(range(32, 64))
INVITATION = Invitation(
    secret=SECRET,
    root=ROOT,
    hub="hub.example.org",
    port=1099,
    name="trk.example.org",
    components=(Component.TRK,),
)
WORD = INVITATION.code().reveal()

HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{1,20}){0,8}", fullmatch=True)


def read(word: str) -> Invitation:
    return Invitation.read(Secret(word))


def code_of(word: str) -> str:
    with pytest.raises(FormatError) as caught:
        read(word)
    shown = f"{caught.value} {caught.value.expected}"
    assert len(word) < 8 or word not in f"{shown} {caught.value.__cause__}"
    return caught.value.code


def packed(body: bytes) -> str:
    """Return a word with a right checksum around anything."""
    whole = body + hashlib.sha256(body).digest()[:4]
    return "svj1" + base64.b32encode(whole).decode().rstrip("=").lower()


@given(
    secret=st.binary(min_size=16, max_size=16),
    root=st.binary(min_size=32, max_size=32),
    hub=HOSTS.filter(lambda name: not name.rpartition(".")[2].isdigit()),
    name=HOSTS.filter(lambda name: not name.rpartition(".")[2].isdigit()),
    port=st.integers(1, 65535),
    address=st.sampled_from(["", "127.0.1.2", "2001:db8::7"]),
    components=st.sets(st.sampled_from(list(Component)), min_size=1),
)
def test_what_goes_in_comes_out(
    secret: bytes,
    root: bytes,
    hub: str,
    name: str,
    port: int,
    address: str,
    components: set[Component],
) -> None:
    made = Invitation(
        secret=secret,
        root=root,
        hub=hub,
        port=port,
        address=address,
        name=name,
        components=tuple(each for each in Component if each in components),
    )
    assert read(made.code().reveal()) == made


def test_a_code_is_one_word_whatever_becomes_of_it_on_its_way() -> None:
    """Selected with a double click, sent by mail, wrapped, in capitals: it stays the same."""
    assert WORD.isalnum()
    assert WORD.isascii()
    assert WORD.lower() == WORD
    wrapped = "\n  ".join(WORD[at : at + 40] for at in range(0, len(WORD), 40))
    assert read(f"  {wrapped.upper()}\r\n") == INVITATION


def test_every_single_slip_is_noticed_offline() -> None:
    """A letter changed, left out, doubled, or exchanged with the next: never a wrong code."""
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    for at in range(4, len(WORD)):
        other = letters[(letters.index(WORD[at]) + 1) % len(letters)]
        slips = {
            WORD[:at] + other + WORD[at + 1 :],
            WORD[:at] + WORD[at + 1 :],
            WORD[:at] + WORD[at] + WORD[at:],
            WORD[: at - 1] + WORD[at] + WORD[at - 1] + WORD[at + 1 :],
            WORD[:at],
        }
        for slip in slips - {WORD}:
            if slip.startswith("svj1"):
                assert code_of(slip) == "join-code-malformed", (at, slip)


@pytest.mark.parametrize(
    "word", ["", "svj", "svj1", "XNB7-W5ZY-ZPCZ-RCQS-M0TS", "svj1é", "svj1" + "ß" * 8, "a" * 10_000]
)
def test_what_is_no_code_is_said_to_be_none(word: str) -> None:
    expected = "join-code-version" if word == "svj" else "join-code-malformed"
    assert code_of(word) == expected


def test_a_code_of_another_version_is_said_to_be_that() -> None:
    assert code_of("svj2" + WORD[4:]) == "join-code-version"


HEAD = SECRET + ROOT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        HEAD,
        HEAD + b"\4\x4b\4",
        HEAD + b"\4\x4b\4\1h\1n",
        HEAD + b"\4\x4b\4\1h\1n\0rest",
        HEAD + b"\4\x4b\4\1h\1n\x99",
        HEAD + b"\4\x4b\4\1h\1n\3abc",
        HEAD + b"\0\0\4\1h\1n\0",
        HEAD + b"\4\x4b\0\1h\1n\0",
        HEAD + b"\4\x4b\x08\1h\1n\0",
        HEAD + b"\4\x4b\4\0\1n\0",
        HEAD + b"\4\x4b\4\1h\1*\0",
        HEAD + b"\4\x4b\4\1\xff\1n\0",
    ],
)
def test_a_right_checksum_makes_no_invitation_of_anything_else(body: bytes) -> None:
    assert code_of(packed(body)) == "join-code-malformed"
    assert read(packed(HEAD + b"\4\x4b\4\1h\1n\0")).components == (Component.TRK,)


@given(data=st.binary(max_size=200))
def test_any_octets_are_an_invitation_or_no_code(data: bytes) -> None:
    try:
        read(packed(data))
    except FormatError as error:
        assert error.code == "join-code-malformed"  # noqa: PT017 - any octets, either way


def test_the_secret_shows_itself_nowhere() -> None:
    """W20."""
    secret = secrets.token_bytes(SECRET_SIZE)
    made = Invitation(
        secret=secret, root=ROOT, hub="h", port=1, name="n", components=(Component.LUI,)
    )
    for shown in (repr(made), str(made), str(made.code()), repr(made.code())):
        assert secret.hex() not in shown
        assert repr(secret) not in shown
        assert made.code().reveal() not in shown


def test_only_a_hash_of_the_secret_is_stored() -> None:
    assert secret_hash(SECRET) == hashlib.sha256(SECRET).hexdigest()
    assert SECRET_SIZE * 8 >= 128
