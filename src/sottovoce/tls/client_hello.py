"""What a ClientHello asks for, read before TLS gets the bytes.

The server name (SNI, RFC 6066 §3): with several identities in one keystore the one to show is
chosen by it (SPEC W10), and a choice made in OpenSSL's own callback would come after other
decisions (DESIGN §4). The protocols (ALPN, RFC 7301): whether a new server may join is asked of a
database, for which that callback cannot wait. Pure: bytes in, values out; nothing is raised and
nothing is believed: it is what the caller would like.
"""

from dataclasses import dataclass

from sottovoce.ini import normalise_host_name

__all__ = ["ClientHello", "client_hello"]

#: RFC 8446 §5.1: a record of the handshake (22), version 3.x.
_RECORD = b"\x16\x03"
#: A ClientHello with post-quantum shares takes 1,800 octets, in one record. Some clients split it.
_MOST_RECORDS, _LONGEST_HELLO = 4, 2**13
_CLIENT_HELLO, _HOST_NAME = 1, 0
#: Extensions (RFC 6066 §1.1, RFC 7301 §3.1).
_SERVER_NAME, _PROTOCOLS, _VERSIONS = 0, 16, 43
#: RFC 8446 §4.2.1 and the RFCs before it; what is not here is grease or of the future.
_VERSION_NAMES = {
    0x0300: "SSL 3.0",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
}


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What the caller asks for.

    Args:
        name: the server name in the form in which names are compared; empty when none is asked
            for, or no host name.
        protocols: the ALPN protocols in its order.
        versions: of TLS that it offers, by their names, in its order.
    """

    name: str = ""
    protocols: tuple[bytes, ...] = ()
    versions: tuple[str, ...] = ()


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


def client_hello(data: bytes | bytearray) -> ClientHello | None:
    """Read what a ClientHello asks for.

    Args:
        data: the first bytes of a connection, as many as have come.

    Returns:
        Nothing asked for when the bytes are no ClientHello of a sensible size. None while more
        bytes are needed.
    """
    try:
        hello = _hello(bytes(data[: _LONGEST_HELLO + 5 * _MOST_RECORDS + 5]))
    except IndexError:
        return ClientHello()
    if hello is None:
        return None
    extensions = _extensions(hello)
    return ClientHello(
        name=_server_name(extensions.get(_SERVER_NAME, b"")),
        protocols=_protocols(extensions.get(_PROTOCOLS, b"")),
        versions=_versions(extensions.get(_VERSIONS, b""), legacy=hello[:2]),
    )


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


def _extensions(body: bytes) -> dict[int, bytes]:
    """Return the extensions by their kind (RFC 8446 §4.1.2), of a kind the first."""
    found: dict[int, bytes] = {}
    hello = _Octets(body)
    try:
        hello.take(2 + 32)
        hello.block(1)
        hello.block(2)
        hello.block(1)
        extensions = hello.block(2)
        while extensions.more():
            kind, content = extensions.number(2), extensions.block(2)
            found.setdefault(kind, content.data)
    except IndexError:
        pass
    return found


def _server_name(content: bytes) -> str:
    """Return the host name in the extension, or nothing (RFC 6066 §3)."""
    try:
        names = _Octets(content).block(2)
        while names.more():
            what, name = names.number(1), names.block(2)
            if what == _HOST_NAME:
                return normalise_host_name(name.data.decode("ascii"))
    except (IndexError, ValueError):
        pass
    return ""


def _protocols(content: bytes) -> tuple[bytes, ...]:
    """Return the protocols in the extension; none of a malformed list (RFC 7301 §3.1)."""
    found: list[bytes] = []
    try:
        names = _Octets(content).block(2)
        while names.more():
            found.append(names.block(1).data)
    except IndexError:
        return ()
    return tuple(found)


def _versions(content: bytes, *, legacy: bytes) -> tuple[str, ...]:
    """Return the versions of the extension; without it, the message's own (RFC 8446 §4.2.1)."""
    numbers: list[int] = []
    try:
        offered = _Octets(content).block(1)
        while offered.more():
            numbers.append(offered.number(2))
    except IndexError:
        pass
    numbers = numbers or [int.from_bytes(legacy, "big")]
    return tuple(_VERSION_NAMES[number] for number in numbers if number in _VERSION_NAMES)
