"""``ssl.ini`` → settings, certificate → peer identity, allowed list → decision."""

from sottovoce.policy.allowed import AllowedClients, Decision
from sottovoce.policy.component import CONNECTIONS, Component
from sottovoce.policy.identity import PeerIdentity
from sottovoce.policy.ownership import check_owner_only, explain_mode
from sottovoce.policy.ssl_ini import (
    ALLOWED_CLIENTS,
    KEYSTORE_PASSWORD,
    KEYSTORE_PATH,
    SSL_KEYS,
    SslSettings,
    read_ssl_settings,
)

__all__ = [
    "ALLOWED_CLIENTS",
    "CONNECTIONS",
    "KEYSTORE_PASSWORD",
    "KEYSTORE_PATH",
    "SSL_KEYS",
    "AllowedClients",
    "Component",
    "Decision",
    "PeerIdentity",
    "SslSettings",
    "check_owner_only",
    "explain_mode",
    "read_ssl_settings",
]
