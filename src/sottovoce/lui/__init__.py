"""LUI, where people define, deliver and evaluate campaigns."""

from sottovoce.lui.app import LuiApp, create_home, database_path, open_database
from sottovoce.lui.settings import LUI_KEYS, LuiSettings, SmtpSecurity

__all__ = [
    "LUI_KEYS",
    "LuiApp",
    "LuiSettings",
    "SmtpSecurity",
    "create_home",
    "database_path",
    "open_database",
]
