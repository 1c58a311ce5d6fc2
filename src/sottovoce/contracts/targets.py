"""What a job's links may lead to, and how long its names may be: one rule for both sides.

LUI tells a person at once, TRK refuses whatever comes all the same (E1). It knows no template and
no table of links.
"""

from urllib.parse import urlsplit

__all__ = ["LONGEST_NAME", "LONGEST_TARGET", "target_fault"]

#: Characters of a target; what is longer, mail programs and proxies have been seen to cut.
LONGEST_TARGET = 2_000

#: Characters of the sender's and of the list's name, as they stand on TRK's pages.
LONGEST_NAME = 200


def target_fault(url: str) -> str:
    """Return why *url* may not be a link's target; empty when it may (E1).

    A target is an absolute http or https address in ASCII, as it stands in a Location header.
    """
    if len(url) > LONGEST_TARGET:
        return f"is longer than {LONGEST_TARGET:,} characters"
    if any(character <= " " or character == "\x7f" for character in url):
        return "contains white space or a control character"
    if not url.isascii() or any(character in '"<>\\' for character in url):
        return "contains characters that must be percent-encoded"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "cannot be read as an address"
    if parts.scheme not in {"http", "https"}:
        return "is not an absolute http or https address"
    if not parts.hostname or port == 0:
        return "names no host"
    return "contains a user name or password" if "@" in parts.netloc else ""
