"""Database engine, migrations, and files written atomically.

Names are loaded when they are first used: a command that only writes a file need not wait for the
database libraries.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sottovoce.store.columns import UtcTime
    from sottovoce.store.database import Database, migrate
    from sottovoce.store.files import write_atomically, write_together

__all__ = ["Database", "UtcTime", "migrate", "write_atomically", "write_together"]

_HOMES = {
    "Database": "sottovoce.store.database",
    "UtcTime": "sottovoce.store.columns",
    "migrate": "sottovoce.store.database",
    "write_atomically": "sottovoce.store.files",
    "write_together": "sottovoce.store.files",
}


def __getattr__(name: str) -> object:
    """Load *name* from the module that owns it (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
