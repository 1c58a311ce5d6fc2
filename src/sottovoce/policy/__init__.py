"""``ssl.ini`` → settings, certificate → peer identity, allowed list → decision."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = [
    "ALLOWED_CLIENTS",
    "CONNECTIONS",
    "KEYSTORE_PASSWORD",
    "KEYSTORE_PATH",
    "RENEW_BELOW",
    "SKEW_REFUSED",
    "SKEW_WARNED",
    "SSL_KEYS",
    "AllowedClients",
    "Component",
    "Decision",
    "KeyRing",
    "Lifetime",
    "NamedKey",
    "PeerIdentity",
    "SslSettings",
    "broken_connections",
    "check_owner_only",
    "examine_ssl",
    "explain_mode",
    "first_to_end",
    "half_secured",
    "misplaced_reply",
    "read_ssl_settings",
    "skew_fault",
    "span",
    "stands_for",
]

if TYPE_CHECKING:
    from sottovoce.policy.allowed import AllowedClients, Decision
    from sottovoce.policy.clocks import SKEW_REFUSED, SKEW_WARNED, skew_fault
    from sottovoce.policy.component import CONNECTIONS, Component
    from sottovoce.policy.halves import broken_connections, half_secured
    from sottovoce.policy.identity import PeerIdentity
    from sottovoce.policy.key_ring import KeyRing, NamedKey, misplaced_reply, stands_for
    from sottovoce.policy.lifetimes import RENEW_BELOW, Lifetime, first_to_end, span
    from sottovoce.policy.ownership import check_owner_only, explain_mode
    from sottovoce.policy.ssl_ini import (
        ALLOWED_CLIENTS,
        KEYSTORE_PASSWORD,
        KEYSTORE_PATH,
        SSL_KEYS,
        SslSettings,
        examine_ssl,
        read_ssl_settings,
    )
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "allowed": ("AllowedClients", "Decision"),
            "clocks": ("SKEW_REFUSED", "SKEW_WARNED", "skew_fault"),
            "component": ("CONNECTIONS", "Component"),
            "halves": ("broken_connections", "half_secured"),
            "identity": ("PeerIdentity",),
            "key_ring": ("KeyRing", "NamedKey", "misplaced_reply", "stands_for"),
            "lifetimes": ("RENEW_BELOW", "Lifetime", "first_to_end", "span"),
            "ownership": ("check_owner_only", "explain_mode"),
            "ssl_ini": (
                "ALLOWED_CLIENTS",
                "KEYSTORE_PASSWORD",
                "KEYSTORE_PATH",
                "SSL_KEYS",
                "SslSettings",
                "examine_ssl",
                "read_ssl_settings",
            ),
        },
    )
