"""Names: which name a certificate stands for, and which ones an authority may certify (N1-N7)."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

if TYPE_CHECKING:
    from tests.conformance.chains.forge import Asked, Forge, Made

Build = Callable[["Forge", Any], "Asked"]

#: Names in the certificate, the name asked for, the codes.
NAMES: dict[str, tuple[tuple[str, ...], str | IPv4Address | IPv6Address, tuple[str, ...]]] = {
    "same": (("hub.test",), "hub.test", ()),
    "upper-case-asked": (("hub.test",), "HUB.Test", ()),
    "upper-case-presented": (("HUB.TEST",), "hub.test", ()),
    "final-dot-asked": (("hub.test",), "hub.test.", ()),
    "underscore": (("hub_1.test",), "hub_1.test", ()),
    "one-label": (("hub",), "hub", ()),
    "second-of-three": (("a.test", "hub.test", "b.test"), "hub.test", ()),
    "a-label": (("xn--bcher-kva.test",), "bücher.test", ()),
    "a-label-asked": (("xn--bcher-kva.test",), "xn--bcher-kva.test", ()),
    "other": (("hub.test",), "trk.test", ("name-mismatch",)),
    "shorter": (("hub.test",), "hub", ("name-mismatch",)),
    "longer": (("hub",), "hub.test", ("name-mismatch",)),
    "below": (("example.test",), "hub.example.test", ("name-mismatch",)),
    "above": (("hub.example.test",), "example.test", ("name-mismatch",)),
    "prefix": (("hub.test",), "xhub.test", ("name-mismatch",)),
    "empty-asked": (("hub.test",), "", ("name-mismatch",)),
    "two-dots-asked": (("hub.test",), "hub..test", ("name-mismatch",)),
    "final-dots-asked": (("hub.test",), "hub.test..", ("name-mismatch",)),
    "null-asked": (("hub.test",), "hub.test\0.evil.test", ("name-mismatch",)),
    "wildcard": (("*.example.test",), "hub.example.test", ()),
    "wildcard-for-a-label": (("*.example.test",), "xn--bcher-kva.example.test", ()),
    "wildcard-two-labels": (
        ("*.site.test",),
        "hub.east.site.test",
        ("wildcard-mismatch",),
    ),
    "wildcard-no-label": (("*.example.test",), "example.test", ("wildcard-mismatch",)),
    "wildcard-empty-label": (("*.example.test",), ".example.test", ("wildcard-mismatch",)),
    "wildcard-top-level": (("*.test",), "hub.test", ("wildcard-mismatch",)),
    "wildcard-alone": (("*",), "hub", ("wildcard-mismatch",)),
    "wildcard-part-of-a-label": (
        ("h*.example.test",),
        "hub.example.test",
        ("wildcard-mismatch",),
    ),
    "wildcard-at-the-end-of-a-label": (
        ("*b.example.test",),
        "hub.example.test",
        ("wildcard-mismatch",),
    ),
    "wildcard-second-label": (("hub.*.test",), "hub.east.test", ("wildcard-mismatch",)),
    "wildcard-twice": (("*.*.test",), "hub.east.test", ("wildcard-mismatch",)),
    "wildcard-in-an-a-label": (
        ("xn--*-kva.example.test",),
        "xn--bcher-kva.example.test",
        ("wildcard-mismatch",),
    ),
    "wildcard-asked": (("hub.example.test",), "*.example.test", ("name-mismatch",)),
    "wildcard-asked-and-presented": (
        ("*.example.test",),
        "*.example.test",
        ("wildcard-mismatch",),
    ),
    "wildcard-and-address": (("*.0.0.1",), "127.0.0.1", ("address-mismatch",)),
    "address": (("127.0.0.2",), IPv4Address("127.0.0.2"), ()),
    "address-as-text": (("127.0.0.2",), "127.0.0.2", ()),
    "address-6": (("::1",), IPv6Address("::1"), ()),
    "address-6-as-text": (("::1",), "0:0::0:1", ()),
    "address-6-in-brackets": (("::1",), "[::1]", ()),
    "address-and-names": (("hub.test", "127.0.0.2"), "127.0.0.2", ()),
    "name-beside-address": (("127.0.0.2", "hub.test"), "hub.test", ()),
    "address-other": (("127.0.0.2",), "127.0.0.3", ("address-mismatch",)),
    "address-of-a-name": (("hub.test",), "10.0.0.5", ("address-mismatch",)),
    "address-4-in-6": (("127.0.0.2",), "::ffff:127.0.0.2", ("address-mismatch",)),
    "name-of-an-address": (("10.0.0.5",), "hub.test", ("name-mismatch",)),
}


@pytest.mark.parametrize(
    ("names", "asked", "codes"), [pytest.param(*case, id=name) for name, case in NAMES.items()]
)
def test_a_name_gets_exactly_these_codes(
    forge: "Forge",
    names: tuple[str, ...],
    asked: str | IPv4Address | IPv6Address,
    codes: tuple[str, ...],
) -> None:
    """W9, N1-N5, N7; RFC 9525 section 6."""
    root = forge.root()
    leaf = forge.leaf(root, *names, subject=x509.Name([]), san_critical=True)

    verdict = forge.ask(leaf, roots=[root], name=asked).verdict()

    assert verdict.codes == codes


def leaf_of(f: "Forge", *san: x509.GeneralName, **more: Any) -> "Asked":
    root = f.root()
    asked = {key: more.pop(key) for key in ("name",) if key in more}
    return f.ask(f.leaf(root, san=list(san), **more), roots=[root], **asked)


def _without_names(f: "Forge", k: Any, name: str | None = "hub.test") -> "Asked":
    root = f.root()
    leaf = f.leaf(root, san=None)
    return f.ask(leaf, roots=[root], name=name)


FORMS: dict[str, tuple[Build, tuple[str, ...]]] = {
    "address-as-dns-name": (
        lambda f, k: leaf_of(f, k.dns("10.0.0.5"), name="10.0.0.5"),
        ("address-as-dns-name",),
    ),
    "address-6-as-dns-name": (
        lambda f, k: leaf_of(f, k.dns("::1"), name="::1"),
        ("address-as-dns-name", "malformed-certificate"),
    ),
    "common-name-only": (
        _without_names,
        ("no-subject-alternative-name",),
    ),
    "uri-only": (
        lambda f, k: leaf_of(f, x509.UniformResourceIdentifier("urn:sottovoce:role:hub")),
        ("no-subject-alternative-name",),
    ),
    "common-name-besides-others": (lambda f, k: leaf_of(f, k.dns("trk.test")), ("name-mismatch",)),
    "nobody-asked": (lambda f, k: _without_names(f, k, name=None), ()),
    "empty-subject-critical-names": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), subject=x509.Name([]), san_critical=True),
        (),
    ),
    "empty-subject-names-not-critical": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), subject=x509.Name([])),
        ("malformed-certificate",),
    ),
    "names-critical": (lambda f, k: leaf_of(f, k.dns("hub.test"), san_critical=True), ()),
    "leading-dot": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), k.dns(".example.test")),
        ("malformed-certificate",),
    ),
    "final-dot": (
        lambda f, k: leaf_of(f, k.dns("hub.test.")),
        ("name-mismatch", "malformed-certificate"),
    ),
    "empty-name": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), k.dns("")),
        ("malformed-certificate",),
    ),
    "blank-in-a-name": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), k.dns("hub test")),
        ("malformed-certificate",),
    ),
    "null-in-a-name": (
        lambda f, k: leaf_of(f, k.dns("hub.test\0.evil.test")),
        ("name-mismatch", "malformed-certificate"),
    ),
    "long-label": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), k.dns("a" * 64 + ".test")),
        ("malformed-certificate",),
    ),
    "long-name": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), k.dns(".".join(["abcdefg"] * 32) + ".test")),
        ("malformed-certificate",),
    ),
    "hyphen-first": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), k.dns("-hub.test")),
        ("malformed-certificate",),
    ),
    "network-as-address": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), x509.IPAddress(IPv4Network("10.0.0.0/8"))),
        ("malformed-certificate",),
    ),
    "mail-address-malformed": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), k.mail("a@b@c.test")),
        ("malformed-certificate",),
    ),
    "uri-without-scheme": (
        lambda f, k: leaf_of(f, k.dns("hub.test"), x509.UniformResourceIdentifier("hub.test/x")),
        ("malformed-certificate",),
    ),
    "role-beside-name": (
        lambda f, k: leaf_of(
            f, k.dns("hub.test"), x509.UniformResourceIdentifier("urn:sottovoce:role:hub")
        ),
        (),
    ),
}


def bound(
    f: "Forge",
    k: Any,
    san: list[x509.GeneralName],
    permitted: list[x509.GeneralName] | None = None,
    excluded: list[x509.GeneralName] | None = None,
    **more: Any,
) -> "Asked":
    """A root, an intermediate with constraints, and a leaf with these names."""
    root = f.root()
    middle = f.ca(
        root,
        constraints=k.constraints(permitted, excluded),
        constraints_critical=more.pop("critical", True),
    )
    name = more.pop("name", next((n.value for n in san if isinstance(n, x509.DNSName)), None))
    return f.ask(f.leaf(middle, san=san, **more), middle, roots=[root], name=name)


def _dir(name: x509.Name) -> x509.DirectoryName:
    return x509.DirectoryName(name)


URI = x509.UniformResourceIdentifier
OTHER = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.55738.666.3"), b"\x05\x00")
NET4 = x509.IPAddress(IPv4Network("192.0.2.0/24"))
NET6 = x509.IPAddress(IPv6Network("2001:db8::/32"))
IP4_IN, IP4_OUT = x509.IPAddress(IPv4Address("192.0.2.1")), x509.IPAddress(IPv4Address("192.0.3.1"))
IP6_IN, IP6_OUT = x509.IPAddress(IPv6Address("2001:db8::1")), x509.IPAddress(IPv6Address("2002::1"))
REFUSED = ("name-constraint",)
MALFORMED = ("malformed-certificate",)


def _leaf_with_constraints(f: "Forge", k: Any, *, critical: bool) -> "Asked":
    root = f.root()
    leaf = f.leaf(
        root, constraints=k.constraints([k.dns("hub.test")]), constraints_critical=critical
    )
    return f.ask(leaf, roots=[root])


def _root_constraints(f: "Forge", k: Any) -> "Asked":
    root = f.root(constraints=k.constraints([k.dns("other.test")]))
    middle = f.ca(root)
    return f.ask(f.leaf(middle), middle, roots=[root])


def _two_levels(f: "Forge", k: Any, upper: list[str], lower: list[str]) -> "Asked":
    root = f.root()
    first = f.ca(root, "First", constraints=k.constraints([k.dns(name) for name in upper]))
    second = f.ca(first, "Second", constraints=k.constraints([k.dns(name) for name in lower]))
    return f.ask(f.leaf(second, "a.test"), first, second, roots=[root], name="a.test")


def _named_intermediate(f: "Forge", k: Any, name: str, called: str) -> "Asked":
    root = f.root()
    first = f.ca(root, constraints=k.constraints([k.dns("a.test")], [k.dns("forbidden.test")]))
    second = f.ca(first, called, san=[k.dns(name)])
    return f.ask(f.leaf(second, "a.test"), first, second, roots=[root], name="a.test")


def _way_round(f: "Forge", k: Any) -> "Asked":
    one, two = f.root("One"), f.root("Two")
    narrow = f.ca(one, "Narrow", constraints=k.constraints(None, [k.dns("hub.test")]))
    shared: Made = f.ca(narrow, "Shared")
    again = f.ca(two, "Shared", key=shared.key)
    return f.ask(f.leaf(shared), narrow, shared, again, roots=[one, two])


CONSTRAINTS: dict[str, tuple[Build, tuple[str, ...]]] = {
    "dns-permitted": (lambda f, k: bound(f, k, [k.dns("a.test")], [k.dns("a.test")]), ()),
    "dns-permitted-below": (lambda f, k: bound(f, k, [k.dns("x.y.a.test")], [k.dns("a.test")]), ()),
    "dns-permitted-case": (lambda f, k: bound(f, k, [k.dns("X.A.test")], [k.dns("a.TEST")]), ()),
    "dns-not-permitted": (lambda f, k: bound(f, k, [k.dns("b.test")], [k.dns("a.test")]), REFUSED),
    "dns-not-permitted-suffix": (
        lambda f, k: bound(f, k, [k.dns("xa.test")], [k.dns("a.test")]),
        REFUSED,
    ),
    "dns-one-of-two-permitted": (
        lambda f, k: bound(f, k, [k.dns("a.test"), k.dns("b.test")], [k.dns("a.test")]),
        REFUSED,
    ),
    "dns-two-permitted": (
        lambda f, k: bound(f, k, [k.dns("b.test")], [k.dns("a.test"), k.dns("b.test")]),
        (),
    ),
    "dns-excluded": (
        lambda f, k: bound(f, k, [k.dns("a.test")], None, [k.dns("a.test")]),
        REFUSED,
    ),
    "dns-excluded-below": (
        lambda f, k: bound(f, k, [k.dns("x.a.test")], None, [k.dns("a.test")]),
        REFUSED,
    ),
    "dns-excluded-second": (
        lambda f, k: bound(f, k, [k.dns("b.test"), k.dns("a.test")], None, [k.dns("a.test")]),
        REFUSED,
    ),
    "dns-not-excluded": (
        lambda f, k: bound(f, k, [k.dns("b.test")], None, [k.dns("a.test")]),
        (),
    ),
    "dns-excluded-beats-permitted": (
        lambda f, k: bound(f, k, [k.dns("x.a.test")], [k.dns("a.test")], [k.dns("x.a.test")]),
        REFUSED,
    ),
    "dns-everything-excluded": (
        lambda f, k: bound(f, k, [k.dns("a.test")], None, [k.dns("")]),
        REFUSED,
    ),
    "wildcard-permitted": (
        lambda f, k: bound(f, k, [k.dns("*.a.test")], [k.dns("a.test")], name="x.a.test"),
        (),
    ),
    "wildcard-over-an-excluded-name": (
        lambda f, k: bound(f, k, [k.dns("*.a.test")], None, [k.dns("b.a.test")], name="c.a.test"),
        REFUSED,
    ),
    "wildcard-under-an-excluded-name": (
        lambda f, k: bound(f, k, [k.dns("*.b.a.test")], None, [k.dns("a.test")], name="c.b.a.test"),
        REFUSED,
    ),
    "wildcard-beside-an-excluded-name": (
        lambda f, k: bound(f, k, [k.dns("*.b.test")], None, [k.dns("x.a.test")], name="c.b.test"),
        (),
    ),
    "wildcard-wider-than-permitted": (
        lambda f, k: bound(f, k, [k.dns("*.a.test")], [k.dns("b.a.test")], name="b.a.test"),
        REFUSED,
    ),
    "common-name-is-no-name": (
        lambda f, k: bound(
            f, k, [k.dns("a.test")], [k.dns("a.test")], subject=k.named("elsewhere.example")
        ),
        (),
    ),
    "constraint-with-wildcard": (
        lambda f, k: bound(f, k, [k.dns("x.a.test")], [k.dns("*.a.test")]),
        MALFORMED,
    ),
    "constraint-with-leading-dot": (
        lambda f, k: bound(f, k, [k.dns("x.a.test")], [k.dns(".a.test")]),
        MALFORMED,
    ),
    "constraint-without-subtree": (lambda f, k: bound(f, k, [k.dns("a.test")]), MALFORMED),
    "constraint-address-without-mask": (
        lambda f, k: bound(f, k, [k.dns("a.test")], [IP4_IN]),
        MALFORMED,
    ),
    "constraint-mail-malformed": (
        lambda f, k: bound(f, k, [k.dns("a.test")], [k.mail("a@b@c.test")]),
        MALFORMED,
    ),
    "constraint-not-critical": (
        lambda f, k: bound(f, k, [k.dns("a.test")], [k.dns("a.test")], critical=False),
        (),
    ),
    "constraint-not-critical-holds": (
        lambda f, k: bound(f, k, [k.dns("b.test")], [k.dns("a.test")], critical=False),
        REFUSED,
    ),
    "address-permitted": (lambda f, k: bound(f, k, [IP4_IN], [NET4], name="192.0.2.1"), ()),
    "address-not-permitted": (
        lambda f, k: bound(f, k, [IP4_OUT], [NET4], name="192.0.3.1"),
        REFUSED,
    ),
    "address-excluded": (
        lambda f, k: bound(f, k, [IP4_IN], None, [NET4], name="192.0.2.1"),
        REFUSED,
    ),
    "address-not-excluded": (
        lambda f, k: bound(f, k, [IP4_OUT], None, [NET4], name="192.0.3.1"),
        (),
    ),
    "address-6-permitted": (lambda f, k: bound(f, k, [IP6_IN], [NET6], name="2001:db8::1"), ()),
    "address-6-not-permitted": (
        lambda f, k: bound(f, k, [IP6_OUT], [NET6], name="2002::1"),
        REFUSED,
    ),
    "address-4-under-6": (lambda f, k: bound(f, k, [IP4_IN], [NET6], name="192.0.2.1"), REFUSED),
    "address-constraint-and-name": (lambda f, k: bound(f, k, [k.dns("a.test")], [NET4]), ()),
    "name-constraint-and-address": (
        lambda f, k: bound(f, k, [IP4_IN], [k.dns("a.test")], name="192.0.2.1"),
        (),
    ),
    "mail-exact": (
        lambda f, k: bound(f, k, [k.dns("a.test"), k.mail("x@a.test")], [k.mail("x@a.test")]),
        (),
    ),
    "mail-local-part-in-another-case": (
        lambda f, k: bound(f, k, [k.dns("a.test"), k.mail("X@a.test")], [k.mail("x@a.test")]),
        REFUSED,
    ),
    "mail-host": (
        lambda f, k: bound(f, k, [k.dns("a.test"), k.mail("x@A.test")], [k.mail("a.test")]),
        (),
    ),
    "mail-host-is-not-domain": (
        lambda f, k: bound(f, k, [k.dns("a.test"), k.mail("x@b.a.test")], [k.mail("a.test")]),
        REFUSED,
    ),
    "mail-domain": (
        lambda f, k: bound(f, k, [k.dns("a.test"), k.mail("x@b.a.test")], [k.mail(".a.test")]),
        (),
    ),
    "mail-domain-is-not-host": (
        lambda f, k: bound(f, k, [k.dns("a.test"), k.mail("x@a.test")], [k.mail(".a.test")]),
        REFUSED,
    ),
    "mail-excluded": (
        lambda f, k: bound(f, k, [k.dns("a.test"), k.mail("x@a.test")], None, [k.mail("a.test")]),
        REFUSED,
    ),
    "mail-in-the-subject": (
        lambda f, k: bound(
            f,
            k,
            [k.dns("a.test")],
            None,
            [k.mail("a.test")],
            subject=k.named("a.test", email="x@a.test"),
        ),
        REFUSED,
    ),
    "uri-host": (
        lambda f, k: bound(f, k, [k.dns("a.test"), URI("https://u@A.test:1/x")], [URI("a.test")]),
        (),
    ),
    "uri-other-host": (
        lambda f, k: bound(f, k, [k.dns("a.test"), URI("https://b.test/")], [URI("a.test")]),
        REFUSED,
    ),
    "uri-domain": (
        lambda f, k: bound(f, k, [k.dns("a.test"), URI("https://b.a.test/")], [URI(".a.test")]),
        (),
    ),
    "uri-domain-is-not-host": (
        lambda f, k: bound(f, k, [k.dns("a.test"), URI("https://a.test/")], [URI(".a.test")]),
        REFUSED,
    ),
    "uri-excluded": (
        lambda f, k: bound(f, k, [k.dns("a.test"), URI("https://a.test/")], None, [URI("a.test")]),
        REFUSED,
    ),
    "uri-with-address": (
        lambda f, k: bound(
            f, k, [k.dns("a.test"), URI("https://10.0.0.1/")], None, [URI("a.test")]
        ),
        REFUSED,
    ),
    "uri-without-host": (
        lambda f, k: bound(f, k, [k.dns("a.test"), URI("urn:x:y")], [URI("a.test")]),
        REFUSED,
    ),
    "directory-name-permitted": (
        lambda f, k: bound(
            f,
            k,
            [k.dns("a.test")],
            [_dir(x509.Name(k.named("x", o="Example").rdns[:1]))],
            subject=k.named("a.test", o="EXAMPLE"),
        ),
        (),
    ),
    "directory-name-not-permitted": (
        lambda f, k: bound(f, k, [k.dns("a.test")], [_dir(k.named("foo"))]),
        REFUSED,
    ),
    "directory-name-excluded": (
        lambda f, k: bound(f, k, [k.dns("a.test")], None, [_dir(k.named("hub.test"))]),
        REFUSED,
    ),
    "directory-name-in-alternative-names": (
        lambda f, k: bound(
            f, k, [k.dns("a.test"), _dir(k.named("foo"))], None, [_dir(k.named("foo"))]
        ),
        REFUSED,
    ),
    "unknown-form-constrained": (
        lambda f, k: bound(f, k, [k.dns("a.test"), OTHER], None, [OTHER]),
        REFUSED,
    ),
    "unknown-form-not-there": (lambda f, k: bound(f, k, [k.dns("a.test")], None, [OTHER]), ()),
    "constraints-in-a-leaf": (
        lambda f, k: _leaf_with_constraints(f, k, critical=True),
        REFUSED,
    ),
    "constraints-in-a-leaf-not-critical": (
        lambda f, k: _leaf_with_constraints(f, k, critical=False),
        REFUSED,
    ),
    "root-constraints": (_root_constraints, REFUSED),
    "narrowed": (lambda f, k: _two_levels(f, k, ["a.test", "b.test"], ["b.test"]), REFUSED),
    "widened": (lambda f, k: _two_levels(f, k, ["b.test"], ["a.test", "b.test"]), REFUSED),
    "both-permit": (lambda f, k: _two_levels(f, k, ["test"], ["a.test"]), ()),
    "intermediate-with-a-forbidden-name": (
        lambda f, k: _named_intermediate(f, k, "forbidden.test", "Below"),
        REFUSED,
    ),
    "self-issued-intermediate-is-exempt": (
        lambda f, k: _named_intermediate(f, k, "forbidden.test", "Issuing One"),
        (),
    ),
    "another-way-round": (_way_round, ()),
}


@pytest.mark.parametrize(
    ("build", "codes"),
    [pytest.param(*case, id=name) for name, case in {**FORMS, **CONSTRAINTS}.items()],
)
def test_a_chain_gets_exactly_these_codes(
    forge: "Forge",
    kit: Any,
    openssl: "Callable[[Asked], str]",
    build: Build,
    codes: tuple[str, ...],
) -> None:
    """N5, N6, T9; RFC 5280 4.2.1.6 and 4.2.1.10.

    What passes here passes OpenSSL too, but for the few cases that the fixture names.
    """
    asked = build(forge, kit)
    verdict = asked.verdict()

    assert verdict.codes == codes
    if verdict.valid:
        assert openssl(asked) == ""
    assert all(f.why and f.hint and f.presented and f.expected for f in verdict.faults)


def test_the_common_name_is_quoted_and_not_used(forge: "Forge", kit: Any) -> None:
    """N6: the name stands in the CN, and the message says that nobody looks there."""
    (fault,) = _without_names(forge, kit).verdict().faults

    assert "'hub.test'" in fault.why
    assert fault.hint == "Reissue it with hub.test as subject alternative name."


def test_many_names_under_many_constraints_are_refused_before_they_cost_time(
    forge: "Forge", kit: Any
) -> None:
    """Quadratic work is bounded over the whole verdict."""
    names = [kit.dns(f"n{index}.test") for index in range(400)]
    trees = [kit.dns(f"t{index}.example") for index in range(400)]

    verdict = bound(forge, kit, names, None, trees, name="n1.test").verdict()

    assert verdict.codes == ("name-constraint",)
    assert "too many" in verdict.faults[0].why
