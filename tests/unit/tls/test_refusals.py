"""Why a peer refused us: an alert, and what our own files show (catalogue B.0)."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from sottovoce.errors import Fault
from sottovoce.tls import Evidence, Side, TrustGeneration
from sottovoce.tls.refusals import refusal_faults

Make = Callable[..., Evidence]
#: What Java sends for nearly everything.
UNKNOWN = "certificate_unknown"


@pytest.fixture
def refused(
    evidence: Make, generation: TrustGeneration, identities: SimpleNamespace
) -> Callable[..., tuple[Fault, ...]]:
    """Show an identity as a caller, or HUB's as the called side, and be refused."""

    def meet(alert: str, shown: str = "lui", *, asked: str | None = None) -> tuple[Fault, ...]:
        side = Side.CALLING if asked is None else Side.ACCEPTING
        entry: Any = getattr(identities, shown)
        return refusal_faults(alert, entry, evidence(side, chain=()), generation, asked=asked or "")

    return meet


@pytest.mark.parametrize(
    ("alert", "shown", "code"),
    [
        (UNKNOWN, "early", "not-yet-valid"),
        (UNKNOWN, "server_only", "purpose-client-missing"),
        (UNKNOWN, "foreign", "root-untrusted"),
        ("bad_certificate", "early", "not-yet-valid"),
        ("bad_certificate", "server_only", "purpose-client-missing"),
        ("unknown_ca", "foreign", "root-untrusted"),
        ("certificate_expired", "expired", "certificate-expired"),
    ],
)
def test_what_is_wrong_with_our_own_certificate_comes_first(
    alert: str, shown: str, code: str, refused: Callable[..., tuple[Fault, ...]]
) -> None:
    first = refused(alert, shown)[0]
    assert first.code == code
    assert f"the alert {alert}. This server's own certificate is the reason: " in first.why


@pytest.mark.parametrize(
    ("asked", "code"),
    [("hub.test", "root-untrusted"), ("evil.test", "name-mismatch")],
)
def test_the_name_that_was_asked_for_is_looked_at(
    asked: str, code: str, refused: Callable[..., tuple[Fault, ...]]
) -> None:
    assert refused(UNKNOWN, "hub", asked=asked)[0].code == code


def test_who_asked_for_no_name_may_have_called_by_address(
    refused: Callable[..., tuple[Fault, ...]],
) -> None:
    """N4: OpenSSL's bad_certificate; Java's certificate_unknown may as well be about our CA."""
    assert refused("bad_certificate", "hub", asked="")[0].code == "address-mismatch"
    (unclear,) = refused(UNKNOWN, "hub", asked="")
    assert unclear.code == "refused-by-peer"
    assert "It may mean: " in unclear.why
    assert "Dialled by address" in unclear.why


def test_another_fault_of_ours_is_told_besides(
    refused: Callable[..., tuple[Fault, ...]],
) -> None:
    """An expired certificate, and yet they say that they do not know our CA."""
    first, second = refused("unknown_ca", "expired")
    assert (first.code, second.code) == ("root-untrusted", "certificate-expired")
    assert "Most likely: " in first.why
    assert first.presented == "unknown_ca"


def test_a_date_that_is_good_here_is_not_the_reason(
    refused: Callable[..., tuple[Fault, ...]],
) -> None:
    """R4, V4: their list or their clock; from here nobody can tell which."""
    (fault,) = refused("certificate_expired")
    assert fault.code == "refused-by-peer"
    assert "revocation list" in fault.why
    assert "clocks" in fault.why


def test_an_alert_that_says_nothing_is_a_refusal_all_the_same(
    refused: Callable[..., tuple[Fault, ...]],
) -> None:
    (fault,) = refused("alert-200")
    assert fault == replace(fault, code="refused-by-peer", presented="alert-200")
    assert fault.why.endswith("with the alert alert-200.")


@pytest.mark.parametrize(
    ("alert", "code"),
    [
        ("protocol_version", "protocol-version"),
        ("handshake_failure", "no-common-cipher"),
        ("no_application_protocol", "foreign-service"),
    ],
)
def test_what_was_not_agreed_on_is_no_fault_of_a_certificate(
    alert: str, code: str, refused: Callable[..., tuple[Fault, ...]]
) -> None:
    (fault,) = refused(alert, "expired")
    assert (fault.code, fault.presented) == (code, alert)
    assert f"with the alert {alert}: it " in fault.why


def test_a_server_without_a_certificate_for_that_name_says_so(
    evidence: Make, generation: TrustGeneration, identities: SimpleNamespace
) -> None:
    """Go's answer to a name that none of its certificates has; it is not about ours."""
    asked = evidence(Side.CALLING, chain=(), dialled_name="hub.test")
    (fault,) = refusal_faults("unrecognized_name", identities.lui, asked, generation)
    assert (fault.code, fault.expected) == ("name-mismatch", "hub.test")
    assert "no certificate for hub.test" in fault.why


def test_that_we_showed_none_is_no_cause_but_of_the_one_alert(
    refused: Callable[..., tuple[Fault, ...]],
) -> None:
    assert refused("certificate_required")[0].code == "no-certificate"
    assert "no certificate" not in refused("bad_certificate")[0].why


def test_lists_that_are_missing_here_are_not_the_peers_reason(
    evidence: Make, generation: TrustGeneration, identities: SimpleNamespace, stranger: Any
) -> None:
    """R3: which lists the peer has cannot be seen from here."""
    unlisted = replace(generation, crls=(_list_of(stranger, generation),))
    seen = evidence(Side.CALLING, chain=())
    codes = {f.code for f in refusal_faults("unknown_ca", identities.lui, seen, unlisted)}
    assert codes == {"root-untrusted"}


def _list_of(issuer: Any, generation: TrustGeneration) -> Any:
    certificate = generation.identity.certificate
    return issuer.authority.revocation_list(
        [],
        this_update=certificate.not_valid_before_utc,
        next_update=certificate.not_valid_after_utc,
        number=1,
    )
