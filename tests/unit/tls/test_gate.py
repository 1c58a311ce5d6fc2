"""``tls.gate.judge``: every refusal on each side with both values, and both asks of acceptance."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509

from sottovoce.pki import SERVER, Revocation
from sottovoce.policy import Component
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import Evidence, Side, TrustGeneration, Verdict, judge

Make = Callable[..., Evidence]
Under = Callable[..., TrustGeneration]
BOTH = pytest.mark.parametrize("side", Side)


def refused(verdict: Verdict) -> tuple[str, ...]:
    assert not verdict.accepted
    assert verdict.identity is None
    assert all(fault.why.endswith(".") or fault.why.endswith("peer's.") for fault in verdict.faults)
    return verdict.codes


@BOTH
def test_a_partner_without_flaw_is_accepted_and_named(
    side: Side, evidence: Make, generation: TrustGeneration
) -> None:
    """W8, W9: on connect as well as on accept."""
    verdict = judge(evidence(side), generation)
    assert verdict.accepted
    assert verdict.faults == ()
    assert verdict.identity is not None
    assert verdict.identity.names == ("lui.test",)


def test_before_the_greeting_one_allowed_name_of_several_is_enough(
    evidence: Make, generation: TrustGeneration, identities: SimpleNamespace
) -> None:
    """W10: the first of the two asks on the accepting side."""
    first = evidence(identity=identities.several, announced_name=None, announced_component=None)
    assert judge(first, generation).accepted


def test_after_the_greeting_the_announced_name_itself_must_be_allowed(
    evidence: Make, generation: TrustGeneration, identities: SimpleNamespace
) -> None:
    """W10: the second ask; the other name of the certificate does not vouch for it."""
    for name, codes in (("lui.test", ()), ("lui2.test", ("not-in-allowed-list",))):
        second = evidence(identity=identities.several, announced_name=name)
        assert judge(second, generation).codes == codes


@BOTH
@pytest.mark.parametrize("spelt", ["LUI.test", "lui.test.", "Lui.TEST."])
def test_case_and_a_final_dot_do_not_count(
    side: Side, spelt: str, evidence: Make, generation: TrustGeneration
) -> None:
    names = {"announced_name": spelt}
    if side is Side.CALLING:
        names["dialled_name"] = spelt
    assert judge(evidence(side, **names), generation).accepted


def test_no_certificate_is_a_refusal_on_both_sides(
    evidence: Make, generation: TrustGeneration
) -> None:
    for side in Side:
        verdict = judge(evidence(side, chain=()), generation)
        assert refused(verdict) == ("no-certificate",)
        assert verdict.faults[0].presented == "none"


CHAIN_FAULTS = [
    ("foreign", Side.ACCEPTING, "root-untrusted"),
    ("foreign", Side.CALLING, "root-untrusted"),
    ("expired", Side.ACCEPTING, "certificate-expired"),
    ("expired", Side.CALLING, "certificate-expired"),
    ("early", Side.ACCEPTING, "not-yet-valid"),
    ("early", Side.CALLING, "not-yet-valid"),
    ("server_only", Side.ACCEPTING, "purpose-client-missing"),
    ("client_only", Side.CALLING, "purpose-server-missing"),
]


@pytest.mark.parametrize(("which", "side", "code"), CHAIN_FAULTS)
def test_a_fault_of_the_chain_is_named_with_both_values(
    which: str,
    side: Side,
    code: str,
    evidence: Make,
    generation: TrustGeneration,
    identities: SimpleNamespace,
) -> None:
    verdict = judge(evidence(side, identity=getattr(identities, which)), generation)
    assert refused(verdict) == (code,)
    assert verdict.faults[0].expected
    assert verdict.faults[0].presented
    assert verdict.faults[0].hint


def test_the_names_and_the_list_are_not_asked_while_the_chain_is_wrong(
    evidence: Make, under: Under, identities: SimpleNamespace
) -> None:
    verdict = judge(
        evidence(identity=identities.expired, announced_name="evil.test"), under(allowed=())
    )
    assert refused(verdict) == ("certificate-expired",)


def test_a_caller_without_any_name_is_told_so(
    evidence: Make, generation: TrustGeneration, authority: ThrowAwayAuthority
) -> None:
    """N6: that it is not in the list would send the administrator to the wrong file."""
    nameless = replace(SERVER, names_required=False)
    identity = authority.issue("10.0.0.7", profile=nameless)
    before_its_greeting = evidence(identity=identity, announced_name=None, announced_component=None)
    verdict = judge(before_its_greeting, generation)
    assert verdict.codes == ("no-subject-alternative-name",)


def test_who_is_dialled_by_another_name_is_refused(
    evidence: Make, generation: TrustGeneration
) -> None:
    verdict = judge(evidence(Side.CALLING, dialled_name="trk.test"), generation)
    assert refused(verdict) == ("name-mismatch",)
    assert (verdict.faults[0].expected, verdict.faults[0].presented) == ("trk.test", "lui.test")


@BOTH
def test_who_announces_another_name_is_refused(
    side: Side, evidence: Make, generation: TrustGeneration
) -> None:
    verdict = judge(evidence(side, announced_name="trk.test"), generation)
    assert "announced-name-mismatch" in refused(verdict)
    fault = verdict.faults[0]
    assert (fault.expected, fault.presented) == ("lui.test", "trk.test")


@BOTH
def test_who_is_not_in_the_list_is_refused(side: Side, evidence: Make, under: Under) -> None:
    verdict = judge(evidence(side), under(allowed=("hub.test", "trk.test")))
    assert refused(verdict) == ("not-in-allowed-list",)
    fault = verdict.faults[0]
    assert (fault.expected, fault.presented) == ("hub.test, trk.test", "lui.test")


@BOTH
def test_an_empty_list_admits_nobody(side: Side, evidence: Make, under: Under) -> None:
    """Catalogue A5; on either side."""
    assert set(refused(judge(evidence(side), under(allowed=())))) == {"allowed-list-empty"}


@BOTH
def test_the_address_decides_nothing(
    side: Side, evidence: Make, under: Under, generation: TrustGeneration
) -> None:
    """Catalogue N9, A7."""
    verdict = judge(evidence(side, address="lui.test:1"), under(allowed=("hub.test",)))
    assert refused(verdict) == ("not-in-allowed-list",)
    assert judge(evidence(side, address="203.0.113.9:1"), generation).accepted


def test_a_component_that_the_certificate_does_not_grant_is_refused(
    evidence: Make, under: Under
) -> None:
    verdict = judge(evidence(announced_component=Component.TRK), under(hosts={}))
    assert refused(verdict) == ("role-not-granted",)
    fault = verdict.faults[0]
    assert (fault.expected, fault.presented) == ("LUI", "TRK")


def test_a_component_on_another_server_than_expected_is_refused(
    evidence: Make, under: Under
) -> None:
    verdict = judge(evidence(), under(hosts={Component.LUI: "trk.test"}))
    assert refused(verdict) == ("component-unexpected",)
    fault = verdict.faults[0]
    assert (fault.expected, fault.presented) == ("trk.test", "lui.test")


def test_a_component_is_compared_with_its_place_also_before_a_name_was_announced(
    evidence: Make, under: Under
) -> None:
    verdict = judge(evidence(announced_name=None), under(hosts={Component.LUI: "trk.test"}))
    assert refused(verdict) == ("component-unexpected",)
    assert judge(evidence(announced_name=None), under()).accepted


def test_a_component_that_nothing_places_is_refused(
    evidence: Make, under: Under, identities: SimpleNamespace
) -> None:
    verdict = judge(evidence(identity=identities.roleless), under(hosts={}))
    assert refused(verdict) == ("component-unexpected",)
    assert verdict.faults[0].presented == "neither"


def test_a_certificate_without_roles_is_placed_by_the_settings(
    evidence: Make, generation: TrustGeneration, identities: SimpleNamespace
) -> None:
    assert judge(evidence(identity=identities.roleless), generation).accepted


def test_every_refusal_after_the_chain_is_reported_at_once(evidence: Make, under: Under) -> None:
    verdict = judge(
        evidence(announced_name="evil.test", announced_component=Component.TRK), under()
    )
    assert refused(verdict) == (
        "announced-name-mismatch",
        "not-in-allowed-list",
        "role-not-granted",
        "component-unexpected",
    )


@pytest.mark.parametrize(
    ("behind", "word", "codes"),
    [
        (-2, "ahead of", ("clock-skew", "certificate-expired")),
        (2, "behind", ("certificate-expired", "clock-skew")),
    ],
)
def test_clocks_that_differ_are_the_cause_where_the_certificate_is_valid_by_the_other(
    behind: int,
    word: str,
    codes: tuple[str, ...],
    evidence: Make,
    generation: TrustGeneration,
    identities: SimpleNamespace,
    moment: datetime,
) -> None:
    """Catalogue V4."""
    theirs = moment + timedelta(days=behind)
    verdict = judge(evidence(identity=identities.expired, peer_time=theirs), generation)
    assert refused(verdict) == codes
    (clocks,) = [fault for fault in verdict.faults if fault.code == "clock-skew"]
    assert f"The clock of this server is 2 days {word} that of" in clocks.why
    assert ("The certificate is valid by one of them." in clocks.why) == (behind < 0)


def test_clocks_that_agree_are_not_spoken_of(
    evidence: Make, generation: TrustGeneration, identities: SimpleNamespace, moment: datetime
) -> None:
    near = moment + timedelta(minutes=4)
    for theirs in (near, None):
        verdict = judge(evidence(identity=identities.expired, peer_time=theirs), generation)
        assert refused(verdict) == ("certificate-expired",)


def revocations(
    authority: ThrowAwayAuthority, moment: datetime, *, serials: list[int], age: int
) -> x509.CertificateRevocationList:
    day = timedelta(days=1)
    return authority.authority.revocation_list(
        [Revocation(serial=serial, date=moment - day) for serial in serials],
        this_update=moment - age * day,
        next_update=moment + (2 - age) * day,
        number=1,
    )


@BOTH
@pytest.mark.parametrize(
    ("revoked", "age", "code"),
    [
        (False, 1, None),
        (True, 1, "revoked"),
        (False, 5, "revocation-list-expired"),
    ],
)
def test_a_revocation_list_is_asked_on_both_sides(
    side: Side,
    revoked: bool,
    age: int,
    code: str | None,
    evidence: Make,
    under: Under,
    identities: SimpleNamespace,
    authority: ThrowAwayAuthority,
    moment: datetime,
) -> None:
    serials = [identities.lui.chain[0].serial_number] if revoked else []
    crl = revocations(authority, moment, serials=serials, age=age)
    assert judge(evidence(side), under(crls=(crl,))).codes == ((code,) if code else ())


@BOTH
def test_without_a_list_of_that_issuer_revocation_is_unknown(
    side: Side,
    evidence: Make,
    under: Under,
    stranger: ThrowAwayAuthority,
    moment: datetime,
) -> None:
    """Catalogue R3: some list is there, none of this issuer."""
    crl = revocations(stranger, moment, serials=[], age=1)
    assert refused(judge(evidence(side), under(crls=(crl,)))) == ("revocation-unknown",)


@BOTH
@pytest.mark.parametrize("revoked", [False, True])
def test_softly_the_silent_pass_and_the_revoked_do_not(
    side: Side,
    revoked: bool,
    evidence: Make,
    under: Under,
    identities: SimpleNamespace,
    authority: ThrowAwayAuthority,
    moment: datetime,
) -> None:
    """``RevocationFailure=soft``: an old list that names nobody is forgiven, its names are not."""
    serials = [identities.lui.chain[0].serial_number] if revoked else []
    crl = revocations(authority, moment, serials=serials, age=5)
    verdict = judge(evidence(side), under(crls=(crl,), soft=True))
    assert verdict.codes == (("revoked",) if revoked else ())
    assert [fault.code for fault in verdict.warnings] == (
        [] if revoked else ["revocation-list-expired"]
    )


class Trap:
    """Breaks whatever touches it."""

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError(name)


@BOTH
@pytest.mark.parametrize("part", ["roots", "crls", "allowed", "hosts"])
def test_an_error_inside_is_a_refusal(
    side: Side, part: str, evidence: Make, generation: TrustGeneration
) -> None:
    """Fail closed, whatever it is that breaks."""
    from dataclasses import replace

    parts: dict[str, Any] = {part: Trap()}
    known = evidence(side, announced_component=Component.LUI)
    verdict = judge(known, replace(generation, **parts))
    assert refused(verdict) == ("internal-error",)
    assert "secret" not in verdict.faults[0].why


@pytest.mark.parametrize("dialled", [None, ""])
def test_who_calls_without_knowing_whom_is_refused(
    dialled: str | None, evidence: Make, generation: TrustGeneration
) -> None:
    verdict = judge(evidence(Side.CALLING, dialled_name=dialled), generation)
    assert refused(verdict) == ("internal-error",)


def test_a_chain_refused_without_a_reason_is_refused(
    evidence: Make, generation: TrustGeneration, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = type("Odd", (), {"faults": (), "warnings": (), "valid": False})()
    monkeypatch.setattr("sottovoce.tls.gate.verify", lambda *_, **__: verdict)
    assert refused(judge(evidence(), generation)) == ("internal-error",)


HOSTILE = "lui.test\nHUB: accepted evil.test\x1b[2J\r\u2028" + "x" * 300


@BOTH
def test_a_peers_words_stay_on_one_line(
    side: Side, evidence: Make, generation: TrustGeneration
) -> None:
    """Log injection: an announced name may hold anything that fits into a frame."""
    verdict = judge(evidence(side, announced_name=HOSTILE), generation)
    for fault in verdict.faults:
        for text in (fault.why, fault.presented, fault.expected, fault.hint):
            assert text.isprintable(), text
            assert len(text) < 800


def test_codes_are_named_once() -> None:
    from sottovoce.errors import Fault

    faults = tuple(Fault(code=code, why="x.") for code in ("a", "b", "a"))
    assert Verdict(accepted=False, faults=faults).codes == ("a", "b")
