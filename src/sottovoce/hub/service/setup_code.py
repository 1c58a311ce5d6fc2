"""The one-time set-up code: how it is drawn, typed and stored; there is no default password."""

import hashlib
from collections.abc import Callable

from sottovoce.ini import Secret

__all__ = ["canonical_code", "code_hash", "new_set_up_code"]

#: Crockford's base 32: no I, L, O, U, which are misread or misspoken.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})
_GROUPS = 5
_GROUP_LENGTH = 4
#: 20 characters of 5 bits: 100 bits, so that a plain hash of it cannot be searched.
_LENGTH = _GROUPS * _GROUP_LENGTH


def new_set_up_code(random: Callable[[int], bytes]) -> Secret:
    """Draw a code of 100 random bits in five groups of four characters.

    Args:
        random: gives that many random bytes.
    """
    characters = [_ALPHABET[byte % len(_ALPHABET)] for byte in random(_LENGTH)]
    groups = [
        "".join(characters[start : start + _GROUP_LENGTH])
        for start in range(0, _LENGTH, _GROUP_LENGTH)
    ]
    return Secret("-".join(groups))


def canonical_code(typed: Secret) -> str | None:
    """Return the code's characters as drawn; letter case, blanks and dashes make no difference.

    Returns:
        None when it cannot be a code at all.
    """
    text = "".join(typed.reveal().split()).replace("-", "").upper().translate(_READ_AS)
    fits = len(text) == _LENGTH and all(character in _ALPHABET for character in text)
    return text if fits else None


def code_hash(canonical: str) -> str:
    """Return what is stored of a code: SHA-256, enough for 100 random bits."""
    return hashlib.sha256(canonical.encode()).hexdigest()
