"""ASN.1 in BER and DER: a bounded reader that always knows its offset, and a small DER writer.

Owns tags, lengths and offsets. It knows nothing of keystores: what a value means, its caller says
in the words that the messages then repeat. High tag numbers do not occur in keystores and are
refused. Indefinite lengths and strings in pieces (BER) are read, since old browsers wrote them.
"""

from dataclasses import dataclass

from sottovoce.errors import KeystoreFormatError
from sottovoce.keystore.limits import MAX_DEPTH, Budget

__all__ = [
    "BMP_STRING",
    "INTEGER",
    "NULL",
    "OCTET_STRING",
    "OID",
    "SEQUENCE",
    "SET",
    "Cursor",
    "Element",
    "ShortRead",
    "context",
    "encode",
    "encode_integer",
    "encode_octets",
    "encode_oid",
    "encode_sequence",
    "encode_set",
    "header",
]

INTEGER, OCTET_STRING, NULL, OID, BMP_STRING = 0x02, 0x04, 0x05, 0x06, 0x1E
SEQUENCE, SET = 0x30, 0x31
CONSTRUCTED = 0x20

_NAMES = {
    INTEGER: "an INTEGER",
    OCTET_STRING: "an OCTET STRING",
    NULL: "a NULL",
    OID: "an OBJECT IDENTIFIER",
    BMP_STRING: "a BMPString",
    SEQUENCE: "a SEQUENCE",
    SET: "a SET",
}


def context(number: int, *, constructed: bool = True) -> int:
    """Return the identifier octet of the context-specific tag *number* (0 to 30)."""
    return 0x80 | (CONSTRUCTED if constructed else 0) | number


def _name(tag: int) -> str:
    known = _NAMES.get(tag)
    if known is None and tag & 0xC0 == 0x80:
        return f"tag [{tag & 0x1F}]"
    return known or f"tag 0x{tag:02x}"


@dataclass(frozen=True, slots=True)
class Element:
    """One value's place: identifier octet, first octet, content's range, and the next value."""

    tag: int
    start: int
    body: int
    body_end: int
    end: int


class ShortRead(Exception):
    """The data end inside a header; ``needed`` octets would complete what is known so far."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


def header(data: bytes, at: int) -> tuple[int, int, int | None]:
    """Return the tag, the offset of the content and its length (None = indefinite) at *at*.

    Raises:
        ShortRead: the data end inside the header.
        ValueError: no header of this kind; the message names what was expected.
    """
    if at + 2 > len(data):
        raise ShortRead(at + 2)
    tag, first = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise ValueError("a tag number below 31")
    if first < 0x80:
        return tag, at + 2, first
    count = first & 0x7F
    if count == 0:
        if not tag & CONSTRUCTED:
            raise ValueError("a definite length on a primitive value")
        return tag, at + 2, None
    if count > 8:
        raise ValueError("a length of at most 8 octets")
    if at + 2 + count > len(data):
        raise ShortRead(at + 2 + count)
    return tag, at + 2 + count, int.from_bytes(data[at + 2 : at + 2 + count], "big")


class Cursor:
    """A place in a sequence of values, moving forward.

    Args:
        data: the octets of the layer that is read.
        budget: what the whole file may cost.
        where: the layer's name for messages, such as ``the file``.
        start: the first octet of the sequence.
        end: the octet after its last; the whole of *data* when None.
        depth: how many values this one lies in.
    """

    __slots__ = ("at", "budget", "data", "depth", "end", "where")

    def __init__(
        self,
        data: bytes,
        budget: Budget,
        *,
        where: str,
        start: int = 0,
        end: int | None = None,
        depth: int = 0,
    ) -> None:
        self.data = data
        self.budget = budget
        self.where = where
        self.at = start
        self.end = len(data) if end is None else end
        self.depth = depth

    def damaged(self, expected: str, *, at: int | None = None) -> KeystoreFormatError:
        """Return the error for something else than *expected* at the offset *at*."""
        place = self.at if at is None else at
        return KeystoreFormatError(
            f"The keystore is damaged: at octet {place} of {self.where} "
            f"there should be {expected}.",
            source=self.where,
            position=place,
            expected=expected,
            presented="something else",
            hint="Restore the file from a copy.",
        )

    def more(self) -> bool:
        """Tell whether another value follows."""
        return self.at < self.end

    def peek(self) -> int | None:
        """Return the next value's identifier octet, or None at the end."""
        return self.data[self.at] if self.at < self.end else None

    def next(self, tag: int | None, what: str) -> Element:
        """Take the next value, which must have *tag* (any when None).

        Args:
            tag: the identifier octet; a string type may also come in pieces (constructed).
            what: what the value is, for messages.

        Raises:
            KeystoreFormatError: there is none, or another one, or it runs over its end.
        """
        self.budget.spend_element()
        place = self.at
        if place >= self.end:
            raise self.damaged(f"{what} ({_name(tag)})" if tag is not None else what)
        try:
            found, body, length = header(self.data, place)
        except ShortRead:
            raise self.damaged(f"the complete header of {what}") from None
        except ValueError as error:
            raise self.damaged(f"{error} ({what})") from None
        if tag is not None and found != tag and found != (tag | CONSTRUCTED):
            raise self.damaged(f"{what} ({_name(tag)}), not {_name(found)}")
        if length is None:
            body_end, end = self._find_end(body, self.depth + 1)
        else:
            body_end = end = body + length
        if end > self.end:
            raise self.damaged(f"{what} of at most {self.end - body} octets, not {end - body}")
        self.at = end
        return Element(found, place, body, body_end, end)

    def _find_end(self, at: int, depth: int) -> tuple[int, int]:
        """Return where the content of indefinite length from *at* ends, and the octet after it."""
        if depth > MAX_DEPTH:
            raise self.damaged(f"at most {MAX_DEPTH} values inside one another", at=at)
        inner = Cursor(
            self.data, self.budget, where=self.where, start=at, end=self.end, depth=depth
        )
        while inner.more():
            if self.data[inner.at : inner.at + 2] == b"\0\0":
                return inner.at, inner.at + 2
            inner.next(None, "a value or the end-of-contents mark")
        raise self.damaged("the end-of-contents mark", at=inner.at)

    def inside(self, element: Element) -> "Cursor":
        """Return a cursor over the values in *element*.

        Raises:
            KeystoreFormatError: the values are nested too deeply.
        """
        if self.depth >= MAX_DEPTH:
            raise self.damaged(f"at most {MAX_DEPTH} values inside one another", at=element.start)
        return Cursor(
            self.data,
            self.budget,
            where=self.where,
            start=element.body,
            end=element.body_end,
            depth=self.depth + 1,
        )

    def enter(self, tag: int, what: str) -> "Cursor":
        """Take the next value, which must have *tag*, and return a cursor over what is in it."""
        return self.inside(self.next(tag, what))

    def sequence(self, what: str) -> "Cursor":
        """Take the next value, a SEQUENCE, and return a cursor over what is in it."""
        return self.enter(SEQUENCE, what)

    def raw(self, what: str, tag: int | None = None) -> bytes:
        """Take the next value and return all of its octets, header included."""
        element = self.next(tag, what)
        return self.data[element.start : element.end]

    def octets(self, what: str, tag: int = OCTET_STRING) -> bytes:
        """Take the next value, an OCTET STRING whole or in pieces, and return its content."""
        return self.join(self.next(tag, what), what)

    def join(self, element: Element, what: str) -> bytes:
        """Return the content of the string *element*, whole or in pieces."""
        if not element.tag & CONSTRUCTED:
            return self.data[element.body : element.body_end]
        inner = self.inside(element)
        pieces = []
        while inner.more():
            pieces.append(inner.join(inner.next(OCTET_STRING, f"a piece of {what}"), what))
        return b"".join(pieces)

    def content(self, element: Element) -> bytes:
        """Return the content of *element* as it stands."""
        return self.data[element.body : element.body_end]

    def integer(self, what: str) -> int:
        """Take the next value, an INTEGER of at most 8 octets, and return it."""
        element = self.next(INTEGER, what)
        if not 1 <= element.body_end - element.body <= 8:
            raise self.damaged(f"{what} of 1 to 8 octets", at=element.start)
        return int.from_bytes(self.content(element), "big", signed=True)

    def oid(self, what: str) -> str:
        """Take the next value, an OBJECT IDENTIFIER, and return it with dots."""
        element = self.next(OID, what)
        body = self.content(element)
        if not 1 <= len(body) <= 64 or body[-1] & 0x80:
            raise self.damaged(f"{what} as a complete OBJECT IDENTIFIER", at=element.start)
        arcs, value = [], 0
        for octet in body:
            value = value << 7 | octet & 0x7F
            if not octet & 0x80:
                arcs.append(value)
                value = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def encode(tag: int, content: bytes) -> bytes:
    """Return one value in DER."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def encode_sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of values that are encoded already."""
    return encode(SEQUENCE, b"".join(parts))


def encode_set(*parts: bytes) -> bytes:
    """Return a SET OF values that are encoded already, in DER's order."""
    return encode(SET, b"".join(sorted(parts)))


def encode_octets(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return encode(OCTET_STRING, content)


def encode_integer(value: int) -> bytes:
    """Return an INTEGER that is not negative."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def encode_oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER written with dots."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return encode(OID, bytes(body))
