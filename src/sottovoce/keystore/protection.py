"""How one private key is protected inside a store, whatever the store's format.

Owns the choice of scheme by object identifier: the password-based schemes of PKCS#5 and PKCS#12,
and the two of Sun's own that JKS and JCEKS use. It knows no aliases and no chains.
"""

import hashlib
import hmac
import importlib
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from sottovoce.errors import KeystoreFormatError
from sottovoce.ini import Secret
from sottovoce.keystore import pbe
from sottovoce.keystore.der import (
    NULL,
    Cursor,
    encode,
    encode_integer,
    encode_octets,
    encode_oid,
    encode_sequence,
)
from sottovoce.keystore.keys import KeyUnreadable, load_private_key
from sottovoce.keystore.limits import Budget

__all__ = ["open_key", "protect_jceks", "protect_jks", "revealed", "unlock"]

#: Sun's KeyProtector of JKS, and PBEWithMD5AndTripleDES of JCEKS.
JKS_PROTECTION = "1.3.6.1.4.1.42.2.17.1.1"
JCEKS_PROTECTION = "1.3.6.1.4.1.42.2.19.1"

try:  # half as slow as OpenSSL for a few octets, and there in FIPS mode too
    _MD5 = importlib.import_module("_md5").md5
except ImportError:
    _MD5 = hashlib.md5

#: What JDK 17 writes into JCEKS.
JCEKS_ROUNDS = 200_000


def revealed(password: Secret | str) -> str:
    """Return the text of a password, whichever way it is held."""
    return password.reveal() if isinstance(password, Secret) else password


def java_octets(password: str) -> bytes:
    """Return *password* as JKS hashes it: UTF-16, big end first."""
    return password.encode("utf-16-be", "surrogatepass")


def _keystream(password: bytes, salt: bytes, length: int) -> bytes:
    stream, last = bytearray(), salt
    while len(stream) < length:
        last = hashlib.sha1(password + last, usedforsecurity=False).digest()
        stream += last
    return bytes(stream[:length])


def _open_jks(data: bytes, password: str) -> bytes:
    if len(data) < 40:
        raise KeyUnreadable("it is shorter than its salt and its digest")
    octets = java_octets(password)
    salt, hidden, digest = data[:20], data[20:-20], data[-20:]
    stream = _keystream(octets, salt, len(hidden))
    plain = bytes(a ^ b for a, b in zip(hidden, stream, strict=True))
    if not hmac.compare_digest(
        hashlib.sha1(octets + plain, usedforsecurity=False).digest(), digest
    ):
        raise pbe.WrongPassword
    return plain


def protect_jks(plain: bytes, password: str, salts: Callable[[int], bytes]) -> bytes:
    """Return a PrivateKeyInfo protected as JKS does, as an EncryptedPrivateKeyInfo in DER.

    Args:
        plain: the PrivateKeyInfo in DER.
        password: the key's password.
        salts: gives that many random octets.
    """
    octets, salt = java_octets(password), salts(20)
    stream = _keystream(octets, salt, len(plain))
    hidden = bytes(a ^ b for a, b in zip(plain, stream, strict=True))
    digest = hashlib.sha1(octets + plain, usedforsecurity=False).digest()
    scheme = encode_sequence(encode_oid(JKS_PROTECTION), encode(NULL, b""))
    return encode_sequence(scheme, encode_octets(salt + hidden + digest))


def _jceks_key(password: str, salt: bytes, rounds: int) -> bytes:
    """Derive 24 octets of key and 8 of chaining block as Sun's PBES1Core does for Triple DES."""
    octets = bytes(ord(letter) & 0x7F for letter in password)
    first, second = bytearray(salt[:4]), salt[4:]
    if first == second:  # Sun meant to reverse the half; a slip in its loop gives this instead
        first = bytearray((first[3], first[0], first[1], first[3]))
    key = b""
    for half in (bytes(first), second):
        value = half
        for _ in range(rounds):
            value = _MD5(value + octets, usedforsecurity=False).digest()
        key += value
    return key


def _open_jceks(algorithm: Cursor, data: bytes, password: str) -> bytes:
    parameters = algorithm.sequence("the encryption's parameters")
    at = parameters.at
    salt, rounds = parameters.octets("the salt"), parameters.integer("the iteration count")
    if len(salt) != 8 or len(data) % 8 or not data:
        raise parameters.damaged("a salt of 8 octets and whole blocks of 8 octets", at=at)
    algorithm.budget.spend_rounds(rounds, digest="md5", blocks=2)
    key = _jceks_key(password, salt, rounds)
    opener = Cipher(TripleDES(key[:24]), modes.CBC(key[24:])).decryptor()
    plain = opener.update(data) + opener.finalize()
    count = plain[-1]
    if not 1 <= count <= 8 or plain[-count:] != bytes([count]) * count:
        raise pbe.WrongPassword
    return plain[:-count]


def protect_jceks(plain: bytes, password: str, salts: Callable[[int], bytes]) -> bytes:
    """Return a PrivateKeyInfo protected as JCEKS does, as an EncryptedPrivateKeyInfo in DER.

    The scheme is Sun's of 1999 (MD5, Triple DES): it is there for old readers, not for secrecy.

    Args:
        plain: the PrivateKeyInfo in DER.
        password: the key's password.
        salts: gives that many random octets.
    """
    salt = salts(8)
    key = _jceks_key(password, salt, JCEKS_ROUNDS)
    count = 8 - len(plain) % 8
    writer = Cipher(TripleDES(key[:24]), modes.CBC(key[24:])).encryptor()
    hidden = writer.update(plain + bytes([count]) * count) + writer.finalize()
    parameters = encode_sequence(encode_octets(salt), encode_integer(JCEKS_ROUNDS))
    scheme = encode_sequence(encode_oid(JCEKS_PROTECTION), parameters)
    return encode_sequence(scheme, encode_octets(hidden))


def _decrypted(protected: bytes, password: str, budget: Budget) -> bytes:
    info = Cursor(protected, budget, where="the protected key").sequence("the protected key")
    element = info.next(0x30, "the encryption scheme")
    data = info.octets("the encrypted key")
    oid = info.inside(element).oid("the encryption scheme")
    if oid == JKS_PROTECTION:
        return _open_jks(data, password)
    algorithm = info.inside(element)
    if oid == JCEKS_PROTECTION:
        algorithm.oid("the encryption scheme")
        return _open_jceks(algorithm, data, password)
    return pbe.decrypt(algorithm, data, password)


def open_key(protected: bytes, password: str, budget: Budget) -> CertificateIssuerPrivateKeyTypes:
    """Return the private key in an EncryptedPrivateKeyInfo.

    Raises:
        WrongPassword: the password does not open it.
        KeyUnreadable: it opens, and what is inside is no key that can be used.
        KeystoreFormatError: the protection itself is damaged, unknown or too costly.
    """
    plain = _decrypted(protected, password, budget)
    if plain[:1] != b"\x30":  # the padding came out by chance: 1 wrong password in 256
        raise pbe.WrongPassword
    return load_private_key(plain, budget)


def unlock(protected: bytes, password: str) -> CertificateIssuerPrivateKeyTypes | None:
    """Return the private key in *protected*, or None when *password* does not open it."""
    try:
        return open_key(protected, password, Budget())
    except (pbe.WrongPassword, KeyUnreadable, KeystoreFormatError):
        return None
