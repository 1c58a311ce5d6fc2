"""The two entry points: bytes to :class:`Keystore` and back, whatever the format.

Owns the choice of codec. It knows no format itself.
"""

import secrets
from collections.abc import Callable

from sottovoce.errors import KeystoreError
from sottovoce.ini import Secret
from sottovoce.keystore import jks, pkcs12, pkcs12_write
from sottovoce.keystore.formats import sniff
from sottovoce.keystore.model import Keystore, StoreFormat
from sottovoce.keystore.protection import revealed

__all__ = ["dumps", "loads"]

#: keytool's rule: six characters at least.
MIN_PASSWORD = 6


def loads(data: bytes, password: Secret | str | None) -> Keystore:
    """Read a keystore: PKCS#12 (DER or BER), JKS or JCEKS, told by its first octets.

    Args:
        data: the whole file, at most 16 MiB.
        password: the store's password. None reads what is not encrypted and verifies nothing;
            private keys are then locked.

    Returns:
        The store; its ``warnings`` say what is odd about it.

    Raises:
        KeystoreFormatError: code ``keystore-empty``, ``keystore-truncated``, ``keystore-damaged``
            (with ``position`` and ``expected``), ``keystore-format`` (another format, named),
            ``keystore-too-large``, ``keystore-too-costly`` or ``keystore-cipher-unknown``.
        IntegrityError: code ``keystore-wrong-password``: wrong password or altered file.

    Source: RFC 7292, RFC 8018, RFC 9579; SPEC W13, W17. What is not checked: dates, purposes,
    signatures of certificates.
    """
    text = None if password is None else revealed(password)
    kind = sniff(data)
    if kind == "PKCS12":
        return pkcs12.read(data, text)
    return jks.read(data, text, StoreFormat(kind))


def dumps(
    store: Keystore,
    password: Secret | str,
    *,
    format: StoreFormat | str | None = None,  # noqa: A002 - the name is the contract's (DESIGN §9)
    salts: Callable[[int], bytes] = secrets.token_bytes,
) -> bytes:
    """Write a keystore.

    Args:
        store: the entries.
        password: the store's password, six characters at least.
        format: ``PKCS12``, ``JKS`` or ``JCEKS``; the store's own when None.
        salts: gives that many random octets; the system's when left out.

    Returns:
        The file's bytes; the same store written twice gives other bytes, since salts are random.

    Raises:
        KeystoreError: the password is too short (``password-too-short``), or an entry cannot
            be carried into that format (:class:`~sottovoce.errors.EntryLocked`).
        ValueError: no such format.
    """
    text = revealed(password)
    if len(text) < MIN_PASSWORD:
        raise KeystoreError(
            f"A keystore's password needs at least {MIN_PASSWORD} characters.",
            code="password-too-short",
            expected=f"at least {MIN_PASSWORD} characters",
            presented=f"{len(text)}",
            hint="Choose a longer one.",
        )
    wanted = store.format if format is None else StoreFormat(format.upper())
    if wanted is StoreFormat.PKCS12:
        return pkcs12_write.write(store, text, salts)
    return jks.write(store, text, wanted, salts)
