"""HUB, the Administration Hub: registry, accounts, settings."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = [
    "HUB_KEYS",
    "Admit",
    "HubApp",
    "HubSettings",
    "bundle_of",
    "create_home",
    "new_set_up_code",
    "open_accounts",
    "open_invitations",
    "open_report",
    "open_roster",
    "open_switch_plan",
    "why_renew",
]

if TYPE_CHECKING:
    from sottovoce.hub.app import HubApp
    from sottovoce.hub.home import create_home, open_accounts, open_invitations
    from sottovoce.hub.join_desk import Admit
    from sottovoce.hub.service import new_set_up_code
    from sottovoce.hub.settings import HUB_KEYS, HubSettings
    from sottovoce.hub.snapshots import open_report, open_roster, open_switch_plan
    from sottovoce.hub.trust_desk import bundle_of, why_renew
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "app": ("HubApp",),
            "home": ("create_home", "open_accounts", "open_invitations"),
            "join_desk": ("Admit",),
            "service": ("new_set_up_code",),
            "settings": ("HUB_KEYS", "HubSettings"),
            "snapshots": ("open_report", "open_roster", "open_switch_plan"),
            "trust_desk": ("bundle_of", "why_renew"),
        },
    )
