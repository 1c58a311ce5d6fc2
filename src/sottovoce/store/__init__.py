"""Database engine, migrations, and files written atomically."""

from sottovoce.store.database import Database, migrate
from sottovoce.store.files import write_atomically

__all__ = ["Database", "migrate", "write_atomically"]
