"""How foreign text appears in a message: one line, bounded, printable.

Owns nothing but that; it does not know what is secret, so a secret never comes here.
"""

__all__ = ["shown"]

#: Long enough for a path or a list of a few servers, short enough for one line of a log.
_LIMIT = 160


def shown(text: str, *, limit: int = _LIMIT) -> str:
    """Return the text fit for a log line: control characters escaped, the middle elided.

    Args:
        text: any text, also with NUL, line breaks or lone surrogates in it.
        limit: characters of the text that are kept, at least 2.

    Returns:
        A printable text of one line; it can always be encoded as UTF-8.
    """
    if len(text) > limit:
        text = f"{text[: limit // 2]}…{text[-(limit // 2) :]}"
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
