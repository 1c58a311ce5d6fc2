"""How long a serialised Java object is, so that a reader can step over it.

Owns the grammar of Java's object streams as far as JCEKS needs it (Java Object Serialization
Specification, chapter 6): secret keys are ``SealedObject`` values without a length of their own.
Nothing is ever made of the octets: no class is looked up and no object is built.
"""

from sottovoce.errors import KeystoreFormatError
from sottovoce.keystore.formats import truncated
from sottovoce.keystore.limits import MAX_DEPTH, Budget

__all__ = ["object_length"]

_MAGIC = b"\xac\xed\x00\x05"
_NULL, _REFERENCE, _CLASSDESC, _OBJECT, _STRING, _ARRAY = 0x70, 0x71, 0x72, 0x73, 0x74, 0x75
_BLOCK, _END_BLOCK, _LONG_BLOCK = 0x77, 0x78, 0x7A
_SIZES = {"B": 1, "C": 2, "D": 8, "F": 4, "I": 4, "J": 8, "S": 2, "Z": 1}
_HAS_WRITE_METHOD, _SERIALIZABLE = 0x01, 0x02


class _Class:
    """What a class description says: the kinds of its fields, and its parent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.flags = 0
        self.fields: list[str] = []
        self.parent: _Class | None = None


class _Walker:
    """A place in an object stream, moving forward."""

    def __init__(self, data: bytes, at: int, budget: Budget) -> None:
        self.data, self.at, self.budget = data, at, budget
        self.handles: list[_Class | None] = []

    def damaged(self, expected: str) -> KeystoreFormatError:
        return KeystoreFormatError(
            f"The keystore is damaged: at octet {self.at} of the file there should be {expected}.",
            source="the file",
            position=self.at,
            expected=expected,
            presented="something else",
            hint="Restore the file from a copy.",
        )

    def take(self, count: int, what: str) -> bytes:
        if self.at + count > len(self.data):
            raise truncated(len(self.data), self.at + count)
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int, what: str) -> int:
        return int.from_bytes(self.take(size, what), "big")

    def text(self, what: str) -> str:
        return self.take(self.number(2, what), what).decode("latin-1")

    def value(self, depth: int) -> None:
        """Step over one value with a type code."""
        self.budget.spend_element()
        if depth > MAX_DEPTH:
            raise self.damaged(f"at most {MAX_DEPTH} objects inside one another")
        code = self.number(1, "an object")
        if code == _REFERENCE:
            self.take(4, "a reference")
        elif code == _STRING:
            self.handles.append(None)
            self.text("a string")
        elif code == _OBJECT:
            described = self.description(depth + 1)
            self.handles.append(None)
            self.contents(described, depth + 1)
        elif code == _ARRAY:
            self.array(depth + 1)
        elif code == _BLOCK:
            self.take(self.number(1, "a length"), "a block")
        elif code == _LONG_BLOCK:
            self.take(self.number(4, "a length"), "a block")
        elif code != _NULL:
            self.at -= 1
            raise self.damaged("a Java object")

    def description(self, depth: int) -> _Class | None:
        """Step over a class description and return what it says."""
        self.budget.spend_element()
        if depth > MAX_DEPTH:
            raise self.damaged(f"at most {MAX_DEPTH} classes above one another")
        code = self.number(1, "a class")
        if code == _NULL:
            return None
        if code == _REFERENCE:
            index = self.number(4, "a reference") - 0x7E0000
            known = self.handles[index] if 0 <= index < len(self.handles) else None
            if known is None:
                raise self.damaged("a reference to a class")
            return known
        if code != _CLASSDESC:
            raise self.damaged("a class description")
        found = _Class(self.text("a class's name"))
        self.take(8, "a class's version")
        self.handles.append(found)
        found.flags = self.number(1, "a class's flags")
        for _ in range(self.number(2, "the number of fields")):
            kind = chr(self.number(1, "a field's kind"))
            self.text("a field's name")
            if kind in "[L":
                self.value(depth + 1)
            elif kind not in _SIZES:
                raise self.damaged("a field's kind")
            found.fields.append(kind)
        self.annotations(depth)
        found.parent = self.description(depth + 1)
        return found

    def annotations(self, depth: int) -> None:
        while self.data[self.at : self.at + 1] != bytes([_END_BLOCK]):
            self.value(depth + 1)
        self.at += 1

    def contents(self, described: _Class | None, depth: int) -> None:
        """Step over an object's fields, the topmost class's first."""
        line: list[_Class] = []
        while described is not None and len(line) < MAX_DEPTH:
            line.append(described)
            described = described.parent
        for each in reversed(line):
            if not each.flags & _SERIALIZABLE:
                raise self.damaged("an object whose fields are written one by one")
            for kind in each.fields:
                if kind in _SIZES:
                    self.take(_SIZES[kind], "a field")
                else:
                    self.value(depth + 1)
            if each.flags & _HAS_WRITE_METHOD:
                self.annotations(depth)

    def array(self, depth: int) -> None:
        described = self.description(depth)
        self.handles.append(None)
        count = self.number(4, "an array's length")
        kind = described.name[1:2] if described is not None else ""
        if kind in _SIZES:
            self.take(count * _SIZES[kind], "an array")
            return
        for _ in range(count):
            self.value(depth)


def object_length(data: bytes, at: int, budget: Budget) -> int:
    """Return how many octets the object stream at *at* takes: its header and one object.

    Raises:
        KeystoreFormatError: there is none.
    """
    walker = _Walker(data, at, budget)
    if walker.take(4, "a Java object stream") != _MAGIC:
        walker.at = at
        raise walker.damaged("a Java object stream")
    walker.value(0)
    return walker.at - at
