"""The words for how the installation stands: one sentence on top, and one for each connection.

Pure: postures and the time go in, sentences and their weight come out. The page and the command
line say the same because both ask here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType

from sottovoce.contracts import CertificateFacts, EdgePosture
from sottovoce.hub.service.posture import is_known
from sottovoce.policy import Component, Lifetime, span

__all__ = [
    "CertificateLife",
    "Headline",
    "Level",
    "Shown",
    "certificate_lives",
    "edge_name",
    "headline",
    "is_replaced",
    "time_left",
    "trouble",
]


#: The certificates that each component's server shows now, its own first; empty for not known.
Shown = Mapping[Component, tuple[CertificateFacts, ...]]

#: Of no server it is known what it shows.
NONE_SHOWN: Shown = MappingProxyType({})


class Level(IntEnum):
    """How much an administrator should care; the exit status of ``sottovoce edges``."""

    FINE = 0
    WARNING = 1
    FAULT = 2


@dataclass(frozen=True, slots=True)
class Headline:
    """The sentence on top, and its weight."""

    level: Level
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateLife:
    """One certificate in use, whose it is, and how long it still lasts.

    Args:
        owners: the components whose server shows it, in their order.
        facts: the certificate.
        left: in words, such as ``61 days``.
        level: warning when it should be renewed, fault when it is over.
    """

    owners: tuple[Component, ...]
    facts: CertificateFacts
    left: str
    level: Level

    @property
    def whose(self) -> str:
        """``TRK's``, or ``HUB's and LUI's`` where one server hosts both."""
        return _listed(f"{owner.label}'s" for owner in self.owners)


def headline(
    edges: Sequence[EdgePosture],
    at: datetime,
    *,
    worries: Sequence[str] = (),
    shown: Shown = NONE_SHOWN,
) -> Headline:
    """Say whether all of it is secured, and until when.

    Args:
        edges: every connection of the installation.
        at: UTC.
        worries: sentences about what will end the security of a server if nobody minds it.
        shown: what each server shows now: a certificate that was replaced is no reason to worry.
    """
    said = _standing(edges, at, shown)
    if not worries:
        return said
    return Headline(max(said.level, Level.WARNING), " ".join((said.sentence, *worries)))


def _standing(edges: Sequence[EdgePosture], at: datetime, shown: Shown) -> Headline:
    secured = [edge for edge in edges if edge.state == "secured"]
    plain = [edge for edge in edges if edge.state == "plain"]
    if len(plain) == len(edges):
        sentence = "NOT secured: no connection is encrypted. Secure all servers, or none."
        return Headline(Level.WARNING, sentence)
    if plain:
        others = _troubles(edge for edge in edges if edge.state in {"down", "refused"})
        sentence = f"NOT secured: {_are(plain, 'plain')}. {others}All servers must be secured."
        return Headline(Level.FAULT, sentence)
    life, words = _first_to_expire(edges, at, shown)
    if len(secured) == len(edges):
        return Headline(life, f"Secured: all {len(edges)} connections. {words}".rstrip())
    count = len(secured) or "none"
    down = _troubles(edge for edge in edges if edge.state != "secured")
    sentence = f"Secured: {count} of the {len(edges)} connections. {down}{words}"
    return Headline(Level.FAULT, sentence.rstrip())


def _first_to_expire(edges: Sequence[EdgePosture], at: datetime, shown: Shown) -> tuple[Level, str]:
    lives = certificate_lives(edges, at, shown)
    if not lives:
        return Level.FINE, ""
    first = lives[0]
    match first.level:
        case Level.FINE:
            return Level.FINE, f"First certificate to expire: {first.whose}, in {first.left}."
        case Level.WARNING:
            words = f"{first.whose} certificate expires in {first.left}: renew it."
        case _:
            words = f"{first.whose} certificate expired {first.left} ago: renew it now."
    others = sum(1 for life in lives[1:] if life.level > Level.FINE)
    if others:
        words += f" {others} more should be renewed."
    return first.level, words


def certificate_lives(
    edges: Iterable[EdgePosture], at: datetime, shown: Shown = NONE_SHOWN
) -> tuple[CertificateLife, ...]:
    """Return the certificates by which the installation lives, the first to expire first.

    They are those of connections that stand. A connection may stand by a certificate that was
    replaced since; then the one that took its place counts.
    """
    owners: dict[str, set[Component]] = {}
    known: dict[str, CertificateFacts] = {}
    for edge in edges:
        for whose, facts in edge.certificates:
            in_use = shown[whose][0] if is_replaced(facts, whose, shown) else facts
            owners.setdefault(in_use.fingerprint, set()).add(whose)
            known[in_use.fingerprint] = in_use
    lives = [
        CertificateLife(
            owners=tuple(sorted(owners[fingerprint], key=list(Component).index)),
            facts=facts,
            left=span(facts.ends - at),
            level=_level_of(facts, at),
        )
        for fingerprint, facts in known.items()
    ]
    return tuple(sorted(lives, key=lambda life: life.facts.ends))


def is_replaced(facts: CertificateFacts, whose: Component, shown: Shown) -> bool:
    """Whether a server shows another certificate now than the one of a connection.

    The connection goes over to the new one before the old one ends.
    """
    now = shown.get(whose, ())
    return bool(now) and all(each.fingerprint != facts.fingerprint for each in now)


def time_left(facts: CertificateFacts, at: datetime) -> tuple[Level, str]:
    """Say how long a certificate still lasts: ``in 61 days``, or ``3 hours ago``."""
    left = span(facts.ends - at)
    return _level_of(facts, at), f"in {left}" if facts.ends > at else f"{left} ago"


def _level_of(facts: CertificateFacts, at: datetime) -> Level:
    if facts.ends <= at:
        return Level.FAULT
    life = Lifetime(what="", begin=facts.begins, end=facts.ends)
    return Level.WARNING if life.is_running_out(at) else Level.FINE


def edge_name(edge: EdgePosture) -> str:
    """Return ``LUI → HUB``."""
    return f"{edge.caller.label} → {edge.called.label}"


def trouble(edge: EdgePosture) -> str:
    """Say how a connection stands, in few words: its state, and the code of the reason."""
    state = edge.state if is_known(edge) else "not known to stand"
    return f"{state} ({edge.code})" if edge.code else state


def _troubles(edges: Iterable[EdgePosture]) -> str:
    """Return a sentence that names connections by what is the matter with them."""
    alike: dict[str, list[EdgePosture]] = {}
    for edge in edges:
        alike.setdefault(trouble(edge), []).append(edge)
    parts = [_are(group, words) for words, group in alike.items()]
    return f"{'; '.join(parts)}. " if parts else ""


def _are(edges: Sequence[EdgePosture], what: str) -> str:
    return f"{_listed(map(edge_name, edges))} {'is' if len(edges) == 1 else 'are'} {what}"


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
