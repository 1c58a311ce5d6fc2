"""Replacing the root: five steps in their order, each wrong order refused with its reason."""

import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from tests.unit.hub.authority.conftest import NAMES, NOW, Estate, Request

from sottovoce.errors import IssuanceError
from sottovoce.hub.authority import (
    REMOVED,
    STEPS,
    AuthorityFolder,
    Issuer,
    OpenRoot,
    Plan,
    Reported,
    Step,
    abandon,
    advance,
    create_root,
    next_step,
    renew_issuing,
    replace_issuing,
    untrusted_roots,
)
from sottovoce.pki import Purpose, common_name, fingerprint, verify


def marks(issuer: Issuer) -> frozenset[str]:
    return frozenset(fingerprint(root) for root in issuer.roots)


def reports(issuer: Issuer, **changes: Reported) -> dict[str, Reported]:
    """What the servers report when all have followed HUB, but for *changes*."""
    good = Reported(roots=marks(issuer), issuer=fingerprint(issuer.certificate))
    return {name: changes.get(name.partition(".")[0], good) for name in NAMES}


def plan(estate: Estate, **changes: Reported) -> Plan:
    return Plan(
        root=estate.root,
        issuer=estate.issuer,
        reports=reports(estate.issuer, **changes),
        name="Example Root 2",
        now=NOW,
    )


def step_of(estate: Estate) -> str:
    return next_step(estate.issuer.folder.index().rollover)


def test_the_root_is_replaced_step_by_step(estate: Estate, request_for: Request) -> None:
    """Issue 5 (7): at every step both the older and the newer certificates are accepted."""
    issuer = estate.issuer
    (old_root,) = issuer.roots
    chains = [issuer.sign(request_for("lui.test"), names=["lui.test"], roles=[], now=NOW)]

    def accepted(first: int) -> None:
        for chain in chains[first:]:
            verdict = verify(
                chain[:2],
                roots=issuer.roots,
                purpose=Purpose.CLIENT,
                name="lui.test",
                at=NOW,
                crls=issuer.revocation_lists(NOW),
            )
            assert (verdict.faults, verdict.warnings) == ((), ())

    taken = []
    for _ in Step:
        taken.append(advance(plan(estate)))
        chains.append(issuer.sign(request_for("lui.test"), names=["lui.test"], roles=[], now=NOW))
        accepted(0)
        assert len(issuer.roots) == 2
        assert len(issuer.revocation_lists(NOW)) == 4
    taken.append(advance(plan(estate)))
    (new_root,) = issuer.roots
    chains.append(issuer.sign(request_for("lui.test"), names=["lui.test"], roles=[], now=NOW))
    accepted(3)

    assert tuple(taken) == STEPS
    assert common_name(new_root) == "Example Root 2"
    assert [chain[-1] for chain in chains] == [*[old_root] * 3, *[new_root] * 3]
    assert len(issuer.revocation_lists(NOW)) == 2
    assert not issuer.folder.files("issuing").key.exists()
    assert issuer.names == NAMES
    assert step_of(estate) == Step.MADE
    renew_issuing(estate.root, issuer, [*NAMES, "new.test"], now=NOW)
    assert issuer.roots == (new_root,)


UNAWARE = Reported(roots=frozenset({"AB"}), issuer="CD")


def test_nothing_is_signed_under_a_root_that_somebody_does_not_trust(estate: Estate) -> None:
    advance(plan(estate))

    for _ in range(2):
        with pytest.raises(
            IssuanceError, match=r"not trusted yet by lui\.test, trk\.test"
        ) as caught:
            advance(plan(estate, lui=UNAWARE, trk=Reported()))
        assert caught.value.code == "ca-rollover-order"
        assert step_of(estate) == Step.TRUSTED
    advance(plan(estate))
    # A server was restored from a backup meanwhile: what the step needs is checked again.
    with pytest.raises(IssuanceError, match=r"not trusted yet by hub\.test"):
        advance(plan(estate, hub=UNAWARE))
    assert advance(plan(estate)) == Step.ISSUING


def test_the_old_root_stays_while_somebody_needs_it(estate: Estate) -> None:
    old = fingerprint(estate.issuer.certificate)
    for _ in range(3):
        advance(plan(estate))
    late = Reported(roots=marks(estate.issuer), issuer=old)

    with pytest.raises(IssuanceError, match=r"certificate of trk\.test is not from the new"):
        advance(plan(estate, trk=late))
    assert advance(plan(estate)) == Step.RENEWED
    with pytest.raises(IssuanceError, match=r"certificate of lui\.test is not from the new"):
        advance(plan(estate, lui=late))

    assert len(estate.issuer.roots) == 2
    assert advance(plan(estate)) == REMOVED


def test_every_wrong_order_is_refused_with_its_reason(estate: Estate) -> None:
    """Each pair of a place in the plan and a step that is not next."""
    reasons = {}
    for place in STEPS:
        for wanted in STEPS:
            if wanted != place:
                with pytest.raises(IssuanceError) as caught:
                    advance(plan(estate, trk=UNAWARE), wanted)
                assert caught.value.code == "ca-rollover-order"
                assert step_of(estate) == place
                reasons[place, wanted] = caught.value.message
        advance(plan(estate), place)

    for place, wanted in itertools.permutations(STEPS, 2):
        why = reasons[place, wanted]
        if place == Step.MADE:
            assert "there is no new root" in why
        elif STEPS.index(wanted) < STEPS.index(place):
            assert "has been taken already" in why
        else:
            assert "not trusted yet by trk.test" in why


def test_no_server_at_all_is_no_consent(estate: Estate) -> None:
    advance(plan(estate))

    with pytest.raises(IssuanceError, match="No server of the installation is known"):
        advance(replace(plan(estate), reports={}))


def test_names_are_extended_while_the_root_is_replaced(
    estate: Estate, request_for: Request
) -> None:
    """A rollover may take weeks, and a server be added meanwhile."""
    for count, name in enumerate(("a.test", "b.test", "c.test", "d.test")):
        advance(plan(estate))
        names = [*estate.issuer.names, f"new-{name}"]
        renew_issuing(estate.root, estate.issuer, names, now=NOW)
        assert len(estate.issuer.names) == len(NAMES) + count + 1
    advance(plan(estate))

    assert len(estate.issuer.names) == len(NAMES) + 4
    with pytest.raises(IssuanceError, match="is good"):
        replace_issuing(estate.root, estate.issuer, now=NOW)


def test_the_new_key_waits_for_its_turn(estate: Estate) -> None:
    """It has signed nothing yet and is not retired for that."""
    advance(plan(estate))

    lists = estate.issuer.revocation_lists(NOW + timedelta(days=100))

    assert len(lists) == 4
    assert advance(plan(estate)) == Step.TRUSTED


def test_a_step_that_was_interrupted_is_taken_again(estate: Estate) -> None:
    """Killed after the root's folder was written and before HUB's."""
    folder = estate.issuer.folder
    for place in STEPS:
        before = folder.index_file.read_bytes()
        advance(plan(estate), place)
        if place != REMOVED:
            folder.index_file.write_bytes(before)
            advance(plan(estate), place)

    assert len(estate.issuer.roots) == 1
    assert len(estate.root.folder.index().live) == 1


def test_the_new_root_has_a_name_of_its_own_and_a_folder(estate: Estate, tmp_path: Path) -> None:
    with pytest.raises(IssuanceError, match="already"):
        advance(replace(plan(estate), name="Example Root"))
    folder = AuthorityFolder(tmp_path / "other")
    create_root(folder, "Other", now=NOW)
    other = replace(plan(estate), root=OpenRoot(folder, folder.password()))
    with pytest.raises(IssuanceError, match="another one"):
        advance(other)
    assert estate.issuer.folder.index().rollover is None


# The way back.


def left(estate: Estate, **changes: Reported) -> None:
    abandon(plan(estate, **changes), connections=())


@pytest.mark.parametrize("steps", [1, 2])
def test_a_rollover_is_left_before_anybody_has_a_certificate_under_the_new_root(
    estate: Estate, request_for: Request, steps: int
) -> None:
    """The old root is the only one again, and signs; the next rollover begins from scratch."""
    issuer, folder = estate.issuer, estate.issuer.folder
    before, key = issuer.roots, fingerprint(issuer.certificate)
    for _ in range(steps):
        advance(plan(estate))
    new = folder.index().rollover
    assert new is not None
    coming = [root for root in issuer.roots if root not in before]
    assert untrusted_roots(plan(estate)) == []

    left(estate)

    assert (issuer.roots, fingerprint(issuer.certificate)) == (before, key)
    assert len(issuer.revocation_lists(NOW)) == 2
    assert not folder.files(new.new_key).key.exists()
    assert untrusted_roots(plan(estate)) == coming
    assert "abandoned" in (folder.folder / "audit.log").read_text("utf-8")
    (above,) = [each for each in estate.root.folder.index().certificates if each.revoked]
    assert above.reason == "cessationOfOperation"
    chain = issuer.sign(request_for("lui.test"), names=["lui.test"], roles=[], now=NOW)
    assert chain[-1] == before[0]
    with pytest.raises(IssuanceError, match="nothing to leave"):
        left(estate)
    again = replace(plan(estate), name="Example Root 3")
    assert advance(again) == Step.MADE
    assert common_name(issuer.roots[-1]) == "Example Root 3"
    for _ in range(4):
        advance(plan(estate))
    assert [common_name(root) for root in issuer.roots] == ["Example Root 3"]


def test_a_rollover_is_not_left_while_something_stands_on_the_new_root(
    estate: Estate, request_for: Request
) -> None:
    """The reason names certificates, servers and connections; nothing has changed."""
    issuer = estate.issuer
    old = Reported(roots=marks(issuer), issuer=fingerprint(issuer.certificate))
    for _ in range(3):
        advance(plan(estate))
    chain = issuer.sign(request_for("lui.test"), names=["lui.test"], roles=[], now=NOW)
    serial = f"{chain[0].serial_number:x}"
    before = issuer.folder.index_file.read_bytes()

    with pytest.raises(IssuanceError) as caught:
        abandon(plan(estate, hub=old), connections=("the connection LUI → HUB",))

    assert caught.value.code == "ca-rollover-order"
    assert f"certificate {serial} (lui.test, until " in caught.value.message
    assert "lui.test, trk.test reported a certificate under it" in caught.value.message
    assert "the connection LUI → HUB" in caught.value.message
    assert issuer.folder.index_file.read_bytes() == before
    # The certificate is given back, so to speak, and nobody shows another one of that key.
    issuer.revoke(chain[0].serial_number, x509.ReasonFlags.superseded, NOW)
    left(estate, hub=old, lui=old, trk=old)
    assert fingerprint(issuer.certificate) == old.issuer
    assert len(issuer.roots) == 1
    assert advance(plan(estate)) == Step.MADE


def test_leaving_that_was_interrupted_is_taken_up_again(estate: Estate) -> None:
    """Killed after HUB's folder was written and before the root's."""
    above = estate.root.folder
    advance(plan(estate))
    before = above.index_file.read_bytes()
    left(estate)
    above.index_file.write_bytes(before)

    left(estate)

    assert len(above.index().live) == 1
    with pytest.raises(IssuanceError, match="nothing to leave"):
        left(estate)
