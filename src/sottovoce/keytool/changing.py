"""``-delete``, ``-changealias``, ``-storepasswd``, ``-keypasswd``: changes inside one store.

Owns these four verbs.
"""

from dataclasses import replace

from sottovoce.errors import AliasTaken, KeystoreError, WrongUsage
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, PrivateKeyEntry, StoreFormat, dumps
from sottovoce.keytool.world import Outcome, Session, Write

__all__ = ["changealias", "delete", "keypasswd", "storepasswd"]


def delete(session: Session) -> Outcome:
    """Remove the entry ``-alias``.

    Raises:
        AliasMissing: there is no such entry.
    """
    if session.command.value("alias") is None:
        raise WrongUsage("Must specify alias", hint="Give -alias NAME.")
    store, password = session.open()
    alias = session.existing(store, session.alias)
    return session.outcome(session.save(store.without(alias), password))


def changealias(session: Session) -> Outcome:
    """Rename the entry ``-alias`` to ``-destalias``.

    Raises:
        AliasMissing: there is no such entry.
        AliasTaken: the new name is in use.
    """
    new = session.command.value("destalias")
    if new is None:
        answer = session.world.ask("Enter destination alias name:  ")
        if not answer:
            raise WrongUsage("Must specify destination alias", hint="Give -destalias NAME.")
        new = answer
    new = new.lower()
    store, password = session.open()
    alias = session.existing(store, session.alias)
    if new in store and store.spelling(new) != alias:
        raise AliasTaken(
            f"Destination alias <{new}> already exists",
            hint="Choose another alias, or delete that entry first.",
            expected="an alias that is free",
            presented=new,
        )
    return session.outcome(session.save(store.renamed(alias, new), password))


def storepasswd(session: Session) -> Outcome:
    """Give the store another password; in PKCS#12 the private keys get it too.

    The password that a server home keeps in a file, for its trusted roots or for its keystore, is
    changed with it (SPEC W15, W20); of one that is kept otherwise is said where it must follow.

    Raises:
        KeystoreError: the new password is too short or the old one.
        EntryLocked: a private key has a third password and could not follow.
    """
    store, password = session.open()
    new = session.new_password("new", "new keystore password")
    if new == password:
        raise KeystoreError("Passwords must differ", code="password-same")
    if store.format is StoreFormat.PKCS12:
        _check_open(store)
    else:
        store = _with_key_passwords(session, store, password)
    write = Write(session.path(), dumps(store, new, format=store.format))
    kept = _kept_places(session, password)
    if not kept:
        return session.outcome(write)
    if "\n" in new.reveal() or "\r" in new.reveal():
        raise WrongUsage(
            f"The new password holds a line break, and {kept[0]} keeps it in one line.",
            hint="Choose a password without one.",
        )
    for place in kept:
        session.say(f"The password kept in {place} was changed with it.")
    both = f"{new.reveal()}\n{password.reveal()}\n".encode()
    return session.outcome(
        # Both are kept while the store is written: whatever interrupts this, one of them opens it.
        *(Write(place, both) for place in kept),
        write,
        *(Write(place, f"{new.reveal()}\n".encode()) for place in kept),
    )


def _kept_places(session: Session, password: Secret) -> tuple[str, ...]:
    """Return the files that keep the store's password for the server.

    It is the home's for ``-cacerts``, and the one that ``server.ini`` names for the keystore; also
    ``STORE.password`` beside the store, where that holds the present password, so that naming the
    store by its path leaves nothing behind.
    """
    if session.flag("cacerts"):
        place = session.world.cacerts_password_file()
        return (place,) if place is not None else ()
    beside = f"{session.path()}.password"
    data = session.world.read(beside)
    held = data is not None and data.rstrip(b"\r\n") == password.reveal().encode()
    places = [beside] if held else []
    kept = session.world.server_password(session.path())
    if kept is not None and kept.file is not None:
        places.append(kept.file)
    elif kept is not None:
        session.say(
            f"Note: the server finds the old password: it is {kept.place}. Put the new one there "
            "before its next start."
        )
    return tuple(dict.fromkeys(places))


def _check_open(store: Keystore) -> None:
    """Refuse to change the password over the head of a key that it does not open."""
    for alias in store.key_aliases:
        if not isinstance(store.entries[alias], PrivateKeyEntry):
            store.key_entry(alias)


def _with_key_passwords(session: Session, store: Keystore, password: Secret) -> Keystore:
    """Let the keys of a JKS store keep their password, as the JDK does, and say so."""
    kept = []
    for alias in store.key_aliases:
        entry = store.entries[alias]
        if isinstance(entry, PrivateKeyEntry) and entry.password is None:
            store = store.with_entry(alias, replace(entry, password=password))
            kept.append(alias)
    if kept:
        session.say(
            f"Note: in {store.format} the private keys keep their old password "
            f"({', '.join(kept[:10])}). Make them equal: sottovoce keytool -keypasswd."
        )
    return store


def keypasswd(session: Session) -> Outcome:
    """Give the private key ``-alias`` a password of its own (JKS and JCEKS).

    Raises:
        KeystoreError: the store is PKCS#12, where keys have the store's password.
        EntryLocked: ``-keypass`` does not open the key.
    """
    store, password = session.open()
    if store.format is StoreFormat.PKCS12:
        raise KeystoreError(
            "-keypasswd commands not supported if -storetype is PKCS12",
            hint="Change the password of the whole store: -storepasswd.",
            code="keypasswd-pkcs12",
        )
    alias = session.existing(store, session.alias)
    entry = session.key_entry(store, alias)
    new = session.new_password("new", f"new key password for <{alias}>")
    if new == (entry.password or password):
        raise KeystoreError("Passwords must differ", code="password-same")
    own = None if new == password else new
    return session.outcome(
        session.save(store.with_entry(alias, replace(entry, password=own)), password)
    )
