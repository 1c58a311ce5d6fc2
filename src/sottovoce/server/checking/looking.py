"""Causes of one text told apart by looking: at what the checks found here, and at the log.

A text such as "unable to get local issuer certificate" has several causes. The one that is there to
be seen on this server goes first, with the names and the next step that the check has for it. This
module owns that order; what a text may mean, and what is wrong here, is found elsewhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sottovoce.diagnosis import (
    FAMILIES,
    Diagnosis,
    Report,
    Status,
    describe,
    explain,
)
from sottovoce.errors import Fault
from sottovoce.pki import RevocationEvidence
from sottovoce.policy import SKEW_REFUSED, span
from sottovoce.server.checking.examination import Examination
from sottovoce.tls import identity_faults

__all__ = ["circumstances", "explain_here"]

#: How sure a cause is once it was seen here: now and refusing, now and warned of, or lately.
_NOW, _WARNED, _LATELY = 0.98, 0.9, 0.85
#: What is left of the likelihood of the causes of which nothing is to be seen here.
_UNSEEN = 0.5
#: The most refusals of the log that are told.
_REFUSALS = 3

#: Families whose members are told by one another's texts: of one of them, another may be the cause.
_FAMILY_OF = {
    entry.code: name for name in ("names", "trust", "validity") for entry in FAMILIES[name]
}


@dataclass(frozen=True, slots=True)
class _Sight:
    """Something that was seen on this server."""

    code: str
    message: str
    next_step: str
    where: str
    likelihood: float


def explain_here(
    text: str, known: Examination, report: Report, context: Mapping[str, str]
) -> list[Diagnosis]:
    """Explain a text on this server.

    Args:
        text: as for :func:`~sottovoce.diagnosis.explain`.
        known: what the checks have read.
        report: what they found.
        context: what else is known; it goes before what is seen here.

    Returns:
        diagnoses, the likeliest here first; never empty.
    """
    besides = circumstances(known) | dict(context)
    may_be = explain(text, _own_certificate(known) | besides)
    sights = [*_findings(report), *_refusals(known)]
    # The text may be a partner's, and what is sound here need not be sound there.
    codes = {one.code for one in (*may_be, *explain(text, besides))}
    fitting = [sight for sight in sights if sight.code in codes]
    if not fitting:
        family = _FAMILY_OF.get(may_be[0].code)
        fitting = [
            sight
            for sight in sights
            if family is not None
            and sight.likelihood == _NOW
            and _FAMILY_OF.get(sight.code) == family
        ]
    return _in_order(may_be, _once(fitting))


def circumstances(known: Examination) -> dict[str, str]:
    """Return what is known here for the weighing of causes, under the names of the context."""
    found = {"own-mode": "secured" if known.secured else "plain"}
    if known.settings is not None:
        found["own"] = known.own_name
    if known.keystore is not None:
        found["key-count"] = str(len(known.keystore.key_aliases))
    if known.identity is not None:
        expired = known.identity.certificate.not_valid_after_utc < known.at
        found["own-expired"] = "yes" if expired else "no"
    differences = [
        abs(event.clock_difference)
        for event in known.history.events
        if event.clock_difference is not None
    ]
    if differences:
        found["clocks-differ"] = "yes" if differences[-1] > SKEW_REFUSED else "no"
    return found


def _own_certificate(known: Examination) -> dict[str, str]:
    """Return what partners would find: it settles what an alert of theirs may mean."""
    if known.identity is None or known.roots is None:
        return {}
    faults = identity_faults(
        known.identity,
        name=known.own_name,
        roots=known.roots,
        crls=known.revocations or RevocationEvidence(),
        at=known.at,
    )
    return {"own-faults": ",".join(dict.fromkeys(fault.code for fault in faults)) or "none"}


def _findings(report: Report) -> Iterator[_Sight]:
    for status, likelihood in ((Status.FAULT, _NOW), (Status.WARNING, _WARNED)):
        for finding in report.of(status):
            yield _Sight(
                code=finding.code,
                message=finding.message,
                next_step=finding.next_step,
                where=f"Found here just now by the check {finding.id}.",
                likelihood=likelihood,
            )


def _refusals(known: Examination) -> Iterator[_Sight]:
    """Return the newest refusal for each code, newest first."""
    told: set[str] = set()
    for event in known.history.of(outcome="refused"):
        if event.code and event.code not in told:
            told.add(event.code)
            peer = next(iter((*event.all_names, event.dialled, event.address)), "")
            way = "accepting" if event.side == "accepting" else "calling"
            ago = span(known.at - event.at)
            yield _Sight(
                code=event.code,
                message=event.why,
                next_step=event.next_step,
                where=f"In logs/security.log, {ago} ago, {way} {peer}.",
                likelihood=_LATELY,
            )
        if len(told) >= _REFUSALS:
            return


def _once(sights: Iterable[_Sight]) -> list[_Sight]:
    first: dict[str, _Sight] = {}
    for sight in sights:
        first.setdefault(sight.code, sight)
    return list(first.values())


def _in_order(may_be: list[Diagnosis], sights: list[_Sight]) -> list[Diagnosis]:
    if not sights:
        return may_be
    by_code = {one.code: one for one in may_be}
    seen = [_seen(sight, by_code.get(sight.code)) for sight in sights]
    rest = [
        replace(one, likelihood=round(one.likelihood * _UNSEEN, 3))
        for one in may_be
        if one.code not in {each.code for each in seen} and one.code != "unrecognised"
    ]
    return [*seen, *rest]


def _seen(sight: _Sight, guessed: Diagnosis | None) -> Diagnosis:
    """Return the diagnosis of something seen: in the words of what was seen."""
    base = guessed or describe(Fault(code=sight.code, why=sight.message, hint=sight.next_step))
    return replace(
        base,
        message=sight.message or base.message,
        next_step=sight.next_step or base.next_step,
        likelihood=sight.likelihood,
        evidence=(sight.where, *base.evidence),
        apart="",
    )
