"""Keystore bytes ↔ entries: PKCS#12, JKS, JCEKS.

:func:`loads` tells the format by itself and gives a :class:`Keystore`, a value with named entries;
:func:`dumps` writes one. Both are pure: bytes in, bytes out. This package knows no file and no
trust decision; whether a chain is good is for :mod:`sottovoce.pki` to say.
"""

from sottovoce.keystore.codec import dumps, loads
from sottovoce.keystore.model import (
    Entry,
    Keystore,
    LockedKeyEntry,
    PrivateKeyEntry,
    StoreFormat,
    TrustedCertificateEntry,
)

__all__ = [
    "Entry",
    "Keystore",
    "LockedKeyEntry",
    "PrivateKeyEntry",
    "StoreFormat",
    "TrustedCertificateEntry",
    "dumps",
    "loads",
]
