"""The server name in a ClientHello (SNI, RFC 6066 §3), read before TLS gets the bytes.

With several identities in one keystore the one to show is chosen by it (SPEC W10), and a choice
made in OpenSSL's own callback would come after other decisions (DESIGN §4). Pure: bytes in, a name
out; nothing is raised and nothing is believed: the name only says which of our own certificates the
caller would like to see.
"""

from sottovoce.ini import normalise_host_name

__all__ = ["asked_name"]

#: RFC 8446 §5.1: a record of the handshake (22), version 3.x.
_RECORD = b"\x16\x03"
#: A ClientHello with post-quantum shares takes 1,800 octets, in one record. Some clients split it.
_MOST_RECORDS, _LONGEST_HELLO = 4, 2**13
_CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 1, 0, 0


class _Octets:
    """A row of fields; what is not there raises ``IndexError``."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.end = data, 0, len(data)

    def take(self, count: int) -> bytes:
        if self.at + count > self.end:
            raise IndexError
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def block(self, size: int) -> "_Octets":
        """Return the octets behind their length, which takes *size* octets."""
        return _Octets(self.take(self.number(size)))

    def more(self) -> bool:
        return self.at < self.end


def asked_name(data: bytes | bytearray) -> str | None:
    """Return the server name that a ClientHello asks for.

    Args:
        data: the first bytes of a connection, as many as have come.

    Returns:
        The name in the form in which names are compared; empty when none is asked for, when it is
        no host name, or when the bytes are no ClientHello of a sensible size. None while more bytes
        are needed.
    """
    try:
        hello = _hello(bytes(data[: _LONGEST_HELLO + 5 * _MOST_RECORDS + 5]))
    except IndexError:
        return ""
    if hello is None:
        return None
    try:
        return normalise_host_name(_server_name(_Octets(hello)).decode("ascii"))
    except (IndexError, ValueError):
        return ""


def _hello(data: bytes) -> bytes | None:
    """Return the body of the ClientHello, None while it is not complete; IndexError for neither."""
    body = b""
    at = 0
    for _ in range(_MOST_RECORDS):
        head = data[at : at + 5]
        length = int.from_bytes(head[3:5], "big")
        if not _RECORD.startswith(head[:2]) or (len(head) == 5 and not length):
            raise IndexError
        if len(head) < 5:
            return None
        body += data[at + 5 : at + 5 + length]
        if len(body) >= 4:
            wanted = 4 + int.from_bytes(body[1:4], "big")
            if body[0] != _CLIENT_HELLO or wanted > _LONGEST_HELLO:
                raise IndexError
            if len(body) >= wanted:
                return body[4:wanted]
        if len(data) < at + 5 + length:
            return None
        at += 5 + length
    raise IndexError


def _server_name(hello: _Octets) -> bytes:
    """Return the host name of the extension, or nothing (RFC 8446 §4.1.2, RFC 6066 §3)."""
    hello.take(2 + 32)
    hello.block(1)
    hello.block(2)
    hello.block(1)
    extensions = hello.block(2)
    while extensions.more():
        kind, content = extensions.number(2), extensions.block(2)
        if kind == _SERVER_NAME:
            names = content.block(2)
            while names.more():
                what, name = names.number(1), names.block(2)
                if what == _HOST_NAME:
                    return name.data
    return b""
