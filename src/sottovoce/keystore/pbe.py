"""Password-based encryption and authentication as PKCS#12 files use them (RFC 7292, 8018, 9579).

Owns key derivation, the ciphers and the MACs, told by their object identifiers. It knows neither
bags nor entries. A wrong password shows as :class:`WrongPassword`, which is private to the package:
whether that means a locked entry or a wrong store password, the caller decides.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sottovoce.errors import KeystoreFormatError
from sottovoce.keystore import rc2
from sottovoce.keystore.der import (
    INTEGER,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    Cursor,
    encode,
    encode_integer,
    encode_octets,
    encode_oid,
    encode_sequence,
)
from sottovoce.keystore.limits import Budget

__all__ = [
    "Mac",
    "UnknownScheme",
    "WrongPassword",
    "decrypt",
    "encrypt",
    "make_mac",
    "password_octets",
    "read_mac",
]

_PBES2 = "1.2.840.113549.1.5.13"
_PBKDF2 = "1.2.840.113549.1.5.12"
_PBMAC1 = "1.2.840.113549.1.5.14"
_HMAC_SHA256 = "1.2.840.113549.2.9"
_AES_256_CBC = "2.16.840.1.101.3.4.1.42"
_SHA256 = "2.16.840.1.101.3.4.2.1"

_HASHES = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    _SHA256: "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_HMACS = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    _HMAC_SHA256: "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}

#: What JDK 17's keytool writes: 10,000 rounds, 20 octets of salt.
ROUNDS = 10_000
SALT = 20

#: Purposes of the PKCS#12 derivation (RFC 7292 appendix B.3).
_FOR_KEY, _FOR_IV, _FOR_MAC = 1, 2, 3


class WrongPassword(Exception):
    """The password does not open this; private to the package."""


class UnknownScheme(KeystoreFormatError):
    """A cipher, hash or derivation that this reader does not know; the message names it."""

    code = "keystore-cipher-unknown"

    def __init__(self, kind: str, oid: str) -> None:
        super().__init__(
            f"The keystore uses the {kind} {oid}, which is not known here.",
            expected="PBES2 with AES-CBC, or the old 3DES, RC2 and RC4 schemes of PKCS#12",
            hint="Write the store again with the JDK's keytool -importkeystore.",
        )


def password_octets(password: str) -> bytes:
    """Return *password* as the PKCS#12 derivation wants it: UTF-16, big end first, two zeros."""
    return password.encode("utf-16-be", "surrogatepass") + b"\0\0"


def _utf8(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _derive(digest: str, password: bytes, salt: bytes, rounds: int, want: tuple[int, int]) -> bytes:
    """Derive octets by RFC 7292 appendix B.2; *want* is (purpose, length)."""
    purpose, length = want
    new = getattr(hashlib, digest)
    size, block = new().digest_size, new().block_size
    spread = _stretch(salt, block) + _stretch(password, block)
    result = b""
    while len(result) < length:
        value = new(bytes([purpose]) * block + spread).digest()
        for _ in range(rounds - 1):
            value = new(value).digest()
        result += value
        if len(result) < length:
            step = int.from_bytes((value * (block // size + 1))[:block], "big") + 1
            spread = b"".join(
                ((int.from_bytes(spread[i : i + block], "big") + step) % (1 << 8 * block)).to_bytes(
                    block, "big"
                )
                for i in range(0, len(spread), block)
            )
    return result[:length]


def _stretch(value: bytes, block: int) -> bytes:
    if not value:
        return b""
    size = -(-len(value) // block) * block
    return (value * (size // len(value) + 1))[:size]


def _cbc(cipher: Callable[[bytes], object]) -> Callable[[bytes, bytes, bytes, Budget], bytes]:
    def open_(data: bytes, key: bytes, iv: bytes, _budget: Budget) -> bytes:
        opener = Cipher(cipher(key), modes.CBC(iv)).decryptor()  # type: ignore[arg-type]
        return opener.update(data) + opener.finalize()

    return open_


def _rc4(data: bytes, key: bytes, _iv: bytes, _budget: Budget) -> bytes:
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4

    return Cipher(ARC4(key), None).decryptor().update(data)


@dataclass(frozen=True, slots=True)
class _Scheme:
    key: int
    block: int
    open: Callable[[bytes, bytes, bytes, Budget], bytes]


_TRIPLE_DES = _cbc(TripleDES)
_AES = _cbc(algorithms.AES)

#: The six schemes of RFC 7292 appendix C, all with SHA-1.
_OLD = {
    "1.2.840.113549.1.12.1.1": _Scheme(16, 0, _rc4),
    "1.2.840.113549.1.12.1.2": _Scheme(5, 0, _rc4),
    "1.2.840.113549.1.12.1.3": _Scheme(24, 8, _TRIPLE_DES),
    "1.2.840.113549.1.12.1.4": _Scheme(16, 8, _TRIPLE_DES),
    "1.2.840.113549.1.12.1.5": _Scheme(16, 8, rc2.decrypt_cbc),
    "1.2.840.113549.1.12.1.6": _Scheme(5, 8, rc2.decrypt_cbc),
}
_NEW = {
    "2.16.840.1.101.3.4.1.2": _Scheme(16, 16, _AES),
    "2.16.840.1.101.3.4.1.22": _Scheme(24, 16, _AES),
    _AES_256_CBC: _Scheme(32, 16, _AES),
    "1.2.840.113549.3.7": _Scheme(24, 8, _TRIPLE_DES),
}


def _rounds(cursor: Cursor) -> int:
    at = cursor.at
    rounds = cursor.integer("the iteration count")
    if rounds < 1:
        raise cursor.damaged("an iteration count of at least 1", at=at)
    return rounds


def _unpad(plain: bytes, block: int) -> bytes:
    if block == 0:
        return plain
    count = plain[-1] if plain else 0
    if not 1 <= count <= block or plain[-count:] != bytes([count]) * count:
        raise WrongPassword
    return plain[:-count]


def decrypt(algorithm: Cursor, data: bytes, password: str) -> bytes:
    """Decrypt *data* as the AlgorithmIdentifier under *algorithm* says.

    Args:
        algorithm: a cursor over what is in the AlgorithmIdentifier.
        data: the encrypted octets.
        password: the password to try.

    Raises:
        WrongPassword: the padding does not come out.
        KeystoreFormatError: the parameters are damaged, unknown, or too costly.
    """
    start = algorithm.at
    oid = algorithm.oid("the encryption scheme")
    budget = algorithm.budget
    if oid == _PBES2:
        scheme, key, iv = _read_pbes2(algorithm, password)
    elif old := _OLD.get(oid):
        scheme = old
        key, iv = _derive_old(algorithm, scheme, password)
    else:
        raise UnknownScheme("encryption", oid)
    if scheme.block and (not data or len(data) % scheme.block):
        raise algorithm.damaged(
            f"encrypted data in blocks of {scheme.block} octets, not {len(data)}", at=start
        )
    return _unpad(scheme.open(data, key, iv, budget), scheme.block)


def _derive_old(algorithm: Cursor, scheme: _Scheme, password: str) -> tuple[bytes, bytes]:
    parameters = algorithm.sequence("the encryption's parameters")
    salt = parameters.octets("the salt")
    rounds = _rounds(parameters)
    blocks = -(-scheme.key // 20) + (1 if scheme.block else 0)
    algorithm.budget.spend_rounds(rounds, digest="sha1", blocks=blocks, factor=2)
    octets = password_octets(password)
    key = _derive("sha1", octets, salt, rounds, (_FOR_KEY, scheme.key))
    if scheme.key == 16 and scheme.open is _TRIPLE_DES:
        key += key[:8]
    iv = _derive("sha1", octets, salt, rounds, (_FOR_IV, scheme.block)) if scheme.block else b""
    return key, iv


def _read_pbes2(algorithm: Cursor, password: str) -> tuple[_Scheme, bytes, bytes]:
    parameters = algorithm.sequence("the parameters of PBES2")
    derivation = parameters.sequence("the key derivation")
    cipher = parameters.sequence("the cipher")
    oid = cipher.oid("the cipher")
    scheme = _NEW.get(oid)
    if scheme is None:
        raise UnknownScheme("cipher", oid)
    at = cipher.at
    iv = cipher.octets("the initialisation vector")
    if len(iv) != scheme.block:
        raise cipher.damaged(f"an initialisation vector of {scheme.block} octets", at=at)
    return scheme, _pbkdf2(derivation, password, scheme.key), iv


def _pbkdf2(derivation: Cursor, password: str, length: int | None) -> bytes:
    """Derive a key of *length* octets (as the file says when None) by RFC 8018 section 5.2."""
    oid = derivation.oid("the key derivation")
    if oid != _PBKDF2:
        raise UnknownScheme("key derivation", oid)
    parameters = derivation.sequence("the parameters of PBKDF2")
    salt = parameters.octets("the salt")
    rounds = _rounds(parameters)
    at = parameters.at
    stated = parameters.integer("the key length") if parameters.peek() == INTEGER else length
    if stated is None or not 1 <= stated <= 64 or (length is not None and stated != length):
        raise parameters.damaged(f"a key length of {length or '1 to 64'}", at=at)
    digest = "sha1"
    if parameters.more():
        oid = parameters.sequence("the pseudo-random function").oid("the pseudo-random function")
        if oid not in _HMACS:
            raise UnknownScheme("pseudo-random function", oid)
        digest = _HMACS[oid]
    blocks = -(-stated // hashlib.new(digest).digest_size)
    derivation.budget.spend_rounds(rounds, digest=digest, blocks=blocks)
    return hashlib.pbkdf2_hmac(digest, _utf8(password), salt, rounds, stated)


@dataclass(frozen=True, slots=True)
class Mac:
    """The MAC of a PKCS#12 file as read: who made it, and how to check a password against it."""

    digest: str
    value: bytes
    key: Callable[[str | None], bytes]

    def fits(self, content: bytes, password: str | None) -> bool:
        """Tell whether *password* made this MAC over *content*; None stands for no password."""
        if password is None:
            return self._fits(content, "") or self._fits(content, None)
        return self._fits(content, password)

    def _fits(self, content: bytes, password: str | None) -> bool:
        made = hmac.digest(self.key(password), content, self.digest)
        return hmac.compare_digest(made, self.value)


def read_mac(cursor: Cursor) -> Mac:
    """Read a MacData value (RFC 7292 section 4, PBMAC1 by RFC 9579).

    Raises:
        KeystoreFormatError: it is damaged or uses an unknown hash.
    """
    info = cursor.sequence("the MAC's digest")
    algorithm = info.sequence("the MAC's hash")
    value = info.octets("the MAC")
    oid = algorithm.oid("the MAC's hash")
    if oid == _PBMAC1:
        return _read_pbmac1(algorithm, value)
    if oid not in _HASHES:
        raise UnknownScheme("MAC", oid)
    digest = _HASHES[oid]
    salt = cursor.octets("the MAC's salt")
    rounds = _rounds(cursor) if cursor.more() else 1
    budget = cursor.budget

    def key(password: str | None) -> bytes:
        budget.spend_rounds(rounds, digest=digest, factor=2)
        octets = b"" if password is None else password_octets(password)
        size = hashlib.new(digest).digest_size
        return _derive(digest, octets, salt, rounds, (_FOR_MAC, size))

    return Mac(digest, value, key)


def _read_pbmac1(algorithm: Cursor, value: bytes) -> Mac:
    parameters = algorithm.sequence("the parameters of PBMAC1")
    derivation = parameters.next(SEQUENCE, "the key derivation")
    oid = parameters.sequence("the MAC's hash").oid("the MAC's hash")
    if oid not in _HMACS:
        raise UnknownScheme("MAC", oid)

    def key(password: str | None) -> bytes:
        return _pbkdf2(parameters.inside(derivation), password or "", None)

    return Mac(_HMACS[oid], value, key)


def encrypt(data: bytes, password: str, salts: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    """Encrypt *data* as JDK 17 does: PBES2, PBKDF2 with HMAC-SHA256, AES-256 in CBC mode.

    Args:
        data: the octets to hide.
        password: the password.
        salts: gives that many random octets.

    Returns:
        The AlgorithmIdentifier in DER, and the encrypted octets.
    """
    salt, iv = salts(SALT), salts(16)
    key = hashlib.pbkdf2_hmac("sha256", _utf8(password), salt, ROUNDS, 32)
    count = 16 - len(data) % 16
    writer = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    hidden = writer.update(data + bytes([count]) * count) + writer.finalize()
    prf = encode_sequence(encode_oid(_HMAC_SHA256), encode(NULL, b""))
    derivation = encode_sequence(
        encode_oid(_PBKDF2),
        encode_sequence(encode_octets(salt), encode_integer(ROUNDS), encode_integer(32), prf),
    )
    cipher = encode_sequence(encode_oid(_AES_256_CBC), encode_octets(iv))
    scheme = encode_sequence(encode_oid(_PBES2), encode_sequence(derivation, cipher))
    return scheme, hidden


def make_mac(content: bytes, password: str, salts: Callable[[int], bytes]) -> bytes:
    """Return the MacData over *content* as JDK 17 writes it: SHA-256, 10,000 rounds."""
    salt = salts(SALT)
    key = _derive("sha256", password_octets(password), salt, ROUNDS, (_FOR_MAC, 32))
    algorithm = encode_sequence(encode_oid(_SHA256), encode(NULL, b""))
    info = encode_sequence(algorithm, encode(OCTET_STRING, hmac.digest(key, content, "sha256")))
    return encode_sequence(info, encode_octets(salt), encode_integer(ROUNDS))
