"""One server home: its INI files, identity, ports and logs; hosts the components there."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = [
    "INI_FILES",
    "SERVER_KEYS",
    "STARTUP_LINE",
    "Closed",
    "Created",
    "Guest",
    "Home",
    "HomePlan",
    "InUse",
    "JoinedHome",
    "Joining",
    "Logs",
    "Plan",
    "PublicRoots",
    "ReloadOutcome",
    "ReloadResult",
    "Server",
    "ServerSettings",
    "TrustKeeper",
    "create",
    "fetch_before_start",
    "invite",
    "is_secured",
    "join_home",
    "read_in_use",
    "read_plan",
    "read_public_roots",
    "renew_before_start",
]

if TYPE_CHECKING:
    from sottovoce.server.creating import Created, HomePlan, create
    from sottovoce.server.fetching import fetch_before_start
    from sottovoce.server.home import INI_FILES, Home
    from sottovoce.server.in_use import InUse, read_in_use
    from sottovoce.server.inviting import Guest, invite
    from sottovoce.server.joining import JoinedHome, Joining, join_home
    from sottovoce.server.keeper import TrustKeeper
    from sottovoce.server.logs import STARTUP_LINE, Logs
    from sottovoce.server.plan import Plan, read_plan
    from sottovoce.server.prepared_lists import renew_before_start
    from sottovoce.server.process import Server
    from sottovoce.server.public_roots import PublicRoots, read_public_roots
    from sottovoce.server.reloading import Closed, ReloadOutcome, ReloadResult
    from sottovoce.server.settings import SERVER_KEYS, ServerSettings
    from sottovoce.server.trust import is_secured
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "creating": ("Created", "HomePlan", "create"),
            "fetching": ("fetch_before_start",),
            "home": ("INI_FILES", "Home"),
            "in_use": ("InUse", "read_in_use"),
            "inviting": ("Guest", "invite"),
            "joining": ("JoinedHome", "Joining", "join_home"),
            "keeper": ("TrustKeeper",),
            "logs": ("STARTUP_LINE", "Logs"),
            "plan": ("Plan", "read_plan"),
            "prepared_lists": ("renew_before_start",),
            "process": ("Server",),
            "public_roots": ("PublicRoots", "read_public_roots"),
            "reloading": ("Closed", "ReloadOutcome", "ReloadResult"),
            "settings": ("SERVER_KEYS", "ServerSettings"),
            "trust": ("is_secured",),
        },
    )
