"""Revocation: what given lists say, and which lists say nothing (R1, R3, R4; RFC 5280 5, 6.3)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

if TYPE_CHECKING:
    from tests.conformance.chains.forge import Asked, Forge

Build = Callable[["Forge", Any], "Asked"]

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55738.666.1"), b"\x05\x00")
NUMBER = (x509.CRLNumber(7), False)
POINT = x509.UniformResourceIdentifier("http://ca.test/one.crl")
ELSEWHERE = x509.UniformResourceIdentifier("http://ca.test/two.crl")


def scope(**only: Any) -> tuple[x509.IssuingDistributionPoint, bool]:
    usual: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**usual, **only}), True


def points(*names: x509.GeneralName) -> x509.CRLDistributionPoints:
    return x509.CRLDistributionPoints([x509.DistributionPoint(list(names), None, None, None)])


def listed(f: "Forge", *, revoke: bool = True, **more: Any) -> "Asked":
    """Root and leaf, and one list of the root."""
    root = f.root(**more.pop("root", {}))
    leaf = f.leaf(root, **more.pop("leaf", {}))
    crl = f.crl(root, *([leaf] if revoke else []), **more)
    return f.ask(leaf, roots=[root], crls=[crl])


def other_issuer(f: "Forge", k: Any) -> "Asked":
    root, other = f.root(), f.root("Root Two")
    leaf = f.leaf(root)
    return f.ask(leaf, roots=[root, other], crls=[f.crl(other, leaf)])


def both_issuers(f: "Forge", k: Any) -> "Asked":
    root, other = f.root(), f.root("Root Two")
    leaf = f.leaf(root)
    return f.ask(leaf, roots=[root, other], crls=[f.crl(other, leaf), f.crl(root)])


def chain(f: "Forge", *, root_list: bool, middle_revoked: bool = False) -> "Asked":
    root = f.root()
    middle = f.ca(root)
    lists = [f.crl(middle)]
    if root_list:
        lists.append(f.crl(root, *([middle] if middle_revoked else [])))
    return f.ask(f.leaf(middle), middle, roots=[root], crls=lists)


def revoked_twin(f: "Forge", k: Any) -> "Asked":
    """The intermediate was revoked and certified again; the new certificate leads to the root."""
    root = f.root()
    old = f.ca(root)
    new = f.ca(root, key=old.key)
    return f.ask(f.leaf(old), old, new, roots=[root], crls=[f.crl(root, old), f.crl(old)])


def old_and_new_list(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    leaf = f.leaf(root)
    old, new = f.crl(root, days=(-60, -30)), f.crl(root, leaf)
    return f.ask(leaf, roots=[root], crls=[old, new])


def large(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    stale = [f.leaf(root, key=root.key) for _ in range(300)]
    return f.ask(f.leaf(root), roots=[root], crls=[f.crl(root, *stale)])


REVOKED, SILENT = ("revoked",), ("revocation-unknown",)
HOLD = (x509.CRLReason(x509.ReasonFlags.certificate_hold), False)

CASES: dict[str, tuple[Build, tuple[str, ...]]] = {
    "revoked": (lambda f, k: listed(f), REVOKED),
    "not-revoked": (lambda f, k: listed(f, revoke=False), ()),
    "on-hold": (lambda f, k: listed(f, entry=[HOLD]), REVOKED),
    "revoked-from-tomorrow": (lambda f, k: listed(f, date=f.at + f.day), REVOKED),
    "revoked-before-it-was-issued": (lambda f, k: listed(f, date=f.at - 900 * f.day), REVOKED),
    "revoked-on-an-old-list": (lambda f, k: listed(f, days=(-60, -30)), REVOKED),
    "list-too-old": (
        lambda f, k: listed(f, revoke=False, days=(-60, -30)),
        ("revocation-list-expired",),
    ),
    "list-from-tomorrow": (lambda f, k: listed(f, revoke=False, days=(1, 9)), SILENT),
    "old-and-new-list": (old_and_new_list, REVOKED),
    "large-list": (large, ()),
    "list-of-another-authority": (other_issuer, SILENT),
    "serial-on-the-list-of-another-authority": (both_issuers, ()),
    "list-signed-by-another-key": (lambda f, k: listed(f, revoke=False, signer=f.key()), SILENT),
    "revoking-list-signed-by-another-key": (lambda f, k: listed(f, signer=f.key()), SILENT),
    "authority-without-crl-sign": (
        lambda f, k: listed(f, revoke=False, root={"usage": k.usage("key_cert_sign")}),
        SILENT,
    ),
    "authority-without-key-usage": (
        lambda f, k: listed(f, revoke=False, root={"usage": None}),
        (),
    ),
    "list-without-number": (lambda f, k: listed(f, revoke=False, extra=[]), ()),
    "unknown-extension": (lambda f, k: listed(f, revoke=False, extra=[(UNKNOWN, False)]), ()),
    "unknown-critical-extension": (
        lambda f, k: listed(f, revoke=False, extra=[(UNKNOWN, True)]),
        SILENT,
    ),
    "number-critical": (
        lambda f, k: listed(f, revoke=False, extra=[(x509.CRLNumber(1), True)]),
        SILENT,
    ),
    "delta-list": (
        lambda f, k: listed(f, revoke=False, extra=[NUMBER, (x509.DeltaCRLIndicator(1), True)]),
        SILENT,
    ),
    "delta-list-not-critical": (
        lambda f, k: listed(f, revoke=False, extra=[NUMBER, (x509.DeltaCRLIndicator(1), False)]),
        SILENT,
    ),
    "indirect-list": (
        lambda f, k: listed(f, revoke=False, extra=[NUMBER, scope(indirect_crl=True)]),
        SILENT,
    ),
    "some-reasons-only": (
        lambda f, k: listed(
            f,
            revoke=False,
            extra=[
                NUMBER,
                scope(only_some_reasons=frozenset([x509.ReasonFlags.key_compromise])),
            ],
        ),
        SILENT,
    ),
    "attribute-certificates-only": (
        lambda f, k: listed(
            f, revoke=False, extra=[NUMBER, scope(only_contains_attribute_certs=True)]
        ),
        SILENT,
    ),
    "authorities-only": (
        lambda f, k: listed(f, revoke=False, extra=[NUMBER, scope(only_contains_ca_certs=True)]),
        SILENT,
    ),
    "servers-only": (
        lambda f, k: listed(f, revoke=False, extra=[NUMBER, scope(only_contains_user_certs=True)]),
        (),
    ),
    "point-of-the-certificate": (
        lambda f, k: listed(
            f,
            revoke=False,
            extra=[NUMBER, scope(full_name=[POINT])],
            leaf={"extra": [(points(POINT), False)]},
        ),
        (),
    ),
    "another-point": (
        lambda f, k: listed(
            f,
            revoke=False,
            extra=[NUMBER, scope(full_name=[ELSEWHERE])],
            leaf={"extra": [(points(POINT), False)]},
        ),
        SILENT,
    ),
    "point-and-none-in-the-certificate": (
        lambda f, k: listed(f, revoke=False, extra=[NUMBER, scope(full_name=[POINT])]),
        SILENT,
    ),
    "entry-of-another-issuer": (
        lambda f, k: listed(
            f,
            entry=[
                (x509.CertificateIssuer([x509.DirectoryName(k.named("Root Two"))]), True),
            ],
        ),
        SILENT,
    ),
    "every-link-listed": (lambda f, k: chain(f, root_list=True), ()),
    "root-list-missing": (lambda f, k: chain(f, root_list=False), SILENT),
    "intermediate-revoked": (lambda f, k: chain(f, root_list=True, middle_revoked=True), REVOKED),
    "intermediate-revoked-and-renewed": (revoked_twin, ()),
}


@pytest.mark.parametrize(
    ("build", "codes"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_a_chain_gets_exactly_these_codes(
    forge: "Forge",
    kit: Any,
    openssl: "Callable[[Asked], str]",
    build: Build,
    codes: tuple[str, ...],
) -> None:
    """The exact codes, in order; every fault says what, with both values, and what next.

    What passes here passes OpenSSL too, but for the few cases that the fixture names.
    """
    asked = build(forge, kit)
    verdict = asked.verdict()

    assert verdict.codes == codes
    if verdict.valid:
        assert openssl(asked) == ""
    assert all(f.why and f.hint and f.presented and f.expected for f in verdict.faults)


def test_date_and_reason_of_a_revocation_are_told(forge: "Forge", kit: Any) -> None:
    """R1."""
    replaced = x509.CRLReason(x509.ReasonFlags.superseded), False

    (fault,) = listed(forge, entry=[replaced]).verdict().faults

    assert "2026-11-21 12:00 UTC" in fault.why
    assert "superseded" in fault.why
    assert "'hub.test'" in fault.why


def test_a_missing_list_is_not_laid_at_the_partners_door(forge: "Forge", kit: Any) -> None:
    """R3: which authority's list is missing, and that the certificate is not to blame."""
    (fault,) = other_issuer(forge, kit).verdict().faults

    assert "'Root One'" in fault.why
    assert "not the fault of 'hub.test'" in fault.why


def test_without_lists_revocation_is_not_checked(forge: "Forge", kit: Any) -> None:
    root = forge.root()

    assert forge.ask(forge.leaf(root), roots=[root]).verdict().valid
