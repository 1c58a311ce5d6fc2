"""The allowed list: which servers may speak to this one, decided on names alone (catalogue A1-A5).

Owns the decision; refuses to know certificates, sockets and files. Closed by default: an empty
list admits nobody, a name that is no host name is admitted by no list.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sottovoce.ini import is_ip_address, nearest_host, normalise_host_name, shown

__all__ = ["AllowedClients", "Decision"]

#: A list is a few servers; a message shows so many of them.
_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the list says about a name, and why.

    Args:
        allowed: whether it is on the list.
        code: ``allowed``, ``not-in-allowed-list`` or ``allowed-list-empty``.
        expected: the names on the list, as text.
        presented: the name or names asked about, fit for a message.
        hint: the next step when it is not allowed, with the name that was probably meant.
        name: the name on the list that decided, in its normal form; empty when refused.
    """

    allowed: bool
    code: str
    expected: str
    presented: str
    hint: str = ""
    name: str = ""


@dataclass(frozen=True)
class AllowedClients:
    """The names that ``SSLAllowedClients`` lists, in their normal form and in file order.

    Args:
        names: host names; they are normalised here (lower case, no trailing dot, A-labels).

    Raises:
        ValueError: one of them is no host name, or stands there twice.
    """

    names: tuple[str, ...]
    _known: frozenset[str] = field(init=False, repr=False, compare=False)

    def __init__(self, names: Iterable[str] = ()) -> None:
        if isinstance(names, str):
            raise TypeError("names is a sequence of host names, not one text")
        normal = tuple(normalise_host_name(name) for name in names)
        known = frozenset(normal)
        if len(known) != len(normal):
            raise ValueError("a name stands in the list twice")
        object.__setattr__(self, "names", normal)
        object.__setattr__(self, "_known", known)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _normal_or_none(name) in self._known

    def __str__(self) -> str:
        shown_names = ", ".join(self.names[:_NAMES_SHOWN])
        more = len(self.names) - _NAMES_SHOWN
        return f"{shown_names} and {more} more" if more > 0 else shown_names or "(nobody)"

    def decide(self, name: str) -> Decision:
        """Return whether a name is on the list; whatever the text is, nothing is raised.

        Args:
            name: a DNS name from a verified certificate, as it stands there. Whether it may be
                believed is not checked here.
        """
        return self.decide_any((name,))

    def decide_any(self, names: Iterable[str]) -> Decision:
        """Return whether at least one of a peer's names is on the list (SPEC W10).

        Args:
            names: all DNS names of one verified certificate.
        """
        asked = tuple(names)
        presented = ", ".join(shown(name) for name in asked[:_NAMES_SHOWN]) or "(no name)"
        if not self.names:
            return Decision(
                allowed=False,
                code="allowed-list-empty",
                expected=str(self),
                presented=presented,
                hint="SSLAllowedClients is empty, so nobody may connect: list the servers there.",
            )
        for name in asked:
            normal = _normal_or_none(name)
            if normal in self._known and normal is not None:
                return Decision(
                    allowed=True,
                    code="allowed",
                    expected=str(self),
                    presented=presented,
                    name=normal,
                )
        return Decision(
            allowed=False,
            code="not-in-allowed-list",
            expected=str(self),
            presented=presented,
            hint=self._hint(asked[:_NAMES_SHOWN]),
        )

    def _hint(self, asked: tuple[str, ...]) -> str:
        if not asked:
            return "Give the server a certificate with its DNS name."
        for name in asked:
            meant = self._meant(name)
            if meant:
                return (
                    f"{meant} is listed: correct that entry of SSLAllowedClients if {shown(name)} "
                    f"is the same server, else add {shown(name)} if it belongs here."
                )
        if is_ip_address(asked[0]):
            return "SSLAllowedClients lists DNS names, never addresses: list the server's DNS name."
        return f"Add {shown(asked[0])} to SSLAllowedClients if it belongs here."

    def _meant(self, name: str) -> str | None:
        """Return the listed name that this one was probably meant to be (catalogue A4)."""
        normal = _normal_or_none(name)
        if normal is None:
            return None
        for listed in self.names:
            # The short name of a listed full name, or the other way round.
            if listed.startswith(f"{normal}.") or normal.startswith(f"{listed}."):
                return listed
        return nearest_host(normal, self.names)


def _normal_or_none(name: str) -> str | None:
    try:
        return normalise_host_name(name)
    except ValueError:
        return None
