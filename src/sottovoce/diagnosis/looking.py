"""What a look at the certificate that is complained of says about the complaint.

An alert is coarse and often misleading (failure catalogue, B.0), and so are texts: Java has one for
a missing intermediate, a self-signed certificate and an unknown CA. But the refused side has its
own certificate at hand, and the refusing one what was presented to it: what is wrong there is the
likeliest cause, what is not is none. This module owns which causes can be seen there.
"""

from collections.abc import Mapping

__all__ = ["looked_at"]

#: Seen in the certificate and its chain. What its partners trust, which revocation lists they hold
#: and how their clocks go is not.
_IN_FILES = frozenset(
    {
        "self-signed",
        "intermediate-missing",
        "not-a-ca",
        "path-too-long",
        "certificate-expired",
        "issuer-expired",
        "not-yet-valid",
        "issuer-not-yet-valid",
        "purpose-server-missing",
        "purpose-client-missing",
        "leaf-is-ca",
        "name-constraint",
        "no-subject-alternative-name",
        "key-usage",
        "weak-key",
        "weak-signature",
        "unknown-critical-extension",
        "malformed-certificate",
        "strict-profile",
    }
)
#: Seen there once it is known which name was asked for.
_IN_NAMES = frozenset({"name-mismatch", "wildcard-mismatch", "address-mismatch"})

#: How much doubt is left about a cause that was found, how likely one stays that would have been
#: seen and was not, and one that cannot be seen, beside one that was found.
_DOUBT_WHEN_FOUND, _FACTOR_WHEN_NOT, _FACTOR_BESIDE = 0.1, 0.05, 0.3
_NOTHING = "none"


def looked_at(code: str, context: Mapping[str, str], *, refused: bool) -> tuple[float, float]:
    """Weigh a cause by what the files of the side that is complained of show.

    Args:
        code: of the cause.
        context: its ``own-faults``, ``peer-faults`` and ``asked-name``, see ``CONTEXT_FIELDS``.
        refused: the text is a refusal from outside: this side's own files are the ones to look at.

    Returns:
        what to multiply the doubt with, and the factor of its likelihood; both 1 where nobody
        looked, or where looking shows nothing either way.
    """
    found = context.get("own-faults" if refused else "peer-faults", "")
    if not found:
        return 1.0, 1.0
    if code in found.split(","):
        return _DOUBT_WHEN_FOUND, 1.0
    if code in _IN_FILES or (code in _IN_NAMES and context.get("asked-name") == "yes"):
        return 1.0, _FACTOR_WHEN_NOT
    return 1.0, 1.0 if found == _NOTHING else _FACTOR_BESIDE
