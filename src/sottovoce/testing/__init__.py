"""Shipped helpers for tests: authorities, wires in memory, playbooks, servers on loopback."""

from sottovoce.testing.authorities import ThrowAwayAuthority
from sottovoce.testing.loopback import EchoCalls, Echoing, Party, Text, listening
from sottovoce.testing.playbook import Playbook
from sottovoce.testing.wire import ConversationWire, EngineWire, Line

__all__ = [
    "ConversationWire",
    "EchoCalls",
    "Echoing",
    "EngineWire",
    "Line",
    "Party",
    "Playbook",
    "Text",
    "ThrowAwayAuthority",
    "listening",
]
