"""Secrets as the commands get them: from a file's first line, or typed unseen; never from a word.

Every user of the machine could read a word of a command line (SPEC W20).
"""

import getpass
import sys
from pathlib import Path

from sottovoce.errors import WrongUsage
from sottovoce.ini import Secret

__all__ = ["secret_from"]

#: Bytes of a password or code file that are looked at; more is no password.
LARGEST_SECRET_FILE = 4096


def secret_from(file: str | None, prompt: str) -> Secret:
    """Return what stands in the first line of *file*, or what is typed unseen at *prompt*.

    Args:
        file: its path, ``-`` for the standard input, or None to ask.
        prompt: what to ask.

    Raises:
        WrongUsage: there is no terminal, or the file cannot be read.
    """
    if file is None:
        if not sys.stdin.isatty():
            raise WrongUsage(
                f"{prompt.rstrip(': ')} cannot be asked for: there is no terminal.",
                hint="Give it in a file: --password-file FILE, --code-file FILE.",
            )
        return Secret(getpass.getpass(prompt))
    if file == "-":
        return Secret(sys.stdin.readline().rstrip("\r\n"))
    try:
        with Path(file).open("rb") as opened:
            line = opened.readline(LARGEST_SECRET_FILE).rstrip(b"\r\n")
        return Secret(line.decode())
    except UnicodeDecodeError as error:
        raise WrongUsage(f"{file} is not UTF-8 text.", hint="Write the file in UTF-8.") from error
    except OSError as error:
        raise WrongUsage(
            f"{file} cannot be read: {error.strerror}.", hint="Name a file that can be read."
        ) from error
