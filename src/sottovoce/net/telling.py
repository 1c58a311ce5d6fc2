"""Between faults and what travels: what a peer may be told, and what it told us.

The operator gets the evidence, the peer the codes: about its own certificate, name or role, never
anything of another peer or of this server's lists and roots (DESIGN §4).
"""

from collections.abc import Iterable

from sottovoce.errors import Fault
from sottovoce.rpc import Reason

__all__ = ["faults_told", "reasons_to_tell"]

#: Reasons and characters per value that fit into an admission frame with room to spare.
_MOST_REASONS = 8
_LONGEST_VALUE = 120

#: What is said of these names other servers or this one's roots: the code and the peer's own value
#: go out, what was expected and the hint stay in our log.
_KEEP_EXPECTED_PRIVATE = frozenset(
    {
        "not-in-allowed-list",
        "allowed-list-empty",
        "component-unexpected",
        "issuer-unknown",
        "root-untrusted",
        "signature-mismatch",
        "intermediate-missing",
        "self-signed",
        "revocation-unknown",
        "revocation-list-expired",
        "internal-error",
    }
)


def reasons_to_tell(faults: Iterable[Fault]) -> tuple[Reason, ...]:
    """Return what the peer may read of *faults*, bounded in number and length."""
    told: dict[str, Reason] = {}
    for fault in faults:
        private = fault.code in _KEEP_EXPECTED_PRIVATE
        told.setdefault(
            fault.code,
            Reason(
                code=fault.code,
                expected="" if private else _short(fault.expected),
                presented=_short(fault.presented),
                hint="" if private else _short(fault.hint),
            ),
        )
        if len(told) == _MOST_REASONS:
            break
    return tuple(told.values())


def faults_told(reasons: Iterable[Reason], *, teller: str) -> tuple[Fault, ...]:
    """Return what a peer told us as faults; its words are data, bounded and made printable."""
    faults = []
    for reason in list(reasons)[:_MOST_REASONS]:
        code, expected = _clean(reason.code), _clean(reason.expected)
        presented = _clean(reason.presented)
        why = f"{teller} refused this server: {code}"
        if presented:
            why += f" (presented: {presented}"
            why += f"; expected: {expected})" if expected else ")"
        faults.append(
            Fault(
                code=code,
                why=f"{why}.",
                expected=expected,
                presented=presented,
                hint=_clean(reason.hint) or "The details are in the other side's security.log.",
            )
        )
    return tuple(faults)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _clean(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in _short(text)
    )
