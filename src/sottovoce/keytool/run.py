"""Carrying out a keytool command: which function does which verb.

Owns that table and nothing else.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sottovoce.keytool.changing import changealias, delete, keypasswd, storepasswd
from sottovoce.keytool.importing import importcert
from sottovoce.keytool.listing import exportcert, list_entries, printcert, printcertreq, printcrl
from sottovoce.keytool.making import certreq, gencert, genkeypair
from sottovoce.keytool.moving import importkeystore
from sottovoce.keytool.options import Command, usage
from sottovoce.keytool.world import Outcome, Session, World

__all__ = ["run"]

_ACTS: Mapping[str, Callable[[Session], Outcome]] = MappingProxyType(
    {
        "genkeypair": genkeypair,
        "certreq": certreq,
        "gencert": gencert,
        "importcert": importcert,
        "exportcert": exportcert,
        "list": list_entries,
        "printcert": printcert,
        "printcertreq": printcertreq,
        "printcrl": printcrl,
        "delete": delete,
        "changealias": changealias,
        "storepasswd": storepasswd,
        "keypasswd": keypasswd,
        "importkeystore": importkeystore,
    }
)


def run(command: Command, world: World) -> Outcome:
    """Carry *command* out as far as values go; the caller writes what the outcome holds.

    Args:
        command: from :func:`~sottovoce.keytool.options.parse_command`.
        world: where files, passwords, the time and serial numbers come from.

    Returns:
        The files to write and the texts to show. Nothing was written yet.

    Raises:
        SottovoceError: the verb cannot be carried out; then nothing is to be written.
    """
    if command.help:
        return Outcome(output=usage(command.verb).encode())
    return _ACTS[command.verb.name](Session(command, world))
