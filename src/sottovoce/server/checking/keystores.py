"""The second checks: the keystore of ``ssl.ini``, its key and certificate, the trusted roots."""

from cryptography import x509

from sottovoce.errors import KeystoreError
from sottovoce.keystore import Keystore, PrivateKeyEntry
from sottovoce.pki import describe_key, fingerprint, short_name
from sottovoce.policy import misplaced_reply
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.home import Faults, check_private
from sottovoce.server.trust import (
    StoreUse,
    keystore_fault,
    read_keystore,
    read_roots,
    ssl_store,
)

__all__ = ["check_keystore", "check_roots"]

#: Certificates that a sentence lists.
_SHOWN = 4

#: Said of a chain by the certificate's own checks, which know the trusted roots too.
_SAID_ELSEWHERE = frozenset({"keystore-chain-incomplete", "keystore-no-certificate"})


def check_keystore(notebook: Notebook, known: Examination) -> None:
    """Open the keystore and find the one key with its certificate."""
    notebook.group = "Keystore"
    if known.keystore_path is None or known.keystore_password is None:
        notebook.skip(
            "keystore",
            "The keystore was not opened: it is not known which, or by which password.",
        )
        return
    known.keystore = notebook.look(
        "keystore", lambda faults: _open(known, faults), fine=lambda _: _open_line(known)
    )
    if known.keystore is None:
        notebook.skip("key-entry", "No key was looked for: the keystore did not open.")
        return
    store = known.keystore
    known.identity = notebook.look(
        "key-entry", lambda faults: _key_entry(known, store, faults), fine=_key_line
    )


def _open(known: Examination, faults: Faults) -> Keystore:
    path, password = known.keystore_path, known.keystore_password
    assert path is not None
    assert password is not None
    faults.attempt(lambda: check_private(path))
    store = read_keystore(path, password, _use(known))
    for odd in store.warnings:
        if odd.code not in _SAID_ELSEWHERE:
            faults.warnings.append(odd.at(file=str(path)))
    return store


def _use(known: Examination) -> StoreUse:
    assert known.settings is not None
    return ssl_store(known.home, known.settings)


def _open_line(known: Examination) -> str:
    store = known.keystore
    kind = f"{store.format}, " if store is not None else ""
    return f"{known.keystore_path} ({kind}owner-only) opens with its password."


def _key_entry(known: Examination, store: Keystore, faults: Faults) -> PrivateKeyEntry | None:
    assert known.keystore_path is not None
    try:
        entry = store.key_entry()
    except KeystoreError as error:
        faults.found.append(keystore_fault(error, known.keystore_path, _use(known)))
        return None
    if (fault := misplaced_reply(store, entry)) is not None:
        faults.found.append(fault.at(file=str(known.keystore_path)))
    return entry


def _key_line(entry: PrivateKeyEntry) -> str:
    count = len(entry.chain)
    return (
        f"One private key ({describe_key(entry.key.public_key())}), and it fits its certificate; "
        f"{count} certificate{'s' if count > 1 else ''} will be sent."
    )


def check_roots(notebook: Notebook, known: Examination) -> None:
    """Open the trusted roots (SPEC W15, W16)."""
    notebook.group = "Trusted roots"
    settings = known.settings
    if settings is None:
        notebook.skip("trusted-roots", "The trusted roots were not opened: mend server.ini first.")
        return
    path = known.home.trusted_roots(settings)

    def read(faults: Faults) -> tuple[x509.Certificate, ...]:
        faults.attempt(lambda: check_private(path))
        return read_roots(known.home, settings)

    known.roots = notebook.look(
        "trusted-roots", read, fine=lambda roots: f"{path}: {_listed(roots)}."
    )


def _listed(roots: tuple[x509.Certificate, ...]) -> str:
    shown = [
        f"'{short_name(root.subject)}' (SHA-256 {fingerprint(root)[:23]}…)"
        for root in roots[:_SHOWN]
    ]
    more = f" and {len(roots) - _SHOWN} more" if len(roots) > _SHOWN else ""
    return f"{len(roots)} trusted: {', '.join(shown)}{more}"
