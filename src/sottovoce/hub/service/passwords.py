"""Passwords: which are taken, and how they are hashed; nothing of accounts or sessions.

Hashing is Argon2id (RFC 9106) in the PHC string form, so that every stored hash tells its own
parameters and can be renewed at the next log-in when the preset has changed.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from sottovoce.errors import AccountRefused
from sottovoce.ini import Secret

__all__ = [
    "CHEAPEST",
    "OWASP_MINIMUM",
    "PASSWORD_LONGEST",
    "PASSWORD_SHORTEST",
    "RFC_9106_LOW_MEMORY",
    "Argon2Preset",
    "PasswordHasher",
    "check_new_password",
]

#: Characters; NIST SP 800-63B-4 §3.1.1.2 for a password that is the only factor.
PASSWORD_SHORTEST = 15
#: Bytes of UTF-8; a bound on the work of a stranger's log-in (NIST asks for at least 64).
PASSWORD_LONGEST = 1024
#: Hashes computed at the same time; each takes a preset's memory.
HASHES_AT_ONCE = 2
#: Bytes, RFC 9106 §4.
SALT_BYTES = 16
TAG_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Preset:
    """Parameters of Argon2id and where they come from.

    Args:
        memory: KiB.
        iterations: passes over the memory.
        lanes: degree of parallelism.
        source: who recommends them.
    """

    memory: int
    iterations: int
    lanes: int
    source: str

    @property
    def prefix(self) -> str:
        """The beginning of every PHC string made with these parameters."""
        return f"$argon2id$v=19$m={self.memory},t={self.iterations},p={self.lanes}$"


#: What we use: 64 MiB, about 0.1 s.
RFC_9106_LOW_MEMORY = Argon2Preset(
    memory=65536, iterations=3, lanes=4, source="RFC 9106 §4, second recommended option"
)
#: For machines with very little memory: 19 MiB.
OWASP_MINIMUM = Argon2Preset(
    memory=19456, iterations=2, lanes=1, source="OWASP Password Storage Cheat Sheet"
)
#: Fast and worthless: only for tests.
CHEAPEST = Argon2Preset(memory=8, iterations=1, lanes=1, source="the least that RFC 9106 allows")


class PasswordHasher:
    """Makes and checks hashes in threads, a few at a time.

    Args:
        preset: parameters of new hashes.
        random: gives that many random bytes.
    """

    def __init__(self, preset: Argon2Preset, *, random: Callable[[int], bytes]) -> None:
        self._preset = preset
        self._random = random
        self._slots = asyncio.Semaphore(HASHES_AT_ONCE)
        self._decoy: str | None = None

    async def hash(self, password: Secret) -> str:
        """Return the PHC string of *password* with a fresh salt."""
        async with self._slots:
            return await asyncio.to_thread(self._derive, _prepared(password))

    async def matches(self, encoded: str | None, password: Secret) -> bool:
        """Say whether *password* is the one of *encoded*.

        With None (no such account) the same work is done and the answer is False, so that the time
        taken does not tell whether an account exists.
        """
        async with self._slots:
            if encoded is None:
                if self._decoy is None:
                    self._decoy = await asyncio.to_thread(self._derive, self._random(SALT_BYTES))
                await asyncio.to_thread(_verify, self._decoy, _prepared(password))
                return False
            return await asyncio.to_thread(_verify, encoded, _prepared(password))

    def is_current(self, encoded: str) -> bool:
        """Say whether *encoded* was made with the preset now in use."""
        return encoded.startswith(self._preset.prefix)

    def _derive(self, password: bytes) -> str:
        function = Argon2id(
            salt=self._random(SALT_BYTES),
            length=TAG_BYTES,
            iterations=self._preset.iterations,
            lanes=self._preset.lanes,
            memory_cost=self._preset.memory,
        )
        return function.derive_phc_encoded(password)


def check_new_password(password: Secret, *, account: str) -> None:
    """Refuse a password that is too short, too long, or the account's name.

    Length is the only strength asked for: rules of composition make passwords worse (NIST
    SP 800-63B-4 §3.1.1.2). Lists of leaked passwords are not consulted.

    Raises:
        AccountRefused: ``password-too-short``, ``password-too-long`` or ``password-is-name``.
    """
    text = unicodedata.normalize("NFC", password.reveal())
    if len(text) < PASSWORD_SHORTEST:
        raise AccountRefused(
            f"The password has {len(text)} characters; at least {PASSWORD_SHORTEST} are needed.",
            hint="Take a sentence of a few words.",
            code="password-too-short",
        )
    if len(text.encode()) > PASSWORD_LONGEST:
        raise AccountRefused(
            f"The password is longer than {PASSWORD_LONGEST} bytes.",
            hint="Take a shorter one.",
            code="password-too-long",
        )
    if text.casefold() in {account.casefold(), account.casefold() * 2}:
        raise AccountRefused(
            "The password is the account's name.",
            hint="Take a sentence of a few words.",
            code="password-is-name",
        )


def _prepared(password: Secret) -> bytes:
    """Return the bytes that are hashed: NFC, as RFC 8265 §4.2 has it, so that keyboards agree."""
    return unicodedata.normalize("NFC", password.reveal()).encode("utf-8", "surrogatepass")


def _verify(encoded: str, password: bytes) -> bool:
    try:
        Argon2id.verify_phc_encoded(password, encoded)
    except InvalidKey:
        return False
    return True
