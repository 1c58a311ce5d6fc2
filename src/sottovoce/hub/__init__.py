"""HUB, the Administration Hub: registry, accounts, settings."""

from sottovoce.hub.app import HubApp, open_report, open_roster, open_switch_plan
from sottovoce.hub.home import create_home, open_accounts, open_invitations
from sottovoce.hub.join_desk import Admit
from sottovoce.hub.service import new_set_up_code
from sottovoce.hub.settings import HUB_KEYS, HubSettings
from sottovoce.hub.trust_desk import bundle_of, why_renew

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
