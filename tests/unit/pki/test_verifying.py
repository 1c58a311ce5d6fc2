"""The entry point `verify`: what it takes, and that it never raises for a bad chain."""

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509

import sottovoce.pki.verifying as verifying
from sottovoce.errors import Fault
from sottovoce.pki import FAULT_CODES, WARNING_CODES, Authority, Purpose, name_fault, verify
from sottovoce.pki.verdict import ChainVerdict, in_order


def ask(root: Authority, *chain: x509.Certificate, at: datetime, **more: Any) -> ChainVerdict:
    usual: dict[str, Any] = {
        "roots": [root.certificate],
        "purpose": Purpose.SERVER,
        "name": "hub.test",
        "at": at,
    }
    return verify(list(chain), **{**usual, **more})


def test_a_good_chain_is_valid(
    root: Authority, issuing: Authority, leaf: x509.Certificate, at: datetime
) -> None:
    for name in ("hub.test", "a.example.test", "127.0.0.2", ip_address("::1"), None):
        verdict = ask(root, leaf, issuing.certificate, at=at, name=name)

        assert verdict.valid
        assert verdict.faults == ()
        assert verdict.warnings == ()
        assert verdict.path == (leaf, issuing.certificate, root.certificate)
        assert str(verdict) == "valid"


@pytest.mark.parametrize(
    "more",
    [
        {"purpose": "server"},
        {"name": 5},
        {"name": b"hub.test"},
        {"at": "now"},
        {"at": datetime(2026, 11, 23)},  # noqa: DTZ001 - a moment without zone is the case
        {"roots": ["root"]},
        {"crls": [b""]},
    ],
)
def test_misuse_is_a_type_error(
    root: Authority, leaf: x509.Certificate, at: datetime, more: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        ask(root, leaf, **{"at": at, **more})


def test_a_chain_of_something_else_is_a_type_error(root: Authority, at: datetime) -> None:
    with pytest.raises(TypeError, match=r"x509\.Certificate"):
        ask(root, b"certificate", at=at)  # type: ignore[arg-type]


def test_roots_and_lists_may_be_iterators(
    root: Authority, issuing: Authority, leaf: x509.Certificate, at: datetime
) -> None:
    assert ask(root, leaf, issuing.certificate, at=at, roots=iter([root.certificate])).valid


def test_whatever_goes_wrong_inside_is_a_refusal(
    root: Authority, leaf: x509.Certificate, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail closed, also for a panic of the library, which is no Exception."""

    class Panic(BaseException):
        pass

    def panic(*_: object) -> None:
        raise Panic

    monkeypatch.setattr(verifying, "leaf_faults", panic)
    verdict = ask(root, leaf, at=at)

    assert verdict.codes == ("internal-error",)
    assert "Panic" in verdict.faults[0].why


def test_an_interruption_by_the_keyboard_goes_through(
    root: Authority, leaf: x509.Certificate, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verifying, "leaf_faults", interrupt)

    with pytest.raises(KeyboardInterrupt):
        ask(root, leaf, at=at)


def test_codes_are_unique_and_ordered() -> None:
    assert len(set(FAULT_CODES + WARNING_CODES)) == len(FAULT_CODES + WARNING_CODES)
    faults = [Fault(code=code, why="x", depth=1) for code in reversed(FAULT_CODES)]

    ordered = in_order([*faults, *faults])

    assert tuple(fault.code for fault in ordered) == FAULT_CODES


def test_the_nearer_fault_stands_first() -> None:
    far, near = (Fault(code="weak-key", why="x", depth=depth) for depth in (2, 1))

    assert in_order([far, near]) == (near, far)


def test_a_refused_chain_says_why_in_its_text(root: Authority, at: datetime) -> None:
    verdict = ask(root, at=at)

    assert str(verdict) == "The partner presented no certificate."
    assert not verdict.valid


def test_purposes_know_their_words() -> None:
    assert [item.usage for item in Purpose] == ["serverAuth", "clientAuth"]
    assert [item.missing_code for item in Purpose] == [
        "purpose-server-missing",
        "purpose-client-missing",
    ]
    assert {item.missing_code for item in Purpose} <= set(FAULT_CODES)


def test_a_name_alone_can_be_asked_for(leaf: x509.Certificate) -> None:
    assert name_fault(leaf, "hub.test") is None
    fault = name_fault(leaf, "trk.test")
    assert fault is not None
    assert (fault.code, fault.expected) == ("name-mismatch", "trk.test")
    assert fault.presented == "hub.test, *.example.test, 127.0.0.2, ::1"


def test_many_names_are_listed_in_part(root: Authority, at: datetime) -> None:
    cert = root.issue(
        root.key.public_key(),
        names=[f"s{index}.test" for index in range(20)],
        serial=4,
        not_before=at,
        not_after=at + timedelta(days=1),
    )

    fault = name_fault(cert, "hub.test")

    assert fault is not None
    assert fault.presented.endswith("s7.test and 12 more")
