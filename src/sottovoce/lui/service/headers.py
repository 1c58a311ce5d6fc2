"""The header fields of a mail: written so that every reader reads the same (RFC 5322, RFC 2047).

No CR, LF or NUL ever passes: from a sender or a setting it is refused, from a recipient's value it
becomes a space (tracker-and-campaign E20).
"""

import base64
import re
from dataclasses import dataclass
from email.utils import parseaddr

from sottovoce.contracts import LONGEST_NAME
from sottovoce.errors import Fault, SettingsError
from sottovoce.lui.service.addresses import parse_address

__all__ = ["Sender", "encode_phrase", "encode_text", "list_id", "message_id", "parse_sender"]

#: Characters of a header line (RFC 5322 §2.1.1 recommends 78).
LINE = 76

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\x80-\x9f]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a mail is from: a name, possibly empty, and a mailbox."""

    name: str
    mailbox: str


def parse_sender(text: str) -> Sender:
    """Read ``Name <address>`` or an address.

    Raises:
        SettingsError: ``sender-malformed``.
    """
    name, address = parseaddr(text)
    why = ""
    if _CONTROL.search(text):
        why = "it contains a line break or another control character."
    elif len(text) > LONGEST_NAME:
        why = f"it is longer than {LONGEST_NAME} characters."
    elif not text.isprintable():
        why = "it contains a character that cannot be shown, such as a non-breaking space."
    elif not address:
        why = "there is no address in it."
    else:
        try:
            return Sender(name, parse_address(address).mailbox)
        except ValueError as error:
            why = str(error)
    raise SettingsError(
        [
            Fault(
                code="sender-malformed",
                why=f"The sender {text!r} cannot be used: {why}",
                expected="Name <address>",
                presented=text,
                hint="Write it as 'Name <name@domain>'.",
            )
        ]
    )


def encode_text(text: str, *, used: int) -> str:
    """Return *text* as the value of an unstructured field, folded.

    Args:
        text: any text; control characters become spaces.
        used: characters on the first line before the value.
    """
    text = _CONTROL.sub(" ", text).strip()
    if text.isascii() and "=?" not in text:
        folded = _fold(text, used)
        if folded is not None:
            return folded
    return _encoded_words(text, used)


def _fold(text: str, used: int) -> str | None:
    """Fold ASCII text at single spaces; None where a word is too long for a line."""
    if used + len(text) <= LINE:
        return text
    lines: list[str] = []
    line = ""
    for word in re.findall(r" *[^ ]+", text):
        if line and used + len(line) + len(word) > LINE and word.startswith(" "):
            lines.append(line)
            line, used = word, 0
        else:
            line += word
        if used + len(line) > 900:
            return None
    lines.append(line)
    return "\r\n".join(lines)


def _encoded_words(text: str, used: int) -> str:
    """Return *text* as encoded words of at most 75 characters, cut between characters."""
    words: list[str] = []
    chunk = b""
    room = (min(75, LINE - used) - len("=?utf-8?b??=")) // 4 * 3
    for character in text:
        data = character.encode("utf-8", "replace")
        if chunk and len(chunk) + len(data) > room:
            words.append(chunk.decode())
            chunk, room = b"", 45
        chunk += data
    words.append(chunk.decode())
    encoded = (base64.b64encode(word.encode()).decode() for word in words)
    return "\r\n ".join(f"=?utf-8?b?{word}?=" for word in encoded)


def encode_phrase(text: str) -> str:
    """Return a display name: atoms, a quoted string, or encoded words."""
    text = " ".join(_CONTROL.sub(" ", text).split())
    if not text.isascii() or "=?" in text:
        return _encoded_words(text, len("From: "))
    if _ATOMS.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def message_id(job_ref: str, idx: int, domain: str) -> str:
    """Return the Message-ID of a job's recipient; a mail sent again has the same (DESIGN §5)."""
    return f"<{job_ref}.{idx}@{domain}>"


def list_id(name: str, domain: str) -> str:
    """Return the value of List-Id (RFC 2919): the list's name as a phrase, and its label."""
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "list"
    return f"{encode_phrase(name)} <{label}.{domain}>"
