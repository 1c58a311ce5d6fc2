"""Limits: budgets end a verdict in words, and what cannot be read is no crash."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import sottovoce.pki.building as building
import sottovoce.pki.signatures as signatures
from sottovoce.pki import Authority, KeyAlgorithm, Purpose, Revocation, generate_key, verify
from sottovoce.pki.examined import Examined, canonical_name, examine
from sottovoce.pki.signatures import Budget, signature_fits, signature_weakness

DAY = timedelta(days=1)


def test_a_budget_is_used_up_and_says_so() -> None:
    budget = Budget(1)

    assert (budget.take(), budget.spent) == (True, False)
    assert (budget.take(), budget.spent) == (False, True)


def test_without_budget_no_signature_fits(root: Authority, issuing: Authority) -> None:
    child, parent = examine(issuing.certificate), examine(root.certificate)

    assert signature_fits(child, parent, Budget(1))
    assert not signature_fits(child, parent, Budget(0))


def test_a_search_that_uses_up_its_budget_says_so(
    root: Authority,
    issuing: Authority,
    leaf: x509.Certificate,
    at: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(building, "Budget", lambda: Budget(1))

    verdict = verify(
        [leaf, issuing.certificate],
        roots=[root.certificate],
        purpose=Purpose.SERVER,
        name=None,
        at=at,
    )

    assert verdict.codes == ("chain-too-long",)


def test_a_search_that_takes_too_many_steps_says_so(
    root: Authority,
    issuing: Authority,
    leaf: x509.Certificate,
    at: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(building, "STEPS", 1)

    verdict = verify(
        [leaf, issuing.certificate],
        roots=[root.certificate],
        purpose=Purpose.SERVER,
        name=None,
        at=at,
    )

    assert verdict.codes == ("chain-too-long",)


def test_a_list_whose_signature_cannot_be_checked_any_more_says_nothing(
    root: Authority, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = root.issue(
        root.key.public_key(), names=["hub.test"], serial=5, not_before=at, not_after=at + DAY
    )
    crl = root.revocation_list(
        [Revocation(serial=9, date=at)], this_update=at, next_update=at + DAY, number=1
    )
    monkeypatch.setattr(building, "Budget", lambda: Budget(1))

    verdict = verify(
        [leaf], roots=[root.certificate], purpose=Purpose.SERVER, name=None, at=at, crls=[crl]
    )

    assert verdict.codes == ("revocation-unknown",)
    assert "could not be checked" in verdict.faults[0].why


def test_an_altered_list_of_another_version_or_form_says_nothing(
    root: Authority, at: datetime
) -> None:
    leaf = root.issue(
        root.key.public_key(), names=["hub.test"], serial=5, not_before=at, not_after=at + DAY
    )
    crl = root.revocation_list(
        [Revocation(serial=5, date=at)], this_update=at, next_update=at + DAY, number=1
    )
    der = crl.public_bytes(Encoding.DER)
    for position in range(0, len(der), 3):
        data = bytearray(der)
        data[position] ^= 1
        try:
            altered = x509.load_der_x509_crl(bytes(data))
        except (ValueError, x509.InvalidVersion):
            continue
        verdict = verify(
            [leaf],
            roots=[root.certificate],
            purpose=Purpose.SERVER,
            name=None,
            at=at,
            crls=[altered],
        )
        assert verdict.codes in (("revocation-unknown",), ("revoked",)), position


def test_an_unknown_signature_algorithm_is_named(root: Authority) -> None:
    der = root.certificate.public_bytes(Encoding.DER)
    unknown = bytes.fromhex("06082a8648ce3d04030f")
    cert = x509.load_der_x509_certificate(
        der.replace(bytes.fromhex("06082a8648ce3d040302"), unknown)
    )

    assert "1.2.840.10045.4.3.15" in signature_weakness(cert)
    assert not signatures.signed_by(cert, root.key.public_key())


def test_a_key_does_not_make_signatures_of_another_kind(root: Authority) -> None:
    other = generate_key(KeyAlgorithm.ED25519).public_key()

    assert not signatures.signed_by(root.certificate, other)


def test_names_are_compared_without_case_and_with_blanks_as_one() -> None:
    def name(value: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, value)])

    assert canonical_name(name(" Root  ONE ")) == canonical_name(name("root one"))
    assert canonical_name(name("Root")) != canonical_name(name("Root2"))
    assert canonical_name(name("\u00c4")) != canonical_name(name("\u00e4"))


def test_an_examined_certificate_is_equal_to_another_reading_of_it(root: Authority) -> None:
    again = Examined(root.certificate)

    assert again == examine(root.certificate)
    assert hash(again) == hash(examine(root.certificate))
    assert again != cast("Any", SimpleNamespace(certificate=root.certificate))
    assert repr(again) == "Examined(Root One)"
