"""What HUB answers to a server that joins, without a HUB: for tests of what is made of it."""

from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes

from sottovoce.contracts import Invitation
from sottovoce.net import Welcome
from sottovoce.policy import AllowedClients, Component
from sottovoce.testing.authorities import ThrowAwayAuthority

__all__ = ["HubAnswer"]


class HubAnswer:
    """An invitation, and the answer to who shows it.

    Args:
        components: that are invited; the server is called after the first.
        at: the moment around which everything is valid, UTC.
    """

    def __init__(self, *components: Component, at: datetime) -> None:
        authority = ThrowAwayAuthority(at=at)
        hosts = {component: f"{component.value}.test" for component in Component}
        name, hub = hosts[components[0]], hosts[Component.HUB]
        crl = authority.authority.revocation_list(
            [], this_update=at - timedelta(hours=1), next_update=at + timedelta(days=1), number=1
        )
        self.welcome = Welcome(
            identity=authority.issue(name, roles=components),
            roots=(authority.root,),
            crls=(crl,),
            allowed=AllowedClients(dict.fromkeys((hub, name))),
            hosts=hosts,
        )
        self.invitation = Invitation(
            secret=bytes(16),
            root=authority.root.fingerprint(hashes.SHA256()),
            hub=hub,
            port=1099,
            name=name,
            components=components,
        )

    async def __call__(self) -> Welcome:
        """Answer."""
        return self.welcome
