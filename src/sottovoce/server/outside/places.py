"""Where a certificate from outside goes: which keystore, under which alias, and whether it is good.

Nothing is written before the whole entry has been found good; then the file is replaced at once,
and the one before stays beside it.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sottovoce.errors import Fault, FormatError, KeystoreError, SettingsError
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, PrivateKeyEntry, StoreFormat, dumps, loads
from sottovoce.pki import Purpose, RevocationEvidence, verify
from sottovoce.policy import KEYSTORE_PATH, Component, stands_for
from sottovoce.server.home import Faults, Home, check_private, read_file, read_ini
from sottovoce.server.outside.orders import Use
from sottovoce.server.passwords import keystore_password
from sottovoce.server.settings import ServerSettings
from sottovoce.server.trust import (
    StoreUse,
    is_secured,
    keystore_fault,
    own_fault,
    read_roots,
    read_ssl,
)
from sottovoce.store import write_atomically
from sottovoce.tls import identity_faults
from sottovoce.trk import TrkSettings

__all__ = ["ALIAS", "Place", "place_of"]

#: Under which a key is kept that takes no other's place.
ALIAS = "acme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A keystore in use, or to be made.

    Args:
        use: what its key is for.
        home: the server's.
        settings: of ``server.ini``.
        keystore: the file.
        password: its.
        name: for which a certificate is ordered when nothing else is said.
    """

    use: Use
    home: Home
    settings: ServerSettings
    keystore: Path
    password: Secret
    name: str

    def read(self) -> Keystore:
        """Return what is in the keystore; an empty one where there is none.

        Raises:
            SettingsError: it cannot be read, is open to others, or the password does not open it.
        """
        if not self.keystore.exists():
            return Keystore()
        data = read_file(self.keystore, missing="keystore-missing", hint="Try again.")
        check_private(self.keystore)
        try:
            return loads(data, self.password)
        except (KeystoreError, FormatError) as error:
            what = StoreUse("The keystore", f"the password that is set for {self.keystore}")
            raise SettingsError([keystore_fault(error, self.keystore, what)]) from error

    def current(self, name: str) -> PrivateKeyEntry | None:
        """Return the key in use for *name*: of several, the newest."""
        store = self.read()
        alias = _alias_for(store, name)
        entry = store.entries.get(alias)
        return entry if isinstance(entry, PrivateKeyEntry) else None

    def faults(
        self, entry: PrivateKeyEntry, names: tuple[str, ...], at: datetime
    ) -> tuple[Fault, ...]:
        """Return why a new key and certificate are not to be used here; nothing when they are.

        A certificate for internal traffic is judged as the partners will judge it: both purposes,
        and a root that is trusted here. Whether browsers know the authority of another is theirs
        to say; it must be for all names and for servers.
        """
        if self.use is Use.INTERNAL:
            found = identity_faults(
                entry,
                name=self.settings.server_name,
                roots=read_roots(self.home, self.settings),
                crls=RevocationEvidence(),
                at=at,
            )
            return tuple(_internal(own_fault(fault, self.keystore, self.home)) for fault in found)
        anchor = entry.chain[-1:] if len(entry.chain) > 1 else ()
        faults: dict[str, Fault] = {}
        for name in names:
            verdict = verify(entry.chain, roots=anchor, purpose=Purpose.SERVER, name=name, at=at)
            faults |= {f"{fault.code} {fault.why}": fault for fault in verdict.faults}
        return tuple(fault.at(file=str(self.keystore)) for fault in faults.values())

    def put(self, entry: PrivateKeyEntry, name: str) -> str:
        """Write the entry in place of the one for *name*, or beside the others; return its alias.

        Raises:
            SettingsError: as :meth:`read`.
            OSError: it cannot be written; the file is what it was.
        """
        store = self.read()
        alias = _alias_for(store, name)
        kind = store.format or StoreFormat.PKCS12
        data = dumps(store.with_entry(alias, entry), self.password, format=kind)
        write_atomically(self.keystore, data, backup=True)
        return alias


def _alias_for(store: Keystore, name: str) -> str:
    found = [
        (entry.chain[0].not_valid_before_utc, alias)
        for alias, entry in store.entries.items()
        if isinstance(entry, PrivateKeyEntry) and entry.chain and stands_for(entry, name)
    ]
    if found:
        return max(found)[1]
    return ALIAS if ALIAS not in store else f"{ALIAS}-{name}"


def _internal(fault: Fault) -> Fault:
    """Say what to do about an authority that issues for servers only (catalogue X7)."""
    if fault.code != Purpose.CLIENT.missing_code:
        return fault
    return replace(
        fault,
        why=f"{fault.why} Between the servers each is both; public authorities no longer issue for "
        "callers.",
        hint="Use an authority that gives clientAuth as well, or the installation's own: "
        "sottovoce ca create. This certificate will do for --for web.",
    )


def place_of(home: Home, use: Use) -> Place:
    """Return where a certificate for *use* goes.

    Raises:
        SettingsError: the settings do not say where, or cannot be read.
    """
    settings = home.settings()
    return _internal_place(home, settings) if use is Use.INTERNAL else _web_place(home, settings)


def _internal_place(home: Home, settings: ServerSettings) -> Place:
    if not is_secured(home):
        fault = Fault(
            code="file-missing",
            why="There is no commands/ssl.ini, which says in which keystore the key for internal "
            "traffic stands and by which password it opens.",
            file=str(home.ssl_ini),
            hint="Write it first; the keystore that it names is made here when there is none. Do "
            "not start the server before it is.",
        )
        raise SettingsError([fault])
    faults = Faults()
    faults.attempt(lambda: check_private(home.ssl_ini))
    _, values = read_ssl(home, settings, faults)
    path = values.find(KEYSTORE_PATH) if values is not None else None
    password = keystore_password(home, settings, values, faults) if values is not None else None
    faults.check(_NOT_ORDERED)
    assert path is not None
    assert password is not None
    return Place(
        use=Use.INTERNAL,
        home=home,
        settings=settings,
        keystore=path,
        password=password,
        name=settings.server_name,
    )


_NOT_ORDERED = "Nothing was ordered."


def _web_place(home: Home, settings: ServerSettings) -> Place:
    path = home.component_ini(Component.TRK)
    trk = TrkSettings.read(read_ini(path), file=str(path))
    if trk.web_keystore_path is None or trk.web_keystore_password is None:
        fault = Fault(
            code="ini-missing-key",
            why="tracker.ini does not say in which keystore the key for the pages stands.",
            expected="WebKeystorePath and WebKeystorePassword",
            file=str(path),
            key="WebKeystorePath",
            hint="Set both; the keystore is made here when there is none.",
        )
        raise SettingsError([fault])
    check_private(path)
    return Place(
        use=Use.WEB,
        home=home,
        settings=settings,
        keystore=trk.web_keystore_path,
        password=trk.web_keystore_password,
        name=trk.public_host or settings.server_name,
    )
