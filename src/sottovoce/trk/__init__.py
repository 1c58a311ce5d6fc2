"""TRK, the tracker: takes opens, clicks and unsubscribes."""

from sottovoce.trk.app import TrkApp, create_home
from sottovoce.trk.settings import TrkSettings, read_settings, starter_file

__all__ = ["TrkApp", "TrkSettings", "create_home", "read_settings", "starter_file"]
