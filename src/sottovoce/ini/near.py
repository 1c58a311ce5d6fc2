"""Which of several known words someone probably meant; knows nothing of what the words name."""

from collections.abc import Iterable

__all__ = ["distance", "nearest", "nearest_host"]

#: Longer words are not compared: a key or a server name that long is no typing slip.
_LONGEST = 255
#: Slips in a whole host name that still count as the same one, and letters of a label in which
#: two of them would be another word.
_HOST_SLIPS, _SHORT_LABEL = 2, 4


def distance(one: str, other: str) -> int:
    """Return how many typing slips apart two words are.

    A slip is a character too many, too few, another one, or two neighbours exchanged (the optimal
    string alignment distance).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, char in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, theirs in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != theirs))
            swapped = i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == theirs
            if swapped:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]


def nearest(word: str, known: Iterable[str], *, slips: int | None = None) -> str | None:
    """Return the known word that the given one is probably meant to be, or None.

    Args:
        word: what stands there; upper and lower case do not matter.
        known: the words that would have been right.
        slips: how many slips still count as the same word; by default a quarter of its length,
            at least one, at most three.
    """
    folded = word.casefold()
    if len(folded) > _LONGEST:
        return None
    allowed = min(3, max(1, len(folded) // 4)) if slips is None else slips
    best: tuple[int, str] | None = None
    for candidate in known:
        if abs(len(candidate) - len(folded)) > allowed:
            continue
        found = distance(folded, candidate.casefold())
        if found <= allowed and (best is None or found < best[0]):
            best = (found, candidate)
    return best[1] if best else None


def nearest_host(name: str, known: Iterable[str]) -> str | None:
    """Return the known host name that the given one is probably meant to be, or None.

    Host names of one site are alike: ``hub.site.test`` is two slips from ``lui.site.test`` and no
    misspelling of it. So slips are counted in each label, and a short label has room for one.

    Args:
        name: a host name; known: others, in their normal form.
    """
    labels = name.casefold().rstrip(".").split(".")
    best: tuple[int, str] | None = None
    for candidate in known:
        theirs = candidate.split(".")
        if len(theirs) != len(labels) or len(candidate) > _LONGEST:
            continue
        pairs = [(one, other) for one, other in zip(labels, theirs, strict=True) if one != other]
        slips = [distance(one, other) for one, other in pairs]
        fits = all(
            slip <= (1 if len(one) <= _SHORT_LABEL else 2)
            for slip, (one, _) in zip(slips, pairs, strict=True)
        )
        if fits and sum(slips) <= _HOST_SLIPS and (best is None or sum(slips) < best[0]):
            best = (sum(slips), candidate)
    return best[1] if best else None
