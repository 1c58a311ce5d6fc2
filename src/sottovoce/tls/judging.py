"""What the gate asks of a server; no more of a trust generation counts for a verdict."""

from collections.abc import Mapping
from typing import Protocol

from cryptography import x509

from sottovoce.pki import RevocationEvidence
from sottovoce.policy import AllowedClients, Component

__all__ = ["Judging"]


class Judging(Protocol):
    """What a server decides by: a trust generation, or what is known of one elsewhere."""

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """Trusted anchors."""
        ...

    @property
    def revocations(self) -> RevocationEvidence:
        """What is known of revoked certificates."""
        ...

    @property
    def allowed(self) -> AllowedClients:
        """The allowed clients."""
        ...

    @property
    def hosts(self) -> Mapping[Component, str]:
        """The server on which each component is expected."""
        ...
