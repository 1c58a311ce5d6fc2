"""``python -m fuzz.dearest``: how long the dearest keystores take, and how much memory.

What no fuzzer finds by chance: files that spend all that :mod:`sottovoce.keystore.limits` allows.
Each is read in a process of its own; needs no atheris.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import Encoding

from fuzz.places import STORES
from fuzz.targets import PASSWORD
from sottovoce.errors import FormatError, KeystoreError
from sottovoce.keystore import jks, limits, loads, pbe
from sottovoce.keystore.der import (
    INTEGER,
    NULL,
    OCTET_STRING,
    context,
    encode,
    encode_integer,
    encode_octets,
    encode_oid,
    encode_sequence,
)
from sottovoce.keystore.formats import JCEKS_MAGIC

DATA, ENCRYPTED = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.6"
KEY_BAG, SHROUDED = "1.2.840.113549.1.12.10.1.1", "1.2.840.113549.1.12.10.1.2"
ROOM = limits.MAX_FILE - 1000


def info(oid: str, content: bytes) -> bytes:
    """Return a ContentInfo."""
    return encode_sequence(encode_oid(oid), encode(context(0), content))


def file(*safes: bytes, mac: bytes = b"") -> bytes:
    """Return a PKCS#12 file."""
    content = info(DATA, encode_octets(encode_sequence(*safes)))
    return encode_sequence(encode_integer(3), content, mac)


def bags(*each: bytes) -> bytes:
    """Return a safe in plain."""
    return info(DATA, encode_octets(encode_sequence(*each)))


def bag(oid: str, value: bytes) -> bytes:
    """Return a bag without attributes."""
    return encode_sequence(encode_oid(oid), encode(context(0), value))


def old_mac(oid: str, rounds: int) -> bytes:
    """Return a MAC that fits nothing, of so many rounds."""
    algorithm = encode_sequence(encode_oid(oid), encode(NULL, b""))
    info_ = encode_sequence(algorithm, encode_octets(bytes(20)))
    return encode_sequence(info_, encode_octets(bytes(8)), encode_integer(rounds))


def encrypted(scheme: bytes, size: int) -> bytes:
    """Return a safe of *size* octets under *scheme*."""
    hidden = encode(context(0, constructed=False), bytes(size))
    inner = encode_sequence(encode_oid(DATA), scheme, hidden)
    return info(ENCRYPTED, encode_sequence(encode_integer(0), inner))


def pbes1(oid: str, rounds: int) -> bytes:
    """Return an old scheme of PKCS#12."""
    return encode_sequence(
        encode_oid(oid), encode_sequence(encode_octets(bytes(8)), encode_integer(rounds))
    )


def nested(size: int) -> bytes:
    """Return an OCTET STRING in pieces of pieces."""
    value = encode(OCTET_STRING, bytes(size))
    for _ in range(limits.MAX_DEPTH):
        value = encode(OCTET_STRING | 0x20, value + encode(OCTET_STRING, b"\0"))
    return value


def dsa_key() -> bytes:
    """Return a bag with a DSA key whose modulus is as long as a key may be."""
    numbers = dsa.generate_private_key(2048).private_numbers()
    parameters = numbers.public_numbers.parameter_numbers
    octets = bytes([0x7F]) + b"\xff" * (limits.MAX_KEY // 3)
    algorithm = encode_sequence(
        encode_oid("1.2.840.10040.4.1"),
        encode_sequence(
            encode(INTEGER, octets), encode_integer(parameters.q), encode_integer(parameters.g)
        ),
    )
    key = encode_sequence(encode_integer(0), algorithm, encode_octets(encode_integer(numbers.x)))
    return bag(KEY_BAG, key)


def bare_key() -> bytes:
    """Return a bag with a key on a slow curve, whose public half has to be computed."""
    curve = encode_oid("1.3.36.3.3.2.8.1.1.13")
    inner = encode_sequence(encode_integer(1), encode_octets(b"\x55" * 64))
    algorithm = encode_sequence(encode_oid("1.2.840.10045.2.1"), curve)
    return bag(KEY_BAG, encode_sequence(encode_integer(0), algorithm, encode_octets(inner)))


def jceks(rounds: int) -> bytes:
    """Return a store of one key that takes so many rounds of MD5, with a right digest."""
    scheme = pbes1("1.3.6.1.4.1.42.2.19.1", rounds)
    key = encode_sequence(scheme, encode_octets(bytes(64)))
    body = JCEKS_MAGIC + b"\0\0\0\2\0\0\0\1\0\0\0\1\0\1k" + bytes(8)
    body += len(key).to_bytes(4, "big") + key + bytes(4)
    return body + jks._digest(body, PASSWORD)


def many_certificates() -> bytes:
    """Return a store with one certificate again and again."""
    store = loads((STORES / "openssl-iter1.p12").read_bytes(), PASSWORD)
    entry = next(each for each in store.entries.values() if getattr(each, "chain", ()))
    leaf = entry.chain[0].public_bytes(Encoding.DER)  # type: ignore[union-attr]
    value = encode_sequence(
        encode_oid("1.2.840.113549.1.9.22.1"), encode(context(0), encode_octets(leaf))
    )
    return file(bags(*[bag("1.2.840.113549.1.12.10.1.3", value)] * limits.MAX_CERTIFICATES))


CASES: dict[str, Callable[[], bytes]] = {
    "MAC, SHA-1, all rounds": lambda: file(mac=old_mac("1.3.14.3.2.26", limits.MAX_WORK // 2)),
    "MAC, SHA-512, all rounds": lambda: file(
        mac=old_mac("2.16.840.1.101.3.4.2.3", limits.MAX_WORK // 4)
    ),
    "MAC, six variants of the password": lambda: file(
        mac=old_mac("2.16.840.1.101.3.4.2.1", limits.MAX_WORK // 12)
    ),
    "JCEKS, all rounds": lambda: jceks(limits.MAX_WORK // 2),
    "RC2, as much as is paid for": lambda: file(
        encrypted(pbes1("1.2.840.113549.1.12.1.6", 1), 8 * (limits.MAX_WORK // 70 - 10))
    ),
    "3DES, 16 MiB": lambda: file(
        encrypted(pbes1("1.2.840.113549.1.12.1.3", 1), ROOM // 8 * 8 - 800)
    ),
    "AES, 16 MiB": lambda: file(
        encrypted(pbe.encrypt(b"", PASSWORD, bytes)[0], ROOM // 16 * 16 - 800)
    ),
    "ASN.1 values, 16 MiB": lambda: file(bags(*[b"\x30\0"] * (ROOM // 2 - 100))),
    "ASN.1 values, as many as are paid for": lambda: file(
        bags(bag(KEY_BAG, encode_sequence(*[b"\x30\0"] * (limits.MAX_ELEMENTS - 100))))
    ),
    "keys, as many as are read": lambda: file(
        bags(
            *[
                bag(
                    SHROUDED,
                    encode_sequence(pbes1("1.2.840.113549.1.12.1.3", 1), encode_octets(bytes(8))),
                )
            ]
            * 9_000
        )
    ),
    "pieces of pieces, 16 MiB": lambda: encode_sequence(
        encode_integer(3), info(DATA, nested(ROOM - 1000))
    ),
    "indefinite lengths": lambda: b"\x30\x80\2\1\3" + b"\x24\x80" * (ROOM // 2) + b"\0\0",
    "DSA keys of 44,000 bits": lambda: file(bags(*[dsa_key()] * 1_000)),
    "EC keys without their public half": lambda: file(bags(*[bare_key()] * 9_000)),
    "a certificate 10,000 times": many_certificates,
}


def measure(name: str, path: Path) -> None:
    """Read one of them and print what it took."""
    data = path.read_bytes()
    begun = time.process_time()
    try:
        outcome = repr(loads(data, PASSWORD))
    except (KeystoreError, FormatError) as error:
        outcome = error.code
    took = time.process_time() - begun
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    size = len(data) / 2**20
    print(f"{name:36} {took:5.2f} s of {size:4.1f} MiB, {most:3} MB: {outcome}", flush=True)


def in_child(work: Callable[[], object]) -> None:
    """Do *work* in a process of its own, so that its memory is its own."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    os.waitpid(child, 0)


def main() -> int:
    """Make and measure all."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        for name in sys.argv[1:] or CASES:
            in_child(partial(_write, name, path))
            in_child(partial(measure, name, path))
    return 0


def _write(name: str, path: Path) -> None:
    path.write_bytes(CASES[name]())


if __name__ == "__main__":
    raise SystemExit(main())
