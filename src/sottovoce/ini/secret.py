"""The type of every password in the settings: carried anywhere, shown nowhere."""

import hmac

__all__ = ["Secret"]


class Secret:
    """A text that never shows itself: ``str``, ``repr`` and formatting give ``•••``.

    Args:
        value: the secret text.

    Secrets compare equal in constant time; they cannot be pickled, so none reaches another process
    or a file by accident (SPEC W20).
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("a Secret holds text")
        self._value = value

    def reveal(self) -> str:
        """Return the text itself; every use of this name can be found by searching for it."""
        return self._value

    def __str__(self) -> str:
        return "•••"

    def __repr__(self) -> str:
        return "Secret('•••')"

    def __format__(self, spec: str) -> str:
        return format("•••", spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"),
            other._value.encode("utf-8", "surrogatepass"),
        )

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret is never pickled")
