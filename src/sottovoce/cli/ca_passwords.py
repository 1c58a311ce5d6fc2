"""The password of an authority's key, as the commands get it: from a file, or asked for.

It is never a word on a command line (SPEC W20).
"""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sottovoce.errors import WrongUsage
from sottovoce.ini import Secret

if TYPE_CHECKING:
    from sottovoce.hub.authority import AuthorityFolder

__all__ = ["existing_password", "new_password"]


def existing_password(folder: "AuthorityFolder", file: Path | None) -> Secret:
    """Return the password of an authority that is there.

    Args:
        folder: of the authority; a generated password lies in it.
        file: that was named instead, or None.

    Raises:
        StoreError: a file cannot be read, or others may read it.
        WrongUsage: there is none, and no terminal to ask on.
    """
    from sottovoce.hub.authority import read_password

    if file is not None:
        return read_password(file)
    if folder.password_file.exists():
        return folder.password()
    return _prompted(f"Password of the key in {folder.folder}: ")


def new_password(file: Path | None, *, prompt: bool) -> Secret | None:
    """Return the password for a new authority; None has one generated.

    Args:
        file: that was named, or None.
        prompt: ask for it, twice.

    Raises:
        StoreError: the file cannot be read, or others may read it.
        WrongUsage: the two that were typed differ, or there is no terminal.
    """
    from sottovoce.hub.authority import read_password

    if file is not None:
        return read_password(file)
    if not prompt:
        return None
    password = _prompted("New password for the authority's key: ")
    if not password or password != _prompted("Once more: "):
        raise WrongUsage("The two passwords are empty or differ.", hint="Begin again.")
    return password


def _prompted(prompt: str) -> Secret:
    if not sys.stdin.isatty():
        raise WrongUsage(
            "The password of the authority's key is needed and there is no terminal to ask on.",
            hint="Give --password-file FILE.",
        )
    return Secret(getpass.getpass(prompt))
