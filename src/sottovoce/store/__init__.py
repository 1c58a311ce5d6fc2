"""Database engine, migrations, and files written atomically."""

from sottovoce.store.columns import UtcTime
from sottovoce.store.database import Database, migrate
from sottovoce.store.files import write_atomically

__all__ = ["Database", "UtcTime", "migrate", "write_atomically"]
