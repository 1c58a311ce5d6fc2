"""The three components of an installation, and the three connections that exist between them."""

from enum import StrEnum

__all__ = ["CONNECTIONS", "Component"]


class Component(StrEnum):
    """One of the three parts; its value is what stands in files, certificates and calls."""

    #: Administration Hub: registry, accounts, settings.
    HUB = "hub"
    #: The user interface: people define, deliver and evaluate campaigns.
    LUI = "lui"
    #: The tracker: takes opens, clicks and unsubscribes.
    TRK = "trk"

    @property
    def label(self) -> str:
        """The name as it stands in logs and messages: ``HUB``, ``LUI``, ``TRK``."""
        return self.value.upper()

    @property
    def role_uri(self) -> str:
        """The URI name of this role in a certificate of our own authority (DESIGN §4)."""
        return f"urn:sottovoce:role:{self.value}"


#: Caller and called; no other connection exists in an installation (SPEC, facts; DESIGN §5).
CONNECTIONS: tuple[tuple[Component, Component], ...] = (
    (Component.LUI, Component.HUB),
    (Component.TRK, Component.HUB),
    (Component.LUI, Component.TRK),
)
