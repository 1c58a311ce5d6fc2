"""The verbs of the JDK's keytool, over :mod:`sottovoce.keystore` and :mod:`sottovoce.pki`.

Pure: :func:`parse_command` understands the words, :func:`run` works on values that a
:class:`World` hands in and returns an :class:`Outcome` that says what to write and to show.
"""

from sottovoce.keytool.options import VERBS, Command, Verb, parse_command, usage
from sottovoce.keytool.run import run
from sottovoce.keytool.world import Kept, Outcome, World, Write

__all__ = [
    "VERBS",
    "Command",
    "Kept",
    "Outcome",
    "Verb",
    "World",
    "Write",
    "parse_command",
    "run",
    "usage",
]
