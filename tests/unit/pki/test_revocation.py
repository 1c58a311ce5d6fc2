"""Which fetched list is kept: of an authority that counts, current, and never an older one."""

import subprocess
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.conformance.chains import forge

from sottovoce.pki import (
    Authority,
    KeyAlgorithm,
    Purpose,
    RevocationEvidence,
    generate_key,
    list_refusal,
    verify,
)

HOUR = timedelta(hours=1)


def made(
    by: Authority,
    at: datetime,
    *,
    number: int | None = 5,
    begin: timedelta = -HOUR,
    end: timedelta | None = HOUR,
    extensions: Sequence[x509.Extension[x509.ExtensionType]] = (),
) -> x509.CertificateRevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(at + begin)
        .next_update(at + (end or HOUR))
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(by.key, hashes.SHA256())


def scope(url: str = "", **named: Any) -> x509.Extension[x509.ExtensionType]:
    usual = {
        "full_name": [x509.UniformResourceIdentifier(url)] if url else None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    point = x509.IssuingDistributionPoint(**{**usual, **named})
    return x509.Extension(point.oid, True, point)


def bare(
    by: Authority, at: datetime, *, issuer: bytes = b"", end: bytes = b""
) -> x509.CertificateRevocationList:
    """Sign a list of the first version, with what no builder leaves out or puts in."""
    algorithm = forge.algorithm(by.key, hashes.SHA256())
    name = issuer or by.certificate.subject.public_bytes()
    body = forge.tlv(0x30, algorithm, name, forge.moment(at - HOUR), end)
    signature = forge.tlv(3, b"\0" + forge.sign(by.key, body, hashes.SHA256()))
    return x509.load_der_x509_crl(forge.tlv(0x30, body, algorithm, signature))


def refusal(
    item: x509.CertificateRevocationList,
    at: datetime,
    *issuers: x509.Certificate,
    kept: Sequence[x509.CertificateRevocationList] = (),
) -> str:
    return list_refusal(item, issuers=issuers, kept=kept, at=at)


def test_a_list_of_an_authority_that_counts_is_kept(
    root: Authority, issuing: Authority, at: datetime
) -> None:
    authorities = (root.certificate, issuing.certificate)
    for by in (root, issuing):
        assert refusal(made(by, at), at, *authorities) == ""
    assert refusal(made(root, at, number=None), at, *authorities) == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"begin": HOUR / 2}, "it begins 2026-11-23 12:30 UTC"),
        ({"begin": -2 * HOUR, "end": -HOUR}, "it ended 2026-11-23 11:00 UTC"),
        (
            {
                "extensions": [
                    x509.Extension(x509.DeltaCRLIndicator.oid, True, x509.DeltaCRLIndicator(4))
                ]
            },
            "the list has the critical extension 2.5.29.27",
        ),
    ],
)
def test_a_list_that_does_not_count_is_not_kept(
    root: Authority, at: datetime, changed: dict[str, object], why: str
) -> None:
    assert refusal(made(root, at, **changed), at, root.certificate) == why  # type: ignore[arg-type]


def test_a_list_of_somebody_else_is_not_kept(
    root: Authority, issuing: Authority, at: datetime
) -> None:
    """A name alone is no signature."""
    assert "no authority that counts" in refusal(made(issuing, at), at, root.certificate)
    twin = Authority.create_root(
        "Root One",
        key=generate_key(KeyAlgorithm.EC_P256),
        serial=9,
        not_before=at - HOUR,
        not_after=at + HOUR,
    )
    forged = made(twin, at)
    assert (
        refusal(forged, at, root.certificate) == "it is not signed by the authority that it names"
    )
    assert refusal(forged, at, root.certificate, twin.certificate) == ""


def test_a_list_never_goes_back(root: Authority, issuing: Authority, at: datetime) -> None:
    """Whoever serves an old list hides what was revoked since."""
    kept = made(root, at, number=5)
    authorities = (root.certificate, issuing.certificate)
    older = made(root, at, number=4)
    assert refusal(older, at, *authorities, kept=[kept]) == "its number 4 is below 5, which is kept"
    earlier = made(root, at, number=5, begin=-2 * HOUR)
    assert "before the one that is kept" in refusal(earlier, at, *authorities, kept=[kept])
    assert refusal(kept, at, *authorities, kept=[kept]) == ""
    assert refusal(made(issuing, at, number=1), at, *authorities, kept=[kept]) == ""
    unnumbered = made(root, at, number=None)
    assert "its number 0 is below 5" in refusal(unnumbered, at, *authorities, kept=[kept])
    assert refusal(kept, at, *authorities, kept=[unnumbered]) == ""
    part = made(root, at, number=4, extensions=[scope("http://c.test/part.crl")])
    assert refusal(part, at, *authorities, kept=[kept]) == ""
    assert "its number 3" in refusal(
        made(root, at, number=3, extensions=[scope("http://c.test/part.crl")]),
        at,
        *authorities,
        kept=[kept, part],
    )


def test_a_list_without_a_next_update_is_not_kept_and_serves_nobody(
    root: Authority, issuing: Authority, leaf: x509.Certificate, at: datetime, tmp_path: Path
) -> None:
    """RFC 5280 5.1.2.5 asks for one. ``openssl`` says that nothing else is wrong with the list."""
    endless = bare(issuing, at)
    (tmp_path / "ca.pem").write_bytes(issuing.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "list.pem").write_bytes(endless.public_bytes(Encoding.PEM))
    judged = subprocess.run(
        ("openssl", "crl", "-in", "list.pem", "-CAfile", "ca.pem", "-noout", "-nextupdate"),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert judged.stdout == "nextUpdate=NONE\n"
    assert judged.stderr == "verify OK\n"
    assert refusal(endless, at, issuing.certificate) == "it has no next update (5.1.2.5)"
    above = made(root, at)
    assert "no next update" in silence(leaf, issuing, root, at, endless, above)
    whole = bare(issuing, at, end=forge.moment(at + HOUR))
    assert silence(leaf, issuing, root, at, whole, above) == ""


def silence(
    leaf: x509.Certificate,
    issuing: Authority,
    root: Authority,
    at: datetime,
    *lists: x509.CertificateRevocationList,
) -> str:
    """Say what keeps the lists from vouching for a chain; empty when nothing does."""
    verdict = verify(
        [leaf, issuing.certificate],
        roots=[root.certificate],
        purpose=Purpose.SERVER,
        name="hub.test",
        at=at,
        crls=RevocationEvidence(lists=lists),
    )
    assert set(verdict.codes) <= {"revocation-unknown"}
    return "; ".join(fault.presented for fault in verdict.faults)


@pytest.mark.parametrize(
    ("whose", "named", "why"),
    [
        ("issuing", {"only_contains_ca_certs": True}, "the list is for CA certificates only"),
        ("root", {"only_contains_user_certs": True}, "the list is for servers' certificates only"),
        ("issuing", {"only_contains_user_certs": True}, ""),
        ("root", {"only_contains_ca_certs": True}, ""),
        (
            "issuing",
            {
                "relative_name": x509.RelativeDistinguishedName(
                    [x509.NameAttribute(NameOID.COMMON_NAME, "part")]
                )
            },
            "the list names its distribution point relatively",
        ),
    ],
)
def test_a_list_that_is_not_for_this_certificate_says_nothing_of_it(
    root: Authority,
    issuing: Authority,
    leaf: x509.Certificate,
    at: datetime,
    whose: str,
    named: dict[str, Any],
    why: str,
) -> None:
    by = {"root": root, "issuing": issuing}
    lists = [
        made(each, at, extensions=[scope(**named)] if name == whose else [])
        for name, each in by.items()
    ]
    assert silence(leaf, issuing, root, at, *lists) == why


def test_a_list_whose_issuer_cannot_be_read_serves_nobody(
    root: Authority, issuing: Authority, leaf: x509.Certificate, at: datetime
) -> None:
    broken = forge.tlv(0x30, forge.oid("2.5.4.3"), forge.tlv(0x0C, b"\xff\xfe"))
    name = forge.tlv(0x30, forge.tlv(0x31, broken))
    nobodys = bare(issuing, at, issuer=name, end=forge.moment(at + HOUR))
    assert refusal(nobodys, at, issuing.certificate).startswith("the list cannot be read (")
    assert silence(leaf, issuing, root, at, nobodys, made(root, at)) == "none"


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (x509.InvalidityDate(datetime(2026, 11, 20)), ""),  # noqa: DTZ001 - UTC by its own account
        (x509.CRLReason(x509.ReasonFlags.superseded), ""),
        (
            x509.CertificateIssuer([x509.DNSName("elsewhere.test")]),
            "an entry has the critical extension 2.5.29.29",
        ),
    ],
)
def test_what_is_critical_in_an_entry_must_be_known(
    root: Authority, at: datetime, entry: x509.ExtensionType, why: str
) -> None:
    """RFC 5280 5.3: a list with an entry that is not understood must not be used at all."""
    plain = x509.RevokedCertificateBuilder().serial_number(8).revocation_date(at - HOUR)
    marked = plain.add_extension(entry, critical=True)
    item = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(at - HOUR)
        .next_update(at + HOUR)
        .add_extension(x509.CRLNumber(7), critical=False)
        .add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(7)
            .revocation_date(at - HOUR)
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
            .build()
        )
        .add_revoked_certificate(marked.build())
        .sign(root.key, hashes.SHA256())
    )
    assert refusal(item, at, root.certificate) == why


def test_no_altered_list_is_kept(root: Authority, at: datetime) -> None:
    """Whatever single bit is turned over: refused, or it says the same, and nothing is raised.

    It can say the same: a signature's BIT STRING may count its last bit as unused when that is 0.
    """
    good = made(root, at)
    data = good.public_bytes(Encoding.DER)
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 1
        try:
            item = x509.load_der_x509_crl(bytes(altered))
        except (ValueError, x509.InvalidVersion):
            continue
        if (item.tbs_certlist_bytes, item.signature) != (good.tbs_certlist_bytes, good.signature):
            assert refusal(item, at, root.certificate) != ""
