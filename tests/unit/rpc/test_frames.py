import pytest

from sottovoce.errors import LocalProtocolError, RemoteProtocolError
from sottovoce.rpc import ADMISSION_FRAME, CALL_FRAME, FrameReader, append_frame


def test_a_frame_is_its_length_and_then_its_bytes() -> None:
    out = bytearray(b"before")
    append_frame(out, b"abc", limit=3)
    assert bytes(out) == b"before\x00\x00\x00\x03abc"


def test_a_frame_beyond_the_limit_is_not_written() -> None:
    out = bytearray()
    with pytest.raises(LocalProtocolError, match="a frame of 4 bytes, the limit is 3"):
        append_frame(out, b"abcd", limit=3)
    assert not out


def test_an_empty_frame_is_a_frame() -> None:
    reader = FrameReader()
    reader.feed(bytes(4))
    assert reader.next_frame() == b""
    assert reader.next_frame() is None


@pytest.mark.parametrize("step", [1, 2, 3, 5, 100])
def test_frames_do_not_depend_on_how_the_bytes_were_cut(step: int) -> None:
    stream = bytearray()
    bodies = [b"", b"a", b"bc" * 20, b"d" * 300]
    for body in bodies:
        append_frame(stream, body, limit=1000)
    reader, found = FrameReader(), []
    for start in range(0, len(stream), step):
        reader.feed(stream[start : start + step])
        while (frame := reader.next_frame()) is not None:
            found.append(frame)
    assert found == bodies
    assert reader.waiting == 0


@pytest.mark.parametrize(("limit", "name"), [(ADMISSION_FRAME, "4096"), (CALL_FRAME, "16777216")])
def test_a_frame_that_announces_too_much_is_refused_before_it_comes(limit: int, name: str) -> None:
    """DESIGN §4: 4 KiB before Ready, 16 MiB after; a length alone costs nothing."""
    reader = FrameReader(limit=limit)
    reader.feed((limit + 1).to_bytes(4, "big"))
    with pytest.raises(RemoteProtocolError, match=f"the limit is {name}") as caught:
        reader.next_frame()
    assert caught.value.code == "frame-too-long"


def test_a_frame_of_exactly_the_limit_is_taken() -> None:
    reader = FrameReader(limit=5)
    reader.feed(b"\x00\x00\x00\x05hello")
    assert reader.next_frame() == b"hello"


def test_the_limit_may_be_raised_while_reading() -> None:
    reader = FrameReader(limit=1)
    reader.feed(b"\x00\x00\x00\x01a\x00\x00\x00\x03xyz")
    assert reader.next_frame() == b"a"
    reader.limit = 3
    assert reader.next_frame() == b"xyz"
