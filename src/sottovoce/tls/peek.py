"""What the first bytes of a connection say about who is calling, or who has answered.

Pure: bytes in, a guess out. Used on both sides before TLS begins (catalogue P1 to P3).
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["PEEK_LIMIT", "PLAIN_PREAMBLE", "FirstBytes", "Speaker", "peek"]

#: What a server of an installation without ``ssl.ini`` says first, on both sides (DESIGN §4).
PLAIN_PREAMBLE = b"sottovoce/1 plain\n"

#: Bytes looked at; the longest thing to recognise is our preamble, banners are cut here.
PEEK_LIMIT = 64

_HTTP_METHODS = (
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"OPTIONS ",
    b"DELETE ",
    b"CONNECT ",
    b"PRI ",
)


class Speaker(StrEnum):
    """Who speaks like that."""

    #: Too few bytes to say.
    UNCLEAR = "unclear"
    TLS = "tls"
    #: A server of ours that is not secured.
    PLAIN = "plain"
    HTTP = "http"
    #: A line of text, such as an SSH, SMTP or FTP banner.
    TEXT = "text"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class FirstBytes:
    """The guess, and the bytes in a form that is safe to print."""

    speaker: Speaker
    shown: str


def peek(data: bytes | bytearray) -> FirstBytes:
    """Guess the speaker by the first bytes (at most ``PEEK_LIMIT`` of them are looked at)."""
    head = bytes(data[:PEEK_LIMIT])
    return FirstBytes(_speaker(head), _printable(head))


def _speaker(head: bytes) -> Speaker:
    if not head:
        return Speaker.UNCLEAR
    # RFC 8446 §5.1: handshake (22) or alert (21) record, then a version 3.x.
    if head[0] in (0x16, 0x15):
        return Speaker.UNCLEAR if len(head) < 2 else Speaker.TLS if head[1] == 3 else Speaker.BINARY
    whole = PLAIN_PREAMBLE
    if head.startswith(whole):
        return Speaker.PLAIN
    if whole.startswith(head) or any(method.startswith(head) for method in _HTTP_METHODS):
        return Speaker.UNCLEAR
    if head.startswith((*_HTTP_METHODS, b"HTTP/")):
        return Speaker.HTTP
    if all(byte in b"\t\r\n" or 0x20 <= byte < 0x7F for byte in head):
        return Speaker.TEXT
    return Speaker.BINARY


def _printable(head: bytes) -> str:
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in head[:24])
    return text + ("…" if len(head) > 24 else "")
