"""RC2 in CBC mode, for stores that were written before about 2010 (RFC 2268); decryption only.

Owns that cipher. OpenSSL's own one offers no effective key length of 40 bits through
``cryptography``, and 40 bits is what the old stores use. Nothing is ever written with it.
"""

from sottovoce.keystore.limits import Budget

__all__ = ["decrypt_cbc"]

BLOCK = 8

#: One block in units of the budget: measured 20 µs against 0.3 µs.
_BLOCK_COST = 70

_PITABLE = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)


def _expand(key: bytes) -> list[int]:
    """Return the 64 round keys; the effective length is the key's own (RFC 2268 section 2)."""
    size, bits = len(key), 8 * len(key)
    effective = (bits + 7) // 8
    table = bytearray(key)
    while len(table) < 128:
        table.append(_PITABLE[(table[-1] + table[len(table) - size]) & 0xFF])
    table[128 - effective] = _PITABLE[table[128 - effective]]
    for i in range(127 - effective, -1, -1):
        table[i] = _PITABLE[table[i + 1] ^ table[i + effective]]
    return [table[i] | table[i + 1] << 8 for i in range(0, 128, 2)]


def _unmix(words: list[int], keys: list[int], at: int) -> None:
    for i, turn in ((3, 5), (2, 3), (1, 2), (0, 1)):
        word = (words[i] >> turn | words[i] << (16 - turn)) & 0xFFFF
        one, two, three = words[i - 1], words[i - 2], words[i - 3]
        words[i] = (word - keys[at + i] - (one & two) - (~one & three)) & 0xFFFF


def _decrypt_block(block: bytes, keys: list[int]) -> bytes:
    words = [int.from_bytes(block[i : i + 2], "little") for i in range(0, BLOCK, 2)]
    for step in range(15, -1, -1):
        _unmix(words, keys, 4 * step)
        if step in (11, 5):
            for i in (3, 2, 1, 0):
                words[i] = (words[i] - keys[words[i - 1] & 63]) & 0xFFFF
    return b"".join(word.to_bytes(2, "little") for word in words)


def decrypt_cbc(data: bytes, key: bytes, iv: bytes, budget: Budget) -> bytes:
    """Return *data* decrypted, padding included; its length is a multiple of 8.

    Args:
        data: the octets to decrypt, whole blocks.
        key: the key; its length is also the effective key length (5 or 16 octets).
        iv: the first chaining block, 8 octets.
        budget: pays for the time that it takes.

    Raises:
        KeystoreFormatError: more than the budget allows.
    """
    budget.spend_rounds(max(1, len(data) // BLOCK * _BLOCK_COST), digest="sha1")
    keys = _expand(key)
    plain, previous = [], iv
    for at in range(0, len(data), BLOCK):
        block = data[at : at + BLOCK]
        opened = _decrypt_block(block, keys)
        plain.append(bytes(a ^ b for a, b in zip(opened, previous, strict=True)))
        previous = block
    return b"".join(plain)
