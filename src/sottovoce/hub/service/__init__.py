"""HUB's use cases: accounts, sessions, roster, settings, audit; no web framework, no sockets."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = [
    "CHEAPEST",
    "CLOCK_SKEW_ALLOWED",
    "OWASP_MINIMUM",
    "RENAME_STEPS",
    "RFC_9106_LOW_MEMORY",
    "AccountFacts",
    "AccountName",
    "AccountState",
    "Accounts",
    "Argon2Preset",
    "AuditHead",
    "AuditVerdict",
    "ChangeKind",
    "EdgeChange",
    "Forecast",
    "Headline",
    "Installation",
    "InvitationFacts",
    "InvitationState",
    "Invitations",
    "Invited",
    "Level",
    "NamedServer",
    "PasswordHasher",
    "Refused",
    "Registry",
    "Renaming",
    "Right",
    "RosterKeeper",
    "SecurityReport",
    "ServerStanding",
    "Sessions",
    "SwitchPlan",
    "canonical_code",
    "code_hash",
    "foretell",
    "new_set_up_code",
    "parse_name",
    "parse_rights",
    "read_report",
    "read_switch_plan",
]

if TYPE_CHECKING:
    from sottovoce.hub.service.accounts import AccountFacts, Accounts
    from sottovoce.hub.service.audit import AuditHead, AuditVerdict
    from sottovoce.hub.service.history import ChangeKind, EdgeChange
    from sottovoce.hub.service.installation import Installation
    from sottovoce.hub.service.invitations import (
        InvitationFacts,
        Invitations,
        InvitationState,
        Invited,
    )
    from sottovoce.hub.service.names import AccountName, parse_name
    from sottovoce.hub.service.passwords import (
        CHEAPEST,
        OWASP_MINIMUM,
        RFC_9106_LOW_MEMORY,
        Argon2Preset,
        PasswordHasher,
    )
    from sottovoce.hub.service.refused import Refused
    from sottovoce.hub.service.registry import Registry
    from sottovoce.hub.service.renaming import RENAME_STEPS, NamedServer, Renaming
    from sottovoce.hub.service.report import SecurityReport, read_report
    from sottovoce.hub.service.rights import AccountState, Right, parse_rights
    from sottovoce.hub.service.roster import CLOCK_SKEW_ALLOWED, RosterKeeper
    from sottovoce.hub.service.sessions import Sessions
    from sottovoce.hub.service.setup_code import canonical_code, code_hash, new_set_up_code
    from sottovoce.hub.service.switching import (
        Forecast,
        ServerStanding,
        SwitchPlan,
        foretell,
        read_switch_plan,
    )
    from sottovoce.hub.service.words import Headline, Level
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "accounts": ("AccountFacts", "Accounts"),
            "audit": ("AuditHead", "AuditVerdict"),
            "history": ("ChangeKind", "EdgeChange"),
            "installation": ("Installation",),
            "invitations": ("InvitationFacts", "Invitations", "InvitationState", "Invited"),
            "names": ("AccountName", "parse_name"),
            "passwords": (
                "CHEAPEST",
                "OWASP_MINIMUM",
                "RFC_9106_LOW_MEMORY",
                "Argon2Preset",
                "PasswordHasher",
            ),
            "refused": ("Refused",),
            "registry": ("Registry",),
            "renaming": ("RENAME_STEPS", "NamedServer", "Renaming"),
            "report": ("SecurityReport", "read_report"),
            "rights": ("AccountState", "Right", "parse_rights"),
            "roster": ("CLOCK_SKEW_ALLOWED", "RosterKeeper"),
            "sessions": ("Sessions",),
            "setup_code": ("canonical_code", "code_hash", "new_set_up_code"),
            "switching": (
                "Forecast",
                "ServerStanding",
                "SwitchPlan",
                "foretell",
                "read_switch_plan",
            ),
            "words": ("Headline", "Level"),
        },
    )
