"""Frames: a length of four bytes, big-endian, then that many bytes. Nothing here knows messages."""

from sottovoce.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "ADMISSION_FRAME",
    "CALL_FRAME",
    "HEADER",
    "JOIN_FRAME",
    "LISTS_FRAME",
    "FrameReader",
    "append_frame",
]

#: Bytes of the length.
HEADER = 4
#: The longest frame before both sides have said yes: a stranger costs no memory (DESIGN §4).
ADMISSION_FRAME = 4 * 1024
#: The longest greeting on the *join* path: the roots of an authority, two of them while it changes
#: (an RSA root takes 1.5 KiB). It stays below what is kept of a peer that speaks before its turn.
JOIN_FRAME = 12 * 1024
#: The longest answer on the *lists* path, whose sender nobody has authenticated: some 25,000
#: revoked certificates.
LISTS_FRAME = 1024 * 1024
#: The longest frame afterwards; gRPC's default is 4 MiB, Kafka's 1 MiB, Redis' 512 MiB.
CALL_FRAME = 16 * 1024 * 1024


def append_frame(out: bytearray, body: bytes, *, limit: int) -> None:
    """Append *body* to *out* as a frame.

    Raises:
        LocalProtocolError: ``frame-too-long``: it is longer than *limit* bytes.
    """
    if len(body) > limit:
        raise LocalProtocolError(
            f"a frame of {len(body)} bytes, the limit is {limit}", code="frame-too-long"
        )
    out += len(body).to_bytes(HEADER, "big")
    out += body


class FrameReader:
    """Cuts a stream of bytes into frames.

    Args:
        limit: bytes of the longest frame taken; may be raised while reading.
    """

    def __init__(self, *, limit: int = ADMISSION_FRAME) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._start = 0

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take more bytes; read :meth:`next_frame` until it gives None."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += data

    def next_frame(self) -> bytes | None:
        """Return the next whole frame, or None.

        Raises:
            RemoteProtocolError: the peer announced a frame beyond the limit.
        """
        start = self._start + HEADER
        if len(self._buffer) < start:
            return None
        length = int.from_bytes(self._buffer[self._start : start], "big")
        if length > self.limit:
            raise RemoteProtocolError(
                f"the peer announced a frame of {length} bytes, the limit is {self.limit}",
                code="frame-too-long",
            )
        end = start + length
        if len(self._buffer) < end:
            return None
        self._start = end
        return bytes(memoryview(self._buffer)[start:end])

    @property
    def waiting(self) -> int:
        """Bytes that are not yet a whole frame."""
        return len(self._buffer) - self._start
