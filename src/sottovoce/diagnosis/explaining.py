"""From a fault, an alert or any text to diagnoses in order of likelihood.

This module owns the weighing: how finds add up, what circumstances change, whose fault it is when
the text is a refusal that came from the other side. It owns no text of the catalogue.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sottovoce.diagnosis.alerts import SeenAlert, alert_name, alerts_in
from sottovoce.diagnosis.catalogue import CATALOGUE, entry_of
from sottovoce.diagnosis.circumstances import CONTEXT_FIELDS, overheard
from sottovoce.diagnosis.entry import (
    Diagnosis,
    Entry,
    Severity,
    Side,
    clean,
    fill,
    veiled,
)
from sottovoce.diagnosis.gist import gists_in
from sottovoce.diagnosis.looking import looked_at
from sottovoce.diagnosis.matching import Found, Prepared, prepare, search, surest_around
from sottovoce.diagnosis.numbers import names_in
from sottovoce.errors import Fault

__all__ = ["CONTEXT_FIELDS", "describe", "explain", "explain_alert"]

#: The most diagnoses that one text gets.
RESULT_LIMIT = 8

_CERTAIN = 0.99
_FLOOR = 0.04
#: From here on a cause explains the symptoms beside it, whose likelihood falls to this share.
_LIKELY = 0.5
_SHARE = 0.4
_VERIFY_WEIGHT = 0.7
_VERIFY_CODE = re.compile(
    r"(?:num=|verify return code: |verify code[=: ]{1,2}|\(vc |\bvc )(\d{1,3})\b"
)
_CODE = re.compile(r"[a-z0-9]{1,30}(?:-[a-z0-9]{1,30}){1,6}")
_CODE_PLACES = (
    re.compile(r"codes?['\"]?\s?[=:]\s?(?:\[\s?)?['\"]?([a-z][a-z0-9-]{1,60})\b"),
    re.compile(r"(?m)^([a-z][a-z0-9-]{1,60})(?=: |$)"),
)
_REFUSAL = re.compile(r"(\{own\} (?:did not accept|refused) \{peer\}): ")
_SWAPPED = {Side.OWN: Side.PEER, Side.PEER: Side.OWN, Side.BOTH: Side.BOTH}
#: Who sends an alert when the text does not say. OpenSSL all but never sends certificate_unknown
#: (B.0), Java sends it for nearly everything, Go sends bad_certificate for nearly everything.
_USUAL_SENDERS: Mapping[str, float] = {"openssl": 0.7, "java": 0.2, "go": 0.1}
_SENDERS: Mapping[str, Mapping[str, float]] = {
    "certificate_unknown": {"java": 0.85, "openssl": 0.15},
    "bad_certificate": {"openssl": 0.5, "go": 0.4, "java": 0.1},
}
#: Programs mostly talk to their like: how likely the sender is of the library that printed it.
_LIKE = 0.85
_OTHER_SIDE = {"caller": "accepting", "accepting": "caller"}
#: In a refusal that came from outside, the refusing side is the other one.
_REFUSED_WORDS = {"own": "the other side", "peer": "this server"}


@dataclass(slots=True)
class _Case:
    """What speaks for one entry."""

    entry: Entry
    doubt: float = 1.0
    first: int = 1 << 30
    refused: bool = True
    fields: dict[str, str] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)

    def add(self, weight: float, found: Found, *, refused: bool) -> None:
        self.doubt *= 1 - weight
        self.first = min(self.first, found.start)
        self.refused = self.refused and refused
        for name, value in found.fields.items():
            self.fields.setdefault(name, value)
        if found.seen not in self.evidence:
            self.evidence.append(found.seen)


@dataclass(frozen=True, slots=True)
class _Hit:
    entry: Entry
    weight: float
    found: Found
    refused: bool = False

    @property
    def span(self) -> tuple[int, int]:
        return self.found.start, self.found.end


def _unknown_entry(code: str) -> Entry:
    """Return an entry for a code that the catalogue does not have."""
    return Entry(
        code=clean(code, limit=60),
        title=clean(code.replace("-", " "), limit=60).capitalize() or "No code",
        message="The reason was given as a code alone, which has no page.",
        next_step="Look for the same connection id in the other server's security.log.",
    )


def _diagnosis(
    case: Entry, facts: Mapping[str, str], words: Mapping[str, str] = MappingProxyType({})
) -> Diagnosis:
    return Diagnosis(
        code=case.code,
        title=case.title,
        message=fill(case.message, facts, words=words),
        next_step=fill(case.next_step, facts, words=words),
        severity=case.severity,
        side=case.side,
        rows=case.rows,
        likelihood=1.0,
    )


def _known(fault: Fault, facts: Mapping[str, str]) -> dict[str, str]:
    known = {name: str(value) for name, value in facts.items()}
    for name in ("why", "expected", "presented", "file", "line", "key", "depth"):
        value = getattr(fault, name)
        if value not in ("", None):
            known[name] = str(value)
    return known


def _sentence(entry: Entry, fault: Fault, known: Mapping[str, str]) -> str:
    """Choose the finder's sentence when it gave one, and say who refused whom where it does not."""
    message = clean(fault.why, ours=True) or fill(entry.message, known)
    opening = _REFUSAL.match(entry.message)
    peer = clean(known.get("peer", ""))
    if fault.why and opening and peer and peer not in message:
        message = f"{fill(opening.group(1), known)}. {message}"
    place = clean(":".join(str(part) for part in (fault.file, fault.line) if part is not None))
    return f"{place}: {message}" if place and place not in message else message


def describe(fault: Fault, facts: Mapping[str, str] = MappingProxyType({})) -> Diagnosis:
    """Turn a fault found by any package into a diagnosis.

    Args:
        fault: the fault; its code is looked up in the catalogue, unknown codes are served too.
        facts: what the finder knows besides: ``own``, ``peer``, ``port``, ``alias`` … (names of
            template fields).

    Returns:
        a diagnosis of likelihood 1, under the fault's own code. Sentence and next step are the
        fault's own where it has them, else the catalogue's with the values filled in; values that
        the sentence leaves out are in the evidence.
    """
    entry = entry_of(fault.code) or _unknown_entry(fault.code)
    known = _known(fault, facts)
    message = _sentence(entry, fault, known)
    evidence = tuple(
        f"{name}: {clean(value)}"
        for name, value in (("expected", fault.expected), ("presented", fault.presented))
        if value and clean(value) not in message
    )
    found = _diagnosis(entry, known)
    return replace(
        found,
        code=clean(fault.code, limit=60),
        message=message,
        next_step=clean(fault.hint, ours=True) or found.next_step,
        severity=Severity.WARNING if fault.warning else entry.severity,
        evidence=evidence,
    )


def _text_hits(text: Prepared) -> Iterator[_Hit]:
    for entry in CATALOGUE.values():
        for says in entry.says:
            found = search(text, says.text)
            if found is not None:
                yield _Hit(entry, says.weight, found, refused=says.refused)


def _shares(seen: SeenAlert, sent_by: str) -> Mapping[str, float]:
    """Return how likely each library is the sender of an alert."""
    if sent_by:
        return {sent_by: 1.0}
    usual = _SENDERS.get(seen.name, _USUAL_SENDERS)
    if not seen.read_by:
        return usual
    others = {name: share * (1 - _LIKE) for name, share in usual.items()}
    return {**others, seen.read_by: others.get(seen.read_by, 0.0) + _LIKE}


def _alert_hits(seen: SeenAlert, sent_by: str) -> Iterator[_Hit]:
    """Weigh what an alert may mean; without a known sender, by who is known to send it."""
    shares = _shares(seen, sent_by)
    for entry in CATALOGUE.values():
        weight = sum(
            alert.weight * shares.get(alert.sent_by, 0.0)
            for alert in entry.alerts
            if alert.name == seen.name
        )
        if weight:
            yield _Hit(entry, weight, seen.found, refused=True)


def _number_hits(text: Prepared) -> Iterator[_Hit]:
    for number in _VERIFY_CODE.finditer(text.flat):
        seen = text.kept[number.start() : number.end()]
        found = Found(number.start(), number.end(), {}, seen)
        for entry in CATALOGUE.values():
            if int(number.group(1)) in entry.verify_codes:
                yield _Hit(entry, _VERIFY_WEIGHT, found)


def _named_hits(text: Prepared) -> Iterator[_Hit]:
    """Weigh a number as the name that it stands for would be, had it been printed."""
    for name, found in names_in(text):
        named = prepare(name)
        for hit in _text_hits(named):
            yield replace(hit, found=found)
        for seen in alerts_in(named):
            yield from _alert_hits(replace(seen, found=found), "")


def _code_hits(text: Prepared) -> Iterator[_Hit]:
    """Find our own codes: surely where a code stands, perhaps where one merely occurs.

    Codes of one word (``revoked``, ``store``) are words of every log; they count only where a field
    named ``code`` holds them, see :func:`_word_hits`.
    """
    for pattern, group, weight in (
        (_CODE_PLACES[0], 1, 0.97),
        (_CODE_PLACES[1], 1, 0.97),
        (_CODE, 0, 0.3),
    ):
        for code in pattern.finditer(text.kept):
            entry = entry_of(code.group(group))
            if entry is not None and ("-" in entry.code or pattern is _CODE_PLACES[0]):
                span = code.span(group)
                yield _Hit(entry, weight, Found(*span, {}, code.group(group)))


def _gist_hits(text: Prepared, *, causes_only: bool) -> Iterator[_Hit]:
    """Weigh what the lines say; the same rule in many lines counts once."""
    seen: set[str] = set()
    for rule, found in gists_in(text):
        entry = CATALOGUE[rule.code]
        if entry.code not in seen and not (entry.symptom and causes_only):
            seen.add(entry.code)
            yield _Hit(entry, rule.weight, found)


def _word_hits(text: Prepared) -> Iterator[_Hit]:
    """Find codes of one word at the start of a line; for texts in which nothing else was found."""
    for code in _CODE_PLACES[1].finditer(text.kept):
        entry = entry_of(code.group(1))
        if entry is not None and (entry.code != "error" or text.kept == "error"):
            yield _Hit(entry, 0.97, Found(*code.span(1), {}, code.group(1)))


def _hits(text: Prepared, sent_by: str) -> list[_Hit]:
    hits = [*_text_hits(text), *_number_hits(text), *_named_hits(text), *_code_hits(text)]
    for seen in alerts_in(text):
        hits += _alert_hits(seen, sent_by)
    spans: dict[tuple[int, int], float] = {}
    for hit in hits:
        # The name of an alert is one word: nothing in it counts for itself.
        spans[hit.span] = max(spans.get(hit.span, 0.0), 1.0 if hit.refused else hit.weight)
    around = surest_around(spans)
    return [hit for hit in hits if hit.weight > around[hit.span]]


def _likelihood(case: _Case, context: Mapping[str, str]) -> float:
    """Weigh the finds by the circumstances: 1 - doubt ** factor keeps the result within 0..1.

    In a refusal that came from outside it was the other side that looked: the sides are swapped.
    """
    doubt, factor = looked_at(case.entry.code, context, refused=case.refused)
    for when in case.entry.when:
        known = context.get(when.field, "").casefold()
        if case.refused and when.field == "side":
            known = _OTHER_SIDE.get(known, known)
        if known == when.value:
            factor *= when.factor
    return min(_CERTAIN, 1.0 - math.pow(case.doubt * doubt, factor))


def _conclude(
    case: _Case, likely: float, context: Mapping[str, str], *, several: bool
) -> Diagnosis:
    """Make the diagnosis of a case; in a refusal from outside the two sides change places."""
    facts = {**case.fields, **{name: value for name, value in context.items() if value}}
    words: Mapping[str, str] = {}
    side = case.entry.side
    if case.refused:
        facts["own"], facts["peer"] = facts.get("peer", ""), facts.get("own", "")
        words, side = _REFUSED_WORDS, _SWAPPED[side]
    return replace(
        _diagnosis(case.entry, facts, words),
        side=side,
        likelihood=round(likely, 3),
        evidence=tuple(case.evidence),
        apart=case.entry.apart if several else "",
    )


def _ranked(hits: Iterable[_Hit], context: Mapping[str, str]) -> list[Diagnosis]:
    cases: dict[str, _Case] = {}
    for hit in hits:
        case = cases.setdefault(hit.entry.code, _Case(hit.entry))
        case.add(hit.weight, hit.found, refused=hit.refused)
    likely = {code: _likelihood(case, context) for code, case in cases.items()}
    found = [case for code, case in cases.items() if likely[code] >= _FLOOR]
    causes = [one for one in found if not one.entry.symptom and likely[one.entry.code] >= _LIKELY]
    for case in found:
        if case.entry.symptom and any(set(one.evidence) - set(case.evidence) for one in causes):
            likely[case.entry.code] *= _SHARE
    found.sort(key=lambda case: _rank(case, likely[case.entry.code]))
    several = len(found) > 1
    return [
        _conclude(case, likely[case.entry.code], context, several=several)
        for case in found[:RESULT_LIMIT]
    ]


def _rank(case: _Case, likely: float) -> tuple[float, bool, int]:
    """Order cases: the likeliest; then what refuses; then what stands first."""
    return -round(likely, 3), case.entry.severity is not Severity.FAULT, case.first


def _last_resort(text: Prepared, context: Mapping[str, str]) -> list[Diagnosis]:
    seen = veiled(clean(text.kept, limit=120))
    found = _diagnosis(CATALOGUE["unrecognised"], context)
    return [replace(found, likelihood=0.0, evidence=(seen,) if seen else ())]


def _is_symptom(found: Diagnosis) -> bool:
    return CATALOGUE[found.code].symptom


def explain(text: str, context: Mapping[str, str] | None = None) -> list[Diagnosis]:
    """Explain any error text (DESIGN §9).

    Args:
        text: an error, a piece of a log, or one of our codes; of more than 64 Ki characters the
            beginning and the end are read.
        context: what else is known, see :data:`CONTEXT_FIELDS`; other names are facts for the
            messages (``own``, ``peer``, ``expected`` …).

    Returns:
        diagnoses, the likeliest first; never empty: of a text that nothing is known of, the one
        diagnosis ``unrecognised``, of likelihood 0, says what to collect next.
    """
    known = {name: str(value) for name, value in (context or {}).items()}
    prepared = prepare(text)
    known = overheard(known, prepared)
    hits = _hits(prepared, known.get("sent-by", "")) or list(_word_hits(prepared))
    found = _ranked(hits, known)
    if not any(one.likelihood >= _LIKELY for one in found if not _is_symptom(one)):
        found = _ranked([*hits, *_gist_hits(prepared, causes_only=bool(hits))], known)
    return found or _last_resort(prepared, known)


def explain_alert(
    name: str, *, sent_by: str = "openssl", context: Mapping[str, str] | None = None
) -> list[Diagnosis]:
    """Explain a TLS alert that came in, by the library that sent it (failure catalogue, B.0).

    Args:
        name: the alert in any spelling: ``bad_certificate``, ``BadCertificate`` or ``42``.
        sent_by: ``openssl``, ``java`` or ``go``; any other means that it is not known.
        context: as for :func:`explain`.

    Returns:
        diagnoses, the likeliest first, seen from the refused side; never empty.
    """
    known = {key: str(value) for key, value in (context or {}).items()}
    alert = alert_name(name)
    sender = sent_by if sent_by in {"openssl", "java", "go"} else ""
    seen = SeenAlert(alert, Found(0, len(alert), {}, clean(f"alert {alert}", limit=80)))
    return _ranked(_alert_hits(seen, sender), known) or _last_resort(prepare(name), known)
