"""The one shape of a log that components write to: an event's text and its fields (structlog's)."""

from typing import Any, Protocol

__all__ = ["Log"]


class Log(Protocol):
    """As much of a structlog logger as is used; every line has a stable ``action`` where it can."""

    def info(self, event: str, /, **fields: Any) -> Any:
        """Log a fact."""
        ...

    def warning(self, event: str, /, **fields: Any) -> Any:
        """Log something that needs an eye."""
        ...

    def error(self, event: str, /, **fields: Any) -> Any:
        """Log something that needs a hand."""
        ...
