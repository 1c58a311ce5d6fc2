from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sottovoce.pki import KeyAlgorithm
from sottovoce.policy import Component
from sottovoce.testing import EngineWire, ThrowAwayAuthority
from sottovoce.tls import AlpnPath, Engine, Side, TrustGeneration
from sottovoce.tls.contexts import calling_context

ALLOWED = ("hub.test", "lui.test", "trk.test")


@pytest.fixture(scope="session")
def generations(
    authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority, moment: datetime
) -> SimpleNamespace:
    """One generation for each way to be right or wrong."""
    day = timedelta(days=1)

    def made(issuer: ThrowAwayAuthority, name: str, **dates: Any) -> TrustGeneration:
        # Ed25519: its signatures have one length, so that streams of two runs have the same places.
        identity = issuer.issue(
            name, roles=[Component.LUI], algorithm=KeyAlgorithm.ED25519, **dates
        )
        return authority.generation(identity, own_name=name, allowed=ALLOWED)

    hub, lui = made(authority, "hub.test"), made(authority, "lui.test")
    return SimpleNamespace(
        hub=hub,
        lui=lui,
        foreign_lui=made(stranger, "lui.test"),
        foreign_hub=made(stranger, "hub.test"),
        expired_lui=made(
            authority, "lui.test", not_before=moment - 3 * day, not_after=moment - day
        ),
        distrusting=stranger.generation(lui.identity, own_name="lui.test", allowed=ALLOWED),
        without_certificate=calling_context(None, (authority.root,)),
    )


@pytest.fixture(scope="session")
def joined() -> Callable[..., EngineWire]:
    """Two engines on a wire; ``calling`` is a generation or a bare context."""

    def join(
        calling: Any,
        accepting: TrustGeneration,
        *,
        path: AlpnPath = AlpnPath.CALLS,
        joinable: bool = False,
        **lines: Any,
    ) -> EngineWire:
        bare = None if isinstance(calling, TrustGeneration) else calling
        return EngineWire(
            Engine(
                None if bare else calling,
                side=Side.CALLING,
                server_name="hub.test",
                path=path,
                context=bare,
            ),
            Engine(accepting, side=Side.ACCEPTING, joinable=joinable),
            **lines,
        )

    return join
