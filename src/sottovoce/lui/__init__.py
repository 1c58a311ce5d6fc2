"""LUI, where people define, deliver and evaluate campaigns."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = [
    "LUI_KEYS",
    "LuiApp",
    "LuiSettings",
    "SmtpSecurity",
    "create_home",
    "database_path",
    "open_database",
]

if TYPE_CHECKING:
    from sottovoce.lui.app import LuiApp, create_home, database_path, open_database
    from sottovoce.lui.settings import LUI_KEYS, LuiSettings, SmtpSecurity
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "app": ("LuiApp", "create_home", "database_path", "open_database"),
            "settings": ("LUI_KEYS", "LuiSettings", "SmtpSecurity"),
        },
    )
