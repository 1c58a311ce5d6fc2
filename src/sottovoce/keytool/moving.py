"""``-importkeystore``: entries from one store into another, which also converts formats.

Owns that verb. One entry (``-srcalias``) or all; what cannot be carried over is named and counted,
the rest is carried.
"""

from dataclasses import replace

from sottovoce.errors import KeystoreError, SottovoceError, WrongUsage
from sottovoce.ini import Secret
from sottovoce.keystore import (
    Entry,
    Keystore,
    LockedKeyEntry,
    PrivateKeyEntry,
    StoreFormat,
    dumps,
)
from sottovoce.keytool.world import Outcome, Session, Write

__all__ = ["importkeystore"]


def importkeystore(session: Session) -> Outcome:
    """Carry the entries of ``-srckeystore`` into ``-destkeystore``.

    Raises:
        AliasMissing: there is no entry ``-srcalias``.
        KeystoreError: the one entry asked for cannot be carried over.
        WrongUsage: ``-destalias`` without ``-srcalias``, or no source.
    """
    if session.command.value("srckeystore") is None:
        raise WrongUsage("Must specify -srckeystore")
    alias = session.command.value("srcalias")
    if alias is None and session.command.value("destalias") is not None:
        raise WrongUsage("-destalias needs -srcalias: one entry can be renamed, not all.")
    source, password = session.open("srckeystore", "srcstorepass")
    target, new = _destination(session)
    session.say(
        f"Importing keystore {session.path('srckeystore')} to {session.path('destkeystore')}..."
    )
    carrier = _Carrier(session, source, password, target, new)
    if alias is not None:
        known = session.existing(source, alias)
        carrier.carry(known, (session.command.value("destalias") or known).lower())
    else:
        carrier.carry_all()
    store = carrier.target
    path = session.path("destkeystore")
    return session.outcome(Write(path, dumps(store, new, format=store.format)))


def _destination(session: Session) -> tuple[Keystore, Secret]:
    """Open the destination, or begin it; the source itself as destination is converted."""
    path = session.path("destkeystore")
    in_place = path == session.path("srckeystore")
    if in_place or session.world.read(path) is None:
        made = Keystore(format=session.new_format("deststoretype"))
        return made, session.new_password("deststorepass", "destination keystore password")
    return session.open("destkeystore", "deststorepass")


class _Carrier:
    """Carries entries over, one by one."""

    def __init__(
        self,
        session: Session,
        source: Keystore,
        password: Secret,
        target: Keystore,
        new: Secret,
    ) -> None:
        self.session = session
        self.source, self.password = source, password
        self.target, self.new = target, new

    def carry_all(self) -> None:
        """Carry every entry; failures are said and counted, as the JDK does."""
        done = failed = 0
        for alias in self.source:
            try:
                done += self.carry(alias, alias.lower())
            except SottovoceError as error:
                failed += 1
                self.session.say(f"Problem importing entry for alias {alias}: {error}")
                self.session.say(f"Entry for alias {alias} not imported.")
        if failed and not done:
            raise KeystoreError(
                "\n".join([*self.session.messages, "No entry could be imported."]),
                code="import-failed",
            )
        self.session.say(
            f"Import command completed:  {done} entries successfully imported, "
            f"{failed} entries failed or cancelled"
        )

    def carry(self, alias: str, name: str) -> bool:
        """Carry one entry over under *name*; False when the person asked says no."""
        chosen = self._free(name)
        if chosen is None:
            self.session.say(f"Entry for alias {alias} not imported.")
            return False
        entry = self._adapted(alias, self.source.entries[alias])
        if entry.created is None:
            entry = replace(entry, created=self.session.world.now())
        self.target = self.target.with_entry(chosen, entry)
        self.session.say(f"Entry for alias {alias} successfully imported.")
        return True

    def _free(self, name: str) -> str | None:
        if name not in self.target:
            return name
        if self.session.flag("noprompt"):
            self.session.say(f"Warning: Overwriting existing alias {name} in destination keystore")
            return name
        question = f"Existing entry alias {name} exists, overwrite? [no]:  "
        answer = self.session.world.ask(question)
        if (answer or "").strip().lower() in ("yes", "y"):
            return name
        other = self.session.world.ask(
            "Enter new alias name\t(RETURN to cancel import for this entry):  "
        )
        return other.strip().lower() if other and other.strip() else None

    def _adapted(self, alias: str, entry: Entry) -> Entry:
        """Return the entry as the destination takes it, its key opened and under its password."""
        if not isinstance(entry, (PrivateKeyEntry, LockedKeyEntry)):
            return entry
        given = self.session.password("srckeypass")
        if isinstance(entry, LockedKeyEntry):
            entry = self.source.key_entry(alias, given)
        if self.target.format is StoreFormat.PKCS12:
            return replace(entry, password=None)
        own = self.session.password("destkeypass") or entry.password or self.password
        return replace(entry, password=None if own == self.new else own)
