"""Replacing the root, as an ordered plan whose place is kept in HUB's folder.

    made      the new root and an issuing key under it are made; HUB gives out the root and the
              revocation lists of both, so that whoever trusts the root has the lists as well
    trusted   every server has reported that it trusts the new root
    issuing   the issuing key under the new root signs from now on
    renewed   every server has reported a certificate from it
    removed   the old root is trusted no more

Each step is taken by itself and only in its turn; what a step needs is checked again when the next
one is taken, because a server may have been added or restored meanwhile. No certificate is signed
crosswise: every server trusts both roots between the first step and the last.

Until somebody has a certificate under the new root, the way back is open: :func:`abandon`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from sottovoce.errors import IssuanceError
from sottovoce.hub.authority import acts
from sottovoce.hub.authority.creating import add_key, check_own
from sottovoce.hub.authority.folder import AuthorityFolder
from sottovoce.hub.authority.index import Index, Kind, Rollover, Step, root_stem
from sottovoce.hub.authority.issuing import Issuer
from sottovoce.hub.authority.roots import OpenRoot, add_root
from sottovoce.pki import KeyAlgorithm, common_name, fingerprint, permitted_names

__all__ = [
    "REMOVED",
    "STEPS",
    "Plan",
    "Reported",
    "abandon",
    "advance",
    "next_step",
    "untrusted_roots",
]

#: What the last step leads to; it is no state, because nothing is under way then.
REMOVED = "removed"
#: What the way back is called in the audit log.
_ABANDONED = "abandoned"
#: Every step in its order.
STEPS = (*(step.value for step in Step), REMOVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a server has said about itself in its newest heartbeat; nothing, when it never did.

    Args:
        roots: SHA-256 of each root that it trusts.
        issuer: SHA-256 of the certificate that signed its own.
    """

    roots: frozenset[str] = frozenset()
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a step needs to know.

    Args:
        root: the folder of the roots.
        issuer: HUB's.
        reports: server → what it has reported; every server of the installation is in it.
        name: of the new root.
        algorithm: of its key.
        now: UTC.
    """

    root: OpenRoot
    issuer: Issuer
    reports: Mapping[str, Reported]
    name: str
    algorithm: KeyAlgorithm = KeyAlgorithm.EC_P256
    now: datetime

    @property
    def folder(self) -> AuthorityFolder:
        """HUB's."""
        return self.issuer.folder

    def certificate(self, stem: str) -> x509.Certificate:
        """Return the certificate of one of HUB's keys or roots."""
        return self.folder.files(stem).certificates()[0]


def next_step(rollover: Rollover | None) -> str:
    """Return the step whose turn it is."""
    return STEPS[0] if rollover is None else STEPS[STEPS.index(rollover.step) + 1]


def advance(plan: Plan, wanted: str = "") -> str:
    """Take the next step of the plan.

    Args:
        plan: what it needs to know.
        wanted: the step to be taken; empty for whichever is next.

    Returns:
        The step that was taken.

    Raises:
        IssuanceError: ``ca-rollover-order``: it is not *wanted*'s turn, or the servers are not
            there yet; nothing has changed.
        StoreError: a file cannot be read or written; the step can be taken again.
    """
    with plan.folder.locked():
        index = plan.folder.index()
        step = next_step(index.rollover)
        if wanted and wanted != step:
            raise _refusal(_why_not(plan, index, wanted, step), f"The next step is '{step}'.")
        for why in _obstacles(plan, index, step):
            raise _refusal(why, "Nothing was changed; run this again when that is mended.")
        _ACTS[step](plan, index)
    return step


def abandon(plan: Plan, *, connections: Sequence[str] = ()) -> None:
    """Leave the rollover that is under way: the old root stays the only one, and HUB signs by it.

    The new issuing key is destroyed and its certificate revoked; the new root's key is of no use
    any more. It can be repeated after an interruption.

    Args:
        plan: what it needs to know; its *name* does not count.
        connections: those that stand on a certificate under the new root, for the reason.

    Raises:
        IssuanceError: ``ca-rollover-order``: none is under way, or a certificate under the new
            root is in use; nothing has changed.
        StoreError: a file cannot be read or written.
    """
    with plan.folder.locked():
        index = plan.folder.index()
        under_way = index.rollover
        if under_way is not None:
            _leave(plan, index, under_way, connections)
        if not _given_up(plan) and under_way is None:
            raise _refusal(
                "No rollover is under way, so there is nothing to leave.",
                "Begin one: sottovoce ca rollover --name NAME",
            )


def _leave(plan: Plan, index: Index, rollover: Rollover, connections: Sequence[str]) -> None:
    """Forget the rollover in HUB's folder."""
    if against := [*_under_the_new_root(plan, index, rollover), *connections]:
        raise _refusal(
            "The rollover cannot be left any more: without the new root, partners would refuse "
            f"what is in use: {'; '.join(against)}.",
            "Go on: sottovoce ca rollover",
        )
    _record(plan, _ABANDONED, fingerprint=fingerprint(plan.certificate(rollover.new_root)))
    index.live.remove(rollover.new_key)
    index.roots = [rollover.old_root]
    index.current = index.live[-1] if index.current == rollover.new_key else index.current
    index.rollover = None
    plan.folder.write_index(index)
    for stem in (rollover.new_key, rollover.new_root):
        plan.folder.files(stem).remove()


def _under_the_new_root(plan: Plan, index: Index, rollover: Rollover) -> Iterator[str]:
    """Yield what nobody would accept without the new root."""
    if index.live == [rollover.new_key]:
        yield "the old issuing key is gone"
    for item in index.certificates:
        if item.issuer == rollover.new_key and item.state(plan.now) == "valid":
            names = ", ".join(item.names)
            yield f"certificate {item.serial} ({names}, until {item.not_after:%Y-%m-%d})"
    marks = index.signers[rollover.new_key]
    shown = sorted(name for name, report in plan.reports.items() if report.issuer in marks)
    if shown:
        yield f"{', '.join(shown)} reported a certificate under it"


def _given_up(plan: Plan) -> bool:
    """Take every root that HUB does not know out of use in the folder of the roots.

    Returns:
        Whether there was one.
    """
    above = plan.root.folder
    with above.locked():
        own, known = above.index(), plan.issuer.roots
        kept = [stem for stem in own.live if above.files(stem).certificates()[0] in known]
        left = [stem for stem in own.live if stem not in kept]
        if not left or not kept:
            return False
        for entry in own.certificates:
            if entry.issuer in left and entry.state(plan.now) == "valid":
                reason = x509.ReasonFlags.cessation_of_operation
                acts.revoke(above, own, entry, reason, plan.now)
        above.record(plan.now, "rollover", step=_ABANDONED)
        own.live = kept
        own.current = own.current if own.current in kept else kept[-1]
        above.write_index(own)
    return True


def untrusted_roots(plan: Plan) -> list[x509.Certificate]:
    """Return every root of the folder that the installation does not trust, or trusts no more."""
    above, known = plan.root.folder, plan.issuer.roots
    stems = (Kind.ROOT.value, *(f"{Kind.ROOT}-{n}" for n in range(2, above.index().made + 1)))
    files = [above.files(stem) for stem in stems]
    made = [each.certificates()[0] for each in files if each.certificate.exists()]
    return [root for root in made if root not in known]


def _refusal(why: str, hint: str) -> IssuanceError:
    return IssuanceError(why, hint=hint, code="ca-rollover-order")


def _why_not(plan: Plan, index: Index, wanted: str, step: str) -> str:
    """Say what would break if *wanted* were taken now."""
    if index.rollover is None:
        return f"No rollover is under way, so '{wanted}' cannot be taken: there is no new root."
    if STEPS.index(wanted) < STEPS.index(step):
        return f"'{wanted}' has been taken already."
    obstacles = _obstacles(plan, index, wanted)
    why = obstacles[0] if obstacles else f"'{step}' comes before it, and is to be recorded first."
    return f"'{wanted}' is not next: {why}"


def _obstacles(plan: Plan, index: Index, step: str) -> list[str]:
    """Return why *step* would refuse a server its partners, or leave it without any."""
    rollover = index.rollover
    if rollover is None:
        return []
    obstacles = ["" if plan.reports else "No server of the installation is known."]
    if STEPS.index(step) >= STEPS.index(Step.TRUSTED):
        obstacles.append(_untrusting(plan, rollover))
    if STEPS.index(step) >= STEPS.index(Step.RENEWED):
        obstacles.append(_unrenewed(plan, index, rollover))
    return [why for why in obstacles if why]


def _untrusting(plan: Plan, rollover: Rollover) -> str:
    wanted = fingerprint(plan.certificate(rollover.new_root))
    missing = sorted(name for name, report in plan.reports.items() if wanted not in report.roots)
    if not missing:
        return ""
    return (
        f"The new root (SHA-256 {wanted}) is not trusted yet by {', '.join(missing)}, as far as "
        "they have reported; a certificate under it would be refused there."
    )


def _unrenewed(plan: Plan, index: Index, rollover: Rollover) -> str:
    good = index.signers[rollover.new_key]
    late = sorted(name for name, report in plan.reports.items() if report.issuer not in good)
    if not late:
        return ""
    return (
        f"The certificate of {', '.join(late)} is not from the new issuing authority yet, as far "
        "as they have reported; without the old root nobody would accept it."
    )


def _make(plan: Plan, index: Index) -> None:
    current = plan.folder.authority(index.current, plan.folder.password())
    check_own(plan.root, current)
    (old,) = index.roots
    if plan.name == common_name(plan.certificate(old)):
        raise IssuanceError(
            f"The old root is called '{plan.name}' already.",
            hint="Give the new one another name, with --name: people have to tell them apart.",
        )
    root_key = add_root(plan.root, plan.name, algorithm=plan.algorithm, now=plan.now)
    _record(plan, Step.MADE)
    names = permitted_names(current.certificate)
    new_key = add_key(plan.root, plan.folder, index, names, stem=root_key, now=plan.now)
    index.rollover = Rollover(
        step=Step.MADE,
        begun=plan.now,
        root_key=root_key,
        old_root=old,
        new_root=root_stem(plan.folder.files(new_key).certificates()[-1]),
        new_key=new_key,
    )
    plan.folder.write_index(index)


def _issue(plan: Plan, index: Index) -> None:
    rollover = _under_way(index)
    _check_folder(plan, rollover)
    above = plan.root.folder
    with above.locked():
        own = above.index()
        own.current = rollover.root_key
        above.record(plan.now, "rollover", step=Step.ISSUING.value)
        above.write_index(own)
    index.current = rollover.new_key
    _note(plan, index, Step.ISSUING)


def _remove(plan: Plan, index: Index) -> None:
    rollover = _under_way(index)
    _check_folder(plan, rollover)
    gone = [stem for stem in index.live if stem != rollover.new_key]
    _record(plan, REMOVED, fingerprint=fingerprint(plan.certificate(rollover.old_root)))
    index.live = [rollover.new_key]
    index.roots = [rollover.new_root]
    index.rollover = None
    plan.folder.write_index(index)
    for stem in (*gone, rollover.old_root):
        plan.folder.files(stem).remove()
    above = plan.root.folder
    with above.locked():
        own = above.index()
        above.record(plan.now, "rollover", step=REMOVED)
        own.live = [own.current]
        above.write_index(own)


def _check_folder(plan: Plan, rollover: Rollover) -> None:
    new = plan.folder.authority(rollover.new_key, plan.folder.password())
    check_own(plan.root, new, rollover.root_key)


def _note_only(step: Step) -> Callable[[Plan, Index], None]:
    return lambda plan, index: _note(plan, index, step)


def _note(plan: Plan, index: Index, step: Step) -> None:
    _record(plan, step)
    _under_way(index).step = step
    plan.folder.write_index(index)


def _record(plan: Plan, step: str, **facts: str) -> None:
    plan.folder.record(plan.now, "rollover", step=str(step), **facts)


def _under_way(index: Index) -> Rollover:
    assert index.rollover is not None, "every step but the first has a rollover"
    return index.rollover


#: Step → what it does.
_ACTS: dict[str, Callable[[Plan, Index], None]] = {
    Step.MADE: _make,
    Step.TRUSTED: _note_only(Step.TRUSTED),
    Step.ISSUING: _issue,
    Step.RENEWED: _note_only(Step.RENEWED),
    REMOVED: _remove,
}
