"""The code by which a new server joins: one word that says where HUB is and how to know it.

Owns the word's form and nothing of what it allows. It holds the secret of an invitation, HUB's
name, port and perhaps address, the SHA-256 fingerprint of the root of HUB's authority, and for whom
it is: the new server's name and its components. A checksum tells a word that was mistyped or cut
from one that is wrong, before anybody is asked.

The word is ``svj1`` (the 1 is the form's version) and base 32 (RFC 4648 §6, lower case, unpadded):
no sign in it ends a word where one is selected, and neither letter case nor line breaks matter.
Within:

    16 octets  secret
    32 octets  fingerprint
     2 octets  port
     1 octet   components: bit 0 HUB, bit 1 LUI, bit 2 TRK
     1+n       HUB's name, its length first
     1+n       the new server's name
     1+n       HUB's address: 0, 4 or 16 octets
     4 octets  the first of SHA-256 over all before
"""

import base64
import binascii
import hashlib
import ipaddress
from dataclasses import dataclass, field

from sottovoce.errors import FormatError
from sottovoce.ini import Secret, normalise_host_name
from sottovoce.policy import Component

__all__ = ["SECRET_SIZE", "Invitation", "secret_hash"]

#: Octets of the secret: 128 random bits, which nobody finds by trying and no hash of which can be
#: searched (RFC 4086 §8).
SECRET_SIZE = 16

_PREFIX, _VERSION = "svj", "1"
_PRINT_SIZE, _CHECK_SIZE = 32, 4
#: The longest word: three fields of 255 octets and what is fixed, in base 32.
_LONGEST = 1400


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What a code says.

    Args:
        secret: shows that the bearer is invited; :data:`SECRET_SIZE` octets.
        root: SHA-256 of the root certificate of HUB's authority.
        hub: the name of HUB's server, which its certificate must have.
        port: its internal port.
        address: where to connect when the name should not be resolved; empty otherwise.
        name: of the server that is invited.
        components: that are to run there.
    """

    secret: bytes = field(repr=False)
    root: bytes
    hub: str
    port: int
    address: str = ""
    name: str
    components: tuple[Component, ...]

    def code(self) -> Secret:
        """Return the word."""
        bits = sum(1 << number for number, each in enumerate(Component) if each in self.components)
        address = ipaddress.ip_address(self.address).packed if self.address else b""
        body = self.secret + self.root + self.port.to_bytes(2, "big") + bytes((bits,))
        for part in (self.hub.encode("ascii"), self.name.encode("ascii"), address):
            body += bytes((len(part),)) + part
        return Secret(f"{_PREFIX}{_VERSION}{_base32(body + _check(body))}")

    @classmethod
    def read(cls, code: Secret) -> "Invitation":
        """Read a word as it was typed or pasted: letter case, blanks and line breaks are nothing.

        Raises:
            FormatError: ``join-code-malformed``: it is none, or was mistyped or cut;
                ``join-code-version``: it is of another version of this program. No message holds
                any of it.
        """
        word = "".join(code.reveal().split()).lower()
        if not word.startswith(_PREFIX) or len(word) > _LONGEST:
            raise _malformed("It does not begin as a code does.")
        version, word = word[3:4], word[4:]
        if version != _VERSION:
            raise FormatError(
                "This code was made by another version of the program.",
                expected=f"a code that begins with {_PREFIX}{_VERSION}",
                hint="Install the version that runs on HUB's server.",
                code="join-code-version",
            )
        try:
            data = base64.b32decode(word.upper() + "=" * (-len(word) % 8))
        except (binascii.Error, ValueError) as error:
            raise _malformed("It has letters that no code has, or was cut.") from error
        body, check = data[:-_CHECK_SIZE], data[-_CHECK_SIZE:]
        if check != _check(body) or _base32(data) != word:
            raise _malformed("Its checksum does not fit: it was mistyped or cut.")
        try:
            return cls._of(body)
        except (IndexError, ValueError) as error:
            raise _malformed("It holds something else than an invitation.") from error

    @classmethod
    def _of(cls, body: bytes) -> "Invitation":
        """Take a checked body apart; IndexError or ValueError when it is none."""
        at = SECRET_SIZE + _PRINT_SIZE
        port, bits = int.from_bytes(body[at : at + 2], "big"), body[at + 2]
        parts, at = list[bytes](), at + 3
        for _ in range(3):
            end = at + 1 + body[at]
            parts.append(body[at + 1 : end])
            at = end
        hub, name, address = parts
        known = list(Component)
        if at != len(body) or not port or not 0 < bits < 1 << len(known):
            raise ValueError
        return cls(
            secret=body[:SECRET_SIZE],
            root=body[SECRET_SIZE : SECRET_SIZE + _PRINT_SIZE],
            hub=normalise_host_name(hub.decode("ascii")),
            port=port,
            address=str(ipaddress.ip_address(address)) if address else "",
            name=normalise_host_name(name.decode("ascii")),
            components=tuple(each for number, each in enumerate(known) if bits & 1 << number),
        )


def secret_hash(secret: bytes) -> str:
    """Return what is stored of an invitation's secret: SHA-256, enough for 128 random bits."""
    return hashlib.sha256(secret).hexdigest()


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK_SIZE]


def _malformed(why: str) -> FormatError:
    return FormatError(
        f"This is no code for joining. {why}",
        expected="the whole word that 'sottovoce invite' printed",
        hint="Copy it once more, from the first letter to the last.",
        code="join-code-malformed",
    )
