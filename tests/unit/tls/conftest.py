from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from sottovoce.pki.profiles import SERVER
from sottovoce.policy import AllowedClients, Component
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import Evidence, Side, TrustGeneration

ALLOWED = ("hub.test", "lui.test", "trk.test")


@pytest.fixture(scope="session")
def identities(
    authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority, moment: datetime
) -> SimpleNamespace:
    """Certificates, each wrong in one way or in none."""
    day = timedelta(days=1)
    lui = [Component.LUI]
    return SimpleNamespace(
        hub=authority.issue("hub.test", roles=[Component.HUB]),
        lui=authority.issue("lui.test", roles=lui),
        roleless=authority.issue("lui.test"),
        several=authority.issue("lui.test", "lui2.test", roles=lui),
        evil=authority.issue("evil.test", roles=lui),
        foreign=stranger.issue("lui.test", roles=lui),
        expired=authority.issue(
            "lui.test", roles=lui, not_before=moment - 3 * day, not_after=moment - day
        ),
        early=authority.issue(
            "lui.test", roles=lui, not_before=moment + day, not_after=moment + 3 * day
        ),
        server_only=authority.issue(
            "lui.test",
            roles=lui,
            profile=replace(SERVER, purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)),
        ),
        client_only=authority.issue(
            "lui.test",
            roles=lui,
            profile=replace(SERVER, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,)),
        ),
    )


@pytest.fixture(scope="session")
def generation(authority: ThrowAwayAuthority, identities: SimpleNamespace) -> TrustGeneration:
    """HUB's: everybody of the installation is allowed and placed."""
    return authority.generation(
        identities.hub,
        own_name="hub.test",
        allowed=ALLOWED,
        hosts={Component.LUI: "lui.test", Component.TRK: "trk.test"},
    )


@pytest.fixture(scope="session")
def under(generation: TrustGeneration) -> Callable[..., TrustGeneration]:
    """The same generation with other parts; its contexts stay (the gate does not look at them)."""

    def changed(**parts: Any) -> TrustGeneration:
        if "allowed" in parts:
            parts["allowed"] = AllowedClients(parts["allowed"])
        return replace(generation, **parts)

    return changed


@pytest.fixture(scope="session")
def evidence(identities: SimpleNamespace, moment: datetime) -> Callable[..., Evidence]:
    """Flawless evidence of LUI, on either side, with what a test changes of it."""

    def make(side: Side = Side.ACCEPTING, *, identity: Any = None, **parts: Any) -> Evidence:
        given: dict[str, Any] = {
            "side": side,
            "chain": (identity or identities.lui).chain,
            "at": moment,
            "announced_name": "lui.test",
            "peer_time": moment,
            "address": "127.0.0.1:1",
        }
        if side is Side.CALLING:
            given["dialled_name"] = "lui.test"
        else:
            given["announced_component"] = Component.LUI
        return Evidence(**(given | parts))

    return make
