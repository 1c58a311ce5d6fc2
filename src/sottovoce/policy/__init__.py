"""``ssl.ini`` → settings, certificate → peer identity, allowed list → decision."""

from sottovoce.policy.component import CONNECTIONS, Component

__all__ = ["CONNECTIONS", "Component"]
