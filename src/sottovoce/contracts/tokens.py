"""The tokens in tracking links, shared by LUI, which seals them, and TRK, which opens them.

A token is AES-SIV (RFC 5297) over twelve bytes - kind 1, recipient index 5, link number 2, salt 4 -
under the job's own key, with the job's public reference as associated data: 28 bytes, 38 characters
of base64url. It hides the numbers and authenticates them. This module decides nothing about jobs,
recipients or targets, and knows neither HTTP nor a database.
"""

import base64
import binascii
import re
import struct
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

__all__ = [
    "JOB_KEY_SIZES",
    "JOB_REF_LENGTH",
    "MAX_LINK",
    "MAX_RECIPIENT",
    "NEW_JOB_KEY_SIZE",
    "SALT_SIZE",
    "TOKEN_LENGTH",
    "LinkKind",
    "Token",
    "TokenCodec",
    "is_job_ref",
    "link_path",
    "parse_path",
]

#: Bytes of a new job's key: AES-SIV with a 256-bit key, that is two AES-128 keys (RFC 5297 §2.2).
#: LUI draws it with ``secrets.token_bytes(NEW_JOB_KEY_SIZE)``.
NEW_JOB_KEY_SIZE = 32

#: Bytes that a job's key may have.
JOB_KEY_SIZES = (32, 64)

#: Characters of a job's public reference: 36 bits of base64url.
JOB_REF_LENGTH = 6

#: Characters of a token: 28 bytes of base64url, without padding.
TOKEN_LENGTH = 38

#: Bytes of salt, so that two links of one recipient never look alike by accident.
SALT_SIZE = 4

#: The highest recipient index and link number that fit.
MAX_RECIPIENT = 2**40 - 1
MAX_LINK = 2**16 - 1

_PLAIN = struct.Struct(">BBIH4s")
_ALPHABET = "[A-Za-z0-9_-]"
_JOB_REF = re.compile(rf"{_ALPHABET}{{{JOB_REF_LENGTH}}}")
#: 224 bits fill 37 characters and two bits of the last, whose other four are 0: A, Q, g or w.
_TOKEN = re.compile(rf"{_ALPHABET}{{{TOKEN_LENGTH - 1}}}[AQgw]")
_STANDARD = str.maketrans("-_", "+/")
_PATH = re.compile(
    rf"/(?:(?P<open>o)|(?P<other>[cup]))/"
    rf"(?P<job>{_ALPHABET}{{{JOB_REF_LENGTH}}})(?P<token>{_ALPHABET}{{{TOKEN_LENGTH}}})"
    rf"(?(open)\.png)"
)


class LinkKind(StrEnum):
    """What a link is for; its value is the letter in the path."""

    #: The pixel that tells of an opening.
    OPEN = "o"
    #: A tracked link of the content.
    CLICK = "c"
    #: The page and the one-click address for unsubscribing.
    UNSUBSCRIBE = "u"
    #: The page of the tracking choice.
    PREFERENCES = "p"


#: The kind's byte inside a token; a number once given is never given again.
_NUMBER_OF = {
    LinkKind.OPEN: 1,
    LinkKind.CLICK: 2,
    LinkKind.UNSUBSCRIBE: 3,
    LinkKind.PREFERENCES: 4,
}
_KIND_OF = {number: kind for kind, number in _NUMBER_OF.items()}


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says, authenticated by the job's key.

    Args:
        kind: what the link is for.
        recipient: index in the job, 0 to ``MAX_RECIPIENT``.
        link: number in the job's table of links, 0 to ``MAX_LINK``; 0 where the kind has none.
        salt: 4 bytes.
    """

    kind: LinkKind
    recipient: int
    link: int
    salt: bytes


class TokenCodec:
    """Seals and opens the tokens of one job.

    Args:
        key: the job's key, 32 or 64 bytes.
        job_ref: the job's public reference, 6 characters of base64url; a token of another job does
            not open, even under the same key.

    Raises:
        ValueError: a key or a reference of another size or alphabet.
    """

    __slots__ = ("_cipher", "_context")

    def __init__(self, key: bytes, job_ref: str) -> None:
        if len(key) not in JOB_KEY_SIZES:
            raise ValueError(f"a job's key has 32 or 64 bytes, not {len(key)}")
        if not is_job_ref(job_ref):
            raise ValueError(f"a job's reference is 6 characters of base64url, not {job_ref!r}")
        self._cipher = AESSIV(key)
        self._context = [job_ref.encode("ascii")]

    def __repr__(self) -> str:
        return f"TokenCodec(job_ref={self._context[0].decode()!r})"

    def seal(self, kind: LinkKind, recipient: int, link: int, salt: bytes) -> str:
        """Return the token, 38 characters of base64url.

        Args:
            kind: what the link is for.
            recipient: 0 to ``MAX_RECIPIENT``.
            link: 0 to ``MAX_LINK``.
            salt: 4 bytes; the same arguments give the same token.

        Raises:
            ValueError: a number or salt that does not fit.
        """
        if not 0 <= recipient <= MAX_RECIPIENT or not 0 <= link <= MAX_LINK:
            raise ValueError(f"recipient {recipient} or link {link} does not fit into a token")
        if len(salt) != SALT_SIZE:
            raise ValueError(f"a token's salt has {SALT_SIZE} bytes, not {len(salt)}")
        plain = _PLAIN.pack(_NUMBER_OF[kind], recipient >> 32, recipient & 0xFFFFFFFF, link, salt)
        sealed = self._cipher.encrypt(plain, self._context)
        return base64.urlsafe_b64encode(sealed)[:TOKEN_LENGTH].decode("ascii")

    def open(self, token: str) -> Token | None:
        """Return what *token* says, or None when it is not one of this job's; never raises.

        Only the one spelling that :meth:`seal` gives is taken. Not checked: whether the recipient
        or the link exists, and whether the path's letter is that of the kind.
        """
        sealed = _decoded(token)
        if sealed is None:
            return None
        try:
            plain = self._cipher.decrypt(sealed, self._context)
        except InvalidTag:
            return None
        number, high, low, link, salt = _PLAIN.unpack(plain)
        kind = _KIND_OF.get(number)
        return None if kind is None else Token(kind, (high << 32) | low, link, salt)


def _decoded(token: str) -> bytes | None:
    """Return the token's 28 bytes, or None for anything but their one canonical spelling."""
    if _TOKEN.fullmatch(token) is None:
        return None
    return binascii.a2b_base64(token.translate(_STANDARD) + "==")


def is_job_ref(text: str) -> bool:
    """Tell whether *text* has the form of a job's reference: 6 characters of base64url."""
    return _JOB_REF.fullmatch(text) is not None


def link_path(kind: LinkKind, job_ref: str, token: str) -> str:
    """Return the path of a tracking URL: ``/c/<job_ref><token>``, for opens with ``.png``."""
    ending = ".png" if kind is LinkKind.OPEN else ""
    return f"/{kind.value}/{job_ref}{token}{ending}"


def parse_path(path: str) -> tuple[LinkKind, str, str] | None:
    """Return kind, job reference and token of *path*, or None when it has not that form.

    The token is not opened; :meth:`TokenCodec.open` decides whether it is one.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    letter = match["open"] or match["other"]
    return LinkKind(letter), match["job"], match["token"]
