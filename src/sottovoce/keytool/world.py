"""What a keytool verb sees of the world, and what it gives back: nothing here touches a file.

Owns the :class:`World` protocol, the :class:`Outcome` value, and the opening of the keystore that
a command names. Reading, asking and writing are the caller's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from sottovoce.errors import KeystoreError, WrongUsage
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, PrivateKeyEntry, StoreFormat, dumps, loads
from sottovoce.keytool.options import Command

__all__ = ["Kept", "Outcome", "Session", "World", "Write"]

#: keytool's rule for new passwords.
MIN_PASSWORD = 6
#: How often a password is asked for before giving up, as the JDK does.
ATTEMPTS = 3
DEFAULT_ALIAS = "mykey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where a server finds the password of its keystore (SPEC W20).

    Args:
        file: the file that is there for nothing else, and can be changed with the keystore; None
            when the password stands in settings or is given by systemd.
        place: the same in words.
    """

    file: str | None
    place: str


class World(Protocol):
    """The edge of the program, as a verb sees it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables."""

    @property
    def default_keystore(self) -> str:
        """The store that is meant when no option names one."""

    @property
    def cacerts(self) -> str | None:
        """The path of the home's trusted roots, or None when no home is known."""

    @property
    def server_name(self) -> str | None:
        """The name by which this server identifies itself, or None when no home is known."""

    def cacerts_password(self) -> Secret | None:
        """Return the kept password of the trusted roots, if there is one."""

    def cacerts_password_file(self) -> str | None:
        """Return where that password is kept."""

    def server_password(self, store: str) -> Kept | None:
        """Tell where the server finds the password of *store*; None when that is not its own."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None when there is no such file."""

    def read_input(self) -> bytes:
        """Return everything on standard input."""

    def now(self) -> datetime:
        """Return the time, aware of its zone."""

    def serial(self) -> int:
        """Return a random serial number, positive and of at most 64 bits."""

    def ask_password(self, prompt: str) -> Secret | None:
        """Ask for a password without showing it; None when nobody can be asked."""

    def ask(self, prompt: str) -> str | None:
        """Ask for a line; None when nobody can be asked."""


@dataclass(frozen=True, slots=True)
class Write:
    """A file to write, atomically and with its previous version kept."""

    path: str
    data: bytes
    mode: int = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a verb gives back.

    Args:
        writes: files to write, in this order; nothing was written yet.
        output: what goes to standard output, as bytes since a certificate may go there.
        messages: what goes to standard error, line by line.
        status: the exit status; a failure is raised, never returned.
    """

    writes: tuple[Write, ...] = ()
    output: bytes = b""
    messages: tuple[str, ...] = ()
    status: int = 0

    def saying(self, *messages: str) -> "Outcome":
        """Return the outcome with further lines for standard error, before those there are."""
        return replace(self, messages=(*messages, *self.messages))


@dataclass(slots=True)
class Session:
    """One command at work: the command, the world, and what was opened so far."""

    command: Command
    world: World
    messages: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Add a line for standard error."""
        self.messages.append(text)

    def flag(self, name: str) -> bool:
        """Tell whether an option without a value was given."""
        return name in self.command.flags

    @property
    def alias(self) -> str:
        """The alias given, else keytool's ``mykey``; in lower case, as Java stores it."""
        return (self.command.value("alias") or DEFAULT_ALIAS).lower()

    def path(self, option: str = "keystore") -> str:
        """Return the path of the store that *option* names, or the one meant without it.

        Raises:
            WrongUsage: ``-cacerts`` together with ``-keystore``, or without a home.
        """
        given = self.command.value(option)
        if option == "keystore" and self.flag("cacerts"):
            if given is not None:
                raise WrongUsage("The -cacerts option cannot be used with -keystore.")
            if self.world.cacerts is None:
                raise WrongUsage(
                    "-cacerts means the trusted roots of a server home, and none is named.",
                    hint="Give --home DIR before the verb, or set SOTTOVOCE_HOME.",
                )
            return self.world.cacerts
        return given if given is not None else self.world.default_keystore

    def password(self, option: str) -> Secret | None:
        """Return the password that *option* gives, directly, by a variable or by a file.

        Raises:
            WrongUsage: the variable or the file does not exist.
        """
        source = self.command.passwords.get(option)
        if source is None:
            return None
        if source.kind == "":
            return source.value
        place = source.value.reveal()
        if source.kind == "env":
            value = self.world.environment.get(place)
            if value is None:
                raise WrongUsage(f"Cannot find environment variable: {place}")
            return Secret(value)
        data = self.world.read(place)
        if data is None:
            raise WrongUsage(f"Cannot find file: {place}")
        return Secret(data.decode("utf-8", "replace").split("\n", 1)[0].removesuffix("\r"))

    def read_file(self, option: str) -> bytes:
        """Return the bytes of the file that *option* names, or of standard input without it.

        Raises:
            KeystoreError: there is no such file.
        """
        path = self.command.value(option)
        if path is None:
            return self.world.read_input()
        data = self.world.read(path)
        if data is None:
            raise KeystoreError(f"{path} (No such file or directory)", code="file-missing")
        return data

    def open(
        self,
        option: str = "keystore",
        pass_option: str = "storepass",  # noqa: S107 - an option's name
    ) -> tuple[Keystore, Secret]:
        """Open the store that *option* names.

        Raises:
            KeystoreError: code ``keystore-missing``, or what reading it raises.
        """
        path = self.path(option)
        data = self.world.read(path)
        if data is None:
            raise KeystoreError(
                f"Keystore file does not exist: {path}",
                hint="Name it with -keystore, or make it with -genkeypair.",
                code="keystore-missing",
            )
        given = self.known_password(pass_option)
        if given is None:
            given = self._ask(f"Enter keystore password for {path}: ")
        return self.checked(loads(data, given), option), given

    def known_password(self, option: str) -> Secret | None:
        """Return the password of the options, else the one kept for the trusted roots."""
        given = self.password(option)
        if given is None and option == "storepass" and self.flag("cacerts"):
            return self.world.cacerts_password()
        return given

    def checked(self, store: Keystore, option: str = "keystore") -> Keystore:
        """Compare the store's format with the one that the command names, and report oddities."""
        type_option = option.replace("keystore", "storetype")
        wanted = self.command.value(type_option)
        if wanted is not None and wanted.upper() != store.format:
            self.say(f"Note: the store is {store.format}, not {wanted}; read as what it is.")
        for note in store.notes:
            self.say(f"Warning: {note}")
        return store

    def open_or_new(self) -> tuple[Keystore, Secret]:
        """Open the store, or begin a new one under a password that is asked for twice.

        Raises:
            KeystoreError: the password is too short, or the store cannot be read.
        """
        if self.world.read(self.path()) is not None:
            return self.open()
        return Keystore(format=self.new_format("storetype")), self.new_password("storepass")

    def new_format(self, option: str) -> StoreFormat:
        """Return the format that *option* names for a new store; PKCS#12 without it.

        Raises:
            WrongUsage: no such format.
        """
        name = self.command.value(option) or "PKCS12"
        try:
            return StoreFormat(name.upper())
        except ValueError:
            raise WrongUsage(f"{name} not found", hint="Use PKCS12, JKS or JCEKS.") from None

    def new_password(self, option: str, what: str = "keystore password") -> Secret:
        """Return a new password from *option*, or ask for it twice.

        Raises:
            KeystoreError: it has fewer than six characters.
        """
        given = self.known_password(option)
        if given is None:
            given = self._ask(f"Enter {what}: ")
            if self._ask(f"Re-enter {what}: ") != given:
                raise KeystoreError("They don't match. Nothing was written.", code="no-match")
        if len(given.reveal()) < MIN_PASSWORD:
            name = "New password" if option == "new" else "Keystore password"
            raise KeystoreError(
                f"{name} must be at least {MIN_PASSWORD} characters",
                code="password-too-short",
                expected=f"at least {MIN_PASSWORD} characters",
                presented=f"{len(given.reveal())}",
                hint="Choose a longer one.",
            )
        return given

    def _ask(self, prompt: str) -> Secret:
        given = self.world.ask_password(prompt)
        if given is None:
            raise WrongUsage(
                "A password is needed, and nobody can be asked for it.",
                hint="Give -storepass:file PATH or -storepass:env NAME.",
            )
        return given

    def key_entry(self, store: Keystore, alias: str) -> PrivateKeyEntry:
        """Return the private key *alias*, asking for a password of its own where it has one.

        Raises:
            KeystoreError: there is none, it is locked, or it does not fit its certificate.
        """
        self.existing(store, alias)
        return store.key_entry(alias, self.password("keypass"))

    def existing(self, store: Keystore, alias: str) -> str:
        """Return how the store spells *alias*; :class:`AliasMissing` when it has no such entry."""
        store.entry(alias)
        return store.spelling(alias) or alias

    def save(self, store: Keystore, password: Secret) -> Write:
        """Return the write of *store* to where it came from."""
        return Write(self.path(), dumps(store, password, format=store.format))

    def outcome(self, *writes: Write, output: bytes = b"") -> Outcome:
        """Return the outcome with everything said so far."""
        return Outcome(writes=writes, output=output, messages=tuple(self.messages))
