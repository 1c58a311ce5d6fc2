"""Between faults and what travels: what a peer may be told, and what it told us.

The operator gets the evidence, the peer the codes: about its own certificate, name or role, never
anything of another peer or of this server's lists and roots (DESIGN §4).
"""

import re
from collections.abc import Iterable

from sottovoce.diagnosis import retell
from sottovoce.errors import Fault
from sottovoce.ini import shown
from sottovoce.rpc import Reason

__all__ = ["faults_told", "printable", "reasons_to_tell"]

#: Reasons, and bytes per value, that fit into an admission frame with room to spare.
_MOST_REASONS = 8
_LONGEST_VALUE = 120

#: How a code of the catalogue looks, and what stands for a peer's code that does not look so.
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NO_CODE = "refused-by-peer"

_LOOK_THERE = "The other side's security.log has the details."

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


def faults_told(
    reasons: Iterable[Reason], *, teller: str, called: str = "", vouched: bool = True
) -> tuple[Fault, ...]:
    """Return what a peer told us as faults; its words are data, bounded and made printable.

    Args:
        reasons: as they came.
        teller: who says so, for the message.
        called: the same within a sentence; by default the same words.
        vouched: whether the teller is authenticated. What somebody else advises is no advice to
            show to an administrator: its hints are dropped, and the catalogue's taken.
    """
    faults = []
    for reason in list(reasons)[:_MOST_REASONS]:
        code = reason.code if _CODE.fullmatch(reason.code) else _NO_CODE
        expected, presented = _clean(reason.expected), _clean(reason.presented)
        sentence, step = retell(
            code,
            teller=called or teller,
            expected=expected,
            presented=presented,
            vouched=vouched,
        )
        faults.append(
            Fault(
                code=code,
                why=_why(teller, sentence or f"{code}.", expected, presented),
                expected=expected,
                presented=presented,
                hint=(_clean(reason.hint) if vouched else "") or step or _LOOK_THERE,
            )
        )
    return tuple(faults)


def _why(teller: str, sentence: str, expected: str, presented: str) -> str:
    """Return the sentence of a refusal, with the values that it leaves out."""
    values = {"presented": presented, "expected": expected}
    left = [f"{name}: {value}" for name, value in values.items() if value and value not in sentence]
    more = f" ({'; '.join(left)})" if left else ""
    return f"{teller} refused this server: {sentence.removesuffix('.')}{more}."


def printable(text: str, *, limit: int = 253) -> str:
    """Return a peer's word as it may stand in a log: one line, bounded (253: a whole DNS name)."""
    return shown(text, limit=limit)


def _short(text: str) -> str:
    """Cut *text* to a length in bytes: an admission frame is counted in them."""
    whole = text.encode("utf-8", "replace")
    if len(whole) <= _LONGEST_VALUE:
        return text if text.isascii() else whole.decode()
    return f"{whole[: _LONGEST_VALUE - 3].decode('utf-8', 'ignore')}…"


def _clean(text: str) -> str:
    return printable(text, limit=_LONGEST_VALUE)
