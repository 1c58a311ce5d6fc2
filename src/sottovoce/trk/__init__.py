"""TRK, the tracker: takes opens, clicks and unsubscribes."""

from sottovoce.trk.app import TrkApp, create_home
from sottovoce.trk.settings import TRK_KEYS, TrkSettings

__all__ = ["TRK_KEYS", "TrkApp", "TrkSettings", "create_home"]
