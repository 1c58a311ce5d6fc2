"""The properties that fuzzing checks, one function for each parser; octets in, nothing out.

Knows no fuzzer: the test suite gives the same functions the inputs that were found.
"""

from sottovoce.errors import Fault, FormatError, IniSyntaxError, KeystoreError, SettingsError
from sottovoce.ini import Document, dumps, parse, survey
from sottovoce.keystore import Keystore, LockedKeyEntry, PrivateKeyEntry, loads
from sottovoce.keystore import dumps as write_keystore
from sottovoce.policy import read_ssl_settings

__all__ = ["PASSWORD", "keystore", "properties"]

#: Of every seed that has one.
PASSWORD = "changeit"


def keystore(data: bytes) -> None:
    """A keystore gives its entries or a documented exception, with a password and without.

    What was read must answer every question, and what is written of it must be read again.
    """
    for password in (None, PASSWORD):
        try:
            store = loads(data, password)
        except (KeystoreError, FormatError) as error:
            _presentable(error)
            continue
        _ask_everything(store)
        _write_and_read(store, opened=password is not None)


def _presentable(error: KeystoreError | FormatError) -> None:
    text = f"{error} {error!r}"
    assert error.code, "a failure without a code"
    assert PASSWORD not in text, "a message that holds the password"
    if isinstance(error, FormatError) and error.position is not None:
        assert error.position >= 0, "a position before the file"


def _ask_everything(store: Keystore) -> None:
    assert repr(store)
    for fault in store.warnings:
        assert isinstance(fault, Fault)
        assert fault.code
        assert str(fault)
    for alias, entry in store.entries.items():
        assert alias in store
        assert repr(entry)
        if isinstance(entry, (PrivateKeyEntry, LockedKeyEntry)):
            try:
                assert store.key_entry(alias).chain
            except KeystoreError as error:
                _presentable(error)
    try:
        store.key_entry()
    except KeystoreError as error:
        _presentable(error)


def _write_and_read(store: Keystore, *, opened: bool) -> None:
    try:
        written = write_keystore(store, PASSWORD)
    except KeystoreError as error:
        _presentable(error)
        return
    if not opened:  # keys that nobody has looked into may be damaged inside
        return
    again = loads(written, PASSWORD)
    assert list(again.entries) == list(store.entries), "other names after writing"
    for alias, entry in store.entries.items():
        other = again.entries[alias]
        if isinstance(entry, PrivateKeyEntry):
            if isinstance(other, LockedKeyEntry) and "too long" in other.reason:
                continue  # it stood there in plain; opening costs more, one too many
            assert isinstance(other, PrivateKeyEntry), "a key that does not come back"
            assert other.chain == entry.chain, "a chain that does not come back"


def properties(data: bytes) -> None:
    """An INI file gives its entries or :class:`IniSyntaxError`; what is written is read again."""
    try:
        document = survey(data)
    except FormatError as error:
        assert error.code == "ini-too-large"
        return
    _in_order(document)
    assert str(document.faults)
    try:
        strict = parse(data)
    except IniSyntaxError as error:
        assert error.faults
    else:
        assert strict == document
        # A lone surrogate (\\ud800) has no UTF-8 form; it is written as an escape and comes back.
        assert parse(dumps(strict.items())).items() == strict.items()
    if len(data) % 4:  # reading the three keys of ssl.ini takes ten times as long as the rest
        return
    try:
        read_ssl_settings(document, file="ssl.ini", own_name="hub.example.org")
    except SettingsError as error:
        assert error.faults


def _in_order(document: Document) -> None:
    lines = [entry.line for entry in document.entries]
    assert lines == sorted(lines), "entries out of order"
    assert all(entry.last_line >= entry.line >= 1 for entry in document.entries)
