"""``sottovoce keytool``: the JDK's verbs and options, without a JDK.

Owns the edge: files, prompts, locks and the clock. What the verbs do is in
:mod:`sottovoce.keytool`; the words after ``keytool`` are passed there as they are.
"""

import argparse
import fcntl
import getpass
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sottovoce.errors import KeystoreError, SottovoceError, WrongUsage
from sottovoce.ini import Secret

if TYPE_CHECKING:
    from sottovoce.keytool import Kept

__all__ = ["FileWorld", "register", "run"]

#: Files larger than any keystore, certificate or request are not read.
_LARGEST = 32 * 1024 * 1024


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``keytool``, which takes every further word as it is, dashes included."""
    parser = commands.add_parser(
        "keytool",
        help="keys and certificates in keystores, with the verbs of the JDK's keytool",
        usage="sottovoce keytool [--home DIR] -VERB [OPTION]...",
        add_help=False,
        prefix_chars="\0",  # no word is an option here: all belong to keytool's own grammar
    )
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-VERB")
    parser.set_defaults(run=run, func=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the keytool command line in *args*; return the exit status.

    Raises:
        SottovoceError: the verb could not be carried out; nothing was written.
    """
    try:
        return _run(*_home_of(list(args.words)))
    except WrongUsage as error:
        if error.code == WrongUsage.code:
            # Whose page has keytool's own words.
            raise WrongUsage(error.message, hint=error.hint, code="keytool-usage") from error
        raise


def _run(home: Path | None, words: list[str]) -> int:
    from sottovoce.keytool import parse_command, usage
    from sottovoce.keytool import run as run_command

    if not words or words in (["-help"], ["--help"], ["-h"], ["-?"]):
        print(usage(), end="")
        return 0
    command = parse_command(words)
    world = FileWorld(home)
    with ExitStack() as stack:
        if command.verb.writes and not command.help:
            stack.enter_context(_locked(_store_path(world, command.store, command.flags)))
        outcome = run_command(command, world)
        for write in outcome.writes:
            _write(Path(write.path), write.data, write.mode)
    for message in outcome.messages:
        print(message, file=sys.stderr)
    sys.stdout.flush()
    sys.stdout.buffer.write(outcome.output)
    sys.stdout.buffer.flush()
    return outcome.status


def _home_of(words: list[str]) -> tuple[Path | None, list[str]]:
    """Take ``--home DIR`` out of *words*; without it ``$SOTTOVOCE_HOME`` counts."""
    home = os.environ.get("SOTTOVOCE_HOME")
    for at, word in enumerate(words):
        if word == "--home":
            if at + 1 == len(words):
                raise WrongUsage("--home needs a folder.")
            home = words[at + 1]
            words = words[:at] + words[at + 2 :]
            break
        if word.startswith("--home="):
            home = word.partition("=")[2]
            words = words[:at] + words[at + 1 :]
            break
    return (Path(home).absolute() if home else None), words


def _store_path(world: "FileWorld", named: str | None, flags: frozenset[str]) -> Path:
    if "cacerts" in flags and world.cacerts is not None:
        return Path(world.cacerts)
    return Path(named if named is not None else world.default_keystore)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other writers in the folder of *path* waiting, so that two at once lose no entry."""
    try:
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> SottovoceError:
    return KeystoreError(
        f"{path} cannot be written: {error.strerror}.",
        hint="Check the folder, its owner and its permissions.",
        code="file-unwritable",
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    from sottovoce.store import write_atomically

    try:
        write_atomically(path, data, mode=mode, backup=True)
    except OSError as error:
        raise _unwritable(path, error) from error


class FileWorld:
    """The real world: files, the terminal, the clock, and the server home if one is named.

    Args:
        home: the server home, or None.
    """

    def __init__(self, home: Path | None) -> None:
        self.home = home

    @property
    def environment(self) -> Mapping[str, str]:
        """The process's environment variables."""
        return os.environ

    @property
    def default_keystore(self) -> str:
        """The home's ``conf/server.p12``, or keytool's ``~/.keystore`` without a home."""
        if self.home is not None:
            return str(self.home / "conf" / "server.p12")
        return str(Path("~/.keystore").expanduser())

    def _place(self, kind: str, default: str) -> Path | None:
        if self.home is None:
            return None
        from sottovoce.server.home import Home

        home = Home(self.home)
        if not home.server_ini.is_file():
            return home.conf / default
        settings = home.settings()
        found: Path = getattr(home, kind)(settings)
        return found

    @property
    def cacerts(self) -> str | None:
        """The home's trusted roots, or None without a home."""
        place = self._place("trusted_roots", "cacerts")
        return None if place is None else str(place)

    @property
    def server_name(self) -> str | None:
        """The server's name from ``server.ini``, or None without a home."""
        if self.home is None:
            return None
        from sottovoce.server.home import Home

        home = Home(self.home)
        return home.settings().server_name if home.server_ini.is_file() else None

    def cacerts_password_file(self) -> str | None:
        """Where the password of the trusted roots is kept."""
        place = self._place("trusted_roots_password", "cacerts.password")
        return None if place is None else str(place)

    def cacerts_password(self) -> Secret | None:
        """The kept password of the trusted roots, if there is one; of two, the one that fits."""
        from sottovoce.server.home import passwords_in
        from sottovoce.server.passwords import fitting

        place, store = self.cacerts_password_file(), self.cacerts
        data = self.read(place) if place is not None else None
        passwords = passwords_in(data) if data is not None else ()
        return fitting(Path(store), passwords) if passwords and store is not None else None

    def server_password(self, store: str) -> "Kept | None":
        """Tell where the home's server finds the password of *store*, if that is its keystore."""
        from sottovoce.keytool import Kept
        from sottovoce.policy import KEYSTORE_PATH, examine_ssl
        from sottovoce.server.home import Home, read_ini
        from sottovoce.server.passwords import elsewhere, password_place

        home = Home(self.home) if self.home is not None else None
        if home is None or not home.server_ini.is_file() or not home.ssl_ini.is_file():
            return None
        settings = home.settings()
        examined = examine_ssl(
            read_ini(home.ssl_ini), file=str(home.ssl_ini), elsewhere=elsewhere(home, settings)
        )
        named = examined.settings.find(KEYSTORE_PATH)
        if named is None or named.resolve() != Path(store).resolve():
            return None
        file = settings.keystore_password_file
        return Kept(
            file=str(file) if file is not None else None, place=password_place(home, settings)
        )

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None when there is none.

        Raises:
            KeystoreError: it is there and cannot be read.
        """
        try:
            with Path(path).open("rb") as file:
                return file.read(_LARGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeystoreError(
                f"{path} cannot be read: {error.strerror}.",
                hint="Check its owner and its permissions.",
                code="file-unreadable",
            ) from error

    def read_input(self) -> bytes:
        """Return standard input."""
        return sys.stdin.buffer.read(_LARGEST + 1)

    def now(self) -> datetime:
        """Return the system's time."""
        from sottovoce.net.clock import utc_now

        return utc_now()

    def serial(self) -> int:
        """Return a random serial number of 64 bits, positive (CA/B Forum BR 7.1)."""
        return secrets.randbits(63) | 1

    def ask_password(self, prompt: str) -> Secret | None:
        """Ask on the terminal; where there is none, take a line of standard input."""
        if sys.stdin is not None and sys.stdin.isatty():
            return Secret(getpass.getpass(prompt))
        line = self.ask(prompt)
        return None if line is None else Secret(line)

    def ask(self, prompt: str) -> str | None:
        """Show *prompt* and return a line of standard input, None at its end."""
        print(prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        return line.rstrip("\r\n") if line else None
