"""What is known besides a text: the names of the circumstances, and those that a text betrays.

A circumstance makes causes of one text more or less likely; how much is in the entries. This module
owns the names, and the words by which a text gives one away.
"""

import re
from collections.abc import Mapping

from sottovoce.diagnosis.matching import Prepared

__all__ = ["CONTEXT_FIELDS", "overheard"]

#: What :func:`explain` may be told besides the text. Every other field is a fact for the messages.
CONTEXT_FIELDS: Mapping[str, str] = {
    "side": "caller or accepting: which side printed the text",
    "port": "the port of the connection, as a decimal number",
    "phase": "resolve, connect, preamble, tls, greeting or calls",
    "sent-by": "openssl, java or go: what the side runs that sent the alert",
    "key-count": "how many private keys this server's keystore holds",
    "chain-length": "how many certificates the presenting side sent",
    "own-mode": "secured or plain",
    "peer-mode": "secured or plain",
    "same-issuer-name": "yes when both sides know a CA of that name, with different keys",
    "issuer-trusted": "yes when the root of the presented chain is among the roots here",
    "clocks-differ": "yes when the two servers' clocks differ by more than five minutes",
    "wildcard": "yes when one of the certificate's names begins with *.",
    "own-expired": "yes when this server's own certificate has expired",
    "own-faults": "codes, with commas between, of what a look at the printing side's own "
    "certificate found; none when it found nothing",
    "peer-faults": "the same for the certificate that the other side presented to it",
    "asked-name": "yes when the certificate complained of has the name that was asked for, none "
    "when no name was asked for",
    "root-sent": "yes when the presented chain ends in its root certificate, no when it does not",
    "depth": "0 when the certificate complained of is the server's own, ca when it is one above",
}

#: OpenSSL's ``error 10 at 1 depth lookup``, and the line ``depth=1`` right before an error.
_DEPTH = re.compile(
    r"\bat (\d) depth lookup|\bdepth=(\d)(?:,| [^\n]{0,300}\n) ?(?:verify )?error[=:]|\bdepth: (\d)"
)
#: What only the side prints that was called, or that calls; underscores are blanks here.
_SIDES = {
    "accepting": re.compile(
        r"\b(?:ssl|tls) accept\b|\baccepting a client\b|\btls server:|\brejected connection from\b"
        r"|\bhandshake error from\b|\brequest from client\b|\bprocess client (?:cert|hello)"
        r"|\bget client (?:cert|hello)|\bclient ssl certificate\b|\bclosing client connection\b"
    ),
    "caller": re.compile(
        r"\bssl connect\b|\btls client:|\bget server (?:cert|hello)|\bprocess server (?:cert|hello)"
        r"|\bto upstream\b|\bdial tcp\b|\bcurl:|\bconnect to server\b|\bclient failed to connect\b"
    ),
}


def overheard(known: Mapping[str, str], text: Prepared) -> dict[str, str]:
    """Add the circumstances that a text itself betrays.

    Args:
        known: what is known besides; it goes before what the text says.
        text: the prepared text.

    Returns:
        *known*, and of each circumstance of which the text betrays one value, that value.
    """
    depths = {number for found in _DEPTH.findall(text.kept.lower()) for number in found if number}
    heard = {
        "depth": {"0" if depth == "0" else "ca" for depth in depths},
        "side": {side for side, words in _SIDES.items() if words.search(text.flat)},
    }
    said = {name: values.pop() for name, values in heard.items() if len(values) == 1}
    return said | dict(known)
