"""INI-file text ↔ entries with line numbers; typed key tables; every fault at once."""

from sottovoce.ini.secret import Secret

__all__ = ["Secret"]
