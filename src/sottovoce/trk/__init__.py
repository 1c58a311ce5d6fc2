"""TRK, the tracker: takes opens, clicks and unsubscribes."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = ["TRK_KEYS", "TrkApp", "TrkSettings", "create_home"]

if TYPE_CHECKING:
    from sottovoce.trk.app import TrkApp, create_home
    from sottovoce.trk.settings import TRK_KEYS, TrkSettings
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "app": ("TrkApp", "create_home"),
            "settings": ("TRK_KEYS", "TrkSettings"),
        },
    )
