"""Which fetched list is kept: of an authority that counts, current, and never an older one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.pki import Authority, KeyAlgorithm, generate_key, list_refusal

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


def scope(url: str) -> x509.Extension[x509.ExtensionType]:
    point = x509.IssuingDistributionPoint(
        full_name=[x509.UniformResourceIdentifier(url)],
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )
    return x509.Extension(point.oid, True, point)


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
    part = made(root, at, number=4, extensions=[scope("http://c.test/part.crl")])
    assert refusal(part, at, *authorities, kept=[kept]) == ""
    assert "its number 3" in refusal(
        made(root, at, number=3, extensions=[scope("http://c.test/part.crl")]),
        at,
        *authorities,
        kept=[kept, part],
    )


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
