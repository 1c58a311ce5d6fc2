"""Identical: a signed object of the library as a key of what is remembered about it."""

from typing import Generic, TypeVar

__all__ = ["Identical"]

_T = TypeVar("_T")


class Identical(Generic[_T]):
    """An object as a key: by identity, because its bytes may be megabytes and it has no hash."""

    __slots__ = ("item",)

    def __init__(self, item: _T) -> None:
        self.item = item

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identical) and other.item is self.item

    def __hash__(self) -> int:
        return id(self.item)
