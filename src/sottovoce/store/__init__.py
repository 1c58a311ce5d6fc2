"""Database engine, migrations, and files written atomically."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = ["Database", "UtcTime", "migrate", "write_atomically", "write_together"]

if TYPE_CHECKING:
    from sottovoce.store.columns import UtcTime
    from sottovoce.store.database import Database, migrate
    from sottovoce.store.files import write_atomically, write_together
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "columns": ("UtcTime",),
            "database": ("Database", "migrate"),
            "files": ("write_atomically", "write_together"),
        },
    )
