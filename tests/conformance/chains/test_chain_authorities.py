"""Authorities: who may sign, for what, for how long, and with which keys (T9, V1-V3, X4-X8)."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID as Eku

from sottovoce.pki import Purpose

if TYPE_CHECKING:
    from tests.conformance.chains.forge import Asked, Forge

Build = Callable[["Forge", Any], "Asked"]
SECOND = timedelta(seconds=1)


def under(f: "Forge", issuer: dict[str, Any], leaf: dict[str, Any] | None = None) -> "Asked":
    """Root, an intermediate that is unusual, and a leaf."""
    root = f.root()
    middle = f.ca(root, **issuer)
    return f.ask(f.leaf(middle, **(leaf or {})), middle, roots=[root])


def anchored(f: "Forge", root: dict[str, Any], **leaf: Any) -> "Asked":
    """A root that is unusual, and a leaf."""
    made = f.root(**root)
    return f.ask(f.leaf(made, **leaf), roots=[made])


def server_signs(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    server = f.leaf(root)
    return f.ask(f.leaf(server, "trk.test"), server, roots=[root], name="trk.test")


def leafy(f: "Forge", purpose: Purpose = Purpose.SERVER, **leaf: Any) -> "Asked":
    """A good root and a leaf that is unusual."""
    root = f.root()
    return f.ask(f.leaf(root, **leaf), roots=[root], purpose=purpose)


def levels(f: "Forge", *lengths: int | None, self_issued: bool = False) -> "Asked":
    """A chain of authorities with these path lengths, the root's first."""
    signer = root = f.root(basic=x509.BasicConstraints(True, lengths[0]))
    sent = []
    for depth, length in enumerate(lengths[1:]):
        name = "Level 0" if self_issued and depth < 2 else f"Level {depth}"
        signer = f.ca(signer, name, basic=x509.BasicConstraints(True, length))
        sent.append(signer)
    return f.ask(f.leaf(signer), *sent, roots=[root])


def rsa_leaf(f: "Forge", kind: str) -> "Asked":
    return leafy(f, key=f.key(kind))


def dated(f: "Forge", who: str, begin: int, end: int) -> "Asked":
    """Root, intermediate and leaf, one of which is valid from *begin* to *end* (days from now)."""
    when: dict[str, Any] = {"begin": f.at + begin * f.day, "end": f.at + end * f.day}
    root = f.root(**(when if who == "root" else {}))
    middle = f.ca(root, **(when if who == "middle" else {}))
    return f.ask(f.leaf(middle, **(when if who == "leaf" else {})), middle, roots=[root])


def at_the_edge(f: "Forge", **more: Any) -> "Asked":
    root = f.root(begin=f.at - 9 * f.day)
    leaf = f.leaf(root, begin=f.at - f.day, end=f.at + f.day)
    return f.ask(leaf, roots=[root], **more)


NO_SIGNING = {"usage": None}
SERVER_ONLY, CLIENT_ONLY = [Eku.SERVER_AUTH], [Eku.CLIENT_AUTH]
ANY = Eku.ANY_EXTENDED_KEY_USAGE
CALLS = Purpose.CLIENT

AUTHORITY: dict[str, tuple[Build, tuple[str, ...]]] = {
    "intermediate-ca-false": (
        lambda f, k: under(f, {"basic": x509.BasicConstraints(False, None)}),
        ("not-a-ca",),
    ),
    "intermediate-without-basic-constraints": (
        lambda f, k: under(f, {"basic": None}),
        ("not-a-ca",),
    ),
    "root-ca-false": (
        lambda f, k: anchored(f, {"basic": x509.BasicConstraints(False, None)}),
        ("not-a-ca",),
    ),
    "root-without-basic-constraints": (lambda f, k: anchored(f, {"basic": None}), ("not-a-ca",)),
    "intermediate-basic-constraints-not-critical": (
        lambda f, k: under(f, {"basic_critical": False}),
        (),
    ),
    "root-basic-constraints-not-critical": (
        lambda f, k: anchored(f, {"basic_critical": False}),
        (),
    ),
    "intermediate-without-key-usage": (lambda f, k: under(f, {"usage": None}), ()),
    "root-without-key-usage": (lambda f, k: anchored(f, {"usage": None}), ()),
    "intermediate-without-cert-sign": (
        lambda f, k: under(f, {"usage": k.usage("crl_sign", "digital_signature")}),
        ("not-a-ca",),
    ),
    "root-without-cert-sign": (
        lambda f, k: anchored(f, {"usage": k.usage("crl_sign")}),
        ("not-a-ca",),
    ),
    "intermediate-without-key-identifiers": (lambda f, k: under(f, {"aki": None, "ski": None}), ()),
    "root-without-key-identifiers": (lambda f, k: anchored(f, {"aki": None, "ski": None}), ()),
    "leaf-without-key-identifiers": (lambda f, k: leafy(f, aki=None, ski=None), ()),
    "version-1-intermediate": (
        lambda f, k: under(
            f, {"version": None, "basic": None, "usage": None, "aki": None, "ski": None}
        ),
        ("not-a-ca",),
    ),
    "version-1-root": (
        lambda f, k: anchored(
            f, {"version": None, "basic": None, "usage": None, "aki": None, "ski": None}
        ),
        (),
    ),
    "a-server-signs": (server_signs, ("not-a-ca",)),
    "leaf-is-an-authority": (
        lambda f, k: leafy(f, basic=x509.BasicConstraints(True, None)),
        ("leaf-is-ca",),
    ),
    "leaf-is-an-authority-of-length-0": (
        lambda f, k: leafy(
            f,
            basic=x509.BasicConstraints(True, 0),
            usage=k.usage("digital_signature", "key_cert_sign"),
        ),
        ("leaf-is-ca",),
    ),
    "leaf-with-cert-sign": (
        lambda f, k: leafy(f, usage=k.usage("digital_signature", "key_cert_sign")),
        ("key-usage",),
    ),
    "leaf-without-basic-constraints": (lambda f, k: leafy(f, basic=None), ()),
    "leaf-without-key-usage": (lambda f, k: leafy(f, usage=None), ()),
    "leaf-basic-constraints-not-critical": (lambda f, k: leafy(f, basic_critical=False), ()),
    "leaf-for-key-encipherment-only": (
        lambda f, k: leafy(f, usage=k.usage("key_encipherment")),
        ("key-usage",),
    ),
    "leaf-with-two-usages": (
        lambda f, k: leafy(f, usage=k.usage("digital_signature", "key_encipherment")),
        (),
    ),
    "length-0-and-a-leaf": (lambda f, k: levels(f, 0), ()),
    "length-0-and-an-intermediate": (lambda f, k: levels(f, 0, None), ("path-too-long",)),
    "length-1-and-one-intermediate": (lambda f, k: levels(f, 1, 0), ()),
    "length-1-and-two-intermediates": (lambda f, k: levels(f, 1, None, None), ("path-too-long",)),
    "intermediate-length-exceeded": (lambda f, k: levels(f, None, 0, None), ("path-too-long",)),
    "a-length-may-grow": (lambda f, k: levels(f, None, 1, 2), ()),
    "self-issued-does-not-count": (lambda f, k: levels(f, None, 1, 1, 0, self_issued=True), ()),
    "two-lengths-exceeded": (lambda f, k: levels(f, 1, 0, 0), ("path-too-long",)),
}

VALIDITY: dict[str, tuple[Build, tuple[str, ...]]] = {
    "leaf-expired": (lambda f, k: dated(f, "leaf", -9, -1), ("certificate-expired",)),
    "intermediate-expired": (lambda f, k: dated(f, "middle", -9, -1), ("issuer-expired",)),
    "root-expired": (lambda f, k: dated(f, "root", -9, -1), ("issuer-expired",)),
    "leaf-from-tomorrow": (lambda f, k: dated(f, "leaf", 1, 9), ("not-yet-valid",)),
    "intermediate-from-tomorrow": (
        lambda f, k: dated(f, "middle", 1, 9),
        ("issuer-not-yet-valid",),
    ),
    "root-from-tomorrow": (lambda f, k: dated(f, "root", 1, 9), ("issuer-not-yet-valid",)),
    "leaf-never-valid": (
        lambda f, k: dated(f, "leaf", 5, -5),
        ("certificate-expired", "not-yet-valid"),
    ),
    "first-second": (lambda f, k: at_the_edge(f, at=f.at - f.day), ()),
    "before-the-first-second": (
        lambda f, k: at_the_edge(f, at=f.at - f.day - SECOND / 1000),
        ("not-yet-valid",),
    ),
    "last-second": (lambda f, k: at_the_edge(f, at=f.at + f.day), ()),
    "within-the-last-second": (lambda f, k: at_the_edge(f, at=f.at + f.day + SECOND / 2), ()),
    "after-the-last-second": (
        lambda f, k: at_the_edge(f, at=f.at + f.day + SECOND),
        ("certificate-expired",),
    ),
    "after-2050": (lambda f, k: leafy(f, end=f.at.replace(year=2077)), ()),
}

CRYPTOGRAPHY: dict[str, tuple[Build, tuple[str, ...]]] = {
    "p384": (lambda f, k: leafy(f, key=f.key("p384")), ()),
    "p521": (lambda f, k: leafy(f, key=f.key("p521")), ()),
    "ed25519": (lambda f, k: leafy(f, key=f.key("ed25519")), ()),
    "ed25519-root": (lambda f, k: anchored(f, {"key": f.key("ed25519")}), ()),
    "rsa-2048": (lambda f, k: rsa_leaf(f, "rsa2048"), ()),
    "rsa-2048-root": (lambda f, k: anchored(f, {"key": f.key("rsa2048")}), ()),
    "rsa-pss-signature": (lambda f, k: anchored(f, {"key": f.key("rsa2048")}, pss=True), ()),
    "p384-signature": (
        lambda f, k: anchored(f, {"key": f.key("p384")}, digest=hashes.SHA384()),
        (),
    ),
    "rsa-1024": (lambda f, k: rsa_leaf(f, "rsa1024"), ("weak-key",)),
    "rsa-1024-root": (lambda f, k: anchored(f, {"key": f.key("rsa1024")}), ("weak-key",)),
    "rsa-1024-intermediate": (lambda f, k: under(f, {"key": f.key("rsa1024")}), ("weak-key",)),
    "rsa-exponent-3": (lambda f, k: rsa_leaf(f, "rsa-e3"), ("weak-key",)),
    "p192": (lambda f, k: leafy(f, key=f.key("p192")), ("weak-key",)),
    "p224": (lambda f, k: leafy(f, key=f.key("p224")), ("weak-key",)),
    "secp256k1": (lambda f, k: leafy(f, key=f.key("k256")), ("weak-key",)),
    "secp256k1-intermediate": (lambda f, k: under(f, {"key": f.key("k256")}), ("weak-key",)),
    "dsa": (lambda f, k: leafy(f, key=f.key("dsa")), ("weak-key",)),
    "sha-1-leaf": (lambda f, k: leafy(f, digest=hashes.SHA1()), ("weak-signature",)),
    "sha-1-intermediate": (lambda f, k: under(f, {"digest": hashes.SHA1()}), ("weak-signature",)),
    "sha-1-root-signs-itself-only": (lambda f, k: anchored(f, {"digest": hashes.SHA1()}), ()),
    "md5-leaf": (
        lambda f, k: anchored(f, {"key": f.key("rsa2048")}, digest=hashes.MD5()),
        ("weak-signature",),
    ),
}

PURPOSES: dict[str, tuple[Build, tuple[str, ...]]] = {
    "server-accepts": (lambda f, k: leafy(f, purposes=SERVER_ONLY), ()),
    "client-calls": (lambda f, k: leafy(f, CALLS, purposes=CLIENT_ONLY), ()),
    "client-accepts": (
        lambda f, k: leafy(f, purposes=CLIENT_ONLY),
        ("purpose-server-missing",),
    ),
    "server-calls": (
        lambda f, k: leafy(f, CALLS, purposes=SERVER_ONLY),
        ("purpose-client-missing",),
    ),
    "leaf-without-purposes": (lambda f, k: leafy(f, purposes=None), ()),
    "leaf-for-any-purpose-only": (
        lambda f, k: leafy(f, purposes=[ANY]),
        ("purpose-server-missing",),
    ),
    "leaf-for-any-and-server": (lambda f, k: leafy(f, purposes=[ANY, Eku.SERVER_AUTH]), ()),
    "leaf-for-code-signing": (
        lambda f, k: leafy(f, purposes=[Eku.CODE_SIGNING]),
        ("purpose-server-missing",),
    ),
    "intermediate-for-clients": (
        lambda f, k: under(f, {"purposes": CLIENT_ONLY}),
        ("purpose-server-missing",),
    ),
    "intermediate-for-servers": (lambda f, k: under(f, {"purposes": SERVER_ONLY}), ()),
    "intermediate-for-any-purpose": (lambda f, k: under(f, {"purposes": [ANY]}), ()),
    "root-for-clients": (
        lambda f, k: anchored(f, {"purposes": CLIENT_ONLY}),
        ("purpose-server-missing",),
    ),
    "root-for-servers": (lambda f, k: anchored(f, {"purposes": SERVER_ONLY}), ()),
    "leaf-and-intermediate-disagree": (
        lambda f, k: under(f, {"purposes": CLIENT_ONLY}, {"purposes": SERVER_ONLY}),
        ("purpose-server-missing",),
    ),
}

CASES = {**AUTHORITY, **VALIDITY, **CRYPTOGRAPHY, **PURPOSES}


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


@pytest.mark.parametrize(
    "name",
    [
        "intermediate-basic-constraints-not-critical",
        "root-basic-constraints-not-critical",
        "intermediate-without-key-usage",
        "root-without-key-usage",
        "intermediate-without-key-identifiers",
        "root-without-key-identifiers",
        "leaf-without-key-identifiers",
        "version-1-root",
        "leaf-without-purposes",
    ],
)
def test_what_is_forgiven_is_warned_of(forge: "Forge", kit: Any, name: str) -> None:
    """T10: strict partners refuse it, so the administrator is told before they do."""
    verdict = CASES[name][0](forge, kit).verdict()

    assert verdict.valid
    assert {fault.code for fault in verdict.warnings} == {"strict-profile"}
    assert all(fault.warning for fault in verdict.warnings)


def test_a_clean_chain_has_no_warning(forge: "Forge", kit: Any) -> None:
    assert under(forge, {}).verdict().warnings == ()


@pytest.mark.parametrize(
    ("name", "depth"), [("leaf-expired", 0), ("intermediate-expired", 1), ("root-expired", 2)]
)
def test_the_expired_link_is_named(forge: "Forge", kit: Any, name: str, depth: int) -> None:
    """V1, V2: which certificate expired, with both times."""
    (fault,) = CASES[name][0](forge, kit).verdict().faults

    assert fault.depth == depth
    assert "2026-11-22 12:00 UTC" in fault.why
    assert "2026-11-23 12:00 UTC" in fault.why
