"""What another server says of this one, in the catalogue's words with the two sides exchanged.

A refusing side sends codes and values, never sentences; the sentences are made here, by whoever is
refused, so that nobody's words but ours tell an administrator what to do.
"""

import re

from sottovoce.diagnosis.catalogue import entry_of
from sottovoce.diagnosis.entry import fill

__all__ = ["retell"]

#: Whoever retells has said already who refused whom.
_OPENING = re.compile(r"^\{own\} (?:did not accept|did not admit|refused) \{peer\}: ")


def retell(
    code: str, *, teller: str, expected: str = "", presented: str = "", vouched: bool = True
) -> tuple[str, str]:
    """Return a sentence without its beginning, and the next step, for a code that came from there.

    Args:
        code: as it came.
        teller: who said it, as it is called within a sentence.
        expected, presented: the values that came with it.
        vouched: whether the teller is authenticated; else its values are kept out of the next step,
            which an administrator might follow to the letter.

    Returns:
        Both empty when the catalogue does not know the code.
    """
    entry = entry_of(code)
    if entry is None:
        return "", ""
    sides = {"own": teller, "peer": "this server"}
    values = {"expected": expected, "presented": presented}
    # Not at the beginning of a sentence: nothing gets a capital letter.
    message = fill(f": {_OPENING.sub('', entry.message)}", sides | values).removeprefix(": ")
    return message, fill(entry.next_step, sides | values if vouched else sides)
