"""Which of several private keys other programs would take, so that the choice is no surprise.

Owns what is known of those programs: OpenSSL's ``PKCS12_parse``, Python's ``cryptography`` and
Tomcat take the first key of the file; Java's default key manager (SunX509) keeps its keys in a
``HashMap`` and takes the first that this map yields, which follows from the aliases' hash codes.
"""

from collections.abc import Sequence

__all__ = ["java_default_choice", "readers_choices"]


def _bucket(text: str, size: int) -> int:
    """Return the bucket of *text* in a Java HashMap of *size* buckets."""
    code = 0
    octets = text.encode("utf-16-be", "surrogatepass")
    for i in range(0, len(octets), 2):
        code = (31 * code + int.from_bytes(octets[i : i + 2], "big")) & 0xFFFFFFFF
    return (code ^ code >> 16) & (size - 1)


def java_default_choice(aliases: Sequence[str]) -> str:
    """Return the alias of the key that Java's default key manager presents.

    Args:
        aliases: the private keys' aliases in file order, at least one; all of the kind of key that
            the peer accepts.
    """
    names = [alias.lower() for alias in aliases]
    size = 16
    while len(names) > size * 3 // 4:  # HashMap grows when it is three quarters full
        size *= 2
    return min(names, key=lambda name: _bucket(name, size))


def readers_choices(aliases: Sequence[str]) -> str:
    """Return one sentence on who would take which of *aliases* (file order)."""
    java, first = java_default_choice(aliases), aliases[0]
    if java == first.lower():
        return f"OpenSSL, Tomcat and Java's default key manager would all take '{first}'."
    return f"OpenSSL and Tomcat would take '{first}', Java's default key manager '{java}'."
