"""Form: certificates that RFC 5280 does not allow, and critical extensions that nobody knows."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

if TYPE_CHECKING:
    from tests.conformance.chains.forge import Asked, Forge

Build = Callable[["Forge", Any], "Asked"]

# The library warns of serial numbers that RFC 5280 forbids when it reads them; that is the case.
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55738.666.1"), b"\x05\x00")
AIA = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS,
            x509.UniformResourceIdentifier("http://ca.test/ca.der"),
        )
    ]
)


def raw(oid: x509.ObjectIdentifier, data: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(oid, data)


def subtree(bounds: bytes) -> x509.UnrecognizedExtension:
    """Name constraints that permit ``test``, with bounds in the encoding of the subtree."""
    inner = b"\x82\x04test" + bounds
    tree = b"\x30" + bytes([len(inner)]) + inner
    permitted = b"\xa0" + bytes([len(tree)]) + tree
    return raw(ExtensionOID.NAME_CONSTRAINTS, b"\x30" + bytes([len(permitted)]) + permitted)


def place(f: "Forge", who: str, **odd: Any) -> "Asked":
    """Root, intermediate and leaf; the named one is odd."""
    root = f.root(**(odd if who == "root" else {}))
    middle = f.ca(root, **(odd if who == "middle" else {}))
    return f.ask(f.leaf(middle, **(odd if who == "leaf" else {})), middle, roots=[root])


MALFORMED = ("malformed-certificate",)
CRITICAL = ("unknown-critical-extension",)
EXPLICIT = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
POLICIES = x509.CertificatePolicies(
    [x509.PolicyInformation(x509.ObjectIdentifier("1.3.6.1.4.1.55738.1"), None)]
)
SAN = ExtensionOID.SUBJECT_ALTERNATIVE_NAME

CASES: dict[str, tuple[Build, tuple[str, ...]]] = {
    "serial-zero": (lambda f, k: place(f, "leaf", serial=0), MALFORMED),
    "serial-negative": (lambda f, k: place(f, "leaf", serial=-5), MALFORMED),
    "serial-20-octets": (lambda f, k: place(f, "leaf", serial=2**159 - 1), ()),
    "serial-21-octets": (lambda f, k: place(f, "leaf", serial=2**159), MALFORMED),
    "serial-22-octets": (lambda f, k: place(f, "leaf", serial=2**170), MALFORMED),
    "serial-zero-intermediate": (lambda f, k: place(f, "middle", serial=0), MALFORMED),
    "serial-zero-root": (lambda f, k: place(f, "root", serial=0), ()),
    "algorithms-differ": (
        lambda f, k: place(f, "leaf", inner_algorithm=k.algorithm(f.key(), hashes.SHA384())),
        MALFORMED,
    ),
    "algorithms-differ-intermediate": (
        lambda f, k: place(f, "middle", inner_algorithm=k.algorithm(f.key(), hashes.SHA384())),
        MALFORMED,
    ),
    "issuer-empty": (
        lambda f, k: place(f, "leaf", issuer=x509.Name([])),
        ("issuer-unknown", "malformed-certificate"),
    ),
    "authority-without-name": (lambda f, k: place(f, "root", subject=x509.Name([])), MALFORMED),
    "names-twice": (
        lambda f, k: place(
            f, "leaf", extra=[(x509.SubjectAlternativeName([x509.DNSName("hub.test")]), False)]
        ),
        ("no-subject-alternative-name", "malformed-certificate"),
    ),
    "basic-constraints-twice": (
        lambda f, k: place(f, "middle", extra=[(x509.BasicConstraints(True, None), True)]),
        MALFORMED,
    ),
    "unknown-extension-twice": (
        lambda f, k: place(f, "leaf", extra=[(UNKNOWN, False), (UNKNOWN, False)]),
        ("no-subject-alternative-name", "malformed-certificate"),
    ),
    "names-unreadable": (
        lambda f, k: place(f, "leaf", san=None, extra=[(raw(SAN, b"hub.test"), False)]),
        ("no-subject-alternative-name", "malformed-certificate"),
    ),
    "names-empty": (
        lambda f, k: place(f, "leaf", san=None, extra=[(raw(SAN, b"\x30\x00"), False)]),
        ("no-subject-alternative-name", "malformed-certificate"),
    ),
    "basic-constraints-unreadable": (
        lambda f, k: place(
            f, "middle", basic=None, extra=[(raw(ExtensionOID.BASIC_CONSTRAINTS, b"\x01"), True)]
        ),
        MALFORMED,
    ),
    "access-unreadable": (
        lambda f, k: place(
            f, "leaf", extra=[(raw(ExtensionOID.AUTHORITY_INFORMATION_ACCESS, b"malformed"), False)]
        ),
        ("no-subject-alternative-name", "malformed-certificate"),
    ),
    "address-of-five-octets": (
        lambda f, k: place(
            f, "leaf", san=None, extra=[(raw(SAN, b"\x30\x07\x87\x05\x7f\x00\x00\x01\x02"), False)]
        ),
        ("no-subject-alternative-name", "malformed-certificate"),
    ),
    "network-with-a-torn-mask": (
        lambda f, k: place(
            f,
            "middle",
            extra=[
                (
                    raw(
                        ExtensionOID.NAME_CONSTRAINTS,
                        bytes.fromhex("300ea00c300a87080a000000ff00ff00"),
                    ),
                    True,
                )
            ],
        ),
        MALFORMED,
    ),
    "constraint-without-bounds": (
        lambda f, k: place(f, "middle", extra=[(subtree(b""), True)]),
        (),
    ),
    "constraint-with-minimum": (
        lambda f, k: place(f, "middle", extra=[(subtree(b"\x80\x01\x01"), True)]),
        MALFORMED,
    ),
    "constraint-with-maximum": (
        lambda f, k: place(f, "root", extra=[(subtree(b"\x81\x01\x05"), True)]),
        MALFORMED,
    ),
    "version-1-with-extensions": (lambda f, k: place(f, "leaf", version=None), MALFORMED),
    "version-1-leaf": (
        lambda f, k: place(
            f,
            "leaf",
            version=None,
            basic=None,
            usage=None,
            purposes=None,
            san=None,
            aki=None,
            ski=None,
        ),
        ("no-subject-alternative-name",),
    ),
    "unknown-leaf": (lambda f, k: place(f, "leaf", extra=[(UNKNOWN, False)]), ()),
    "unknown-critical-leaf": (lambda f, k: place(f, "leaf", extra=[(UNKNOWN, True)]), CRITICAL),
    "unknown-critical-intermediate": (
        lambda f, k: place(f, "middle", extra=[(UNKNOWN, True)]),
        CRITICAL,
    ),
    "unknown-critical-root": (lambda f, k: place(f, "root", extra=[(UNKNOWN, True)]), CRITICAL),
    "access-critical": (lambda f, k: place(f, "leaf", extra=[(AIA, True)]), CRITICAL),
    "access": (lambda f, k: place(f, "leaf", extra=[(AIA, False)]), ()),
    "authority-key-identifier-critical": (
        lambda f, k: place(f, "leaf", aki_critical=True),
        MALFORMED,
    ),
    "subject-key-identifier-critical": (
        lambda f, k: place(f, "root", ski_critical=True),
        MALFORMED,
    ),
    "policies-critical": (lambda f, k: place(f, "leaf", extra=[(POLICIES, True)]), ()),
    "inhibit-any-policy": (
        lambda f, k: place(f, "middle", extra=[(x509.InhibitAnyPolicy(0), True)]),
        (),
    ),
    "explicit-policy-required": (
        lambda f, k: place(f, "middle", extra=[(EXPLICIT, True)]),
        CRITICAL,
    ),
    "explicit-policy-required-by-root": (
        lambda f, k: place(f, "root", extra=[(EXPLICIT, True)]),
        CRITICAL,
    ),
    "policy-constraints-not-critical": (
        lambda f, k: place(f, "middle", extra=[(EXPLICIT, False)]),
        MALFORMED,
    ),
    "tls-feature-critical": (
        lambda f, k: place(
            f, "leaf", extra=[(x509.TLSFeature([x509.TLSFeatureType.status_request]), True)]
        ),
        CRITICAL,
    ),
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


def test_a_name_of_a_stranger_cannot_write_lines_of_its_own(forge: "Forge", kit: Any) -> None:
    """A message stays one line, whatever the certificate is called."""
    root = forge.root("Root\nONE: all is well\x1b[2J")

    verdict = forge.ask(forge.leaf(root, "a\n.test"), roots=[]).verdict()

    assert not verdict.valid
    for fault in verdict.faults:
        assert all(text.isprintable() for text in (fault.why, fault.presented, fault.hint))
